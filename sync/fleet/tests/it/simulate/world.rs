//! The world: time, a line that is there or not, and everything that goes wrong by seed.

use super::{
    hub::{Hub, SLOT},
    node::{HOUR, MINUTE, Node},
};
use crate::bench::{Random, member, release_of, slot};
use aisle_event::Timestamp;
use aisle_fleet::{
    Input, Member, NodeId, Release, RolloutPhase,
    rollout::{Status, Verb},
};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap},
};

/// When the world begins: 2026-11-22.
pub const EPOCH_MS: i64 = 1_795_305_600_000;
const DAY: u64 = 24 * HOUR;

/// What is wrong with the bad release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    Traps,
    Errors,
    FailsSmokeTest,
    FailsActivation,
    CrashLoops,
}

pub fn is_bad(release: &Release) -> bool {
    release.version.as_str() == "3.0"
}

pub enum Happens {
    /// An effect of this process comes to its end.
    Ends(u32, Box<Input>),
    /// Shoppers come to this process.
    Traffic(u32),
    /// The process dies; this one only, where one is named.
    Crashes(Option<u32>),
    Wakes,
    Goes,
    Comes,
    ClockLeaps,
    DiskIsCleared,
}

pub struct World {
    seed: u64,
    random: Random,
    now: u64,
    nodes: Vec<Node>,
    places: HashMap<NodeId, usize>,
    hub: Hub,
    queue: BinaryHeap<Reverse<(u64, u64, usize)>>,
    happens: HashMap<u64, Happens>,
    count: u64,
    bad: Bad,
    /// From here on nothing goes wrong any more.
    is_calm: bool,
    pub tries: usize,
    /// Who was in the first wave of the bad release.
    first_wave: BTreeSet<NodeId>,
    bad_phase: Option<RolloutPhase>,
}

impl World {
    pub fn new(seed: u64, count: usize, bad: Bad) -> Self {
        let mut random = Random(seed);
        let nodes: Vec<Node> = (0..count)
            .map(|at| {
                let region = if random.percent(25) { "de" } else { "us" };
                let labels = if at % 4 == 0 {
                    vec![("region", region), ("pilot", "")]
                } else {
                    vec![("region", region)]
                };
                Node::new(member(&format!("s{at:05}"), &labels), &mut random)
            })
            .collect();
        let places = nodes.iter().enumerate().map(|(at, node)| (node.member.id.clone(), at)).collect();
        let mut world = Self {
            seed,
            random,
            now: 0,
            nodes,
            places,
            hub: Hub::new(),
            queue: BinaryHeap::new(),
            happens: HashMap::new(),
            count: 0,
            bad,
            is_calm: false,
            tries: 0,
            first_wave: BTreeSet::new(),
            bad_phase: None,
        };
        for at in 0..count {
            world.fate(at);
            if !world.nodes[at].is_online {
                let back = world.random.below(2 * DAY);
                world.put(at, back, Happens::Comes);
            }
            if world.nodes[at].disk_free_bytes < 1 << 30 {
                world.put(at, DAY, Happens::DiskIsCleared);
            }
        }
        world
    }

    pub fn is_bad_stopped(&self) -> bool {
        self.bad_phase.as_ref().is_some_and(|phase| matches!(phase, RolloutPhase::RolledBack { .. }))
    }

    pub fn told(&self) -> String {
        format!("{} events, {} days", self.count, self.now / DAY)
    }

    fn wall(&self) -> Timestamp {
        Timestamp(EPOCH_MS + self.now as i64)
    }

    fn put(&mut self, at: usize, after: u64, happens: Happens) {
        self.count += 1;
        self.happens.insert(self.count, happens);
        self.queue.push(Reverse((self.now + after, self.count, at)));
    }

    /// What goes wrong next at a node.
    fn fate(&mut self, at: usize) {
        if self.is_calm {
            return;
        }
        let random = &mut self.random;
        let (after, happens) = match random.below(100) {
            0..40 => (random.below(6 * DAY), Happens::Crashes(None)),
            40..90 => (random.below(8 * DAY), Happens::Goes),
            _ => (random.below(8 * DAY), Happens::ClockLeaps),
        };
        self.put(at, after, happens);
    }

    /// The baseline, a bad release, a good one; then calm.
    pub fn run(&mut self) {
        let all: Vec<NodeId> = self.nodes.iter().map(|node| node.member.id.clone()).collect();
        self.changed(&all);
        self.pass(DAY);
        self.roll_out("bad", release_of("bad", "3.0"));
        self.first_wave = self
            .hub
            .last()
            .nodes()
            .iter()
            .filter(|(_, p)| p.wave == 0)
            .map(|(node, _)| node.clone())
            .collect();
        self.until_over(4 * DAY);
        self.bad_phase = Some(self.hub.last().phase().clone());
        if !self.hub.last().phase().is_over() {
            // Nobody of the first wave is there: people give up.
            self.say(Verb::Rollback { why: "enough".into() });
            self.pass(HOUR);
            self.say(Verb::Finish);
            self.bad_phase = Some(self.hub.last().phase().clone());
        }
        loop {
            self.tries += 1;
            self.roll_out(&format!("good-{}", self.tries), release_of("good", "4.0"));
            self.until_over(10 * DAY);
            if self.hub.last().phase() == &RolloutPhase::Done {
                break;
            }
            if self.is_calm {
                panic!("seed {}: calm, and not done: {}", self.seed, self.stuck());
            }
            self.calm();
            if !self.hub.last().phase().is_over() {
                self.say(Verb::RetryFailed);
                self.until_over(10 * DAY);
                if self.hub.last().phase() == &RolloutPhase::Done {
                    break;
                }
            }
            if !self.hub.last().phase().is_over() {
                panic!("seed {}: calm, and not over: {}", self.seed, self.stuck());
            }
        }
        self.calm();
        self.pass(DAY);
        self.check();
    }

    fn stuck(&self) -> String {
        let open = self.hub.last().nodes().iter().filter(|(_, p)| p.status != Status::Passed);
        let of = |(node, progress): (&NodeId, &aisle_fleet::rollout::Progress)| {
            let machine = &self.nodes[self.places[node]].machine;
            format!(
                "{node} {:?} {:?} {:?}",
                progress.status,
                progress.waits,
                machine.report().slots.get(&slot(SLOT))
            )
        };
        let open: Vec<String> = open.take(3).map(of).collect();
        format!("{:?}\n{}", self.hub.last().view(), open.join("\n"))
    }

    fn calm(&mut self) {
        self.is_calm = true;
        for at in 0..self.nodes.len() {
            self.nodes[at].wrong_ms = 0;
            self.nodes[at].disk_free_bytes = 1 << 40;
            self.come(at);
        }
    }

    fn check(&self) {
        for node in &self.nodes {
            let id = &node.member.id;
            let runs: Vec<String> =
                node.active.iter().map(|(slot, release)| format!("{slot} {}", release.version)).collect();
            let report = node.machine.report();
            assert_eq!(runs, ["catalogue 7", "plugin/a 4.0"], "seed {}: {id}: {report:?}", self.seed);
            assert!(
                report.is_settled() && report.drift().count() == 0,
                "seed {}: {id}: {report:?}",
                self.seed
            );
            assert_eq!(
                report.desired,
                self.hub.stamp(id),
                "seed {}: {id} goes by what it was told last",
                self.seed
            );
            let had_bad = node.activated.iter().any(is_bad);
            assert!(
                !had_bad || self.first_wave.contains(id),
                "seed {}: {id} had the bad release, and is not of its first wave",
                self.seed
            );
        }
    }

    fn members(&self) -> Vec<Member> {
        self.nodes.iter().map(|node| node.member.clone()).collect()
    }

    fn roll_out(&mut self, name: &str, release: Release) {
        let members = self.members();
        let changed = self.hub.roll_out(name, release, &members, self.wall());
        self.changed(&changed);
        self.tick();
    }

    fn say(&mut self, verb: Verb) {
        let changed = self.hub.say(verb, self.wall());
        self.changed(&changed);
    }

    fn changed(&mut self, nodes: &[NodeId]) {
        let distinct: BTreeSet<&NodeId> = nodes.iter().collect();
        let nodes: Vec<&Node> = distinct.into_iter().map(|node| &self.nodes[self.places[node]]).collect();
        let wall = Timestamp(EPOCH_MS + self.now as i64);
        for (node, input) in self.hub.resolve(&nodes, wall) {
            let at = self.places[&node];
            if self.nodes[at].is_online {
                self.hear(at, input);
            } else {
                self.nodes[at].unheard = Some(input);
            }
        }
    }

    fn hear(&mut self, at: usize, input: Input) {
        let mut happens = Vec::new();
        let before = self.nodes[at].wakes_at;
        self.nodes[at].hear(self.now, input, self.bad, &mut happens);
        self.follow(at, before, happens);
    }

    fn follow(&mut self, at: usize, woke_at: u64, happens: Vec<(u64, Happens)>) {
        for (when, happens) in happens {
            self.put(at, when - self.now, happens);
        }
        let wakes_at = self.nodes[at].wakes_at;
        if wakes_at != u64::MAX && (wakes_at < woke_at || woke_at <= self.now) {
            self.put(at, wakes_at.saturating_sub(self.now).max(1), Happens::Wakes);
        }
        if self.nodes[at].is_online
            && let Some(report) = self.nodes[at].unsaid.take()
        {
            let node = self.nodes[at].member.id.clone();
            let changed = self.hub.report(&node, &report, self.wall());
            self.changed(&changed);
        }
    }

    fn come(&mut self, at: usize) {
        if self.nodes[at].is_online {
            return;
        }
        self.nodes[at].is_online = true;
        let unheard = self.nodes[at].unheard.take();
        // A connection is a report, too.
        let report = self.nodes[at].machine.report();
        self.nodes[at].unsaid = Some(report);
        self.hear(at, unheard.unwrap_or(Input::Tick));
    }

    fn tick(&mut self) {
        let seen: Vec<NodeId> =
            self.nodes.iter().filter(|node| node.is_online).map(|node| node.member.id.clone()).collect();
        let changed = self.hub.tick(&seen, self.wall());
        self.changed(&changed);
    }

    fn until_over(&mut self, longest: u64) {
        let end = self.now + longest;
        while self.now < end && !self.hub.last().phase().is_over() {
            self.pass(HOUR);
        }
    }

    /// Lets time pass; the hub looks every ten minutes.
    fn pass(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.now < end {
            let tick = (self.now / (10 * MINUTE) + 1) * 10 * MINUTE;
            while let Some(Reverse((when, id, at))) =
                self.queue.peek().copied().filter(|next| next.0.0 <= tick)
            {
                self.queue.pop();
                self.now = self.now.max(when);
                if let Some(happens) = self.happens.remove(&id) {
                    self.happen(at, happens);
                }
            }
            self.now = tick;
            self.tick();
        }
    }

    fn happen(&mut self, at: usize, happens: Happens) {
        let process = self.nodes[at].process;
        match happens {
            Happens::Ends(of, input) if of == process => self.hear(at, *input),
            Happens::Traffic(of) if of == process => {
                let (mut happens, before) = (Vec::new(), self.nodes[at].wakes_at);
                let mut random = self.random.clone();
                self.nodes[at].traffic(self.now, self.bad, &mut random, &mut happens);
                self.random = random;
                self.follow(at, before, happens);
            }
            Happens::Ends(..) | Happens::Traffic(_) => {}
            Happens::Crashes(of) => {
                if of.is_none_or(|of| of == process) && !(of.is_none() && self.is_calm) {
                    let mut happens = Vec::new();
                    self.nodes[at].crash(self.now, self.bad, &mut happens);
                    self.follow(at, u64::MAX, happens);
                }
                if of.is_none() {
                    self.fate(at);
                }
            }
            Happens::Wakes => {
                if self.nodes[at].wakes_at <= self.now {
                    self.hear(at, Input::Tick);
                }
            }
            Happens::Goes => {
                if !self.is_calm {
                    self.nodes[at].is_online = false;
                    let long = if self.random.percent(10) { 3 * DAY } else { 6 * HOUR };
                    let after = self.random.below(long) + MINUTE;
                    self.put(at, after, Happens::Comes);
                }
            }
            Happens::Comes => {
                self.come(at);
                self.fate(at);
            }
            Happens::ClockLeaps => {
                if !self.is_calm {
                    let years = self.random.below(60) as i64 - 55;
                    let is_right = self.nodes[at].wrong_ms != 0;
                    self.nodes[at].wrong_ms = if is_right { 0 } else { years * 365 * DAY as i64 };
                    self.hear(at, Input::Tick);
                    self.fate(at);
                }
            }
            Happens::DiskIsCleared => self.nodes[at].disk_free_bytes = 1 << 40,
        }
    }
}

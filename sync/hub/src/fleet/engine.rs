//! The engine: lets the rules work on the rollouts, and gives stores their orders. At every hub there is one, and one of all works.
//!
//! A look takes in what nodes have said since the last one, who is there, and that time has passed; saves each rollout by compare-and-set with what the rules
//! did; then resolves what every node should be and gives an order to every store for which it has changed. All of it is made from rows: what a hub that was killed
//! had not done yet, the next look does. Not here: when it is looked ([`Engine::run`] has the only timer), what people say ([`super::act`]).

mod give;

use super::{
    Wake, business,
    effects::{self, is_alive},
    metadata::Metadata,
    rehearse::{self, Rehearsing},
    telemetry::Telemetry,
    world::{Members, Words, id},
};
use crate::{
    database::{
        Database, DatabaseError,
        fleet::{FleetNode, KeptRollout, Lease, MemberRow},
        read::ROWS_MAX,
    },
    http::Clock,
};
use aisle_event::Timestamp;
use aisle_fleet::{
    Member, NodeId, NodeReport, NodeSays, RolloutPhase,
    rehearsal::Played,
    rollout::{Cause, Effect, Event, Fact, Rollout, Status},
};
use aisle_residency::signing::SigningKey;
use give::give;
use prometheus_client::registry::Registry;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

/// The most nodes whose last report is heard again at one look.
const AGAIN_MAX: usize = 1_000;

/// When things are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How often it is looked for news.
    pub beat: Duration,
    /// How often everything is looked at, in milliseconds; at least four times in the shortest `offline_minutes`.
    pub look_ms: i64,
    /// How long the lease holds, in milliseconds: so long nothing goes on when a hub dies.
    pub lease_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { beat: Duration::from_secs(1), look_ms: 10_000, lease_ms: 20_000 }
    }
}

/// What an engine needs.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The database.
    pub database: Database,
    /// The hub's name. Hubs on one database have different ones.
    pub hub: String,
    /// What orders are signed with.
    pub receipt_key: Arc<SigningKey>,
    /// Which metadata goes with orders.
    pub metadata: Arc<dyn Metadata>,
    /// What wakes it before its time.
    pub wake: Wake,
    /// What time it is.
    pub clock: Clock,
    /// When things are done.
    pub settings: Settings,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// True when this hub lets the rules work.
    pub is_mine: bool,
    /// How many rollouts were changed.
    pub rollouts: usize,
    /// How many stores were given an order.
    pub orders: usize,
}

/// Lets the rules work.
#[derive(Debug)]
pub struct Engine {
    parts: Parts,
    held: Option<Held>,
    telemetry: Telemetry,
}

/// What is kept in memory while this hub has the lease. It is in rows as well, or nothing is lost with it.
#[derive(Debug)]
struct Held {
    lease: Lease,
    /// The number of changes that were looked at last.
    changes: i64,
    looked_ms: i64,
    members: Members,
    words: Words,
    rollouts: BTreeMap<String, KeptRollout>,
    rehearsing: Rehearsing,
    nodes: HashMap<NodeId, FleetNode>,
    prints: HashMap<String, Vec<u8>>,
    memory: business::Memory,
    /// Nodes whose last report was heard again, with when they were given what: it says all that they will say.
    again: HashSet<(String, NodeId, i64)>,
}

/// What a node says of something.
type Of<T> = (NodeId, T);

/// Another hub has the lease by now.
#[derive(Debug)]
struct Lost;

/// Why a look came to nothing.
#[derive(Debug)]
enum Ended {
    Lost,
    Database(DatabaseError),
}

impl From<DatabaseError> for Ended {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<Lost> for Ended {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

impl Engine {
    /// Of a hub; it does nothing before it looks.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, held: None, telemetry: Telemetry::default() }
    }

    /// The same, with what it tells of itself in a registry.
    #[must_use]
    pub fn counted(self, registry: &mut Registry) -> Self {
        Self { telemetry: Telemetry::register(registry), ..self }
    }

    /// Looks again and again, until the future is ready; then gives the lease back.
    pub async fn run(mut self, down: impl Future<Output = ()>) {
        let mut down = std::pin::pin!(down);
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, source = ?std::error::Error::source(&error), "the rules of the fleet did not work; it is tried again");
            }
            tokio::select! {
                () = &mut down => break,
                () = self.parts.wake.woken() => {}
                () = tokio::time::sleep(self.parts.settings.beat) => {}
            }
        }
        if let Some(held) = self.held
            && let Err(error) = self.parts.database.release_fleet(&held.lease).await
        {
            tracing::warn!(%error, "another hub has to wait for the rules of the fleet");
        }
    }

    /// Looks once.
    ///
    /// # Errors
    /// When the database cannot say or take it. What was done until then is done; the next look does the rest.
    pub async fn look(&mut self) -> Result<Looked, DatabaseError> {
        let now = Timestamp(self.parts.clock.now_ms());
        let started = Instant::now();
        let looked = self.looked(now).await;
        match &looked {
            Ok(looked) => self.telemetry.looked(looked, now, started.elapsed()),
            Err(_) => self.telemetry.failed(),
        }
        looked
    }

    async fn looked(&mut self, now: Timestamp) -> Result<Looked, DatabaseError> {
        // Whatever ends a look, memory may be ahead of the rows then: it is thrown away, and read again.
        let Some(mut held) = self.hold(now).await? else { return Ok(Looked::default()) };
        match look(&self.parts, &mut held, now).await {
            Ok(looked) => {
                self.telemetry.rollouts(&held.rollouts);
                self.telemetry.members(&held.members.rows);
                self.held = Some(held);
                Ok(looked)
            }
            Err(Ended::Lost) => Ok(Looked::default()),
            Err(Ended::Database(error)) => Err(error),
        }
    }

    async fn hold(&mut self, now: Timestamp) -> Result<Option<Held>, DatabaseError> {
        let Parts { database, hub, settings, .. } = &self.parts;
        let held = self.held.take();
        let half = settings.lease_ms / 2;
        // Renewed at half its time; a clock that was set back renews it too.
        let left = held.as_ref().map(|held| held.lease.until_ms.saturating_sub(now.0));
        if left.is_some_and(|left| (half..=settings.lease_ms).contains(&left)) {
            return Ok(held);
        }
        let until_ms = now.0.saturating_add(settings.lease_ms);
        let Some(lease) = database.hold_fleet(hub, now.0, until_ms).await? else { return Ok(None) };
        match held {
            Some(held) if held.lease.term == lease.term => Ok(Some(Held { lease, ..held })),
            _ => Held::read(database, lease).await.map(Some),
        }
    }
}

impl Held {
    async fn read(database: &Database, lease: Lease) -> Result<Self, DatabaseError> {
        tracing::info!(hub = lease.hub, term = lease.term, "the rules of the fleet work at this hub");
        let (mut nodes, mut after) = (HashMap::new(), (String::new(), String::new()));
        loop {
            let page = database.fleet_nodes((&after.0, &after.1), ROWS_MAX).await?;
            let is_last = page.len() < ROWS_MAX as usize;
            for node in page {
                after = (node.store.clone(), node.node.clone());
                if let Some(id) = id(&node.store, &node.node) {
                    nodes.insert(id, node);
                }
            }
            if is_last {
                break;
            }
        }
        Ok(Self {
            lease,
            changes: -1,
            looked_ms: i64::MIN,
            members: Members::default(),
            words: Words::default(),
            rollouts: BTreeMap::new(),
            rehearsing: Rehearsing::default(),
            nodes,
            prints: HashMap::new(),
            memory: business::Memory::default(),
            again: HashSet::new(),
        })
    }
}

async fn look(parts: &Parts, held: &mut Held, now: Timestamp) -> Result<Looked, Ended> {
    let database = &parts.database;
    let changes = database.fleet_changes().await?;
    let news = database.fleet_news(ROWS_MAX).await?;
    // A clock that was set back makes nobody wait.
    let since = now.0.saturating_sub(held.looked_ms);
    let is_due = changes != held.changes || since < 0 || since >= parts.settings.look_ms;
    // What stores sold is read in pieces, one at a look.
    if !is_due && news.is_empty() && !held.memory.is_under_way() {
        return Ok(Looked { is_mine: true, ..Looked::default() });
    }
    if is_due {
        held.members = Members::read(database).await?;
        held.words = Words::read(database).await?;
        come_and_go(parts, held, now).await?;
        held.rehearsing.refresh(database).await?;
    }
    refresh(database, held).await?;
    let said = news
        .iter()
        .filter_map(|(store, node, _, bytes)| Some((id(store, node)?, NodeSays::decode(bytes).ok()?)));
    let (heard, played): (Vec<Of<NodeReport>>, Vec<Of<Vec<Played>>>) =
        said.map(|(node, says)| ((node.clone(), says.report), (node, says.rehearsals))).unzip();
    let mut looked = Looked { is_mine: true, ..Looked::default() };
    let mut is_whole = true;
    let mut has_changed = is_due;
    let mut budget = business::Budget::default();
    for name in held.rollouts.keys().cloned().collect::<Vec<_>>() {
        let Some(mut kept) = held.rollouts.remove(&name) else { continue };
        if !is_alive(kept.rollout.phase()) {
            held.rollouts.insert(name, kept);
            continue;
        }
        let facts = facts(parts, held, &kept, (&heard, &mut budget), is_due, now).await?;
        if facts.is_empty() {
            held.rollouts.insert(name, kept);
            continue;
        }
        let was = Shown::of(&kept.rollout, &facts);
        let effects = feed(&mut kept.rollout, facts, now);
        has_changed |= !effects.is_empty();
        if was.is_some_and(|was| effects.is_empty() && was.is_still(&kept.rollout)) {
            // It is done, and nobody would see the difference: all of its nodes are not written for that.
            held.rollouts.insert(name, kept);
            continue;
        }
        // One that somebody changed meanwhile is read again, and hears the same again.
        if save(parts, held, &mut kept, &effects, now).await? {
            looked.rollouts += 1;
            held.rollouts.insert(name, kept);
        } else {
            held.memory.forget(&name);
            is_whole = false;
        }
    }
    let rollouts = &held.rollouts;
    let runs =
        |name: &str| rollouts.get(name).is_some_and(|kept| *kept.rollout.phase() == RolloutPhase::Running);
    held.memory.retain(runs);
    if !is_whole {
        // Without that rollout's word every node of it would be told to go back.
        held.changes = -1;
        return Ok(looked);
    }
    has_changed |= rehearsed(parts, held, &played, now).await?;
    if has_changed {
        looked.orders = give(parts, held, now).await?;
        looked.rollouts += hear_again(parts, held, now).await?;
    }
    forget_news(parts, held, news).await?;
    if is_due {
        (held.changes, held.looked_ms) = (changes, now.0);
    }
    Ok(looked)
}

/// True when a rehearsal has ended.
async fn rehearsed(
    parts: &Parts,
    held: &mut Held,
    played: &[(NodeId, Vec<Played>)],
    now: Timestamp,
) -> Result<bool, Ended> {
    let Held { lease, rollouts, nodes, rehearsing, .. } = held;
    let is_member = |node: &NodeId| nodes.get(node).is_some_and(|node| node.is_member);
    let around = rehearse::Around {
        database: &parts.database,
        hub: &parts.hub,
        lease,
        rollouts,
        is_member: &is_member,
        now,
    };
    Ok(rehearsing.work(&around, played).await?.ok_or(Lost)?)
}

/// Notes which nodes are new, and which are gone.
async fn come_and_go(parts: &Parts, held: &mut Held, now: Timestamp) -> Result<(), Ended> {
    let there: HashSet<&NodeId> = held.members.members.iter().map(|member| &member.id).collect();
    let is_known = |node: &NodeId| held.nodes.get(node).is_some_and(|node| node.is_member);
    let came = held
        .members
        .members
        .iter()
        .filter(|member| !is_known(&member.id))
        .map(|member| (member.id.clone(), true));
    let went = held.nodes.iter().filter(|(id, node)| node.is_member && !there.contains(id));
    let moved: Vec<(NodeId, bool)> = came.chain(went.map(|(id, _)| (id.clone(), false))).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let mut rule = parts.database.rule_fleet(&held.lease).await?.ok_or(Lost)?;
    let mut since = Vec::with_capacity(moved.len());
    for (id, is_member) in &moved {
        since.push(rule.put_member(id.store.as_str(), id.serial.as_str(), *is_member, now.0).await?);
    }
    rule.commit().await?;
    for ((id, is_member), since_ms) in moved.into_iter().zip(since) {
        let (store, node) = (id.store.to_string(), id.serial.to_string());
        let new = FleetNode { store, node, is_member, since_ms, stamp: None };
        let known = held.nodes.entry(id).or_insert(new);
        (known.is_member, known.since_ms) = (is_member, since_ms);
    }
    Ok(())
}

/// Reads the rollouts again that somebody has changed.
async fn refresh(database: &Database, held: &mut Held) -> Result<(), DatabaseError> {
    let counters = database.rollout_counters().await?;
    let there: BTreeSet<&String> = counters.iter().map(|(name, _)| name).collect();
    held.rollouts.retain(|name, _| there.contains(name));
    for (name, counter) in &counters {
        if held.rollouts.get(name).is_none_or(|kept| kept.counter != *counter)
            && let Some(kept) = database.rollout(name).await?
        {
            held.rollouts.insert(name.clone(), kept);
        }
    }
    Ok(())
}

/// What is to be seen of the nodes that facts are about, where a rollout is done.
struct Shown(Vec<Of<Seen>>);

/// How a node stands, and why, where it takes part.
type Seen = Option<(Status, Option<Cause>)>;

impl Shown {
    fn of(rollout: &Rollout, facts: &[Fact]) -> Option<Self> {
        let told = |fact: &Fact| match fact {
            Fact::Reported { node, .. } | Fact::Left(node) => Some(node.clone()),
            _ => None,
        };
        let is_done = *rollout.phase() == RolloutPhase::Done;
        is_done.then(|| {
            Self(facts.iter().filter_map(told).map(|node| (node.clone(), shown(rollout, &node))).collect())
        })
    }

    fn is_still(&self, rollout: &Rollout) -> bool {
        self.0.iter().all(|(node, was)| shown(rollout, node) == *was)
    }
}

fn shown(rollout: &Rollout, node: &NodeId) -> Seen {
    rollout.nodes().get(node).map(|progress| (progress.status, progress.cause.clone()))
}

/// What has become known that means something to a rollout.
async fn facts(
    parts: &Parts,
    held: &mut Held,
    kept: &KeptRollout,
    (heard, budget): (&[Of<NodeReport>], &mut business::Budget),
    is_due: bool,
    now: Timestamp,
) -> Result<Vec<Fact>, DatabaseError> {
    let (rollout, mut facts) = (&kept.rollout, Vec::new());
    let has = |node: &NodeId| rollout.nodes().contains_key(node);
    if is_due {
        let is_member = |node: &NodeId| held.nodes.get(node).is_some_and(|node| node.is_member);
        facts.extend(rollout.nodes().keys().filter(|node| !is_member(node)).cloned().map(Fact::Left));
        let is_new =
            |node: &NodeId| held.nodes.get(node).is_some_and(|node| node.since_ms > kept.planned_at_ms);
        let is_meant = |member: &&Member| rollout.spec().who.matches(member);
        let joined = held.members.members.iter().filter(is_meant);
        let joined = joined.filter(|member| is_new(&member.id) && !has(&member.id));
        // This one is taken out of `held` while it is worked on, and is no later one than itself anyway.
        let others = || held.rollouts.values().map(|kept| &kept.rollout);
        facts.extend(joined.map(|member| Fact::Joined {
            member: Box::new(member.clone()),
            overtaken: rollout.overtaken(member, others()),
        }));
        let both = held.members.members.iter().zip(&held.members.rows);
        // After a start nobody knows how long ago the last look was.
        let since = held.looked_ms.max(now.0.saturating_sub(parts.settings.look_ms));
        let is_there = |row: &MemberRow| row.is_connected || row.last_seen_ms >= since;
        let seen = both.filter(|(member, row)| is_there(row) && has(&member.id));
        // Of one that is done nobody asks who is there.
        if *rollout.phase() != RolloutPhase::Done {
            facts.push(Fact::Seen(seen.map(|(member, _)| member.id.clone()).collect()));
        }
    }
    let reported = heard.iter().filter(|(node, _)| has(node));
    facts.extend(
        reported
            .map(|(node, report)| Fact::Reported { node: node.clone(), report: Box::new(report.clone()) }),
    );
    // At every look, before the gates: a wave that has just begun has stores to compare with as soon as they are found. Until then its metrics wait, and nothing else does.
    let with = (&mut held.memory, budget);
    facts.extend(business::facts(&parts.database, rollout, &held.members.members, with, now.0).await?);
    if !facts.is_empty() {
        facts.push(Fact::Tick);
    }
    Ok(facts)
}

fn feed(rollout: &mut Rollout, facts: Vec<Fact>, now: Timestamp) -> Vec<Effect> {
    // Facts are never refused.
    facts.into_iter().flat_map(|fact| rollout.apply(Event::Fact(fact), now).unwrap_or_default()).collect()
}

/// False when it was changed meanwhile.
async fn save(
    parts: &Parts,
    held: &Held,
    kept: &mut KeptRollout,
    effects: &[Effect],
    now: Timestamp,
) -> Result<bool, Ended> {
    let name = kept.rollout.spec().rollout.to_string();
    let mut rule = parts.database.rule_fleet(&held.lease).await?.ok_or(Lost)?;
    if !rule.save_rollout(&kept.rollout, kept.counter, now.0).await? {
        return Ok(false);
    }
    let rows = effects::rows(&name, &parts.hub, effects, now.0);
    for (event, _) in &rows {
        rule.note_rollout(&name, event).await?;
    }
    // Last, for as short as can be: all hubs' rows are one chain.
    for (_, line) in &rows {
        rule.audit(line).await?;
    }
    rule.commit().await?;
    kept.counter += 1;
    kept.moved_at_ms = now.0;
    Ok(true)
}

async fn forget_news(
    parts: &Parts,
    held: &Held,
    news: Vec<(String, String, i64, Vec<u8>)>,
) -> Result<(), Ended> {
    if news.is_empty() {
        return Ok(());
    }
    let heard: Vec<(String, String, i64)> =
        news.into_iter().map(|(store, node, number, _)| (store, node, number)).collect();
    let mut rule = parts.database.rule_fleet(&held.lease).await?.ok_or(Lost)?;
    rule.heard(&heard).await?;
    Ok(rule.commit().await?)
}

/// Nodes that were given what they had anyway have nothing new to say: what they said last is heard again.
async fn hear_again(parts: &Parts, held: &mut Held, now: Timestamp) -> Result<usize, Ended> {
    let alive: HashSet<&str> = held
        .rollouts
        .iter()
        .filter(|(_, kept)| is_alive(kept.rollout.phase()))
        .map(|(name, _)| name.as_str())
        .collect();
    held.again.retain(|(name, ..)| alive.contains(name.as_str()));
    let mut wanted: Vec<(String, NodeId, i64)> = Vec::new();
    for (name, kept) in held.rollouts.iter().filter(|(name, _)| alive.contains(name.as_str())) {
        let given = kept.rollout.nodes().iter().filter(|(_, progress)| progress.status == Status::Given);
        for (node, progress) in given {
            let at = progress.given_at.map_or(0, |at| at.0);
            let key = (name.clone(), node.clone(), at);
            let is_there =
                held.members.get(node).is_some_and(|(_, row)| row.is_connected && row.reported_at_ms > 0);
            if is_there && !held.again.contains(&key) && wanted.len() < AGAIN_MAX {
                wanted.push(key);
            }
        }
    }
    let mut of_rollout: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
    for (name, node, at) in wanted {
        let stamp = held.nodes.get(&node).and_then(|node| node.stamp);
        let bytes = parts.database.node_says(node.store.as_str(), node.serial.as_str()).await?;
        let says = bytes.and_then(|bytes| NodeSays::decode(&bytes).ok());
        // Only what it said of the state that it has now; of another one it will say something yet.
        if let Some(says) = says.filter(|says| says.report.desired == stamp) {
            let fact = Fact::Reported { node: node.clone(), report: Box::new(says.report) };
            of_rollout.entry(name.clone()).or_default().push(fact);
            held.again.insert((name, node, at));
        }
    }
    let mut saved = 0;
    // Gates are looked at with the next look.
    for (name, facts) in of_rollout {
        let Some(mut kept) = held.rollouts.remove(&name) else { continue };
        let effects = feed(&mut kept.rollout, facts, now);
        if save(parts, held, &mut kept, &effects, now).await? {
            saved += 1;
            held.rollouts.insert(name, kept);
        }
    }
    Ok(saved)
}

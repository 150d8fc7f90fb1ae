//! Settings of a node: taken whole, in force at once or later, looked at after each start, and taken back.

use crate::shop::{Shop, config};
use aisle_fleet::{
    Around, ContentHash, Converger, Effect, Input, NodeReport, Now, Reason, Stamp, converge::Trouble,
    setting::SettingValue,
};

struct Node {
    machine: Converger,
    kept: Option<Vec<u8>>,
    version: u64,
    ms: u64,
}

impl Node {
    fn new() -> Self {
        let machine = Converger::resume(config(), None).unwrap();
        Self { machine, kept: None, version: 0, ms: 1_000 }
    }

    fn say(&mut self, input: Input) -> Option<ContentHash> {
        self.ms += 60_000;
        let around = Around { disk_free_bytes: 1 << 40, ..Around::default() };
        let effects = self.machine.handle(Now { running_ms: self.ms, wall: None }, &around, input);
        let mut asked = None;
        for effect in effects {
            match effect {
                Effect::Keep(bytes) => self.kept = Some(bytes),
                Effect::ApplySettings { hash, .. } => asked = Some(hash),
                _ => {}
            }
        }
        asked
    }

    fn desire(&mut self, settings: &[(&str, i64)]) -> Option<ContentHash> {
        let mut state = Shop::state(&[]);
        for (key, value) in settings {
            state.settings.insert(key.parse().unwrap(), SettingValue::Number(*value));
        }
        self.version += 1;
        let stamp = Stamp { version: self.version, hash: state.hash() };
        self.say(Input::Desired { stamp, state: Box::new(state) })
    }

    fn answer(&mut self, hash: ContentHash, outcome: Result<Vec<Reason>, Trouble>) {
        self.say(Input::SettingsDone { hash, outcome });
    }

    fn restart(&mut self) -> Option<ContentHash> {
        self.machine = Converger::resume(config(), self.kept.as_deref()).unwrap();
        self.say(Input::Tick)
    }

    fn report(&self) -> NodeReport {
        self.machine.report()
    }

    fn codes(&self) -> Vec<String> {
        self.report().settings.reasons.iter().map(|reason| reason.code().to_owned()).collect()
    }
}

fn next_start(key: &str) -> Vec<Reason> {
    vec![Reason::NextStart { keys: vec![key.parse().unwrap()] }]
}

#[test]
fn what_waits_for_the_next_start_is_not_called_applied_before_it() {
    let mut node = Node::new();
    let hash = node.desire(&[("scrub.every_h", 48)]).unwrap();
    node.answer(hash, Ok(next_start("scrub.every_h")));
    assert_eq!((node.codes(), node.report().settings.applied), (vec!["next-start".to_owned()], None));
    assert!(node.report().settings.reasons[0].to_string().contains("`scrub.every_h`"));
    assert_eq!(node.say(Input::Tick), None, "it is asked once");
    assert_eq!(node.restart(), Some(hash), "and again after the start");
    node.answer(hash, Ok(Vec::new()));
    assert_eq!((node.codes(), node.report().settings.applied), (Vec::new(), Some(hash)));
    assert!(node.report().is_settled());
}

#[test]
fn settings_that_the_node_did_not_come_up_with_are_told_after_the_start_and_not_called_applied() {
    let mut node = Node::new();
    let hash = node.desire(&[("scrub.every_h", 48)]).unwrap();
    node.answer(hash, Ok(Vec::new()));
    assert_eq!(node.report().settings.applied, Some(hash));
    assert_eq!(node.restart(), Some(hash));
    let text = "the node did not come up with them".into();
    node.answer(hash, Err(Trouble { is_final: true, text }));
    assert_eq!((node.codes(), node.report().settings.applied), (vec!["failing".to_owned()], None));
    assert_eq!(node.restart(), None, "nobody tries it again until something else is wanted");
}

#[test]
fn settings_that_nobody_wants_any_more_are_taken_back_though_they_never_were_in_force() {
    let mut node = Node::new();
    let hash = node.desire(&[("scrub.every_h", 48)]).unwrap();
    node.answer(hash, Ok(next_start("scrub.every_h")));
    let none = node.desire(&[]).expect("what was taken has to go");
    assert_ne!(none, hash);
    node.answer(none, Ok(Vec::new()));
    assert_eq!(node.report().settings.applied, Some(none));
    let mut fresh = Node::new();
    assert_eq!(fresh.desire(&[]), None, "where there never were any, nothing is asked for");
}

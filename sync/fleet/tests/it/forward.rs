//! What goes only forward stays in force whatever is wanted, and the way out is a later version.

use crate::{
    bench::{release_of, slot},
    shop::Shop,
};
use aisle_fleet::{
    ContentHash, Converger, Effect, Input, Now, Stamp,
    converge::{Stage, Trouble},
    report::{NodeReport, Phase},
};

const POLICY: &str = "policy";
const HOUR: u64 = 3_600_000;

fn with_policy(version: &str) -> Shop {
    let mut shop = Shop::new();
    shop.desire(Shop::state(&[(POLICY, version)]));
    shop.pass(HOUR);
    shop
}

#[test]
fn an_older_policy_and_none_at_all_are_refused_and_a_later_one_comes() {
    let mut shop = with_policy("4.0.0");
    let fetched = shop.fetched.len();
    shop.desire(Shop::state(&[(POLICY, "3.0.0")]));
    shop.pass(HOUR);
    assert_eq!((shop.phase(POLICY), shop.codes(POLICY)), (Phase::Refused, vec!["below-minimum".to_owned()]));
    shop.desire(Shop::state(&[(POLICY, "absent")]));
    shop.pass(HOUR);
    assert_eq!((shop.phase(POLICY), shop.codes(POLICY)), (Phase::Refused, vec!["only-forward".to_owned()]));
    assert_eq!((shop.running(POLICY).as_deref(), shop.fetched.len()), (Some("4.0.0"), fetched));
    shop.desire(Shop::state(&[(POLICY, "5.0.0")]));
    shop.pass(HOUR);
    assert_eq!((shop.running(POLICY).as_deref(), shop.phase(POLICY)), (Some("5.0.0"), Phase::Settled));
}

#[test]
fn a_policy_that_does_not_do_well_is_not_taken_back_and_is_told_of_until_a_later_one_is_there() {
    let mut shop = with_policy("4.0.0");
    shop.desire(Shop::state(&[(POLICY, "5.0.0")]));
    shop.settle();
    let hash = release_of(POLICY, "5.0.0").hash;
    shop.feed(Input::Broke { slot: slot(POLICY), hash, text: "another one is in force".into() });
    shop.pass(HOUR);
    assert_eq!(shop.running(POLICY).as_deref(), Some("5.0.0"), "no revert was asked for");
    assert_eq!((shop.phase(POLICY), shop.codes(POLICY)), (Phase::Refused, vec!["failing".to_owned()]));
    shop.desire(Shop::state(&[(POLICY, "6.0.0")]));
    shop.pass(HOUR);
    assert_eq!((shop.running(POLICY).as_deref(), shop.phase(POLICY)), (Some("6.0.0"), Phase::Settled));
}

/// A machine of which each effect is answered by hand.
struct ByHand {
    machine: Converger,
    ms: u64,
}

impl ByHand {
    fn say(&mut self, input: Input) -> Vec<Effect> {
        self.ms += 600_000;
        let around = aisle_fleet::Around { disk_free_bytes: 1 << 40, ..Default::default() };
        self.machine.handle(Now { running_ms: self.ms, wall: None }, &around, input)
    }

    fn done(&mut self, stage: Stage, hash: ContentHash, outcome: Result<(), Trouble>) -> Vec<Effect> {
        self.say(Input::Done { slot: slot(POLICY), stage, hash, outcome })
    }

    fn report(&self) -> NodeReport {
        self.machine.report()
    }
}

#[test]
fn a_policy_that_is_in_force_though_putting_it_in_place_failed_is_reported_as_what_runs() {
    let machine = Converger::resume(crate::shop::config(), None).unwrap();
    let mut node = ByHand { machine, ms: 1_000 };
    let state = Shop::state(&[(POLICY, "4.0.0")]);
    let stamp = Stamp { version: 1, hash: state.hash() };
    node.say(Input::Desired { stamp, state: Box::new(state) });
    let hash = release_of(POLICY, "4.0.0").hash;
    for stage in [Stage::Fetch, Stage::Verify, Stage::SmokeTest] {
        node.done(stage, hash, Ok(()));
    }
    let trouble = |text: &str| Err(Trouble { is_final: true, text: text.into() });
    let effects = node.done(Stage::Activate, hash, trouble("the gate has no key"));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Revert { .. })), "{effects:?}");
    assert!(node.machine.needs().contains(&hash), "whoever is asked has to see what it was");
    node.done(Stage::Revert, hash, trouble("it is in force, and versions only go up"));
    let slot = &node.report().slots[&slot(POLICY)];
    assert_eq!(slot.running.as_ref().unwrap().version.as_str(), "4.0.0");
    assert_eq!((slot.phase, slot.reasons[0].code()), (Phase::Refused, "failing"));
    assert!(slot.reasons[0].to_string().contains("versions only go up"), "{:?}", slot.reasons);
}

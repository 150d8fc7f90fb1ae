//! A way back or a removal that cannot be done: it is told, tried again, and gives way to what people want next.

use crate::{
    bench::{release_of, slot},
    shop::{Behaves, Shop},
};
use aisle_fleet::{DesiredState, report::Phase};

const A: &str = "plugin/a";
const HOUR: u64 = 3_600_000;

/// 1.0 is good and cannot come back, 2.0 is to go.
fn bad(of_return: Behaves, of_new: Behaves) -> Shop {
    let mut shop = Shop::new();
    shop.desire(Shop::state(&[(A, "1.0")]));
    shop.pass(HOUR);
    shop.behave(A, "1.0", of_return);
    shop.behave(A, "2.0", of_new);
    shop.desire(Shop::state(&[(A, "2.0")]));
    shop.pass(HOUR);
    shop
}

fn traps() -> Behaves {
    Behaves { traps_percent: 50, ..Behaves::default() }
}

fn cannot_return(is_final: bool) -> Behaves {
    Behaves { cannot_return: Some(is_final), ..Behaves::default() }
}

fn again(version: &str) -> DesiredState {
    let mut state = Shop::state(&[(A, version)]);
    state.slots.get_mut(&slot(A)).unwrap().round = 1;
    state
}

#[test]
fn what_can_never_be_put_back_leaves_nothing_rather_than_what_was_given_up() {
    let mut shop = bad(cannot_return(true), traps());
    assert_eq!(shop.running(A), None);
    assert_eq!(shop.codes(A), ["known-bad", "nothing-good"]);
    shop.desire(Shop::state(&[(A, "3.0")]));
    shop.pass(HOUR);
    assert_eq!((shop.running(A).as_deref(), shop.phase(A)), (Some("3.0"), Phase::Settled));
}

#[test]
fn a_way_back_that_fails_is_tried_for_ever_and_succeeds_when_it_can() {
    let mut shop = bad(cannot_return(false), traps());
    assert_eq!(shop.running(A).as_deref(), Some("2.0"));
    assert_eq!(
        (shop.phase(A), shop.codes(A)),
        (Phase::Reverting, vec!["retry-later".into(), "reverting".into()])
    );
    assert!(shop.told(A).contains("revert-failed (it is not granted)"), "{}", shop.told(A));
    shop.behave(A, "1.0", Behaves::default());
    shop.pass(2 * HOUR);
    assert_eq!((shop.running(A).as_deref(), shop.codes(A)), (Some("1.0"), vec!["known-bad".into()]));
}

#[test]
fn a_way_back_that_fails_again_and_again_gives_way_to_what_is_wanted_next() {
    for wanted in [Shop::state(&[(A, "3.0")]), Shop::state(&[(A, "absent")]), again("2.0"), again("1.0")] {
        let mut shop = bad(cannot_return(false), traps());
        let version = wanted.slots[&slot(A)].want.release().map(|release| release.version.to_string());
        shop.behave(A, "2.0", Behaves::default());
        // What 2.0 did before is counted no more.
        shop.restart();
        shop.desire(wanted);
        shop.pass(HOUR);
        assert_eq!(shop.running(A), version);
        assert_eq!((shop.phase(A), shop.codes(A)), (Phase::Settled, Vec::new()), "{version:?}");
    }
}

#[test]
fn a_way_back_does_not_give_way_to_what_may_not_come() {
    let mut shop = bad(cannot_return(false), traps());
    shop.around.denies.insert(slot(A), "it is too loud");
    shop.desire(Shop::state(&[(A, "3.0")]));
    shop.pass(HOUR);
    assert_eq!(shop.phase(A), Phase::Reverting);
    shop.around.denies = Default::default();
    shop.around.metadata_until = shop.wall;
    shop.pass(HOUR);
    assert_eq!(shop.phase(A), Phase::Reverting, "nothing new may come just now");
    shop.around.metadata_until = None;
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("3.0"));
}

#[test]
fn what_the_node_did_not_come_up_with_has_to_go_before_anything_else_comes() {
    let mut shop = bad(cannot_return(false), Behaves { kills: true, ..Behaves::default() });
    shop.desire(Shop::state(&[(A, "3.0")]));
    shop.pass(HOUR);
    assert_eq!((shop.phase(A), shop.kills), (Phase::Reverting, 3));
    let loads: Vec<String> = shop.machine.loads().map(|(_, release)| release.version.to_string()).collect();
    assert_eq!(loads, ["1.0"], "it is not loaded at a start");
    shop.behave(A, "1.0", Behaves::default());
    shop.pass(2 * HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("3.0"));
}

#[test]
fn what_follows_a_version_that_could_not_go_goes_back_to_the_last_good_one() {
    let mut shop = bad(cannot_return(false), traps());
    shop.behave(A, "3.0", Behaves { fails_activation: true, ..Behaves::default() });
    shop.desire(Shop::state(&[(A, "3.0")]));
    shop.pass(HOUR);
    assert!(shop.fetched.contains(&release_of(A, "3.0").hash));
    assert_eq!((shop.phase(A), shop.running(A).as_deref()), (Phase::Reverting, Some("2.0")));
    shop.behave(A, "1.0", Behaves::default());
    shop.pass(2 * HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("1.0"), "2.0 was given up before");
}

#[test]
fn what_came_half_does_not_stay_because_what_ran_before_is_wanted_again() {
    let half = Behaves { fails_activation: true, cannot_go: Some(false), ..Behaves::default() };
    for (before, wanted) in [(Some("1.0"), "1.0"), (None, "absent")] {
        let mut shop = Shop::new();
        if let Some(before) = before {
            shop.desire(Shop::state(&[(A, before)]));
            shop.pass(HOUR);
            shop.behave(A, before, cannot_return(false));
        }
        shop.behave(A, "2.0", half);
        shop.desire(Shop::state(&[(A, "2.0")]));
        shop.pass(HOUR);
        assert_eq!(shop.phase(A), Phase::Reverting, "{wanted}");
        shop.desire(Shop::state(&[(A, wanted)]));
        shop.pass(HOUR);
        assert_eq!(shop.phase(A), Phase::Reverting, "{wanted}: 2.0 may be half in force");
        shop.behave(A, "1.0", Behaves::default());
        shop.behave(A, "2.0", Behaves::default());
        shop.pass(2 * HOUR);
        assert_eq!((shop.running(A).as_deref(), shop.phase(A)), (before, Phase::Settled));
        assert_eq!(shop.codes(A), Vec::<String>::new(), "{wanted}");
    }
}

#[test]
fn a_removal_that_fails_is_told_and_gives_way_to_what_is_wanted_next() {
    for is_final in [false, true] {
        for next in ["1.0", "2.0"] {
            let mut shop = Shop::new();
            shop.desire(Shop::state(&[(A, "1.0")]));
            shop.pass(HOUR);
            shop.behave(A, "1.0", Behaves { cannot_go: Some(is_final), ..Behaves::default() });
            shop.desire(Shop::state(&[(A, "absent")]));
            shop.pass(HOUR);
            assert_eq!((shop.running(A).as_deref(), shop.phase(A)), (Some("1.0"), Phase::Removing));
            assert!(shop.told(A).contains("remove-failed (it is in use)"), "{}", shop.told(A));
            shop.desire(Shop::state(&[(A, next)]));
            shop.pass(HOUR);
            assert_eq!((shop.running(A).as_deref(), shop.phase(A)), (Some(next), Phase::Settled));
        }
    }
}

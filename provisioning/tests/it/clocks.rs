//! Clocks that lie, and what a node knows in spite of them.

use crate::world::{Member, NOW, World, chain, days, device, node};
use aisle_event::Timestamp;
use aisle_provisioning::{
    Validity,
    moment::DAY_MS,
    time::{Floor, Monotonic, StatementError, TimeStatement, TrustedTime, Verdict, WallClock},
};
use proptest::prelude::*;
use rustls::time_provider::TimeProvider as _;

const START: Monotonic = Monotonic(5_000);
const FAR: Timestamp = Timestamp(4_070_908_800_000);

fn later(ms: u64) -> Monotonic {
    Monotonic(START.0 + ms)
}

#[test]
fn a_box_that_boots_in_1970_judges_by_the_last_time_that_a_hub_said() {
    let time = TrustedTime::new(Some(NOW), days(-100));
    let good = Validity { not_before: days(-2), not_after: days(88) };
    let ended = Validity { not_before: days(-100), not_after: days(-1) };
    assert_eq!(time.judge(good, START), Verdict::Holds);
    assert_eq!(time.judge(ended, START), Verdict::Ended { ms: DAY_MS.unsigned_abs() });
    assert_eq!(time.check(Timestamp(0), START), WallClock::Behind { ms: NOW.0.unsigned_abs() });
    assert_eq!(time.guess(Timestamp(0), START), NOW);
}

#[test]
fn a_clock_in_the_far_future_ends_no_certificate() {
    let mut time = TrustedTime::new(Some(NOW), days(-100));
    let good = Validity { not_before: days(-2), not_after: days(88) };
    assert_eq!(time.judge(good, START), Verdict::Holds);
    assert_eq!(time.guess(FAR, START), NOW, "nobody is away for so long");
    time.hear(days(1), START);
    assert!(matches!(time.check(FAR, START), WallClock::Ahead { .. }));
    assert_eq!(time.judge(good, START), Verdict::Holds);
}

#[test]
fn a_certificate_that_begins_after_all_that_is_known_is_good() {
    let time = TrustedTime::new(None, days(-100));
    let new = Validity { not_before: days(300), not_after: days(390) };
    assert_eq!(time.judge(new, START), Verdict::Holds, "whoever signed it lived in a time that has been");
}

#[test]
fn the_monotonic_clock_carries_the_time_on_while_the_node_runs() {
    let mut time = TrustedTime::new(None, days(-100));
    assert_eq!(time.check(NOW, START), WallClock::Unchecked);
    assert_eq!(time.guess(NOW, START), NOW, "a clock that may be right is the best guess");
    assert!(time.hear(NOW, START));
    assert_eq!(time.at_least(later(60_000)).0, NOW.0 + 60_000);
    assert_eq!(time.check(NOW, later(1_000)), WallClock::Right);
    assert_eq!(time.check(days(-1), later(0)), WallClock::Behind { ms: DAY_MS.unsigned_abs() });
    let short = Validity { not_before: days(-1), not_after: days(1) };
    assert!(matches!(time.judge(short, later(2 * DAY_MS.unsigned_abs())), Verdict::Ended { .. }));
    let kept = TrustedTime::from_text(&time.to_text(later(7_000))).unwrap();
    assert_eq!(kept.0, NOW.0 + 7_000);
    assert_eq!(TrustedTime::from_text("yesterday"), None);
}

proptest! {
    #[test]
    fn the_floor_never_goes_back(said in prop::collection::vec((any::<i64>(), 0_u64..1_000_000, any::<bool>()), 1..40)) {
        let mut time = TrustedTime::new(None, days(-100));
        let (mut now, mut known) = (START, time.at_least(START));
        for (at, passed, hears) in said {
            now = Monotonic(now.0 + passed);
            if hears { time.hear(Timestamp(at), now); } else { time.raise(Timestamp(at)); }
            prop_assert!(time.at_least(now) >= known);
            prop_assert!(time.at_least(now).0 >= at);
            known = time.at_least(now);
            let restarted = TrustedTime::new(TrustedTime::from_text(&time.to_text(now)), days(-100));
            prop_assert!(restarted.at_least(Monotonic(0)) >= known);
        }
    }
}

#[test]
fn the_tls_library_is_given_the_floor() {
    let floor = Floor::new(NOW);
    floor.raise(days(-5));
    assert_eq!(floor.get(), NOW);
    let shared = floor.clone();
    shared.raise(days(5));
    assert_eq!(floor.current_time().unwrap().as_secs() as i64, days(5).0 / 1_000);
    assert_eq!(Floor::new(Timestamp(-1)).current_time().unwrap().as_secs(), 0);
}

fn stated(by: &Member, at: Timestamp, nonce: Option<[u8; 32]>) -> Vec<u8> {
    TimeStatement { at, nonce }.sign(by.signer()).unwrap()
}

#[test]
fn a_hub_states_the_time_and_a_node_in_1970_believes_it() {
    let mut world = World::new(1);
    let (roots, hub) = (world.roots(), world.hub(days(200)));
    let bytes = stated(&hub, days(210), Some([7; 32]));
    let open = |nonce: Option<&[u8; 32]>| TimeStatement::open(&bytes, &roots, &chain(), nonce);
    assert_eq!(open(Some(&[7; 32])).unwrap().at, days(210));
    assert_eq!(open(None).unwrap().at, days(210), "off a stick it is still a time that has been");
    assert!(matches!(open(Some(&[8; 32])), Err(StatementError::Nonce)));
}

#[test]
fn a_statement_of_time_is_believed_only_of_a_hub_and_within_the_life_of_its_certificate() {
    let mut world = World::new(2);
    let roots = world.roots();
    let open = |bytes: &[u8]| TimeStatement::open(bytes, &roots, &chain(), None);
    let hub = world.hub(NOW);
    for outside in [days(91), days(-3), FAR, Timestamp(0)] {
        assert!(matches!(open(&stated(&hub, outside, None)), Err(StatementError::Signed(_))));
    }
    let others = [world.member(&node(), &[], NOW), world.member(&device(), &[], NOW), World::new(3).hub(NOW)];
    for other in &others {
        open(&stated(other, NOW, None)).unwrap_err();
    }
    let mut bytes = stated(&hub, NOW, None);
    open(&bytes).unwrap();
    for place in 0..bytes.len() {
        bytes[place] ^= 1;
        if let Ok(statement) = open(&bytes) {
            panic!("changed at {place}, and believed: {statement:?}");
        }
        bytes[place] ^= 1;
    }
    open(&bytes[..bytes.len() - 1]).unwrap_err();
    open(&vec![0; 100_000]).unwrap_err();
}

//! One rollout after another for the same slot: the later one counts, and takes nothing away from one that is done.

use crate::{
    bench::{member, release_of, set, slot},
    drive::{A, Drive, back, runs, spec, waves},
};
use aisle_fleet::{
    Member, NodeReport, Resolver, RolloutId, RolloutPhase, Slot,
    report::{Asked, Phase, SlotReport},
    rollout::{Fact, Rollout, RolloutSpec, Status, Verb},
};
use std::collections::BTreeSet;

fn named(name: &str, slots: &[(&str, &str)]) -> RolloutSpec {
    let mut spec = spec(waves());
    spec.rollout = RolloutId::new(name).unwrap();
    spec.set = set(slots);
    spec
}

/// What a node says that runs these, and is asked for them.
fn settled(slots: &[(&str, &str)]) -> NodeReport {
    let one = |(name, version): &(&str, &str)| {
        let release = release_of(name, version);
        let of_slot = SlotReport {
            wanted: Some(Asked::Release((&release).into())),
            running: Some((&release).into()),
            ..runs(Phase::Settled, "2.0", 0, 100).slots.remove(&slot(A)).unwrap()
        };
        (slot(name), of_slot)
    };
    NodeReport { slots: slots.iter().map(one).collect(), ..NodeReport::default() }
}

/// Every node runs them, and says so.
fn done(drive: &mut Drive, slots: &[(&str, &str)]) {
    for wave in 0..3 {
        for node in drive.wave(wave) {
            drive.report(&node, settled(slots));
        }
        drive.pass(32);
    }
    assert_eq!(drive.phase(), &RolloutPhase::Done);
}

fn joins(drive: &mut Drive, member: &Member, others: &[&Rollout]) {
    let overtaken = drive.rollout.overtaken(member, others.iter().copied());
    drive.fact(Fact::Joined { member: Box::new(member.clone()), overtaken });
}

fn runs_by_now(rollouts: &[&Rollout], member: &Member) -> String {
    let layers = rollouts.iter().map(|rollout| rollout.layer()).collect();
    let resolved = Resolver::new(&[], layers, &[], aisle_event::Timestamp(0)).one(member);
    resolved.state.wanted(&slot(A)).unwrap().want.told()
}

#[test]
fn the_rollout_that_was_started_later_counts_however_long_ago_it_was_written() {
    let mut first = Drive::new(named("written-first", &[(A, "2.0")]), 20);
    let mut second = Drive::started(named("written-second", &[(A, "3.0")]), 20);
    second.rollout.placed(2);
    done(&mut second, &[(A, "3.0")]);
    first.preflight();
    first.see_all();
    first.say(Verb::Start).unwrap();
    let node = first.wave(0)[0].clone();
    let member = first.members.iter().find(|member| member.id == node).unwrap().clone();
    assert_eq!(runs_by_now(&[&first.rollout, &second.rollout], &member), "3.0", "without its place");
    first.rollout.placed(3);
    assert_eq!(first.rollout.order(), 3);
    assert_eq!(runs_by_now(&[&first.rollout, &second.rollout], &member), "2.0");
    first.rollout.placed(1);
    assert_eq!(first.rollout.order(), 3, "nobody goes back behind another");
}

#[test]
fn a_store_that_enrols_opens_no_rollout_again_that_says_nothing_to_it_any_more() {
    let mut old = Drive::started(named("old", &[(A, "2.0")]), 20);
    done(&mut old, &[(A, "2.0")]);
    let mut new = Drive::started(named("new", &[(A, "3.0")]), 20);
    new.rollout.placed(2);
    let store = member("store-new", &[]);
    // Its wave has not begun there, and will.
    joins(&mut new, &store, &[&old.rollout]);
    joins(&mut old, &store, &[&new.rollout]);
    assert_eq!(new.status(&store.id), Status::Waiting);
    assert_eq!(old.phase(), &RolloutPhase::Done);
    assert!(!old.rollout.gives(&store.id));
    done(&mut new, &[(A, "3.0")]);
    let store = member("store-newer", &[]);
    joins(&mut old, &store, &[&new.rollout]);
    assert_eq!(old.phase(), &RolloutPhase::Done);
    assert_eq!(old.rollout.collides(&new.rollout), None, "the next one can be started");
    joins(&mut new, &store, &[&old.rollout]);
    assert!(new.is("settling"), "the last word is said to it as well");
    // What is taken back says nothing.
    new.say(Verb::Rollback { why: "it is bad".into() }).unwrap();
    joins(&mut old, &store, &[&new.rollout]);
    assert!(old.is("settling"));
}

#[test]
fn of_what_later_rollouts_decide_in_part_a_store_is_expected_the_rest() {
    const B: &str = "plugin/b";
    let mut old = Drive::started(named("old", &[(A, "2.0"), (B, "1.0")]), 20);
    done(&mut old, &[(A, "2.0"), (B, "1.0")]);
    let mut new = Drive::started(named("new", &[(A, "3.0")]), 20);
    new.rollout.placed(2);
    let store = member("store-new", &[]);
    assert_eq!(old.rollout.overtaken(&store, [&new.rollout]), BTreeSet::<Slot>::from([slot(A)]));
    assert_eq!(new.rollout.overtaken(&store, [&old.rollout]), BTreeSet::new());
    joins(&mut old, &store, &[&new.rollout]);
    assert!(old.is("settling") && old.rollout.gives(&store.id));
    old.report(&store.id, settled(&[(A, "3.0"), (B, "1.0")]));
    old.pass(1);
    assert_eq!(old.phase(), &RolloutPhase::Done);
}

#[test]
fn nodes_of_a_rollout_that_is_done_have_run_it_whatever_they_are_given_later() {
    let mut old = Drive::started(named("old", &[(A, "2.0")]), 20);
    done(&mut old, &[(A, "2.0")]);
    let nodes = old.wave(0);
    old.report(&nodes[0], settled(&[(A, "3.0")]));
    assert_eq!(old.status(&nodes[0]), Status::Passed);
    // Opened again it is done again when the new store has run it.
    let store = member("store-new", &[]);
    joins(&mut old, &store, &[]);
    old.report(&nodes[1], settled(&[(A, "3.0")]));
    old.report(&store.id, settled(&[(A, "2.0")]));
    old.pass(1);
    assert_eq!(old.phase(), &RolloutPhase::Done);
}

#[test]
fn a_rollout_that_an_earlier_build_wrote_down_as_done_is_done_again_after_a_store_has_joined() {
    let mut old = Drive::started(named("old", &[(A, "2.0")]), 20);
    done(&mut old, &[(A, "2.0")]);
    let nodes = old.wave(0);
    let mut written = serde_json::to_value(&old.rollout).unwrap();
    written.as_object_mut().unwrap().remove("was_done").unwrap();
    // It took away from one that is done what a later rollout gave to its nodes.
    for (progress, status) in
        written["nodes"].as_object_mut().unwrap().values_mut().zip(["given", "working", "live"])
    {
        progress["status"] = serde_json::json!(status);
    }
    old.rollout = serde_json::from_value::<Rollout>(written).unwrap();
    let store = member("store-new", &[]);
    joins(&mut old, &store, &[]);
    assert!(old.is("settling"));
    assert_eq!(old.rollout.tally(None).passed, 20);
    old.report(&nodes[1], settled(&[(A, "3.0")]));
    old.pass(1);
    assert!(old.is("settling"), "the new one is waited for");
    old.report(&store.id, settled(&[(A, "2.0")]));
    old.pass(1);
    assert_eq!(old.phase(), &RolloutPhase::Done);
}

#[test]
fn nobody_is_back_who_is_still_on_the_way_to_it() {
    let mut drive = Drive::started(spec(waves()), 20);
    let nodes = drive.wave(0);
    let fetching = || runs(Phase::Fetching, "1.0", 0, 0);
    drive.report(&nodes[0], fetching());
    drive.say(Verb::Rollback { why: "it is bad".into() }).unwrap();
    drive.report(&nodes[1], back());
    // It has not heard of it yet.
    drive.report(&nodes[0], fetching());
    drive.pass(1);
    assert!(drive.is("rolling-back"), "{}", drive.phase());
    drive.report(&nodes[0], runs(Phase::Watching, "2.0", 0, 1));
    drive.pass(1);
    assert!(drive.is("rolling-back") && drive.status(&nodes[0]) != Status::Back);
    drive.report(&nodes[0], back());
    assert_eq!(drive.status(&nodes[0]), Status::Back);
    // Whoever runs it again is not back any more, and is waited for.
    drive.report(&nodes[0], runs(Phase::Watching, "2.0", 0, 1));
    drive.pass(1);
    assert!(drive.is("rolling-back") && drive.status(&nodes[0]) == Status::Live);
    drive.report(&nodes[0], back());
    drive.pass(1);
    assert!(matches!(drive.phase(), RolloutPhase::RolledBack { missing: 0, .. }));
}

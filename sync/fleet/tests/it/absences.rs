//! Who is away, closed for the night, switched off, slow or taken down: told apart, and nobody is taken for another.

use crate::{
    bench::member,
    drive::{Drive, runs, spec, waves},
};
use aisle_fleet::{
    NodeId,
    gate::{Check, GateName, Silence, Verdict},
    report::Phase,
    rollout::{Fact, Verb},
};
use std::collections::BTreeSet;

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn pass_wave(drive: &mut Drive, wave: u16) {
    for node in drive.wave(wave) {
        drive.passes(&node);
    }
}

fn all(drive: &Drive) -> Vec<NodeId> {
    drive.members.iter().map(|member| member.id.clone()).collect()
}

fn booted(drive: &Drive, wave: usize) -> Check {
    let checks = &drive.rollout.waves()[wave].checks;
    checks.iter().find(|check| check.gate == GateName::Booted).unwrap().clone()
}

#[test]
fn a_pause_longer_than_the_deadline_makes_nobody_late() {
    let mut drive = Drive::started(spec(waves()), 20);
    pass_wave(&mut drive, 0);
    drive.pass(32);
    let second = drive.wave(1);
    drive.passes(&second[0]);
    drive.say(Verb::Pause { why: "we look at something".into() }).unwrap();
    drive.pass(DAY + 1);
    drive.say(Verb::Resume).unwrap();
    drive.pass(12);
    let tally = drive.rollout.tally(Some(1));
    assert_eq!((tally.passed, tally.working, tally.late), (1, 3, 0));
    assert_eq!(drive.given(), 6, "one of four has run it");
    drive.pass(DAY);
    assert_eq!(drive.rollout.tally(Some(1)).late, 3, "time in which they could have counts as ever");
    assert_eq!(drive.given(), 20);
}

#[test]
fn a_release_that_takes_nodes_down_after_they_passed_is_stopped_in_its_soak() {
    let mut drive = Drive::started(spec(waves()), 20);
    pass_wave(&mut drive, 0);
    let first = drive.wave(0);
    drive.pass_without(60, &first);
    assert!(drive.is("rolling-back"), "{}: {}", drive.phase(), booted(&drive, 0).text);
    assert!(booted(&drive, 0).text.starts_with("2 of 2 nodes that run it went dark"));
}

#[test]
fn a_release_that_takes_nodes_down_when_their_wave_is_through_stops_the_waves_behind_it() {
    let mut drive = Drive::started(spec(waves()), 20);
    pass_wave(&mut drive, 0);
    drive.pass(32);
    assert_eq!(drive.given(), 6);
    let first = drive.wave(0);
    drive.pass_without(40, &first);
    assert!(drive.is("rolling-back"), "{}", drive.phase());
}

#[test]
fn boxes_switched_off_before_they_began_are_away_and_stop_nothing() {
    for has_heard in [false, true] {
        let mut drive = Drive::started(spec(waves()), 20);
        let first = drive.wave(0);
        for node in first.iter().filter(|_| has_heard) {
            drive.report(node, runs(Phase::Fetching, "1.0", 0, 0));
        }
        drive.pass_without(12 * HOUR, &first);
        let tally = drive.rollout.tally(Some(0));
        assert_eq!((tally.offline, tally.dark), (2, 0));
        assert!(drive.is("running") && drive.given() == 2, "they neither pass nor fail: {}", drive.phase());
    }
    for phase in [Phase::Testing, Phase::Activating, Phase::Watching] {
        let mut drive = Drive::started(spec(waves()), 20);
        let first = drive.wave(0);
        for node in &first {
            drive.report(node, runs(phase, "1.0", 0, 0));
        }
        drive.pass_without(40, &first);
        assert_eq!(drive.rollout.tally(Some(0)).dark, 2);
        assert!(drive.is("rolling-back"), "they were about to run it: {}", drive.phase());
    }
}

#[test]
fn a_night_in_which_all_shops_are_closed_is_waited_for() {
    let mut spec = spec(waves());
    spec.waves[1].soak_minutes = 60;
    let mut drive = Drive::started(spec, 20);
    pass_wave(&mut drive, 0);
    let all = all(&drive);
    drive.pass_without(12 * HOUR, &all);
    assert_eq!(booted(&drive, 0).verdict, Verdict::Wait);
    assert!(drive.is("running") && drive.given() == 2, "nobody knows yet: {}", drive.phase());
    drive.pass(1);
    assert_eq!(drive.given(), 6, "in the morning they are there");
    // One night later those that run it do not come back, and the others do.
    pass_wave(&mut drive, 1);
    drive.pass_without(12 * HOUR, &all);
    assert!(drive.is("running") && drive.given() == 6);
    let ran: Vec<NodeId> = drive.wave(0).into_iter().chain(drive.wave(1)).collect();
    drive.pass_without(1, &ran);
    assert!(drive.is("rolling-back"), "{}", drive.phase());
    assert_eq!(drive.rollout.current(), 1);
}

#[test]
fn shops_of_another_part_of_the_world_close_at_another_hour() {
    let waves = serde_json::json!([
        { "name": "eu", "who": "region=eu", "size": 5, "soak_minutes": 1440 },
        { "name": "rest" },
    ]);
    let mut drive = Drive::new(spec(waves), 0);
    let region = |at: u32| if at < 10 { "eu" } else { "us" };
    drive.members = (0..100).map(|at| member(&format!("store-{at:05}"), &[("region", region(at))])).collect();
    drive.preflight();
    drive.see_all();
    drive.say(Verb::Start).unwrap();
    pass_wave(&mut drive, 0);
    let of_eu = all(&drive)[..10].to_vec();
    drive.pass_without(12 * HOUR, &of_eu);
    assert!(drive.is("running"), "it is night there: {}", drive.phase());
    let first = drive.wave(0);
    drive.pass(1);
    drive.pass_without(40, &first);
    assert!(drive.is("rolling-back"), "it is day there: {}", drive.phase());
}

#[test]
fn nodes_that_an_earlier_build_wrote_down_are_compared_with_in_every_wave() {
    let waves = serde_json::json!([
        { "name": "eu", "who": "region=eu", "size": 5, "soak_minutes": 1440 },
        { "name": "rest" },
    ]);
    let mut drive = Drive::new(spec(waves), 0);
    drive.members = (0..100).map(|at| member(&format!("store-{at:05}"), &[("region", "eu")])).collect();
    drive.preflight();
    drive.see_all();
    drive.say(Verb::Start).unwrap();
    pass_wave(&mut drive, 0);
    let mut written = serde_json::to_value(&drive.rollout).unwrap();
    for progress in written["nodes"].as_object_mut().unwrap().values_mut() {
        progress.as_object_mut().unwrap().remove("meant").unwrap();
    }
    drive.rollout = serde_json::from_value(written).unwrap();
    let first = drive.wave(0);
    drive.pass_without(40, &first);
    assert!(drive.is("rolling-back"), "{}: {}", drive.phase(), booted(&drive, 0).text);
}

#[test]
fn a_store_that_enrols_takes_nothing_back_because_others_are_silent_long_after_it_was_done() {
    let mut drive = Drive::started(spec(waves()), 20);
    for wave in 0..3 {
        pass_wave(&mut drive, wave);
        drive.pass(32);
    }
    assert!(drive.is("done"), "{}", drive.phase());
    let silent = all(&drive)[..10].to_vec();
    drive.pass_without(60, &silent);
    // Enough to compare with.
    let new: Vec<_> = (0..6).map(|at| member(&format!("store-new-{at}"), &[])).collect();
    for member in &new {
        drive.members.push(member.clone());
        drive.fact(Fact::Joined { member: Box::new(member.clone()), overtaken: BTreeSet::new() });
    }
    drive.pass_without(40, &silent);
    assert!(drive.is("settling"), "{}", drive.phase());
    for member in &new {
        drive.passes(&member.id);
    }
    drive.pass_without(1, &silent);
    assert!(drive.is("done"), "{}", drive.phase());
}

#[test]
fn where_nobody_is_left_to_compare_with_a_week_tells_closed_from_dead() {
    let mut drive = Drive::started(spec(waves()), 20);
    for wave in 0..3 {
        pass_wave(&mut drive, wave);
        if wave == 2 {
            let late = drive.wave(2)[0].clone();
            drive.report(&late, runs(Phase::Fetching, "1.0", 0, 0));
        }
        drive.pass(32);
    }
    assert!(drive.is("settling"), "{}", drive.phase());
    let all = all(&drive);
    drive.pass_without(4 * DAY, &all);
    assert!(drive.is("settling"), "a long weekend: {}", drive.phase());
    drive.pass(1);
    let dead: Vec<NodeId> = drive.wave(0).into_iter().chain(drive.wave(1)).collect();
    drive.pass_without(6 * DAY, &dead);
    assert!(drive.is("settling"), "{}", drive.phase());
    drive.pass_without(2 * DAY, &dead);
    assert!(drive.is("rolling-back"), "six of nineteen: {}", drive.phase());
}

#[test]
fn a_box_that_is_switched_off_every_night_is_late_when_it_was_there_long_enough_and_holds_no_soak() {
    let mut spec = spec(waves());
    spec.gates.deadline_minutes = 600;
    spec.waves[0].soak_minutes = 1440;
    let mut drive = Drive::started(spec, 20);
    let first = drive.wave(0);
    drive.passes(&first[0]);
    for _ in 0..3 {
        drive.pass(2 * HOUR);
        drive.pass_without(4 * HOUR, &first[1..]);
    }
    drive.pass(1);
    let tally = drive.rollout.tally(Some(0));
    assert_eq!((tally.working, tally.late), (1, 0), "seven hours and a half");
    assert!(drive.rollout.waves()[0].reached_at.is_some(), "the other one is looked at all the while");
    drive.pass_without(9 * HOUR, &first[1..]);
    assert_eq!(drive.given(), 6, "a day has passed since then");
    drive.pass(3 * HOUR);
    assert_eq!(drive.rollout.tally(Some(0)).late, 1, "more than ten hours in all");
}

#[test]
fn what_has_passed_and_has_to_prove_itself_anew_soaks_anew() {
    let mut drive = Drive::started(spec(waves()), 20);
    pass_wave(&mut drive, 0);
    drive.pass(20);
    let first = drive.wave(0);
    drive.report(&first[0], runs(Phase::Watching, "2.0", 0, 100));
    drive.pass(1);
    assert!(drive.rollout.waves()[0].reached_at.is_none());
    drive.passes(&first[0]);
    drive.pass(20);
    assert_eq!(drive.given(), 2);
    drive.pass(12);
    assert_eq!(drive.given(), 6);
}

/// What the gate says, with 20 per cent that may go dark and a hundredth that may be chance.
fn verdict(silence: Silence) -> Verdict {
    use aisle_fleet::{Gates, Health, gate::Evidence, gate::judge, rollout::Tally};
    let (means, health, tally) = (std::collections::BTreeMap::new(), Health::default(), Tally::default());
    let sought = BTreeSet::new();
    let evidence =
        Evidence { tally, silence, health: &health, is_called: false, means: &means, sought: &sought };
    let checks = judge(&Gates::default(), &evidence);
    checks.into_iter().find(|check| check.gate == GateName::Booted).unwrap().verdict
}

#[test]
fn nodes_that_run_it_are_held_against_those_that_do_not() {
    let of = |of, dark, others, others_away| {
        verdict(Silence { of, dark, dark_short: dark, others, others_away, ..Silence::default() })
    };
    assert_eq!(of(2, 1, 20, 0), Verdict::Pass, "one is one, be it half of all");
    assert_eq!(of(5, 2, 20, 0), Verdict::Fail);
    assert_eq!(of(100, 20, 1000, 0), Verdict::Pass);
    assert_eq!(of(100, 30, 1000, 10), Verdict::Fail);
    assert_eq!(of(100, 30, 1000, 150), Verdict::Wait, "only half of them are beyond what is usual");
    assert_eq!(of(2, 2, 20, 10), Verdict::Wait, "of two both may well be chance");
    assert_eq!(of(20, 20, 20, 10), Verdict::Fail, "of twenty they are not");
    assert_eq!(of(20, 20, 3, 0), Verdict::Wait, "too few to compare with");
    let long = Silence { of: 20, dark: 20, dark_long: 20, others: 3, ..Silence::default() };
    assert_eq!(verdict(long), Verdict::Fail);
    let missed = Silence { of: 20, dark: 20, others: 20, others_away: 20, ..Silence::default() };
    assert_eq!(verdict(missed), Verdict::Pass, "nobody is waited for for ever");
}

#[test]
fn who_was_given_it_and_has_not_begun_is_compared_with_only_where_nobody_else_is_left() {
    let of = |others, others_away, given, given_away| {
        let silence = Silence {
            of: 20,
            dark: 10,
            dark_short: 10,
            others,
            others_away,
            given,
            given_away,
            ..Silence::default()
        };
        verdict(silence)
    };
    assert_eq!(of(20, 0, 60, 60), Verdict::Fail, "those that died before they began excuse nothing");
    assert_eq!(of(20, 10, 60, 0), Verdict::Wait, "and those that live blame nobody for the night");
    assert_eq!(of(2, 0, 60, 0), Verdict::Fail, "two are too few for twenty");
    assert_eq!(of(2, 0, 60, 30), Verdict::Wait, "it is night for them as well");
    assert_eq!(of(0, 0, 4, 4), Verdict::Wait, "too few in any case");
    assert_eq!(of(5, 0, 400, 200), Verdict::Wait, "of so many half are closed: five that are not are chance");
    assert_eq!(of(5, 0, 400, 20), Verdict::Fail, "few that died beside many that live excuse nothing");
}

/// It waits for its maintenance window.
fn waits(drive: &mut Drive, nodes: &[NodeId]) {
    for node in nodes {
        drive.report(node, runs(Phase::Waiting, "1.0", 0, 0));
    }
}

#[test]
fn boxes_that_die_before_their_window_opens_neither_stop_a_wave_nor_excuse_a_release() {
    let waves = serde_json::json!([
        { "name": "half", "size": 20, "soak_minutes": 10_000 },
        { "name": "rest" },
    ]);
    let mut drive = Drive::started(spec(waves), 40);
    let first = drive.wave(0);
    for node in &first[..10] {
        drive.passes(node);
    }
    waits(&mut drive, &first[10..]);
    drive.pass_without(40, &first[10..]);
    assert_eq!(drive.rollout.tally(Some(0)).offline, 10);
    assert_eq!(booted(&drive, 0).verdict, Verdict::Pass);
    assert!(drive.is("running"), "{}", drive.phase());
    // Four of the ten that run it go dark: of those that were not given it nobody is.
    drive.pass_without(40, &first[6..]);
    assert!(drive.is("rolling-back"), "{}: {}", drive.phase(), booted(&drive, 0).text);
    let told = "4 of 10 nodes that run it went dark; of those that do not run it 0 of 20 are away";
    assert_eq!(booted(&drive, 0).text, told);
}

#[test]
fn boxes_that_died_before_they_began_excuse_a_last_wave_no_longer_than_shops_are_closed() {
    let mut drive = Drive::started(spec(serde_json::json!([{ "name": "all", "soak_minutes": 50_000 }])), 20);
    let first = drive.wave(0);
    for node in &first[..15] {
        drive.passes(node);
    }
    waits(&mut drive, &first[15..]);
    drive.pass_without(DAY, &first[15..]);
    drive.pass_without(5 * DAY, &first);
    assert!(drive.is("running"), "it may be a holiday: {}", drive.phase());
    drive.pass_without(3 * DAY, &first);
    assert!(drive.is("rolling-back"), "{}: {}", drive.phase(), booted(&drive, 0).text);
}

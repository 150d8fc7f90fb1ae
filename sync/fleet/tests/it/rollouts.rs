//! A rollout goes through its waves, stops, waits, goes back, and never says what is not so.

use crate::{
    bench::{member, store},
    drive::{A, Drive, MINUTE, back, refuses, runs, spec, stranger, waves},
};
use aisle_fleet::{
    FaultCode, Member, Metric, NodeReport, Rollout, RolloutPhase,
    gate::{GateName, Verdict},
    report::Phase,
    rollout::{Command, Effect, Event, Fact, Refusal, Status, Verb},
    sequential::Pair,
};
use std::collections::{BTreeMap, BTreeSet};

fn why() -> String {
    "we saw something".into()
}

#[test]
fn a_good_release_goes_wave_by_wave_and_is_done_when_every_store_has_really_run_it() {
    let mut drive = Drive::started(spec(waves()), 20);
    assert_eq!(drive.given(), 2, "the first wave only");
    drive.pass(60);
    assert!(drive.is("running") && drive.given() == 2, "nobody has run it");
    for node in drive.wave(0) {
        drive.report(&node, runs(Phase::Watching, "2.0", 0, 3));
    }
    drive.pass(60);
    assert_eq!(drive.given(), 2, "they run it, and have not proved themselves");
    for node in drive.wave(0) {
        drive.passes(&node);
    }
    drive.pass(29);
    assert_eq!(drive.given(), 2, "it is looked at for half an hour");
    drive.pass(2);
    assert_eq!(drive.given(), 6);
    for node in drive.wave(1) {
        drive.passes(&node);
    }
    drive.pass(12);
    assert_eq!(drive.given(), 20);
    let last = drive.wave(2);
    for node in &last[1..] {
        drive.passes(node);
    }
    drive.pass(2);
    assert!(drive.is("settling"), "one store of fourteen has not: {}", drive.phase());
    drive.pass(1000);
    assert!(drive.is("settling"), "and no time makes up for it");
    drive.passes(&last[0]);
    drive.pass(1);
    assert_eq!(drive.phase(), &RolloutPhase::Done);
    let told: Vec<&str> = drive.rollout.history().map(|entry| entry.what.as_str()).collect();
    assert_eq!(told.last(), Some(&"done: 20 nodes have really run it"));
}

#[test]
fn stores_that_are_away_neither_pass_nor_fail_and_join_when_they_come() {
    let mut drive = Drive::new(spec(waves()), 20);
    drive.preflight();
    let away = drive.wave(0)[0].clone();
    drive.pass_without(1, std::slice::from_ref(&away));
    drive.say(Verb::Start).unwrap();
    let there = drive.wave(0)[1].clone();
    drive.passes(&there);
    drive.pass_without(32, std::slice::from_ref(&away));
    assert_eq!(drive.given(), 6, "the wave went on without it");
    let tally = drive.rollout.tally(Some(0));
    assert_eq!((tally.passed, tally.offline, tally.failed, tally.dark), (1, 1, 0, 0));
    for node in drive.wave(1).into_iter().chain(drive.wave(2)) {
        drive.passes(&node);
    }
    drive.pass_without(15, std::slice::from_ref(&away));
    drive.passes(&drive.wave(2)[0].clone());
    for node in drive.wave(2) {
        drive.passes(&node);
    }
    drive.pass_without(2, std::slice::from_ref(&away));
    assert!(drive.is("settling"));
    assert!(drive.rollout.gives(&away), "it is given it all the same");
    // Ten days later.
    drive.now = drive.now.saturating_add_ms(10 * 24 * 60 * MINUTE);
    drive.passes(&away);
    drive.pass(1);
    assert_eq!(drive.phase(), &RolloutPhase::Done);
}

#[test]
fn a_wave_of_which_nobody_is_there_waits() {
    let mut drive = Drive::new(spec(waves()), 20);
    drive.preflight();
    let away = drive.wave(0);
    drive.pass_without(1, &away);
    drive.say(Verb::Start).unwrap();
    drive.pass_without(5_000, &away);
    assert!(drive.is("running") && drive.given() == 2, "no success that no store has had");
}

#[test]
fn one_dead_device_blocks_nobody_be_it_silent_or_slow() {
    for is_silent in [true, false] {
        let mut spec = spec(waves());
        spec.gates.deadline_minutes = 120;
        let mut drive = Drive::started(spec, 20);
        let (dead, alive) = (drive.wave(0)[0].clone(), drive.wave(0)[1].clone());
        drive.passes(&alive);
        let away = if is_silent { vec![dead.clone()] } else { vec![] };
        drive.pass_without(300, &away);
        assert_eq!(drive.given(), 6, "silent: {is_silent}");
        let tally = drive.rollout.tally(Some(0));
        let told = (tally.offline, tally.dark, tally.late, tally.failed);
        assert_eq!(told, if is_silent { (1, 0, 0, 0) } else { (0, 0, 1, 0) });
    }
}

#[test]
fn a_bad_release_stops_at_its_first_wave_and_goes_back_where_so_said() {
    let mut drive = Drive::started(spec(waves()), 20);
    for node in drive.wave(0) {
        drive.fails(&node, "basket 17: no answer in 50 ms");
    }
    drive.pass(1);
    assert!(drive.is("rolling-back"), "{}", drive.phase());
    assert_eq!(drive.given(), 0);
    assert_eq!(drive.rollout.layer().taken_back.len(), 2);
    assert!(
        drive
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::WaveStopped { wave, .. } if wave.as_str() == "canary"))
    );
    let nodes = drive.wave(0);
    drive.report(&nodes[0], back());
    drive.pass(10);
    assert!(drive.is("rolling-back"), "one has not said that it is back");
    drive.report(&nodes[1], back());
    drive.pass(1);
    assert!(matches!(drive.phase(), RolloutPhase::RolledBack { missing: 0, .. }));
    let causes: Vec<(u64, String)> =
        drive.rollout.causes().into_iter().map(|group| (group.count, group.cause.unwrap().text)).collect();
    assert_eq!(causes, [(2, "basket 17: no answer in 50 ms".to_owned())], "why is to be read afterwards");
    assert!(
        drive.wave(2).iter().all(|node| drive.status(node) == Status::Waiting),
        "nobody else ever had it"
    );
}

#[test]
fn a_wave_that_pauses_holds_what_does_not_run_yet_and_leaves_what_does() {
    let mut spec = spec(waves());
    spec.gates.reached_percent_min = 75;
    let mut drive = Drive::started(spec, 20);
    for node in drive.wave(0) {
        drive.passes(&node);
    }
    drive.pass(32);
    let second = drive.wave(1);
    drive.passes(&second[0]);
    drive.fails(&second[1], "x");
    drive.fails(&second[2], "x");
    drive.report(&second[3], runs(Phase::Fetching, "1.0", 0, 0));
    drive.pass(1);
    assert!(matches!(drive.phase(), RolloutPhase::Paused { by_gate: true, .. }), "{}", drive.phase());
    assert!(!drive.rollout.gives(&second[3]), "what does not run yet does not begin to");
    assert!(drive.rollout.gives(&second[0]) && drive.rollout.gives(&drive.wave(0)[0]));
    drive.pass(1000);
    assert!(drive.is("paused"));
    // Nothing has changed, so going on leads to the same place.
    drive.say(Verb::Resume).unwrap();
    drive.pass(1);
    assert!(drive.is("paused"));
    drive.say(Verb::RetryFailed).unwrap();
    drive.say(Verb::Resume).unwrap();
    for node in &second {
        drive.passes(node);
    }
    drive.pass(12);
    assert_eq!(drive.given(), 20);
}

#[test]
fn a_gate_that_does_not_hold_can_be_overruled_by_a_person_and_it_is_written_down() {
    let mut drive = Drive::started(spec(waves()), 20);
    for node in drive.wave(0) {
        drive.passes(&node);
    }
    drive.pass(32);
    for node in drive.wave(1) {
        drive.fails(&node, "x");
    }
    drive.pass(1);
    assert!(drive.is("paused"));
    drive.say_by("grace", Verb::Promote).unwrap();
    drive.pass(5);
    assert!(drive.is("running"), "{}", drive.phase());
    assert_eq!(drive.given(), 20);
    let entry = drive.rollout.history().find(|entry| entry.what == "promote").unwrap();
    assert_eq!(entry.by.as_deref(), Some("grace"));
    assert!(drive.effects.iter().any(|effect| matches!(effect, Effect::WavePassed { by_person: true, .. })));
}

#[test]
fn what_was_well_and_is_not_any_more_stops_the_waves_behind_it() {
    let mut drive = Drive::started(spec(waves()), 200);
    for node in drive.wave(0) {
        drive.passes(&node);
    }
    drive.pass(32);
    for node in drive.wave(0) {
        let failing = refuses(0, FaultCode::Trapped, "30 of 90 calls trapped");
        drive.report(&node, failing);
    }
    drive.pass(1);
    assert!(drive.is("rolling-back"), "{}", drive.phase());
}

#[test]
fn only_those_that_failed_try_again() {
    let mut drive = Drive::started(spec(serde_json::json!([{ "name": "all", "on_failure": "pause" }])), 10);
    let nodes = drive.wave(0);
    for node in &nodes[..9] {
        drive.passes(node);
    }
    drive.fails(&nodes[9], "disk");
    drive.pass(1);
    assert!(drive.is("paused"));
    drive.say(Verb::RetryFailed).unwrap();
    let rounds: Vec<u32> = nodes.iter().map(|node| drive.round(node)).collect();
    assert_eq!(rounds, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(drive.status(&nodes[9]), Status::Given);
    drive.say(Verb::Resume).unwrap();
    // What it says of the round before is old.
    let old = refuses(0, FaultCode::SmokeTestFailed, "disk");
    drive.report(&nodes[9], old);
    assert_eq!(drive.status(&nodes[9]), Status::Given);
    drive.passes(&nodes[9]);
    drive.pass(2);
    assert_eq!(drive.phase(), &RolloutPhase::Done);
    assert_eq!(drive.say(Verb::RetryFailed).unwrap_err(), not_now("retry-failed", "done"));
}

fn not_now(verb: &'static str, phase: &'static str) -> Refusal {
    let may = "`rollback` it, or make a new one";
    Refusal::NotNow { verb, phase, may }
}

#[test]
fn a_store_that_is_excluded_counts_for_nothing_and_goes_back() {
    let mut drive = Drive::started(spec(waves()), 20);
    let out = drive.wave(0)[0].clone();
    let stays = drive.wave(0)[1].clone();
    drive.fails(&out, "x");
    let exclude = |store: &aisle_event::StoreId| Verb::Exclude { store: store.clone(), why: why() };
    drive.say(exclude(&out.store)).unwrap();
    assert_eq!(drive.status(&out), Status::Excluded);
    assert!(drive.rollout.layer().taken_back.contains(&out));
    drive.passes(&stays);
    drive.pass(32);
    assert_eq!(drive.given(), 5);
    assert!(matches!(drive.say(exclude(&store("atlantis"))).unwrap_err(), Refusal::NoStore { .. }));
    // What it says does not bring it back.
    drive.passes(&out);
    assert_eq!(drive.status(&out), Status::Excluded);
}

#[test]
fn a_preflight_may_want_more_approvals_than_the_author_asked_for() {
    let mut drive = Drive::new(spec(waves()), 20);
    drive.say(Verb::Preflight).unwrap();
    let spec = drive.rollout.spec();
    let index = aisle_fleet::Index::new(&drive.members);
    let plan =
        aisle_fleet::wave::plan(&spec.rollout, &spec.who, &spec.waves, &index, &mut Default::default());
    drive.fact(Fact::Preflighted { plan, refusal: None, approvals_min: 1 });
    assert!(drive.is("awaiting-approval"));
    assert!(matches!(drive.say_by("ada", Verb::Approve), Err(Refusal::Author { .. })));
    drive.say_by("bob", Verb::Approve).unwrap();
    assert!(drive.is("ready"));
}

#[test]
fn two_people_beside_the_author_approve_where_two_are_asked_for() {
    let mut spec = spec(waves());
    spec.approvals = 2;
    let mut drive = Drive::new(spec, 20);
    drive.preflight();
    assert!(drive.is("awaiting-approval"));
    assert!(drive.say(Verb::Start).is_err());
    assert_eq!(drive.say(Verb::Approve).unwrap_err(), Refusal::Author { by: "ada".into() });
    drive.say_by("grace", Verb::Approve).unwrap();
    assert_eq!(
        drive.say_by("grace", Verb::Approve).unwrap_err(),
        Refusal::Twice { by: "grace".into(), missing: 1 }
    );
    drive.say_by("edsger", Verb::Approve).unwrap();
    assert!(drive.is("ready"));
    // A new preflight is a new plan, which nobody has seen.
    drive.preflight();
    assert!(drive.is("awaiting-approval"));
    drive.say_by("grace", Verb::Reject { why: why() }).unwrap();
    assert!(drive.is("draft"));
}

#[test]
fn a_preflight_that_refuses_leads_back_to_the_draft() {
    let mut drive = Drive::new(spec(waves()), 20);
    drive.say(Verb::Preflight).unwrap();
    drive.fact(Fact::Preflighted {
        plan: aisle_fleet::wave::Plan::default(),
        refusal: Some("banned".into()),
        approvals_min: 0,
    });
    assert!(drive.is("draft"));
    assert!(drive.rollout.history().any(|entry| entry.what.contains("banned")));
}

#[test]
fn pause_resume_abort_finish_and_rollback_do_what_they_say() {
    let mut drive = Drive::started(spec(waves()), 20);
    let nodes = drive.wave(0);
    drive.passes(&nodes[0]);
    drive.say(Verb::Pause { why: why() }).unwrap();
    assert_eq!(drive.given(), 1);
    drive.pass(100);
    assert!(drive.is("paused"));
    drive.say(Verb::Resume).unwrap();
    assert_eq!(drive.given(), 2);
    drive.say(Verb::Abort { why: why() }).unwrap();
    assert_eq!(drive.given(), 1, "what runs is left as it is");
    assert!(drive.rollout.layer().taken_back.is_empty());
    drive.say(Verb::Rollback { why: why() }).unwrap();
    assert_eq!((drive.given(), drive.rollout.layer().taken_back.len()), (0, 2));
    drive.say(Verb::Finish).unwrap();
    assert!(
        matches!(drive.phase(), RolloutPhase::RolledBack { missing: 2, .. }),
        "it says how many have not said so"
    );
    let mut drive = Drive::started(spec(waves()), 20);
    drive.passes(&nodes[0]);
    drive.say(Verb::Finish).unwrap();
    assert_eq!(drive.phase(), &RolloutPhase::Finished { missing: 19 }, "finished is not done");
}

#[test]
fn a_verb_that_says_nothing_now_is_refused_with_what_could_be_said() {
    let mut drive = Drive::new(spec(waves()), 20);
    let error = drive.say(Verb::Start).unwrap_err().to_string();
    assert_eq!(error, "`start` says nothing to a rollout that is draft\nhint: `preflight` or `abort` it");
    let error = drive.say(Verb::Abort { why: " ".into() }).unwrap_err();
    assert!(matches!(error, Refusal::Why { .. }));
    drive.say(Verb::Abort { why: why() }).unwrap();
    for verb in [Verb::Preflight, Verb::Start, Verb::Resume, Verb::Promote, Verb::Finish, Verb::Approve] {
        assert!(matches!(drive.say(verb).unwrap_err(), Refusal::NotNow { .. }));
    }
}

fn join(drive: &mut Drive, member: &Member) {
    drive.fact(Fact::Joined { member: Box::new(member.clone()), overtaken: BTreeSet::new() });
}

#[test]
fn a_store_that_opens_during_a_rollout_joins_the_last_wave_that_means_it() {
    let mut drive = Drive::started(spec(waves()), 20);
    let new = member("store-new", &[]);
    join(&mut drive, &new);
    assert_eq!(drive.status(&new.id), Status::Waiting);
    assert_eq!(drive.rollout.nodes()[&new.id].wave, 2);
    for wave in 0..3 {
        for node in drive.wave(wave) {
            drive.passes(&node);
        }
        drive.pass(32);
    }
    assert_eq!(drive.phase(), &RolloutPhase::Done);
    let later = member("store-later", &[]);
    join(&mut drive, &later);
    assert!(drive.is("settling"), "done means every store, so it is not any more");
    assert!(drive.rollout.gives(&later.id));
    drive.fact(Fact::Left(later.id.clone()));
    drive.pass(1);
    assert_eq!(drive.phase(), &RolloutPhase::Done);
}

#[test]
fn failures_are_grouped_by_cause_whatever_numbers_stand_in_them() {
    let mut drive = Drive::started(spec(serde_json::json!([{ "name": "all", "on_failure": "pause" }])), 400);
    let nodes = drive.wave(0);
    for (at, node) in nodes.iter().enumerate() {
        match at % 4 {
            0 => drive.fails(node, "disk"),
            1 => drive.passes(node),
            _ => drive.fails(node, &format!("basket {at}: no answer in 50 ms")),
        }
    }
    let causes = drive.rollout.causes();
    let told: Vec<(u64, &str)> =
        causes.iter().map(|group| (group.count, group.cause.as_ref().unwrap().text.as_str())).collect();
    assert_eq!(told, [(200, "basket 2: no answer in 50 ms"), (100, "disk")]);
    assert_eq!(causes[0].cause.as_ref().unwrap().code, "smoke-test-failed");
    assert_eq!(causes[0].cause.as_ref().unwrap().slot.to_string(), A);
    assert_eq!(causes[0].examples.len(), 5);
    for (at, node) in nodes.iter().enumerate() {
        let word: String = format!("{at:09b}").chars().map(|c| if c == '0' { 'a' } else { 'b' }).collect();
        drive.fails(node, &word);
    }
    let causes = drive.rollout.causes();
    assert_eq!(causes.len(), 32, "four hundred causes are told of as thirty-one and the rest");
    assert_eq!(causes.iter().map(|group| group.count).sum::<u64>(), 400);
    assert!(causes[31].cause.is_none());
}

#[test]
fn a_release_that_sells_less_than_in_stores_like_them_stops_and_one_that_does_not_goes_on() {
    let mut spec = spec(serde_json::json!([
        { "name": "first", "size": 10, "soak_minutes": 2880 },
        { "name": "rest" },
    ]));
    spec.gates.business = serde_json::from_value(
        serde_json::json!([{ "metric": "basket-value", "worse": "lower", "tolerance": 10 }]),
    )
    .unwrap();
    let metric = Metric::new("basket-value").unwrap();
    for (sells_percent, is_stopped) in [(100, false), (85, true), (112, false)] {
        let mut drive = Drive::started(spec.clone(), 40);
        let (treated, controls) = (drive.wave(0), drive.wave(1));
        for node in &treated {
            drive.passes(node);
        }
        let pairs: Vec<Pair> = treated
            .iter()
            .zip(&controls)
            .map(|(treated, control)| Pair {
                treated: treated.store.clone(),
                treated_past: 2_000,
                treated_periods: 24,
                control: control.store.clone(),
                control_past: 1_900,
                control_periods: 24,
            })
            .collect();
        drive.fact(Fact::Paired { metric: metric.clone(), pairs: pairs.clone() });
        let mut random = crate::bench::Random(13);
        for hour in 0..48_u64 {
            // A day has its hours, for all stores alike; and each store its luck.
            let of_hour = 100 + (hour as i64 % 24 - 12);
            let mut values = BTreeMap::new();
            for pair in &pairs {
                let luck = |random: &mut crate::bench::Random| 1.0 + 0.03 * random.normal();
                let control = (1_900 * of_hour / 100) as f64 * luck(&mut random);
                let treated =
                    (2_000 * of_hour / 100) as f64 * sells_percent as f64 / 100.0 * luck(&mut random);
                values.insert(pair.control.clone(), control as i64);
                values.insert(pair.treated.clone(), treated as i64);
            }
            drive.fact(Fact::Measured { metric: metric.clone(), period: hour, values: values.clone() });
            // Told twice it counts once.
            drive.fact(Fact::Measured { metric: metric.clone(), period: hour, values });
            drive.pass(60);
            if drive.is("rolling-back") {
                break;
            }
        }
        assert_eq!(drive.is("rolling-back"), is_stopped, "{sells_percent} %: {}", drive.phase());
        let wave = &drive.rollout.waves()[0];
        let check =
            wave.checks.iter().find(|check| check.gate == GateName::Business(metric.clone())).unwrap();
        println!("{sells_percent} %: {} periods: {}", wave.means[&metric].n, check.text);
        assert_eq!(check.verdict == Verdict::Fail, is_stopped);
        assert!(!is_stopped || wave.means[&metric].n < 24, "fifteen per cent less are seen within a day");
        if !is_stopped {
            drive.pass(60);
            assert_eq!(drive.given(), 40);
        }
    }
}

#[test]
fn without_stores_to_compare_with_a_metric_is_not_judged_and_holds_nobody_up() {
    let mut spec = spec(serde_json::json!([{ "name": "all" }]));
    spec.gates.business =
        serde_json::from_value(serde_json::json!([{ "metric": "basket-value", "worse": "lower" }])).unwrap();
    let mut drive = Drive::started(spec, 5);
    for node in drive.wave(0) {
        drive.passes(&node);
    }
    drive.pass(2);
    assert!(drive.is("running"), "nobody knows yet whether there are any: {}", drive.phase());
    drive.fact(Fact::Paired { metric: Metric::new("basket-value").unwrap(), pairs: vec![] });
    drive.pass(2);
    assert_eq!(drive.phase(), &RolloutPhase::Done);
}

#[test]
fn while_stores_to_compare_with_are_looked_for_only_their_metric_waits() {
    let mut spec = spec(waves());
    spec.gates.business =
        serde_json::from_value(serde_json::json!([{ "metric": "basket-value", "worse": "lower" }])).unwrap();
    let mut drive = Drive::started(spec, 20);
    let first = drive.wave(0);
    drive.passes(&first[0]);
    drive.pass(1);
    let checks = &drive.rollout.waves()[0].checks;
    let waits = checks.iter().find(|check| check.gate.to_string() == "basket-value").unwrap();
    assert_eq!(waits.verdict, Verdict::Wait);
    assert_eq!(waits.text, "stores to compare with are still looked for");
    drive.fails(&first[0], "it broke");
    drive.fails(&first[1], "it broke");
    drive.pass(1);
    assert!(drive.is("rolling-back"), "{}", drive.phase());
}

#[test]
fn a_wave_may_ask_a_person_before_the_next_begins() {
    let mut drive = Drive::started(
        spec(serde_json::json!([{ "name": "first", "size": 2, "asks": true }, { "name": "rest" }])),
        5,
    );
    for node in drive.wave(0) {
        drive.passes(&node);
    }
    drive.pass(500);
    assert_eq!(drive.given(), 2);
    let view = drive.rollout.view();
    assert!(view.waves[0].checks.iter().any(|check| check.text.contains("`promote`")));
    drive.say(Verb::Promote).unwrap();
    assert_eq!(drive.given(), 5);
}

#[test]
fn two_rollouts_of_one_slot_under_way_at_once_are_noticed() {
    let one = Drive::started(spec(waves()), 20);
    let mut other = Drive::new(spec(waves()), 20);
    assert_eq!(one.rollout.collides(&other.rollout), None);
    other.preflight();
    other.say(Verb::Start).unwrap();
    assert_eq!(one.rollout.collides(&other.rollout).unwrap().to_string(), A);
}

#[test]
fn a_rollout_survives_being_written_down_in_the_middle() {
    let mut drive = Drive::started(spec(waves()), 20);
    for node in drive.wave(0) {
        drive.passes(&node);
    }
    drive.pass(10);
    let written = serde_json::to_string(&drive.rollout).unwrap();
    drive.rollout = serde_json::from_str::<Rollout>(&written).unwrap();
    assert_eq!(serde_json::to_string(&drive.rollout).unwrap(), written);
    drive.pass(22);
    assert_eq!(drive.given(), 6);
    assert!(serde_json::to_string(&drive.rollout.view()).unwrap().len() < 20_000);
}

#[test]
fn commands_are_read_strictly_and_strangers_change_nothing() {
    let command: Command =
        serde_json::from_str(r#"{"by":"ada","verb":{"verb":"exclude","store":"x","why":"y"}}"#).unwrap();
    assert!(matches!(command.verb, Verb::Exclude { .. }));
    assert!(serde_json::from_str::<Command>(r#"{"by":"ada","verb":{"verb":"explode"}}"#).is_err());
    assert!(
        serde_json::from_str::<Command>(r#"{"by":"ada","verb":{"verb":"pause","why":"y","hard":true}}"#)
            .is_err()
    );
    let mut drive = Drive::started(spec(waves()), 20);
    let before = drive.rollout.clone();
    drive.report(&stranger(), NodeReport::default());
    drive.fact(Fact::Left(stranger()));
    drive.fact(Fact::Paired { metric: Metric::new("odd").unwrap(), pairs: vec![] });
    assert_eq!(drive.rollout, before);
    let told = drive.rollout.apply(Event::Fact(Fact::Seen(vec![stranger()])), drive.now).unwrap();
    assert!(told.is_empty());
}

#[test]
fn a_hub_that_was_down_and_a_clock_that_leaps_make_nobody_dark_or_late_and_nothing_soak() {
    let mut spec = spec(waves());
    spec.gates.deadline_minutes = 120;
    spec.waves[0].soak_minutes = 60;
    let mut drive = Drive::started(spec, 20);
    for node in drive.wave(0) {
        drive.passes(&node);
    }
    drive.pass(10);
    // A leap counts for a quarter of an hour at most, in which a node would have been heard of.
    for leap in [300, 60 * 24 * 365 * 40, -60 * 24 * 365 * 40, -7] {
        drive.now = drive.now.saturating_add_ms(leap * MINUTE);
        drive.fact(Fact::Tick);
        let tally = drive.rollout.tally(None);
        assert_eq!((tally.dark, tally.late, tally.passed), (0, 0, 2), "after {leap} minutes");
        assert!(drive.is("running") && drive.given() == 2, "an hour is an hour of looking");
        drive.pass(1);
    }
    drive.pass(60);
    assert_eq!(drive.given(), 6);
}

//! A node comes to what it should run, or stays with what works, and says why.

use crate::{
    bench::{release_of, slot, utc, version},
    shop::{Behaves, Shop, config},
};
use aisle_fleet::{
    ContentHash, Converger, Effect, Input, Kind, Maintenance, NodeReport, Stamp, Want,
    converge::{Config, Trouble},
    name::Grant,
    report::Phase,
    setting::SettingValue,
};

const A: &str = "plugin/a";
const HOUR: u64 = 3_600_000;

fn good(wants: &[(&str, &str)]) -> Shop {
    let mut shop = Shop::new();
    shop.desire(Shop::state(wants));
    shop.pass(HOUR);
    shop
}

#[test]
fn a_good_version_is_fetched_verified_tried_put_in_place_watched_and_kept() {
    let mut shop = Shop::new();
    shop.desire(Shop::state(&[(A, "1.0"), ("catalogue", "7")]));
    shop.settle();
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
    assert_eq!(shop.phase(A), Phase::Watching);
    assert_eq!(shop.codes(A), ["watching", "not-called-yet"]);
    assert!(shop.machine.report().slots[&slot(A)].good.is_none(), "it has to prove itself first");
    shop.pass(6 * 60_000);
    assert_eq!(shop.phase("catalogue"), Phase::Settled, "nobody calls a catalogue: time is enough");
    assert_eq!(shop.codes(A), ["watching"]);
    shop.pass(10 * 60_000);
    assert_eq!(shop.phase(A), Phase::Settled);
    assert!(shop.machine.report().slots[&slot(A)].good.is_some());
    assert!(shop.machine.report().is_settled());
    assert_eq!(shop.machine.wake_at(), u64::MAX, "there is nothing more to do");
}

#[test]
fn what_is_never_called_proves_nothing_however_long_it_runs() {
    let mut shop = Shop::new();
    shop.desire(Shop::state(&[(A, "1.0")]));
    shop.settle();
    for _ in 0..48 {
        shop.running_ms += HOUR;
        shop.feed(Input::Tick);
        shop.settle();
    }
    assert_eq!(shop.phase(A), Phase::Watching);
    assert_eq!(shop.told(A), "was called 0 times in live traffic, of 20 that say something");
}

#[test]
fn a_version_that_traps_goes_back_and_is_not_tried_again_by_itself() {
    let mut shop = good(&[(A, "1.0")]);
    shop.behave(A, "2.0", Behaves { traps_percent: 50, ..Behaves::default() });
    let state = Shop::state(&[(A, "2.0")]);
    shop.desire(state.clone());
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
    assert_eq!(shop.phase(A), Phase::Refused);
    assert!(shop.told(A).contains("2.0 was given up: trapped ("), "{}", shop.told(A));
    let fetched = shop.fetched.len();
    // Neither time, nor a restart, nor being told the same again.
    shop.pass(100 * HOUR);
    shop.restart();
    shop.desire(state.clone());
    shop.pass(HOUR);
    assert_eq!((shop.fetched.len(), shop.running(A).as_deref()), (fetched, Some("1.0")));
    // But people may ask for it again.
    let mut again = state;
    again.slots.get_mut(&slot(A)).unwrap().round = 1;
    shop.behave(A, "2.0", Behaves::default());
    shop.desire(again);
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("2.0"));
    assert_eq!(shop.phase(A), Phase::Settled);
}

#[test]
fn each_way_to_fail_has_its_code_and_leaves_what_ran() {
    let bad = Behaves::default();
    for (behaves, code) in [
        (Behaves { fails_smoke_test: true, ..bad }, "smoke-test-failed"),
        (Behaves { fails_activation: true, ..bad }, "activate-failed"),
        (Behaves { spoilt: 99, ..bad }, "verify-failed"),
        (Behaves { traps_percent: 3, ..bad }, "trapped"),
        (Behaves { kills: true, ..bad }, "crash-loop"),
    ] {
        let mut shop = good(&[(A, "1.0")]);
        shop.behave(A, "2.0", behaves);
        shop.desire(Shop::state(&[(A, "2.0")]));
        shop.pass(HOUR);
        assert_eq!(shop.running(A).as_deref(), Some("1.0"), "{code}");
        assert_eq!(shop.codes(A), ["known-bad"], "{code}");
        assert!(shop.told(A).contains(code), "{code}: {}", shop.told(A));
        // What another one did is not held against what runs.
        shop.desire(Shop::state(&[(A, "1.0")]));
        shop.pass(HOUR);
        assert_eq!((shop.phase(A), shop.codes(A)), (Phase::Settled, Vec::new()), "{code}");
    }
}

#[test]
fn what_did_not_come_is_not_held_against_what_runs_once_it_is_wanted_no_more() {
    let mut shop = good(&[(A, "1.0")]);
    shop.behave(A, "2.0", Behaves { fetch_fails: u32::MAX, ..Behaves::default() });
    shop.desire(Shop::state(&[(A, "2.0")]));
    shop.settle();
    assert_eq!(shop.codes(A), ["retry-later", "fetching"]);
    shop.desire(Shop::state(&[(A, "1.0")]));
    shop.settle();
    assert_eq!((shop.phase(A), shop.codes(A)), (Phase::Settled, Vec::new()));
}

#[test]
fn bytes_that_are_spoilt_once_are_fetched_once_more() {
    let mut shop = good(&[(A, "1.0")]);
    shop.behave(A, "2.0", Behaves { spoilt: 1, fetch_fails: 4, ..Behaves::default() });
    shop.desire(Shop::state(&[(A, "2.0")]));
    shop.settle();
    assert_eq!(shop.codes(A), ["retry-later", "fetching"]);
    assert!(shop.told(A).contains("fetch-failed (the line was cut)"));
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("2.0"));
}

#[test]
fn a_line_that_stays_cut_is_tried_for_ever_but_not_often() {
    let mut shop = Shop::new();
    shop.behave(A, "1.0", Behaves { fetch_fails: u32::MAX, ..Behaves::default() });
    shop.desire(Shop::state(&[(A, "1.0")]));
    shop.pass(48 * HOUR);
    let tries = u32::MAX - shop.behaves.values().next().unwrap().fetch_fails;
    assert!((48..80).contains(&tries), "{tries} times in two days");
    assert_eq!(shop.phase(A), Phase::Waiting);
    assert!(shop.machine.wake_at() <= shop.running_ms + HOUR);
}

#[test]
fn the_reasons_come_in_the_order_in_which_they_have_to_go() {
    let mut shop = good(&[(A, "1.0")]);
    shop.around.busy = Some("a basket is being paid".into());
    shop.around.disk_free_bytes = 25_000_000;
    let mut state = Shop::state(&[(A, "2.0")]);
    let maintenance = r#"{"zone":"Europe/Berlin","windows":["daily 02:00-05:00"]}"#;
    state.maintenance = Some(serde_json::from_str::<Maintenance>(maintenance).unwrap());
    shop.wall = Some(utc("2026-11-20T12:00:00Z"));
    shop.desire(state);
    shop.settle();
    // 1 MB for itself and 64 MiB that stay free, of which 25 MB are there.
    assert_eq!(shop.told(A), "waits for 44 MB free disk");
    shop.around.disk_free_bytes = 1 << 40;
    shop.pass(60_000);
    assert_eq!(shop.codes(A), ["busy", "window-closed"]);
    assert!(shop.told(A).ends_with("waits for the maintenance window until Sat 02:00"), "{}", shop.told(A));
    shop.around.busy = None;
    shop.wall = None;
    shop.pass(60_000);
    assert_eq!(shop.codes(A), ["clock-unknown"]);
    shop.wall = Some(utc("2026-11-21T00:30:00Z"));
    shop.pass(60_000);
    assert_eq!(shop.codes(A), ["window-closed"]);
    shop.pass(30 * 60_000);
    assert_eq!(shop.running(A).as_deref(), Some("2.0"), "it is two in the morning in Berlin");
}

#[test]
fn a_way_back_waits_for_no_window() {
    let mut shop = good(&[(A, "1.0")]);
    shop.behave(A, "2.0", Behaves { traps_percent: 50, ..Behaves::default() });
    let mut state = Shop::state(&[(A, "2.0")]);
    let maintenance = r#"{"zone":"UTC","windows":["daily 02:00-02:05"]}"#;
    state.maintenance = Some(serde_json::from_str::<Maintenance>(maintenance).unwrap());
    shop.wall = Some(utc("2026-11-21T02:04:00Z"));
    shop.desire(state);
    shop.settle();
    assert_eq!(shop.running(A).as_deref(), Some("2.0"));
    shop.around.busy = Some("opening".into());
    shop.pass(10 * 60_000);
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
}

#[test]
fn metadata_that_has_expired_stops_what_is_new_and_nothing_that_runs() {
    let mut shop = good(&[(A, "1.0")]);
    shop.around.metadata_until = shop.wall;
    shop.desire(Shop::state(&[(A, "2.0")]));
    shop.pass(HOUR);
    assert_eq!(shop.codes(A), ["metadata-expired"]);
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
    shop.around.metadata_until = shop.wall.map(|wall| wall.saturating_add_ms(10 * HOUR as i64));
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("2.0"));
}

#[test]
fn what_a_node_cannot_or_may_not_do_is_refused_before_a_byte_is_fetched() {
    let needs = |change: &dyn Fn(&mut aisle_fleet::Needs)| {
        let mut release = release_of(A, "2.0");
        change(&mut release.needs);
        release
    };
    let stock = || Grant::new("stock").unwrap();
    for (release, code, told) in [
        (needs(&|needs| needs.node_version_min = Some(version("3.0"))), "node-too-old", "needs Aisle 3.0"),
        (needs(&|needs| needs.grants.extend([stock()])), "grant-missing", "does not grant `stock`"),
    ] {
        let mut shop = good(&[(A, "1.0")]);
        shop.around.node_version = Some(version("1.9"));
        shop.around.grants = Some([Grant::new("kv").unwrap()].into());
        let mut state = Shop::state(&[(A, "2.0")]);
        state.slots.get_mut(&slot(A)).unwrap().want = Want::Release(release);
        let fetched = shop.fetched.len();
        shop.desire(state);
        shop.pass(HOUR);
        assert_eq!(shop.codes(A), [code]);
        assert!(shop.told(A).contains(told), "{}", shop.told(A));
        assert_eq!(shop.fetched.len(), fetched);
    }
    let mut shop = good(&[(A, "1.0")]);
    shop.around.denies.insert(Kind::Plugin, "no foreign code here");
    shop.desire(Shop::state(&[(A, "2.0")]));
    shop.pass(HOUR);
    assert_eq!(shop.codes(A), ["policy-denies"]);
    assert_eq!(shop.running(A).as_deref(), Some("1.0"), "what runs is not touched by it");
    let mut shop = good(&[(A, "1.0"), ("plugin/b", "1.0")]);
    shop.around.denies.insert(slot(A), "it is too loud");
    shop.desire(Shop::state(&[(A, "2.0"), ("plugin/b", "2.0")]));
    shop.pass(HOUR);
    assert_eq!((shop.codes(A), shop.codes("plugin/b").len()), (vec!["policy-denies".to_owned()], 0));
    assert!(shop.told(A).contains("too loud"));
    let mut only_prices = Config { seed: 1, ..config() };
    only_prices.kinds.retain(|kind, _| *kind == Kind::Prices);
    let mut shop = Shop::with(only_prices);
    shop.desire(Shop::state(&[(A, "2.0")]));
    shop.pass(HOUR);
    assert_eq!(shop.codes(A), ["unknown-kind"]);
}

#[test]
fn nothing_is_put_in_place_below_the_highest_minimum_that_was_ever_seen() {
    let mut shop = Shop::new();
    let mut state = Shop::state(&[(A, "2.0")]);
    state.minimums.insert(slot(A), version("1.5"));
    shop.desire(state);
    shop.pass(HOUR);
    // Whoever stands behind an older state with a lower minimum: the node remembers.
    shop.desire(Shop::state(&[(A, "1.4")]));
    shop.pass(HOUR);
    assert_eq!(shop.codes(A), ["below-minimum"]);
    assert_eq!(shop.running(A).as_deref(), Some("2.0"));
}

#[test]
fn a_way_back_below_the_minimum_leads_to_nothing() {
    let mut shop = good(&[(A, "1.0")]);
    shop.behave(A, "2.0", Behaves { traps_percent: 50, ..Behaves::default() });
    let mut state = Shop::state(&[(A, "2.0")]);
    state.minimums.insert(slot(A), version("1.5"));
    shop.desire(state);
    shop.pass(HOUR);
    assert_eq!(shop.running(A), None, "rather none than one that must not run");
    assert_eq!(shop.codes(A), ["known-bad", "nothing-good"]);
}

#[test]
fn what_runs_goes_on_when_a_minimum_rises_above_it_until_the_next_is_there() {
    let mut shop = good(&[(A, "1.0")]);
    shop.behave(A, "2.0", Behaves { fetch_fails: 3, ..Behaves::default() });
    let mut state = Shop::state(&[(A, "2.0")]);
    state.minimums.insert(slot(A), version("2.0"));
    shop.desire(state);
    shop.settle();
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("2.0"));
}

#[test]
fn an_old_state_and_one_that_is_not_its_hash_are_not_followed() {
    let mut shop = good(&[(A, "1.0")]);
    let old = Shop::state(&[(A, "0.5")]);
    shop.tell(Stamp { version: 0, hash: old.hash() }, old.clone());
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
    shop.tell(Stamp { version: 9, hash: ContentHash([1; 32]) }, old.clone());
    shop.tell(Stamp { version: 1, hash: old.hash() }, old);
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
    assert_eq!(shop.warnings.len(), 2, "{:?}", shop.warnings);
}

#[test]
fn something_else_that_is_wanted_takes_over_at_once() {
    let mut shop = good(&[(A, "1.0")]);
    shop.behave(A, "2.0", Behaves { fetch_fails: u32::MAX, ..Behaves::default() });
    shop.desire(Shop::state(&[(A, "2.0")]));
    shop.pass(60_000);
    shop.desire(Shop::state(&[(A, "3.0")]));
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("3.0"));
    // And what was good goes on being good while the next is on probation.
    shop.desire(Shop::state(&[(A, "4.0")]));
    shop.settle();
    shop.behave(A, "5.0", Behaves { traps_percent: 90, ..Behaves::default() });
    shop.desire(Shop::state(&[(A, "5.0")]));
    shop.pass(HOUR);
    assert_eq!(shop.running(A).as_deref(), Some("3.0"), "4.0 never proved itself");
}

#[test]
fn a_slot_is_emptied_when_nothing_is_wanted_and_left_when_nobody_says_anything() {
    let mut shop = good(&[(A, "1.0"), ("catalogue", "7")]);
    shop.desire(Shop::state(&[(A, "absent")]));
    shop.pass(HOUR);
    assert_eq!(shop.running(A), None);
    assert_eq!(shop.running("catalogue").as_deref(), Some("7"));
    assert_eq!(shop.phase("catalogue"), Phase::Left);
    assert!(shop.machine.report().is_settled());
    assert_eq!(shop.machine.report().drift().count(), 0);
}

#[test]
fn only_one_artefact_is_changed_at_a_time_and_only_so_many_are_fetched() {
    let mut shop = Shop::new();
    let names: Vec<String> = (0..20).map(|at| format!("plugin/p{at}")).collect();
    let wants: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1.0")).collect();
    let state = Shop::state(&wants);
    let stamp = Stamp { version: 1, hash: state.hash() };
    let effects = shop.machine.handle(
        shop.now(),
        &shop.around,
        Input::Desired { stamp, state: Box::new(state.clone()) },
    );
    let fetches = effects.iter().filter(|effect| matches!(effect, Effect::Fetch { .. })).count();
    assert_eq!(fetches, 4);
    let report = shop.machine.report();
    let queued = report.slots.values().filter(|slot| slot.reasons[0].code() == "fetch-queue").count();
    assert_eq!(queued, 16);
    let mut shop = Shop::new();
    shop.desire(state);
    shop.pass(HOUR);
    assert_eq!(shop.active.len(), 20);
}

#[test]
fn settings_are_applied_once_and_a_refusal_is_told() {
    let mut shop = good(&[(A, "1.0")]);
    let mut state = Shop::state(&[(A, "1.0")]);
    state.settings.insert("kiosk.rows".parse().unwrap(), SettingValue::Number(4));
    shop.desire(state.clone());
    shop.pass(60_000);
    let report = shop.machine.report();
    assert_eq!((report.settings.applied, shop.settings), (report.settings.wanted, report.settings.wanted));
    state.settings.insert("kiosk.rows".parse().unwrap(), SettingValue::Number(-4));
    let stamp = Stamp { version: 9, hash: state.hash() };
    let effects =
        shop.machine.handle(shop.now(), &shop.around, Input::Desired { stamp, state: Box::new(state) });
    let hash = effects
        .iter()
        .find_map(|effect| match effect {
            Effect::ApplySettings { hash, .. } => Some(*hash),
            _ => None,
        })
        .unwrap();
    let outcome = Err(Trouble { is_final: true, text: "`kiosk.rows` is -4, expected 1 to 12".into() });
    shop.machine.handle(shop.now(), &shop.around, Input::SettingsDone { hash, outcome });
    let report = shop.machine.report();
    assert_ne!(report.settings.applied, report.settings.wanted);
    assert!(report.settings.reasons[0].to_string().contains("expected 1 to 12"));
}

#[test]
fn a_node_that_is_told_to_stop_stops_and_nobody_is_blamed_for_it() {
    let mut shop = Shop::new();
    shop.desire(Shop::state(&[(A, "1.0")]));
    shop.settle();
    for _ in 0..10 {
        shop.feed(Input::Stopping);
        shop.settle();
        shop.restart();
        shop.pass(60_000);
    }
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
    // But when it stops three times by itself, what is new has to go.
    for _ in 0..3 {
        shop.pull();
        shop.settle();
    }
    assert_eq!(shop.running(A), None);
    assert!(shop.told(A).contains("crash-loop"), "{}", shop.told(A));
}

#[test]
fn of_two_that_are_new_the_later_is_suspected_first() {
    let mut shop = good(&[(A, "1.0"), ("plugin/b", "1.0")]);
    shop.desire(Shop::state(&[(A, "2.0"), ("plugin/b", "1.0")]));
    shop.settle();
    shop.desire(Shop::state(&[(A, "2.0"), ("plugin/b", "2.0")]));
    shop.settle();
    for _ in 0..3 {
        shop.pull();
        shop.settle();
    }
    assert_eq!((shop.running(A).as_deref(), shop.running("plugin/b").as_deref()), (Some("2.0"), Some("1.0")));
    // What is loaded at a start is never what has just been found to blame.
    let loads: Vec<String> =
        shop.machine.loads().map(|(slot, release)| format!("{slot} {}", release.version)).collect();
    assert_eq!(loads, ["plugin/a 2.0", "plugin/b 1.0"]);
}

#[test]
fn something_proved_that_breaks_later_stays_and_is_told_where_there_is_nothing_else() {
    let mut shop = good(&[(A, "1.0")]);
    let hash = release_of(A, "1.0").hash;
    shop.feed(Input::Broke { slot: slot(A), hash, text: "five failures in a row".into() });
    shop.settle();
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
    assert_eq!((shop.phase(A), shop.codes(A)), (Phase::Refused, vec!["failing".to_owned()]));
}

#[test]
fn a_clock_that_leaps_hurries_nothing_and_holds_up_nothing() {
    let mut shop = Shop::new();
    shop.desire(Shop::state(&[(A, "1.0")]));
    shop.settle();
    for wall in [0, i64::MAX, i64::MIN, 4_000_000_000_000] {
        shop.wall = Some(aisle_event::Timestamp(wall));
        shop.feed(Input::Tick);
        shop.settle();
        assert_eq!(
            shop.phase(A),
            Phase::Watching,
            "a day on the wall is not a quarter of an hour of running"
        );
    }
    shop.pass(HOUR);
    assert_eq!(shop.phase(A), Phase::Settled);
    // A counter that goes back counts as one that stands.
    shop.running_ms = 0;
    shop.feed(Input::Tick);
    shop.settle();
    assert_eq!(shop.phase(A), Phase::Settled);
}

#[test]
fn a_report_survives_its_form_on_the_wire_and_unknown_fields_do_not() {
    let mut shop = good(&[(A, "1.0")]);
    shop.behave(A, "2.0", Behaves { traps_percent: 50, ..Behaves::default() });
    shop.desire(Shop::state(&[(A, "2.0"), ("prices", "3")]));
    shop.pass(62_000);
    let report = shop.machine.report();
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<NodeReport>(&json).unwrap(), report);
    let odd = json.replacen("\"slots\"", "\"slats\"", 1);
    assert!(serde_json::from_str::<NodeReport>(&odd).is_err());
    assert_eq!(shop.report.as_ref(), Some(&report), "the last one that was sent is the last one there was");
}

#[test]
fn what_was_kept_is_refused_when_it_is_damaged_and_never_believed() {
    let shop = good(&[(A, "1.0")]);
    let kept = shop.kept.unwrap();
    assert!(Converger::resume(config(), Some(&kept)).is_ok());
    assert!(Converger::resume(config(), Some(&kept[..kept.len() / 2])).is_err());
    let error = Converger::resume(config(), Some(b"")).unwrap_err().to_string();
    assert!(error.contains("hint"), "{error}");
}

#[test]
fn reports_come_when_something_is_new_and_not_too_often() {
    let mut shop = Shop::new();
    shop.desire(Shop::state(&[(A, "1.0")]));
    shop.settle();
    let quiet = shop.machine.handle(shop.now(), &shop.around, Input::Tick);
    assert!(!quiet.iter().any(|effect| matches!(effect, Effect::Report(_))), "{quiet:?}");
    // What was new within the gap is told when it is over.
    assert!(shop.machine.wake_at() <= shop.running_ms + shop.config.report_gap_ms);
    shop.pass(2_000);
    assert_eq!(shop.report.as_ref(), Some(&shop.machine.report()));
    let contents = shop.machine.needs();
    assert!(contents.contains(&release_of(A, "1.0").hash));
}

#[test]
fn a_grant_that_the_store_takes_back_is_told_of_what_runs_by_it() {
    let mut shop = Shop::new();
    let mut state = Shop::state(&[(A, "1.0")]);
    let mut release = release_of(A, "1.0");
    release.needs.grants.insert(Grant::new("stock").unwrap());
    state.slots.get_mut(&slot(A)).unwrap().want = Want::Release(release);
    shop.desire(state);
    shop.pass(HOUR);
    assert_eq!(shop.phase(A), Phase::Settled, "where nothing is said everything is granted");
    shop.around.grants = Some([Grant::new("kv").unwrap()].into());
    shop.pass(60_000);
    assert_eq!((shop.phase(A), shop.codes(A)), (Phase::Refused, vec!["grant-missing".to_owned()]));
    shop.around.grants = None;
    shop.pass(60_000);
    assert_eq!(shop.phase(A), Phase::Settled);
}

#[test]
fn what_is_here_already_needs_no_room() {
    let mut shop = Shop::new();
    shop.around.disk_free_bytes = 0;
    shop.desire(Shop::state(&[(A, "1.0")]));
    shop.pass(60_000);
    assert_eq!(shop.codes(A), ["disk-full"]);
    shop.around.here.insert(release_of(A, "1.0").hash);
    shop.pass(60_000);
    assert_eq!(shop.running(A).as_deref(), Some("1.0"));
    // What is spoilt goes, and then it needs its room.
    shop.behave(A, "2.0", Behaves { spoilt: 1, ..Behaves::default() });
    shop.around.here.insert(release_of(A, "2.0").hash);
    shop.desire(Shop::state(&[(A, "2.0")]));
    shop.settle();
    shop.around.here.clear();
    shop.pass(60_000);
    assert_eq!(shop.codes(A)[0], "disk-full");
    shop.around.disk_free_bytes = 1 << 40;
    shop.pass(60_000);
    assert_eq!(shop.running(A).as_deref(), Some("2.0"));
}

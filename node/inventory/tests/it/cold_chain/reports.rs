//! The report of a unit and a day, and holding it against the journal.

use super::*;
use aisle_inventory::cold_chain::{
    Difference, ReadError, SLOT_MS, embedded,
    report::{DayVerdict, Evidence, Language, Report, Standing},
    verify,
};
use jiff::{civil::date, tz::TimeZone};

/// A store after a day with an hour too warm, and two hours of the next day.
fn store() -> Store {
    let mut store = Store::fridge();
    store.receive("milk", 10, "L1");
    store.minutes(8 * 60, 3.0);
    store.minutes(60, 9.0);
    let open = store.opened()[0].excursion.clone();
    store.acknowledge(&open, "door closed <b>by hand</b>");
    store.minutes(17 * 60, 3.0);
    store
}

fn report(store: &Store, zone: &str, day: i8) -> Report {
    let zone = TimeZone::get(zone).unwrap();
    Report::new(
        &store.cold.view(),
        "Corner shop",
        &name("fridge"),
        date(2026, 11, day),
        &zone,
        Timestamp(store.now),
    )
}

fn proven(store: &Store, zone: &str) -> Report {
    let report = report(store, zone, 21);
    let (first_seq, last_seq) = report.records().unwrap();
    report.with_evidence(Evidence {
        journal: "ab".repeat(16),
        first_seq,
        last_seq,
        head_before: "1".repeat(64),
        head_after: "2".repeat(64),
    })
}

#[test]
fn a_day_with_an_hour_too_warm_is_told_with_what_was_done() {
    let store = store();
    let report = report(&store, "UTC", 21);
    assert_eq!(report.standing, Standing::Over);
    assert_eq!(report.verdict, DayVerdict::Safe);
    assert_eq!(report.slots.len(), 288);
    assert_eq!(report.missing_s, 0);
    let page = report.html(Language::En);
    for text in
        ["fridge", "≤ 5.0 °C", "9.0 °C", "Mei", "milk", "L1", "safe", "Signature", "<svg", "@media print"]
    {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("<b>by hand"), "what people wrote is text");
    assert!(!page.replace("http://www.w3.org/2000/svg", "").contains("http"), "nothing outside");
    let chinese = report.html(Language::Zh);
    assert!(chinese.contains("lang=\"zh-Hans\"") && chinese.contains("冷链记录报告"));
}

#[test]
fn a_report_is_verified_by_the_journal_in_every_form_and_language() {
    let store = store();
    for zone in ["UTC", "Asia/Shanghai", "Asia/Kathmandu", "America/New_York"] {
        let report = proven(&store, zone);
        let files = [report.html(Language::En), report.html(Language::Zh), report.csv()];
        for file in files {
            let heads = Some((&*"1".repeat(64), &*"2".repeat(64))).map(|(a, b)| (a.to_owned(), b.to_owned()));
            let (before, after) = heads.unwrap();
            let outcome = verify(&file, store.records(), Some((&before, &after))).unwrap();
            assert_eq!(outcome.differences, [], "{zone}");
            assert!(outcome.readings > 60 && outcome.records >= outcome.readings);
            assert_eq!(embedded(&file).unwrap(), report);
        }
    }
}

#[test]
fn a_report_made_after_a_restart_is_the_same() {
    let store = store();
    let again = ColdChain::decode(store.config.clone(), &store.cold.encode()).unwrap();
    let zone = TimeZone::UTC;
    let now = Timestamp(store.now);
    let made = |cold: &ColdChain| {
        Report::new(&cold.view(), "Corner shop", &name("fridge"), date(2026, 11, 21), &zone, now)
    };
    assert_eq!(made(&again), made(&store.cold));
}

#[test]
fn a_report_that_was_changed_is_found_out() {
    let store = store();
    let report = proven(&store, "UTC");
    let differs = |file: &str| verify(file, store.records(), None).unwrap().differences;

    let shown = report.html(Language::En).replace(">9.0<", ">4.9<");
    assert_eq!(differs(&shown), [Difference::Shown]);

    let mut cooler = report.clone();
    for slot in &mut cooler.slots {
        slot.max_milli = slot.max_milli.min(5_000);
    }
    let differences = differs(&cooler.csv());
    assert_eq!(differences[0], Difference::Digest);
    let Difference::Slot { at_ms, .. } = differences[1] else { panic!("{differences:?}") };
    assert_eq!(at_ms, MIDNIGHT + 8 * HOUR);

    let mut hidden = report.clone();
    hidden.slots.remove(100);
    hidden.digest = aisle_inventory::cold_chain::digest(&hidden.slots);
    let differences = differs(&hidden.csv());
    assert!(
        matches!(differences[..], [Difference::Slot { at_ms, reported: None, .. }] if at_ms == MIDNIGHT + 100 * SLOT_MS),
        "{differences:?}"
    );
}

#[test]
fn an_excursion_that_was_changed_or_left_out_is_found_out() {
    let mut store = store();
    let report = proven(&store, "UTC");
    let name = report.excursions[0].name.clone();
    let differs =
        |store: &Store, report: &Report| verify(&report.csv(), store.records(), None).unwrap().differences;

    let mut better = report.clone();
    better.excursions[0].actions[0].by = self::name("Somebody else");
    let told = Difference::Excursion { name: name.clone(), differs: "is told otherwise in the journal" };
    assert_eq!(differs(&store, &better), [told]);

    let mut hidden = report.clone();
    hidden.excursions.clear();
    let (first_seq, last_seq) = hidden.records().unwrap();
    let evidence = report.evidence.clone().map(|evidence| Evidence { first_seq, last_seq, ..evidence });
    hidden.evidence = evidence;
    let missing =
        Difference::Excursion { name: name.clone(), differs: "of this day is missing in the report" };
    assert_eq!(differs(&store, &hidden), [missing]);

    let mut invented = report.clone();
    invented.excursions[0].name = self::name("fridge:limit:9");
    assert_eq!(differs(&store, &invented).len(), 2);

    // What is said of it later takes nothing from the report.
    store.acknowledge(&name, "looked at it again");
    assert_eq!(differs(&store, &report), []);
}

#[test]
fn a_page_of_another_version_is_held_against_the_journal_only() {
    let store = store();
    let report = Report { made_by: "0.0.9".into(), ..proven(&store, "UTC") };
    let file = report.html(Language::En).replace("<h1>", "<h1 class=\"old\">");
    let outcome = verify(&file, store.records(), None).unwrap();
    assert!(outcome.is_verified() && !outcome.is_page_compared);
}

#[test]
fn a_journal_that_was_changed_is_found_out() {
    let store = store();
    let report = proven(&store, "UTC");
    let (first, last) = report.records().unwrap();
    let file = report.csv();

    let mut records = store.records();
    let place = records.iter().position(|(seq, ..)| *seq == first + 7).unwrap();
    let colder = ReadingsTaken {
        readings: vec![reading("probe", 2.9, MIDNIGHT + 7 * MINUTE)],
        unknown: Unknown::default(),
    };
    records[place].2 = Event::from(colder).encode();
    let outcome = verify(&file, records, None).unwrap();
    assert!(
        matches!(outcome.differences[..], [Difference::Slot { at_ms, .. }] if at_ms == MIDNIGHT + SLOT_MS)
    );
    assert!(outcome.differences[0].to_string().contains("°C"), "{}", outcome.differences[0]);

    let without: Vec<_> = store.records().into_iter().filter(|(seq, ..)| *seq != first + 7).collect();
    let outcome = verify(&file, without, None).unwrap();
    assert_eq!(outcome.differences[0], Difference::Absent { from: first + 7, to: first + 7 });

    let trimmed: Vec<_> = store.records().into_iter().filter(|(seq, ..)| *seq < last - 3).collect();
    let outcome = verify(&file, trimmed, None).unwrap();
    assert_eq!(outcome.differences[0], Difference::Absent { from: last - 3, to: last });

    let outcome = verify(&file, store.records(), Some((&"1".repeat(64), &"3".repeat(64)))).unwrap();
    assert!(matches!(outcome.differences[..], [Difference::Head { place: "after", .. }]));

    let mut records = store.records();
    records[place].2 = vec![0xff];
    let outcome = verify(&file, records, None).unwrap();
    assert!(matches!(outcome.differences[0], Difference::Record { seq, .. } if seq == first + 7));
}

#[test]
fn what_is_no_report_is_refused_with_words() {
    let none = || Vec::<(u64, u16, Vec<u8>)>::new();
    assert!(matches!(verify("", none(), None), Err(ReadError::NoData)));
    assert!(matches!(verify("time,celsius\n1,2\n", none(), None), Err(ReadError::NoData)));
    let bad = "# aisle-cold-chain-report: {\"form\":1}\n";
    assert!(matches!(verify(bad, none(), None), Err(ReadError::Data { .. })));
    let store = store();
    let other = Report { form: 9, ..proven(&store, "UTC") };
    assert!(matches!(verify(&other.csv(), none(), None), Err(ReadError::Form { found: 9 })));
}

#[test]
fn days_without_a_story_say_why() {
    let store = store();
    let ongoing = report(&store, "UTC", 22);
    assert_eq!((ongoing.standing, ongoing.verdict), (Standing::Ongoing, DayVerdict::Kept));
    assert!(ongoing.html(Language::En).contains("not over"));

    let future = report(&store, "UTC", 25);
    assert_eq!((future.standing, future.verdict), (Standing::Future, DayVerdict::Nothing));
    assert!(future.html(Language::En).contains("has not begun"));

    let before = report(&store, "UTC", 1);
    assert_eq!((before.standing, before.verdict), (Standing::Over, DayVerdict::Nothing));
    assert!(before.html(Language::En).contains("There are no readings of this day."));
    let outcome = verify(&before.html(Language::En), store.records(), None).unwrap();
    assert_eq!(outcome.differences, []);

    let view = store.cold.view();
    let unknown = Report::new(
        &view,
        "Corner shop",
        &name("<script>"),
        date(2026, 11, 21),
        &TimeZone::UTC,
        Timestamp(store.now),
    );
    assert_eq!(unknown.standing, Standing::NoUnit);
    let page = unknown.html(Language::En);
    assert!(page.contains("was ever defined") && !page.contains("<script><"));
    for day in [jiff::civil::Date::MIN, jiff::civil::Date::MAX] {
        let far = Report::new(&view, "", &name("fridge"), day, &TimeZone::UTC, Timestamp(i64::MAX));
        let _ = (far.html(Language::Zh), far.csv());
    }
}

#[test]
fn a_day_with_missing_readings_is_for_a_person_to_judge() {
    let mut store = Store::fridge();
    store.minutes(8 * 60, 3.0);
    store.silence(60);
    store.minutes(15 * 60 + 30, 3.0);
    let report = report(&store, "UTC", 21);
    assert_eq!(report.verdict, DayVerdict::Judge);
    assert_eq!(report.missing_s, 3600);
    assert!(report.html(Language::En).contains("Time without readings: 1:00 h"));
}

#[test]
fn days_are_kept_as_long_as_the_setting_says_and_take_little_room() {
    let mut store = Store::with(Config { days_max: 35, ..Config::default() });
    store.define("fridge", ColdGroup::Chilled);
    store.place("probe", "fridge");
    store.is_live = false;
    for minute in (0..40 * 24 * 60).step_by(5) {
        store.now = MIDNIGHT + minute * MINUTE;
        store.read_at("probe", 3.0 + (minute % 7) as f64 * 0.1, store.now);
    }
    let view = store.unit("fridge");
    assert_eq!(view.history.days(), 35);
    assert_eq!(view.history.slots(MIDNIGHT + 10 * 24 * HOUR, MIDNIGHT + 11 * 24 * HOUR).len(), 288);
    let bytes = store.cold.encode().len();
    assert!(bytes < 400_000, "{bytes} bytes");
}

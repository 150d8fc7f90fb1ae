//! The gate in words.

use crate::support::{event, gate, golden, policy, region, trusted};
use aisle_event::{Event, Hlc, LogClass};
use aisle_residency::{Outcome, Policy, dry_run, explain, vocabulary::Path};

const RULES: &str = "[[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.lines.sku\"]\naction = \"pass\"\n\
    [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"loyalty\"\n\
    [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.at\"]\naction = \"coarsen\"\nby = { time = \"hour\" }\n";

#[test]
fn an_explanation_goes_field_by_field_and_shows_what_leaves_only() {
    let draft = Policy::draft(policy(RULES).as_bytes()).unwrap();
    let explanation = explain(&event("sale_recorded"), &draft, &region("eu"));
    assert_eq!(
        (explanation.leaves, explanation.class, explanation.precision),
        (true, Some(LogClass::Sales), Some("hour"))
    );
    let text = explanation.to_string();
    let line = |path: &str| {
        text.lines().find(|line| line.contains(path)).unwrap_or_else(|| panic!("{path}\n{text}")).to_owned()
    };
    assert!(text.starts_with("`SaleRecorded` leaves for `eu` by sales; its time: hour\n"), "{text}");
    assert!(line("SaleRecorded.lines.sku").ends_with("leaves as it is, line 10: \"85123A\""), "{text}");
    assert!(
        line("SaleRecorded.customer")
            .ends_with("a token of 64 bits for `loyalty` leaves in its place, line 14: \"token\""),
        "{text}"
    );
    assert!(line("SaleRecorded.at").contains("leaves to the hour, line 19: 132274"), "{text}");
    assert!(line("SaleRecorded.session").ends_with("no rule: denied"), "{text}");
    assert!(!text.contains("17850") && !text.contains("7f3a9c"), "{text}");
}

#[test]
fn of_an_event_that_stays_every_field_is_explained() {
    let draft = Policy::draft(policy(RULES).as_bytes()).unwrap();
    let text = explain(&event("searched"), &draft, &region("eu")).to_string();
    assert!(
        text.starts_with("nothing of `Searched` leaves for `eu`\n") && text.contains("Searched.terms"),
        "{text}"
    );
    let elsewhere = explain(&event("sale_recorded"), &draft, &region("cn"));
    assert!(!elsewhere.leaves && elsewhere.lines.len() > 5);
}

#[test]
fn a_dry_run_counts_what_the_gate_would_do() {
    let trusted = trusted(&policy(RULES));
    let events: Vec<Event> =
        golden().into_iter().map(|(_, kind, bytes)| Event::decode(kind, &bytes).unwrap()).collect();
    let run = dry_run(&events, &trusted, &region("eu"));
    let gate = gate(&trusted, "eu");
    let passages: Vec<_> = events.iter().map(|event| gate.pass(Hlc(1), event)).collect();
    let mut tally = aisle_residency::Tally::default();
    passages.iter().for_each(|passage| tally.add(passage.fates()));
    assert_eq!(run.events as usize, events.len());
    assert_eq!(run.leave as usize, passages.into_iter().filter_map(aisle_residency::Passage::egress).count());
    for row in &run.rows {
        for (outcome, count) in Outcome::ALL.into_iter().zip(row.counts) {
            assert_eq!(count, tally.of(row.path, outcome), "{} {}", row.path, outcome.word());
        }
    }
    let customer =
        run.rows.iter().find(|row| Some(row.path) == Path::named("SaleRecorded.customer")).unwrap();
    assert!(customer.counts[1] > 0 && customer.class == "personal");
    let text = run.to_string();
    assert!(text.lines().count() == run.rows.len() + 2 && text.contains("tokened"), "{text}");
}

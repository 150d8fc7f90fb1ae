//! Is what runs what headquarters ordered, is what is not signed refused, and how long is what is signed good?

use super::{Finding, Subject};
use crate::enrol;
use aisle_converge::{Signed, fleet};
use aisle_event::Timestamp;

const ID: &str = "fleet";
const DAY_MS: u64 = 24 * 3_600_000;
/// So many days before signed metadata runs out it should have been made anew.
const SOON_DAYS: u64 = 3;
const STATUS: &str = "`aisle-node fleet status` shows what each place waits for";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    if !fleet::folder(subject.data).is_dir() {
        return Finding::ok(ID, "nothing was ever ordered for this node");
    }
    let signed = match Signed::open(&fleet::signed_folder(subject.data)) {
        Ok(signed) => signed,
        Err(error) => {
            let fix = "nothing new is put in place until it can be; put the folder `artefacts` back, or claim the box anew";
            return Finding::fail(ID, fleet::words(&error), fix);
        }
    };
    let machine = match fleet::look(subject.data) {
        Ok(machine) => machine,
        Err(error) => return Finding::fail(ID, fleet::words(&error), "look at the disk"),
    };
    let report = machine.report();
    let drift: Vec<String> = report.drift().map(|(slot, _)| slot.to_string()).collect();
    judge(&signed, &drift, enrol::clock(subject.data).guess())
}

fn judge(signed: &Signed, drift: &[String], now: Timestamp) -> Finding {
    if !signed.is_trusting() {
        let found = "no root of signed metadata is trusted: what is not signed is taken too";
        return Finding::warn(
            ID,
            found,
            "give it one: `aisle-node courier trust 1.root.json`, or claim the box",
        );
    }
    let left = signed.until().map(|until| (until, until.ms_since(now) / DAY_MS));
    match left {
        Some((until, _)) if until <= now => {
            let found = "the signed metadata has run out: what runs goes on, and nothing new comes";
            return Finding::warn(ID, found, "let the node reach its hub, or bring a newer bundle");
        }
        Some((_, days)) if days < SOON_DAYS => {
            let found = format!("the signed metadata is good for {days} days only");
            return Finding::warn(ID, found, "let the node reach its hub, or bring a newer bundle");
        }
        _ => {}
    }
    if let Some(finding) = signed.first_list().and_then(|list| of_list(&list, now)) {
        return finding;
    }
    if !drift.is_empty() {
        let found = format!("not as headquarters wants it: {}", drift.join(", "));
        return Finding::warn(ID, found, STATUS);
    }
    match left {
        Some((_, days)) => Finding::ok(ID, format!("as headquarters wants it; signed for {days} more days")),
        None => Finding::ok(ID, "a root of signed metadata is trusted, and nothing was signed yet"),
    }
}

/// The list of one kind that runs out first: nobody at the hub makes it anew but who holds its keys.
fn of_list((name, until): &(String, Timestamp), now: Timestamp) -> Option<Finding> {
    let found = if *until <= now {
        format!("the signed list `{name}` has run out: what runs goes on, and nothing new of it comes")
    } else {
        let days = until.ms_since(now) / DAY_MS;
        (days < SOON_DAYS).then(|| format!("the signed list `{name}` is good for {days} days only"))?
    };
    Some(Finding::warn(
        ID,
        found,
        "headquarters has to sign it anew, and the node to reach its hub or be given a bundle",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    #[test]
    fn a_list_that_runs_out_is_named() {
        let list = ("plugins".to_owned(), Timestamp(10 * DAY_MS.cast_signed()));
        let said = |days: u64| of_list(&list, Timestamp((days * DAY_MS).cast_signed())).map(|it| it.found);
        assert_eq!(said(5), None);
        assert!(said(9).is_some_and(|found| found.contains("`plugins` is good for 1 days")));
        assert!(said(10).is_some_and(|found| found.contains("`plugins` has run out")));
    }

    #[test]
    fn a_node_that_takes_what_is_not_signed_is_told_so() {
        let data = tempfile::tempdir().unwrap();
        let signed = Signed::open(&fleet::signed_folder(data.path())).unwrap();
        let finding = judge(&signed, &[], Timestamp(0));
        assert_eq!(finding.outcome, Outcome::Warn);
        assert!(finding.found.contains("not signed"), "{}", finding.found);
    }
}

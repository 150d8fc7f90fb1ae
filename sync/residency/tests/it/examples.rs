//! The policies that come along are read, hold what they say, and cover what they should.

use crate::support::{event, gate, golden, trusted, values};
use aisle_event::{Class, Event, Hlc};
use aisle_residency::{Outcome, policy::Action, vocabulary::Path};
use std::collections::BTreeSet;

const EU: &str = include_str!("../../policies/eu.toml");
const CN: &str = include_str!("../../policies/cn.toml");

#[test]
fn no_personal_or_sensitive_field_passes_by_them() {
    for text in [EU, CN] {
        let policy = trusted(text);
        for region in policy.regions() {
            for path in Path::all().filter(|path| path.class() >= Class::Personal) {
                let action = policy.rule(region, path).map(|rule| &rule.action);
                assert!(!matches!(action, Some(Action::Pass | Action::Coarsen(_))), "{path} to {region}");
            }
        }
    }
}

#[test]
fn nothing_that_follows_a_person_crosses_the_border() {
    for text in [EU, CN] {
        let policy = trusted(text);
        let global = crate::support::region("global");
        for path in Path::all().filter(|path| path.class() >= Class::Pseudonymous) {
            let action = policy.rule(&global, path).map(|rule| &rule.action);
            assert!(matches!(action, None | Some(Action::Drop)), "{path}: {action:?}");
        }
        for (name, kind, bytes) in golden() {
            let event = Event::decode(kind, &bytes).unwrap();
            if let Some(egress) = gate(&policy, "global").pass(Hlc(1), &event).egress() {
                assert!(
                    values(kind, egress.payload()).iter().all(|value| value.class == Class::Open),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_sale_reaches_its_regional_hub_with_tokens_for_people() {
    for (text, to) in [(EU, "eu"), (CN, "cn")] {
        let egress = gate(&trusted(text), to).pass(Hlc(1), &event("sale_recorded")).egress().unwrap();
        let tokened: BTreeSet<&str> = egress
            .fates()
            .iter()
            .filter(|(_, outcome, _)| *outcome == Outcome::Tokened)
            .map(|(path, ..)| path.as_str())
            .collect();
        assert_eq!(tokened, BTreeSet::from(["SaleRecorded.customer", "SaleRecorded.session"]), "{to}");
        assert!(
            values(egress.kind(), egress.payload())
                .iter()
                .any(|value| value.path == "SaleRecorded.lines.sku")
        );
    }
}

#[test]
fn a_sale_does_not_leave_for_abroad_by_itself() {
    for text in [EU, CN] {
        assert!(gate(&trusted(text), "global").pass(Hlc(1), &event("sale_recorded")).egress().is_none());
    }
}

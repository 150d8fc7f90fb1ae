//! Default deny, by property: whatever the policy and whatever the event, every value that leaves was allowed by a rule, in its form.

use crate::support::{Value, contains, gate, golden, policy, trusted, values, with_unknown};
use aisle_event::{Event, EventType, Hlc};
use aisle_residency::{Outcome, Passage, Shape, token::is_token, vocabulary::Path};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Pass,
    Token,
    Coarsen,
    Drop,
}

/// The one form that each shape can take in this test.
fn form(shape: Shape) -> Option<&'static str> {
    Some(match shape {
        Shape::Time => "{ time = \"hour\" }",
        Shape::Day => "{ days = 30 }",
        Shape::Money => "{ money_minor = 100 }",
        Shape::Quantity => "{ quantity_thousandths = 5000 }",
        Shape::Measure => "{ measure_millionths = 1000000 }",
        Shape::Number => "{ number = 10 }",
        Shape::Text => "{ prefix = 3 }",
        _ => return None,
    })
}

fn rules() -> impl Strategy<Value = BTreeMap<Path, Says>> {
    let all: Vec<Path> = Path::all().collect();
    let says = prop_oneof![Just(Says::Pass), Just(Says::Token), Just(Says::Coarsen), Just(Says::Drop)];
    prop::collection::vec((prop::sample::select(all), says), 0..250).prop_map(|rules| {
        let possible = |(path, says): &(Path, Says)| *says != Says::Coarsen || form(path.shape()).is_some();
        rules.into_iter().filter(possible).collect()
    })
}

fn written(rules: &BTreeMap<Path, Says>) -> String {
    let mut text = String::new();
    for (path, says) in rules {
        let more = match says {
            Says::Pass => "action = \"pass\"\nbasis = \"a test\"".into(),
            Says::Token => "action = \"token\"\npurpose = \"test\"\nbits = 128".into(),
            Says::Coarsen => {
                format!("action = \"coarsen\"\nbasis = \"a test\"\nby = {}", form(path.shape()).unwrap())
            }
            Says::Drop => "action = \"drop\"".to_owned(),
        };
        text += &format!("[[rule]]\nto = [\"eu\"]\nfields = [\"{path}\"]\n{more}\n");
    }
    policy(&text)
}

/// The single values of a field, one for each item of a list.
fn items(bytes: &[u8], list: bool) -> Vec<Vec<u8>> {
    if !list {
        return vec![bytes.to_vec()];
    }
    let mut decoder = minicbor::Decoder::new(bytes);
    let count = decoder.array().unwrap().unwrap();
    (0..count)
        .map(|_| {
            let start = decoder.position();
            decoder.skip().unwrap();
            bytes[start..decoder.position()].to_vec()
        })
        .collect()
}

fn is_list(path: Path) -> bool {
    use aisle_event::FieldClass;
    let (_, mut fields) = crate::support::fields_of(path.event());
    let mut list = false;
    for number in path.numbers() {
        let field = fields.iter().find(|field| field.number == *number).unwrap();
        list = field.holds.starts_with("Vec<");
        if let FieldClass::Nested(inner) = field.class {
            fields = inner;
        }
    }
    list
}

fn check(rules: &BTreeMap<Path, Says>, before: &[Value], after: &[Value]) -> Result<(), TestCaseError> {
    for value in after {
        let path = Path::named(&value.path);
        prop_assert!(path.is_some(), "{} left, and nobody knows it", value.path);
        let path = path.unwrap();
        let says = rules.get(&path);
        prop_assert!(says.is_some_and(|says| *says != Says::Drop), "{path} left without a rule");
        let list = is_list(path);
        let originals: Vec<&Value> = before.iter().filter(|original| original.path == value.path).collect();
        match says.unwrap() {
            Says::Pass => prop_assert!(
                originals.iter().any(|original| original.bytes == value.bytes),
                "{path} was changed"
            ),
            Says::Token => {
                for item in items(&value.bytes, list) {
                    let text: String = minicbor::decode(&item).unwrap();
                    prop_assert!(is_token(&text, 128), "{path} is no token: {text}");
                }
            }
            Says::Coarsen => {
                for item in items(&value.bytes, list) {
                    let whole =
                        originals.iter().flat_map(|original| items(&original.bytes, list)).any(|whole| {
                            let original: Option<&str> = minicbor::decode(&whole).ok();
                            let left: Option<&str> = minicbor::decode(&item).ok();
                            match (original, left) {
                                (Some(original), Some(left)) => {
                                    original.starts_with(left)
                                        && original != left
                                        && left.chars().count() == 3
                                }
                                _ => is_multiple(path.shape(), &item),
                            }
                        });
                    prop_assert!(whole, "{path} is not coarse");
                }
            }
            Says::Drop => unreachable!(),
        }
    }
    Ok(())
}

fn is_multiple(shape: Shape, item: &[u8]) -> bool {
    let step = match shape {
        Shape::Time => 3_600_000,
        Shape::Day => 30,
        Shape::Money => 100,
        Shape::Quantity => 5000,
        Shape::Measure => 1_000_000,
        _ => 10,
    };
    let number = match shape {
        Shape::Money | Shape::Quantity => {
            let mut decoder = minicbor::Decoder::new(item);
            decoder.array().unwrap();
            decoder.i64().unwrap()
        }
        _ => minicbor::decode(item).unwrap(),
    };
    number % step == 0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_value_that_leaves_was_allowed_by_a_rule(rules in rules(), seed in 0_u64..1000) {
        let trusted = trusted(&written(&rules));
        let gate = gate(&trusted, "eu");
        for (name, kind, bytes) in golden() {
            let text = format!("UNKNOWN-{seed}");
            let event = Event::decode(kind, &with_unknown(kind, &bytes, &text)).unwrap();
            let passage = gate.pass(Hlc(seed << 16), &event);
            let unknown = Path::numbered(kind, &[]).unwrap();
            prop_assert!(passage.fates().iter().any(|(path, outcome, _)| path == unknown && outcome == Outcome::Dropped), "{}", name);
            if let Passage::Leaves(egress) = passage {
                prop_assert_eq!(egress.kind(), kind);
                prop_assert!(!contains(egress.payload(), &text), "{} let an unknown field out", name);
                let after = values(kind, egress.payload());
                prop_assert!(!after.is_empty());
                check(&rules, &values(kind, &bytes), &after)?;
                let left: u32 = egress.fates().iter().filter(|(_, outcome, _)| outcome.leaves()).map(|(.., count)| count).sum();
                prop_assert_eq!(left as usize, after.len(), "{}", name);
            }
        }
    }
}

#[test]
fn without_rules_nothing_leaves_and_everything_is_counted() {
    let trusted = trusted(&policy(""));
    let gate = gate(&trusted, "eu");
    for (name, kind, bytes) in golden() {
        let event = Event::decode(kind, &bytes).unwrap();
        let passage = gate.pass(Hlc(1), &event);
        let dropped: u32 = passage
            .fates()
            .iter()
            .map(|(_, outcome, count)| if outcome == Outcome::Dropped { count } else { 0 })
            .sum();
        assert_eq!(dropped as usize, values(kind, &bytes).len(), "{name}");
        assert!(passage.egress().is_none(), "{name}");
    }
}

#[test]
fn a_type_from_the_future_stays_whole() {
    let trusted = trusted(&policy(""));
    let event = Event::decode(EventType(0x7fff), b"anything").unwrap();
    let passage = gate(&trusted, "eu").pass(Hlc(1), &event);
    assert!(passage.class().is_none() && passage.egress().is_none());
}

#[test]
fn every_field_has_a_shape_so_that_policies_can_speak_of_it() {
    let without: Vec<_> = Path::all().filter(|path| path.shape() == Shape::Unknown).collect();
    assert!(without.is_empty(), "add the types of these to `shape_of`: {without:?}");
}

//! FLEET.md names every code that programs may go by, and no other.

use aisle_fleet::{FaultCode, Reason, report::Phase, rollout::RolloutPhase};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../FLEET.md");

/// The codes in the first column of the table below a heading.
fn table(heading: &str) -> BTreeSet<String> {
    let (_, below) = PAGE.split_once(heading).unwrap_or_else(|| panic!("no `{heading}`"));
    let below = below.split("\n## ").next().unwrap();
    let rows = below.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.map(str::to_owned).collect()
}

/// The code that a JSON value of every variant carries, as serde names them in an error.
fn named<T: serde::de::DeserializeOwned>(tag: &str) -> BTreeSet<String> {
    let Err(error) = serde_json::from_str::<T>(&format!(r#"{{"{tag}":"nothing-like-this"}}"#)) else {
        panic!("there is no such thing");
    };
    let error = error.to_string();
    let (_, known) = error.split_once("expected one of ").unwrap_or_else(|| panic!("{error}"));
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A reason that this build knows: what it does not know would be read all the same.
struct Known;

impl<'de> serde::Deserialize<'de> for Known {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = serde_json::Value::deserialize(deserializer)?;
        Reason::known(&said).map(|_| Self).map_err(serde::de::Error::custom)
    }
}

#[test]
fn every_reason_stands_in_the_table_and_has_the_code_that_it_says() {
    let named = named::<Known>("code");
    assert_eq!(table("## Reasons"), named);
    let samples = [
        r#"{"code":"metadata-expired"}"#,
        r#"{"code":"disk-full","missing_bytes":40000000}"#,
        r#"{"code":"known-bad","version":"1.0","fault":{"code":"trapped","text":"3 of 9"}}"#,
        r#"{"code":"window-closed","opens":null,"local":""}"#,
        r#"{"code":"not-called-yet","calls":1,"calls_min":20}"#,
    ];
    for sample in samples {
        let reason: Reason = serde_json::from_str(sample).unwrap();
        assert!(sample.contains(&format!("\"code\":\"{}\"", reason.code())), "{sample}");
        assert_eq!(serde_json::to_string(&reason).unwrap(), sample);
    }
}

#[test]
fn every_fault_stands_in_the_table() {
    let known: BTreeSet<String> = FaultCode::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(table("## Faults"), known);
    for code in FaultCode::ALL {
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.as_str()));
    }
}

#[test]
fn every_phase_of_a_slot_and_of_a_rollout_stands_in_its_table() {
    assert_eq!(table("## Phases of a slot"), {
        let error = serde_json::from_str::<Phase>("\"odd\"").unwrap_err().to_string();
        error
            .split_once("expected one of ")
            .unwrap()
            .1
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    });
    assert_eq!(table("## Phases of a rollout"), named::<RolloutPhase>("phase"));
}

#[test]
fn who_was_never_heard_of_is_not_told_in_hours() {
    assert_eq!(Reason::OfflineLong { hours: u64::MAX }.to_string(), "has never been heard of");
    assert_eq!(Reason::OfflineLong { hours: 80 }.to_string(), "has not been heard of for 80 hours");
}

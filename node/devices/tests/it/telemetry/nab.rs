//! The alarms against a sensor that somebody labelled: the ambient temperature of the Numenta Anomaly Benchmark, hourly, with two
//! windows in which the system failed (A. Lavin, S. Ahmad, *Evaluating real-time anomaly detection algorithms*, ICMLA 2015).
//!
//! What the figures are worth: two windows of one sensor, and the sensor is no held-out one. The levels first counted values beyond
//! the tail's edge instead of runs of them; here that gave no alarm of range or drift at all in 290 days, inside the windows or
//! outside, where one in forty days was asked for. Counting runs brought the rate to what is asked and found both windows, by narrow
//! margins. The labels are no input of anything. A silence in the second window is a gap in the readings, as are those outside.

use aisle_devices::telemetry::{Config, evaluate};
use aisle_event::{Measure, Timestamp, device::Measured};
use jiff::civil::DateTime;
use std::{env, fs, path::PathBuf};

fn folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sensors");
    let folder = env::var_os("AISLE_SENSORS").map_or_else(beside, PathBuf::from);
    folder.join("nab-ambient-temperature.csv").exists().then_some(folder)
}

fn time(text: &str) -> Timestamp {
    let time: DateTime = text.parse().unwrap();
    Timestamp(time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond())
}

#[test]
fn the_alarms_are_reported_against_labelled_windows() {
    let Some(folder) = folder() else {
        eprintln!(
            "skipped: no labelled readings; AISLE_SENSORS names the folder with nab-ambient-temperature.csv"
        );
        return;
    };
    let readings: Vec<(Timestamp, Measure)> = fs::read_to_string(folder.join("nab-ambient-temperature.csv"))
        .unwrap()
        .lines()
        .skip(1)
        .map(|line| {
            let (at, fahrenheit) = line.split_once(',').unwrap();
            let celsius = (fahrenheit.parse::<f64>().unwrap() - 32.0) / 1.8;
            (time(at), Measure::new(celsius).unwrap())
        })
        .collect();
    let windows: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("nab-windows.json")).unwrap()).unwrap();
    let windows: Vec<(Timestamp, Timestamp)> = windows["nab-ambient-temperature.csv"]
        .as_array()
        .unwrap()
        .iter()
        .map(|window| (time(window[0].as_str().unwrap()), time(window[1].as_str().unwrap())))
        .collect();
    let report = evaluate(&readings, &windows, Measured::Celsius, Config::default()).unwrap();
    eprintln!(
        "{} readings, {:.0} days outside of the windows\n{report}",
        report.readings, report.days_outside
    );
    for (at, kind, words) in &report.alarms {
        eprintln!("{} {kind}: {words}", jiff::Timestamp::from_millisecond(at.0).unwrap());
    }
    assert_eq!((report.readings, report.windows), (7267, 2));
    let any = &report.kinds[0];
    // What is found is reported and not asserted. Twice what is configured, as 290 days say little about one in twenty.
    assert!(any.false_alarms_per_day <= 2.0 * Config::default().anomaly.false_alarms_per_day, "{any:?}");
}

//! A flipped bit among acknowledged records is reported with its place, and never passed over in silence.

use crate::support::{
    api::Api,
    command::{Outcome, aisle, run},
    invoices, journal,
    store::Store,
};
use serde_json::Value;
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::PathBuf,
};

/// Where the bit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the segment that is written to, with acknowledged records behind it. It is read at every start.
    LastSegment,
    /// In a segment that is full. It is read when its records are, as when the state is made again.
    SealedSegment,
}

/// Far enough into a segment to be among records, in bytes.
const OFFSET: u64 = 30_000;
/// The longest record that the damage can be in, in bytes.
const RECORD_BYTES: u64 = 16_384;

/// A store whose journal has a flipped bit.
struct Damaged {
    store: Store,
    place: Place,
    segment: String,
    lines: usize,
}

impl Damaged {
    fn new(place: Place) -> Self {
        let store = Store::empty();
        let file = store.file("invoices.csv", invoices::large(6_000));
        let config = store.file("aisle.toml", setting(place, "refuse")).display().to_string();
        store.import(&file, &["--config", &config]).exits(0);
        let lines = journal::lines(&journal::cat(&store.data())).len();
        let segments = segments(&store);
        let path = match place {
            Place::LastSegment => segments.last().expect("a segment"),
            Place::SealedSegment => {
                assert!(segments.len() >= 4, "{segments:?}");
                &segments[segments.len() / 2]
            }
        };
        let segment = File::options().read(true).write(true).open(path).expect("a segment");
        let mut byte = [0];
        segment.read_exact_at(&mut byte, OFFSET).expect("the segment is long enough");
        segment.write_all_at(&[byte[0] ^ 0x10], OFFSET).expect("it can be written");
        let segment = path.file_name().expect("a name").to_string_lossy().into_owned();
        Self { store, place, segment, lines }
    }

    /// `run` with `on_corruption = "refuse"`, until it ends.
    fn run(&self) -> Outcome {
        let config = self.store.file("aisle.toml", setting(self.place, "refuse")).display().to_string();
        run(&mut aisle(&self.store.data(), ["run", "--listen", "127.0.0.1:0", "--config", &config]))
    }

    /// Makes sure that a text names the segment and a place not after the damage, within a record of it.
    #[track_caller]
    fn is_named_in(&self, text: &str) {
        let named = text.lines().find(|line| line.contains(&self.segment));
        let offset: Option<u64> = named
            .and_then(|line| line.split_once("at byte ").or_else(|| line.split_once("offset=")))
            .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
        let near = offset.is_some_and(|offset| offset <= OFFSET && OFFSET - offset < RECORD_BYTES);
        assert!(near, "`{}` is not named with a byte near {OFFSET}: {text}", self.segment);
    }

    /// Makes sure that the journal lacks some of what was there, and says where.
    fn has_a_gap(&self) {
        let records = journal::cat(&self.store.data());
        let (events, gaps): (Vec<Value>, Vec<Value>) =
            records.into_iter().partition(|record| record.get("event").is_some());
        assert_eq!(gaps.len(), 1, "the gap is shown where it is: {gaps:?}");
        let left = journal::lines(&events).len();
        // What was hit may have been a price, which is no line.
        assert!(left <= self.lines && left > self.lines / 2, "{left} of {} lines are left", self.lines);
        let report = run(&mut aisle(&self.store.data(), ["journal", "verify", "--json"])).exits(0).json();
        assert_eq!(report["gaps"].as_array().map(Vec::len), Some(1), "{report}");

        let kept: Vec<String> = fs::read_dir(self.store.data().join("journal/quarantine"))
            .expect("the damaged segment is kept")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        let stem = self.segment.trim_end_matches(".seg");
        assert!(kept.iter().any(|name| name.contains(stem)), "`{stem}` is not among {kept:?}");
    }

    /// Makes sure that the journal holds one note about the damage.
    fn has_a_note(&self) {
        let notes = journal::cat_only(&self.store.data(), "JournalQuarantined");
        assert_eq!(notes.len(), 1, "damage is noted, and once: {notes:?}");
        let fields = &notes[0]["fields"];
        assert_eq!(fields["segment"], self.segment.as_str());
        assert!(fields["offset"].as_u64().is_some_and(|offset| offset <= OFFSET), "{fields}");
        assert!(fields["records"].as_u64() > Some(0), "{fields}");
    }
}

fn setting(place: Place, on_corruption: &str) -> String {
    let size = if place == Place::SealedSegment { "segment_bytes = 65536\n" } else { "" };
    format!("[journal]\n{size}on_corruption = \"{on_corruption}\"\n")
}

fn segments(store: &Store) -> Vec<PathBuf> {
    let mut segments: Vec<PathBuf> = fs::read_dir(store.data().join("journal"))
        .expect("there is a journal")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    segments.sort_unstable();
    segments
}

/// Starts a node that is told to go on, and makes sure that it says what is missing.
async fn goes_on_and_says_so(damaged: &Damaged) {
    let mut node = damaged.store.start_with(&setting(damaged.place, "quarantine"));
    let api = Api::new(node.url());
    api.ready().await;
    let health = api.health().await;
    assert_eq!(health["status"], "degraded", "{health}");
    let quarantined = health["journal"]["quarantined"].as_array().expect("a list");
    assert_eq!(quarantined.len(), 1, "{health}");
    damaged.is_named_in(quarantined[0].as_str().expect("a text"));
    damaged.is_named_in(&node.logs().join("\n"));
    let session = api.session().await;
    node.stop().expect("it stops");
    damaged.has_a_gap();
    damaged.has_a_note();

    node.start_again().expect("it starts again");
    let api = Api::new(node.url());
    assert_eq!(api.get(&format!("/v1/sessions/{session}")).await.status, 200);
    node.stop().expect("it stops");
    damaged.has_a_note();
}

#[test]
fn verify_and_doctor_name_segment_and_offset_and_exit_1() {
    for place in [Place::LastSegment, Place::SealedSegment] {
        let damaged = Damaged::new(place);
        let data = damaged.store.data();
        let report = run(&mut aisle(&data, ["journal", "verify", "--json"])).exits(1).json();
        assert_eq!(report["whole"], false);
        let damages = report["damages"].as_array().expect("damages");
        assert_eq!(damages.len(), 1, "{report}");
        damaged.is_named_in(damages[0].as_str().expect("a text"));
        damaged.is_named_in(&run(&mut aisle(&data, ["journal", "verify"])).exits(1).stdout);
        let findings = run(&mut aisle(&data, ["doctor", "--json"])).exits(1).json();
        let finding = findings.as_array().unwrap().iter().find(|finding| finding["id"] == "journal").unwrap();
        assert_eq!(finding["outcome"], "fail");
        damaged.is_named_in(finding["found"].as_str().expect("a text"));
    }
}

#[test]
fn a_node_that_is_told_to_refuse_does_not_start_and_says_where_and_what_to_do() {
    let damaged = Damaged::new(Place::LastSegment);
    let before = segments(&damaged.store);
    for _ in 0..2 {
        let outcome = damaged.run().exits(1);
        damaged.is_named_in(&outcome.stderr);
        outcome.complains_about(&["error: ", "hint: ", "quarantine"]);
        assert_eq!(segments(&damaged.store), before, "nothing was moved");
    }
}

#[tokio::test]
async fn a_node_that_is_told_to_go_on_starts_and_says_what_is_missing() {
    goes_on_and_says_so(&Damaged::new(Place::LastSegment)).await;
}

#[test]
fn a_node_that_meets_the_damage_on_its_way_stops_and_says_where_when_told_to_refuse() {
    let damaged = Damaged::new(Place::SealedSegment);
    fs::remove_dir_all(damaged.store.data().join("state")).expect("there is a state");
    let outcome = damaged.run().exits(70);
    damaged.is_named_in(&outcome.stderr);
    outcome.complains_about(&["quarantine"]);
}

#[tokio::test]
async fn a_node_that_meets_the_damage_on_its_way_goes_on_and_says_what_is_missing() {
    let damaged = Damaged::new(Place::SealedSegment);
    fs::remove_dir_all(damaged.store.data().join("state")).expect("there is a state");
    goes_on_and_says_so(&damaged).await;
}

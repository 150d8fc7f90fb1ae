//! Snapshot files: the latest that can be trusted is used, and what is passed over is named.

use aisle_state::snapshot_file::{FileError, Latest, SnapshotFiles};
use std::fs;
use tempfile::TempDir;

const ALL: std::ops::RangeInclusive<u64> = 0..=u64::MAX;

struct Directory {
    _dir: TempDir,
    files: SnapshotFiles,
}

impl Directory {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let files = SnapshotFiles {
            dir: dir.path().into(),
            name: "sessions",
            journal: [7; 16],
            layout: 3,
            files_max: 2,
        };
        Self { _dir: dir, files }
    }

    /// One at record 10 and one at record 20, as they should be.
    fn with_two() -> Self {
        let dir = Self::new();
        dir.files.write(10, b"ten").unwrap();
        dir.files.write(20, b"twenty").unwrap();
        dir
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.files.dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    fn latest(&self) -> Latest {
        self.files.read_latest(&ALL).unwrap()
    }
}

fn body(latest: &Latest) -> Option<(u64, &[u8])> {
    latest.snapshot.as_ref().map(|snapshot| (snapshot.applied, snapshot.body.as_slice()))
}

fn fell_back(latest: &Latest, because: &str) -> bool {
    body(latest) == Some((10, b"ten"))
        && latest.passed_over.len() == 1
        && latest.passed_over[0].contains(because)
}

fn file(number: u64) -> String {
    format!("sessions-{number:020}.ckpt")
}

#[test]
fn there_is_none_before_the_first_and_none_without_a_directory() {
    let mut dir = Directory::new();
    assert_eq!(dir.latest(), Latest::default());
    dir.files.dir.push("absent");
    assert_eq!(dir.latest(), Latest::default());
    assert!(matches!(dir.files.write(1, b""), Err(FileError::File { .. })));
}

#[test]
fn the_latest_is_read_as_it_was_written() {
    let dir = Directory::with_two();
    assert_eq!(body(&dir.latest()), Some((20, &b"twenty"[..])));
    let large: Vec<u8> = (0..300_000_u32).map(|number| number as u8).collect();
    let path = dir.files.write(30, &large).unwrap();
    assert_eq!(path, dir.files.dir.join(file(30)));
    assert_eq!(body(&dir.latest()), Some((30, &large[..])));
    dir.files.write(40, b"").unwrap();
    assert_eq!(body(&dir.latest()), Some((40, &b""[..])));
    assert!(dir.latest().passed_over.is_empty());
}

#[test]
fn only_the_latest_are_kept_and_those_of_other_names_are_left_alone() {
    let dir = Directory::with_two();
    let others = SnapshotFiles { name: "sessions-of-others", ..dir.files.clone() };
    others.write(5, b"five").unwrap();
    fs::write(dir.files.dir.join("sessions-x.ckpt"), b"mine").unwrap();
    dir.files.write(30, b"thirty").unwrap();
    let left = [
        file(20),
        file(30),
        "sessions-of-others-00000000000000000005.ckpt".to_owned(),
        "sessions-x.ckpt".to_owned(),
    ];
    assert_eq!(dir.names(), left);
}

#[test]
fn a_new_journal_does_not_lose_its_snapshot_to_higher_numbers_of_the_old_one() {
    let dir = Directory::with_two();
    let anew = SnapshotFiles { journal: [8; 16], ..dir.files.clone() };
    anew.write(4, b"four").unwrap();
    assert_eq!(dir.names(), [file(4)]);
    assert_eq!(body(&anew.read_latest(&ALL).unwrap()), Some((4, &b"four"[..])));
}

#[test]
fn what_a_crash_left_unfinished_is_not_read_and_goes_with_the_next_write() {
    let dir = Directory::with_two();
    fs::write(dir.files.dir.join("sessions-00000000000000000025.tmp"), b"AISLSNP1").unwrap();
    assert_eq!(body(&dir.latest()), Some((20, &b"twenty"[..])));
    dir.files.write(30, b"thirty").unwrap();
    assert_eq!(dir.names(), [file(20), file(30)]);
}

#[test]
fn a_file_cut_anywhere_is_passed_over_for_the_one_before_it() {
    let dir = Directory::with_two();
    let path = dir.files.dir.join(file(20));
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        assert!(fell_back(&dir.latest(), &file(20)), "{len}");
    }
}

#[test]
fn a_file_torn_to_zeroes_from_anywhere_is_passed_over() {
    let dir = Directory::with_two();
    let path = dir.files.dir.join(file(20));
    let whole = fs::read(&path).unwrap();
    for from in 0..whole.len() {
        let mut torn = whole.clone();
        torn[from..].fill(0);
        fs::write(&path, &torn).unwrap();
        assert!(torn == whole || fell_back(&dir.latest(), &file(20)), "{from}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let dir = Directory::with_two();
    let path = dir.files.dir.join(file(20));
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &flipped).unwrap();
        assert!(fell_back(&dir.latest(), &file(20)), "bit {bit}");
    }
}

#[test]
fn bytes_after_the_end_are_noticed() {
    let dir = Directory::with_two();
    let path = dir.files.dir.join(file(20));
    let mut longer = fs::read(&path).unwrap();
    longer.extend_from_slice(&[0; 9]);
    fs::write(&path, &longer).unwrap();
    assert!(fell_back(&dir.latest(), "it goes on after its end"));
}

#[test]
fn a_snapshot_of_another_journal_layout_or_number_is_passed_over_with_the_reason() {
    let dir = Directory::new();
    let path = dir.files.dir.join(file(20));
    for (other, because) in [
        (SnapshotFiles { journal: [8; 16], ..dir.files.clone() }, "it is of another journal"),
        (SnapshotFiles { layout: 4, ..dir.files.clone() }, "it has the layout of another version"),
    ] {
        dir.files.write(10, b"ten").unwrap();
        other.write(20, b"twenty").unwrap();
        assert!(fell_back(&dir.latest(), because), "{because}");
    }
    dir.files.write(10, b"ten").unwrap();
    fs::copy(dir.files.dir.join(file(10)), &path).unwrap();
    assert!(fell_back(&dir.latest(), "its name and its content differ"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(fell_back(&dir.latest(), &file(20)), "a directory in its place");
}

#[test]
fn a_snapshot_that_the_journal_does_not_go_on_from_is_passed_over() {
    let dir = Directory::with_two();
    assert!(fell_back(&dir.files.read_latest(&(0..=19)).unwrap(), "the journal does not go on from it"));
    let behind = dir.files.read_latest(&(21..=30)).unwrap();
    assert_eq!((behind.snapshot, behind.passed_over.len()), (None, 2));
}

#[test]
fn a_claimed_length_costs_no_memory() {
    let dir = Directory::with_two();
    let path = dir.files.dir.join(file(20));
    let mut bytes = fs::read(&path).unwrap();
    bytes[36..44].fill(0xff);
    fs::write(&path, &bytes).unwrap();
    assert!(fell_back(&dir.latest(), "it is cut short"));
}

//! Closed hours in files: complete, the same when written again, bounded, and never in the way when they are damaged.

use super::{DAY, Followed, HOUR, MINUTE, key, whole};
use aisle_devices::telemetry::{Archive, Config, Resolution, Series, Telemetry, query};
use std::{collections::BTreeMap, fs, path::Path};

const DAY_MS: i64 = 24 * HOUR;

fn fill(followed: &mut Followed, device: &str, from: i64, to: i64) {
    for nth in 0..(to - from) / 30_000 {
        followed.take(device, from + nth * 30_000, 4.0 + ((nth * 7) % 13) as f64 / 10.0);
    }
}

fn days(telemetry: &Telemetry, archive: Option<&Archive>, device: &str) -> Series {
    query(&telemetry.view(), archive, &whole(device, DAY, DAY + 6 * DAY_MS, Resolution::Minute)).unwrap()
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().into(), fs::read(path).unwrap()))
        .collect()
}

fn config() -> Config {
    Config { minutes_max: 20_000, ..Config::default() }
}

#[test]
fn memory_and_files_together_say_what_memory_alone_would() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    let (mut followed, mut kept) = (Followed::new(config()), Followed::new(config()));
    for part in 0..12 {
        let (from, to) = (DAY + part * 4 * HOUR, DAY + (part + 1) * 4 * HOUR);
        for device in ["fridge", "freezer"] {
            fill(&mut followed, device, from, to);
            fill(&mut kept, device, from, to);
        }
        followed.telemetry.persist(&archive).unwrap();
    }
    assert!(followed.telemetry.view().stream(&key("fridge")).unwrap().minutes_len() <= 120);
    assert_eq!(days(&followed.telemetry, Some(&archive), "fridge"), days(&kept.telemetry, None, "fridge"));
    let opened = Archive::open(dir.path(), &config()).unwrap();
    assert_eq!(days(&followed.telemetry, Some(&opened), "freezer"), days(&kept.telemetry, None, "freezer"));
    let names: Vec<String> = files(dir.path()).into_keys().collect();
    assert!(names.contains(&"2026-11-21.day".to_owned()), "{names:?}");
    assert!(names.contains(&"2026-11-22T10.hour".to_owned()), "{names:?}");
}

#[test]
fn a_replay_after_a_crash_writes_the_same_files_again() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    let mut followed = Followed::new(config());
    fill(&mut followed, "fridge", DAY, DAY + 5 * HOUR);
    let snapshot = followed.telemetry.encode();
    fill(&mut followed, "fridge", DAY + 5 * HOUR, DAY + 30 * HOUR);
    followed.telemetry.persist(&archive).unwrap();
    let before = files(dir.path());
    let mut again = Followed { telemetry: Telemetry::decode(config(), &snapshot).unwrap(), seq: 0 };
    fill(&mut again, "fridge", DAY + 5 * HOUR, DAY + 30 * HOUR);
    again.telemetry.persist(&archive).unwrap();
    assert_eq!(files(dir.path()), before);
    assert_eq!(
        days(&again.telemetry, Some(&archive), "fridge"),
        days(&followed.telemetry, Some(&archive), "fridge")
    );
}

#[test]
fn an_unfinished_file_is_removed_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("2026-11-21T10.hour.tmp"), b"half").unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    assert!(files(dir.path()).is_empty());
    assert_eq!(archive.status().files, 0);
}

#[test]
fn a_damaged_file_is_set_aside_and_named_and_the_rest_is_still_there() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    let mut followed = Followed::new(config());
    for device in ["a", "b"] {
        fill(&mut followed, device, DAY, DAY + 3 * HOUR);
    }
    followed.telemetry.persist(&archive).unwrap();
    let before = days(&followed.telemetry, Some(&archive), "a");
    let path = dir.path().join("2026-11-21T01.hour");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    // The last block is that of `b`.
    let hole = days(&followed.telemetry, Some(&archive), "b");
    assert_eq!(hole.points.len(), 2 * 60);
    let status = archive.status();
    assert!(status.damaged[0].contains("2026-11-21T01.hour"), "{status:?}");
    assert!(dir.path().join("2026-11-21T01.hour.damaged").exists());
    assert_eq!(days(&followed.telemetry, Some(&archive), "a"), before);
    assert_eq!(archive.status().damaged.len(), 1, "it is told once");
}

#[test]
fn a_file_that_is_cut_or_changed_anywhere_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    let mut followed = Followed::new(config());
    fill(&mut followed, "a", DAY, DAY + 2 * HOUR);
    followed.telemetry.persist(&archive).unwrap();
    let name = "2026-11-21T00.hour";
    let good = files(dir.path()).remove(name).unwrap();
    let undamaged = days(&followed.telemetry, Some(&archive), "a");
    for at in (0..good.len()).step_by(7) {
        let mut changed = good.clone();
        changed[at] ^= 0x55;
        for bytes in [&changed, &good[..at]] {
            fs::write(dir.path().join(name), bytes).unwrap();
            let archive = Archive::open(dir.path(), &config()).unwrap();
            let found = days(&followed.telemetry, Some(&archive), "a");
            assert!(found.points.len() < undamaged.points.len());
            assert_eq!(archive.status().damaged.len(), 1);
        }
    }
}

#[test]
fn the_archive_keeps_the_latest_days_and_counts_them_instead_of_asking_a_clock() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { keep_days: 2, ..config() };
    let archive = Archive::open(dir.path(), &config).unwrap();
    let mut followed = Followed::new(config);
    fill(&mut followed, "fridge", DAY, DAY + 4 * DAY_MS);
    followed.telemetry.persist(&archive).unwrap();
    let status = archive.status();
    assert_eq!((status.days, status.days_expired, status.days_shed), (2, 2, 0));
    assert_eq!((status.first.as_deref(), status.last.as_deref()), (Some("2026-11-23"), Some("2026-11-24")));
}

#[test]
fn at_the_bound_of_bytes_the_oldest_days_go_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { archive_bytes_max: 500, ..config() };
    let archive = Archive::open(dir.path(), &config).unwrap();
    let mut followed = Followed::new(config);
    fill(&mut followed, "fridge", DAY, DAY + 5 * DAY_MS);
    followed.telemetry.persist(&archive).unwrap();
    let status = archive.status();
    assert!(status.bytes <= 500 || status.days == 1, "{status:?}");
    assert!(status.days_shed > 0);
    assert_eq!(status.last.as_deref(), Some("2026-11-25"));
}

#[test]
fn a_full_disk_leaves_everything_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    let mut followed = Followed::new(config());
    fill(&mut followed, "fridge", DAY, DAY + 3 * HOUR);
    let before = followed.telemetry.encode();
    fs::remove_dir_all(dir.path()).unwrap();
    let error = followed.telemetry.persist(&archive).unwrap_err().to_string();
    assert!(error.contains("2026-11-21T00.hour") && error.contains("hint:"), "{error}");
    assert_eq!(followed.telemetry.encode(), before);
}

#[test]
fn a_file_that_cannot_be_read_for_now_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    let mut followed = Followed::new(config());
    fill(&mut followed, "fridge", DAY, DAY + 3 * HOUR);
    let mut again = Telemetry::decode(config(), &followed.telemetry.encode()).unwrap();
    followed.telemetry.persist(&archive).unwrap();
    let (before, hour) = (files(dir.path()), dir.path().join("2026-11-21T00.hour"));
    let bytes = fs::read(&hour).unwrap();
    // A link to itself is there and can be neither opened nor taken for missing.
    fs::remove_file(&hour).unwrap();
    std::os::unix::fs::symlink(&hour, &hour).unwrap();
    let kept = again.persist(&archive).unwrap();
    assert_eq!((kept.files, kept.refused.len()), (1, 1));
    let status = archive.status();
    let told = &status.damaged[0];
    assert!(told.contains("cannot read") && told.contains("2026-11-21T00.hour"), "{status:?}");
    assert_eq!(status.hours_refused, 1);
    fs::remove_file(&hour).unwrap();
    fs::write(&hour, bytes).unwrap();
    again.persist(&archive).unwrap();
    assert_eq!(files(dir.path()), before);
    let status = archive.status();
    assert!(status.damaged.is_empty() && status.hours_refused == 0, "it is over: {status:?}");
}

#[test]
fn a_file_that_could_not_be_joined_or_read_is_told_of_only_until_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    let mut followed = Followed::new(config());
    fill(&mut followed, "fridge", DAY, DAY + 20 * HOUR);
    followed.telemetry.persist(&archive).unwrap();
    let hour = dir.path().join("2026-11-21T03.hour");
    let bytes = fs::read(&hour).unwrap();
    let in_the_way = || {
        fs::remove_file(&hour).unwrap();
        std::os::unix::fs::symlink(&hour, &hour).unwrap();
    };
    let out_of_it = || {
        fs::remove_file(&hour).unwrap();
        fs::write(&hour, &bytes).unwrap();
    };
    let told = || archive.status().damaged.len();
    let hole = |followed: &Followed| days(&followed.telemetry, Some(&archive), "fridge").points.len();

    let whole = hole(&followed);
    in_the_way();
    assert_eq!((hole(&followed), told()), (whole - 60, 1));
    out_of_it();
    assert_eq!((hole(&followed), told()), (whole, 0), "it was read");

    in_the_way();
    fill(&mut followed, "fridge", DAY + 20 * HOUR, DAY + 30 * HOUR);
    followed.telemetry.persist(&archive).unwrap();
    assert_eq!((archive.status().hours_refused, told()), (0, 1), "the day is not joined");
    out_of_it();
    fill(&mut followed, "fridge", DAY + 30 * HOUR, DAY + 32 * HOUR);
    followed.telemetry.persist(&archive).unwrap();
    assert!(dir.path().join("2026-11-21.day").is_file() && !hour.exists());
    assert_eq!(told(), 0, "it was joined");
}

#[test]
fn an_hour_that_is_refused_waits_in_memory_and_keeps_nothing_else_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    let (mut followed, mut kept) = (Followed::new(config()), Followed::new(config()));
    let hour = dir.path().join("2026-11-21T01.hour");
    fs::create_dir(&hour).unwrap();
    for device in ["fridge", "freezer"] {
        fill(&mut followed, device, DAY, DAY + 4 * HOUR);
        fill(&mut kept, device, DAY, DAY + 4 * HOUR);
    }
    // To the first the name is free, to the second it is that of a file.
    for archive in [&archive, &Archive::open(dir.path(), &config()).unwrap()] {
        for _ in 0..3 {
            followed.telemetry.persist(archive).unwrap();
        }
        let told = archive.status().damaged;
        assert!(told.len() == 1 && told[0].contains("2026-11-21T01.hour"), "it is told once: {told:?}");
    }
    // What waits is in the snapshot.
    let mut again = Telemetry::decode(config(), &followed.telemetry.encode()).unwrap();
    let minutes = |telemetry: &Telemetry| telemetry.view().stream(&key("fridge")).unwrap().minutes_len();
    assert_eq!(minutes(&again), 2 * 60, "the refused hour and the one that is not over");
    fs::remove_dir(&hour).unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    again.persist(&archive).unwrap();
    assert_eq!(minutes(&again), 60);
    for device in ["fridge", "freezer"] {
        assert_eq!(days(&again, Some(&archive), device), days(&kept.telemetry, None, device));
    }
}

#[test]
fn a_file_that_cannot_be_joined_or_removed_stops_neither_the_days_after_it_nor_the_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("2026-11-21.day")).unwrap();
    fs::create_dir(dir.path().join("2026-11-22T03.hour")).unwrap();
    let config = Config { keep_days: 3, ..config() };
    let archive = Archive::open(dir.path(), &config).unwrap();
    let mut followed = Followed::new(config);
    for day in 0..5 {
        let from = DAY + day * DAY_MS;
        fill(&mut followed, "fridge", from, from + DAY_MS);
        followed.telemetry.persist(&archive).unwrap();
    }
    let status = archive.status();
    // Of the first two days there is still what cannot be removed, and nothing else.
    assert_eq!((status.first.as_deref(), status.days, status.days_expired), (Some("2026-11-21"), 5, 0));
    for removed in ["2026-11-21T05.hour", "2026-11-22T02.hour", "2026-11-22T04.hour"] {
        assert!(!dir.path().join(removed).exists(), "{removed}");
    }
    let names: Vec<String> = status.damaged;
    assert!(
        ["2026-11-21.day", "2026-11-22T03.hour"].iter().all(|name| names.iter().any(|it| it.contains(name))),
        "{names:?}"
    );
    assert!(dir.path().join("2026-11-23.day").is_file() && dir.path().join("2026-11-24.day").is_file());
}

#[test]
fn a_file_that_cannot_be_removed_counts_and_no_younger_day_goes_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let opened =
        |archive_bytes_max| Archive::open(dir.path(), &Config { archive_bytes_max, ..config() }).unwrap();
    let mut followed = Followed::new(config());
    fill(&mut followed, "fridge", DAY, DAY + 3 * DAY_MS + 4 * HOUR);
    followed.telemetry.persist(&opened(u64::MAX)).unwrap();
    // What is no file cannot be removed as one.
    let stuck = dir.path().join("2026-11-21.day");
    fs::remove_file(&stuck).unwrap();
    fs::create_dir(&stuck).unwrap();
    fs::write(stuck.join("something"), b"in it").unwrap();
    let before = opened(u64::MAX).status();
    assert_eq!(before.days, 4);

    let archive = opened(before.bytes - 1);
    for _ in 0..3 {
        followed.telemetry.persist(&archive).unwrap();
        let status = archive.status();
        assert_eq!((status.days, status.bytes, status.days_shed), (4, before.bytes, 0));
        assert_eq!(status.damaged.len(), 1, "{status:?}");
        assert!(status.damaged[0].contains("2026-11-21.day"), "{status:?}");
    }
    assert!(dir.path().join("2026-11-22.day").is_file());

    fs::remove_dir_all(&stuck).unwrap();
    fs::write(&stuck, b"a file").unwrap();
    followed.telemetry.persist(&archive).unwrap();
    let status = archive.status();
    assert!(!stuck.exists() && status.damaged.is_empty(), "{status:?}");
    assert_eq!((status.days, status.days_shed, status.first.as_deref()), (3, 1, Some("2026-11-22")));
    assert!(status.bytes < before.bytes, "{status:?}");
}

#[test]
fn a_late_reading_never_changes_what_is_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path(), &config()).unwrap();
    let mut followed = Followed::new(config());
    fill(&mut followed, "fridge", DAY, DAY + 2 * HOUR);
    followed.telemetry.persist(&archive).unwrap();
    let before = days(&followed.telemetry, Some(&archive), "fridge");
    followed.take("fridge", DAY + 10 * MINUTE, 99.0);
    assert_eq!(days(&followed.telemetry, Some(&archive), "fridge"), before);
    assert_eq!(followed.telemetry.view().counters().late, 1);
}

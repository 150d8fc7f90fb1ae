//! Native code between starts.

use crate::{
    fixtures::{ask, manifest},
    made::{EMPTY_ANSWER, made_of, pricing_module},
};
use aisle_plugin_host::{Hook, Host, HostConfig, HostError, LoadedFrom};
use std::{
    error::Error,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

fn config(dir: &Path, cache_bytes_max: u64) -> HostConfig {
    HostConfig {
        cache_dir: Some(dir.into()),
        cache_bytes_max,
        calls_max: 1,
        compile_niceness: 0,
        ..HostConfig::default()
    }
}

fn host(dir: &Path, cache_bytes_max: u64) -> Host {
    Host::new(config(dir, cache_bytes_max)).expect("a host")
}

/// One component for each number.
fn component(number: u32) -> Vec<u8> {
    made_of("pricing", &pricing_module("1", &format!("(global i32 (i32.const {number})) {EMPTY_ANSWER}")))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn the_next_start_finds_native_code() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("plugins");
    let load = |host: &Host| host.load(manifest(Hook::Pricing), &component(1)).unwrap();
    assert_eq!(*load(&host(&dir, 1 << 30)).loaded_from(), LoadedFrom::Compiled);
    let host = host(&dir, 1 << 30);
    let plugin = load(&host);
    assert_eq!(*plugin.loaded_from(), LoadedFrom::Cache);
    assert!(ask(&plugin, "ANY").outcome.is_ok());
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&files(&dir)[0]).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn code_that_was_damaged_is_compiled_again() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), 1 << 30);
    let load = || host.load(manifest(Hook::Pricing), &component(1)).unwrap();
    load();
    let [file] = &files(dir.path())[..] else { panic!("one file") };
    let good = fs::read(file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let damaged = [
        Vec::new(),
        good[..20].to_vec(),
        good[..good.len() / 2].to_vec(),
        [&good[..], b"more"].concat(),
        flipped(0),
        flipped(12),
        flipped(good.len() / 2),
        flipped(good.len() - 1),
    ];
    for bytes in damaged {
        fs::write(file, &bytes).unwrap();
        let plugin = load();
        assert!(matches!(plugin.loaded_from(), LoadedFrom::Recompiled { .. }), "{:?}", plugin.loaded_from());
        assert!(ask(&plugin, "ANY").outcome.is_ok());
        assert_eq!(*load().loaded_from(), LoadedFrom::Cache, "what was compiled again is kept");
    }
}

#[test]
fn code_of_another_component_under_this_name_is_compiled_again() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), 1 << 30);
    host.load(manifest(Hook::Pricing), &component(1)).unwrap();
    let first = files(dir.path())[0].clone();
    host.load(manifest(Hook::Pricing), &component(2)).unwrap();
    let second = files(dir.path()).into_iter().find(|file| *file != first).unwrap();
    fs::copy(&second, &first).unwrap();
    let plugin = host.load(manifest(Hook::Pricing), &component(1)).unwrap();
    assert!(matches!(plugin.loaded_from(), LoadedFrom::Recompiled { .. }), "{:?}", plugin.loaded_from());
}

#[test]
fn the_oldest_code_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let large = host(dir.path(), 1 << 30);
    large.load(manifest(Hook::Pricing), &component(0)).unwrap();
    let one = fs::metadata(&files(dir.path())[0]).unwrap().len();
    let small = host(dir.path(), 3 * one + one / 2);
    for number in 1..8 {
        small.load(manifest(Hook::Pricing), &component(number)).unwrap();
    }
    assert_eq!(files(dir.path()).len(), 3);
    let newest = small.load(manifest(Hook::Pricing), &component(7)).unwrap();
    assert_eq!(*newest.loaded_from(), LoadedFrom::Cache);
}

#[test]
fn what_was_left_half_written_makes_room_too() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join("1-0.part");
    fs::write(&left, vec![0; 1 << 20]).unwrap();
    fs::File::options().write(true).open(&left).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let host = host(dir.path(), 1 << 20);
    host.load(manifest(Hook::Pricing), &component(1)).unwrap();
    assert!(!left.exists());
    assert_eq!(files(dir.path()).len(), 1, "what was compiled has room now");
}

#[test]
fn a_folder_that_others_may_write_to_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let with_mode = |mode| {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        Host::new(config(dir.path(), 1 << 30))
    };
    for mode in [0o770, 0o702, 0o777] {
        let error = with_mode(mode).err().expect("refused");
        assert!(matches!(error, HostError::Cache { .. }), "{error}");
        let why = error.source().expect("a cause").to_string();
        assert!(why.contains(&format!("mode {mode:o}")) && why.contains("hint: chmod 700 "), "{why}");
    }
    assert!(with_mode(0o755).is_ok(), "reading does no harm");
}

#[test]
fn a_cache_that_cannot_be_written_to_costs_nothing_but_time() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("gone");
    let host = host(&dir, 1 << 30);
    fs::remove_dir(&dir).unwrap();
    let plugin = host.load(manifest(Hook::Pricing), &component(1)).unwrap();
    assert!(matches!(plugin.loaded_from(), LoadedFrom::NotKept { .. }), "{:?}", plugin.loaded_from());
    assert!(ask(&plugin, "ANY").outcome.is_ok());
}

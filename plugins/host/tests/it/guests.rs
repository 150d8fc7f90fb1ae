//! The plugins that come along, as they lie in `plugins/guests`: each passes its own cases, and what was published goes on loading.

use crate::fixtures::{component, host};
use aisle_plugin_host::{Case, Limits, Manifest};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn guests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../guests")
}

/// The files or folders in a folder, by name.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// How many cases a plugin passes; what is otherwise is told by file.
fn passes_its_cases(folder: &Path) -> usize {
    let mut manifest =
        Manifest::parse(&fs::read_to_string(folder.join("plugin.toml")).unwrap()).expect("a good manifest");
    // A test machine is busier than a store's.
    manifest.limits.time_ms_max = Limits::CEILING.time_ms_max;
    let bytes = component(&manifest.id);
    let plugin = host().load(manifest, &bytes).expect("loads");
    let files = entries(&folder.join("cases"));
    for file in &files {
        let case = Case::parse(&fs::read_to_string(file).unwrap());
        let case = case.unwrap_or_else(|error| panic!("`{}`: {error}", file.display()));
        let result = case.run(&plugin);
        assert!(result.passed, "`{}`: {}\n{}", file.display(), case.what, result.differences.join("\n"));
    }
    files.len()
}

#[test]
fn every_plugin_that_comes_along_passes_its_cases() {
    const CASES_MIN: usize = 5;
    let with_cases: Vec<PathBuf> =
        entries(&guests()).into_iter().filter(|folder| folder.join("cases").is_dir()).collect();
    assert!(with_cases.len() >= 8, "{with_cases:?}");
    for folder in with_cases {
        let count = passes_its_cases(&folder);
        assert!(count >= CASES_MIN, "`{}` has {count} cases", folder.display());
    }
}

#[test]
fn components_of_each_published_minor_load_and_answer_as_they_did() {
    let published = entries(&guests().join("published"));
    assert!(!published.is_empty());
    for folder in published {
        assert!(passes_its_cases(&folder) >= 5);
    }
}

#[test]
fn no_component_that_comes_along_is_larger_than_sixty_kilobytes() {
    const BYTES_MAX: usize = 60_000;
    for folder in entries(&guests()).into_iter().filter(|folder| folder.join("cases").is_dir()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let bytes = component(name).len();
        assert!(bytes < BYTES_MAX, "`{name}` has {bytes} bytes");
    }
}

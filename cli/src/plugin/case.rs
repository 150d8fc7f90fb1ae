//! Cases as files: one of them, or all of a plugin's folder.
//!
//! What a case says and when it passes is the host's (`aisle_plugin_host::Case`).

use super::{build::below, subject::bounded};
use aisle_plugin_host::{CASE_BYTES_MAX, Case};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of a plugin's cases.
const FOLDER: &str = "cases";
/// More cases are no longer looked through by people.
const CASES_MAX: usize = 10_000;

/// Reads a case.
///
/// # Errors
/// When the file cannot be read, or is no case: by the path in it.
pub(crate) fn read(file: &Path) -> Result<Case> {
    let bytes = bounded(file, CASE_BYTES_MAX as u64)?;
    let text = String::from_utf8(bytes).with_context(|| format!("`{}` is not UTF-8", file.display()))?;
    Case::parse(&text).with_context(|| format!("`{}` is no case", file.display()))
}

/// Reads what a plugin is to be asked: a case, one that expects nothing yet, or an input alone.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_input(file: &Path) -> Result<Case> {
    let bytes = bounded(file, CASE_BYTES_MAX as u64)?;
    let wrong = || format!("`{}` is no input", file.display());
    let mut tree: Value = serde_json::from_slice(&bytes).with_context(wrong)?;
    if tree.get("hook").is_some() {
        tree = json!({ "input": tree });
    }
    if let Some(fields) = tree.as_object_mut() {
        fields.entry("what").or_insert_with(|| json!("an input"));
        if !fields.contains_key("fails") {
            fields.entry("expected").or_insert_with(|| json!([]));
        }
    }
    Case::parse(&tree.to_string()).with_context(wrong)
}

/// The cases of a plugin's folder, by name.
///
/// # Errors
/// When there are none, or more than anybody looks through.
pub(crate) fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let folder = below(directory, FOLDER);
    let none = || {
        format!(
            "there are no cases in `{}`\nhint: a case is a JSON file with `what`, `input` and `expected`; `aisle plugin new` makes two",
            folder.display()
        )
    };
    let entries = fs::read_dir(&folder).with_context(none)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read `{}`", folder.display()))?.path();
        if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
        if files.len() > CASES_MAX {
            bail!("there are more than {CASES_MAX} cases in `{}`", folder.display());
        }
    }
    if files.is_empty() {
        bail!(none());
    }
    files.sort();
    Ok(files)
}

/// The first case of a plugin's folder; for a component, of the folder that its case names.
///
/// # Errors
/// When there is none.
pub(crate) fn first(subject: &Path) -> Result<PathBuf> {
    if !subject.is_dir() {
        bail!("what is it to be asked?\nhint: name a case with `--input`");
    }
    files(subject)?.into_iter().next().context("there are no cases")
}

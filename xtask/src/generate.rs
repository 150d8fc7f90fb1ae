//! `generate`: files that follow from the code and are checked in, so that a change to them is seen in review.

use crate::{job::Job, project::Project, screen};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// What a program writes about itself, by its words for it, and where that stands.
const REFERENCES: &[(&str, &[&str], &str)] = &[
    ("aisle-node", &["reference", "config"], "node/runtime/CONFIG.md"),
    ("aisle-node", &["reference", "metrics"], "node/runtime/METRICS.md"),
    ("aisle-node", &["reference", "openapi"], "node/kiosk/openapi.json"),
    ("aisle-hub", &["openapi"], "sync/hub/openapi.json"),
];
const GOLDEN: &str = "sync/event/tests/golden";
/// Lines of each side that a difference shows.
const SHOWN_LINES: usize = 6;

/// Writes every generated file.
pub(crate) fn write(project: &Project) -> Result<()> {
    project.build()?;
    let (now, before) = (generated(project)?, checked_in(project)?);
    for path in before.keys().filter(|path| !now.contains_key(*path)) {
        fs::remove_file(project.path(path)).with_context(|| format!("cannot remove `{path}`"))?;
        screen::line(format_args!("removed {path}"));
    }
    for (path, content) in &now {
        if before.get(path) != Some(content) {
            let file = project.path(path);
            file.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&file, content))
                .with_context(|| format!("cannot write `{path}`"))?;
            screen::line(format_args!("wrote {path}"));
        }
    }
    Ok(())
}

/// Fails when a generated file is not what would be written.
pub(crate) fn check(project: &Project) -> Result<()> {
    project.build()?;
    check_built(project)
}

/// The same, with everything built already.
pub(crate) fn check_built(project: &Project) -> Result<()> {
    let (now, before) = (generated(project)?, checked_in(project)?);
    let mut stale: Vec<String> = Vec::new();
    for (path, content) in &now {
        match before.get(path) {
            None => stale.push(format!("`{path}` is missing")),
            Some(there) if there != content => stale.push(difference(path, there, content)),
            Some(_) => {}
        }
    }
    stale.extend(
        before.keys().filter(|path| !now.contains_key(*path)).map(|path| format!("`{path}` is left over")),
    );
    if !stale.is_empty() {
        bail!("generated files are not up to date:\n{}\nhint: run `cargo xtask generate`", stale.join("\n"));
    }
    Ok(())
}

type Files = BTreeMap<String, Vec<u8>>;

fn generated(project: &Project) -> Result<Files> {
    let mut files = Files::new();
    for (program, words, path) in REFERENCES {
        let content = Job::new(project.target("debug").join(program)).args(*words).output()?;
        files.insert((*path).into(), content);
    }
    let golden = project.target("golden");
    match fs::remove_dir_all(&golden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove `{}`", golden.display()));
        }
        _ => fs::create_dir_all(&golden).with_context(|| format!("cannot make `{}`", golden.display()))?,
    }
    Job::new(project.target("debug/examples/golden")).args([&golden]).run()?;
    files.extend(read_all(&golden)?);
    Ok(files)
}

fn checked_in(project: &Project) -> Result<Files> {
    let mut files = Files::new();
    for (.., path) in REFERENCES {
        let file = project.path(path);
        if file.exists() {
            files.insert((*path).into(), read(&file)?);
        }
    }
    files.extend(read_all(&project.path(GOLDEN))?);
    Ok(files)
}

/// The golden files of a directory, under the names they have when checked in.
fn read_all(directory: &Path) -> Result<Files> {
    if !directory.exists() {
        return Ok(Files::new());
    }
    let listing = || format!("cannot list `{}`", directory.display());
    let entries: Vec<PathBuf> = fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .with_context(listing)?;
    entries
        .iter()
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Ok((format!("{GOLDEN}/{name}"), read(path)?))
        })
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// The lines that differ, without those before and after that do not.
fn difference(path: &str, there: &[u8], content: &[u8]) -> String {
    let (Ok(there), Ok(content)) = (str::from_utf8(there), str::from_utf8(content)) else {
        return format!("`{path}` differs: {} bytes there, {} now", there.len(), content.len());
    };
    let (there, content): (Vec<&str>, Vec<&str>) = (there.lines().collect(), content.lines().collect());
    let same = there.iter().zip(&content).take_while(|(a, b)| a == b).count();
    let (old, new) = (there.iter().skip(same), content.iter().skip(same));
    let tail = old.clone().rev().zip(new.clone().rev()).take_while(|(a, b)| a == b).count();
    let shown = |lines: Vec<&&str>, sign: char| -> String {
        let kept = lines.len().saturating_sub(tail);
        let more = kept.saturating_sub(SHOWN_LINES);
        let mut text: String =
            lines.iter().take(kept.min(SHOWN_LINES)).map(|line| format!("  {sign} {line}\n")).collect();
        if more > 0 {
            text.push_str(&format!("  {sign} … {more} more\n"));
        }
        text
    };
    let (old, new) = (shown(old.collect(), '-'), shown(new.collect(), '+'));
    format!("`{path}` differs from line {}:\n{old}{new}", same + 1)
}

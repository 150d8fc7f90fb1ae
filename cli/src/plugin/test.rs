//! `aisle plugin test`: the cases of a plugin, and what is otherwise where one fails.

use super::{
    case,
    subject::{self, Subject},
};
use crate::{Ended, output};
use aisle_plugin_host::{Case, Output, Plugin};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// `plugin test`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  aisle plugin test\n  aisle plugin test . --update          # shows what cases would say\n  \
                        aisle plugin test . --update --write  # and makes them say it"
)]
pub(crate) struct Args {
    /// The plugin's folder, which is built first
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// A component to test in place of what DIR builds
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Show what the cases that fail would have to expect
    #[arg(long)]
    update: bool,
    /// Write it into their files
    #[arg(long, requires = "update")]
    write: bool,
}

/// One case.
#[derive(Debug, Serialize)]
pub(crate) struct Tested {
    /// Its file.
    file: PathBuf,
    /// What it shows.
    what: String,
    passed: bool,
    /// What was otherwise, item by item.
    differences: Vec<String>,
    fuel: u64,
    micros: u64,
    /// What it would have to expect, as JSON; nothing where it passed, or expects a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_expect: Option<Vec<Value>>,
}

/// All cases.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    plugin: String,
    version: String,
    passed: usize,
    failed: usize,
    cases: Vec<Tested>,
}

impl Report {
    /// Whether nothing failed.
    pub(crate) const fn all_passed(&self) -> bool {
        self.failed == 0
    }
}

/// Runs them, and shows those that fail.
pub(crate) fn run(args: &Args, json: bool) -> Result<Ended> {
    // A case that cannot be read is said before the build.
    let cases = read(&args.directory)?;
    let manifest = args.directory.join(subject::MANIFEST);
    let subject = match &args.component {
        Some(component) => Subject::read(component, Some(&manifest))?,
        None => Subject::read(&args.directory, None)?,
    };
    let plugin = subject.load(&subject::host()?)?;
    let report = test(&plugin, &cases);
    if json {
        output::json(&report)?;
    } else {
        show(&report)?;
    }
    if args.update {
        update(&report, &cases, args.write, json)?;
    }
    Ok(if report.all_passed() { Ended::Well } else { Ended::Failed })
}

/// The cases of a folder, with their files.
///
/// # Errors
/// When there are none, or one cannot be read.
pub(crate) fn read(directory: &Path) -> Result<Vec<(PathBuf, Case)>> {
    case::files(directory)?.into_iter().map(|file| Ok((file.clone(), case::read(&file)?))).collect()
}

/// Runs cases.
pub(crate) fn test(plugin: &Plugin, cases: &[(PathBuf, Case)]) -> Report {
    let tested: Vec<Tested> = cases
        .iter()
        .map(|(file, case)| {
            let result = case.run(plugin);
            Tested {
                file: file.clone(),
                what: case.what.clone(),
                would_expect: if result.passed {
                    None
                } else {
                    result.call.outcome.as_ref().ok().and_then(items)
                },
                passed: result.passed,
                differences: result.differences,
                fuel: result.call.fuel,
                micros: result.call.micros,
            }
        })
        .collect();
    let passed = tested.iter().filter(|it| it.passed).count();
    Report {
        plugin: plugin.id().to_owned(),
        version: plugin.version().to_string(),
        passed,
        failed: tested.len() - passed,
        cases: tested,
    }
}

/// The items of an answer, in the words of a case.
fn items(answer: &Output) -> Option<Vec<Value>> {
    Some(aisle_plugin_host::to_json(answer).get("items")?.as_array()?.clone())
}

/// Items one a line, as they stand in a case.
fn expectation(items: &[Value]) -> String {
    let lines: Vec<String> = items.iter().map(|item| format!("    {item}")).collect();
    if lines.is_empty() { String::from("[]") } else { format!("[\n{}\n  ]", lines.join(",\n")) }
}

/// Shows what came of the cases: of those that pass one line, of the others what is otherwise.
pub(crate) fn show(report: &Report) -> Result<()> {
    for case in &report.cases {
        let (what, file) = (output::plain(&case.what), name(&case.file));
        if case.passed {
            output::line(format!("  ok      {file}: {what} ({} fuel)", output::grouped(case.fuel)))?;
            continue;
        }
        output::line(format!("  FAILED  {file}: {what}"))?;
        for difference in &case.differences {
            output::line(format!("          {}", output::plain(difference)))?;
        }
    }
    let Report { plugin, version, passed, failed, .. } = report;
    Ok(output::line(format!("{plugin} {version}: {passed} passed, {failed} failed"))?)
}

fn name(file: &Path) -> String {
    file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Where a case says what it expects.
#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow)]
    expected: Option<&'a RawValue>,
}

/// Shows what would stand in the files, and writes it where that is asked for.
fn update(report: &Report, cases: &[(PathBuf, Case)], write: bool, json: bool) -> Result<()> {
    let said = |text: String| if json { Ok(()) } else { output::line(text) };
    for (tested, (file, _)) in report.cases.iter().zip(cases).filter(|(tested, _)| !tested.passed) {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let place: Place<'_> =
            serde_json::from_str(&text).with_context(|| format!("`{}` is no case", file.display()))?;
        let (Some(is), Some(becomes)) = (place.expected, &tested.would_expect) else {
            said(format!("{}: expects a failure, or failed: that is for you to change", file.display()))?;
            continue;
        };
        let becomes = expectation(becomes);
        said(file.display().to_string())?;
        is.get().lines().try_for_each(|line| said(format!("  - {line}")))?;
        becomes.lines().try_for_each(|line| said(format!("  + {line}")))?;
        if write && is.get() != becomes {
            fs::write(file, replaced(&text, is.get(), &becomes))
                .with_context(|| format!("cannot write `{}`", file.display()))?;
            said(String::from("  written"))?;
        }
    }
    if !write && report.failed > 0 {
        said(String::from("nothing was written; `--write` does"))?;
    }
    Ok(())
}

/// The text with one part of it, which is a slice of it, in another form; everything else stays to the byte.
fn replaced(text: &str, part: &str, becomes: &str) -> String {
    let at = part.as_ptr() as usize - text.as_ptr() as usize;
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let after = rest.get(part.len()..).unwrap_or("");
    format!("{before}{becomes}{after}")
}

#[cfg(test)]
mod tests {
    use super::{Place, replaced};

    #[test]
    fn all_but_what_is_expected_stays_to_the_byte() {
        let text = "{ \"what\": \"expected\",\n  \"expected\": [ 1 ],  \"now\": 5}\n";
        let place: Place<'_> = serde_json::from_str(text).expect("an object");
        let part = place.expected.expect("an expectation").get();
        assert_eq!(
            replaced(text, part, "[2]"),
            "{ \"what\": \"expected\",\n  \"expected\": [2],  \"now\": 5}\n"
        );
    }
}

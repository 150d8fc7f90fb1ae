//! `bench`: runs benchmarks and puts their tables, with the facts of the machine, into BENCHMARKS.md.
//!
//! The benchmarks themselves live in `tests/bench`; each prints its table as Markdown. A table stands between two
//! markers, `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`; the words around it are written by people.

use crate::{
    extism,
    job::Job,
    plugins,
    project::Project,
    screen,
    tools::{self, Tool},
};
use anyhow::{Context, Result, bail};
use std::{ffi::OsString, fs, thread};

const REPORT: &str = "BENCHMARKS.md";
/// The benchmark that needs plugins, and their peer.
const PLUGINS: &str = "plugins";
/// The one that needs a hub, its database and its peer.
const SYNC: &str = "sync";
/// The one that needs a hub, and a fleet in simulation.
const FLEET: &str = "fleet";

/// Runs one benchmark, or all that the report names. With arguments of its own it measures something else than the report
/// tells of, so its table is only printed.
pub(crate) fn run(project: &Project, name: Option<&str>, arguments: &[OsString]) -> Result<()> {
    tools::ensure(project, &[Tool::Wrk, Tool::Mosquitto, Tool::Strace])?;
    let file = project.path(REPORT);
    let mut report = fs::read_to_string(&file).with_context(|| format!("cannot read `{REPORT}`"))?;
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => names(&report),
    };
    if names.is_empty() {
        bail!("`{REPORT}` names no benchmark; hint: give a name");
    }
    let facts = facts(project)?;
    // `aisle` builds plugins.
    project
        .cargo(&[
            "build",
            "--release",
            "-p",
            "aisle-node",
            "-p",
            "aisle-hub",
            "-p",
            "aisle-bench",
            "-p",
            "aisle",
        ])
        .run()?;
    for name in names {
        screen::aside(format_args!("── {name}"));
        let job = Job::new(project.target("release/aisle-bench"))
            .args([&name])
            .args(arguments)
            .env("AISLE_NODE_BIN", project.target("release/aisle-node"))
            .directory(project.root());
        let job = match name.as_str() {
            PLUGINS => with_plugins(project, arguments, job)?,
            SYNC => with_hub(project, job)?,
            FLEET => with_fleet(project, job)?,
            _ => job,
        };
        let table = job.output()?;
        let table =
            String::from_utf8(table).with_context(|| format!("benchmark `{name}` does not print text"))?;
        screen::line(table.trim_end());
        if !arguments.is_empty() {
            continue;
        }
        report = with_table(&report, &name, &format!("{}\n\n{facts}", table.trim()));
        fs::write(&file, &report).with_context(|| format!("cannot write `{REPORT}`"))?;
    }
    Ok(())
}

/// Builds the first-party plugins, and the peer unless only other parts are asked for: it takes minutes.
fn with_plugins(project: &Project, arguments: &[OsString], job: Job) -> Result<Job> {
    plugins::run_with(project, project.target("release/aisle"))?;
    let job = job.env("AISLE_PLUGINS_DIR", project.target("plugins"));
    let says = |word: &str| arguments.iter().any(|argument| argument.to_string_lossy().contains(word));
    if says("--only") && !says("extism") {
        return Ok(job);
    }
    let peer = extism::build(project)?;
    Ok(job.env("AISLE_EXTISM_PEER", peer.program).env("AISLE_EXTISM_GUEST", peer.guest))
}

/// Sees to the database that hubs share, and to the peer.
fn with_hub(project: &Project, job: Job) -> Result<Job> {
    tools::ensure(project, &[Tool::Postgres, Tool::Nats])?;
    Ok(job
        .env("AISLE_HUB_BIN", project.target("release/aisle-hub"))
        .env("AISLE_POSTGRES_BIN", tools::postgres().unwrap_or_default()))
}

/// Builds the simulation of a fleet: the rules' own tests, to be run from outside.
fn with_fleet(project: &Project, job: Job) -> Result<Job> {
    project.cargo(&["build", "--release", "-p", "aisle-fleet", "--example", "waves"]).run()?;
    Ok(job
        .env("AISLE_HUB_BIN", project.target("release/aisle-hub"))
        .env("AISLE_FLEET_WAVES", project.target("release/examples/waves")))
}

fn names(report: &str) -> Vec<String> {
    report
        .lines()
        .filter_map(|line| line.trim().strip_prefix("<!-- bench:")?.strip_suffix(" -->"))
        .map(str::to_owned)
        .collect()
}

/// The report with a table in its place, or at the end when it has none yet.
fn with_table(report: &str, name: &str, table: &str) -> String {
    let (open, close) = (format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->"));
    let block = format!("{open}\n{table}\n{close}");
    match (report.split_once(&open), report.split_once(&close)) {
        (Some((before, _)), Some((_, after))) => format!("{before}{block}{after}"),
        _ => format!("{}\n\n## {name}\n\n{block}\n", report.trim_end()),
    }
}

/// The machine, the day and the code, in one line.
fn facts(project: &Project) -> Result<String> {
    let git = |arguments: &[&str]| Job::new("git").args(arguments).directory(project.root()).output();
    let commit = text(&git(&["rev-parse", "--short", "HEAD"])?);
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let commit = if changed.is_empty() { commit } else { format!("{commit} and uncommitted changes") };
    let date = text(&Job::new("date").args(["-u", "+%Y-%m-%d"]).output()?);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .unwrap_or_default();
    let cores = thread::available_parallelism().context("cannot count the cores")?;
    Ok(format!("{date}, commit {commit}; {cores} cores, {}, Linux {}", model.1, kernel.trim()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{names, with_table};

    #[test]
    fn a_table_takes_the_place_of_the_old_one_and_leaves_the_words_alone() {
        let report = "# B\nwords\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nmore\n";
        let next = with_table(report, "a", "new");
        assert_eq!(next, "# B\nwords\n<!-- bench:a -->\nnew\n<!-- /bench:a -->\nmore\n");
        assert_eq!(names(&with_table(&next, "b", "x")), ["a", "b"]);
    }
}

//! What a process used of the machine, and how many connections it may hold.

use anyhow::{Context, Result, bail};
use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use std::{fs, time::Duration};

/// Files that the largest part opens: a connection each, and some more.
const OPEN_FILES: u64 = 6_200;

/// Raises the limit of open files as far as it goes; brokers that are started later inherit it.
pub(crate) fn allow_open_files() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if maximum.is_some_and(|maximum| maximum < OPEN_FILES) {
        bail!("a process may open only {maximum:?} files; hint: `ulimit -Hn {OPEN_FILES}` as root");
    }
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .context("cannot raise the limit of open files")
}

/// Seconds of processor time, of its own and the kernel's for it.
pub(crate) fn cpu_s(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("cannot read `{path}`"))?;
    // The program's name is in parentheses and may hold anything. Behind it: utime is the 12th field, stime the 13th.
    let (_, fields) = stat.rsplit_once(')').with_context(|| format!("`{path}` names no program"))?;
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    let [user, system] = ticks.as_slice() else { bail!("`{path}` has no times") };
    Ok((user + system) / rustix::param::clock_ticks_per_second() as f64)
}

/// The same of a process and of its children that live now.
pub(crate) fn family_cpu_s(pid: u32) -> Result<f64> {
    let mut sum = cpu_s(pid)?;
    for entry in fs::read_dir("/proc").context("cannot read `/proc`")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Whoever has ended meanwhile is not counted.
        if parent(child) == Some(pid) {
            sum += cpu_s(child).unwrap_or_default();
        }
    }
    Ok(sum)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// Processor time of this thread. It does not go on while others have the processor, but a look costs a system call.
pub(crate) fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_that_works_uses_the_processor() {
        let before = super::cpu_s(std::process::id()).unwrap();
        let started = std::time::Instant::now();
        while started.elapsed().as_millis() < 100 {
            std::hint::black_box(0);
        }
        assert!(super::cpu_s(std::process::id()).unwrap() > before);
    }
}

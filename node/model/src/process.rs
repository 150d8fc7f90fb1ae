//! A trial in a process of its own: the program itself, asked to try what comes in by standard input.
//!
//! What is tried may take all memory, go on for ever, or end its process. There it ends that process: memory, processor time and files are bounded by the system
//! ([`child`]), time by who waits ([`try_out`]). Not here: what a trial is (`trial`). Guards: a trial that did not say that all is well is a refusal.

use crate::{
    card::CARD_BYTES_MAX,
    onnx::ONNX_BYTES_MAX,
    trial::{self, Refusal, Report},
};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use std::{
    env,
    ffi::OsStr,
    fs,
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

pub use crate::trial::Depth;

/// The most bytes of a package.
pub const PACKAGE_BYTES_MAX: usize = ONNX_BYTES_MAX + CARD_BYTES_MAX + 1024;
/// The most memory that a trial may take, in bytes: some ten times the largest graph.
pub const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// How long a trial may take, in seconds.
pub const TRIAL_S_MAX: u64 = 60;
/// How often is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);
/// The longest verdict, in bytes.
const VERDICT_BYTES_MAX: u64 = 64 << 10;
/// What is read of what a process says when it ends badly, in bytes.
const LAST_WORDS_BYTES_MAX: u64 = 4 << 10;
/// The argument for [`Depth::Again`].
pub const AGAIN: &str = "--again";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Passed(Report),
    Refused(Refusal),
}

/// The program that runs here, also when its file was replaced meanwhile.
#[must_use]
pub fn this_program() -> PathBuf {
    let own = Path::new("/proc/self/exe");
    if own.exists() { own.into() } else { env::current_exe().unwrap_or_else(|_| own.into()) }
}

/// Tries a package: `program arguments…` is a process that calls [`child`].
///
/// # Errors
/// When the model may not run, or it could not be tried.
pub fn try_out(
    program: &Path,
    arguments: &[&OsStr],
    package: &[u8],
    depth: Depth,
) -> Result<Report, Refusal> {
    if package.len() > PACKAGE_BYTES_MAX {
        let text = format!("it has {} bytes, at most {PACKAGE_BYTES_MAX} are taken", package.len());
        return Err(Refusal::never(text));
    }
    let mut command = Command::new(program);
    command.args(arguments).args((depth == Depth::Again).then_some(AGAIN));
    command.env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let cannot = |error: io::Error| Refusal::not_now(format!("it cannot be tried: {error}"));
    let child = command.spawn().map_err(cannot)?;
    let (ended, said, words) = attend(child, package).map_err(cannot)?;
    let Some(status) = ended else {
        return Err(Refusal::never(format!("its trial did not end within {TRIAL_S_MAX} s")));
    };
    if status.success()
        && let Ok(verdict) = serde_json::from_slice(&said)
    {
        return match verdict {
            Verdict::Passed(report) => Ok(report),
            Verdict::Refused(refusal) => Err(refusal),
        };
    }
    Err(Refusal::never(format!("its trial ended badly ({}){}", how(status), last(&words))))
}

type Attended = (Option<ExitStatus>, Vec<u8>, Vec<u8>);

/// Gives the package, takes the answer, and waits; no longer than a trial may take. Without a status it was ended.
fn attend(mut child: Child, package: &[u8]) -> io::Result<Attended> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        let (stdin, stdout, stderr) = pipes;
        scope.spawn(move || {
            // A process that does not read any more says why in another way.
            drop(stdin.map(|mut stdin| stdin.write_all(package)));
        });
        let said = scope.spawn(move || read(stdout, VERDICT_BYTES_MAX));
        let words = scope.spawn(move || read(stderr, LAST_WORDS_BYTES_MAX));
        let status = wait(&mut child);
        if !matches!(status, Ok(Some(_))) {
            // It may have ended just now. Its pipes end with it, and so do the threads.
            drop(child.kill());
            drop(child.wait());
        }
        Ok((status?, said.join().unwrap_or_default(), words.join().unwrap_or_default()))
    })
}

fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > Duration::from_secs(TRIAL_S_MAX) {
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

/// The beginning of what is said; the rest is read and forgotten, so that nobody waits for a full pipe.
fn read(from: Option<impl Read>, bytes_max: u64) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(mut from) = from {
        drop(from.by_ref().take(bytes_max).read_to_end(&mut said));
        drop(io::copy(&mut from, &mut io::sink()));
    }
    said
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(9 | 24), _) => "it was ended by the system, as for too much time or memory".into(),
        (Some(6), _) => "it broke off, as for a panic or too much memory".into(),
        (Some(signal), _) => format!("signal {signal}"),
        (None, code) => format!("code {}", code.unwrap_or_default()),
    }
}

/// What it said first, which is where it went wrong.
fn last(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(words);
    let said =
        words.lines().map(str::trim).filter(|line| !line.is_empty()).take(2).collect::<Vec<_>>().join(" ");
    let plain: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    if plain.is_empty() { plain } else { format!(": {plain}") }
}

/// What the process of a trial does: it bounds itself, reads a package from `input`, and writes its verdict to `output`.
///
/// # Errors
/// When it cannot read or write.
pub fn child(input: impl Read, mut output: impl Write, depth: Depth) -> io::Result<()> {
    let verdict = match bound() {
        Ok(()) => {
            let mut package = Vec::new();
            // One byte more than may be is refused by whoever looks at it.
            input.take(PACKAGE_BYTES_MAX as u64 + 1).read_to_end(&mut package)?;
            match trial::run(&package, depth) {
                Ok(report) => Verdict::Passed(report),
                Err(refusal) => Verdict::Refused(refusal),
            }
        }
        Err(error) => Verdict::Refused(Refusal::not_now(format!(
            "its trial cannot be bounded: {error}; the system has to allow `setrlimit`"
        ))),
    };
    serde_json::to_writer(&mut output, &verdict)?;
    output.flush()
}

/// From here on: so much memory, so much processor time, no file, no core. It is the first to go where memory runs out.
fn bound() -> io::Result<()> {
    let to = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Data, to(MEMORY_BYTES_MAX))?;
    setrlimit(Resource::Cpu, to(TRIAL_S_MAX))?;
    setrlimit(Resource::Core, to(0))?;
    // Where this is not allowed the node goes first, as without it.
    drop(fs::write("/proc/self/oom_score_adj", "1000"));
    setrlimit(Resource::Fsize, to(0))?;
    Ok(())
}

//! `aisle plugin watch`: build, test and replay again whenever a source changes.
//!
//! The folder is looked through a few times a second: it is small, and this works on every file system. What is costly is kept from
//! round to round: the sandbox, the compiler that was found, what cargo compiled, the recordings.

use super::{
    build::Builder,
    replay::{self, Side, Wanted, source::Source},
    subject::{self, MANIFEST, Subject},
    test,
};
use crate::{Ended, output};
use aisle_plugin_host::{Host, Plugin, Recording};
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

/// How often the folder is looked through.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Differences that are shown of each round.
const DIFFERENCES_SHOWN: u64 = 5;
/// The file of a plugin's folder whose recordings are replayed where no other is named.
const RECORDINGS: &str = "recordings.jsonl";

/// `plugin watch`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  aisle plugin watch . --recordings saturday.jsonl")]
pub(crate) struct Args {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Recordings to replay [default: `recordings.jsonl` in DIR, where there is one]
    #[arg(long, value_name = "FILE")]
    recordings: Option<PathBuf>,
    /// The component to compare with [default: what was recorded]
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// How many recordings are replayed at each change; at most 64 MiB of them
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: usize,
    /// End after so many rounds [default: at Ctrl-C]
    #[arg(long, value_name = "N")]
    rounds: Option<u64>,
}

/// So many bytes of recordings, as they lie in the file, are kept in memory; the one that goes beyond is the last.
const RECORDINGS_BYTES_MAX: u64 = 64 << 20;
/// More files are no plugin's folder.
const FILES_MAX: usize = 10_000;
/// Deeper folders are not looked into.
const DEPTH_MAX: usize = 8;

/// What stays from round to round.
struct Watch<'a> {
    directory: &'a Path,
    host: Host,
    recordings: Arc<[Recording]>,
    against: Option<Arc<Plugin>>,
    builder: Option<Builder>,
}

/// Goes round until it is stopped.
pub(crate) fn run(args: &Args, json: bool) -> Result<Ended> {
    // What is wrong with the folder as such is no matter of a round.
    subject::read_manifest(&args.directory.join(MANIFEST))?;
    let host = subject::host()?;
    let recordings = recordings(args)?;
    let against = match &args.against {
        Some(file) => Some(Subject::read(file, None)?.load(&host).context("`--against`")?),
        None => None,
    };
    let mut watch = Watch { directory: &args.directory, host, recordings, against, builder: None };
    let mut rounds = 0;
    let mut why = String::from("begin");
    let mut well;
    loop {
        let seen = Seen::of(&args.directory);
        well = match watch.round(&why, json) {
            Ok(well) => well,
            Err(error) if output::is_broken_pipe(&error) => return Err(error),
            Err(error) => {
                output::complain(&error);
                false
            }
        };
        rounds += 1;
        if args.rounds.is_some_and(|last| rounds >= last) {
            return Ok(if well { Ended::Well } else { Ended::Failed });
        }
        why = seen.wait(&args.directory);
        if Path::new(&why).ends_with("Cargo.toml") {
            watch.builder = None;
        }
    }
}

fn recordings(args: &Args) -> Result<Arc<[Recording]>> {
    let usual = args.directory.join(RECORDINGS);
    let file = match &args.recordings {
        Some(file) => file,
        None if usual.is_file() => &usual,
        None => return Ok(Arc::default()),
    };
    let open =
        File::open(file).with_context(|| format!("`--recordings`: cannot read `{}`", file.display()))?;
    let mut lines = Source::lines(Box::new(BufReader::new(open)), file.display().to_string());
    let mut kept = Vec::new();
    while kept.len() < args.limit && lines.place() < RECORDINGS_BYTES_MAX {
        let Some(recording) = lines.next_recording()? else { break };
        kept.push(recording);
    }
    Ok(kept.into())
}

impl Watch<'_> {
    /// Builds, tests, replays, and says how long it took. True when all cases passed.
    fn round(&mut self, why: &str, json: bool) -> Result<bool> {
        let begun = Instant::now();
        if !json {
            output::line(format!("-- {why}"))?;
        }
        let (manifest, text) = subject::read_manifest(&self.directory.join(MANIFEST))?;
        let builder = match self.builder.take() {
            Some(builder) => builder,
            None => Builder::find(self.directory, None)?.quiet_when_built(),
        };
        let built = self.builder.insert(builder).build(None)?;
        let subject = Subject::of(manifest, text, &built.file)?;
        let plugin = subject.load(&self.host)?;
        let tested = test::test(&plugin, &test::read(self.directory)?);
        if json {
            output::json(&tested)?;
        } else {
            test::show(&tested)?;
        }
        if !self.recordings.is_empty() {
            self.replay(&subject, &plugin, json)?;
        }
        if !json {
            let millis = begun.elapsed().as_millis();
            output::line(format!(
                "{millis} ms in all, {} ms of it building; {} bytes",
                built.millis, built.bytes
            ))?;
        }
        Ok(tested.all_passed())
    }

    fn replay(&self, subject: &Subject, plugin: &Arc<Plugin>, json: bool) -> Result<()> {
        let mut source = Source::kept(self.recordings.clone());
        let wanted = Wanted { plugin: plugin.id().to_owned(), hook: None, limit: u64::MAX };
        let mut before = self.against.clone().map(|plugin| Side::new(plugin, u64::MAX));
        let mut after = Side::new(plugin.clone(), subject.late_micros());
        let mut shown = 0;
        let tally =
            replay::replay(&mut source, &wanted, before.as_mut(), &mut after, &mut |_, difference| {
                let Some(difference) = difference else { return Ok(()) };
                shown += 1;
                if shown <= DIFFERENCES_SHOWN { replay::show::difference(&difference, json) } else { Ok(()) }
            })?;
        let not_shown = shown.saturating_sub(DIFFERENCES_SHOWN);
        replay::show::summary(&tally.summary(), not_shown, 0, &after.remarks(), json)
    }
}

/// What the files of a folder were like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Seen(BTreeMap<PathBuf, (SystemTime, u64)>);

impl Seen {
    fn of(directory: &Path) -> Self {
        let mut seen = Self::default();
        seen.look(directory, 0);
        seen
    }

    fn look(&mut self, directory: &Path, depth: usize) {
        // What cannot be read now is looked at again in a moment.
        let Ok(entries) = fs::read_dir(directory) else { return };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(found) = entry.metadata() else { continue };
            let is_made = name.to_string_lossy().starts_with('.') || depth == 0 && name == "target";
            if is_made || self.0.len() >= FILES_MAX {
                continue;
            }
            if found.is_dir() && depth < DEPTH_MAX {
                self.look(&path, depth + 1);
            } else if found.is_file() {
                self.0.insert(path, (found.modified().unwrap_or(SystemTime::UNIX_EPOCH), found.len()));
            }
        }
    }

    /// Waits for a change that is over: an editor may write several files, and each in pieces. Names the first file.
    fn wait(mut self, directory: &Path) -> String {
        let mut why = None;
        loop {
            thread::sleep(LOOK_INTERVAL);
            let now = Self::of(directory);
            match (self.differs(&now), why.take()) {
                (None, Some(why)) => return why,
                (None, None) => {}
                (Some(file), earlier) => {
                    let file = file.strip_prefix(directory).unwrap_or(file);
                    why = Some(earlier.unwrap_or_else(|| output::plain(&file.display().to_string())));
                }
            }
            self = now;
        }
    }

    /// The first file that is another one now.
    fn differs<'a>(&'a self, later: &'a Self) -> Option<&'a Path> {
        let changed = later.0.iter().find(|(path, state)| self.0.get(*path) != Some(state));
        let gone = self.0.keys().find(|path| !later.0.contains_key(*path));
        changed.map(|(path, _)| path).or(gone).map(PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;
    use std::fs;

    #[test]
    fn a_change_is_named_and_what_is_built_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("src")).expect("a folder");
        fs::create_dir_all(at("target")).expect("a folder");
        fs::write(at("src/lib.rs"), "one").expect("a file");
        let before = Seen::of(folder.path());
        fs::write(at("target/x.wasm"), "built").expect("a file");
        fs::write(at(".swap"), "an editor's").expect("a file");
        assert_eq!(before.differs(&Seen::of(folder.path())), None);
        fs::write(at("src/lib.rs"), "another").expect("a file");
        assert_eq!(before.differs(&Seen::of(folder.path())), Some(at("src/lib.rs").as_path()));
        fs::remove_file(at("src/lib.rs")).expect("removed");
        assert_eq!(before.differs(&Seen::of(folder.path())), Some(at("src/lib.rs").as_path()));
    }
}

//! `aisle plugin replay`: what a candidate would have decided, beside what was decided.
//!
//! Recordings carry what a call asked of the host, so both versions are given the same. A journal has baskets only: there both
//! versions begin without anything kept, and what each writes is there at its next call. Differences are shown as they are found; nothing
//! but sums is kept.

pub(crate) mod journal;
pub(crate) mod show;
pub(crate) mod source;
pub(crate) mod tally;

use super::{
    node::Node,
    subject::{self, Subject},
};
use crate::Ended;
use aisle_plugin_host::{Call, Hook, KvStore, Manifest, Plugin, Replay, Scene, types::Input};
use anyhow::{Context, Result, bail};
use jiff::tz::TimeZone;
use journal::{Basket, Baskets};
use serde::Serialize;
use show::Progress;
use source::{Sample, Source};
use std::{
    fs::File,
    io::{BufReader, Read},
    path::PathBuf,
    sync::Arc,
};
use tally::{Decided, Difference, Tally};

/// `plugin replay`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  aisle plugin replay . --recordings saturday.jsonl\n  \
                  aisle plugin replay . --against my-offer-1.0.0.wasm --recordings saturday.jsonl\n  \
                  aisle plugin replay . --node http://127.0.0.1:8480 --token-file aisle-data/admin.token\n  \
                  aisle plugin replay . --journal aisle-data --zone Europe/London",
    group = clap::ArgGroup::new("from").required(true)
)]
pub(crate) struct Args {
    /// The candidate: a plugin's folder, which is built first, or a component
    #[arg(value_name = "DIR|FILE", default_value = ".")]
    candidate: PathBuf,
    /// The candidate's `plugin.toml` [default: the one in DIR, or beside FILE]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The version to compare it with [default: what was recorded; with `--journal`, no plugin at all]
    #[arg(long, value_name = "DIR|FILE")]
    against: Option<PathBuf>,
    /// The `plugin.toml` of that version
    #[arg(long, value_name = "FILE", requires = "against")]
    against_manifest: Option<PathBuf>,
    /// Recordings, one line of JSON each
    #[arg(long, value_name = "FILE", group = "from")]
    recordings: Option<PathBuf>,
    /// A node that runs, whose latest recordings are taken
    #[arg(long, value_name = "URL", group = "from", requires = "token_file")]
    node: Option<String>,
    /// File with the token of the node's administrators
    #[arg(long, value_name = "FILE", env = "AISLE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// A store's data directory: every sale of its journal as a basket, at the catalogue's prices
    #[arg(long, value_name = "DIR", group = "from")]
    journal: Option<PathBuf>,
    /// Whose recordings [default: those of the candidate's name]
    #[arg(long, value_name = "ID")]
    plugin: Option<String>,
    /// Which hook [default: all of the candidate's; with `--journal` its first that is asked about baskets]
    #[arg(long)]
    hook: Option<Hook>,
    /// The zone of the store, for hours and days of baskets from a journal
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Replay at most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Show at most so many differences; all are counted
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: u64,
    /// End with exit code 1 when a decision differs
    #[arg(long)]
    fail_on_difference: bool,
}

/// Replays, and shows what differs.
pub(crate) fn run(args: &Args, json: bool) -> Result<Ended> {
    let zone = TimeZone::get(&args.zone)
        .map_err(|error| super::usage(format!("`--zone`: {error}\nhint: a name such as `Europe/London`")))?;
    let host = subject::host()?;
    let candidate = Subject::read(&args.candidate, args.manifest.as_deref())?;
    let source = open(args, &candidate.manifest, zone)?;
    let mut after = Side::new(candidate.load(&host)?, candidate.late_micros());
    let mut before = match &args.against {
        Some(path) => {
            let current = Subject::read(path, args.against_manifest.as_deref())?;
            Some(Side::new(current.load(&host).context("`--against`")?, current.late_micros()))
        }
        None => None,
    };
    let progress = Progress::new(source.1, json);
    let mut shown = 0;
    let wanted = Wanted {
        plugin: args.plugin.clone().unwrap_or_else(|| candidate.manifest.id.clone()),
        hook: args.hook,
        limit: args.limit.unwrap_or(u64::MAX),
    };
    let mut source = source.0;
    let tally = replay(&mut source, &wanted, before.as_mut(), &mut after, &mut |place, difference| {
        progress.at(place);
        let Some(difference) = difference else { return Ok(()) };
        shown += 1;
        if shown <= args.show { progress.aside(|| show::difference(&difference, json)) } else { Ok(()) }
    })?;
    drop(progress);
    let summary = tally.summary();
    if summary.compared == 0 {
        let name = &wanted.plugin;
        match summary.skipped {
            0 => bail!(
                "there is nothing to replay\nhint: a node records the calls of the plugins that run there"
            ),
            skipped => bail!(
                "none of {skipped} recordings is of `{name}` at a hook of the candidate\nhint: `--plugin` says whose recordings are meant"
            ),
        }
    }
    show::summary(&summary, shown.saturating_sub(args.show), source.unread(), &after.remarks(), json)?;
    Ok(if args.fail_on_difference && summary.differing > 0 { Ended::Failed } else { Ended::Well })
}

/// Which samples are taken.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Of which plugin.
    pub(crate) plugin: String,
    /// Of one hook alone.
    pub(crate) hook: Option<Hook>,
    /// How many at most.
    pub(crate) limit: u64,
}

/// What there is to know of a candidate's calls beside the sums.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Remarks {
    /// Calls that took longer on this machine than they may in the shop.
    late: u64,
    /// How long that is, in milliseconds.
    limit_ms: u64,
    /// Calls that asked what was not recorded.
    unanswered: u64,
}

/// A version that decides again.
pub(crate) struct Side {
    plugin: Arc<Plugin>,
    /// What it kept along a journal.
    kept: Arc<KvStore>,
    /// A call that takes longer would fail in the shop, in microseconds.
    late_micros: u64,
    /// Calls that took longer.
    late: u64,
    /// Calls that asked what the recording has no answer to, and were answered with nothing.
    unanswered: u64,
}

/// Goes through all samples. Tells after each how far it is, and what differs.
///
/// # Errors
/// When a sample cannot be read, or telling fails.
pub(crate) fn replay(
    source: &mut Source,
    wanted: &Wanted,
    mut before: Option<&mut Side>,
    after: &mut Side,
    tell: &mut dyn FnMut(u64, Option<Difference>) -> Result<()>,
) -> Result<Tally> {
    let mut tally = Tally::new()?;
    while tally.compared() < wanted.limit {
        let Some(sample) = source.next()? else { break };
        let hook = sample.hook();
        let is_of_it = sample.plugin().is_none_or(|plugin| plugin == wanted.plugin);
        if !is_of_it || !after.plugin.hooks().contains(&hook) || wanted.hook.is_some_and(|only| only != hook)
        {
            tally.skipped += 1;
            tell(source.place(), None)?;
            continue;
        }
        let was = match &mut before {
            Some(side) => Some(side.decide(&sample)),
            None => sample.decided(),
        };
        let is = after.decide(&sample);
        let difference = tally.add(sample.name(), sample.input(), was.as_ref(), &is);
        tell(source.place(), difference)?;
    }
    Ok(tally)
}

/// Where samples come from, and how far it goes.
fn open(args: &Args, candidate: &Manifest, zone: TimeZone) -> Result<(Source, Option<u64>)> {
    if let Some(file) = &args.recordings {
        let open =
            File::open(file).with_context(|| format!("`--recordings`: cannot read `{}`", file.display()))?;
        let bytes = open.metadata().map(|found| found.len()).ok();
        return Ok((Source::lines(Box::new(BufReader::new(open)), file.display().to_string()), bytes));
    }
    if let Some(directory) = &args.journal {
        let of_baskets = [Hook::Pricing, Hook::Promotion];
        let first = candidate.hooks.iter().copied().find(|hook| of_baskets.contains(hook));
        let hook = args.hook.or(first).or(candidate.hooks.first().copied()).unwrap_or(Hook::Promotion);
        let baskets = Baskets::open(directory, hook, zone)?;
        let (_, last) = baskets.place();
        return Ok((Source::Journal(Box::new(baskets)), Some(last)));
    }
    let (Some(url), Some(token)) = (&args.node, &args.token_file) else {
        bail!("nothing to replay was named");
    };
    let id = args.plugin.as_deref().unwrap_or(&candidate.id);
    let answer: Box<dyn Read> =
        Box::new(Node::new(url, token)?.stream(&format!("{}/recordings", super::install::path(id)))?);
    Ok((Source::lines(Box::new(BufReader::new(answer)), format!("recordings of {url}")), None))
}

impl Side {
    /// A version that has kept nothing yet.
    pub(crate) fn new(plugin: Arc<Plugin>, late_micros: u64) -> Self {
        Self { plugin, kept: Arc::default(), late_micros, late: 0, unanswered: 0 }
    }

    /// What there is to know beside the sums.
    pub(crate) const fn remarks(&self) -> Remarks {
        Remarks { late: self.late, limit_ms: self.late_micros / 1_000, unanswered: self.unanswered }
    }

    /// Each version is asked with its own settings.
    fn decide(&mut self, sample: &Sample) -> Decided {
        let settings = self.plugin.manifest().settings.clone();
        let call = match sample {
            Sample::Recorded(recording) => {
                let mut replay = Replay::new(recording);
                replay.input_mut().context_mut().settings = settings;
                let replayed = replay.run(&self.plugin);
                self.unanswered += u64::from(replayed.unanswered > 0);
                replayed.call
            }
            Sample::Sold(basket) => {
                let mut input = basket.input.clone();
                input.context_mut().settings = settings;
                self.sell(basket, &input)
            }
        };
        self.late += u64::from(call.micros > self.late_micros);
        Decided { outcome: call.outcome, fuel: call.fuel, micros: call.micros }
    }

    /// A basket that was sold: what the plugin writes lasts.
    fn sell(&mut self, basket: &Basket, input: &Input) -> Call {
        let scene = Scene {
            now: input.context().now,
            seed: basket.seq,
            shop: basket.shop.clone(),
            kv: self.kept.clone(),
        };
        let call = self.plugin.call(&scene, input);
        drop(scene);
        if !call.writes.is_empty() {
            let kept = Arc::make_mut(&mut self.kept);
            for write in &call.writes {
                kept.apply(write);
            }
        }
        call
    }
}

impl Sample {
    fn input(&self) -> &Input {
        match self {
            Self::Recorded(recording) => &recording.input,
            Self::Sold(basket) => &basket.input,
        }
    }

    fn hook(&self) -> Hook {
        self.input().hook()
    }

    /// Whose it was; nobody's where no plugin had a part in it.
    fn plugin(&self) -> Option<&str> {
        match self {
            Self::Recorded(recording) => Some(&recording.plugin),
            Self::Sold(_) => None,
        }
    }

    /// What it is called: its document, or its time.
    fn name(&self) -> String {
        match self {
            Self::Recorded(recording) => show::time(recording.at),
            Self::Sold(basket) => basket.document.clone(),
        }
    }

    /// How it was decided then.
    fn decided(&self) -> Option<Decided> {
        let Self::Recorded(recording) = self else { return None };
        let outcome = match (&recording.output, &recording.failure) {
            (Some(output), _) => Ok(output.clone()),
            (None, Some(failure)) => Err(failure.clone()),
            // A recording has one of both, or it is not read.
            (None, None) => return None,
        };
        Some(Decided { outcome, fuel: recording.fuel, micros: recording.micros })
    }
}

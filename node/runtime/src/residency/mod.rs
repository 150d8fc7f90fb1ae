//! `aisle-node residency`: what leaves the store, what would leave by another policy, and the receipts of what was sealed.
//!
//! Every command but `erase` reads files beside a running node or without one, and changes nothing. What is shown is what leaves, never what
//! was there. `erase` and `erasures` talk to the running node.
//! Not here: letting anything out (`aisle-residency`, `aisle-outbox`), sending it.

mod chain;
mod dry_run;
mod erase;
mod explain;
mod place;
mod policy;
mod receipts;

use crate::{
    cli::residency::{PolicyCommand, ResidencyCommand},
    store::journal_dir,
    sync,
};
use anyhow::bail;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// Runs one command. False when a receipt does not hold. `sync` says where the node's key is, if elsewhere than usual; `runtime` is for those
/// that talk to the node.
pub(crate) fn run(
    command: &ResidencyCommand,
    data: &Path,
    sync: Option<&sync::Settings>,
    json: bool,
    runtime: impl FnOnce() -> anyhow::Result<Runtime>,
) -> anyhow::Result<bool> {
    match command {
        ResidencyCommand::Explain(args) => explain::run(args, data, json).map(|()| true),
        ResidencyCommand::DryRun(args) => dry_run::run(args, data, json).map(|()| true),
        ResidencyCommand::Receipts(args) => receipts::run(args, data, &place::receipt_key(data, sync), json),
        ResidencyCommand::Erase(args) => runtime()?.block_on(erase::erase(args, data, json)).map(|()| true),
        ResidencyCommand::Erasures(args) => runtime()?.block_on(erase::list(args, data, json)).map(|()| true),
        ResidencyCommand::Policy(PolicyCommand::Check { file }) => policy::check(file, json).map(|()| true),
    }
}

/// The journal of a data directory that has one.
fn existing_journal(data: &Path) -> anyhow::Result<PathBuf> {
    let dir = journal_dir(data);
    if !dir.is_dir() {
        bail!(
            "there is no journal in `{}`\nhint: `--data` names the directory of a store that has run",
            data.display()
        );
    }
    Ok(dir)
}

/// A time in milliseconds since 1970, for people.
fn time(ms: u64) -> String {
    let instant = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    instant.map_or_else(|| format!("{ms} ms"), |instant| instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_to_the_second_and_one_beyond_all_calendars_as_it_is() {
        assert_eq!(time(1_322_746_200_999), "2011-12-01T13:30:00Z");
        assert_eq!(time(u64::MAX), format!("{} ms", u64::MAX));
    }

    #[test]
    fn a_directory_without_a_journal_is_named() {
        let empty = tempfile::tempdir().unwrap();
        let error = existing_journal(empty.path()).unwrap_err().to_string();
        assert!(
            error.contains(&empty.path().display().to_string()) && error.contains("hint: `--data`"),
            "{error}"
        );
    }
}

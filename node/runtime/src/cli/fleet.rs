//! The commands of the fleet: what was ordered, and what goes by hand.

use super::Node;
use clap::Subcommand;
use std::path::PathBuf;

/// `courier`
#[derive(Debug, Subcommand)]
pub(crate) enum CourierCommand {
    /// Trust this root of signed metadata (`1.root.json`): from then on nothing that is not signed is taken
    Trust {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        node: Node,
    },
    /// Take a bundle from headquarters: signed metadata, the store's order, and what it brings; safe to interrupt and to repeat
    Apply {
        /// The bundle
        file: PathBuf,
        #[command(flatten)]
        node: Node,
    },
    /// Write what waits in the outbox into a file for headquarters; the hub passes over what it has already
    Export {
        /// The file; nothing there is written over. What is too much for one goes into FILE.001, FILE.002 and so on
        file: PathBuf,
        /// Also what the hub has acknowledged and is still kept here: for a hub that was restored from a backup
        #[arg(long)]
        all: bool,
    },
}

/// `fleet`
#[derive(Debug, Subcommand)]
pub(crate) enum FleetCommand {
    /// What each place should hold and holds, how far it is, and why not further; exit 1 when something differs or is refused
    Status(Node),
}

//! The commands of plugins.

use super::{Node, floor::By};
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// `plugin`
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List plugins, in the order of their names, and how they are
    List {
        #[command(flatten)]
        node: Node,
    },
    /// Show one plugin: versions, hooks, limits, what its calls cost, how they failed
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        node: Node,
    },
    /// Install a plugin, or another version of it, while the shop goes on selling
    Install {
        /// A component (`.wasm`), or a folder with `plugin.wasm` and `plugin.toml`
        #[arg(value_name = "FILE|DIR")]
        component: PathBuf,
        /// Its manifest [default: plugin.toml beside the component]
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Let the version before run again
    Rollback {
        /// The plugin's id
        id: String,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Remove a plugin and all that it kept
    Remove {
        /// The plugin's id
        id: String,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Print the last calls of a plugin whole, a JSON object a line, for `aisle plugin replay`
    Recordings {
        /// The plugin's id
        id: String,
        /// Only those of one hook
        #[arg(long, value_enum)]
        hook: Option<Hook>,
        /// Where to write them [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        node: Node,
    },
}

/// What a plugin is called for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Hook {
    /// What one unit costs
    Pricing,
    /// Offers on a basket
    Promotion,
    /// The order of recommendations
    Ranking,
    /// How much to order
    Replenishment,
    /// What follows from something that happened
    Reaction,
}

impl Hook {
    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pricing => "pricing",
            Self::Promotion => "promotion",
            Self::Ranking => "ranking",
            Self::Replenishment => "replenishment",
            Self::Reaction => "reaction",
        }
    }
}

//! What can be asked about signed artefacts, and about sticks.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `artefact …`
#[derive(Debug, Subcommand)]
pub(crate) enum ArtefactCommand {
    /// Keys of people: made on their own machines, without a hub
    #[command(subcommand)]
    Key(KeyCommand),
    /// Begin a repository: write the first drafts, which the holders of keys sign, and make the hub's own keys
    Init(BeginArgs),
    /// Write the next draft of a root, of targets, or of a kind's list
    #[command(subcommand)]
    Draft(DraftCommand),
    /// Say what a draft says, and in whose names it was signed; needs no hub
    Show {
        /// The draft
        draft: PathBuf,
    },
    /// Sign a draft, in its own file; needs no hub. Look at it first: `artefact show`
    Sign {
        /// The sealed key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArgs,
        /// The draft
        draft: PathBuf,
    },
    /// Publish signed drafts to all hubs on the database, all of them or none; the first ones make the repository
    Publish {
        /// The drafts
        #[arg(required = true)]
        drafts: Vec<PathBuf>,
    },
    /// Show signed artefacts
    List {
        /// Only those of this kind, such as plugin
        kind: Option<String>,
    },
    /// Show what runs out when, the first first; exit code 1 when one has less than 30 days, or 5 where the hub renews it
    Expiries,
    /// Bring something new: keep its content, and write the next draft of its kind's list
    Add(AddArgs),
    /// Print the root that nodes trust first, for their images and for `aisle-node courier trust`
    Root {
        /// Write it to this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Do the whole first ceremony with one person's keys: for demonstrations and tests, and not for stores that sell
    Quickstart {
        /// The folder for the keys; made where it is not there
        #[arg(long, value_name = "FOLDER")]
        keys: PathBuf,
        /// The kinds that are signed [default: all]
        #[arg(long = "kind", value_name = "KIND")]
        kinds: Vec<String>,
    },
}

/// Where a passphrase comes from.
#[derive(Debug, Clone, Args)]
pub(crate) struct PassphraseArgs {
    /// `file:PATH`, `credential:NAME` or `prompt` [default: the variable AISLE_ARTEFACT_PASSPHRASE, else the terminal]
    #[arg(long, value_name = "SOURCE")]
    pub passphrase: Option<String>,
}

/// `artefact key …`
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key, seal it with a passphrase, and print its public half, which is read aloud and handed over
    New {
        /// The file of the sealed key; its public half goes to the same name with `.pub` behind it
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Make new keys of the hub (snapshot and timestamp), to be exchanged by a root
    Online {
        /// The file; put it in the place of `artefacts.online_key_file` before the root is published
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// `artefact init`
#[derive(Debug, Args)]
pub(crate) struct BeginArgs {
    /// A key that signs roots: 64 hexadecimal digits, or a file with its public half; may be given again
    #[arg(long = "root-key", value_name = "KEY", required = true)]
    pub root_keys: Vec<String>,
    /// How many of them a root takes
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    pub threshold: u64,
    /// A key that says who signs which kind; may be given again
    #[arg(long = "targets-key", value_name = "KEY", required = true)]
    pub targets_keys: Vec<String>,
    /// How many of them that takes
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    pub targets_threshold: u64,
    /// A key that signs a kind, such as plugin=KEY; `all=KEY` for every kind without one of its own; may be given again
    #[arg(long = "kind-key", value_name = "KIND=KEY", required = true)]
    pub kind_keys: Vec<String>,
    /// For how many days the root is good
    #[arg(long, value_name = "DAYS", default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub root_days: u32,
    /// For how many days everything else is good that people sign
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// The folder for the drafts
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub out: PathBuf,
}

/// `artefact draft …`
#[derive(Debug, Subcommand)]
pub(crate) enum DraftCommand {
    /// The next root: with other keys, or the same with a later end. What is not named stays
    Root {
        /// A key that signs roots; may be given again
        #[arg(long = "root-key", value_name = "KEY")]
        root_keys: Vec<String>,
        /// How many of them a root takes
        #[arg(long, value_name = "COUNT", default_value_t = 2)]
        threshold: u64,
        /// A key that says who signs which kind; may be given again
        #[arg(long = "targets-key", value_name = "KEY")]
        targets_keys: Vec<String>,
        /// How many of them that takes
        #[arg(long, value_name = "COUNT", default_value_t = 2)]
        targets_threshold: u64,
        /// New keys of the hub, as `artefact key online` makes them
        #[arg(long, value_name = "FILE")]
        online_key_file: Option<PathBuf>,
        #[command(flatten)]
        out: DraftOut,
    },
    /// The next targets: with other keys of some kinds, or the same with a later end. What is not named stays
    Targets {
        /// A key that signs a kind, such as plugin=KEY; may be given again
        #[arg(long = "kind-key", value_name = "KIND=KEY")]
        kind_keys: Vec<String>,
        /// A kind that nobody signs any more; may be given again
        #[arg(long = "withdraw", value_name = "KIND")]
        withdrawn: Vec<String>,
        #[command(flatten)]
        out: DraftOut,
    },
    /// The next list of a kind: without some artefacts, or the same with a later end
    List {
        /// The kind, such as plugin
        kind: String,
        /// An artefact that goes, such as plugins/buy-two/1.4.0.plugin; what runs of it goes on running; may be given again
        #[arg(long = "remove", value_name = "PATH")]
        remove: Vec<String>,
        #[command(flatten)]
        out: DraftOut,
    },
}

/// How long a draft is good, and where it goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct DraftOut {
    /// For how many days it is good [default: 730 for a root, else 365]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: Option<u32>,
    /// The folder for the draft
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub out: PathBuf,
}

/// `artefact add`
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What it is: plugin, model, catalogue, prices, device-profile, device-settings, policy, rules
    pub kind: String,
    /// What it is called
    pub name: String,
    /// Which version, such as 1.4.0
    #[arg(id = "of_version", value_name = "VERSION")]
    pub version: String,
    /// The file, or the folder of a plugin with `plugin.toml` and `plugin.wasm`, or of a model with `model.toml` and `model.onnx`
    pub file: PathBuf,
    /// The oldest node that can use it
    #[arg(long, value_name = "VERSION")]
    pub node_min: Option<semver::Version>,
    /// What a store must grant it, with commas between [default: what a plugin's manifest asks for]
    #[arg(long, value_name = "GRANTS", value_delimiter = ',')]
    pub grants: Vec<String>,
    /// Free disk in bytes that it takes beside its content
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub disk: u64,
    /// A draft of the same list that is not published yet: what it lists is in the new one, too
    #[arg(long, value_name = "DRAFT", conflicts_with = "keys")]
    pub onto: Option<PathBuf>,
    /// The folder of `artefact quickstart`: sign with its key and publish at once
    #[arg(long, value_name = "FOLDER")]
    pub keys: Option<PathBuf>,
    #[command(flatten)]
    pub out: DraftOut,
}

/// `bundle …`
#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Write what a store would fetch by the line into a file: metadata, its order, contents. `aisle-node courier apply` takes it
    Down {
        /// The store
        #[arg(long, value_name = "STORE")]
        store: String,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Take in what `aisle-node courier export` wrote, by the same checks as by the line; again does no harm
    Up {
        /// The file, or files in their order
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Whose it is [default: what it says]
        #[arg(long, value_name = "STORE")]
        store: Option<String>,
    },
    /// Say what is in a bundle; nothing of it is believed. Needs no hub
    Show {
        /// The file
        file: PathBuf,
    },
}

//! The command line: what can be asked, and how it is explained.

mod artefact;
mod enrol;

pub(crate) use artefact::{
    AddArgs, ArtefactCommand, BeginArgs, BundleCommand, DraftCommand, DraftOut, KeyCommand, PassphraseArgs,
};
pub(crate) use enrol::{CaCommand, ClaimCommand, DecisionArgs, InitArgs, NodeListArgs};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The hub of a region: takes in what its stores may send, once, in order, with proof.
#[derive(Debug, Parser)]
#[command(name = "aisle-hub", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The configuration [default: hub.toml where it exists]; AISLE_HUB_KEY and AISLE_HUB_SECTION__KEY go over it
    #[arg(long, global = true, env = "AISLE_HUB_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer in JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
}

/// What the hub can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new hub: root and issuing authority, its own certificate, a configuration that starts. Writes over nothing
    Init(InitArgs),
    /// Run the hub: take stores in, answer over HTTP
    Run,
    /// Show what there is, also while a hub runs
    Status,
    /// Compute every chain and check every receipt again; exit code 1 when anything is wrong
    Verify,
    /// Write events as Parquet files, by store and day
    Export(ExportArgs),
    /// Copy a SQLite database while the hub runs, and check the copy
    Backup {
        /// The file to make
        to: PathBuf,
    },
    /// Put a backup where the database belongs; the hub must not run, and no database may lie there
    Restore {
        /// The backup
        from: PathBuf,
    },
    /// Nodes that may come, and those that ask to
    #[command(subcommand)]
    Node(NodeCommand),
    /// Claims that boxes come in with
    #[command(subcommand)]
    Claim(ClaimCommand),
    /// The authority that certificates come from
    #[command(subcommand, visible_alias = "authority")]
    Ca(CaCommand),
    /// Forget a person: take their token out of what is held of a store, and ask the store in turn
    Erase {
        /// The store
        store: String,
        /// The token that the store's events have for the person, such as t1.AbCd
        token: String,
    },
    /// Show the erasures of a store, with the store's receipts and this hub's own
    Erasures {
        /// The store
        store: String,
    },
    /// Contents that nodes fetch
    #[command(subcommand)]
    Content(ContentCommand),
    /// What may run in stores, and who has signed it
    #[command(subcommand)]
    Artefact(ArtefactCommand),
    /// Sticks: what a store would fetch, and what it would have sent
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// What stores are to become
    #[command(subcommand)]
    Desired(DesiredCommand),
    /// Policies that batches may name
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// The relay to a hub above, and hubs that may speak for stores here
    #[command(subcommand)]
    Relay(RelayCommand),
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// People who may sign in, and their roles
    #[command(subcommand)]
    Person(PersonCommand),
    /// Tokens of people, for programs
    #[command(subcommand)]
    Token(TokenCommand),
    /// Show what was done, by whom, and what was refused
    Audit(AuditArgs),
    /// Print the description of the HTTP interface (OpenAPI)
    Openapi,
}

/// `person …`
#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Add a person, and print the code that they choose a password with
    Add {
        /// The name that they sign in by
        name: String,
        /// A role, such as viewer, operator@region:eu, viewer@label:country=de; may be given again
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<String>,
    },
    /// Show who there is
    List,
    /// Give a person these roles, and no others
    Role {
        /// The name
        name: String,
        /// A role; may be given again
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<String>,
    },
    /// Let a person come no more; their sessions end at once
    Disable {
        /// The name
        name: String,
    },
    /// Let a person come again
    Enable {
        /// The name
        name: String,
    },
    /// Take a person's password, sessions and tokens away, and print a code for another password
    Reset {
        /// The name
        name: String,
    },
    /// Show which role may what
    Roles,
}

/// `token …`
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token of a person, and print it
    Add {
        /// The person's name
        person: String,
        /// What it is for, in words
        #[arg(long, value_name = "WORDS", default_value = "command line")]
        name: String,
        /// What it may, such as store.read; may be given again
        #[arg(long = "permission", value_name = "PERMISSION", required = true)]
        permissions: Vec<String>,
        /// In how many days it ends
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        days: u32,
    },
    /// Show tokens, not their secrets
    List {
        /// Only of this person
        person: Option<String>,
    },
    /// Revoke a token
    Revoke {
        /// Its name: what stands between aisle_ and the secret
        token: String,
    },
}

/// `audit`
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only what this person did, by name; `machine` for whoever runs the hub
    #[arg(long, value_name = "NAME")]
    pub person: Option<String>,
    /// Only this, such as session.begin
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// Only done, refused or failed
    #[arg(long, value_name = "OUTCOME", value_parser = ["done", "refused", "failed"])]
    pub outcome: Option<String>,
    /// From this time on, such as 2026-06-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from: Option<jiff::Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    pub before: Option<jiff::Timestamp>,
    /// The most rows, the latest ones
    #[arg(long, value_name = "ROWS", default_value_t = 100)]
    pub limit: u32,
}

/// `export`
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The folder, made where it is not there, or s3://BUCKET/PREFIX with the usual AWS_* variables
    #[arg(value_name = "PLACE", required_unless_present = "to")]
    pub place: Option<String>,
    /// The same as an option
    #[arg(long, value_name = "PLACE", conflicts_with = "place")]
    pub to: Option<String>,
    /// Where S3 is, such as http://127.0.0.1:9000; goes over AWS_ENDPOINT_URL
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Only this store; may be given again
    #[arg(long = "store", value_name = "STORE")]
    pub stores: Vec<String>,
    /// From this time on, such as 2026-06-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from: Option<jiff::Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    pub before: Option<jiff::Timestamp>,
}

/// `node …`
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Let a node come, or change its key
    Add {
        /// Its store
        store: String,
        /// Its serial, as its certificate has it
        node: String,
        /// The Ed25519 key that its receipts are signed with: 64 hexadecimal digits
        receipt_key: String,
    },
    /// Let a box in that waits for it
    Approve {
        /// Its store
        store: String,
        /// Its serial
        node: String,
        /// The fingerprint that the box shows: 64 hexadecimal digits; another one is not let in
        #[arg(long, value_name = "FINGERPRINT")]
        key: Option<String>,
    },
    /// Do not let a box in that waits for it
    Reject(DecisionArgs),
    /// Keep a node out for a while; its connections end within a minute
    Suspend(DecisionArgs),
    /// Let a node in again that was suspended
    Resume(DecisionArgs),
    /// Keep a node out; its connections end within a minute, its receipts stay good
    Ban(DecisionArgs),
    /// Show the nodes of a store, or all that asked to come in
    List(NodeListArgs),
    /// Show a node that asked to come in
    Show {
        /// Its store
        store: String,
        /// Its serial
        node: String,
    },
}

/// `content …`
#[derive(Debug, Subcommand)]
pub(crate) enum ContentCommand {
    /// Keep a file for nodes to fetch, and print its hash
    Add {
        /// The file, or the folder of a plugin with `plugin.toml` and `plugin.wasm`
        file: PathBuf,
        /// Make a delta from this content, for nodes that have it; may be given again
        #[arg(long = "delta-from", value_name = "HASH")]
        deltas_from: Vec<String>,
    },
}

/// `desired …`
#[derive(Debug, Subcommand)]
pub(crate) enum DesiredCommand {
    /// Say what stores are to become; those that are connected hear it within seconds
    Set(DesiredSetArgs),
    /// Show what a store is to become, and what its nodes report
    Show {
        /// The store
        store: String,
    },
}

/// `desired set`
#[derive(Debug, Args)]
pub(crate) struct DesiredSetArgs {
    /// The list: `[[item]]` with `name`, `version`, and `content` (a hash) or `file`
    pub list: PathBuf,
    /// This store; may be given again
    #[arg(long = "store", value_name = "STORE", required_unless_present = "all")]
    pub stores: Vec<String>,
    /// Every store that has a node which may come
    #[arg(long, conflicts_with = "stores")]
    pub all: bool,
}

/// `policy …`
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Bring a policy into force at all hubs on the database, also running ones; its version must be the highest
    Publish {
        /// The policy; its signature lies beside it, with `.sig` behind the name
        file: PathBuf,
    },
}

/// `relay …`
#[derive(Debug, Subcommand)]
pub(crate) enum RelayCommand {
    /// Print the key that this hub signs relayed batches with, for `relay allow` at the hub above
    Key,
    /// Let a hub speak for the stores of some regions, or change its key
    Allow {
        /// Its name, as its certificate has it
        relay: String,
        /// The Ed25519 key that its receipts are signed with: 64 hexadecimal digits
        receipt_key: String,
        /// A region; may be given again
        #[arg(long = "region", value_name = "REGION", required = true)]
        regions: Vec<String>,
    },
    /// Let a hub speak for nobody any more; its receipts stay good
    Ban {
        /// Its name
        relay: String,
    },
    /// Show the hubs that may speak for stores
    List,
}

/// `config …`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether the hub would accept it; files that it names are not looked at
    Check,
}

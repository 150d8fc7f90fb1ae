//! What can be asked about boxes that enrol: beginnings, claims, nodes, the authority.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `init`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Where the hub is to live
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
    /// The medium for the root's key, which goes into a safe afterwards [default: FOLDER/safe]
    #[arg(long, value_name = "FOLDER")]
    pub safe: Option<PathBuf>,
    /// Whose stores these are, such as shops.example
    #[arg(long, value_name = "CHAIN", default_value = "shops.example")]
    pub chain: String,
    /// The hub's name
    #[arg(long, value_name = "NAME", default_value = "hub-1")]
    pub name: String,
    /// The region that it lies in
    #[arg(long, value_name = "REGION", default_value = "eu")]
    pub region: String,
    /// Where boxes call it: a name or an address, and the port [default: localhost:8444]
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:8444")]
    pub address: String,
    /// What opens the issuing key at each start: `file:PATH` (made with a random one where it is not there), `credential:NAME`, `prompt`
    #[arg(long, value_name = "SOURCE", default_value = "file:data/issuing.passphrase")]
    pub passphrase: String,
    /// What opens the root's key: `prompt`, or `file:PATH` (made with a random one where it is not there)
    #[arg(long, value_name = "SOURCE", default_value = "prompt")]
    pub root_passphrase: String,
    /// A domain besides the chain's own that certificates may name; may be given again
    #[arg(long = "domain", value_name = "DOMAIN")]
    pub domains: Vec<String>,
}

/// `claim …`
#[derive(Debug, Subcommand)]
pub(crate) enum ClaimCommand {
    /// Make a claim for a store and print what an installer needs: a code, a link, a QR code. It is shown once
    Create {
        /// The store
        store: String,
        /// Only this box may use it; a box that was there before has to be named
        #[arg(long, value_name = "SERIAL")]
        serial: Option<String>,
        /// How long it can be used [default: enrolment.claim_hours]
        #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=2160))]
        hours: Option<u32>,
        /// Write the QR code to this file, as SVG
        #[arg(long, value_name = "FILE.svg")]
        qr: Option<PathBuf>,
    },
    /// Show claims, without their codes
    List {
        /// Only those for this store
        store: Option<String>,
    },
    /// Take a claim back; one that was used stays used
    Revoke {
        /// The first group of its code
        locator: String,
    },
}

/// A node, and why.
#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    /// Its store
    pub store: String,
    /// Its serial
    pub node: String,
    /// Why; whoever stands before the box reads it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `node list`
#[derive(Debug, Args)]
pub(crate) struct NodeListArgs {
    /// Only those of this store
    pub store: Option<String>,
    /// Only those in this state: claimed, pending, active, renewing, suspended, banned
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
}

/// `ca …`
#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Show the authorities that are believed
    Show,
    /// Make a new issuing authority, with the root's medium; running hubs take it within the hour
    Rotate {
        /// The medium with the root's key
        #[arg(long, value_name = "FOLDER")]
        safe: PathBuf,
        /// What opens the root's key: `prompt` or `file:PATH`
        #[arg(long, value_name = "SOURCE", default_value = "prompt")]
        root_passphrase: String,
        /// A further domain that certificates may name; may be given again
        #[arg(long = "domain", value_name = "DOMAIN")]
        domains: Vec<String>,
    },
    /// Make a certificate for this hub: a further one on the database, or one whose certificate came from elsewhere
    Certify,
}

//! The commands of enrolment: the claim, and certificates of devices.

use super::Node;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `claim`
#[derive(Debug, Args)]
pub(crate) struct ClaimArgs {
    /// The code on the slip, or the whole text of its QR code; left out, a claim that was interrupted goes on
    #[arg(value_name = "CODE")]
    pub claim: Option<String>,
    /// Where the hub gives certificates, as HOST or HOST:PORT; the QR code says it, and so may `enrolment.hub`
    #[arg(long, value_name = "ADDRESS")]
    pub hub: Option<String>,
    /// The root's fingerprint on the slip, for a code without its link: 64 hexadecimal digits
    #[arg(long, value_name = "SHA-256")]
    pub root_fingerprint: Option<String>,
    /// Claim a box anew that is a node already; it keeps what it has until the new claim is through
    #[arg(long)]
    pub anew: bool,
    /// Do not wait for the end: a node that runs goes on by itself
    #[arg(long)]
    pub no_wait: bool,
    #[command(flatten)]
    pub node: Node,
}

/// `device credential`
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Have headquarters give a device of this store a certificate, and list the device to come in by it
    Issue {
        /// The device's id
        id: String,
        /// Its request for a certificate (PKCS#10, PEM or DER); left out, key and certificate are made together and handed over once
        #[arg(long, value_name = "FILE")]
        csr: Option<PathBuf>,
        /// The folder that `ID.pem`, `roots.pem` and, without a request, `ID.key.pem` are written to; nothing there is written over
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
        #[command(flatten)]
        node: Node,
    },
    /// Take the certificates of a device back, here and at headquarters
    Revoke {
        /// The device's id
        id: String,
        #[command(flatten)]
        node: Node,
    },
}

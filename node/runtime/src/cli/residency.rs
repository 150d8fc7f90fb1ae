//! The commands of residency: what leaves the store, and the proof of it.

use super::Node;
use aisle_event::LogClass;
use aisle_residency::{Region, signing::VerifyingKey};
use clap::{Args, Subcommand, ValueEnum, value_parser};
use data_encoding::HEXLOWER_PERMISSIVE;
use std::path::PathBuf;

/// `residency`
#[derive(Debug, Subcommand)]
pub(crate) enum ResidencyCommand {
    /// Show field by field what of one event leaves, to which region, and by which line of the policy
    Explain(ExplainArgs),
    /// Show field by field what a policy would let out of what is in the journal; nothing is sent
    DryRun(DryRunArgs),
    /// Show the receipts of the batches that are kept, and check them with `--verify`; exit 1 when one does not hold
    Receipts(ReceiptsArgs),
    /// Have the running node forget a customer: their keys are destroyed, and what was sealed with them opens no more
    Erase(EraseArgs),
    /// Show the erasures of the running node, and what each waits for
    Erasures(ErasuresArgs),
    /// Policies, before they are signed
    #[command(subcommand)]
    Policy(PolicyCommand),
}

/// `residency explain`
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The number of its record in the journal: `seq`, as `journal cat` shows it
    pub event: u64,
    /// By this policy, which need not be signed [default: the one in force]
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// To this region only; can be given again [default: every region that the policy names]
    #[arg(long, value_name = "REGION")]
    pub region: Vec<Region>,
}

/// `residency dry-run`
#[derive(Debug, Args)]
pub(crate) struct DryRunArgs {
    /// The policy, which need not be signed
    pub policy: PathBuf,
    /// So many days up to the last record of the journal, by the journal's own time
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = value_parser!(u32).range(1..=36_500))]
    pub days: u32,
    /// To this region only; can be given again [default: every region that the policy names]
    #[arg(long, value_name = "REGION")]
    pub region: Vec<Region>,
}

/// `residency receipts`
#[derive(Debug, Args)]
pub(crate) struct ReceiptsArgs {
    /// Of this class only
    #[arg(long, value_enum)]
    pub class: Option<Class>,
    /// From the batch on that holds this event, by its number in the outbox
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub from: u64,
    /// Check that each receipt follows the one before it, is about its batch, and is signed by the node; those before `--from` too
    #[arg(long)]
    pub verify: bool,
    /// The key that they have to be signed with, as 64 hexadecimal digits [default: that of this node]
    #[arg(long, value_name = "KEY", requires = "verify", value_parser = public_key)]
    pub key: Option<VerifyingKey>,
}

/// `residency erase`
#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    /// The customer's number, as sales have it
    pub customer: String,
    /// Why, for the record; no name belongs in it
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The law wants the records kept until then, such as 2036-01-01T00:00:00Z: the erasure is complete no earlier
    #[arg(long, value_name = "TIME")]
    pub retain_until: Option<jiff::Timestamp>,
    /// Which law says so
    #[arg(long, value_name = "TEXT", requires = "retain_until")]
    pub basis: Option<String>,
    #[command(flatten)]
    pub node: Node,
}

/// `residency erasures`
#[derive(Debug, Args)]
pub(crate) struct ErasuresArgs {
    #[command(flatten)]
    pub node: Node,
}

/// `residency policy`
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say whether a policy can be used, and how many fields it lets out; names the line and the nearest name where it cannot
    Check {
        /// The policy, which need not be signed
        file: PathBuf,
    },
}

/// A log of the outbox, the most valuable first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Class {
    /// What the books and the law need
    Sales,
    /// Stock, prices, catalogue, tasks, aggregates
    Stock,
    /// Devices, readings, anomalies
    Telemetry,
    /// What shoppers looked at
    Bulk,
}

impl From<Class> for LogClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Sales => Self::Sales,
            Class::Stock => Self::Stock,
            Class::Telemetry => Self::Telemetry,
            Class::Bulk => Self::Bulk,
        }
    }
}

/// Reads a public key.
fn public_key(text: &str) -> Result<VerifyingKey, String> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap_or_default();
    let key = <[u8; 32]>::try_from(bytes).map(VerifyingKey);
    key.map_err(|_| "an Ed25519 key has 64 hexadecimal digits".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        assert_eq!(public_key(&"0a".repeat(32)), Ok(VerifyingKey([10; 32])));
        assert_eq!(public_key(&"0A".repeat(32)), Ok(VerifyingKey([10; 32])));
        for text in ["", "0a", "no key", &"0g".repeat(32), &"0a".repeat(33)] {
            assert!(public_key(text).is_err(), "{text}");
        }
    }
}

//! The command line: what can be asked, and how it is explained.

pub(crate) mod enrol;
pub(crate) mod fleet;
pub(crate) mod floor;
pub(crate) mod plugin;
pub(crate) mod residency;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

/// The node of a store: keeps every event, serves the kiosks, works without its line.
#[derive(Debug, Parser)]
#[command(name = "aisle-node", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// The node's data: journal, state, import reports
    #[arg(long, global = true, env = "AISLE_DATA", value_name = "DIR", default_value = "aisle-data")]
    pub data: PathBuf,
    /// The configuration [default: aisle.toml where it exists]; `conf.d/*.toml` beside it and AISLE_SECTION__KEY go over it
    #[arg(long, global = true, env = "AISLE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer in JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
}

/// What the node can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the node: kiosk pages and API, health, metrics
    Run(RunArgs),
    /// Make this box the node of its store, with the claim that headquarters gave; safe to interrupt and to repeat
    Claim(enrol::ClaimArgs),
    /// How the node stands with its chain, and what would hurt the store first without a line
    Status(Node),
    /// Take in a file of sales; safe to repeat and to interrupt
    Import(ImportArgs),
    /// Measure the recommendations against what shoppers really did next
    Evaluate(EvaluateArgs),
    /// Look into the journal, also while a node runs
    #[command(subcommand)]
    Journal(JournalCommand),
    /// The MQTT broker: which devices may connect, who is there, what passes
    #[command(subcommand)]
    Mqtt(MqttCommand),
    /// The things in the shop: approve, place, set, command and retire them; profiles; a simulator
    #[command(subcommand)]
    Device(floor::DeviceCommand),
    /// Show or draw what a stream of a device measured
    Telemetry(floor::TelemetryArgs),
    /// What is believed to be on shelves and in the backroom, and why
    #[command(subcommand)]
    Stock(floor::StockCommand),
    /// Units that keep food cold or hot: limits, excursions, reports and their proof
    #[command(subcommand)]
    ColdChain(floor::ColdChainCommand),
    /// What staff are asked to do
    #[command(subcommand)]
    Task(floor::TaskCommand),
    /// Plugins of headquarters: install, swap and remove them, see what they do and cost
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    /// What leaves the store: by which line of the policy, what another policy would let out, and the receipts of it
    #[command(subcommand)]
    Residency(residency::ResidencyCommand),
    /// Signed files that go by hand: apply what headquarters gave, bring out what waits for it
    #[command(subcommand)]
    Courier(fleet::CourierCommand),
    /// What headquarters orders for this node, how far it is, and why not further
    #[command(subcommand)]
    Fleet(fleet::FleetCommand),
    /// Check this machine and this store; one line a check, with what to do
    Doctor,
    /// Show or check the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print generated documentation
    #[command(subcommand)]
    Reference(ReferenceCommand),
    /// Try the model that comes in by standard input: what a node asks of a process of its own
    #[command(hide = true)]
    TryModel {
        /// How long it takes is not looked at
        #[arg(long)]
        again: bool,
    },
}

/// `run`
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Where to listen, instead of `http.listen`; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// `import`
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// What the file holds
    #[arg(long, value_enum)]
    pub format: Format,
    /// How its text is encoded
    #[arg(long, value_enum, default_value_t = Encoding::Utf8)]
    pub encoding: Encoding,
    /// The currency of its prices, as in ISO 4217 [default: store.currency]
    #[arg(long)]
    pub currency: Option<aisle_event::Currency>,
    /// Where refused rows go [default: DATA/import/FORMAT-FILE-rejected.csv]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// A CSV file, plain or gzip
    pub file: PathBuf,
}

/// A file format that can be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Invoice lines: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country (times in UTC)
    OnlineRetail,
}

/// A text encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    /// Rows that are not UTF-8 are refused
    #[value(name = "utf-8")]
    Utf8,
    /// Western European, as older spreadsheets write it
    #[value(name = "windows-1252")]
    Windows1252,
}

/// `evaluate`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(false))]
pub(crate) struct EvaluateArgs {
    /// Click sessions to learn from and to predict: two TSV files (SessionId, ItemId, Time), plain or gzip
    #[arg(long, num_args = 2, value_names = ["TRAIN", "TEST"], group = "what")]
    pub sessions: Option<Vec<PathBuf>>,
    /// Invoices in the online-retail format: complete baskets made on or after `--from`, having learnt from those before
    #[arg(long, value_name = "FILE", group = "what", requires = "from")]
    pub baskets: Option<PathBuf>,
    /// The first day to predict
    #[arg(long, value_name = "YYYY-MM-DD", requires = "baskets")]
    pub from: Option<jiff::civil::Date>,
}

/// `journal`
#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Read every record and check checksums, order and chain; exit 1 when anything is damaged
    Verify,
    /// Segments, records, bytes and events by type
    Stats,
    /// Print events, one JSON object a line
    Cat {
        /// The first sequence number
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// At most so many
        #[arg(long, value_name = "N")]
        count: Option<u64>,
        /// Only this type, such as SaleRecorded
        #[arg(long, value_name = "NAME")]
        event: Option<String>,
    },
}

/// `mqtt`
#[derive(Debug, Subcommand)]
pub(crate) enum MqttCommand {
    /// Say which devices may connect; a node that runs takes it over within seconds
    #[command(subcommand)]
    Device(DeviceCommand),
    /// List clients and their sessions, those of clients that are away too
    Clients {
        #[command(flatten)]
        node: Node,
    },
    /// Send a client away; it may come back
    Kick {
        /// Its identifier, as `mqtt clients` shows it
        client: String,
        /// Remove its session too, with what waits in it
        #[arg(long)]
        session: bool,
        #[command(flatten)]
        node: Node,
    },
    /// List retained messages, or clear one
    Retained {
        /// Only topics that this filter stands for
        #[arg(default_value = "#", conflicts_with = "clear")]
        filter: String,
        /// Clear the retained message of this topic instead
        #[arg(long, value_name = "TOPIC")]
        clear: Option<String>,
        #[command(flatten)]
        node: Node,
    },
    /// Show messages as they pass, retained ones first, until Ctrl-C
    Watch {
        /// Which topics, such as `aisle/v1/#`
        topic: String,
        #[command(flatten)]
        node: Node,
    },
}

/// The running node that a command speaks to, with the token in the data directory.
#[derive(Debug, Args)]
pub(crate) struct Node {
    /// Where the node is, as `http://HOST:PORT` [default: where the node that runs on the data says]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// `mqtt device`
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// List a device and print its password, once
    Add {
        /// Its id, which is its user name too and stands for `%device%` in patterns
        id: String,
        /// Topics it may publish to; can be given again [default: aisle/v1/%store%/%device%/#]
        #[arg(long, value_name = "PATTERN")]
        publish: Vec<String>,
        /// Topics it may subscribe to; can be given again [default: aisle/v1/%store%/%device%/#]
        #[arg(long, value_name = "PATTERN")]
        subscribe: Vec<String>,
        /// Let it in by a client certificate that names it; it gets no password unless one is given
        #[arg(long)]
        certificate: bool,
        /// Read its password from standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print the devices and what they may do
    List,
    /// Give a device a new password and print it, once; it is disconnected
    Passwd {
        /// Its id
        id: String,
        /// Read the password from standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Take a device out of the list; it is disconnected
    Remove {
        /// Its id
        id: String,
    },
    /// Let a device in again
    Enable {
        /// Its id
        id: String,
    },
    /// Let a device in no longer; it is disconnected, and stays listed
    Disable {
        /// Its id
        id: String,
    },
}

/// `config`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print what the node would run with, after headquarters, every file and variable
    Show(ShowArgs),
    /// Say whether the node would accept it
    Check,
}

/// `config show`
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Only what is not left at its default, each with who says it
    #[arg(long)]
    pub origins: bool,
}

/// `reference`
#[derive(Debug, Subcommand)]
pub(crate) enum ReferenceCommand {
    /// Every configuration key, in Markdown
    Config,
    /// Every metric, in Markdown
    Metrics,
    /// The kiosk API, as OpenAPI 3.1 in JSON
    Openapi,
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn no_command_contradicts_itself() {
        Cli::command().debug_assert();
    }
}

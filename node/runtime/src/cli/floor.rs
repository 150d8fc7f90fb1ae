//! The commands of the shop's floor: devices, telemetry, stock, cold chain, tasks.

use super::Node;
use aisle_event::cold_chain::ColdGroup;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Who does something.
#[derive(Debug, Args)]
pub(crate) struct By {
    /// Who does it
    #[arg(id = "by", long, env = "USER", value_name = "NAME")]
    pub name: Option<String>,
}

/// `device`
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// List devices, those that wait for approval too
    List {
        /// Only those that stand here
        #[arg(long, value_enum)]
        state: Option<DeviceState>,
        #[command(flatten)]
        node: Node,
    },
    /// Show one device: streams, settings, commands, problems
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        node: Node,
    },
    /// Let a device take part, and say where its streams measure
    Approve {
        /// Its id
        id: String,
        /// Goods that a stream senses, such as `weight=shelf:TEA-1:125:900` (grams a piece, then grams when empty); can be given again
        #[arg(long, value_name = "STREAM=PLACE[:SKU[:UNIT_WEIGHT_G[:TARE_G]]]")]
        place: Vec<String>,
        /// The cold chain unit that a stream watches, such as `temperature=dairy-1`; can be given again
        #[arg(long, value_name = "STREAM=UNIT")]
        watch: Vec<String>,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Say where a stream of a device measures; what is not given is taken back
    Place {
        /// The device's id
        id: String,
        /// The stream
        stream: String,
        /// In which part of the store
        #[arg(long, value_enum)]
        place: Option<Place>,
        /// What lies on it
        #[arg(long)]
        sku: Option<String>,
        /// What one piece weighs, in grams
        #[arg(long, value_name = "GRAMS")]
        unit_weight_g: Option<f64>,
        /// What it shows when nothing lies on it, in grams
        #[arg(long, value_name = "GRAMS", allow_negative_numbers = true)]
        tare_g: Option<f64>,
        /// The cold chain unit that it watches
        #[arg(long)]
        unit: Option<String>,
        #[command(flatten)]
        node: Node,
    },
    /// Certificates of devices, by which they come in over MQTT with TLS
    #[command(subcommand)]
    Credential(super::enrol::CredentialCommand),
    /// Send a device away for good: what it says is ignored until it is approved again
    Retire {
        /// Its id
        id: String,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Change settings of a device; it takes them when it is there, all or none
    Set {
        /// Its id
        id: String,
        /// Settings; numbers, true and false are taken as such, quotes make a text of them
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<String>,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Ask a device to do something and wait for its answer; exit 1 when it does not do it
    Command {
        /// Its id
        id: String,
        /// What it is to do
        name: String,
        /// What goes with it
        #[arg(value_name = "KEY=VALUE")]
        args: Vec<String>,
        /// How long it may take; it must not do it later
        #[arg(long, value_name = "SECONDS", default_value_t = crate::admin::view::device::CommandBody::timeout_s())]
        timeout_s: u32,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Profiles, by which devices of other makers are understood
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Run made-up devices against a broker, from a scenario and a seed, until Ctrl-C
    Simulate(SimulateArgs),
}

/// Where a device stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DeviceState {
    /// Heard, and waits for approval
    Heard,
    /// Takes part
    Approved,
    /// Sent away
    Retired,
}

/// Part of the store.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Place {
    /// Where shoppers take goods from
    Shelf,
    /// Where goods wait
    Backroom,
}

impl From<Place> for aisle_event::device::Place {
    fn from(place: Place) -> Self {
        match place {
            Place::Shelf => Self::Shelf,
            Place::Backroom => Self::Backroom,
        }
    }
}

/// `device profile`
#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Show what a sample becomes by a profile; exit 1 when something is refused or not understood. Needs no node
    Check {
        /// The profile, a TOML file
        file: PathBuf,
        /// Messages as they come: a line `TOPIC PAYLOAD` for each, or one JSON document for the first message of the profile
        sample: PathBuf,
    },
    /// List the profiles in force, and files that were refused
    List {
        #[command(flatten)]
        node: Node,
    },
}

/// `device simulate`
#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// A scenario that comes along (shop-floor-60, five-hundred, faults), or a TOML file
    pub scenario: String,
    /// Where everything random comes from
    #[arg(long)]
    pub seed: u64,
    /// The broker's host
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// The broker's port of plain MQTT
    #[arg(long, default_value_t = 1883)]
    pub port: u16,
    /// The store whose devices they are [default: store.id]
    #[arg(long)]
    pub store: Option<String>,
    /// Where to write down what truly is, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// End by itself after so many simulated seconds
    #[arg(long, value_name = "SECONDS")]
    pub duration_s: Option<f64>,
}

/// `telemetry`
#[derive(Debug, Args)]
pub(crate) struct TelemetryArgs {
    /// The device's id
    pub device: String,
    /// The stream
    pub stream: String,
    /// How many hours back
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8_784))]
    pub hours: u32,
    /// Draw it into this file instead
    #[arg(long, value_name = "FILE", conflicts_with = "raw")]
    pub svg: Option<PathBuf>,
    /// Single readings instead of sums, as far back as they are kept
    #[arg(long)]
    pub raw: bool,
    #[command(flatten)]
    pub node: Node,
}

/// `stock`
#[derive(Debug, Subcommand)]
pub(crate) enum StockCommand {
    /// List what is believed to be where
    List {
        #[command(flatten)]
        node: Node,
    },
    /// Show what is believed of one product, on what that rests, and why
    Show {
        /// The product's number
        sku: String,
        #[command(flatten)]
        node: Node,
    },
    /// Say how much somebody counted
    Count {
        /// The product's number
        sku: String,
        /// Where
        #[arg(value_enum)]
        place: Place,
        /// How much, in what it is sold by
        quantity: f64,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Say how much somebody carried from one place to the other
    Move {
        /// The product's number
        sku: String,
        /// From where
        #[arg(value_enum)]
        from: Place,
        /// Where to
        #[arg(value_enum)]
        to: Place,
        /// How much, in what it is sold by
        quantity: f64,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
}

/// `cold-chain`
#[derive(Debug, Subcommand)]
pub(crate) enum ColdChainCommand {
    /// List units: how they are, and their open excursions
    Units {
        #[command(flatten)]
        node: Node,
    },
    /// Define a unit, or define it anew
    Define {
        /// Its name
        unit: String,
        /// How its food is kept
        #[arg(long, value_enum)]
        group: Group,
        /// A limit of its own, in °C [default: 5, 57 or -18, by the group]
        #[arg(long, value_name = "CELSIUS", allow_negative_numbers = true)]
        limit_celsius: Option<f64>,
        /// How long food may be outside before that is an excursion [default: cold_chain.grace_s]
        #[arg(long, value_name = "SECONDS")]
        grace_s: Option<u32>,
        /// What is kept in it; can be given again
        #[arg(long)]
        sku: Vec<String>,
        #[command(flatten)]
        node: Node,
    },
    /// Remove a unit; its reports stay
    Remove {
        /// Its name
        unit: String,
        #[command(flatten)]
        node: Node,
    },
    /// Say that an excursion was seen, and what was done about it
    Acknowledge {
        /// Its name, as `cold-chain units` shows it
        excursion: String,
        /// What was done
        #[arg(long, value_name = "TEXT")]
        action: Option<String>,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Make the report of a unit and a day, which prints without a network
    Report {
        /// The unit's name
        unit: String,
        /// The day, in the store's time zone
        #[arg(value_name = "YYYY-MM-DD")]
        day: jiff::civil::Date,
        /// In which form
        #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
        format: ReportFormat,
        /// In which language
        #[arg(long, value_enum, default_value_t = Language::En)]
        language: Language,
        /// Where to write it [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        node: Node,
    },
    /// Hold a report against the journal it was made from; exit 1 when they differ. Needs no node
    Verify {
        /// The report as it was made, HTML or CSV
        file: PathBuf,
    },
}

/// How food is kept.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Group {
    /// At 5 °C or colder
    Chilled,
    /// At 57 °C or hotter
    Hot,
    /// At -18 °C or colder
    Frozen,
}

impl From<Group> for ColdGroup {
    fn from(group: Group) -> Self {
        match group {
            Group::Chilled => Self::Chilled,
            Group::Hot => Self::Hot,
            Group::Frozen => Self::Frozen,
        }
    }
}

/// The form of a report.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ReportFormat {
    /// A page that prints
    Html,
    /// A table
    Csv,
    /// Its data
    Json,
}

/// The language of a report.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// Chinese, simplified
    Zh,
}

/// `task`
#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// List what staff are asked to do, the most urgent first
    List {
        #[command(flatten)]
        node: Node,
    },
    /// Say that a task is done
    Done {
        /// Its name, as `task list` shows it
        task: String,
        /// What was counted on the shelf, where that was the task
        #[arg(long, value_name = "QUANTITY")]
        count: Option<f64>,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
    /// Say that a task is not needed
    Dismiss {
        /// Its name, as `task list` shows it
        task: String,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: Node,
    },
}

//! `fleet override`: what holds for one store or one box, with a reason and perhaps an end.

use super::{
    apply::becomes,
    ask::{Ask, path},
    desk::{Desk, Paging},
    documents,
    group::{pair, says, wrong},
    time,
    view::{Column, Shape, fields},
};
use crate::Ended;
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{Override, Says, Want, document::WrittenDocument};
use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;
use std::path::PathBuf;

const OVERRIDES: [Column; 5] = [
    Column("store", &["/document/store"], Shape::Text),
    Column("serial", &["/document/serial"], Shape::Text),
    Column("until", &["/document/until"], Shape::When),
    Column("why", &["/document/why"], Shape::Words),
    Column("since", &["/at_ms"], Shape::When),
];

/// What can be done with overrides.
#[derive(Debug, Subcommand)]
pub(crate) enum OverrideCommand {
    /// List overrides
    List(Paging),
    /// Show what holds for a store or a box
    Show(One),
    /// Say what holds for a store or a box
    #[command(
        after_help = "Examples:\n  aisle fleet override set berlin-12 --why 'its till is old' --absent plugin/multi-buy --until 14d\n  \
                            aisle fleet override set -f berlin-12.yaml      # for all that an override can say"
    )]
    Set(SetArgs),
    /// Let groups and rollouts count again
    Delete(One),
}

/// A store, or a box in it.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The store, or one box in it
    #[arg(value_name = "STORE[/SERIAL]")]
    node: String,
}

/// `fleet override set`
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// The store, or one box in it
    #[arg(value_name = "STORE[/SERIAL]", required_unless_present = "file", conflicts_with = "file")]
    node: Option<String>,
    /// A document with the override, in YAML or JSON; `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Why, for whoever wonders later
    #[arg(long, value_name = "WORDS", required_unless_present = "file", conflicts_with = "file")]
    why: Option<String>,
    /// When it ends by itself: a time, or in so long
    #[arg(long, value_name = "TIME", conflicts_with = "file")]
    until: Option<String>,
    /// A slot that should be empty; may be repeated
    #[arg(long, value_name = "SLOT", conflicts_with = "file")]
    absent: Vec<String>,
    /// A version below which nothing may be brought in; may be repeated
    #[arg(long, value_name = "SLOT=VERSION", conflicts_with = "file")]
    minimum: Vec<String>,
}

/// Does it.
pub(super) fn run(command: &OverrideCommand, desk: &Desk) -> Result<Ended> {
    match command {
        OverrideCommand::List(paging) => {
            desk.list(&Ask::get("/v1/overrides"), paging, &OVERRIDES, "no overrides")
        }
        OverrideCommand::Show(One { node }) => desk.done(&Ask::get(place(node)?), told),
        OverrideCommand::Set(args) => {
            let one = wanted(args)?;
            let node = one
                .serial
                .as_ref()
                .map_or_else(|| one.store.to_string(), |serial| format!("{}/{serial}", one.store));
            let ask = Ask::put(place(&node)?, serde_json::to_value(&one)?);
            desk.done(&ask, becomes)
        }
        OverrideCommand::Delete(One { node }) => desk
            .done(&Ask::delete(place(node)?), |_| vec![format!("nothing holds for `{node}` alone any more")]),
    }
}

fn place(node: &str) -> Result<String, super::FleetError> {
    match node.rsplit_once('/') {
        Some((store, serial)) => path("/v1/overrides", &[store, serial]),
        None => path("/v1/overrides", &[node]),
    }
}

fn wanted(args: &SetArgs) -> Result<Override> {
    if let Some(file) = &args.file {
        return match documents::one(file)? {
            WrittenDocument::Override(one) => Ok(one),
            _ => Err(documents::other(file, "override").into()),
        };
    }
    let mut says = Says::default();
    for slot in &args.absent {
        says.artefacts.insert(slot.parse().map_err(wrong)?, Want::Absent);
    }
    for minimum in &args.minimum {
        let (slot, version) = pair(minimum)?;
        says.minimums.insert(slot.parse().map_err(wrong)?, version.parse().map_err(wrong)?);
    }
    let node = args.node.as_deref().unwrap_or_default();
    let (store, serial) = node.rsplit_once('/').map_or((node, None), |(store, serial)| (store, Some(serial)));
    let until = args.until.as_deref().map(|text| time::moment(text, time::now_ms(), 1)).transpose()?;
    let one = Override {
        store: StoreId::new(store).map_err(wrong)?,
        serial: serial.map(str::parse).transpose().map_err(wrong)?,
        why: args.why.clone().unwrap_or_default(),
        until: until.map(Timestamp),
        says,
    };
    one.check().map_err(wrong)?;
    Ok(one)
}

fn told(one: &Value) -> Vec<String> {
    let mut told = fields(&OVERRIDES, one);
    told.extend(says(one.pointer("/document/says")));
    told
}

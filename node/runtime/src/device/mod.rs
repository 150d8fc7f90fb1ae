//! `aisle-node device`: the things in the shop, in a node that runs; and without one, what a profile makes of a sample, and
//! devices that are made up.
//!
//! Not here: the node's end of it (`admin`), which devices may connect (`mqtt device`).

mod act;
mod list;
mod pair;
mod profile;
mod show;
mod simulate;

use crate::{
    admin::remote::Remote,
    cli::{
        Node,
        floor::{DeviceCommand, ProfileCommand},
    },
};
use std::{path::Path, process::ExitCode};

/// Runs one command. `store` is what the configuration calls the store, when it is accepted.
pub(crate) async fn run(
    command: &DeviceCommand,
    data: &Path,
    store: Option<&str>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let at = |node: &Node| Remote::find(data, node.url.as_deref());
    let good = match command {
        DeviceCommand::List { state, node } => list::list(&at(node)?, *state, json).await.map(|()| true),
        DeviceCommand::Show { id, node } => show::show(&at(node)?, id, json).await.map(|()| true),
        DeviceCommand::Approve { id, place, watch, by, node } => {
            let placements = act::placements(place, watch)?;
            act::approve(&at(node)?, id, placements, by, json).await.map(|()| true)
        }
        DeviceCommand::Place { id, stream, place, sku, unit_weight_g, tare_g, unit, node } => {
            let placement = crate::admin::view::device::PlacementBody {
                place: place.map(Into::into),
                sku: sku.clone(),
                unit_weight_g: *unit_weight_g,
                tare_g: *tare_g,
                unit: unit.clone(),
            };
            act::place(&at(node)?, id, stream, &placement, json).await.map(|()| true)
        }
        DeviceCommand::Retire { id, by, node } => act::retire(&at(node)?, id, by, json).await.map(|()| true),
        DeviceCommand::Set { id, settings, by, node } => {
            let settings = pair::object(settings)?;
            act::set(&at(node)?, id, &settings, by, json).await.map(|()| true)
        }
        DeviceCommand::Command { id, name, args, timeout_s, by, node } => {
            let args = pair::object(args)?;
            act::command(&at(node)?, (id, name), args, *timeout_s, by, json).await
        }
        DeviceCommand::Profile(ProfileCommand::Check { file, sample }) => profile::check(file, sample, json),
        DeviceCommand::Profile(ProfileCommand::List { node }) => {
            profile::list(&at(node)?, json).await.map(|()| true)
        }
        DeviceCommand::Credential(command) => {
            crate::enrol::credential::run(command, data, store, json).await.map(|()| true)
        }
        DeviceCommand::Simulate(args) => simulate::run(args, store, json).await.map(|()| true),
    };
    good.map(crate::success_or_failed)
}

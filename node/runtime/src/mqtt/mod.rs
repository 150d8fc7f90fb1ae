//! `aisle-node mqtt`: which devices may connect, and the broker of a node that runs.
//!
//! Not here: the node's end of it (`admin`).

mod clients;
pub(crate) mod device;
mod example;
mod retained;
mod watch;

use crate::{admin::remote::Remote, cli::MqttCommand};
use std::{path::Path, process::ExitCode};

/// Runs a command against a node that runs.
pub(crate) async fn run(command: &MqttCommand, data: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let at = |node: &crate::cli::Node| Remote::find(data, node.url.as_deref());
    match command {
        MqttCommand::Device(_) => anyhow::bail!("devices are in a file, not in a node"),
        MqttCommand::Clients { node } => clients::list(&at(node)?, json).await?,
        MqttCommand::Kick { client, session, node } => {
            clients::kick(&at(node)?, client, *session, json).await?;
        }
        MqttCommand::Retained { clear: Some(topic), node, .. } => {
            retained::clear(&at(node)?, topic, json).await?;
        }
        MqttCommand::Retained { filter, node, .. } => retained::list(&at(node)?, filter, json).await?,
        MqttCommand::Watch { topic, node } => return watch::watch(&at(node)?, topic, json).await,
    }
    Ok(ExitCode::SUCCESS)
}

//! `aisle-node mqtt device`: who may connect. Edits the credentials file; a node that runs rereads it.
//!
//! Guards that a password is shown once, where it was made, and stored nowhere but as a hash.

use super::example::{Example, Proof, example};
use crate::{cli::DeviceCommand, output};
use aisle_broker::{
    access::{
        DEVICES_FILE, DevicesFile, Listed, OWN_TOPICS, PASSWORD_BYTES_MAX, hash_password, random_password,
    },
    transport::TransportConfig,
};
use anyhow::{Context, bail};
use serde::Serialize;
use std::{
    io::{BufRead, Read},
    path::Path,
};

/// Runs one command.
pub(crate) fn run(
    command: &DeviceCommand,
    data: &Path,
    store: &str,
    transport: &TransportConfig,
    json: bool,
) -> anyhow::Result<()> {
    let file = DevicesFile::at(data.join(DEVICES_FILE), store);
    let told = |id: &str, what: &'static str| Told { device: id.to_owned(), done: what }.print(json);
    match command {
        DeviceCommand::Add { id, publish, subscribe, certificate, password_stdin } => {
            let secret = if *certificate && !password_stdin { None } else { Some(secret(*password_stdin)?) };
            let device = Listed {
                id: id.clone(),
                password: secret.as_ref().map(|secret| secret.hash.clone()),
                certificate: *certificate,
                publish: or_own(publish),
                subscribe: or_own(subscribe),
                enabled: true,
            };
            file.add(&device)?;
            let proof = match &secret {
                Some(secret) => Proof::Password(secret.made.as_deref().unwrap_or("PASSWORD")),
                None => Proof::Certificate,
            };
            let pattern = device.publish.first().map(String::as_str);
            let example = example(transport, data, store, id, pattern, &proof);
            let password = secret.and_then(|secret| secret.made);
            Added { device: id.clone(), password, example }.print(json)
        }
        DeviceCommand::List => list(&file, json),
        DeviceCommand::Passwd { id, password_stdin } => {
            let secret = secret(*password_stdin)?;
            file.set_password(id, &secret.hash)?;
            Added { device: id.clone(), password: secret.made, example: None }.print(json)
        }
        DeviceCommand::Remove { id } => {
            file.remove(id)?;
            told(id, "removed")
        }
        DeviceCommand::Enable { id } => {
            file.set_enabled(id, true)?;
            told(id, "enabled")
        }
        DeviceCommand::Disable { id } => {
            file.set_enabled(id, false)?;
            told(id, "disabled")
        }
    }
}

/// A device's new password: its hash, and itself only when it was made here.
struct Secret {
    hash: String,
    made: Option<String>,
}

fn secret(from_stdin: bool) -> anyhow::Result<Secret> {
    let made = if from_stdin { None } else { Some(random_password()) };
    let password = match &made {
        Some(password) => password.clone(),
        None => read_password()?,
    };
    let Some(hash) = hash_password(password.as_bytes()) else {
        bail!("the password is empty or has more than {PASSWORD_BYTES_MAX} bytes");
    };
    Ok(Secret { hash, made })
}

/// The first line, without its end.
fn read_password() -> anyhow::Result<String> {
    let mut line = String::new();
    let bound = u64::try_from(PASSWORD_BYTES_MAX)? + 2;
    std::io::stdin()
        .lock()
        .take(bound)
        .read_line(&mut line)
        .context("cannot read a password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn or_own(patterns: &[String]) -> Vec<String> {
    if patterns.is_empty() { vec![OWN_TOPICS.into()] } else { patterns.to_vec() }
}

#[derive(Serialize)]
struct Told {
    device: String,
    done: &'static str,
}

impl Told {
    fn print(&self, json: bool) -> anyhow::Result<()> {
        let Self { device, done } = self;
        if json {
            output::json(self)?;
        } else {
            output::line(format!("device `{device}` {done}"))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Added {
    device: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(flatten)]
    example: Option<Example>,
}

impl Added {
    fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            return Ok(output::json(self)?);
        }
        let Self { device, password, example } = self;
        match password {
            Some(password) => {
                output::line(format!("device `{device}` has the password `{password}`, shown only now"))?;
            }
            None => output::line(format!("device `{device}` is set"))?,
        }
        let Some(Example { command, elsewhere, not_yet }) = example else {
            return Ok(());
        };
        output::line(format!("try it here:\n  {command}"))?;
        if let Some(host) = elsewhere {
            output::line(format!(
                "from another machine: the same with `-h {host}` and a copy of the --cafile"
            ))?;
        }
        if *not_yet {
            output::line("the --cafile is made when the node runs for the first time")?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    enabled: bool,
    password: bool,
    certificate: bool,
    publish: &'a [String],
    subscribe: &'a [String],
}

fn list(file: &DevicesFile, json: bool) -> anyhow::Result<()> {
    let listed = file.list()?;
    for device in &listed {
        let line = Line {
            id: &device.id,
            enabled: device.enabled,
            password: device.password.is_some(),
            certificate: device.certificate,
            publish: &device.publish,
            subscribe: &device.subscribe,
        };
        if json {
            output::json(&line)?;
            continue;
        }
        let by = match (line.password, line.certificate) {
            (true, true) => "password or certificate",
            (true, false) => "password",
            (false, true) => "certificate",
            (false, false) => "nothing: it cannot log in",
        };
        output::line(format!(
            "{}  {}  by {by}  publish {}  subscribe {}",
            line.id,
            if line.enabled { "enabled" } else { "disabled" },
            line.publish.join(" "),
            line.subscribe.join(" "),
        ))?;
    }
    if listed.is_empty() && !json {
        output::line(format!("no device is listed in `{}`", file.path().display()))?;
    }
    Ok(())
}

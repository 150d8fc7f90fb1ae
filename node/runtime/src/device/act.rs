//! `aisle-node device approve`, `place`, `retire`, `set` and `command`.

use crate::{
    admin::{
        remote::{Remote, encoded},
        view::device::{
            ApprovalBody, CommandAnswer, CommandBody, DeviceDetail, Outcome, PlacedStream, PlacementBody,
            SettingsVersion,
        },
    },
    cli::floor::By,
    output::{self, plain},
};
use aisle_event::device::{CommandEnd, Place};
use anyhow::{Context, bail};
use axum::http::Method;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// How often it is looked whether a device has answered.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So much longer than its time a command may be shown as under way.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

/// `--place` and `--watch` as placements, one for each stream.
pub(super) fn placements(places: &[String], watches: &[String]) -> anyhow::Result<Vec<PlacedStream>> {
    let mut placed: Vec<PlacedStream> = Vec::new();
    for text in places {
        let wrong = || {
            format!(
                "`--place {text}` is no STREAM=PLACE[:SKU[:UNIT_WEIGHT_G[:TARE_G]]]\nhint: for example `weight=shelf:TEA-1:125`"
            )
        };
        let (stream, what) = text.split_once('=').with_context(wrong)?;
        let mut parts = what.split(':');
        let place = parts.next().unwrap_or_default();
        let place = Place::ALL.iter().find(|known| known.as_str() == place).with_context(wrong)?;
        let sku = parts.next().map(str::to_owned);
        let mut grams = || parts.next().map(|text| text.parse::<f64>().with_context(wrong)).transpose();
        let (unit_weight_g, tare_g) = (grams()?, grams()?);
        if parts.next().is_some() {
            bail!(wrong());
        }
        let of = stream_of(&mut placed, stream);
        (of.place, of.sku, of.unit_weight_g, of.tare_g) = (Some(*place), sku, unit_weight_g, tare_g);
    }
    for text in watches {
        let wrong = || format!("`--watch {text}` is no STREAM=UNIT\nhint: for example `temperature=dairy-1`");
        let (stream, unit) = text.split_once('=').with_context(wrong)?;
        stream_of(&mut placed, stream).unit = Some(unit.to_owned());
    }
    Ok(placed)
}

fn stream_of<'a>(placed: &'a mut Vec<PlacedStream>, stream: &str) -> &'a mut PlacedStream {
    let at = placed.iter().position(|known| known.stream == stream).unwrap_or_else(|| {
        placed.push(PlacedStream { stream: stream.to_owned(), ..PlacedStream::default() });
        placed.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "it was found, or has just been added")]
    &mut placed[at]
}

/// Lets a device take part.
pub(super) async fn approve(
    node: &Remote,
    id: &str,
    placements: Vec<PlacedStream>,
    by: &By,
    json: bool,
) -> anyhow::Result<()> {
    let path = format!("/v1/admin/devices/{}/approval", encoded(id));
    let body = ApprovalBody { by: by.name.clone(), placements };
    let device: DeviceDetail = node.send(Method::POST, &path, &body).await?;
    told(&device, id, "takes part from now on", json)
}

/// Places a stream.
pub(super) async fn place(
    node: &Remote,
    id: &str,
    stream: &str,
    placement: &PlacementBody,
    json: bool,
) -> anyhow::Result<()> {
    let path = format!("/v1/admin/devices/{}/placements/{}", encoded(id), encoded(stream));
    let device: DeviceDetail = node.send(Method::PUT, &path, placement).await?;
    told(&device, id, &format!("measures by `{}` where you said", plain(stream)), json)
}

fn told(device: &DeviceDetail, id: &str, what: &str, json: bool) -> anyhow::Result<()> {
    if json {
        output::json(device)?;
    } else {
        output::line(format!("device `{}` {what}", plain(id)))?;
    }
    Ok(())
}

/// Sends a device away.
pub(super) async fn retire(node: &Remote, id: &str, by: &By, json: bool) -> anyhow::Result<()> {
    node.delete(&format!("/v1/admin/devices/{}{}", encoded(id), query(by))).await?;
    if json {
        output::json(&json!({ "device": id, "retired": true }))?;
    } else {
        output::line(format!("device `{}` is retired; `device approve` lets it in again", plain(id)))?;
    }
    Ok(())
}

/// Changes settings.
pub(super) async fn set(
    node: &Remote,
    id: &str,
    settings: &Map<String, Value>,
    by: &By,
    json: bool,
) -> anyhow::Result<()> {
    let path = format!("/v1/admin/devices/{}/settings{}", encoded(id), query(by));
    let set: SettingsVersion = node.send(Method::PATCH, &path, settings).await?;
    if json {
        output::json(&set)?;
    } else {
        let (version, id) = (set.version, plain(id));
        output::line(format!(
            "device `{id}` is to have version {version}; `device show {id}` tells when it has"
        ))?;
    }
    Ok(())
}

/// Asks a device to do something. False when it did not.
pub(super) async fn command(
    node: &Remote,
    (id, name): (&str, &str),
    args: Map<String, Value>,
    timeout_s: u32,
    by: &By,
    json: bool,
) -> anyhow::Result<bool> {
    let path = format!("/v1/admin/devices/{}/commands/{}", encoded(id), encoded(name));
    let until = Instant::now() + Duration::from_secs(timeout_s.into()) + ENDED_WITHIN;
    let body = CommandBody { args, timeout_s, by: by.name.clone() };
    let mut answer: CommandAnswer = node.send(Method::POST, &path, &body).await?;
    while answer.outcome == Outcome::UnderWay && Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
        answer = later(node, id, answer).await?;
    }
    if json {
        output::json(&answer)?;
    } else {
        let (id, name) = (plain(id), plain(name));
        let response = answer.response.as_ref().map_or_else(String::new, |said| format!(": {said}"));
        output::line(match answer.outcome {
            Outcome::Done => format!("device `{id}` did `{name}`{}", plain(&response)),
            Outcome::Refused => format!("device `{id}` refused `{name}`{}", plain(&response)),
            Outcome::TimedOut => {
                format!(
                    "device `{id}` did not answer within {timeout_s} s; whether it did `{name}` is not known"
                )
            }
            Outcome::UnderWay => format!("`{name}` of device `{id}` is still under way"),
        })?;
    }
    Ok(answer.outcome == Outcome::Done)
}

/// How a command stands that the node did not wait for.
async fn later(node: &Remote, id: &str, answer: CommandAnswer) -> anyhow::Result<CommandAnswer> {
    let device: DeviceDetail = node.get(&format!("/v1/admin/devices/{}", encoded(id))).await?;
    let asked = answer.correlation.as_deref();
    let known = device.device.commands.iter().find(|known| Some(known.correlation.as_str()) == asked);
    let Some(ended) = known.and_then(|known| known.ended.as_ref()) else { return Ok(answer) };
    let outcome = match ended.end {
        CommandEnd::Done => Outcome::Done,
        CommandEnd::Refused => Outcome::Refused,
        CommandEnd::TimedOut => Outcome::TimedOut,
    };
    let response = ended.response.as_ref().and_then(|said| serde_json::from_str(&said.0).ok());
    Ok(CommandAnswer { outcome, response, correlation: answer.correlation })
}

fn query(by: &By) -> String {
    by.name.as_ref().map_or_else(String::new, |name| format!("?by={}", encoded(name)))
}

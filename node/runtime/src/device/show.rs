//! `aisle-node device show`.

use super::list::standing;
use crate::{
    admin::{
        remote::{Remote, ago, encoded},
        view::device::DeviceDetail,
    },
    output::{self, plain},
    store::wall_clock,
};
use aisle_devices::registry::{DeviceView, Placement, StreamView, Twin};
use aisle_event::{Timestamp, device::StreamKind};

/// Prints one device.
pub(super) async fn show(node: &Remote, id: &str, json: bool) -> anyhow::Result<()> {
    let detail: DeviceDetail = node.get(&format!("/v1/admin/devices/{}", encoded(id))).await?;
    if json {
        return Ok(output::json(&detail)?);
    }
    let now = wall_clock();
    let device = &detail.device;
    head(&detail, now)?;
    for stream in &device.streams {
        output::line(format!("stream   {}", stream_line(&detail, stream)))?;
    }
    twin(&device.twin, now)?;
    for command in device.commands.iter().rev() {
        let end = match &command.ended {
            None => "under way".into(),
            Some(ended) => format!("{}, {}", ended.end, ago(ended.at, now)),
        };
        let by = command.by.as_ref().map_or_else(String::new, |by| format!(" by {}", plain(by.as_str())));
        output::line(format!("command  {}{by}: {end}", plain(command.command.as_str())))?;
    }
    for problem in &device.problems {
        let (kind, times) = (problem.problem, problem.count);
        let detail = plain(problem.detail.as_str());
        output::line(format!("problem  {kind}, {times} times, last {}: {detail}", ago(problem.at, now)))?;
    }
    preview(&detail, now)
}

fn head(detail: &DeviceDetail, now: Timestamp) -> anyhow::Result<()> {
    let device = &detail.device;
    output::line(format!("device   {}  ({})", plain(device.device.as_str()), plain(device.model.as_str())))?;
    let by = device.state_by.as_ref().map_or_else(String::new, |by| format!(" by {}", plain(by.as_str())));
    output::line(format!("state    {}{by}, {}", standing(device.state), ago(device.state_at, now)))?;
    let speaks = device.profile.as_ref().map_or_else(
        || "the contract".into(),
        |profile| format!("what profile `{}` understands", plain(profile.as_str())),
    );
    output::line(format!("speaks   {speaks}; heard {}{}", ago(device.last_heard, now), facts(device)))?;
    if let Some(alert) = &detail.alert {
        output::line(format!("alert    {}", plain(alert)))?;
    }
    Ok(())
}

fn facts(device: &DeviceView) -> String {
    let mut facts = String::new();
    for (what, said) in [("firmware", &device.firmware), ("serial", &device.serial)] {
        if let Some(said) = said {
            facts.push_str(&format!("; {what} {}", plain(said.as_str())));
        }
    }
    if let Some(boots) = device.boots {
        facts.push_str(&format!("; started {boots} times"));
    }
    facts
}

fn stream_line(detail: &DeviceDetail, stream: &StreamView) -> String {
    let mut line = plain(stream.name.as_str());
    let measured = detail.telemetry.iter().find(|known| known.key.stream == stream.name);
    match measured.and_then(|known| known.last.map(|last| (last, known.age_s))) {
        Some((last, age_s)) => {
            let unit = stream.measured.map(|unit| format!(" {unit}")).unwrap_or_default();
            let age = crate::admin::remote::duration(age_s.unwrap_or_default());
            line.push_str(&format!(": {}{unit}, {age} old", last.value));
        }
        None if stream.kind == StreamKind::Number && detail.device.is_trusted() => {
            line.push_str(": waits for its first reading");
        }
        None => line.push_str(&format!(": {}", stream.kind)),
    }
    if let Some(placement) = &stream.placement {
        line.push_str(&format!("; {}", placed(placement)));
    }
    for anomaly in measured.iter().flat_map(|known| &known.anomalies) {
        line.push_str(&format!("; {}: {}", anomaly.kind, plain(&anomaly.words)));
    }
    line
}

fn placed(placement: &Placement) -> String {
    let mut parts = Vec::new();
    parts.extend(placement.unit.as_ref().map(|unit| format!("watches {}", plain(unit.as_str()))));
    parts.extend(placement.place.map(|place| format!("senses the {place}")));
    parts.extend(placement.sku.as_ref().map(|sku| plain(sku.as_str())));
    parts.extend(placement.unit_weight.map(|weight| format!("{weight} g each")));
    parts.extend(placement.tare.map(|tare| format!("{tare} g empty")));
    if parts.is_empty() { "not placed".into() } else { parts.join(", ") }
}

fn twin(twin: &Twin, now: Timestamp) -> anyhow::Result<()> {
    if let Some(desired) = &twin.desired {
        let (version, settings) = (desired.version, plain(&desired.settings.0));
        output::line(format!("wanted   version {version}, {}: {settings}", ago(desired.at, now)))?;
    }
    if let Some(reported) = &twin.reported {
        let fell_back = if reported.last_known_good { " (fell back to them)" } else { "" };
        let (version, settings) = (reported.version, plain(&reported.settings.0));
        output::line(format!(
            "has      version {version}{fell_back}, {}: {settings}",
            ago(reported.at, now)
        ))?;
        if let Some(refused) = &reported.refused {
            let text = |name: &Option<aisle_event::Name>, none: &str| {
                name.as_ref().map_or_else(|| none.to_owned(), |name| plain(name.as_str()))
            };
            let (path, reason) = (text(&refused.path, "settings"), text(&refused.reason, "gave no reason"));
            output::line(format!("refused  version {}, whole: `{path}` {reason}", refused.version))?;
        }
    }
    Ok(())
}

fn preview(detail: &DeviceDetail, now: Timestamp) -> anyhow::Result<()> {
    let Some(heard) = &detail.preview else { return Ok(()) };
    for stream in &heard.streams {
        let (name, value) = (plain(&stream.stream), plain(&stream.value));
        output::line(format!("says     {name}: {value}, {}; not taken", ago(stream.at, now)))?;
    }
    if let Some(problem) = &heard.problem {
        output::line(format!("says     what cannot be used: {}", plain(problem)))?;
    }
    if heard.is_only_retained {
        output::line("note     heard only by what the broker had kept; it may be long gone")?;
    }
    Ok(())
}

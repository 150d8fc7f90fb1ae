//! `aisle-node device profile`: what a profile makes of a sample, and which profiles are in force.

use crate::{
    admin::{remote::Remote, view::device::DeviceProfiles},
    output::{self, plain},
};
use aisle_firmware_config::profile::{Line, PROFILE_BYTES_MAX, ProfileError, check as tried};
use anyhow::{Context, anyhow, bail};
use std::{fs, path::Path};

/// The longest sample that is read, in bytes.
const SAMPLE_BYTES_MAX: u64 = 16 << 20;

/// Shows what a sample becomes. False when a line of it is refused or not understood.
pub(super) fn check(file: &Path, sample: &Path, json: bool) -> anyhow::Result<bool> {
    let (text, messages) = (read(file, PROFILE_BYTES_MAX as u64)?, read(sample, SAMPLE_BYTES_MAX)?);
    let report = tried(&text, &messages).map_err(|error| named(&error, file))?;
    if json {
        output::json(&report)?;
        return Ok(report.is_good());
    }
    output::line(format!("profile `{}` for {}", plain(&report.profile), plain(&report.model)))?;
    for line in &report.lines {
        print(line)?;
    }
    if report.lines.is_empty() {
        output::line("the sample has no message")?;
    }
    Ok(report.is_good())
}

/// The error calls the profile by its file.
fn named(error: &ProfileError, file: &Path) -> anyhow::Error {
    let text = error.to_string().replacen("profile `profile`", &format!("profile `{}`", file.display()), 1);
    anyhow!(text)
}

fn print(line: &Line) -> anyhow::Result<()> {
    output::line(format!("{}  {}", line.number, plain(&line.topic)))?;
    for said in &line.heard {
        let stream = said.stream.as_deref().map_or_else(String::new, |stream| format!(" {}", plain(stream)));
        let (device, kind, value) = (plain(&said.device), said.kind, plain(&said.value));
        output::line(format!("   {device}: {kind}{stream} = {value}"))?;
    }
    if let Some(refused) = &line.refused {
        for (at, text) in refused.to_string().lines().enumerate() {
            output::line(format!("   {}{}", if at == 0 { "refused: " } else { "" }, plain(text)))?;
        }
    } else if line.heard.is_empty() {
        output::line("   not understood: no message of the profile has this topic and payload")?;
    }
    Ok(())
}

fn read(path: &Path, bytes_max: u64) -> anyhow::Result<String> {
    let unreadable = || format!("cannot read `{}`", path.display());
    let bytes = fs::metadata(path).with_context(unreadable)?.len();
    if bytes > bytes_max {
        bail!("`{}` has {bytes} bytes; at most {bytes_max} are read", path.display());
    }
    fs::read_to_string(path).with_context(unreadable)
}

/// Prints the profiles of a node that runs.
pub(super) async fn list(node: &Remote, json: bool) -> anyhow::Result<()> {
    let found: DeviceProfiles = node.get("/v1/admin/device-profiles").await?;
    if json {
        return Ok(output::json(&found)?);
    }
    let rows = found.profiles.iter().map(|line| {
        let origin = if line.builtin { "comes along" } else { "the store's" };
        let commands = if line.commands.is_empty() { "-".into() } else { line.commands.join(" ") };
        [plain(&line.profile), plain(&line.model), origin.into(), plain(&commands)]
    });
    output::table(["PROFILE", "MODEL", "ORIGIN", "COMMANDS"], &rows.collect::<Vec<_>>())?;
    for refused in &found.refused {
        let earlier = if refused.earlier_in_force { "; what it said before is in force" } else { "" };
        output::line(format!("refused: {}: {}{earlier}", plain(&refused.file), plain(&refused.reason)))?;
    }
    Ok(())
}

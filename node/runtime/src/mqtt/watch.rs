//! `aisle-node mqtt watch`: messages as they pass, a line each.

use crate::{
    admin::{
        remote::{Remote, encoded},
        view::MqttMessage,
    },
    output::{self, plain},
};
use anyhow::{Context, bail};
use futures_util::StreamExt;
use std::process::ExitCode;

/// The longest event: a packet with a payload of control characters, each written with six.
const EVENT_BYTES_MAX: usize = 64 << 20;

/// Prints messages until Ctrl-C, which is a good end, or until the node goes, which is not.
pub(super) async fn watch(node: &Remote, filter: &str, json: bool) -> anyhow::Result<ExitCode> {
    let path = format!("/v1/admin/mqtt/watch?filter={}", encoded(filter));
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut stream = tokio::select! {
        stream = node.stream(&path) => stream?,
        _ = &mut interrupted => return Ok(ExitCode::SUCCESS),
    };
    let mut lines = Lines::default();
    loop {
        let bytes = tokio::select! {
            bytes = stream.next() => bytes,
            _ = &mut interrupted => return Ok(ExitCode::SUCCESS),
        };
        let Some(bytes) = bytes else { bail!("the node has stopped") };
        lines.add(&bytes.context("the node is gone")?)?;
        while let Some(line) = lines.next() {
            // Other lines name the event or keep the connection alive.
            let Some(message) = line.strip_prefix("data:") else { continue };
            let message =
                serde_json::from_str(message.trim_start()).context("the node tells something else")?;
            print(&message, json)?;
        }
    }
}

fn print(message: &MqttMessage, json: bool) -> anyhow::Result<()> {
    if json {
        return Ok(output::json(message)?);
    }
    let at = jiff::Timestamp::from_millisecond(message.at_ms)?.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    let retain = if message.retain { " retain" } else { "" };
    let payload = match (&message.text, &message.hex) {
        (Some(text), _) if text.is_empty() => "(empty)".into(),
        (Some(text), _) => plain(text),
        (None, hex) => format!("0x{}", hex.as_deref().unwrap_or_default()),
    };
    output::line(format!("{at}  {}  qos {}{retain}  {payload}", plain(&message.topic), message.qos))?;
    Ok(())
}

/// Bytes in pieces, as whole lines.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Up to here there is no end of a line.
    searched: usize,
}

impl Lines {
    fn add(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if self.bytes.len() + bytes.len() > EVENT_BYTES_MAX {
            bail!("the node tells a line of more than {EVENT_BYTES_MAX} bytes");
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn next(&mut self) -> Option<String> {
        let unsearched = self.bytes.get(self.searched..)?;
        let Some(at) = unsearched.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return None;
        };
        let line: Vec<u8> = self.bytes.drain(..=self.searched + at).collect();
        self.searched = 0;
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in ["da", "ta: 1\n\nda", "ta: ", "2\r\n", ": alive\n"] {
            lines.add(piece.as_bytes()).unwrap();
            found.extend(std::iter::from_fn(|| lines.next()));
        }
        assert_eq!(found, ["data: 1", "", "data: 2", ": alive"]);
    }
}

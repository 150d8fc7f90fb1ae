//! `aisle-node mqtt retained`.

use crate::{
    admin::remote::{Remote, duration, encoded},
    output::{self, plain},
};
use aisle_broker::RetainedView;
use serde_json::json;

/// Characters of a payload in the table.
const PAYLOAD_CHARS_MAX: usize = 60;

/// Prints retained messages, as a table or as a JSON object a line.
pub(super) async fn list(node: &Remote, filter: &str, json: bool) -> anyhow::Result<()> {
    let path = format!("/v1/admin/mqtt/retained?limit=1000&filter={}", encoded(filter));
    let messages: Vec<RetainedView> = node.pages(&path).await?;
    if json {
        return Ok(messages.iter().try_for_each(output::json)?);
    }
    let rows: Vec<_> = messages.iter().map(row).collect();
    if rows.is_empty() {
        output::line(format!("no message is retained under `{}`", plain(filter)))?;
        return Ok(());
    }
    output::table(["TOPIC", "QOS", "AGE", "EXPIRES", "BYTES", "PAYLOAD"], &rows)?;
    Ok(())
}

fn row(message: &RetainedView) -> [String; 6] {
    let payload = match &message.text {
        None => "(not text)".into(),
        Some(text) => {
            let shown = plain(text);
            let cut = shown.chars().count() > PAYLOAD_CHARS_MAX;
            let beginning: String = shown.chars().take(PAYLOAD_CHARS_MAX).collect();
            if cut { beginning + "…" } else { beginning }
        }
    };
    let expires = message.remaining_s.map_or_else(|| "never".into(), |left| duration(left.into()));
    let (qos, bytes) = (message.qos.to_string(), message.payload_bytes.to_string());
    [plain(&message.topic), qos, duration(message.age_s), expires, bytes, payload]
}

/// Clears the retained message of a topic.
pub(super) async fn clear(node: &Remote, topic: &str, json: bool) -> anyhow::Result<()> {
    node.delete(&format!("/v1/admin/mqtt/retained/{}", encoded(topic))).await?;
    if json {
        output::json(&json!({ "topic": topic, "cleared": true }))?;
    } else {
        output::line(format!("the retained message of `{}` is cleared", plain(topic)))?;
    }
    Ok(())
}

//! `aisle-node mqtt clients` and `kick`.

use crate::{
    admin::remote::{Remote, duration, encoded},
    output::{self, plain},
};
use aisle_broker::SessionView;
use serde_json::json;

/// Prints every session, as a table or as a JSON object a line.
pub(super) async fn list(node: &Remote, json: bool) -> anyhow::Result<()> {
    let clients: Vec<SessionView> = node.pages("/v1/admin/mqtt/clients?limit=1000").await?;
    if json {
        return Ok(clients.iter().try_for_each(output::json)?);
    }
    let rows: Vec<_> = clients.iter().map(row).collect();
    if rows.is_empty() {
        output::line("no client is there, and no session waits for one")?;
        return Ok(());
    }
    output::table(["CLIENT", "DEVICE", "FROM", "BY", "FOR", "KEPT", "SUBSCRIPTIONS", "QUEUED"], &rows)?;
    Ok(())
}

fn row(client: &SessionView) -> [String; 8] {
    let (from, by, since) = match &client.connection {
        Some(connection) => (
            connection.peer.clone(),
            format!("{} {}", connection.transport, connection.version),
            duration(connection.connected_s),
        ),
        None => ("away".into(), "-".into(), "-".into()),
    };
    let kept = match client.expiry_s {
        None => "for ever".into(),
        Some(0) => "no".into(),
        Some(seconds) => duration(seconds.into()),
    };
    let device = client.device.as_deref().map_or_else(|| "-".into(), plain);
    let queued = match client.queued_messages {
        0 => "0".into(),
        messages => format!("{messages} ({} bytes)", client.queued_bytes),
    };
    [plain(&client.client), device, from, by, since, kept, client.subscriptions.len().to_string(), queued]
}

/// Sends a client away.
pub(super) async fn kick(node: &Remote, client: &str, session: bool, json: bool) -> anyhow::Result<()> {
    node.delete(&format!("/v1/admin/mqtt/clients/{}?session={session}", encoded(client))).await?;
    if json {
        output::json(&json!({ "client": client, "kicked": true, "session_removed": session }))?;
    } else {
        let more = if session { ", and its session is removed" } else { "" };
        output::line(format!("client `{}` was sent away{more}", plain(client)))?;
    }
    Ok(())
}

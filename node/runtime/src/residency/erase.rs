//! `aisle-node residency erase` and `… erasures`: has a running node forget a customer, and shows how far that is.

use crate::{
    admin::{
        remote::Remote,
        view::erasure::{Begun, EraseBody, ErasureList},
    },
    cli::residency::{EraseArgs, ErasuresArgs},
    output::{self, plain},
};
use axum::http::Method;
use std::path::Path;

/// Begins an erasure.
pub(super) async fn erase(args: &EraseArgs, data: &Path, json: bool) -> anyhow::Result<()> {
    let node = Remote::find(data, args.node.url.as_deref())?;
    let body = EraseBody {
        customer: args.customer.clone(),
        reason: args.reason.clone(),
        retain_until: args.retain_until.map(|until| until.to_string()),
        basis: args.basis.clone(),
    };
    let begun: Begun = node.send(Method::POST, "/v1/admin/erasures", &body).await?;
    if json {
        return Ok(output::json(&begun)?);
    }
    output::line(format!(
        "{} has begun; `aisle-node residency erasures` shows what it waits for",
        plain(&begun.erasure)
    ))?;
    Ok(())
}

/// Shows erasures.
pub(super) async fn list(args: &ErasuresArgs, data: &Path, json: bool) -> anyhow::Result<()> {
    let node = Remote::find(data, args.node.url.as_deref())?;
    let found: ErasureList = node.get("/v1/admin/erasures").await?;
    if json {
        return Ok(found.erasures.iter().try_for_each(output::json)?);
    }
    if let Some(problem) = &found.problem {
        output::line(format!("erasures do not go on: {}", plain(problem)))?;
    }
    if found.erasures.is_empty() {
        output::line("nobody was erased, and nobody is to be")?;
        return Ok(());
    }
    let rows = found.erasures.iter().map(|line| {
        let state = match (line.complete, line.waits_for.is_empty()) {
            (true, _) => "complete".to_owned(),
            (false, true) => "goes on".to_owned(),
            (false, false) => format!("waits for {}", line.waits_for.join("; ")),
        };
        let at = jiff::Timestamp::from_millisecond(line.requested_at.0);
        [
            plain(&line.erasure),
            at.map(|at| format!("{at:.0}")).unwrap_or_default(),
            line.keys.map_or_else(|| "-".into(), |keys| keys.to_string()),
            state,
        ]
    });
    output::table(["ERASURE", "ASKED FOR", "KEYS", "STATE"], &rows.collect::<Vec<_>>())?;
    Ok(())
}

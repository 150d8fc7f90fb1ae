//! `fleet audit`: what was done, by whom, and what was refused.

use super::{
    ask::Ask,
    desk::{Desk, Paging},
    time,
    view::{Column, Shape},
};
use crate::Ended;
use anyhow::Result;

const ROWS: [Column; 9] = [
    Column("no", &["/seq"], Shape::Number),
    Column("at", &["/at_ms"], Shape::When),
    Column("who", &["/actor_name", "/actor"], Shape::Text),
    Column("by", &["/way"], Shape::Text),
    Column("from", &["/address"], Shape::Text),
    Column("action", &["/action"], Shape::Text),
    Column("object", &["/object"], Shape::Words),
    Column("outcome", &["/outcome"], Shape::Text),
    Column("why", &["/reason"], Shape::Words),
];

/// `fleet audit`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each row has the hash of the one before it in its head (`--json` shows it); `aisle-hub verify` computes the chain again.\n\n\
                        Examples:\n  aisle fleet audit --since 24h --outcome refused\n  aisle fleet audit --object rollout/multi-buy-1-4 --all --json"
)]
pub(crate) struct Args {
    /// Only of this person, by id; `machine` for whoever runs the hub
    #[arg(long, value_name = "PERSON")]
    actor: Option<String>,
    /// Only this action, such as `rollout.start`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only `done`, `refused` or `failed`
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// Only about this object
    #[arg(long, value_name = "OBJECT")]
    object: Option<String>,
    /// From this time on: `2026-11-22T09:00:00Z`, `2026-11-22`, or so long ago: `24h`
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Lists rows, the latest first.
pub(super) fn run(args: &Args, desk: &Desk) -> Result<Ended> {
    let now = time::now_ms();
    let moment = |text: &Option<String>| text.as_deref().map(|text| time::moment(text, now, -1)).transpose();
    let ask = Ask::get("/v1/audit")
        .with("actor", args.actor.as_ref())
        .with("action", args.action.as_ref())
        .with("outcome", args.outcome.as_ref())
        .with("object", args.object.as_ref())
        .with("from_ms", moment(&args.since)?)
        .with("before_ms", moment(&args.until)?);
    desk.list(&ask, &args.paging, &ROWS, "nothing of that was done")
}

//! `fleet rollout`: releases on their way through waves, and what people say to that.
//!
//! Not here: how one is shown ([`mod@told`]), looking on while one runs ([`super::watch`]), the rules of it (`aisle-fleet`).

pub(super) mod told;

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging},
    device, documents,
    error::FleetError,
    view::{Column, Shape},
    watch,
};
use crate::Ended;
use aisle_fleet::document::WrittenDocument;
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};
use std::path::PathBuf;
use told::told;

const ROLLOUTS: [Column; 9] = [
    Column("rollout", &["/rollout/rollout"], Shape::Text),
    Column("phase", &["/rollout/phase/phase"], Shape::Text),
    Column("wave", &["/rollout/current"], Shape::Number),
    Column("nodes", &["/rollout/tally/members"], Shape::Number),
    Column("passed", &["/rollout/tally/passed"], Shape::Number),
    Column("failed", &["/rollout/tally/failed"], Shape::Number),
    Column("author", &["/author_name"], Shape::Text),
    Column("moved", &["/moved_at_ms"], Shape::When),
    Column("why", &["/rollout/why"], Shape::Words),
];

const NODES: [Column; 6] = [
    Column("node", &["/node"], Shape::Text),
    Column("wave", &["/wave"], Shape::Text),
    Column("status", &["/progress/status"], Shape::Text),
    Column("round", &["/progress/round"], Shape::Number),
    Column("why", &["/progress/cause/text", "/progress/waits"], Shape::Words),
    Column("last seen", &["/progress/seen_at"], Shape::When),
];

const EVENTS: [Column; 5] = [
    Column("no", &["/number"], Shape::Number),
    Column("at", &["/at_ms"], Shape::When),
    Column("who", &["/actor_name", "/actor"], Shape::Text),
    Column("what", &["/what"], Shape::Text),
    Column("detail", &["/detail"], Shape::Words),
];

/// What can be done with rollouts.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A rollout goes: create, preflight, (somebody else: approve), start; then it goes through its waves by itself. `preflight` ends with 1 when it cannot be started, and `preflight` and `approve` with 4 while somebody \
                        has to approve it.\n\n\
                        Examples:\n  aisle fleet rollout create -f multi-buy-1-4.yaml\n  aisle fleet rollout preflight multi-buy-1-4\n  \
                        aisle fleet rollout start multi-buy-1-4\n  aisle fleet rollout watch multi-buy-1-4"
)]
pub(crate) enum RolloutCommand {
    /// List rollouts, the newest first
    List(ListArgs),
    /// Show a rollout: waves, gates, failures by cause, history
    Show(One),
    /// List the nodes of a rollout, and how each stands
    Nodes(NodesArgs),
    /// List what happened to a rollout, the latest first
    History(HistoryArgs),
    /// Write a rollout down; nothing begins by that
    Create(CreateArgs),
    /// Find out who would fail, before it begins
    Preflight(One),
    /// Agree to it
    Approve(One),
    /// Do not agree to it
    Reject(Why),
    /// Begin with the first wave
    Start(One),
    /// Begin nothing new
    Pause(Why),
    /// Go on
    Resume(One),
    /// Go on to the next wave, whatever the gates of this one say
    Promote(One),
    /// End it though some nodes have not come to an end
    Finish(One),
    /// End it; what runs is left as it is
    Abort(Why),
    /// Everything goes back
    Rollback(Why),
    /// Let the nodes that failed, and only they, try once more
    RetryFailed(One),
    /// Leave a store out
    Exclude(ExcludeArgs),
    /// Ask its stores to play what they have recorded through its plugins, beside what runs; `show` tells what would come out otherwise
    Rehearse(One),
    /// Forget one that is over; what stores run stays as it is, and the audit log is kept
    Delete(One),
    /// Look on until it is done or stops
    Watch(watch::Args),
}

/// `fleet rollout list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only those in this phase, such as `running`
    #[arg(long, value_name = "PHASE")]
    phase: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// One, by name.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    rollout: String,
}

/// One, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct Why {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    rollout: String,
    /// Why, for whoever wonders later
    #[arg(long, value_name = "WORDS")]
    why: String,
}

/// `fleet rollout nodes`
#[derive(Debug, clap::Args)]
pub(crate) struct NodesArgs {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    rollout: String,
    /// Only those that stand so, such as `failed`
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those of this wave
    #[arg(long, value_name = "WAVE")]
    wave: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// `fleet rollout history`
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    rollout: String,
    #[command(flatten)]
    paging: Paging,
}

/// `fleet rollout create`
#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// A document with the rollout, in YAML or JSON; `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
}

/// `fleet rollout exclude`
#[derive(Debug, clap::Args)]
pub(crate) struct ExcludeArgs {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    rollout: String,
    /// The store
    #[arg(value_name = "STORE")]
    store: String,
    /// Why, for whoever wonders later
    #[arg(long, value_name = "WORDS")]
    why: String,
}

/// Does it.
pub(super) fn run(command: &RolloutCommand, desk: &Desk) -> Result<Ended> {
    use RolloutCommand as C;
    match command {
        C::List(ListArgs { phase, paging }) => {
            let ask = Ask::get("/v1/rollouts").with("phase", phase.as_ref());
            desk.list(&ask, paging, &ROLLOUTS, "no rollouts")
        }
        C::Show(One { rollout }) => show(desk, rollout),
        C::Nodes(NodesArgs { rollout, status, wave, paging }) => {
            let ask = Ask::get(format!("{}/nodes", place(rollout)?));
            let ask = ask.with("status", status.as_ref()).with("wave", wave.as_ref());
            desk.list(&ask, paging, &NODES, "no nodes")
        }
        C::History(HistoryArgs { rollout, paging }) => {
            desk.list(&Ask::get(format!("{}/events", place(rollout)?)), paging, &EVENTS, "nothing happened")
        }
        C::Create(CreateArgs { file }) => {
            let WrittenDocument::Rollout(spec) = documents::one(file)? else {
                return Err(documents::other(file, "rollout").into());
            };
            let rollout = spec.rollout.clone();
            desk.done(&Ask::post("/v1/rollouts", serde_json::to_value(&spec)?), |_| {
                vec![
                    format!("rollout `{rollout}` is written down; nothing has begun"),
                    format!("next: `aisle fleet rollout preflight {rollout}`"),
                ]
            })
        }
        C::Watch(args) => watch::run(args, desk),
        C::Preflight(one) => say(desk, one, "preflight"),
        C::Approve(one) => say(desk, one, "approve"),
        C::Rehearse(one) => say(desk, one, "rehearse"),
        C::RetryFailed(one) => say(desk, one, "retry-failed"),
        C::Start(one) => say(desk, one, "start"),
        C::Resume(one) => say(desk, one, "resume"),
        C::Promote(one) => say(desk, one, "promote"),
        C::Finish(one) => say(desk, one, "finish"),
        C::Reject(why) => because(desk, why, "reject"),
        C::Pause(why) => because(desk, why, "pause"),
        C::Abort(why) => because(desk, why, "abort"),
        C::Rollback(why) => because(desk, why, "rollback"),
        C::Delete(One { rollout }) => {
            desk.done(&Ask::delete(place(rollout)?), |_| vec![format!("rollout `{rollout}` is forgotten")])
        }
        C::Exclude(ExcludeArgs { rollout, store, why }) => {
            let ask =
                Ask::post(format!("{}/exclude", place(rollout)?), json!({ "store": store, "why": why }));
            said(desk, &ask)
        }
    }
}

/// Shows one, and where it brings settings of devices, what became of them there: that stores have them says nothing of their devices.
fn show(desk: &Desk, rollout: &str) -> Result<Ended> {
    let mut answer = desk.hub.ask(&Ask::get(place(rollout)?))?;
    if device::is_meant(&answer.body) {
        let devices = desk.get(format!("{}/devices", place(rollout)?))?;
        if let Some(body) = answer.body.as_object_mut() {
            body.insert("devices".to_owned(), devices);
        }
    }
    desk.show(&answer, told)
}

fn say(desk: &Desk, One { rollout }: &One, verb: &str) -> Result<Ended> {
    said(desk, &Ask::post(format!("{}/{verb}", place(rollout)?), json!({})))
}

fn because(desk: &Desk, Why { rollout, why }: &Why, verb: &str) -> Result<Ended> {
    said(desk, &Ask::post(format!("{}/{verb}", place(rollout)?), json!({ "why": why })))
}

/// Says something, and shows where that leads. One that waits for people is no success yet, and one that cannot be started is none.
fn said(desk: &Desk, ask: &Ask) -> Result<Ended> {
    let answer = desk.hub.ask(ask)?;
    let of = |place: &str| answer.body.pointer(place).and_then(Value::as_str);
    let (phase, refusal) = (of("/rollout/phase/phase"), of("/preflight/preflight/refusal"));
    let ended = desk.show(&answer, told)?;
    Ok(match phase {
        Some("awaiting-approval") => Ended::Waits,
        Some("draft") if ask.path.ends_with("/preflight") && refusal.is_some() => Ended::Failed,
        _ => ended,
    })
}

pub(super) fn place(rollout: &str) -> Result<String, FleetError> {
    path("/v1/rollouts", &[rollout])
}

//! `fleet rollout`: releases on their way through waves, and what people say to that.
//!
//! Not here: how one is shown ([`told`]), looking on while one runs ([`super::watch`]), the rules of it (`aisle-fleet`).

pub(super) mod told;

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging},
    documents,
    error::FleetError,
    view::{Column, Shape},
    watch,
};
use crate::Ended;
use aisle_fleet::Document;
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use told::told;

const ROLLOUTS: [Column; 8] = [
    Column("rollout", &["/rollout"], Shape::Text),
    Column("phase", &["/phase/phase", "/phase"], Shape::Text),
    Column("wave", &["/wave", "/current"], Shape::Text),
    Column("nodes", &["/tally/members"], Shape::Number),
    Column("passed", &["/tally/passed"], Shape::Number),
    Column("failed", &["/tally/failed"], Shape::Number),
    Column("author", &["/author"], Shape::Text),
    Column("why", &["/why"], Shape::Words),
];

const NODES: [Column; 7] = [
    Column("store", &["/store", "/node/store"], Shape::Text),
    Column("serial", &["/serial", "/node/serial", "/node"], Shape::Text),
    Column("wave", &["/wave_name", "/wave"], Shape::Text),
    Column("status", &["/status", "/progress/status"], Shape::Text),
    Column("round", &["/round", "/progress/round"], Shape::Number),
    Column("why", &["/cause/text", "/waits", "/progress/cause/text", "/progress/waits"], Shape::Words),
    Column("last seen", &["/seen_at", "/progress/seen_at"], Shape::When),
];

/// What can be done with rollouts.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A rollout goes: create, preflight, (approve), start; then it goes through its waves by itself.\n\n\
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
    /// Write a rollout down; nothing begins by that
    Create(CreateArgs),
    /// Find out who would fail, before it begins
    Preflight(One),
    /// Agree to it
    Approve(One),
    /// Do not agree to it
    Reject(Why),
    /// Begin with the first wave
    Start(Go),
    /// Begin nothing new
    Pause(Why),
    /// Go on
    Resume(Go),
    /// Go on to the next wave, whatever the gates of this one say
    Promote(Go),
    /// End it though some nodes have not come to an end
    Finish(Go),
    /// End it; what runs is left as it is
    Abort(Why),
    /// Everything goes back
    Rollback(Why),
    /// Let the nodes that failed, and only they, try once more
    RetryFailed(One),
    /// Leave a store out
    Exclude(ExcludeArgs),
    /// Play what stores have recorded through the candidate, and show the differences
    Rehearse(One),
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

/// One, and where another person had to agree, that they did.
#[derive(Debug, clap::Args)]
pub(crate) struct Go {
    /// The rollout
    #[arg(value_name = "ROLLOUT")]
    rollout: String,
    /// The approval that another person has given
    #[arg(long, value_name = "APPROVAL")]
    approval: Option<String>,
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
    /// The approval that another person has given
    #[arg(long, value_name = "APPROVAL")]
    approval: Option<String>,
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
        C::Show(One { rollout }) => desk.done(&Ask::get(place(rollout)?), told),
        C::Nodes(NodesArgs { rollout, status, paging }) => {
            let ask = Ask::get(format!("{}/nodes", place(rollout)?)).with("status", status.as_ref());
            desk.list(&ask, paging, &NODES, "no nodes")
        }
        C::Create(CreateArgs { file }) => {
            let Document::Rollout(spec) = documents::one(file)? else {
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
        C::Preflight(One { rollout }) => say(desk, rollout, "preflight", None, None),
        C::Approve(One { rollout }) => say(desk, rollout, "approve", None, None),
        C::Rehearse(One { rollout }) => say(desk, rollout, "rehearse", None, None),
        C::RetryFailed(One { rollout }) => say(desk, rollout, "retry-failed", None, None),
        C::Start(go) => go_on(desk, go, "start"),
        C::Resume(go) => go_on(desk, go, "resume"),
        C::Promote(go) => go_on(desk, go, "promote"),
        C::Finish(go) => go_on(desk, go, "finish"),
        C::Reject(why) => because(desk, why, "reject"),
        C::Pause(why) => because(desk, why, "pause"),
        C::Abort(why) => because(desk, why, "abort"),
        C::Rollback(why) => because(desk, why, "rollback"),
        C::Exclude(ExcludeArgs { rollout, store, why }) => {
            let ask =
                Ask::post(format!("{}/exclude", place(rollout)?), json!({ "store": store, "why": why }));
            desk.done(&ask, told)
        }
    }
}

fn go_on(desk: &Desk, Go { rollout, approval }: &Go, verb: &str) -> Result<Ended> {
    say(desk, rollout, verb, None, approval.as_deref())
}

fn because(desk: &Desk, Why { rollout, why, approval }: &Why, verb: &str) -> Result<Ended> {
    say(desk, rollout, verb, Some(why), approval.as_deref())
}

fn say(desk: &Desk, rollout: &str, verb: &str, why: Option<&str>, approval: Option<&str>) -> Result<Ended> {
    let mut body = Map::new();
    for (name, value) in [("why", why), ("approval", approval)] {
        body.extend(value.map(|value| (name.to_owned(), json!(value))));
    }
    desk.done(&Ask::post(format!("{}/{verb}", place(rollout)?), Value::Object(body)), told)
}

pub(super) fn place(rollout: &str) -> Result<String, FleetError> {
    path("/v1/rollouts", &[rollout])
}

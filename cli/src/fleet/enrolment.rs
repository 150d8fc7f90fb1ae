//! `fleet enrolment`: boxes that ask to come in, and what is decided about them.

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging},
    view::{Column, Shape, fields},
};
use crate::{Ended, Usage};
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Map, Value, json};

const ENROLMENTS: [Column; 9] = [
    Column("store", &["/store"], Shape::Text),
    Column("serial", &["/node"], Shape::Text),
    Column("state", &["/state"], Shape::Text),
    Column("since", &["/since_ms"], Shape::When),
    Column("key", &["/key_short"], Shape::Text),
    Column("from", &["/address"], Shape::Text),
    Column("by", &["/who", "/actor"], Shape::Text),
    Column("why", &["/reason"], Shape::Words),
    Column("certificate until", &["/not_after_ms"], Shape::When),
];

const ONE: [Column; 13] = [
    Column("store", &["/store"], Shape::Text),
    Column("serial", &["/node"], Shape::Text),
    Column("state", &["/state"], Shape::Text),
    Column("since", &["/since_ms"], Shape::When),
    Column("through", &["/through"], Shape::Text),
    Column("by", &["/who", "/actor"], Shape::Text),
    Column("why", &["/reason"], Shape::Text),
    Column("key, as the box shows it", &["/key_short"], Shape::Text),
    Column("key", &["/key"], Shape::Text),
    Column("asked from", &["/address"], Shape::Text),
    Column("asked at", &["/asked_at_ms"], Shape::When),
    Column("with claim", &["/claim"], Shape::Text),
    Column("certificate until", &["/not_after_ms"], Shape::When),
];

/// What can be done about boxes that enrol.
#[derive(Debug, Subcommand)]
pub(crate) enum EnrolmentCommand {
    /// List boxes that asked to come in
    List(ListArgs),
    /// Show one
    Show(One),
    /// Let a box in: compare the key with what the box shows first
    #[command(
        after_help = "Example:\n  aisle fleet enrolment approve berlin-12/AB1234 --key 9f86d081884c7d65…"
    )]
    Approve(ApproveArgs),
    /// Do not let a box in
    Reject(WhyArgs),
    /// Keep a box out for now
    Suspend(WhyArgs),
    /// Let it in again
    Resume(MaybeWhyArgs),
    /// Keep a box out for good, but for a new claim
    Ban(WhyArgs),
}

/// `fleet enrolment list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only those of this store
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Only those in this state: `claimed`, `pending`, `active`, `renewing`, `suspended`, `banned`
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// One.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The box
    #[arg(value_name = "STORE/SERIAL")]
    node: String,
}

/// `fleet enrolment approve`
#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArgs {
    /// The box
    #[arg(value_name = "STORE/SERIAL")]
    node: String,
    /// The fingerprint of its key: it must have asked with exactly this one
    #[arg(long, value_name = "FINGERPRINT")]
    key: Option<String>,
    /// Why
    #[arg(long, value_name = "WORDS")]
    why: Option<String>,
}

/// One, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct WhyArgs {
    /// The box
    #[arg(value_name = "STORE/SERIAL")]
    node: String,
    /// Why. Whoever stands before the box reads it
    #[arg(long, value_name = "WORDS")]
    why: String,
}

/// One, and perhaps why.
#[derive(Debug, clap::Args)]
pub(crate) struct MaybeWhyArgs {
    /// The box
    #[arg(value_name = "STORE/SERIAL")]
    node: String,
    /// Why
    #[arg(long, value_name = "WORDS")]
    why: Option<String>,
}

/// Does it.
pub(super) fn run(command: &EnrolmentCommand, desk: &Desk) -> Result<Ended> {
    use EnrolmentCommand as C;
    match command {
        C::List(ListArgs { store, state, paging }) => {
            let ask = Ask::get("/v1/enrolments").with("store", store.as_ref()).with("state", state.as_ref());
            desk.list(&ask, paging, &ENROLMENTS, "no box has asked to come in")
        }
        C::Show(One { node }) => desk.done(&Ask::get(place(node)?), |answer| fields(&ONE, answer)),
        C::Approve(ApproveArgs { node, key, why }) => {
            decide(desk, node, "approve", why.as_deref(), key.as_deref())
        }
        C::Reject(WhyArgs { node, why }) => decide(desk, node, "reject", Some(why), None),
        C::Suspend(WhyArgs { node, why }) => decide(desk, node, "suspend", Some(why), None),
        C::Resume(MaybeWhyArgs { node, why }) => decide(desk, node, "resume", why.as_deref(), None),
        C::Ban(WhyArgs { node, why }) => decide(desk, node, "ban", Some(why), None),
    }
}

fn place(node: &str) -> Result<String> {
    let (store, serial) = node.rsplit_once('/').ok_or_else(|| {
        Usage(format!("`{node}` is no box\nhint: a store and a serial number: `berlin-12/AB1234`"))
    })?;
    Ok(path("/v1/enrolments", &[store, serial])?)
}

fn decide(desk: &Desk, node: &str, verb: &str, reason: Option<&str>, key: Option<&str>) -> Result<Ended> {
    let mut body = Map::new();
    for (name, value) in [("reason", reason), ("key", key)] {
        body.extend(value.map(|value| (name.to_owned(), json!(value))));
    }
    let ask = Ask::post(format!("{}/{verb}", place(node)?), Value::Object(body));
    desk.done(&ask, |answer| fields(&ONE, answer))
}

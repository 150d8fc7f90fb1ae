//! `fleet policies`, `fleet policy`: what may leave stores: which policies there are, who follows them, and how another one is published by two people.

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging},
    error::FleetError,
    view::{self, Column, Shape, fields},
};
use crate::{Ended, output};
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// The longest file that is read, in bytes: more than hubs take.
const FILE_BYTES_MAX: u64 = 256 << 10;

const POLICIES: [Column; 8] = [
    Column("policy", &["/name"], Shape::Text),
    Column("version", &["/version"], Shape::Number),
    Column("wanted", &["/is_wanted"], Shape::Yes),
    Column("since", &["/accepted_at_ms"], Shape::When),
    Column("stores", &["/followers/stores"], Shape::Number),
    Column("nodes", &["/followers/nodes"], Shape::Number),
    Column("connected", &["/followers/connected"], Shape::Number),
    Column("hash", &["/hash"], Shape::Text),
];

const FOLLOWERS: [Column; 6] = [
    Column("version", &["/version"], Shape::Number),
    Column("known here", &["/is_known"], Shape::Yes),
    Column("stores", &["/stores"], Shape::Number),
    Column("nodes", &["/nodes"], Shape::Number),
    Column("connected", &["/connected"], Shape::Number),
    Column("hash", &["/hash"], Shape::Text),
];

const UNPROVEN: [Column; 3] = [
    Column("store", &["/store"], Shape::Text),
    Column("log", &["/class"], Shape::Text),
    Column("through", &["/through"], Shape::Number),
];

const PUBLISHED: [Column; 4] = [
    Column("policy", &["/name"], Shape::Text),
    Column("version", &["/version"], Shape::Number),
    Column("new", &["/is_news"], Shape::Yes),
    Column("hash", &["/hash"], Shape::Text),
];

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show a policy: its document, and who follows it
    Show(One),
    /// List which policies nodes apply, those among them that this hub does not have
    Followers(Paging),
    /// List logs whose last receipt does not end where the log ends: there are none, unless somebody else wrote to the database
    Unproven(Paging),
    /// Publish a signed policy to all hubs on the database: ask, and once another person has agreed, say it again with their approval
    #[command(
        after_help = "Examples:\n  aisle fleet policy publish policy.toml                    # asks; another person: aisle fleet approvals show ID\n  \
                            aisle fleet policy publish policy.toml --approval ID      # publishes"
    )]
    Publish(PublishArgs),
}

/// One.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// BLAKE3 of its bytes, in hexadecimal digits
    #[arg(value_name = "HASH")]
    hash: String,
}

/// `fleet policy publish`
#[derive(Debug, clap::Args)]
pub(crate) struct PublishArgs {
    /// The policy, in TOML, exactly as it was signed; its signature is in `FILE.sig`
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file with the signature, 128 hexadecimal digits [default: `FILE.sig`]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// The approval that another person has given
    #[arg(long, value_name = "APPROVAL")]
    approval: Option<String>,
}

/// Lists them.
pub(super) fn list(paging: &Paging, desk: &Desk) -> Result<Ended> {
    desk.list(&Ask::get("/v1/policies"), paging, &POLICIES, "no policy is in force: every batch is refused")
}

/// Does it.
pub(super) fn run(command: &PolicyCommand, desk: &Desk) -> Result<Ended> {
    match command {
        PolicyCommand::Show(One { hash }) => desk.done(&Ask::get(path("/v1/policies", &[hash])?), told),
        PolicyCommand::Followers(paging) => {
            desk.list(&Ask::get("/v1/followers"), paging, &FOLLOWERS, "no node has come")
        }
        PolicyCommand::Unproven(paging) => {
            let none = "none: the last receipt of each log ends where the log ends";
            desk.list(&Ask::get("/v1/unproven"), paging, &UNPROVEN, none)
        }
        PolicyCommand::Publish(args) => publish(args, desk),
    }
}

fn publish(args: &PublishArgs, desk: &Desk) -> Result<Ended> {
    let document = text(&args.file)?;
    let beside = args.signature.clone().unwrap_or_else(|| {
        let mut name = args.file.clone().into_os_string();
        name.push(".sig");
        name.into()
    });
    let mut body = json!({ "document": document, "signature": text(&beside)?.trim() });
    if let (Some(body), Some(approval)) = (body.as_object_mut(), &args.approval) {
        body.insert("approval".into(), json!(approval));
    }
    let answer = desk.hub.ask(&Ask::post("/v1/policies", body))?;
    let ended = desk.show(&answer, |published| fields(&PUBLISHED, published))?;
    if answer.waits() && !desk.json {
        let id = answer.body.get("approval").map(view::text).unwrap_or_default();
        let file = output::plain(&args.file.display().to_string());
        output::line(format!("once they have agreed: `aisle fleet policy publish {file} --approval {id}`"))?;
    }
    Ok(ended)
}

fn text(path: &Path) -> Result<String, FleetError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|source| FleetError::File { what: "read", path: path.to_owned(), source })?;
    Ok(text)
}

fn told(policy: &Value) -> Vec<String> {
    let mut told = fields(&POLICIES, policy);
    let document = policy.get("document").and_then(Value::as_str).unwrap_or_default();
    told.push(String::new());
    told.extend(document.lines().map(|line| format!("  {}", output::plain(line))));
    told
}

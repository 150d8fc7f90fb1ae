//! `fleet claim`: claims are made, shown once, and taken back.
//!
//! The QR code is drawn here from the link that the hub has made: the same slip that `aisle-hub claim create` prints. Guards: the code is shown this once, on
//! standard output and in no error.

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging},
    error::FleetError,
    view::{Column, Shape, fields},
};
use crate::Ended;
use aisle_event::Timestamp;
use aisle_provisioning::{
    claim::{ClaimLink, ClaimSlip},
    identity::{Serial, Store},
};
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};
use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

const CLAIMS: [Column; 8] = [
    Column("claim", &["/locator"], Shape::Text),
    Column("store", &["/store"], Shape::Text),
    Column("box", &["/serial"], Shape::Text),
    Column("state", &["/state"], Shape::Text),
    Column("made by", &["/made_by"], Shape::Text),
    Column("made at", &["/made_at_ms"], Shape::When),
    Column("until", &["/expires_at_ms"], Shape::When),
    Column("used by", &["/used_by"], Shape::Text),
];

/// What can be done with claims.
#[derive(Debug, Subcommand)]
pub(crate) enum ClaimCommand {
    /// Make a claim: its code, its link and its QR code are shown this once
    #[command(
        after_help = "Examples:\n  aisle fleet claim make berlin-12\n  aisle fleet claim make berlin-12 --serial AB1234 --hours 48 --svg slip.svg"
    )]
    Make(MakeArgs),
    /// List claims
    List(ListArgs),
    /// Take a claim back; one that was used stays used
    Withdraw(One),
}

/// `fleet claim make`
#[derive(Debug, clap::Args)]
pub(crate) struct MakeArgs {
    /// For which store
    #[arg(value_name = "STORE")]
    store: String,
    /// For which box alone; a box that was there before has to be named
    #[arg(long, value_name = "SERIAL")]
    serial: Option<String>,
    /// How long it can be used [default: as the hub is set up]
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=2_160))]
    hours: Option<u32>,
    /// Write the QR code as a picture, too; only you can read the file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// `fleet claim list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only those for this store
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// One.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The part of its code that finds it, as `list` shows it
    #[arg(value_name = "CLAIM")]
    claim: String,
}

/// Does it.
pub(super) fn run(command: &ClaimCommand, desk: &Desk) -> Result<Ended> {
    match command {
        ClaimCommand::Make(args) => make(args, desk),
        ClaimCommand::List(ListArgs { store, paging }) => {
            desk.list(&Ask::get("/v1/claims").with("store", store.as_ref()), paging, &CLAIMS, "no claims")
        }
        ClaimCommand::Withdraw(One { claim }) => {
            desk.done(&Ask::delete(path("/v1/claims", &[claim])?), |answer| fields(&CLAIMS, answer))
        }
    }
}

fn make(args: &MakeArgs, desk: &Desk) -> Result<Ended> {
    let mut body = json!({ "store": args.store });
    if let (Some(body), Some(serial)) = (body.as_object_mut(), &args.serial) {
        body.insert("serial".into(), json!(serial));
    }
    if let (Some(body), Some(hours)) = (body.as_object_mut(), args.hours) {
        body.insert("hours".into(), json!(hours));
    }
    let answer = desk.hub.ask(&Ask::post("/v1/claims", body))?;
    if let (Some(file), Some(svg)) = (&args.svg, answer.body.get("qr_svg").and_then(Value::as_str)) {
        write(file, svg)?;
    }
    desk.show(&answer, slip)
}

/// A secret is written so that nobody else reads it, and over nothing that is there.
fn write(file: &Path, svg: &str) -> Result<(), FleetError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    opened.and_then(|mut opened| opened.write_all(svg.as_bytes())).map_err(|source| FleetError::File {
        what: "write",
        path: file.to_owned(),
        source,
    })
}

/// What an installer is handed. Where the slip cannot be drawn there is still the text.
fn slip(made: &Value) -> Vec<String> {
    let of = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or_default();
    let drawn = || {
        let serial = of("serial");
        let slip = ClaimSlip {
            link: of("link").parse::<ClaimLink>().ok()?,
            store: Store::new(of("store")).ok()?,
            serial: (!serial.is_empty()).then(|| Serial::new(serial)).transpose().ok()?,
            expires_at: Timestamp(made.get("expires_at_ms")?.as_i64()?),
        };
        slip.to_text().ok()
    };
    match drawn() {
        Some(text) => {
            let mut told: Vec<String> = text.lines().map(str::to_owned).collect();
            told.push("This is shown once. Whoever has it can bring a box in: give it to the installer and to nobody else.".to_owned());
            told
        }
        None => fields(
            &[
                Column("store", &["/store"], Shape::Text),
                Column("box", &["/serial"], Shape::Text),
                Column("code", &["/code"], Shape::Text),
                Column("link", &["/link"], Shape::Text),
                Column("until", &["/expires_at_ms"], Shape::When),
            ],
            made,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::slip;
    use serde_json::json;

    #[test]
    fn where_no_slip_can_be_drawn_there_is_still_the_code() {
        let made = json!({ "store": "berlin-12", "serial": "", "code": "7K3QM-0T9XA", "link": "what is this", "expires_at_ms": 1_795_305_600_000_i64 });
        let told = slip(&made).join("\n");
        assert!(told.contains("7K3QM-0T9XA") && told.contains("what is this"), "{told}");
    }
}

//! `fleet approvals`: what wants another person, and what that person says.

use super::{
    ask::{Ask, path},
    desk::{APPROVAL, Desk, Paging},
    view::{self, Column, Shape, fields},
};
use crate::Ended;
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

const APPROVALS: [Column; 6] = [
    Column("approval", &["/approval"], Shape::Text),
    Column("state", &["/state"], Shape::Text),
    Column("kind", &["/kind"], Shape::Text),
    Column("what", &["/summary"], Shape::Words),
    Column("asked by", &["/asked_name", "/asked_by"], Shape::Text),
    Column("over at", &["/ends_at_ms"], Shape::When),
];

/// What can be done with requests that want another person.
#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalCommand {
    /// List requests
    List(ListArgs),
    /// Show exactly what is asked for, and the line to agree with
    Show(One),
    /// Agree to exactly what `show` has shown
    Approve(DecideArgs),
    /// Do not agree
    Refuse(DecideArgs),
    /// Take back what you have asked for
    Withdraw(One),
}

/// `fleet approvals list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only those that are `waits`, `approved`, `refused`, `withdrawn` or `executed`
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// One.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The request
    #[arg(value_name = "APPROVAL")]
    approval: String,
}

/// A decision.
#[derive(Debug, clap::Args)]
pub(crate) struct DecideArgs {
    /// The request
    #[arg(value_name = "APPROVAL")]
    approval: String,
    /// The hash of what you have looked at, as `show` tells it: exactly that is decided
    #[arg(long, value_name = "HASH")]
    hash: String,
    /// Why, or why not
    #[arg(long, value_name = "WORDS", default_value = "")]
    why: String,
}

/// Does it.
pub(super) fn run(command: &ApprovalCommand, desk: &Desk) -> Result<Ended> {
    match command {
        ApprovalCommand::List(ListArgs { state, paging }) => {
            let ask = Ask::get("/v1/approvals").with("state", state.as_ref());
            desk.list(&ask, paging, &APPROVALS, "nothing wants another person")
        }
        ApprovalCommand::Show(One { approval }) => desk.done(&Ask::get(place(approval)?), told),
        ApprovalCommand::Approve(args) => decide(desk, args, true),
        ApprovalCommand::Refuse(args) => decide(desk, args, false),
        ApprovalCommand::Withdraw(One { approval }) => {
            desk.done(&Ask::delete(place(approval)?), |answer| fields(&APPROVAL, answer))
        }
    }
}

fn place(approval: &str) -> Result<String, super::FleetError> {
    path("/v1/approvals", &[approval])
}

fn decide(desk: &Desk, args: &DecideArgs, agrees: bool) -> Result<Ended> {
    let body = json!({ "hash": args.hash, "agrees": agrees, "reason": args.why });
    let ask = Ask::post(format!("{}/decision", place(&args.approval)?), body);
    desk.done(&ask, |answer| fields(&APPROVAL, answer))
}

fn told(approval: &Value) -> Vec<String> {
    let mut told = fields(&APPROVAL, approval);
    let request = approval.get("request").filter(|request| !request.is_null());
    if let Some(text) = request.and_then(|request| serde_json::to_string_pretty(request).ok()) {
        told.push(String::new());
        told.extend(text.lines().map(|line| format!("  {}", crate::output::plain(line))));
    }
    if approval.get("state").and_then(Value::as_str) == Some("waits") {
        let of = |name: &str| approval.get(name).map(view::text).unwrap_or_default();
        told.push(String::new());
        told.push(format!("aisle fleet approvals approve {} --hash {}", of("approval"), of("hash")));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::told;
    use serde_json::json;

    #[test]
    fn who_agrees_sees_exactly_what_is_asked_for() {
        let approval = json!({ "approval": "a1", "kind": "rollout.start", "summary": "rollout `r`", "hash": "abcd", "state": "waits",
            "request": { "rollout": "r", "set": { "plugin/a": "1.4.0" } } });
        let told = told(&approval).join("\n");
        for part in
            ["rollout.start", r#""plugin/a": "1.4.0""#, "aisle fleet approvals approve a1 --hash abcd"]
        {
            assert!(told.contains(part), "no `{part}` in\n{told}");
        }
    }
}

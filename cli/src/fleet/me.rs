//! `fleet me`: who one is; one's own sessions, password and tokens.
//!
//! What wants a person and not a token (another password, ending a session, making a token) asks for the password and signs in for that one thing.

use super::{
    ask::{Ask, Body, Method, path},
    desk::{Desk, Paging},
    error::FleetError,
    people::SESSIONS,
    sign_in::{SignedIn, secret, sign_in},
    token::TOKENS,
    view::{self, Column, Shape, fields},
};
use crate::{Ended, Usage, output};
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

const ME: [Column; 5] = [
    Column("name", &["/name"], Shape::Text),
    Column("person", &["/person"], Shape::Text),
    Column("by", &["/way"], Shape::Text),
    Column("roles", &["/roles"], Shape::List),
    Column("may", &["/permissions"], Shape::List),
];

/// `fleet me`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  aisle fleet me\n  aisle fleet me sessions\n  aisle fleet me token make nightly --may store.read --days 90"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<MeCommand>,
}

/// What people do with what is theirs.
#[derive(Debug, Subcommand)]
pub(crate) enum MeCommand {
    /// List your sessions
    Sessions,
    /// End one of your sessions
    End(EndArgs),
    /// Choose another password: every session of yours ends
    Password(PasswordArgs),
    /// Your tokens
    #[command(subcommand)]
    Token(TokenCommand),
}

/// How a password is given.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Given {
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// `fleet me end`
#[derive(Debug, clap::Args)]
pub(crate) struct EndArgs {
    /// The session, as `sessions` shows it
    #[arg(value_name = "SESSION")]
    session: String,
    #[command(flatten)]
    given: Given,
}

/// `fleet me password`
#[derive(Debug, clap::Args)]
pub(crate) struct PasswordArgs {
    /// Read the old password and the new one from standard input, a line each
    #[arg(long)]
    password_stdin: bool,
}

/// What people do with their tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List your tokens
    List(Paging),
    /// Make a token for a program; it is shown this once
    Make(MakeArgs),
    /// Revoke a token of yours: it is good for nothing from now on
    Revoke(RevokeArgs),
}

/// `fleet me token make`
#[derive(Debug, clap::Args)]
pub(crate) struct MakeArgs {
    /// What it is for, in words
    #[arg(value_name = "NAME")]
    name: String,
    /// What it may, such as `store.read`: not more than you; may be repeated
    #[arg(long, value_name = "PERMISSION", required = true)]
    may: Vec<String>,
    /// In how many days it ends
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    #[command(flatten)]
    given: Given,
}

/// `fleet me token revoke`
#[derive(Debug, clap::Args)]
pub(crate) struct RevokeArgs {
    /// The token's name, as `list` shows it
    #[arg(value_name = "TOKEN")]
    token: String,
}

/// Does it.
pub(super) fn run(args: &Args, desk: &Desk) -> Result<Ended> {
    match &args.command {
        None => desk.done(&Ask::get("/v1/me"), |me| fields(&ME, me)),
        Some(MeCommand::Sessions) => desk.list_whole(&Ask::get("/v1/me/sessions"), &SESSIONS, "no sessions"),
        Some(MeCommand::End(EndArgs { session, given })) => {
            let ask = Ask::delete(path("/v1/me/sessions", &[session])?);
            let answer = signed_in(desk, *given)?.once(&ask)?;
            desk.show(&answer, |_| vec![format!("session `{session}` has ended")])
        }
        Some(MeCommand::Password(args)) => password(args, desk),
        Some(MeCommand::Token(command)) => token(command, desk),
    }
}

/// Who has the token signs in.
fn signed_in(desk: &Desk, given: Given) -> Result<SignedIn> {
    let name = name(desk)?;
    let password = secret(&format!("password of {name}"), given.password_stdin)?;
    sign_in(desk.hub.without_token()?, &name, &password)
}

fn name(desk: &Desk) -> Result<String, FleetError> {
    let me = desk.get("/v1/me")?;
    Ok(me.get("name").and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn password(args: &PasswordArgs, desk: &Desk) -> Result<Ended> {
    let name = name(desk)?;
    let (old, new) = both(&name, args.password_stdin)?;
    let person = sign_in(desk.hub.without_token()?, &name, &old)?;
    let body = Body::Secret(json!({ "old": old, "new": new }));
    person.once(&Ask { body, ..Ask::new(Method::Put, "/v1/me/password") })?;
    if desk.json {
        output::json(&json!({ "name": name, "is_changed": true }))?;
    } else {
        output::line(format!(
            "{} has another password; every session of theirs has ended",
            output::plain(&name)
        ))?;
    }
    Ok(Ended::Well)
}

/// The old password and the new one.
fn both(name: &str, is_from_stdin: bool) -> Result<(String, String)> {
    if is_from_stdin {
        let text = secret("", true)?;
        let two = text.split_once('\n').ok_or_else(|| {
            Usage("standard input has one line\nhint: the old password, then the new one, a line each".into())
        })?;
        return Ok((two.0.trim_end_matches('\r').to_owned(), two.1.to_owned()));
    }
    let old = secret(&format!("old password of {name}"), false)?;
    let new = secret("new password", false)?;
    if secret("new password again", false)? != new {
        return Err(Usage("the new password and its repetition are not the same".into()).into());
    }
    Ok((old, new))
}

fn token(command: &TokenCommand, desk: &Desk) -> Result<Ended> {
    match command {
        TokenCommand::List(paging) => desk.list(&Ask::get("/v1/me/tokens"), paging, &TOKENS, "no tokens"),
        TokenCommand::Make(MakeArgs { name, may, days, given }) => {
            let wanted = json!({ "name": name, "permissions": may, "days": days });
            let made = signed_in(desk, *given)?.once(&Ask::post("/v1/me/tokens", wanted))?;
            desk.show(&made, |made| {
                let mut told = fields(&TOKENS, made);
                if let Some(secret) = made.get("secret").map(view::text) {
                    told.extend([String::new(), format!("token: {secret}")]);
                    told.push("It is shown this once: put it where only the program can read it.".to_owned());
                }
                told
            })
        }
        TokenCommand::Revoke(RevokeArgs { token }) => desk
            .done(&Ask::delete(path("/v1/me/tokens", &[token])?), |_| {
                vec![format!("token `{}` is good for nothing any more", output::plain(token))]
            }),
    }
}

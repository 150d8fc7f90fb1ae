//! `fleet token`: tokens of programs, as who manages people sees them. One's own are made and revoked by [`super::me`].

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging},
    view::{Column, Shape},
};
use crate::Ended;
use anyhow::Result;
use clap::Subcommand;

pub(super) const TOKENS: [Column; 8] = [
    Column("token", &["/token"], Shape::Text),
    Column("person", &["/person"], Shape::Text),
    Column("name", &["/name"], Shape::Words),
    Column("may", &["/permissions"], Shape::Words),
    Column("made", &["/made_at_ms"], Shape::When),
    Column("ends", &["/ends_at_ms"], Shape::When),
    Column("last used", &["/used_at_ms"], Shape::When),
    Column("revoked", &["/revoked_at_ms"], Shape::When),
];

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List tokens
    List(ListArgs),
    /// Revoke a token of anybody: it is good for nothing from now on
    Revoke(One),
}

/// `fleet token list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Those of everybody, not only your own
    #[arg(long)]
    everybody: bool,
    #[command(flatten)]
    paging: Paging,
}

/// One.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The token's name, as `list` shows it
    #[arg(value_name = "TOKEN")]
    token: String,
}

/// Does it.
pub(super) fn run(command: &TokenCommand, desk: &Desk) -> Result<Ended> {
    match command {
        TokenCommand::List(ListArgs { everybody, paging }) => {
            let path = if *everybody { "/v1/tokens" } else { "/v1/me/tokens" };
            desk.list(&Ask::get(path), paging, &TOKENS, "no tokens")
        }
        TokenCommand::Revoke(One { token }) => desk.done(&Ask::delete(path("/v1/tokens", &[token])?), |_| {
            vec![format!("token `{token}` is good for nothing any more")]
        }),
    }
}

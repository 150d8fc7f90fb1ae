//! `fleet artefact`: what is signed, in which versions, and until when the metadata that vouches for it holds.

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging},
    view::{self, Column, Shape, fields, table},
};
use crate::{Ended, Usage};
use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;

const ARTEFACTS: [Column; 7] = [
    Column("kind", &["/kind"], Shape::Text),
    Column("name", &["/name"], Shape::Text),
    Column("version", &["/version"], Shape::Text),
    Column("bytes", &["/bytes", "/length"], Shape::Bytes),
    Column("hash", &["/hash", "/blake3"], Shape::Hash),
    Column("nodes", &["/nodes", "/running"], Shape::Count),
    Column("published", &["/published_at_ms", "/at_ms"], Shape::When),
];

const ROLES: [Column; 4] = [
    Column("role", &["/role", "/name"], Shape::Text),
    Column("version", &["/version"], Shape::Number),
    Column("expires", &["/expires_at_ms", "/expires_ms"], Shape::When),
    Column("signed by", &["/threshold", "/keys"], Shape::Count),
];

/// What can be asked of artefacts.
#[derive(Debug, Subcommand)]
pub(crate) enum ArtefactCommand {
    /// List artefacts
    List(ListArgs),
    /// Show an artefact with its versions, and the line that a rollout names each with
    #[command(after_help = "Example:\n  aisle fleet artefact show plugin/multi-buy")]
    Show(ShowArgs),
    /// Show the roles of the metadata: versions, and when each runs out
    Metadata,
}

/// `fleet artefact list`
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Only those of this kind, such as `plugin`
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// `fleet artefact show`
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The artefact
    #[arg(value_name = "KIND/NAME")]
    artefact: String,
}

/// Does it.
pub(super) fn run(command: &ArtefactCommand, desk: &Desk) -> Result<Ended> {
    match command {
        ArtefactCommand::List(ListArgs { kind, paging }) => {
            let ask = Ask::get("/v1/artefacts").with("kind", kind.as_ref());
            desk.list(&ask, paging, &ARTEFACTS, "no artefacts")
        }
        ArtefactCommand::Show(ShowArgs { artefact }) => {
            let (kind, name) = artefact.split_once('/').ok_or_else(|| {
                Usage(format!("`{artefact}` is no artefact\nhint: `plugin/multi-buy`, `prices/eu`"))
            })?;
            desk.done(&Ask::get(path("/v1/artefacts", &[kind, name])?), |answer| told(artefact, answer))
        }
        ArtefactCommand::Metadata => desk.done(&Ask::get("/v1/metadata"), metadata),
    }
}

fn rows<'a>(answer: &'a Value, names: &[&str]) -> &'a [Value] {
    names.iter().find_map(|name| answer.get(*name)?.as_array()).map(Vec::as_slice).unwrap_or_default()
}

fn told(artefact: &str, answer: &Value) -> Vec<String> {
    let versions = rows(answer, &["versions", "releases", "items"]);
    if versions.is_empty() {
        return fields(&ARTEFACTS, answer);
    }
    let mut told = vec![crate::output::plain(artefact)];
    told.extend(table(&ARTEFACTS[2..], versions));
    told.push(String::new());
    told.extend(versions.iter().filter_map(|version| for_rollout(artefact, version)));
    told
}

/// The line that names a version in the `set` of a rollout.
fn for_rollout(artefact: &str, version: &Value) -> Option<String> {
    let of = |names: [&str; 2]| names.iter().find_map(|name| version.get(*name)).map(view::text);
    let (number, hash, bytes) =
        (of(["version", "version"])?, of(["hash", "blake3"])?, of(["bytes", "length"])?);
    let artefact = crate::output::plain(artefact);
    Some(format!("  set: {{ {artefact}: {{ version: \"{number}\", hash: {hash}, bytes: {bytes} }} }}"))
}

fn metadata(answer: &Value) -> Vec<String> {
    let roles = rows(answer, &["roles", "items"]);
    if roles.is_empty() { fields(&ROLES, answer) } else { table(&ROLES, roles) }
}

#[cfg(test)]
mod tests {
    use super::told;
    use serde_json::json;

    #[test]
    fn a_version_is_shown_with_the_line_that_a_rollout_names_it_with() {
        let answer = json!({ "kind": "plugin", "name": "multi-buy", "versions": [{ "version": "1.10", "hash": "ab".repeat(32), "bytes": 40_212 }] });
        let told = told("plugin/multi-buy", &answer).join("\n");
        let hash = "ab".repeat(32);
        assert!(
            told.contains(&format!(
                "set: {{ plugin/multi-buy: {{ version: \"1.10\", hash: {hash}, bytes: 40212 }} }}"
            )),
            "{told}"
        );
    }
}

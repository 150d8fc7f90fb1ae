//! `fleet artefact`: what is signed, in which versions, and until when the metadata that vouches for it holds.

use super::{
    ask::{Ask, path},
    desk::{Desk, Paging},
    view::{self, Column, Shape, table},
};
use crate::{Ended, Usage};
use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;

const ARTEFACTS: [Column; 8] = [
    Column("kind", &["/kind"], Shape::Text),
    Column("name", &["/name"], Shape::Text),
    Column("version", &["/version"], Shape::Text),
    Column("bytes", &["/bytes"], Shape::Bytes),
    Column("hash", &["/blake3"], Shape::Hash),
    Column("grants", &["/grants"], Shape::List),
    Column("node from", &["/node_min"], Shape::Text),
    Column("signed until", &["/expires_at_ms"], Shape::When),
];

const ROLES: [Column; 7] = [
    Column("role", &["/role"], Shape::Text),
    Column("version", &["/version"], Shape::Number),
    Column("runs out", &["/expires_at_ms"], Shape::When),
    Column("in days", &["/days"], Shape::Days),
    Column("wants", &["/threshold"], Shape::Number),
    Column("of keys", &["/keys"], Shape::Count),
    Column("signed by", &["/signed_by"], Shape::Words),
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
            desk.done(&Ask::get(path("/v1/artefacts", &[kind, name])?), told)
        }
        ArtefactCommand::Metadata => desk.done(&Ask::get("/v1/metadata"), metadata),
    }
}

fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn told(answer: &Value) -> Vec<String> {
    let of = |name: &str| answer.get(name).map(view::text).unwrap_or_default();
    let versions = rows(answer, "versions");
    let mut told = vec![format!("{} {}", of("kind"), of("name"))];
    let [_, _, columns @ ..] = ARTEFACTS;
    told.extend(table(&columns, versions));
    told.push(String::new());
    told.extend(versions.iter().filter_map(for_rollout));
    told
}

/// The line that names a version in the `set` of a rollout; none for what fleets do not know.
fn for_rollout(version: &Value) -> Option<String> {
    let text = |name: &str| version.get(name).map(view::text).filter(|text| !text.is_empty());
    let (kind, name) = (text("kind")?, text("name")?);
    let slot = match kind.as_str() {
        "plugin" | "model" | "device-settings" => format!("{kind}/{name}"),
        "device-profile" => format!("device-profiles/{name}"),
        "catalogue" | "prices" | "policy" => kind,
        _ => return None,
    };
    let mut needs = Vec::new();
    needs.extend(text("node_min").map(|version| format!("node_version_min: \"{version}\"")));
    needs.extend(text("grants").map(|grants| format!("grants: [{grants}]")));
    needs.extend(text("disk_bytes").filter(|bytes| bytes != "0").map(|bytes| format!("disk_bytes: {bytes}")));
    let needs = if needs.is_empty() { String::new() } else { format!(", needs: {{ {} }}", needs.join(", ")) };
    let (number, hash, bytes) = (text("version")?, text("blake3")?, text("bytes")?);
    Some(format!("  set: {{ {slot}: {{ version: \"{number}\", hash: {hash}, bytes: {bytes}{needs} }} }}"))
}

fn metadata(answer: &Value) -> Vec<String> {
    if answer.get("is_begun").and_then(Value::as_bool) == Some(false) {
        return vec!["nothing was published yet: `aisle-hub artefact init` begins".to_owned()];
    }
    table(&ROLES, rows(answer, "roles"))
}

#[cfg(test)]
mod tests {
    use super::{metadata, told};
    use aisle_fleet::document::{Document, read};
    use serde_json::json;

    #[test]
    fn a_version_is_shown_with_the_line_that_a_rollout_names_it_with() {
        let version = json!({ "kind": "plugin", "name": "multi-buy", "version": "1.10", "blake3": "ab".repeat(32), "bytes": 40_212,
            "node_min": "0.3.0", "disk_bytes": 5_000, "grants": ["clock", "stock"] });
        let told = told(&json!({ "kind": "plugin", "name": "multi-buy", "versions": [version] }));
        let line = told.iter().find(|line| line.contains("set: ")).unwrap();
        let rollout =
            format!("rollout:\n  rollout: r\n  why: x\n  who: '*'\n{line}\n  waves: [{{ name: all }}]\n");
        let Document::Rollout(spec) = read(&rollout).unwrap().remove(0) else { panic!("{rollout}") };
        let release = spec.set.values().next().unwrap().release().unwrap();
        assert_eq!(
            (release.version.as_str(), release.bytes, release.needs.disk_bytes),
            ("1.10", 40_212, 5_000)
        );
        assert_eq!(release.needs.grants.len(), 2);
    }

    #[test]
    fn roles_say_when_they_run_out_and_who_has_signed() {
        let roles = json!({ "is_begun": true, "roles": [{ "role": "timestamp", "version": 7, "expires_at_ms": 1_795_305_600_000_i64, "days": 6.5,
            "signed_by": ["abcd"], "keys": ["abcd"], "threshold": 1 }] });
        let told = metadata(&roles).join("\n");
        assert!(told.contains("timestamp") && told.contains("6.5") && told.contains("abcd"), "{told}");
        assert!(metadata(&json!({ "is_begun": false, "roles": [] })).join("").contains("artefact init"));
    }
}

//! `fleet group`, `fleet filter`: who belongs together and what they should have, and selectors that somebody gave a name.

use super::{
    apply::becomes,
    ask::{Ask, path},
    desk::{Desk, Paging},
    documents,
    view::{self, Column, Shape, fields},
};
use crate::Ended;
use aisle_fleet::{
    Filter, Says, Selector,
    document::{Meant, WrittenDocument, WrittenGroup},
};
use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;
use std::{collections::BTreeSet, path::PathBuf};

const GROUPS: [Column; 5] = [
    Column("group", &["/document/name"], Shape::Text),
    Column("priority", &["/document/priority"], Shape::Number),
    Column("who", &["/document/who"], Shape::Words),
    Column("stores", &["/document/stores"], Shape::Count),
    Column("since", &["/at_ms"], Shape::When),
];

const FILTERS: [Column; 3] = [
    Column("filter", &["/document/name"], Shape::Text),
    Column("who", &["/document/who"], Shape::Text),
    Column("since", &["/at_ms"], Shape::When),
];

/// What can be done with groups.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// List groups
    List(Paging),
    /// Show a group and what it says
    Show(One),
    /// Make a group, or another one of it
    #[command(
        after_help = "Examples:\n  aisle fleet group set pilots --who 'pilot, region=eu' --priority 10 --minimum plugin/multi-buy=1.2\n  \
                            aisle fleet group set -f pilots.yaml      # for all that a group can say"
    )]
    Set(Box<SetArgs>),
    /// Remove a group: what it said, nobody says any more
    Delete(One),
}

/// One, by name.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
}

/// `fleet group set`
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// Its name
    #[arg(value_name = "NAME", required_unless_present = "file", conflicts_with = "file")]
    name: Option<String>,
    /// A document with the group, in YAML or JSON; `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Whom it means: a selector, or `@name` for what a saved filter says now
    #[arg(long, value_name = "SELECTOR", conflicts_with = "file")]
    who: Option<String>,
    /// A store that it means besides; may be repeated
    #[arg(long, value_name = "STORE", conflicts_with = "file")]
    store: Vec<String>,
    /// Where two groups say different things, the higher one counts
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        allow_hyphen_values = true,
        conflicts_with = "file"
    )]
    priority: i32,
    /// A version below which nothing may be brought in; may be repeated
    #[arg(long, value_name = "SLOT=VERSION", conflicts_with = "file")]
    minimum: Vec<String>,
}

/// What can be done with filters.
#[derive(Debug, Subcommand)]
pub(crate) enum FilterCommand {
    /// List saved filters
    List(Paging),
    /// Show a filter
    Show(One),
    /// Save a filter
    #[command(
        after_help = "Example:\n  aisle fleet filter set small-and-old --who 'size in (s,m), version<1.4'"
    )]
    Set(FilterArgs),
    /// Remove a filter
    Delete(One),
}

/// `fleet filter set`
#[derive(Debug, clap::Args)]
pub(crate) struct FilterArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// Whom it means
    #[arg(long, value_name = "SELECTOR")]
    who: String,
}

/// Does it.
pub(super) fn run(command: &GroupCommand, desk: &Desk) -> Result<Ended> {
    match command {
        GroupCommand::List(paging) => desk.list(&Ask::get("/v1/groups"), paging, &GROUPS, "no groups"),
        GroupCommand::Show(One { name }) => desk.done(&Ask::get(path("/v1/groups", &[name])?), told),
        GroupCommand::Set(args) => {
            let group = group(args)?;
            let ask = Ask::put(path("/v1/groups", &[group.name.as_str()])?, serde_json::to_value(&group)?);
            desk.done(&ask, becomes)
        }
        GroupCommand::Delete(One { name }) => {
            desk.done(&Ask::delete(path("/v1/groups", &[name])?), |_| vec![format!("group `{name}` is gone")])
        }
    }
}

/// The same for filters.
pub(super) fn filter(command: &FilterCommand, desk: &Desk) -> Result<Ended> {
    let told = |answer: &Value| fields(&FILTERS, answer);
    match command {
        FilterCommand::List(paging) => desk.list(&Ask::get("/v1/filters"), paging, &FILTERS, "no filters"),
        FilterCommand::Show(One { name }) => desk.done(&Ask::get(path("/v1/filters", &[name])?), told),
        FilterCommand::Set(FilterArgs { name, who }) => {
            let filter =
                Filter { name: name.parse().map_err(wrong)?, who: Selector::parse(who).map_err(wrong)? };
            let ask = Ask::put(path("/v1/filters", &[name])?, serde_json::to_value(&filter)?);
            desk.done(&ask, becomes)
        }
        FilterCommand::Delete(One { name }) => desk
            .done(&Ask::delete(path("/v1/filters", &[name])?), |_| vec![format!("filter `{name}` is gone")]),
    }
}

/// Something in the arguments that cannot be.
pub(super) fn wrong(error: impl std::fmt::Display) -> crate::Usage {
    crate::Usage(error.to_string())
}

fn group(args: &SetArgs) -> Result<WrittenGroup> {
    if let Some(file) = &args.file {
        return match documents::one(file)? {
            WrittenDocument::Group(group) => Ok(group),
            _ => Err(documents::other(file, "group").into()),
        };
    }
    let mut says = Says::default();
    for minimum in &args.minimum {
        let (slot, version) = pair(minimum)?;
        says.minimums.insert(slot.parse().map_err(wrong)?, version.parse().map_err(wrong)?);
    }
    let stores = args.store.iter().map(|store| aisle_event::StoreId::new(store).map_err(wrong));
    let group = WrittenGroup {
        name: args.name.as_deref().unwrap_or_default().parse().map_err(wrong)?,
        priority: args.priority,
        who: args.who.as_deref().map(str::parse::<Meant>).transpose().map_err(wrong)?,
        stores: stores.collect::<Result<BTreeSet<_>, _>>()?,
        says,
    };
    let whoever = group.clone().resolve(|_| Some(Selector::every())).map_err(wrong)?;
    whoever.check().map_err(wrong)?;
    Ok(group)
}

/// `SLOT=VERSION` in its parts.
pub(super) fn pair(text: &str) -> Result<(&str, &str), crate::Usage> {
    text.split_once('=')
        .ok_or_else(|| crate::Usage(format!("`{text}` is no pair\nhint: `plugin/multi-buy=1.4.0`")))
}

fn told(group: &Value) -> Vec<String> {
    let mut told = fields(&GROUPS, group);
    told.extend(says(group.pointer("/document/says")));
    told
}

/// What a group or an override says, a line for each thing.
pub(super) fn says(says: Option<&Value>) -> Vec<String> {
    let Some(says) = says else { return Vec::new() };
    let mut told = Vec::new();
    let of = |name: &str| says.get(name).and_then(Value::as_object).into_iter().flatten();
    for (slot, want) in of("artefacts") {
        let version = want.get("version").map_or_else(|| view::text(want), view::text);
        told.push(format!("  {} should be {version}", crate::output::plain(slot)));
    }
    for (slot, version) in of("minimums") {
        told.push(format!("  {} never below {}", crate::output::plain(slot), view::text(version)));
    }
    for (name, value) in of("settings") {
        told.push(format!("  {} is {}", crate::output::plain(name), view::text(value)));
    }
    if let Some(windows) = says.pointer("/maintenance/windows") {
        let zone = says.pointer("/maintenance/zone").map(view::text).filter(|zone| !zone.is_empty());
        let zone = zone.map(|zone| format!(" ({zone})")).unwrap_or_default();
        told.push(format!("  changes only: {}{zone}", view::text(windows)));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::told;
    use serde_json::json;

    #[test]
    fn a_group_is_shown_with_what_it_says() {
        let group = json!({ "version": 3, "at_ms": 1_795_305_600_000_i64, "document": { "name": "pilots", "priority": 10, "who": "pilot", "stores": ["a", "b"], "says": {
            "artefacts": { "plugin/a": { "version": "1.4.0", "hash": "00", "bytes": 3 }, "policy": "absent" },
            "minimums": { "plugin/a": "1.2" },
            "maintenance": { "zone": "Europe/Berlin", "windows": ["daily 01:00-06:00"] },
        } } });
        let told = told(&group).join("\n");
        for part in [
            "pilots",
            "10",
            "plugin/a should be 1.4.0",
            "policy should be absent",
            "never below 1.2",
            "daily 01:00-06:00 (Europe/Berlin)",
        ] {
            assert!(told.contains(part), "no `{part}` in\n{told}");
        }
    }
}

//! `aisle-node residency explain`: one event, field by field.

use super::{
    existing_journal,
    policy::{Named, chosen, regions},
    time,
};
use crate::{
    cli::residency::ExplainArgs,
    output::{self, plain},
    store::reading_veil,
};
use aisle_event::{Event, Hlc, LogClass};
use aisle_journal::{RealIo, Veil, stats};
use aisle_outbox::event_at;
use aisle_residency::{Explanation, Policy, Region, explain};
use anyhow::{Context, bail};
use serde::Serialize;
use std::{path::Path, sync::Arc};

/// One event, on its way to every region that is asked for.
#[derive(Debug, Serialize)]
struct Explained {
    record: u64,
    hlc: String,
    event: &'static str,
    policy: Named,
    regions: Vec<Way>,
}

/// What of the event leaves to one region.
#[derive(Debug, Serialize)]
struct Way {
    region: String,
    leaves: bool,
    /// The log that it would go to.
    class: Option<&'static str>,
    /// How exactly the record's own time leaves.
    clock: Option<&'static str>,
    fields: Vec<Field>,
}

/// What becomes of one field.
#[derive(Debug, Serialize)]
struct Field {
    field: &'static str,
    class: &'static str,
    outcome: &'static str,
    count: u32,
    /// The first value as it leaves.
    sends: Option<String>,
    why: String,
}

/// Shows what of an event leaves.
pub(super) fn run(args: &ExplainArgs, data: &Path, json: bool) -> anyhow::Result<()> {
    let journal = existing_journal(data)?;
    let policy = chosen(args.policy.as_deref(), data)?;
    let regions = regions(&policy, &args.region)?;
    let (hlc, event) = record(&journal, reading_veil(data)?, args.event)?;
    let explained = of(args.event, hlc, &event, &policy, &regions);
    if json {
        return Ok(output::json(&explained)?);
    }
    let Explained { record, event, policy, .. } = &explained;
    output::line(format!("record {record}, `{event}` of {}, by {}", time(hlc.ms()), policy.words()))?;
    if explained.regions.is_empty() {
        output::line("the policy names no region: nothing leaves by it")?;
    }
    explained.regions.iter().try_for_each(show)
}

/// The event of a record, and its time.
fn record(journal: &Path, veil: Arc<dyn Veil>, number: u64) -> anyhow::Result<(Hlc, Event)> {
    let unreadable = || format!("cannot read `{}`", journal.display());
    let known = stats(journal, &RealIo).with_context(unreadable)?;
    if number < known.first.max(1) || number > known.last {
        let (first, last) = (known.first, known.last);
        let hint = match last {
            0 => "it is empty".to_owned(),
            _ => format!("it has records {first} to {last}; `aisle-node journal cat` shows them"),
        };
        bail!("the journal has no record {number}\nhint: {hint}");
    }
    let found = event_at(journal, (Arc::new(RealIo), Some(veil)), number).with_context(unreadable)?;
    let Some(found) = found else {
        bail!("record {number} is no event that this build can read: nothing of it leaves");
    };
    Ok(found)
}

fn of(record: u64, hlc: Hlc, event: &Event, policy: &Policy, regions: &[Region]) -> Explained {
    let ways = regions.iter().map(|region| way(explain(event, policy, region)));
    Explained {
        record,
        hlc: hlc.to_string(),
        event: event.name(),
        policy: Named::of(policy),
        regions: ways.collect(),
    }
}

fn way(explanation: Explanation) -> Way {
    let Explanation { region, class, leaves, precision, lines, .. } = explanation;
    let fields = lines.into_iter().map(|line| Field {
        field: line.path.as_str(),
        class: line.class,
        outcome: line.outcome.word(),
        count: line.count,
        sends: line.sends,
        why: line.why,
    });
    Way {
        region: region.to_string(),
        leaves,
        class: class.map(LogClass::as_str),
        clock: precision.filter(|_| leaves),
        fields: fields.collect(),
    }
}

/// What stands above the fields.
fn heading(way: &Way) -> String {
    let Way { region, leaves, class, clock, .. } = way;
    match (leaves, class, clock) {
        (true, Some(class), Some("exact")) => {
            format!("to `{region}`: leaves in the log of {class}, with the record's exact time")
        }
        (true, Some(class), Some(clock)) => {
            format!("to `{region}`: leaves in the log of {class}, the record's time to the {clock}")
        }
        _ => format!("to `{region}`: nothing leaves"),
    }
}

fn row(field: &Field) -> [String; 6] {
    let sends = field.sends.as_deref().map_or_else(|| "-".into(), plain);
    [
        field.field.into(),
        field.class.into(),
        field.outcome.into(),
        field.count.to_string(),
        sends,
        plain(&field.why),
    ]
}

fn show(way: &Way) -> anyhow::Result<()> {
    output::line("")?;
    output::line(heading(way))?;
    if way.fields.is_empty() {
        output::line("the event has no field")?;
        return Ok(());
    }
    let rows: Vec<_> = way.fields.iter().map(row).collect();
    output::table(["FIELD", "CLASS", "OUTCOME", "VALUES", "LEAVES AS", "WHY"], &rows)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::{Name, SessionId, Timestamp, shopper::Searched};

    const RULES: &str = "aisle_policy = 1\nname = \"test\"\nversion = 1\nhome = \"eu\"\n\
        [[destination]]\nregion = \"eu\"\nclock = \"second\"\n[[destination]]\nregion = \"global\"\nclock = \"day\"\n\
        [[rule]]\nto = [\"eu\"]\nfields = [\"Searched.hits\"]\naction = \"pass\"\n\
        [[rule]]\nto = [\"eu\"]\nfields = [\"Searched.session\"]\naction = \"token\"\npurpose = \"visits\"\n\
        [[rule]]\nto = [\"eu\"]\nfields = [\"Searched.at\"]\naction = \"coarsen\"\nby = { time = \"hour\" }\n";

    fn explained() -> Explained {
        let event = Event::Searched(Searched {
            session: SessionId::new("visit-of-ada").unwrap(),
            terms: Name::new("ada lovelace").unwrap(),
            hits: 3,
            at: Timestamp(1_322_746_200_000),
            unknown: Default::default(),
        });
        let policy = Policy::draft(RULES.as_bytes()).unwrap();
        let regions: Vec<Region> = policy.regions().cloned().collect();
        of(7, Hlc::new(1_322_746_200_000, 0), &event, &policy, &regions)
    }

    #[test]
    fn each_field_of_each_region_says_what_leaves_and_by_which_line() {
        let explained = explained();
        let [eu, global] = explained.regions.as_slice() else { panic!("{explained:?}") };
        assert_eq!(heading(eu), "to `eu`: leaves in the log of bulk, the record's time to the hour");
        assert_eq!(heading(global), "to `global`: nothing leaves");
        let cells = |way: &Way, name: &str| {
            let field = way.fields.iter().find(|field| field.field == name);
            row(field.unwrap_or_else(|| panic!("{way:?}"))).join(" | ")
        };
        assert_eq!(
            cells(eu, "Searched.hits"),
            "Searched.hits | open | passed | 1 | 3 | leaves as it is, line 13"
        );
        assert_eq!(
            cells(eu, "Searched.at"),
            "Searched.at | open | coarsened | 1 | 1322744400000 | leaves to the hour, line 22"
        );
        assert_eq!(
            cells(eu, "Searched.terms"),
            "Searched.terms | personal | dropped | 1 | - | no rule: denied"
        );
        assert_eq!(global.fields.len(), 4);
    }

    #[test]
    fn what_was_there_is_never_shown() {
        let shown = serde_json::to_string(&explained()).unwrap();
        assert!(!shown.contains("lovelace") && !shown.contains("visit-of-ada"), "{shown}");
        assert!(shown.contains("\"sends\":\"\\\"token\\\"\""), "{shown}");
    }
}

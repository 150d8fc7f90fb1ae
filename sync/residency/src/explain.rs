//! The gate in words: field by field for one event, and as a table for many. Nothing here can leave: no keys, no [`crate::Egress`].
//!
//! What is shown is what would leave, never what was there. A value that stays is told by its path alone.

use crate::{
    cbor,
    fate::{Fates, Outcome, Tally},
    gate::{KindPlan, Plan, Step, Tokens, What, walk},
    name::Region,
    policy::{Action, Policy, class_word},
    vocabulary::Path,
};
use aisle_event::{Event, LogClass};
use minicbor::{Decoder, data::Type};
use std::{collections::BTreeMap, fmt};

/// What would become of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The event type's name.
    pub event: &'static str,
    /// Where to.
    pub region: Region,
    /// The log that it would go to.
    pub class: Option<LogClass>,
    /// Anything of it leaves.
    pub leaves: bool,
    /// How exactly its own time leaves.
    pub precision: Option<&'static str>,
    /// Its fields, in order.
    pub lines: Vec<Line>,
}

/// What would become of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The full path.
    pub path: Path,
    /// How private it is.
    pub class: &'static str,
    /// What becomes of it.
    pub outcome: Outcome,
    /// How many values there are.
    pub count: u32,
    /// In words, with the line of the rule.
    pub why: String,
    /// The first value as it leaves.
    pub sends: Option<String>,
}

/// What would become of many events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DryRun {
    /// Events looked at.
    pub events: u64,
    /// Events of which something leaves.
    pub leave: u64,
    /// Bytes of CBOR that the events have in the journal.
    pub bytes_before: u64,
    /// Bytes of CBOR that leave, before packing.
    pub bytes_after: u64,
    /// Fields, by event type and path.
    pub rows: Vec<Row>,
}

/// What would become of one field of many events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The full path.
    pub path: Path,
    /// How private it is.
    pub class: &'static str,
    /// How many values, by what becomes of them, in the order of [`Outcome::ALL`].
    pub counts: [u64; 5],
}

/// Says what would become of an event on its way to a region.
#[must_use]
pub fn explain(event: &Event, policy: &Policy, to: &Region) -> Explanation {
    let plan = plan_of(policy, to);
    let kind_plan = plan.as_ref().and_then(|plan| plan.of(event.kind()));
    let (payload, fates) = dry(kind_plan, event);
    let sent = payload
        .as_deref()
        .zip(kind_plan)
        .map(|(payload, plan)| first_values(&plan.steps, payload))
        .unwrap_or_default();
    let lines = fates.iter().map(|(path, outcome, count)| Line {
        path,
        class: class_word(path.class()),
        outcome,
        count,
        why: why(policy, to, path, outcome),
        sends: outcome.leaves().then(|| sent.get(&path).cloned()).flatten(),
    });
    Explanation {
        event: event.name(),
        region: to.clone(),
        class: LogClass::of(event),
        leaves: payload.is_some(),
        precision: kind_plan.filter(|plan| plan.is_named).map(|plan| plan.precision.word()),
        lines: lines.collect(),
    }
}

/// Says what would become of many events on their way to a region.
#[must_use]
pub fn dry_run<E: std::borrow::Borrow<Event>>(
    events: impl IntoIterator<Item = E>,
    policy: &Policy,
    to: &Region,
) -> DryRun {
    let plan = plan_of(policy, to);
    let mut run = DryRun::default();
    let mut tally = Tally::default();
    for event in events {
        let event = event.borrow();
        let (payload, fates) = dry(plan.as_ref().and_then(|plan| plan.of(event.kind())), event);
        run.events += 1;
        run.bytes_before += event.encode().len() as u64;
        if let Some(payload) = payload {
            run.leave += 1;
            run.bytes_after += payload.len() as u64;
        }
        tally.add(&fates);
    }
    let mut rows: BTreeMap<Path, [u64; 5]> = BTreeMap::new();
    for (path, outcome, count) in tally.iter() {
        if let Some(cell) = rows.entry(path).or_default().get_mut(usize::from(outcome.number())) {
            *cell += count;
        }
    }
    run.rows = rows
        .into_iter()
        .map(|(path, counts)| Row { path, class: class_word(path.class()), counts })
        .collect();
    run
}

fn plan_of(policy: &Policy, to: &Region) -> Option<Plan> {
    policy.destinations.get(to).map(Plan::new)
}

fn dry(plan: Option<&KindPlan>, event: &Event) -> (Option<Vec<u8>>, Fates) {
    let plan = plan.or_else(|| Plan::denial(event.kind()));
    let walked = plan.map(|plan| walk(plan, Tokens::Words, &event.encode()));
    walked.map_or_else(Default::default, |walked| (walked.payload, walked.fates))
}

fn why(policy: &Policy, to: &Region, path: Path, outcome: Outcome) -> String {
    if path.is_unknown() {
        return "a field that this build does not know: denied".into();
    }
    let Some(rule) = policy.rule(to, path) else { return "no rule: denied".into() };
    let line = rule.line;
    let words = match &rule.action {
        Action::Drop => "the rule drops it".into(),
        Action::Aggregate => "stays, and counts in an aggregate".into(),
        _ if outcome == Outcome::Dropped => "it cannot be made what the rule wants: stays".into(),
        Action::Pass => "leaves as it is".into(),
        Action::Token { purpose, bits } => {
            format!("a token of {bits} bits for `{purpose}` leaves in its place")
        }
        Action::Coarsen(form) => format!("leaves {}", form.words()),
    };
    let basis = rule.basis.as_ref().map_or_else(String::new, |basis| format!(" ({basis})"));
    format!("{words}, line {line}{basis}")
}

/// The first value of each field in what leaves, for people.
fn first_values(steps: &[Step], payload: &[u8]) -> BTreeMap<Path, String> {
    let mut found = BTreeMap::new();
    // What was just written reads; where it did not, values are left out of the explanation.
    let _ = collect(steps, &mut Decoder::new(payload), &mut found);
    found
}

fn collect(steps: &[Step], decoder: &mut Decoder<'_>, found: &mut BTreeMap<Path, String>) -> Option<()> {
    for _ in 0..decoder.map().ok()?? {
        let number = decoder.u64().ok()?;
        match steps.iter().find(|step| step.number == number).map(|step| &step.what)? {
            What::Leaf { path, .. } => {
                let shown = show(cbor::span(decoder)?);
                found.entry(*path).or_insert(shown);
            }
            What::Nested { list: false, steps } => collect(steps, decoder, found)?,
            What::Nested { list: true, steps } => {
                for _ in 0..decoder.array().ok()?? {
                    collect(steps, decoder, found)?;
                }
            }
        }
    }
    Some(())
}

/// A value in CBOR's diagnostic notation (RFC 8949, section 8), cut to a line.
fn show(value: &[u8]) -> String {
    const CHARS_MAX: usize = 60;
    let shown = notation(&mut Decoder::new(value)).unwrap_or_default();
    if shown.chars().count() <= CHARS_MAX {
        shown
    } else {
        shown.chars().take(CHARS_MAX).chain(['…']).collect()
    }
}

fn notation(decoder: &mut Decoder<'_>) -> Option<String> {
    Some(match decoder.datatype().ok()? {
        Type::String => format!("{:?}", decoder.str().ok()?),
        Type::Bool => decoder.bool().ok()?.to_string(),
        Type::Bytes => format!("{} bytes", decoder.bytes().ok()?.len()),
        Type::Array => {
            let items: Option<Vec<_>> = (0..decoder.array().ok()??).map(|_| notation(decoder)).collect();
            format!("[{}]", items?.join(", "))
        }
        _ => decoder.int().ok()?.to_string(),
    })
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, region, class, leaves, precision, lines } = self;
        match (leaves, class, precision) {
            (true, Some(class), Some(precision)) => {
                writeln!(f, "`{event}` leaves for `{region}` by {class}; its time: {precision}")?;
            }
            _ => writeln!(f, "nothing of `{event}` leaves for `{region}`")?,
        }
        let width = lines.iter().map(|line| line.path.as_str().len()).max().unwrap_or(0);
        for Line { path, class, outcome, count, why, sends } in lines {
            write!(f, "  {:width$}  {class:12}  {:10}  {count:>5}  {why}", path.as_str(), outcome.word())?;
            match sends {
                Some(sends) => writeln!(f, ": {sends}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, leave, bytes_before, bytes_after, rows } = self;
        writeln!(
            f,
            "{leave} of {events} events leave; {bytes_after} of {bytes_before} bytes before packing"
        )?;
        let width = rows.iter().map(|row| row.path.as_str().len()).max().unwrap_or(0).max("field".len());
        write!(f, "  {:width$}  {:12}", "field", "class")?;
        for outcome in Outcome::ALL {
            write!(f, "  {:>10}", outcome.word())?;
        }
        writeln!(f)?;
        for Row { path, class, counts } in rows {
            write!(f, "  {:width$}  {class:12}", path.as_str())?;
            for count in counts {
                write!(f, "  {count:>10}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

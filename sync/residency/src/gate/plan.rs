//! A policy's rules for one region, laid over the definitions of the event types, so that a walk looks nothing up.

use crate::{
    policy::{Action, Destination, Form},
    precision::Precision,
    shape::Holds,
    vocabulary::Path,
};
use aisle_event::{Event, EventType, Field, FieldClass};
use std::{collections::BTreeMap, sync::LazyLock};

/// The plans of all event types.
#[derive(Debug)]
pub(crate) struct Plan(BTreeMap<EventType, KindPlan>);

/// By this plan everything is denied.
static DENIAL: LazyLock<Plan> = LazyLock::new(|| {
    Plan::new(&Destination { precision: Precision::Week, rules: BTreeMap::new(), aggregates: Vec::new() })
});

/// What is done with the fields of one event type.
#[derive(Debug)]
pub(crate) struct KindPlan {
    pub(crate) steps: Vec<Step>,
    /// Stands for the fields that are not in the definition.
    pub(crate) unknown: Path,
    /// How exactly the record's own time leaves: never more than its coarsest time field.
    pub(crate) precision: Precision,
    /// There is a rule for any of it.
    pub(crate) is_named: bool,
}

/// One field of the definition.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) number: u64,
    pub(crate) what: What,
}

/// A value or a record.
#[derive(Debug)]
pub(crate) enum What {
    Leaf { path: Path, holds: Holds, action: Option<Action> },
    Nested { list: bool, steps: Vec<Step> },
}

impl Plan {
    pub(crate) fn new(destination: &Destination) -> Self {
        let kinds = Event::TYPES.iter().filter_map(|(kind, _, fields)| {
            let rules = || destination.rules.iter().filter(|(path, _)| path.event() == *kind);
            let coarsest = rules()
                .filter_map(|(_, rule)| match rule.action {
                    Action::Coarsen(Form::Time(precision)) => Some(precision),
                    _ => None,
                })
                .max();
            let precision =
                coarsest.map_or(destination.precision, |coarsest| coarsest.max(destination.precision));
            let unknown = Path::numbered(*kind, &[])?;
            let steps = steps(destination, *kind, &mut Vec::new(), fields);
            Some((*kind, KindPlan { steps, unknown, precision, is_named: rules().next().is_some() }))
        });
        Self(kinds.collect())
    }

    /// The plan by which everything of a type is denied.
    pub(crate) fn denial(kind: EventType) -> Option<&'static KindPlan> {
        DENIAL.of(kind)
    }

    pub(crate) fn of(&self, kind: EventType) -> Option<&KindPlan> {
        self.0.get(&kind)
    }
}

fn steps(
    destination: &Destination,
    kind: EventType,
    above: &mut Vec<u64>,
    fields: &'static [Field],
) -> Vec<Step> {
    let mut steps = Vec::with_capacity(fields.len());
    for field in fields {
        above.push(field.number);
        let what = match field.class {
            FieldClass::Nested(inner) => Some(What::Nested {
                list: field.holds.starts_with("Vec<"),
                steps: self::steps(destination, kind, above, inner),
            }),
            FieldClass::Leaf(_) => Path::numbered(kind, above).map(|path| What::Leaf {
                path,
                holds: path.entry().holds,
                action: destination.rules.get(&path).map(|rule| rule.action.clone()),
            }),
        };
        // A field without a path is as one that is not known.
        steps.extend(what.map(|what| Step { number: field.number, what }));
        above.pop();
    }
    steps
}

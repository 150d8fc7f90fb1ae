//! The gate's mirror, for the hub: whether a payload can have come through a gate with these rules.
//!
//! Whatever is in it must be there by a rule, in the form that the rule gives it. A value that no rule lets out is told by its path,
//! never by its content.

use super::{KindPlan, Step, What};
use crate::{
    cbor,
    fate::Outcome,
    policy::Action,
    shape::{Holds, Many},
    token::is_token,
    vocabulary::Path,
};
use minicbor::Decoder;

/// Why a payload cannot have come through the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// No rule lets this field out.
    #[error("`{path}` is there, and no rule lets it out")]
    NotAllowed {
        /// The field.
        path: Path,
    },
    /// The field is not in the form that the rule gives it.
    #[error("`{path}` is not in the form that its rule gives it")]
    Form {
        /// The field.
        path: Path,
    },
    /// The payload is not what a gate writes.
    #[error("the payload is not what a gate writes")]
    Malformed,
}

/// The most fields that a gate writes into one record, and items into one list.
const ITEMS_MAX: u64 = 1 << 16;

/// Checks a payload, and counts what is in it.
pub(crate) fn inspect(
    plan: &KindPlan,
    payload: &[u8],
    count: &mut impl FnMut(Path, Outcome),
) -> Result<(), Misfit> {
    let mut decoder = Decoder::new(payload);
    record(plan.unknown, &plan.steps, &mut decoder, count)?;
    if decoder.position() == payload.len() { Ok(()) } else { Err(Misfit::Malformed) }
}

fn record(
    unknown: Path,
    steps: &[Step],
    decoder: &mut Decoder<'_>,
    count: &mut impl FnMut(Path, Outcome),
) -> Result<(), Misfit> {
    let fields = len(decoder.map())?;
    // A gate writes no record of which nothing leaves.
    if fields == 0 {
        return Err(Misfit::Malformed);
    }
    let mut seen: Vec<u64> = Vec::new();
    for _ in 0..fields {
        let number = decoder.u64().map_err(|_| Misfit::Malformed)?;
        if seen.contains(&number) {
            return Err(Misfit::Malformed);
        }
        seen.push(number);
        match steps.iter().find(|step| step.number == number).map(|step| &step.what) {
            None => return Err(Misfit::NotAllowed { path: unknown }),
            Some(What::Leaf { path, holds, action }) => {
                let value = cbor::span(decoder).ok_or(Misfit::Malformed)?;
                count(*path, leaf(*path, *holds, action.as_ref(), value)?);
            }
            Some(What::Nested { list: false, steps }) => record(unknown, steps, decoder, count)?,
            Some(What::Nested { list: true, steps }) => {
                for _ in 0..len(decoder.array())? {
                    record(unknown, steps, decoder, count)?;
                }
            }
        }
    }
    Ok(())
}

fn leaf(path: Path, holds: Holds, action: Option<&Action>, value: &[u8]) -> Result<Outcome, Misfit> {
    let (outcome, action) = match action {
        Some(action @ Action::Pass) => (Outcome::Passed, action),
        Some(action @ Action::Token { .. }) => (Outcome::Tokened, action),
        Some(action @ Action::Coarsen(_)) => (Outcome::Coarsened, action),
        _ => return Err(Misfit::NotAllowed { path }),
    };
    let fits = |item: &[u8]| match action {
        Action::Pass => holds.shape.admits(item),
        Action::Coarsen(form) => form.conforms(holds.shape, item),
        Action::Token { bits, .. } => cbor::only::<&str>(item).is_some_and(|text| is_token(text, *bits)),
        Action::Aggregate | Action::Drop => false,
    };
    let all_fit = if holds.many == Many::List {
        let mut decoder = Decoder::new(value);
        let items = len(decoder.array())?;
        (0..items).all(|_| cbor::span(&mut decoder).is_some_and(fits))
    } else {
        fits(value)
    };
    if all_fit { Ok(outcome) } else { Err(Misfit::Form { path }) }
}

fn len(header: Result<Option<u64>, minicbor::decode::Error>) -> Result<u64, Misfit> {
    header.ok().flatten().filter(|items| *items <= ITEMS_MAX).ok_or(Misfit::Malformed)
}

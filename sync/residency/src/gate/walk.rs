//! One walk over the CBOR map of an event: what leaves, and what became of each field.

use super::{KindPlan, Step, What};
use crate::{
    cbor,
    fate::{Fates, Outcome},
    name::Region,
    policy::Action,
    shape::{Holds, Many, Shape},
    token::TokenKeys,
    vocabulary::Path,
};
use minicbor::Decoder;

/// The most fields of a record and items of a list that are looked at; a record with more stays whole.
const ITEMS_MAX: u64 = 1 << 16;

/// What tokens are made with.
#[derive(Clone, Copy)]
pub(crate) enum Tokens<'a> {
    /// Real ones.
    Keys { keys: &'a TokenKeys, region: &'a Region },
    /// The word `token`: for explanations, which need no keys and leave nothing.
    Words,
}

/// What a walk found.
pub(crate) struct Walked {
    /// What leaves; nothing when no value does.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) fates: Fates,
}

/// The bytes are not what the type says.
struct Malformed;

/// Walks an event.
pub(crate) fn walk(plan: &KindPlan, tokens: Tokens<'_>, payload: &[u8]) -> Walked {
    let mut walk = Walk { tokens, unknown: plan.unknown, fates: Fates::default() };
    let mut decoder = Decoder::new(payload);
    let record = walk.record(&plan.steps, &mut decoder);
    let ended = decoder.position() == payload.len();
    let mut fates = walk.fates;
    match record {
        Ok(out) if ended => Walked { payload: out, fates },
        _ => {
            fates.all_dropped();
            fates.note(plan.unknown, Outcome::Dropped);
            Walked { payload: None, fates }
        }
    }
}

struct Walk<'a> {
    tokens: Tokens<'a>,
    unknown: Path,
    fates: Fates,
}

impl Walk<'_> {
    /// The map that leaves of a record; nothing when it would be empty.
    fn record(&mut self, steps: &[Step], decoder: &mut Decoder<'_>) -> Result<Option<Vec<u8>>, Malformed> {
        let fields = len(decoder.map())?;
        let mut seen = Vec::new();
        let (mut body, mut left) = (Vec::new(), 0);
        for _ in 0..fields {
            let number = decoder.u64().map_err(|_| Malformed)?;
            if seen.contains(&number) || seen.len() > 256 {
                return Err(Malformed);
            }
            seen.push(number);
            let value = match steps.iter().find(|step| step.number == number).map(|step| &step.what) {
                None => {
                    cbor::span(decoder).ok_or(Malformed)?;
                    self.fates.note(self.unknown, Outcome::Dropped);
                    None
                }
                Some(What::Leaf { path, holds, action }) => {
                    let value = cbor::span(decoder).ok_or(Malformed)?;
                    let (outcome, out) = self.leaf(*holds, action.as_ref(), value);
                    self.fates.note(*path, outcome);
                    out
                }
                Some(What::Nested { list: false, steps }) => self.record(steps, decoder)?,
                Some(What::Nested { list: true, steps }) => self.list(steps, decoder)?,
            };
            if let Some(value) = value {
                cbor::put_u64(&mut body, number);
                body.extend_from_slice(&value);
                left += 1;
            }
        }
        Ok((left > 0).then(|| {
            let mut out = Vec::with_capacity(body.len() + 3);
            cbor::put_map(&mut out, left);
            out.append(&mut body);
            out
        }))
    }

    /// The list of records that leaves. A record of which nothing leaves is left out: that it was there is not told.
    fn list(&mut self, steps: &[Step], decoder: &mut Decoder<'_>) -> Result<Option<Vec<u8>>, Malformed> {
        let items = len(decoder.array())?;
        let (mut body, mut left) = (Vec::new(), 0);
        for _ in 0..items {
            if let Some(record) = self.record(steps, decoder)? {
                body.extend_from_slice(&record);
                left += 1;
            }
        }
        Ok((left > 0).then(|| {
            let mut out = Vec::with_capacity(body.len() + 3);
            cbor::put_array(&mut out, left);
            out.append(&mut body);
            out
        }))
    }

    fn leaf(&self, holds: Holds, action: Option<&Action>, value: &[u8]) -> (Outcome, Option<Vec<u8>>) {
        let dropped = (Outcome::Dropped, None);
        let outcome = match action {
            None | Some(Action::Drop) => return dropped,
            Some(Action::Aggregate) => return (Outcome::Aggregated, None),
            Some(Action::Pass) => Outcome::Passed,
            Some(Action::Token { .. }) => Outcome::Tokened,
            Some(Action::Coarsen(_)) => Outcome::Coarsened,
        };
        let each = |item: &[u8]| self.value(holds, action, item);
        let out = if holds.many == Many::List { self.items(value, each) } else { each(value) };
        out.map_or(dropped, |out| (outcome, Some(out)))
    }

    /// Each item of a list of values; nothing when one of them cannot leave.
    fn items(&self, value: &[u8], each: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let mut decoder = Decoder::new(value);
        let items = len(decoder.array()).ok()?;
        let mut out = Vec::with_capacity(value.len());
        cbor::put_array(&mut out, items);
        for _ in 0..items {
            out.extend_from_slice(&each(cbor::span(&mut decoder)?)?);
        }
        Some(out)
    }

    fn value(&self, holds: Holds, action: Option<&Action>, value: &[u8]) -> Option<Vec<u8>> {
        if !holds.shape.admits(value) {
            return None;
        }
        match action? {
            Action::Pass => Some(value.to_vec()),
            Action::Coarsen(form) => form.apply(holds.shape, value),
            Action::Token { purpose, bits } => {
                let content = match holds.shape {
                    Shape::Text => cbor::only::<&str>(value)?.as_bytes(),
                    Shape::Bytes => cbor::only_bytes(value)?,
                    _ => value,
                };
                let token = match self.tokens {
                    Tokens::Keys { keys, region } => {
                        keys.of(region, purpose)?.token(*bits, holds.domain, content)
                    }
                    Tokens::Words => "token".into(),
                };
                let mut out = Vec::new();
                cbor::put_str(&mut out, &token);
                Some(out)
            }
            Action::Aggregate | Action::Drop => None,
        }
    }
}

fn len(header: Result<Option<u64>, minicbor::decode::Error>) -> Result<u64, Malformed> {
    header.ok().flatten().filter(|items| *items <= ITEMS_MAX).ok_or(Malformed)
}

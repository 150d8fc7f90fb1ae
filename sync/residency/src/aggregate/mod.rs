//! Aggregates: how many, and how much in all, of groups that are large enough.
//!
//! A group is told only when at least `k` different contributors are in it. Where the policy says so, discrete Laplace noise is added and
//! paid from a budget. Rows of one contributor beyond `rows_max` do not count, and no row adds more than `at_most`: that bounds what one
//! contributor can change, which is what the noise has to hide.
//!
//! What `k` does not do: two exact aggregates can be subtracted from each other. Noise is what stands against that. Which groups reach
//! `k` is decided on true and noisy counts both, so a group's presence is not covered by epsilon.
//!
//! Lives here: the rows of an event ([`rows`](self)), the state ([`Aggregator`]), noise ([`noise`]), the budget ([`Budget`]), and the hub's
//! check. Pure: the caller keeps what is encoded here together with the outbox, in one write.

mod budget;
pub mod noise;
mod rows;
mod state;

pub use budget::{Budget, BudgetError, PERIODS_MAX};
pub use state::{Aggregator, AggregatorError, CloseError, Closed, ENTRIES_MAX, WINDOWS_MAX};

use crate::{
    cbor,
    gate::inspect::Misfit,
    name::Region,
    policy::{AggregateRule, Policy},
    shape::Shape,
};
use aisle_event::{EventType, Hlc, LogClass};
use aisle_protocol::Item;
use minicbor::Decoder;

/// The type of aggregates in an outbox. They never stand in a journal, so no event has this number.
pub const KIND: EventType = EventType(0xff01);
/// The log that aggregates go to.
pub const CLASS: LogClass = LogClass::Stock;

/// What an [`crate::Egress`] is of when it holds an aggregate: a map of 1 the aggregate's name, 2 the window's begin (milliseconds since
/// 1970), 3 its length in milliseconds, 4 the group's keys, 5 how many contributors, 6 the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {}

/// One group of a window, as it leaves.
pub(crate) struct Told<'a> {
    pub(crate) rule: &'a AggregateRule,
    pub(crate) start: i64,
    /// A CBOR list of the keys.
    pub(crate) keys: &'a [u8],
    pub(crate) contributors: u64,
    /// The units of the sums, each `None` for bare numbers.
    pub(crate) units: &'a [Vec<u8>],
    pub(crate) sums: &'a [i64],
}

impl Told<'_> {
    pub(crate) fn payload(&self) -> Vec<u8> {
        let mut out = Vec::new();
        cbor::put_map(&mut out, 6);
        cbor::put_u64(&mut out, 1);
        cbor::put_str(&mut out, &self.rule.name);
        cbor::put_u64(&mut out, 2);
        cbor::put_i64(&mut out, self.start);
        cbor::put_u64(&mut out, 3);
        cbor::put_i64(&mut out, self.rule.window.step_ms());
        cbor::put_u64(&mut out, 4);
        out.extend_from_slice(self.keys);
        cbor::put_u64(&mut out, 5);
        cbor::put_u64(&mut out, self.contributors);
        cbor::put_u64(&mut out, 6);
        cbor::put_array(&mut out, self.sums.len() as u64);
        for (sum, unit) in self.sums.iter().zip(self.units) {
            if !unit.is_empty() {
                cbor::put_array(&mut out, 2);
            }
            cbor::put_i64(&mut out, *sum);
            out.extend_from_slice(unit);
        }
        out
    }
}

/// The time that an aggregate carries: the end of its window.
pub(crate) fn time_of(rule: &AggregateRule, start: i64) -> Hlc {
    let end = start.saturating_add(rule.window.step_ms());
    Hlc::new(u64::try_from(end).unwrap_or(0), 0)
}

/// The hub's check of an aggregate: it is one that the policy describes, and no smaller than `k`.
pub(crate) fn inspect(policy: &Policy, region: &Region, item: &Item) -> Result<(), Misfit> {
    let rules = policy.destinations.get(region).map(|destination| destination.aggregates.as_slice());
    told_by(rules.unwrap_or_default(), Hlc(item.hlc), &item.payload).map(drop).ok_or(Misfit::Malformed)
}

/// The rule that an aggregate was told by, and the begin of its window; `None` when it is none that a rule describes.
fn told_by<'r>(rules: &'r [AggregateRule], hlc: Hlc, payload: &[u8]) -> Option<(&'r AggregateRule, i64)> {
    let mut decoder = Decoder::new(payload);
    let field = |number: u64, decoder: &mut Decoder<'_>| (decoder.u64().ok()? == number).then_some(());
    (decoder.map().ok()?? == 6).then_some(())?;
    field(1, &mut decoder)?;
    let name = decoder.str().ok()?;
    let rule = rules.iter().find(|rule| rule.name == name)?;
    field(2, &mut decoder)?;
    let start = decoder.i64().ok()?;
    field(3, &mut decoder)?;
    let step = decoder.i64().ok()?;
    let in_time = rule.window.floor(start) == Some(start)
        && step == rule.window.step_ms()
        && time_of(rule, start) == hlc;
    in_time.then_some(())?;
    field(4, &mut decoder)?;
    (decoder.array().ok()?? == rule.keys.len() as u64).then_some(())?;
    for (path, form) in &rule.keys {
        let value = cbor::span(&mut decoder)?;
        let fits = form
            .as_ref()
            .map_or_else(|| path.shape().admits(value), |form| form.conforms(path.shape(), value));
        fits.then_some(())?;
    }
    field(5, &mut decoder)?;
    (decoder.u64().ok()? >= u64::from(rule.k)).then_some(())?;
    field(6, &mut decoder)?;
    (decoder.array().ok()?? == rule.sums.len() as u64).then_some(())?;
    for (path, _) in &rule.sums {
        let value = cbor::span(&mut decoder)?;
        let shape = if path.shape() == Shape::Number { Shape::Measure } else { path.shape() };
        shape.admits(value).then_some(())?;
    }
    (decoder.position() == payload.len()).then_some((rule, start))
}

//! What would hurt the store first if its line were gone from now on?

use super::{Finding, Outcome, Subject, existing};
use crate::{
    enrol,
    horizon::{self, Horizon, growth::Growth},
};
use aisle_enrolment::Status;

const ID: &str = "horizon";
const FIX: &str = "see to it before the line is needed; `aisle-node status` shows all of it";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let facts = aisle_enrolment::identity_on_disk(subject.data).ok().flatten();
    let status = Status { not_after_ms: facts.map(|facts| facts.validity.not_after.0), ..Status::default() };
    let growth = Growth::kept(&horizon::growth_path(subject.data));
    let items =
        horizon::certificate(&status).into_iter().chain(horizon::disk(existing(subject.data), &growth));
    judge(&Horizon::of(items.collect(), enrol::clock(subject.data).guess()))
}

fn judge(horizon: &Horizon) -> Finding {
    match horizon.alerts().map(|(is_over, said)| (is_over, said.to_owned())).next() {
        Some((true, said)) => Finding { outcome: Outcome::Fail, ..Finding::warn(ID, said, FIX) },
        Some((false, said)) => Finding::warn(ID, said, FIX),
        None => Finding::ok(ID, horizon.said.clone()),
    }
}

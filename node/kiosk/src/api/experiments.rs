//! What the arms of an experiment led to, computed from the counts of events.

use crate::{
    api::json,
    app::App,
    engine::lift::{self, Counters, Interval},
    http::problem::Problem,
};
use aisle_state::ArmCounters;
use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The arm that others are compared with; without one of this name, the first.
const CONTROL: &str = "control";

/// Every experiment that was counted.
#[derive(Serialize, ToSchema)]
#[schema(as = Experiments)]
struct ExperimentsView<'a> {
    experiments: Vec<ExperimentView<'a>>,
}

/// One experiment.
#[derive(Serialize, ToSchema)]
#[schema(as = Experiment)]
struct ExperimentView<'a> {
    #[schema(example = "ranking-2025-11")]
    experiment: &'a str,
    arms: Vec<ArmView<'a>>,
}

/// One arm of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Arm)]
struct ArmView<'a> {
    #[schema(example = "control")]
    arm: &'a str,
    /// True for the arm that the others are compared with.
    control: bool,
    sessions: u64,
    /// Products that were shown as recommendations.
    impressions: u64,
    /// Recommendations that were touched.
    clicks: u64,
    /// Times something was put into a basket.
    adds: u64,
    /// Baskets that were paid.
    purchases: u64,
    /// How each rate stands; absent rates have nothing to count yet.
    rates: RatesView,
    /// How much higher each rate is than the control's, in absolute terms: 0.01 is one point of a hundred. `null` for the control.
    lift: Option<RatesView>,
}

/// Rates of an arm.
#[derive(Serialize, ToSchema)]
#[schema(as = Rates)]
struct RatesView {
    /// Clicks for each impression.
    clicks: Option<IntervalView>,
    /// Additions to a basket for each session; more than one in a session count as one each, up to all sessions.
    adds: Option<IntervalView>,
    /// Purchases for each session.
    purchases: Option<IntervalView>,
}

/// An estimate with its 95 % interval.
#[derive(Serialize, ToSchema)]
#[schema(as = Interval)]
struct IntervalView {
    estimate: f64,
    low: f64,
    high: f64,
}

impl From<lift::Rates> for RatesView {
    fn from(rates: lift::Rates) -> Self {
        let view = |interval: Option<Interval>| {
            interval.map(|Interval { estimate, low, high }| IntervalView { estimate, low, high })
        };
        Self { clicks: view(rates.clicks), adds: view(rates.adds), purchases: view(rates.purchases) }
    }
}

/// Lists experiments with the counts, rates and lift of their arms.
#[utoipa::path(
    get, path = "/v1/admin/experiments", tag = "operation", operation_id = "listExperiments",
    responses((status = 200, description = "The experiments.", body = ExperimentsView)),
)]
pub(super) async fn list(State(app): State<App>) -> Result<Response, Problem> {
    let shop = app.shop();
    let mut experiments: BTreeMap<&str, Vec<(&str, ArmCounters)>> = BTreeMap::new();
    for (name, counters) in &shop.experiments {
        let (experiment, arm) = name.as_str().split_once('/').unwrap_or((name.as_str(), ""));
        experiments.entry(experiment).or_default().push((arm, *counters));
    }
    let experiments = experiments
        .into_iter()
        .map(|(experiment, arms)| ExperimentView { experiment, arms: compare(&arms) })
        .collect();
    Ok(json(StatusCode::OK, &ExperimentsView { experiments }))
}

fn compare<'a>(arms: &[(&'a str, ArmCounters)]) -> Vec<ArmView<'a>> {
    let control = arms.iter().position(|(arm, _)| *arm == CONTROL).unwrap_or(0);
    let base = arms.get(control).map(|(_, counters)| proportions(counters)).unwrap_or_default();
    let view = |(at, (arm, counters)): (usize, &(&'a str, ArmCounters))| ArmView {
        arm,
        control: at == control,
        sessions: counters.sessions,
        impressions: counters.impressions,
        clicks: counters.clicks,
        adds: counters.adds,
        purchases: counters.purchases,
        rates: lift::rates(&proportions(counters)).into(),
        lift: (at != control).then(|| lift::lift(&proportions(counters), &base).into()),
    };
    arms.iter().enumerate().map(view).collect()
}

/// The counts as parts of what they are compared with: clicks of impressions, the rest of sessions.
fn proportions(counters: &ArmCounters) -> Counters {
    Counters {
        sessions: counters.sessions,
        impressions: counters.impressions,
        clicks: counters.clicks.min(counters.impressions),
        adds: counters.adds.min(counters.sessions),
        purchases: counters.purchases.min(counters.sessions),
    }
}

//! Cold chain units, as administrators see them.

use aisle_event::{
    Timestamp,
    cold_chain::{ColdGroup, ColdRule, ColdVerdict},
};
use aisle_inventory::cold_chain::{Excursion, UnitView as Known};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A unit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ColdChainUnit)]
pub(crate) struct UnitView {
    /// Its name.
    pub unit: String,
    /// How its food is kept.
    #[schema(value_type = ColdGroupName)]
    pub group: ColdGroup,
    /// Its limit, in °C.
    pub limit_celsius: f64,
    /// How long food may be outside before that is an excursion, in seconds.
    pub grace_s: u32,
    /// What is kept in it.
    pub skus: Vec<String>,
    /// How it is: `ok`, `warming`, `excursion`, `acknowledged` or `unknown`.
    #[schema(example = "ok")]
    pub state: String,
    /// The air at the worst probe, in °C.
    pub air_celsius: Option<f64>,
    /// The food, by the filter between air and food, in °C.
    pub product_celsius: Option<f64>,
    /// When the newest reading was taken.
    #[serde(with = "aisle_devices::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
    /// How old that is, in seconds.
    pub age_s: Option<u64>,
    /// A probe is in doubt.
    pub is_doubtful: bool,
    /// Time outside that counts against the hours, in seconds.
    pub counted_s: u64,
    /// How much of it is allowed, in seconds.
    pub allowed_s: u64,
    /// How long there is until food must go, in seconds; nothing when no time is running out.
    pub left_s: Option<u64>,
    /// The streams that watch it.
    pub probes: Vec<ProbeLine>,
    /// Its excursions, the newest first.
    pub excursions: Vec<ExcursionView>,
}

/// A stream that watches a unit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ColdChainProbe)]
pub(crate) struct ProbeLine {
    /// Of which device.
    pub device: String,
    /// Which of its streams.
    pub stream: String,
    /// Its newest reading, in °C.
    pub celsius: Option<f64>,
    /// When that was taken.
    #[serde(with = "aisle_devices::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Whether its device is there; nothing when that was never said.
    pub online: Option<bool>,
    /// What is odd about it.
    pub doubts: Vec<String>,
}

/// A time in which a unit was not as it must be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ColdChainExcursion)]
pub(crate) struct ExcursionView {
    /// Its name.
    pub excursion: String,
    /// The rule that was broken.
    #[schema(value_type = String, example = "limit")]
    pub rule: ColdRule,
    /// Since when.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Until when; nothing while it lasts.
    #[serde(with = "aisle_devices::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// The value furthest outside so far, in °C.
    pub peak_celsius: Option<f64>,
    /// Who has seen it, and what was done.
    pub acknowledgements: Vec<AcknowledgementView>,
    /// What became of the food; nothing while it lasts.
    #[schema(value_type = Option<String>, example = "safe")]
    pub verdict: Option<ColdVerdict>,
    /// How long food was outside, in seconds; nothing while it lasts.
    pub outside_s: Option<u64>,
    /// The products that it touched; none while it lasts.
    pub skus: Vec<String>,
    /// The lots that it touched, as far as receipts say; none while it lasts.
    pub lots: Vec<String>,
}

/// A person has seen an excursion.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = ColdChainAcknowledgement)]
pub(crate) struct AcknowledgementView {
    /// Who.
    pub by: String,
    /// What was done.
    pub action: Option<String>,
    /// When.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// How food is kept.
#[derive(ToSchema)]
#[schema(as = ColdGroup, rename_all = "snake_case")]
#[expect(dead_code, reason = "gives the schema; the event's own group writes it")]
pub(crate) enum ColdGroupName {
    Chilled,
    Hot,
    Frozen,
}

/// A unit as it is to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ColdChainUnitDefinition)]
pub(crate) struct UnitBody {
    /// How its food is kept.
    #[schema(value_type = ColdGroupName)]
    pub group: ColdGroup,
    /// A limit of its own, in °C, instead of the group's (5, 57 or -18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -100, maximum = 300)]
    pub limit_celsius: Option<f64>,
    /// A grace of its own, in seconds, instead of `cold_chain.grace_s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_s: Option<u32>,
    /// What is kept in it.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub skus: Vec<String>,
}

/// A person has seen an excursion.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Acknowledgement)]
pub(crate) struct AcknowledgementBody {
    /// Who.
    #[schema(min_length = 1, max_length = 256)]
    pub by: String,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub action: Option<String>,
}

impl UnitView {
    /// A unit as of now; nothing is known of it after so many seconds of silence.
    pub(crate) fn of(unit: &Known, now: Timestamp, silent_s: u32) -> Self {
        let probes = unit.probes.iter().map(|probe| ProbeLine {
            device: probe.watch.device.to_string(),
            stream: probe.watch.stream.to_string(),
            celsius: probe.last.map(|(_, milli)| celsius(milli)),
            at: probe.last.map(|(at, _)| at),
            online: probe.online,
            doubts: probe.doubts.iter().map(ToString::to_string).collect(),
        });
        Self {
            unit: unit.name.to_string(),
            group: unit.limit.group,
            limit_celsius: celsius(unit.limit.milli),
            grace_s: unit.grace_s,
            skus: unit.skus.iter().map(ToString::to_string).collect(),
            state: unit.state(now, silent_s).as_str().into(),
            air_celsius: unit.air_milli.map(celsius),
            product_celsius: unit.product_milli.map(celsius),
            as_of: unit.as_of,
            age_s: unit.age_s(now),
            is_doubtful: unit.is_doubtful,
            counted_s: unit.counted_s,
            allowed_s: unit.allowed_s,
            left_s: unit.left_s(now),
            probes: probes.collect(),
            excursions: unit.excursions.iter().rev().map(|one| ExcursionView::of(one)).collect(),
        }
    }
}

impl ExcursionView {
    /// An excursion as it stands.
    pub(crate) fn of(one: &Excursion) -> Self {
        let closed = one.closed.as_ref();
        let texts = |all: &[_]| all.iter().map(ToString::to_string).collect();
        Self {
            excursion: one.name.to_string(),
            rule: one.rule,
            since: one.since,
            until: one.until,
            peak_celsius: one.peak_milli.map(celsius),
            acknowledgements: one
                .actions
                .iter()
                .map(|action| AcknowledgementView {
                    by: action.by.to_string(),
                    action: action.action.as_ref().map(ToString::to_string),
                    at: action.at,
                })
                .collect(),
            verdict: closed.map(|closed| closed.verdict),
            outside_s: closed.map(|closed| closed.outside_s),
            skus: closed.map(|closed| texts(&closed.skus)).unwrap_or_default(),
            lots: closed
                .map(|closed| closed.lots.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
        }
    }
}

fn celsius(milli: i32) -> f64 {
    f64::from(milli) / 1000.0
}

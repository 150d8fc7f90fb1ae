//! A policy as it is written. Every key that is not named here is refused.

use crate::precision::Precision;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    pub(super) aisle_policy: Spanned<i64>,
    pub(super) name: Spanned<String>,
    pub(super) version: Spanned<u32>,
    pub(super) home: Spanned<String>,
    #[serde(default)]
    pub(super) destination: Vec<RawDestination>,
    #[serde(default)]
    pub(super) rule: Vec<RawRule>,
    #[serde(default)]
    pub(super) aggregate: Vec<RawAggregate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDestination {
    pub(super) region: Spanned<String>,
    pub(super) clock: Precision,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Word {
    Pass,
    Token,
    Coarsen,
    Aggregate,
    Drop,
}

impl Word {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Token => "token",
            Self::Coarsen => "coarsen",
            Self::Aggregate => "aggregate",
            Self::Drop => "drop",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) to: Vec<Spanned<String>>,
    pub(super) fields: Vec<Spanned<String>>,
    pub(super) action: Spanned<Word>,
    pub(super) by: Option<Spanned<RawForm>>,
    pub(super) purpose: Option<Spanned<String>>,
    pub(super) bits: Option<Spanned<i64>>,
    pub(super) basis: Option<Spanned<String>>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct RawForm {
    pub(super) time: Option<Precision>,
    pub(super) money_minor: Option<i64>,
    pub(super) quantity_thousandths: Option<i64>,
    pub(super) measure_millionths: Option<i64>,
    pub(super) number: Option<i64>,
    pub(super) days: Option<i64>,
    pub(super) prefix: Option<usize>,
    pub(super) category: Option<BTreeMap<String, String>>,
    pub(super) other: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAggregate {
    pub(super) name: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) event: Spanned<String>,
    pub(super) time: Spanned<String>,
    pub(super) window: Spanned<Precision>,
    #[serde(default)]
    pub(super) keys: Vec<RawKey>,
    #[serde(default)]
    pub(super) sums: Vec<RawSum>,
    pub(super) each: Spanned<String>,
    pub(super) k: Spanned<i64>,
    pub(super) rows_max: Spanned<i64>,
    pub(super) noise: Option<RawNoise>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKey {
    pub(super) field: Spanned<String>,
    pub(super) by: Option<Spanned<RawForm>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSum {
    pub(super) field: Spanned<String>,
    pub(super) at_most: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNoise {
    pub(super) epsilon: Spanned<String>,
    pub(super) budget: Spanned<String>,
    pub(super) budget_days: Spanned<i64>,
}

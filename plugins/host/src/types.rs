//! What the hooks speak of, as the WIT in `plugins/wit` has it: plain structs and enums, nothing of the sandbox.

pub use crate::bindings::aisle::plugin::{
    kv::Refusal as KvRefusal,
    log::Level,
    pricing_types::{NewPrice, PricingInput},
    promotion_types::{
        Adjustment, BasketDiscount, Given, LineDiscount, Points, PromotionInput, Refusal, TakeBack,
    },
    ranking_types::{Candidate, Ranked, RankingInput, Slot},
    reaction_types::{
        Action, Alert, Anomaly, Excursion, GoodsReceived, Happening, OpenTask, ReactionInput, SetLabel,
        SetPrice, StockChanged, Suppress,
    },
    replenishment_types::{Demand, OrderLine, ReplenishmentInput},
    types::{Context, Customer, Failure as Unable, Line, Position, Product, Setting, Unit},
};
use crate::{check, hook::Hook};
use serde::{Deserialize, Serialize};

/// What a plugin is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "hook", rename_all = "kebab-case")]
pub enum Input {
    /// What one unit costs.
    Pricing(PricingInput),
    /// Offers.
    Promotion(PromotionInput),
    /// The order of recommendations.
    Ranking(RankingInput),
    /// How much to order.
    Replenishment(ReplenishmentInput),
    /// What follows.
    Reaction(ReactionInput),
}

/// What a plugin answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "hook", content = "items", rename_all = "kebab-case")]
pub enum Output {
    /// Other prices.
    Pricing(Vec<NewPrice>),
    /// Offers.
    Promotion(Vec<Adjustment>),
    /// The order of recommendations.
    Ranking(Vec<Ranked>),
    /// How much to order.
    Replenishment(Vec<OrderLine>),
    /// What is to be done.
    Reaction(Vec<Action>),
}

impl Input {
    /// About how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        check::input_bytes(self)
    }

    /// The hook that is asked.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        match self {
            Self::Pricing(_) => Hook::Pricing,
            Self::Promotion(_) => Hook::Promotion,
            Self::Ranking(_) => Hook::Ranking,
            Self::Replenishment(_) => Hook::Replenishment,
            Self::Reaction(_) => Hook::Reaction,
        }
    }

    /// When and where.
    #[must_use]
    pub const fn context(&self) -> &Context {
        match self {
            Self::Pricing(input) => &input.context,
            Self::Promotion(input) => &input.context,
            Self::Ranking(input) => &input.context,
            Self::Replenishment(input) => &input.context,
            Self::Reaction(input) => &input.context,
        }
    }

    /// The same, to be changed: a candidate is asked with its own settings.
    pub const fn context_mut(&mut self) -> &mut Context {
        match self {
            Self::Pricing(input) => &mut input.context,
            Self::Promotion(input) => &mut input.context,
            Self::Ranking(input) => &mut input.context,
            Self::Replenishment(input) => &mut input.context,
            Self::Reaction(input) => &mut input.context,
        }
    }
}

impl Output {
    /// The hook that answered.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        match self {
            Self::Pricing(_) => Hook::Pricing,
            Self::Promotion(_) => Hook::Promotion,
            Self::Ranking(_) => Hook::Ranking,
            Self::Replenishment(_) => Hook::Replenishment,
            Self::Reaction(_) => Hook::Reaction,
        }
    }

    /// How many items the answer has.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Pricing(items) => items.len(),
            Self::Promotion(items) => items.len(),
            Self::Ranking(items) => items.len(),
            Self::Replenishment(items) => items.len(),
            Self::Reaction(items) => items.len(),
        }
    }

    /// Whether the plugin left everything as it was.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

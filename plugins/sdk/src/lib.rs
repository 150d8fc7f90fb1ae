//! What authors of Aisle's plugins depend on.
//!
//! A plugin is a type that implements one trait for each of its hooks, and [`export!`]:
//!
//! ```no_run
//! use aisle_plugin_sdk::{Adjustment, Failure, LineDiscount, Promotion, PromotionInput, percent_of};
//!
//! struct TenPercent;
//!
//! impl Promotion for TenPercent {
//!     fn promote(input: PromotionInput) -> Result<Vec<Adjustment>, Failure> {
//!         let settings = input.context.settings();
//!         let (category, percent) = (settings.required::<String>("category")?, settings.required::<i64>("percent")?);
//!         let lines = input.lines_in(&category).filter(|line| line.cost() > 0);
//!         let discount = |line: &aisle_plugin_sdk::Line| LineDiscount {
//!             line: line.number,
//!             amount: percent_of(line.cost(), percent),
//!             reason: format!("{percent} % off {category}"),
//!         };
//!         Ok(lines.map(|line| Adjustment::LineDiscount(discount(line))).collect())
//!     }
//! }
//!
//! aisle_plugin_sdk::export!(TenPercent: Promotion);
//! # fn main() {}
//! ```
//!
//! Money is whole minor units, quantities are thousandths ([`money`]); settings come from `plugin.toml` ([`Settings`]); days are counted
//! in the store's zone ([`day`]). [`log`], [`clock`], [`random`], [`catalog`], [`stock`] and [`kv`] are what a plugin may ask, each
//! where its `plugin.toml` grants it. What is not asked is not imported.
//!
//! Each call runs in a fresh instance: nothing that is kept in a `static` is there at the next one. So memory is given back by
//! the end of the call, and the allocator only goes forward (feature `bump`, on by default). A panic is a trap: the call has failed.

#[cfg(all(target_arch = "wasm32", feature = "bump"))]
mod allocator;
pub mod basket;
#[doc(hidden)]
pub mod bindings;
pub mod day;
mod export;
mod failure;
pub mod money;
pub mod settings;

use bindings::host::aisle::plugin as contract;

pub use bindings::{
    pricing::Guest as Pricing, promotion::Guest as Promotion, ranking::Guest as Ranking,
    reaction::Guest as Reaction, replenishment::Guest as Replenishment,
};
pub use contract::{
    catalog, clock, kv, log,
    pricing_types::{NewPrice, PricingInput},
    promotion_types::{
        Adjustment, BasketDiscount, Given, LineDiscount, Points, PromotionInput, Refusal, TakeBack,
    },
    random,
    ranking_types::{Candidate, Ranked, RankingInput, Slot},
    reaction_types::{
        Action, Alert, Anomaly, Excursion, GoodsReceived, Happening, OpenTask, ReactionInput, SetLabel,
        SetPrice, StockChanged, Suppress,
    },
    replenishment_types::{Demand, OrderLine, ReplenishmentInput},
    stock,
    types::{Context, Customer, Failure, Line, Position, Product, Setting, Unit},
};
pub use money::{percent_of, ratio};
pub use settings::Settings;

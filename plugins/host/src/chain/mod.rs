//! What a basket costs: `pricing`, then `promotion`, through all plugins in their order. Pure: who is asked, how, and what is recorded
//! of it is behind [`Member`].
//!
//! Guards that the same basket and the same plugins give the same prices, in whichever order the plugins are held.

mod ledger;
mod priced;
mod run;

pub use aisle_event::quantity::cost;
pub use ledger::Ledger;
pub use priced::{Adjusted, Denied, EarnedPoints, Effect, Made, Priced, PricedLine, RefusedLine, Share};
pub use run::price;

use crate::{
    call::{Call, Stamp},
    hook::Hook,
    manifest::OnFailure,
    types::{Context, Customer, Input, Line, Setting},
};
use std::sync::Arc;

/// A basket before plugins.
#[derive(Debug, Clone, PartialEq)]
pub struct Basket {
    /// When and where. Its settings are put in for each plugin.
    pub context: Context,
    /// Who is buying, where that is known.
    pub customer: Option<Customer>,
    /// Coupon codes, in capitals.
    pub coupons: Vec<String>,
    /// What is in it, each line with a number of its own, at the prices of the catalogue.
    pub lines: Vec<Line>,
}

/// A plugin as the chain sees it.
pub trait Member {
    /// Its name and version.
    fn stamp(&self) -> &Stamp;
    /// Its place: the smaller the earlier; of equal ones the smaller id.
    fn order(&self) -> i32;
    /// Whether it is asked at this hook. One that is left out for its failures is not.
    fn has(&self, hook: Hook) -> bool;
    /// What happens when it fails.
    fn on_failure(&self) -> OnFailure;
    /// Its settings.
    fn settings(&self) -> &[Setting];
    /// Asks it.
    fn call(&self, input: &Arc<Input>) -> Arc<Call>;
    /// The good version before it, for [`OnFailure::LastGood`].
    fn last_good(&self) -> Option<&dyn Member>;
}

/// The members in the order in which they are asked.
#[must_use]
pub fn in_order<'a>(members: &[&'a dyn Member]) -> Vec<&'a dyn Member> {
    let mut ordered = members.to_vec();
    ordered.sort_by(|one, other| (one.order(), one.stamp()).cmp(&(other.order(), other.stamp())));
    ordered
}

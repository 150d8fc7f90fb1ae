//! A generated grocery: some months of plausible trade, as events in order of time.
//!
//! The shop is a small world, not noise. Shoppers come for a reason ([`mission`]), have a taste and favourites
//! ([`household`]), find some things sold out ([`stockroom`]) and others on offer ([`promotion`]); so there is
//! something to learn from what they buy together. The same [`Plan`] gives the same events, byte for byte.
//!
//! Not here: writing the events down ([`store`] does), or any judgement of what is learnt from them.
//! Guards: times never go backwards, the book of a product never falls below zero, no event lies after the plan's end.

mod article;
mod assortment;
mod basket;
mod calendar;
mod day;
mod household;
mod mission;
mod plan;
mod promotion;
mod stockroom;
mod store;
mod visit;

pub(crate) use article::gtin;
pub use plan::{Plan, PlanError};
pub use store::{Progress, WriteError, Written, write};

use aisle_event::Event;
use article::Catalogue;
use calendar::Calendar;
use promotion::Promotions;
use std::vec;
use stockroom::Stockroom;
use visit::{Numbers, Returns};

/// The shop on its way through its days: an iterator of events in order of time.
#[derive(Debug)]
pub struct Shop {
    plan: Plan,
    calendar: Calendar,
    catalogue: Catalogue,
    stockroom: Stockroom,
    promotions: Promotions,
    returns: Returns,
    numbers: Numbers,
    days_done: u32,
    today: vec::IntoIter<Event>,
}

impl Shop {
    /// Lays out the shop of a plan, before its first day.
    ///
    /// # Errors
    /// When the plan asks for nothing, or for more products than there are names.
    pub fn open(plan: Plan) -> Result<Self, PlanError> {
        let calendar = Calendar::new(&plan)?;
        let catalogue = Catalogue::generate(&plan)?;
        let stockroom = Stockroom::new(&catalogue, &plan);
        Ok(Self {
            promotions: Promotions::new(&catalogue),
            plan,
            calendar,
            catalogue,
            stockroom,
            returns: Returns::default(),
            numbers: Numbers::default(),
            days_done: 0,
            today: Vec::new().into_iter(),
        })
    }

    /// The plan it follows.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many days have been generated so far.
    #[must_use]
    pub fn days_done(&self) -> u32 {
        self.days_done
    }
}

impl Iterator for Shop {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.today.next() {
                return Some(event);
            }
            if self.days_done == self.plan.days {
                return None;
            }
            let today = self.calendar.day(self.days_done);
            self.days_done += 1;
            self.today = self.live(&today).into_iter();
        }
    }
}

//! A year of the generated shop, reduced to what recommendations learn from.
//!
//! Sessions are what kiosk sessions viewed, in the order of their ends; baskets are what documents sold.

use aisle_event::{Event, SessionId, Sku, Timestamp};
use aisle_harness::shop::{Plan, Shop};
use aisle_recommend::Visit;
use anyhow::Result;
use std::{collections::HashMap, time::SystemTime};

/// Sessions at the end that nobody learns from: what is asked about.
pub(crate) const ASKED: usize = 3_000;

/// More than 100,000 sessions and 300,000 sales in a year, of which the last day is today.
pub(crate) fn plan() -> Plan {
    Plan { days: 365, visits_per_day: 1_000, ..Plan::usual(1, now()) }
}

/// What the shop saw.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// To learn from.
    pub(crate) sessions: Vec<Visit<Vec<Sku>>>,
    /// To learn from.
    pub(crate) baskets: Vec<Visit<Vec<Sku>>>,
    /// The sessions after those, to ask about; each viewed more than one product.
    pub(crate) asked: Vec<Vec<Sku>>,
}

impl History {
    /// Generates the shop of a plan.
    pub(crate) fn of(plan: Plan) -> Result<Self> {
        let mut history = Self::default();
        let mut open: HashMap<SessionId, Visit<Vec<Sku>>> = HashMap::new();
        for event in Shop::open(plan)? {
            match event {
                Event::SessionStarted(event) => {
                    open.insert(event.session, Visit { at: event.at, items: Vec::new() });
                }
                Event::ProductViewed(event) => {
                    if let Some(visit) = open.get_mut(&event.session) {
                        // A session remembers a product once, where it was viewed last.
                        visit.items.retain(|sku| *sku != event.sku);
                        visit.items.push(event.sku);
                    }
                }
                Event::SessionEnded(event) => history.sessions.extend(open.remove(&event.session)),
                Event::SaleRecorded(event) => {
                    let items = event.lines.into_iter().map(|line| line.sku).collect();
                    history.baskets.push(Visit { at: event.at, items });
                }
                _ => {}
            }
        }
        let learnt = history.sessions.len().saturating_sub(ASKED);
        let asked = history.sessions.split_off(learnt).into_iter().map(|visit| visit.items);
        history.asked = asked.filter(|items| items.len() > 1).collect();
        Ok(history)
    }
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

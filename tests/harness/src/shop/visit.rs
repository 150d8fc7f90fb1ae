//! Visits as the shop notes them down: till receipts, kiosk sessions, returns.

use super::{
    article::ArticleId,
    basket::Aisles,
    calendar::{HOUR_MS, VISIT_MS_MAX},
    household::Household,
    mission::Mission,
};
use aisle_event::{
    CustomerRef, DeviceId, DocumentId, Event, Name, Quantity, SessionId, SourceName, Timestamp, Unknown,
    sale::{ReturnRecorded, SaleLine, SaleRecorded},
    shopper::{
        BasketChanged, EndReason, ItemClicked, ItemsShown, ProductViewed, Rung, Searched, SessionEnded,
        SessionStarted, Slot,
    },
};
use rand::{Rng, RngExt, seq::IndexedRandom};
use std::collections::BTreeMap;

/// One in so many till receipts comes back in part.
const RETURNED_ONE_IN: u32 = 60;
const KIOSKS: u32 = 4;
const LANGUAGES: &[(&str, f64)] = &[("en", 8.0), ("de", 1.0), ("fr", 0.6), ("pl", 0.4)];

/// The running numbers of documents and sessions.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    document: u64,
    session: u64,
}

impl Numbers {
    /// Generated documents and sessions never share a number with those that a node gives out.
    fn document(&mut self, prefix: &str) -> Option<DocumentId> {
        self.document += 1;
        DocumentId::new(format!("generated-{prefix}{:07}", self.document)).ok()
    }

    fn session(&mut self) -> Option<SessionId> {
        self.session += 1;
        SessionId::new(format!("generated-{:07}", self.session)).ok()
    }
}

/// Goods that will be brought back, by the day on which they are.
#[derive(Debug, Default)]
pub(crate) struct Returns {
    due: BTreeMap<u32, Vec<Bought>>,
}

/// A line of an earlier receipt, on its way back.
#[derive(Debug)]
pub(crate) struct Bought {
    pub(crate) article: ArticleId,
    line: SaleLine,
    customer: Option<CustomerRef>,
}

impl Bought {
    /// Thousandths that come back.
    pub(crate) const fn thousandths(&self) -> i64 {
        self.line.quantity.thousandths
    }

    /// The note of the return.
    pub(crate) fn bring_back(self, at: Timestamp, numbers: &mut Numbers) -> Option<Event> {
        let returned = ReturnRecorded {
            source: SourceName::new("till").ok()?,
            document: numbers.document("R")?,
            lines: vec![SaleLine { line: 1, ..self.line }],
            at,
            customer: self.customer,
            country: None,
            unknown: Unknown::default(),
        };
        Some(returned.into())
    }
}

impl Returns {
    /// What comes back today, and when.
    pub(crate) fn today(&mut self, day: u32, rng: &mut impl Rng) -> Vec<(i64, Bought)> {
        let due = self.due.remove(&day).unwrap_or_default();
        due.into_iter().map(|bought| (rng.random_range(8 * HOUR_MS..20 * HOUR_MS), bought)).collect()
    }
}

/// What a visit led to: the events, and what left the shelves.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<(Timestamp, Event)>,
    pub(crate) taken: Vec<(ArticleId, i64)>,
}

/// One visit while it goes on.
pub(crate) struct Visit<'a, R> {
    pub(crate) aisles: Aisles<'a>,
    pub(crate) household: Household,
    pub(crate) mission: &'static Mission,
    pub(crate) at: Timestamp,
    pub(crate) numbers: &'a mut Numbers,
    pub(crate) rng: &'a mut R,
}

impl<R: Rng> Visit<'_, R> {
    /// Straight to the till.
    pub(crate) fn at_the_till(mut self, returns: &mut Returns) -> Outcome {
        let wishes = self.aisles.wishes(self.mission, self.household, self.rng);
        let basket = wishes.into_iter().map(|id| (id, self.aisles.amount(id, self.rng))).collect();
        let at = self.at.saturating_add_ms(self.rng.random_range(4..25) * 60_000);
        let customer = self.household.card().and_then(|card| CustomerRef::new(card).ok());
        let mut outcome = Outcome::default();
        let Some(sale) = self.sale("till", at, None, basket, &mut outcome) else { return outcome };
        let sale = SaleRecorded { customer, ..sale };
        if self.rng.random_ratio(1, RETURNED_ONE_IN)
            && let Some(((article, _), line)) = outcome.taken.iter().zip(&sale.lines).next()
        {
            let back = self.aisles.day.index + self.rng.random_range(1..=7);
            let bought = Bought { article: *article, line: line.clone(), customer: sale.customer.clone() };
            returns.due.entry(back).or_default().push(bought);
        }
        outcome.events.push((at, sale.into()));
        outcome
    }

    /// Through a kiosk: looking around, putting things into the basket, paying or not.
    pub(crate) fn at_a_kiosk(mut self) -> Outcome {
        let mut outcome = Outcome::default();
        self.browse(&mut outcome);
        outcome
    }

    fn browse(&mut self, outcome: &mut Outcome) -> Option<()> {
        let latest = self.at.saturating_add_ms(VISIT_MS_MAX - 60_000);
        let session = self.numbers.session()?;
        self.start(&session, outcome)?;
        let wishes = self.aisles.wishes(self.mission, self.household, self.rng);
        let mut basket = Vec::new();
        for wish in wishes {
            let category = super::article::category_index(self.aisles.catalogue.article(wish).category.name)?;
            if self.rng.random_bool(0.4) {
                let other = self.aisles.find(category, self.household, self.rng);
                other
                    .filter(|other| *other != wish)
                    .into_iter()
                    .for_each(|other| self.view(&session, other, outcome));
            }
            self.view(&session, wish, outcome);
            if self.at >= latest {
                break;
            }
            if self.rng.random_bool(0.6) {
                let thousandths = self.aisles.amount(wish, self.rng);
                basket.push((wish, thousandths));
                self.put(&session, wish, thousandths, outcome);
            }
        }
        let pays = !basket.is_empty() && self.rng.random_bool(0.65);
        self.pause(5, 40);
        let sale =
            if pays { self.sale("kiosk", self.at, Some(session.clone()), basket, outcome) } else { None };
        let reason = match &sale {
            Some(_) => EndReason::CheckedOut,
            None if self.rng.random_bool(0.4) => EndReason::Left,
            None => EndReason::Idle,
        };
        outcome.events.extend(sale.map(|sale| (self.at, sale.into())));
        self.note(outcome, SessionEnded { session, reason, at: self.at, unknown: Unknown::default() });
        Some(())
    }

    fn start(&mut self, session: &SessionId, outcome: &mut Outcome) -> Option<()> {
        let (language, _) = LANGUAGES.choose_weighted(self.rng, |(_, weight)| *weight).ok()?;
        let kiosk = DeviceId::new(format!("kiosk-{}", self.rng.random_range(1..=KIOSKS))).ok();
        self.note(
            outcome,
            SessionStarted {
                session: session.clone(),
                kiosk,
                language: Name::new(language).ok(),
                at: self.at,
                arm: None,
                unknown: Unknown::default(),
            },
        );
        if self.rng.random_bool(0.2) {
            self.pause(4, 20);
            let hits = self.rng.random_range(4..40);
            self.note(
                outcome,
                Searched {
                    session: session.clone(),
                    terms: Name::new(self.mission.search).ok()?,
                    hits,
                    at: self.at,
                    unknown: Unknown::default(),
                },
            );
        }
        Some(())
    }

    /// Opens a product's page; now and then the row of what goes with it is looked at, and touched.
    fn view(&mut self, session: &SessionId, id: ArticleId, outcome: &mut Outcome) {
        self.pause(5, 60);
        let article = self.aisles.catalogue.article(id);
        let unknown = Unknown::default;
        self.note(
            outcome,
            ProductViewed {
                session: session.clone(),
                sku: article.sku.clone(),
                at: self.at,
                unknown: unknown(),
            },
        );
        let companions: Vec<_> =
            article.companions.iter().map(|id| self.aisles.catalogue.article(*id).sku.clone()).collect();
        if companions.is_empty() || !self.rng.random_bool(0.15) {
            return;
        }
        self.pause(1, 4);
        let touched = self.rng.random_bool(0.2).then(|| self.rng.random_range(0..companions.len()));
        let clicked = touched.and_then(|position| Some((position, companions.get(position)?.clone())));
        self.note(
            outcome,
            ItemsShown {
                session: session.clone(),
                slot: Slot::Product,
                skus: companions,
                rung: Rung::Rules,
                arm: None,
                at: self.at,
                unknown: unknown(),
            },
        );
        if let Some((position, sku)) = clicked {
            self.pause(2, 10);
            self.note(
                outcome,
                ItemClicked {
                    session: session.clone(),
                    slot: Slot::Product,
                    sku,
                    position: position as u32,
                    arm: None,
                    at: self.at,
                    unknown: unknown(),
                },
            );
        }
    }

    fn put(&mut self, session: &SessionId, id: ArticleId, thousandths: i64, outcome: &mut Outcome) {
        self.pause(2, 12);
        let article = self.aisles.catalogue.article(id);
        self.note(
            outcome,
            BasketChanged {
                session: session.clone(),
                sku: article.sku.clone(),
                quantity: Quantity { thousandths, unit: article.category.unit },
                at: self.at,
                arm: None,
                unknown: Unknown::default(),
            },
        );
    }

    /// The receipt for a basket, less what is not there; `None` when nothing is left of it.
    fn sale(
        &mut self,
        source: &str,
        at: Timestamp,
        session: Option<SessionId>,
        basket: Vec<(ArticleId, i64)>,
        outcome: &mut Outcome,
    ) -> Option<SaleRecorded> {
        let mut lines = Vec::with_capacity(basket.len());
        for (id, wanted) in basket {
            let article = self.aisles.catalogue.article(id);
            let thousandths = wanted.min(self.aisles.stockroom.on_hand(id));
            if thousandths > 0 {
                outcome.taken.push((id, thousandths));
                lines.push(SaleLine {
                    line: lines.len() as u32 + 1,
                    sku: article.sku.clone(),
                    quantity: Quantity { thousandths, unit: article.category.unit },
                    unit_price: self.aisles.promotions.price(id, self.aisles.catalogue),
                    repriced: None,
                    unknown: Unknown::default(),
                });
            }
        }
        if lines.is_empty() {
            return None;
        }
        Some(SaleRecorded {
            source: SourceName::new(source).ok()?,
            document: self.numbers.document(if source == "till" { "T" } else { "K" })?,
            lines,
            at,
            session,
            customer: None,
            country: None,
            idempotency_key: None,
            arm: None,
            adjustments: Vec::new(),
            points: Vec::new(),
            unknown: Unknown::default(),
        })
    }

    fn pause(&mut self, seconds_min: i64, seconds_max: i64) {
        self.at = self.at.saturating_add_ms(self.rng.random_range(seconds_min * 1000..seconds_max * 1000));
    }

    fn note(&self, outcome: &mut Outcome, event: impl Into<Event>) {
        outcome.events.push((self.at, event.into()));
    }
}

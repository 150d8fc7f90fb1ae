//! What the catalogue does over time: products come and go, prices change, offers run from Thursday to Wednesday.

use super::{
    article::{ArticleId, Catalogue, shelf_price},
    calendar::{DAY_MS, Day, HOUR_MS, Weekday},
};
use aisle_event::{
    Event, Money, Timestamp,
    stock::{PriceChanged, ProductDelisted, ProductListed},
};
use rand::{
    Rng, RngExt,
    seq::{IndexedRandom, index},
};

/// One article in so many is on offer.
const OFFERED_ONE_IN: usize = 30;
const LISTINGS_MS: i64 = 4 * HOUR_MS;
const PRICES_MS: i64 = 4 * HOUR_MS + HOUR_MS / 2;

/// Today's prices and offers.
#[derive(Debug)]
pub(crate) struct Promotions {
    /// The price of each article, by its id, and whether it is an offer.
    prices: Vec<(Money, bool)>,
    /// The articles on offer, by category.
    offered: Vec<Vec<ArticleId>>,
}

impl Promotions {
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        Self {
            prices: catalogue.ids().map(|id| (catalogue.article(id).price, false)).collect(),
            offered: catalogue.shelves().map(|_| Vec::new()).collect(),
        }
    }

    /// What one unit costs today.
    pub(crate) fn price(&self, id: ArticleId, catalogue: &Catalogue) -> Money {
        self.prices.get(id.index()).map_or_else(|| catalogue.article(id).price, |(price, _)| *price)
    }

    /// An article of a category that is on offer, when there is one.
    pub(crate) fn offer(&self, category: usize, rng: &mut impl Rng) -> Option<ArticleId> {
        self.offered.get(category)?.choose(rng).copied()
    }

    /// The night's changes: listings, and on Thursdays the end of the old offers and the start of the new.
    pub(crate) fn night(
        &mut self,
        day: &Day,
        catalogue: &Catalogue,
        rng: &mut impl Rng,
    ) -> Vec<(Timestamp, Event)> {
        let mut events = Vec::new();
        let at = day.at(LISTINGS_MS);
        for article in catalogue.ids().map(|id| catalogue.article(id)) {
            if article.listed_day == day.index {
                let listed = ProductListed {
                    sku: article.sku.clone(),
                    name: article.name.clone(),
                    price: article.price,
                    unit: article.category.unit,
                    gtin: article.gtin,
                    category: Some(article.category_name.clone()),
                    at,
                    unknown: Default::default(),
                };
                events.push((at, listed.into()));
            }
            if article.delisted_day == Some(day.index) {
                let delisted = ProductDelisted { sku: article.sku.clone(), at, unknown: Default::default() };
                events.push((at, delisted.into()));
            }
        }
        if day.weekday == Weekday::THURSDAY {
            self.end_offers(day, catalogue, &mut events);
            self.start_offers(day, catalogue, rng, &mut events);
        }
        events
    }

    fn end_offers(&mut self, day: &Day, catalogue: &Catalogue, events: &mut Vec<(Timestamp, Event)>) {
        let at = day.at(PRICES_MS);
        for (id, (price, on_offer)) in catalogue.ids().zip(&mut self.prices) {
            if *on_offer {
                let article = catalogue.article(id);
                (*price, *on_offer) = (article.price, false);
                if article.is_listed(day.index) {
                    let changed = PriceChanged {
                        sku: article.sku.clone(),
                        price: article.price,
                        at,
                        valid_until: None,
                        unknown: Default::default(),
                    };
                    events.push((at, changed.into()));
                }
            }
        }
        self.offered.iter_mut().for_each(Vec::clear);
    }

    fn start_offers(
        &mut self,
        day: &Day,
        catalogue: &Catalogue,
        rng: &mut impl Rng,
        events: &mut Vec<(Timestamp, Event)>,
    ) {
        let at = day.at(PRICES_MS);
        let valid_until = Some(at.saturating_add_ms(7 * DAY_MS));
        for (articles, offered) in catalogue.shelves().zip(&mut self.offered) {
            let count = articles.len() / OFFERED_ONE_IN + usize::from(rng.random_bool(0.5));
            let chosen = index::sample(rng, articles.len(), count.min(articles.len()));
            for id in chosen.iter().filter_map(|place| articles.get(place).copied()) {
                let article = catalogue.article(id);
                let Some(entry) = self.prices.get_mut(id.index()) else { continue };
                if !article.is_listed(day.index) || article.listed_day == day.index {
                    continue;
                }
                let minor = shelf_price(article.price.minor as f64 * rng.random_range(0.6..0.85));
                let price = Money { minor, ..article.price };
                *entry = (price, true);
                offered.push(id);
                let changed = PriceChanged {
                    sku: article.sku.clone(),
                    price,
                    at,
                    valid_until,
                    unknown: Default::default(),
                };
                events.push((at, changed.into()));
            }
        }
    }
}

//! A small shop to test with.

use aisle_event::{
    Sku, Timestamp,
    shopper::{Rung, Slot},
};
use aisle_recommend::{Answer, Model, Recommender, Request, Rules, RulesDocument, Settings, Shelf, Visit};
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet};

/// Noon of some day.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000 / 86_400_000 * 86_400_000 + 12 * 3_600_000);

pub(crate) fn sku(number: u32) -> Sku {
    Sku::new(format!("p{number}")).unwrap()
}

pub(crate) fn skus(numbers: &[u32]) -> Vec<Sku> {
    numbers.iter().copied().map(sku).collect()
}

/// A shelf: what is listed, newest first; what of it is sold out; categories.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestShelf {
    pub(crate) listed: Vec<Sku>,
    pub(crate) sold_out: BTreeSet<Sku>,
    pub(crate) categories: BTreeMap<Sku, String>,
    pub(crate) version: u64,
}

impl TestShelf {
    pub(crate) fn of(numbers: impl IntoIterator<Item = u32>) -> Self {
        Self { listed: numbers.into_iter().map(sku).collect(), ..Self::default() }
    }

    pub(crate) fn sell_out(&mut self, number: u32) {
        self.sold_out.insert(sku(number));
        self.version += 1;
    }
}

impl Shelf for TestShelf {
    fn offered(&self, sku: &Sku) -> bool {
        self.listed.contains(sku) && !self.sold_out.contains(sku)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn newest(&self) -> impl Iterator<Item = &Sku> {
        self.listed.iter()
    }

    fn category(&self, sku: &Sku) -> Option<&str> {
        self.categories.get(sku).map(String::as_str)
    }
}

/// Visits a minute apart, the last of them at [`NOW`].
pub(crate) fn visits(of: &[Vec<u32>]) -> Vec<Visit<Vec<Sku>>> {
    let start = NOW.saturating_add_ms(-60_000 * of.len() as i64);
    let at = |index: usize| start.saturating_add_ms(60_000 * (index as i64 + 1));
    of.iter().enumerate().map(|(index, items)| Visit { at: at(index), items: skus(items) }).collect()
}

pub(crate) fn model(browses: &[Vec<u32>], sales: &[Vec<u32>], settings: &Settings) -> Model {
    Model::train(visits(browses), visits(sales), NOW, settings)
}

pub(crate) fn recommender(settings: Settings) -> Recommender {
    settings.check().unwrap();
    Recommender::new(settings, &mut Registry::default())
}

/// A recommender that has learnt from these.
pub(crate) fn learned(browses: &[Vec<u32>], sales: &[Vec<u32>]) -> Recommender {
    let recommender = recommender(Settings::default());
    recommender.install(model(browses, sales, &Settings::default()));
    recommender
}

pub(crate) fn rules(document: RulesDocument) -> Rules {
    Rules::new(document, |_| true).unwrap()
}

/// A question that can be asked with numbers for SKUs.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) slot: Slot,
    pub(crate) viewed: Vec<u32>,
    pub(crate) product: Option<u32>,
    pub(crate) basket: Vec<u32>,
    pub(crate) count: usize,
    pub(crate) at: Timestamp,
}

impl Ask {
    pub(crate) fn home(viewed: &[u32]) -> Self {
        Self {
            slot: Slot::Home,
            viewed: viewed.to_vec(),
            product: None,
            basket: Vec::new(),
            count: 5,
            at: NOW,
        }
    }

    pub(crate) fn product(product: u32) -> Self {
        Self { slot: Slot::Product, product: Some(product), ..Self::home(&[]) }
    }

    pub(crate) fn basket(basket: &[u32]) -> Self {
        Self { slot: Slot::Basket, basket: basket.to_vec(), ..Self::home(&[]) }
    }

    pub(crate) fn count(self, count: usize) -> Self {
        Self { count, ..self }
    }

    pub(crate) fn at(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    pub(crate) fn of(&self, recommender: &Recommender, shelf: &impl Shelf) -> Answer {
        let (viewed, basket, product) = (skus(&self.viewed), skus(&self.basket), self.product.map(sku));
        let request = Request {
            slot: self.slot,
            viewed: &viewed,
            product: product.as_ref(),
            basket: &basket,
            count: self.count,
            at: self.at,
            arm: None,
        };
        recommender.recommend(&request, shelf)
    }
}

pub(crate) fn shown(answer: &Answer) -> Vec<&str> {
    answer.items.iter().map(|item| item.sku.as_str()).collect()
}

pub(crate) fn rungs(answer: &Answer) -> Vec<Rung> {
    answer.items.iter().map(|item| item.rung).collect()
}

//! One simulated shopper: trip after trip until told to stop.

use super::{
    api::{Api, Failed, Item, Product},
    nonce,
    tally::{Tally, count},
};
use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{sync::watch, time::timeout};

const LANGUAGES: &[&str] = &["en", "en", "en", "zh"];
const SEARCHES: &[&str] =
    &["spaghetti", "tea", "rolls", "milk", "apples", "cheddar", "coffee", "chocolate", "rice"];
/// Products looked at in one trip, at most.
const VIEWS_MAX: usize = 12;

/// A shopper, and the shop it shops in.
#[derive(Debug)]
pub(super) struct Shopper {
    pub(super) api: Api,
    pub(super) tally: Arc<Tally>,
    pub(super) think_ms: Range<u64>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) rng: ChaCha8Rng,
}

impl Shopper {
    /// Trips until told to stop. A trip that fails ends; the next begins after a pause as long as any other.
    pub(super) async fn shop(mut self) {
        while self.think().await {
            let language = LANGUAGES.choose(&mut self.rng).copied().unwrap_or("en");
            if let Ok(started) = self.api.start(language).await {
                count(&self.tally.sessions);
                self.tally.active.fetch_add(1, Relaxed);
                // What failed is in the tally already.
                let _ = self.trip(&started.session).await;
                self.tally.active.fetch_sub(1, Relaxed);
            }
        }
    }

    async fn trip(&mut self, session: &str) -> Result<(), Failed> {
        let mut next = self.first(session).await?;
        let (mut views, mut lines) = (0, 0);
        while let Some(product) = next {
            if views == VIEWS_MAX || !self.think().await {
                break;
            }
            views += 1;
            let product = self.view(session, &product.sku).await?;
            if self.rng.random_bool(0.45) && self.think().await {
                lines += usize::from(self.put(session, &product).await?);
            }
            next = if self.rng.random_bool(0.15) { None } else { self.onward(session, &product).await? };
        }
        if lines > 0 && self.rng.random_bool(0.7) && self.think().await {
            self.recommended("basket", session, None).await?;
            self.think().await;
            self.api.check_out(session, &format!("simulated-{:016x}", nonce())).await?;
            count(&self.tally.sales);
            return Ok(());
        }
        // Also when told to stop: nothing is left open behind.
        self.api.leave(session).await
    }

    /// The first product: from the home page, or searched for.
    async fn first(&mut self, session: &str) -> Result<Option<Product>, Failed> {
        let home = self.recommended("home", session, None).await?;
        if self.rng.random_bool(0.4) || home.is_empty() {
            self.think().await;
            return self.search().await;
        }
        self.follow("home", session, &home).await
    }

    async fn search(&mut self) -> Result<Option<Product>, Failed> {
        let terms = SEARCHES.choose(&mut self.rng).copied().unwrap_or("tea");
        let found = self.api.search(terms).await?;
        Ok(found.products.choose(&mut self.rng).cloned())
    }

    async fn view(&mut self, session: &str, sku: &str) -> Result<Product, Failed> {
        let product = self.api.product(sku).await?;
        self.api.event(session, json!({ "kind": "view", "sku": sku })).await?;
        count(&self.tally.views);
        Ok(product)
    }

    /// Puts a product into the basket; `false` when it is sold out meanwhile.
    async fn put(&mut self, session: &str, product: &Product) -> Result<bool, Failed> {
        let quantity = match product.unit.as_str() {
            "each" => f64::from(self.rng.random_range(1..=3_u8)),
            _ => f64::from(self.rng.random_range(4..25_u8)) / 20.0,
        };
        match self.api.put(session, &product.sku, quantity).await {
            Ok(()) => Ok(true),
            Err(Failed::Refused) => Ok(false),
            Err(broken) => Err(broken),
        }
    }

    /// What to look at after a product: something recommended beside it, or something else.
    async fn onward(&mut self, session: &str, product: &Product) -> Result<Option<Product>, Failed> {
        let items = self.recommended("product", session, Some(&product.sku)).await?;
        if !items.is_empty() && self.rng.random_bool(0.6) {
            return self.follow("product", session, &items).await;
        }
        self.search().await
    }

    async fn recommended(
        &mut self,
        slot: &str,
        session: &str,
        sku: Option<&str>,
    ) -> Result<Vec<Item>, Failed> {
        let answer = self.api.recommendations(slot, session, sku).await?;
        if !answer.items.is_empty() {
            let skus: Vec<&str> = answer.items.iter().map(|item| item.product.sku.as_str()).collect();
            let shown = json!({ "kind": "impression", "slot": slot, "skus": skus, "rung": answer.rung });
            self.api.event(session, shown).await?;
            count(&self.tally.shown);
        }
        Ok(answer.items)
    }

    /// Touches one of the recommendations, the first ones more often.
    async fn follow(&mut self, slot: &str, session: &str, items: &[Item]) -> Result<Option<Product>, Failed> {
        let position = self.rng.random_range(0..items.len()).min(self.rng.random_range(0..items.len()));
        let Some(item) = items.get(position) else { return Ok(None) };
        let click = json!({ "kind": "click", "slot": slot, "sku": item.product.sku, "position": position });
        self.api.event(session, click).await?;
        count(&self.tally.followed);
        Ok(Some(item.product.clone()))
    }

    /// Waits as long as a person would; `false` when it is time to stop.
    async fn think(&mut self) -> bool {
        let pause = Duration::from_millis(self.rng.random_range(self.think_ms.clone()));
        // An elapsed pause is the usual case; anything else is the word to stop, or nobody left to say it.
        timeout(pause, self.stop.wait_for(|stop| *stop)).await.is_err()
    }
}

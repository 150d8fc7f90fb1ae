//! The shared [`Recommender`]: takes models, deltas and rules as they come, answers without a lock.
//!
//! Model, delta and rules are swapped whole; a query sees one consistent set from its start to its end.

use crate::{
    answer::{Answer, COUNT_MAX, Item, Reason, Request, Shelf},
    cache::{Cache, Entry, Found, Key},
    experiment::{Arm, Policy},
    ladder::Ladder,
    model::{Delta, Model},
    popular::hour_of,
    rules::Rules,
    settings::Settings,
    snapshot::Snapshot,
    telemetry::Telemetry,
};
use aisle_event::{
    SessionId, Sku, Timestamp,
    shopper::{Rung, Slot},
};
use arc_swap::{ArcSwap, ArcSwapOption};
use prometheus_client::registry::Registry;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The most items of a basket, the latest, that an answer is made from.
const BASKET_CONTEXT_MAX: usize = 100;

/// The delta belongs to a model that is no longer installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the delta was built on a model that is no longer installed")]
pub struct StaleDelta;

struct Installed {
    /// Counts the rules installed in this process.
    number: u64,
    rules: Rules,
}

/// Answers what to show.
pub struct Recommender {
    settings: Settings,
    snapshot: ArcSwapOption<Snapshot>,
    rules: ArcSwap<Installed>,
    models_installed: AtomicU64,
    rules_installed: AtomicU64,
    cache: Cache,
    telemetry: Telemetry,
}

impl Recommender {
    /// A recommender that has learnt nothing: it answers from headquarters' list and the catalogue, degraded.
    /// The settings have passed [`Settings::check`].
    #[must_use]
    pub fn new(settings: Settings, registry: &mut Registry) -> Self {
        Self {
            cache: Cache::new(&settings.cache),
            snapshot: ArcSwapOption::empty(),
            rules: ArcSwap::from_pointee(Installed { number: 0, rules: Rules::default() }),
            models_installed: AtomicU64::new(0),
            rules_installed: AtomicU64::new(0),
            telemetry: Telemetry::new(registry),
            settings,
        }
    }

    /// The settings it was made with; a model or delta for it is made with the same.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Puts a model, without a delta, in the place of what was there. Returns the model, to build deltas on.
    pub fn install(&self, model: Model) -> Arc<Model> {
        let model = Arc::new(model);
        self.telemetry.model_installed(model.size(), model.as_of());
        let number = self.models_installed.fetch_add(1, Ordering::Relaxed) + 1;
        self.snapshot.store(Some(Arc::new(Snapshot { number, model: Arc::clone(&model), delta: None })));
        model
    }

    /// Puts a delta beside the model that it was built on, in the place of an earlier delta.
    ///
    /// # Errors
    /// When another model is installed by now; nothing changes.
    pub fn install_delta(&self, delta: Delta) -> Result<(), StaleDelta> {
        let delta = Arc::new(delta);
        let fits = |snapshot: &Snapshot| Arc::ptr_eq(&snapshot.model, &delta.base);
        let before = self.snapshot.rcu(|current| match current {
            Some(snapshot) if fits(snapshot) => {
                Some(Arc::new(Snapshot { delta: Some(Arc::clone(&delta)), ..Snapshot::clone(snapshot) }))
            }
            other => other.clone(),
        });
        if before.as_deref().is_some_and(fits) {
            self.telemetry.delta_installed(delta.sessions());
            Ok(())
        } else {
            Err(StaleDelta)
        }
    }

    /// Puts rules in the place of those that were there.
    pub fn set_rules(&self, rules: Rules) {
        self.telemetry.rules_installed(rules.version(), rules.unknown());
        let number = self.rules_installed.fetch_add(1, Ordering::Relaxed) + 1;
        self.rules.store(Arc::new(Installed { number, rules }));
    }

    /// Notes how long making a model took.
    pub fn trained(&self, took: Duration) {
        self.telemetry.trained(took);
    }

    /// The installed model.
    #[must_use]
    pub fn model(&self) -> Option<Arc<Model>> {
        self.snapshot.load().as_ref().map(|snapshot| Arc::clone(&snapshot.model))
    }

    /// The arm of a new session, where an experiment runs.
    #[must_use]
    pub fn assign(&self, session: &SessionId) -> Option<&Arm> {
        self.settings.experiment.as_ref()?.assign(session)
    }

    /// What to show. Never fails: the last rung is the catalogue, and an empty catalogue gives an empty answer.
    pub fn recommend(&self, request: &Request<'_>, shelf: &impl Shelf) -> Answer {
        let snapshot = self.snapshot.load();
        let snapshot = snapshot.as_deref();
        let installed = self.rules.load();
        let asked = Asked::new(request, &self.settings);
        let key = Arc::new(Key {
            slot: request.slot,
            policy: asked.policy,
            count: asked.count,
            hour: asked.hour,
            model: snapshot.map_or(0, |snapshot| snapshot.number),
            rules: installed.number,
            context: asked.context.iter().copied().cloned().collect(),
        });

        let found = self.cache.get(&key, request.at, shelf);
        self.telemetry.looked_up(&found);
        let (mut entry, cached) = match found {
            Found::Hit(entry) => (entry, true),
            Found::Miss | Found::Expired | Found::SoldOut => {
                let entry = Arc::new(asked.answer(
                    snapshot,
                    &installed.rules,
                    &self.settings,
                    shelf,
                    &asked.excluded,
                ));
                // A short answer is not kept: whatever comes onto the shelf next could complete it.
                if entry.items.len() >= asked.count {
                    self.cache.put(key, Arc::clone(&entry));
                }
                (entry, false)
            }
        };
        // What only this shopper must not see is left out of an answer that is not kept, so that nobody's basket
        // shows in the answer of another.
        let unwanted = |item: &Item| asked.all_excluded.contains(&&item.sku);
        let personal = entry.items.iter().any(unwanted);
        if personal {
            entry = Arc::new(asked.answer(
                snapshot,
                &installed.rules,
                &self.settings,
                shelf,
                &asked.all_excluded,
            ));
        }

        let degraded = snapshot.is_none_or(|snapshot| {
            request.at.ms_since(snapshot.model.as_of()) > self.settings.model_age_max_ms
        });
        self.telemetry.answered(request.slot, entry.rung, degraded);
        Answer {
            items: Arc::clone(&entry.items),
            rung: entry.rung,
            degraded,
            as_of: entry.as_of,
            model: snapshot.map_or(0, |snapshot| snapshot.number),
            rules: installed.rules.version(),
            cached: cached && !personal,
        }
    }
}

/// A request, reduced to what its answer depends on.
struct Asked<'a> {
    slot: Slot,
    policy: Policy,
    count: usize,
    at: Timestamp,
    hour: u8,
    /// What the shopper has in hand, oldest first.
    context: Vec<&'a Sku>,
    /// The part of the context that must not be shown: the same for every request with this context.
    excluded: Vec<&'a Sku>,
    /// Everything that must not be shown to this shopper.
    all_excluded: Vec<&'a Sku>,
}

impl<'a> Asked<'a> {
    fn new(request: &Request<'a>, settings: &Settings) -> Self {
        let last =
            |skus: &'a [Sku], count: usize| skus.get(skus.len().saturating_sub(count)..).unwrap_or_default();
        let product = match request.slot {
            Slot::Product => request.product,
            Slot::Home | Slot::Basket => None,
        };
        let viewed_last = last(request.viewed, settings.viewed_excluded);
        let (context, excluded): (Vec<&Sku>, Vec<&Sku>) =
            if request.slot == Slot::Basket && !request.basket.is_empty() {
                let basket = last(request.basket, BASKET_CONTEXT_MAX);
                (basket.iter().collect(), basket.iter().collect())
            } else {
                let viewed = last(request.viewed, settings.sessions.items_last.max(settings.viewed_excluded));
                // The page that is open was usually also the last one viewed.
                let viewed = viewed.iter().filter(|&sku| Some(sku) != product);
                (viewed.chain(product).collect(), viewed_last.iter().chain(product).collect())
            };
        let all_excluded = excluded
            .iter()
            .copied()
            .chain(request.basket)
            .chain(viewed_last)
            .chain(request.product)
            .collect();
        Self {
            slot: request.slot,
            policy: request.arm.map_or_else(Policy::default, |arm| arm.policy),
            count: request.count.clamp(1, COUNT_MAX),
            at: request.at,
            hour: hour_of(request.at, &settings.popular),
            context,
            excluded,
            all_excluded,
        }
    }

    fn answer(
        &self,
        snapshot: Option<&Snapshot>,
        rules: &Rules,
        settings: &Settings,
        shelf: &impl Shelf,
        excluded: &[&Sku],
    ) -> Entry {
        // Taken before the look, so that a change during it is seen as a change.
        let version = shelf.version();
        let ladder = Ladder {
            snapshot,
            rules,
            settings,
            shelf,
            slot: self.slot,
            policy: self.policy,
            context: &self.context,
            excluded,
            count: self.count,
            hour: self.hour,
        };
        let items = ladder.climb();
        let first = items.iter().find(|item| item.reason != Reason::Pinned).or(items.first());
        let rung = first.map_or(Rung::Catalogue, |item| item.rung);
        let as_of = match (rung, snapshot) {
            (Rung::SessionNeighbours | Rung::ItemToItem | Rung::Popular, Some(snapshot)) => snapshot.as_of(),
            _ => self.at,
        };
        Entry { items: items.into(), rung, as_of, made_at: self.at, shelf: AtomicU64::new(version) }
    }
}

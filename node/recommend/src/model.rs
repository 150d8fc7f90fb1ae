//! What was learnt: the immutable [`Model`] of the past and the small [`Delta`] of today on top of it.
//!
//! A model is never changed. A delta belongs to one model and is made anew, whole, whenever there is more to say; a
//! query sees both as one index. Making either needs no lock that a reader could wait for.

use crate::{
    intern::Interner,
    popular::{Lists, Popular},
    related::Related,
    session_index::{Idf, SessionIndex},
    settings::Settings,
    trainer::{Kind, Observed, Trainer, Visit},
};
use aisle_event::{Sku, Timestamp};
use std::sync::Arc;

/// Everything learnt from the visits up to a time.
#[derive(Debug)]
pub struct Model {
    pub(crate) as_of: Timestamp,
    pub(crate) interner: Interner,
    pub(crate) sessions: SessionIndex,
    pub(crate) idf: Idf,
    pub(crate) related: Related,
    pub(crate) popular: Popular,
}

/// How much a model holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelSize {
    /// Distinct items.
    pub items: usize,
    /// Browsing sessions with at least two items.
    pub sessions: usize,
    /// Pairs of the item-to-item rung.
    pub pairs: usize,
}

impl Model {
    /// Learns from browsing sessions and from baskets, each oldest first. `as_of` is the time up to which both are
    /// complete. [`Trainer`] does the same for a history that is read once, mixed.
    #[must_use]
    pub fn train<V, B>(
        visits: impl IntoIterator<Item = Visit<V>>,
        baskets: impl IntoIterator<Item = Visit<B>>,
        as_of: Timestamp,
        settings: &Settings,
    ) -> Self
    where
        V: AsRef<[Sku]>,
        B: AsRef<[Sku]>,
    {
        let mut trainer = Trainer::new(settings);
        for visit in visits {
            trainer.browse(visit.at, visit.items.as_ref());
        }
        for basket in baskets {
            trainer.sale(basket.at, basket.items.as_ref());
        }
        trainer.finish(as_of)
    }

    /// Visits are in the order of time.
    pub(crate) fn build(
        interner: Interner,
        visits: &[Observed],
        as_of: Timestamp,
        settings: &Settings,
    ) -> Self {
        let items = interner.len();
        let sessions = SessionIndex::build(0, sessions_of(visits), items, settings.sessions.recent_max);
        Self {
            as_of,
            idf: Idf::of(&sessions),
            sessions,
            related: Related::build(visits, items, &settings.related),
            popular: Popular::build(visits, &settings.popular),
            interner,
        }
    }

    /// The time up to which it knows everything.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// How much it holds.
    #[must_use]
    pub fn size(&self) -> ModelSize {
        ModelSize { items: self.interner.len(), sessions: self.sessions.len(), pairs: self.related.len() }
    }

    /// True when it has seen the item.
    #[must_use]
    pub fn knows(&self, sku: &Sku) -> bool {
        self.interner.get(sku).is_some()
    }
}

/// What happened since a model was made: session neighbours and the popular list, with items that the model lacks.
#[derive(Debug)]
pub struct Delta {
    pub(crate) base: Arc<Model>,
    pub(crate) as_of: Timestamp,
    pub(crate) interner: Interner,
    pub(crate) sessions: SessionIndex,
    /// Over the base and the delta.
    pub(crate) idf: Idf,
    pub(crate) popular: Lists,
}

impl Delta {
    /// Learns from the visits that are not in the base, each kind oldest first. Settings are those of the base.
    #[must_use]
    pub fn build<V, B>(
        base: Arc<Model>,
        visits: impl IntoIterator<Item = Visit<V>>,
        baskets: impl IntoIterator<Item = Visit<B>>,
        as_of: Timestamp,
        settings: &Settings,
    ) -> Self
    where
        V: AsRef<[Sku]>,
        B: AsRef<[Sku]>,
    {
        let mut trainer = Trainer::new(settings);
        trainer.interner = Interner::after(&base.interner);
        let mut later = Vec::new();
        let known = |sku: &Sku| base.interner.get(sku);
        for visit in visits {
            let items_max = settings.sessions.session_items_max;
            later.push(trainer.observe(Kind::Browse, visit.at, visit.items.as_ref(), items_max, known));
        }
        for basket in baskets {
            let items_max = settings.related.basket_items_max;
            later.push(trainer.observe(Kind::Sale, basket.at, basket.items.as_ref(), items_max, known));
        }
        later.sort_by_key(|visit| visit.at);

        let interner = trainer.interner;
        let first = base.sessions.end();
        let items = interner.end() as usize;
        let sessions = SessionIndex::build(first, sessions_of(&later), items, settings.sessions.recent_max);
        Self {
            idf: Idf::of_both(&base.sessions, &base.idf, &sessions),
            popular: base.popular.with_later(&later, &settings.popular),
            sessions,
            interner,
            as_of,
            base,
        }
    }

    /// How many sessions it adds.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }
}

/// The browsing sessions that can say what follows what.
fn sessions_of(visits: &[Observed]) -> impl DoubleEndedIterator<Item = &[u32]> + Clone {
    visits
        .iter()
        .filter(|visit| visit.kind == Kind::Browse && visit.items.len() > 1)
        .map(|visit| &*visit.items)
}

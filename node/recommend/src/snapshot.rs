//! One consistent view for one query: a model, and a delta that was made for it.

use crate::{
    model::{Delta, Model},
    popular::Lists,
    scratch::Tally,
    vmis::Sessions,
};
use aisle_event::{Sku, Timestamp};
use std::sync::Arc;

/// A model, today's delta, and the number under which they were installed.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// Counts the models installed in this process, from 1.
    pub(crate) number: u64,
    pub(crate) model: Arc<Model>,
    pub(crate) delta: Option<Arc<Delta>>,
}

impl Snapshot {
    pub(crate) fn as_of(&self) -> Timestamp {
        self.delta.as_ref().map_or(self.model.as_of, |delta| delta.as_of.max(self.model.as_of))
    }

    pub(crate) fn id(&self, sku: &Sku) -> Option<u32> {
        self.model.interner.get(sku).or_else(|| self.delta.as_ref()?.interner.get(sku))
    }

    pub(crate) fn sku(&self, id: u32) -> Option<&Sku> {
        self.model.interner.sku(id).or_else(|| self.delta.as_ref()?.interner.sku(id))
    }

    pub(crate) fn items(&self) -> usize {
        self.delta.as_ref().map_or(self.model.interner.len(), |delta| delta.interner.end() as usize)
    }

    pub(crate) fn sessions(&self) -> Sessions<'_> {
        let (delta, idf) = match &self.delta {
            Some(delta) => (Some(&delta.sessions), &delta.idf),
            None => (None, &self.model.idf),
        };
        Sessions { base: &self.model.sessions, delta, idf, items: self.items() }
    }

    fn popular(&self) -> &Lists {
        self.delta.as_ref().map_or(&self.model.popular.lists, |delta| &delta.popular)
    }

    /// Puts the popular list of an hour into the tally.
    pub(crate) fn score_popular(&self, hour: u8, tally: &mut Tally) {
        tally.reserve(self.items());
        for &(item, score) in self.popular().at(hour) {
            tally.add(item, f64::from(score), item);
        }
    }
}

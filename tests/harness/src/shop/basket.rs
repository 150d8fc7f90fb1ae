//! From a reason to come to a list of articles: favourites, taste, offers, companions, and what is sold out.

use super::{
    article::{ArticleId, Catalogue, category_index},
    calendar::{Day, Hour},
    household::Household,
    mission::{MISSIONS, Mission},
    promotion::Promotions,
    stockroom::Stockroom,
};
use aisle_event::Unit;
use rand::{Rng, RngExt, seq::IndexedRandom};

/// Draws for one wish before the shopper goes without.
const LOOKS_MAX: usize = 5;

/// The shop as a shopper finds it at some moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aisles<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) stockroom: &'a Stockroom,
    pub(crate) promotions: &'a Promotions,
    pub(crate) day: &'a Day,
}

impl Aisles<'_> {
    /// The reason for a visit at an hour.
    pub(crate) fn mission(&self, hour: Hour, rng: &mut impl Rng) -> Option<&'static Mission> {
        MISSIONS.choose_weighted(rng, |mission| mission.weight(self.day, hour)).ok()
    }

    /// What a household wants on a mission, without doubles, in the order it walks.
    pub(crate) fn wishes(
        &self,
        mission: &Mission,
        household: Household,
        rng: &mut impl Rng,
    ) -> Vec<ArticleId> {
        let mut wishes = Vec::new();
        for (name, probability) in mission.wants {
            let Some(category) = category_index(name) else { continue };
            let wanted = probability * self.season(category);
            if rng.random_bool(wanted.clamp(0.0, 1.0)) {
                let found = self.find(category, household, rng);
                wishes.extend(found);
                let companion =
                    found.and_then(|id| self.catalogue.article(id).companions.choose(rng)).copied();
                wishes.extend(companion.filter(|id| self.is_there(*id) && rng.random_bool(0.3)));
            }
        }
        if rng.random_bool(0.35) {
            let category = rng.random_range(0..self.catalogue.shelves().count());
            wishes.extend(self.find(category, household, rng));
        }
        let mut seen = Vec::new();
        wishes.retain(|id| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        wishes
    }

    /// An article of a category that a household would take, and that is there.
    pub(crate) fn find(
        &self,
        category: usize,
        household: Household,
        rng: &mut impl Rng,
    ) -> Option<ArticleId> {
        let (favourite, taste) = (household.favourite(category), household.taste());
        (0..LOOKS_MAX).find_map(|look| {
            let id = match rng.random_range(0..10) {
                0..4 if look == 0 => self.catalogue.at(category, favourite),
                4..6 => {
                    self.promotions.offer(category, rng).or_else(|| self.catalogue.at(category, rng.random()))
                }
                _ => self.catalogue.at(category, rng.random()),
            }?;
            let suits = self.catalogue.article(id).range == taste || rng.random_bool(0.45);
            (suits && self.is_there(id)).then_some(id)
        })
    }

    /// How much of an article goes into the basket, in thousandths.
    pub(crate) fn amount(&self, id: ArticleId, rng: &mut impl Rng) -> i64 {
        match self.catalogue.article(id).category.unit {
            Unit::Each => 1000 * [1, 1, 1, 1, 1, 1, 2, 2, 2, 3].choose(rng).copied().unwrap_or(1),
            // As scales in shops read: steps of five grams.
            _ => rng.random_range(40..280) * 5,
        }
    }

    fn is_there(&self, id: ArticleId) -> bool {
        self.catalogue.article(id).is_listed(self.day.index) && self.stockroom.on_hand(id) > 0
    }

    fn season(&self, category: usize) -> f64 {
        super::assortment::CATEGORIES.get(category).map_or(1.0, |category| self.day.season(category.season))
    }
}

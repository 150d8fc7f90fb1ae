//! Headquarters' say: a list to fall back on, pins, bans and boosts, checked whole before any of it counts.
//!
//! Guards: a ban beats everything, a pin everything but a ban, an empty shelf and the shopper's own basket.

use aisle_event::{Sku, shopper::Slot};
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::COUNT_MAX;

/// The most entries of each part of the rules.
const ENTRIES_MAX: usize = 10_000;
/// A boost may divide or multiply a score by at most this.
const FACTOR_MAX: f64 = 10.0;

/// Rules as headquarters writes them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RulesDocument {
    /// Grows with every change.
    pub version: u64,
    /// What to show when nothing better is known, best first.
    #[schemars(with = "Vec<String>")]
    pub list: Vec<Sku>,
    /// Products with a fixed place.
    pub pins: Vec<Pin>,
    /// Products that are never recommended.
    pub bans: Vec<Ban>,
    /// Products whose score is changed.
    pub boosts: Vec<Boost>,
}

/// A product with a fixed place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Where.
    #[schemars(with = "String")]
    pub slot: Slot,
    /// Which.
    #[schemars(with = "String")]
    pub sku: Sku,
    /// Its place in the list, from 0.
    pub position: usize,
}

/// A product that is never recommended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// Which.
    #[schemars(with = "String")]
    pub sku: Sku,
    /// Only there; everywhere when absent.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub slot: Option<Slot>,
}

/// A product whose score is changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Boost {
    /// Which.
    #[schemars(with = "String")]
    pub sku: Sku,
    /// Its score is multiplied by this.
    pub factor: f64,
}

/// Why rules were refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RulesError {
    /// A part has too many entries.
    #[error("`{field}` has {found} entries, at most {ENTRIES_MAX} are allowed")]
    TooMany {
        /// Which part.
        field: &'static str,
        /// How many.
        found: usize,
    },
    /// Something is said twice.
    #[error("`{field}[{index}]`: `{sku}` was given before")]
    Duplicate {
        /// Which part.
        field: &'static str,
        /// The second entry.
        index: usize,
        /// The product.
        sku: Sku,
    },
    /// Two pins want one place.
    #[error("`pins[{index}].position`: place {position} of slot `{slot}` is taken")]
    Place {
        /// The second pin.
        index: usize,
        /// The slot.
        slot: Slot,
        /// The place.
        position: usize,
    },
    /// A pin's place is beyond the longest answer.
    #[error("`pins[{index}].position` is {position}, expected 0 to {}", COUNT_MAX - 1)]
    Position {
        /// Which pin.
        index: usize,
        /// Its place.
        position: usize,
    },
    /// A product is pinned where it is banned.
    #[error("`pins[{index}].sku`: `{sku}` is banned in slot `{slot}`")]
    Banned {
        /// Which pin.
        index: usize,
        /// The product.
        sku: Sku,
        /// The slot.
        slot: Slot,
    },
    /// A factor is absurd.
    #[error("`boosts[{index}].factor` is {found}, expected {} to {FACTOR_MAX}", 1.0 / FACTOR_MAX)]
    Factor {
        /// Which boost.
        index: usize,
        /// The factor.
        found: f64,
    },
}

#[derive(Debug, Default)]
struct SlotRules {
    pins: Vec<(usize, Sku)>,
    bans: FxHashSet<Sku>,
}

/// Checked rules, ready to be looked up.
#[derive(Debug, Default)]
pub struct Rules {
    version: u64,
    list: Vec<Sku>,
    home: SlotRules,
    product: SlotRules,
    basket: SlotRules,
    boosts: FxHashMap<Sku, f64>,
    unknown: usize,
}

impl Rules {
    /// Checks a document. A product that is not `known` keeps its rule, since it may be listed tomorrow, and is counted.
    ///
    /// # Errors
    /// The first entry that contradicts another or is out of range; nothing of the document then counts.
    pub fn new(document: RulesDocument, known: impl Fn(&Sku) -> bool) -> Result<Self, RulesError> {
        let RulesDocument { version, list, mut pins, bans, boosts } = document;
        for (field, found) in
            [("list", list.len()), ("pins", pins.len()), ("bans", bans.len()), ("boosts", boosts.len())]
        {
            if found > ENTRIES_MAX {
                return Err(RulesError::TooMany { field, found });
            }
        }
        let mut rules = Self { version, ..Self::default() };
        let mut named = FxHashSet::default();
        for (index, sku) in list.iter().enumerate() {
            if !named.insert(sku.clone()) {
                return Err(RulesError::Duplicate { field: "list", index, sku: sku.clone() });
            }
        }
        for (index, Ban { sku, slot }) in bans.into_iter().enumerate() {
            named.insert(sku.clone());
            let slots = slot.as_ref().map_or(Slot::ALL, std::slice::from_ref);
            let mut is_new = false;
            for &slot in slots {
                is_new |= rules.slot_mut(slot).bans.insert(sku.clone());
            }
            if !is_new {
                return Err(RulesError::Duplicate { field: "bans", index, sku });
            }
        }
        for (index, Boost { sku, factor }) in boosts.into_iter().enumerate() {
            if !(1.0 / FACTOR_MAX..=FACTOR_MAX).contains(&factor) {
                return Err(RulesError::Factor { index, found: factor });
            }
            named.insert(sku.clone());
            if rules.boosts.insert(sku.clone(), factor).is_some() {
                return Err(RulesError::Duplicate { field: "boosts", index, sku });
            }
        }
        for (index, Pin { slot, sku, position }) in pins.drain(..).enumerate() {
            if position >= COUNT_MAX {
                return Err(RulesError::Position { index, position });
            }
            let at = rules.slot_mut(slot);
            if at.bans.contains(&sku) {
                return Err(RulesError::Banned { index, sku, slot });
            }
            if at.pins.iter().any(|(_, other)| *other == sku) {
                return Err(RulesError::Duplicate { field: "pins", index, sku });
            }
            match at.pins.binary_search_by_key(&position, |(place, _)| *place) {
                Ok(_) => return Err(RulesError::Place { index, slot, position }),
                Err(place) => at.pins.insert(place, (position, sku.clone())),
            }
            named.insert(sku);
        }
        rules.unknown = named.iter().filter(|sku| !known(sku)).count();
        rules.list = list;
        Ok(rules)
    }

    /// The version of the document.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many of the products it names were not known when it was checked.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.unknown
    }

    pub(crate) fn list(&self) -> &[Sku] {
        &self.list
    }

    /// Pins of a slot, by place.
    pub(crate) fn pins(&self, slot: Slot) -> &[(usize, Sku)] {
        &self.slot(slot).pins
    }

    pub(crate) fn bans(&self, slot: Slot, sku: &Sku) -> bool {
        self.slot(slot).bans.contains(sku)
    }

    pub(crate) fn has_boosts(&self) -> bool {
        !self.boosts.is_empty()
    }

    pub(crate) fn factor(&self, sku: &Sku) -> f64 {
        self.boosts.get(sku).copied().unwrap_or(1.0)
    }

    fn slot(&self, slot: Slot) -> &SlotRules {
        match slot {
            Slot::Home => &self.home,
            Slot::Product => &self.product,
            Slot::Basket => &self.basket,
        }
    }

    fn slot_mut(&mut self, slot: Slot) -> &mut SlotRules {
        match slot {
            Slot::Home => &mut self.home,
            Slot::Product => &mut self.product,
            Slot::Basket => &mut self.basket,
        }
    }
}

//! Why people come: missions that bring categories together, the structure that recommendations can find.

use super::calendar::{Day, Hour};

/// When a mission is on people's minds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Peak {
    Any,
    Morning,
    Midday,
    Evening,
    Weekend,
}

impl Peak {
    fn factor(self, day: &Day, hour: Hour) -> f64 {
        let on = match self {
            Self::Any => return 1.0,
            Self::Morning => hour < 11,
            Self::Midday => (11..15).contains(&hour),
            Self::Evening => hour >= 16,
            Self::Weekend => day.is_weekend(),
        };
        if on { 1.8 } else { 0.5 }
    }
}

/// A reason to come, and how likely it is that something of each category goes with it.
#[derive(Debug)]
pub(crate) struct Mission {
    /// What the shopper would type into the search box.
    pub(crate) search: &'static str,
    weight: f64,
    peak: Peak,
    pub(crate) wants: &'static [(&'static str, f64)],
}

impl Mission {
    /// How often it is the reason, at an hour of a day, relative to the others.
    pub(crate) fn weight(&self, day: &Day, hour: Hour) -> f64 {
        self.weight * self.peak.factor(day, hour)
    }
}

const fn mission(
    search: &'static str,
    weight: f64,
    peak: Peak,
    wants: &'static [(&'static str, f64)],
) -> Mission {
    Mission { search, weight, peak, wants }
}

pub(crate) const MISSIONS: &[Mission] = &[
    mission(
        "pasta",
        1.4,
        Peak::Evening,
        &[
            ("Pasta & Rice", 0.95),
            ("Cooking Sauces", 0.9),
            ("Cheese", 0.5),
            ("Salads & Herbs", 0.35),
            ("Beer & Wine", 0.25),
        ],
    ),
    mission(
        "tea",
        1.2,
        Peak::Morning,
        &[("Tea & Coffee", 0.95), ("Biscuits & Cakes", 0.9), ("Milk & Eggs", 0.55)],
    ),
    mission(
        "granola",
        1.2,
        Peak::Morning,
        &[
            ("Breakfast Cereals", 0.85),
            ("Milk & Eggs", 0.8),
            ("Bread & Bakery", 0.55),
            ("Jam & Honey", 0.5),
            ("Yogurt & Butter", 0.5),
            ("Fruit", 0.4),
        ],
    ),
    mission(
        "curry",
        1.0,
        Peak::Evening,
        &[
            ("World Foods", 0.95),
            ("Pasta & Rice", 0.6),
            ("Meat & Poultry", 0.6),
            ("Vegetables", 0.5),
            ("Beer & Wine", 0.3),
        ],
    ),
    mission(
        "sandwich",
        1.3,
        Peak::Midday,
        &[
            ("Bread & Bakery", 0.9),
            ("Cheese", 0.5),
            ("Salads & Herbs", 0.5),
            ("Crisps & Snacks", 0.6),
            ("Soft Drinks", 0.65),
        ],
    ),
    mission(
        "flour",
        0.7,
        Peak::Weekend,
        &[
            ("Baking", 0.98),
            ("Baking", 0.6),
            ("Milk & Eggs", 0.6),
            ("Yogurt & Butter", 0.5),
            ("Jam & Honey", 0.25),
        ],
    ),
    mission(
        "crisps",
        0.9,
        Peak::Weekend,
        &[
            ("Crisps & Snacks", 0.95),
            ("Crisps & Snacks", 0.6),
            ("Beer & Wine", 0.8),
            ("Soft Drinks", 0.6),
            ("Frozen", 0.3),
        ],
    ),
    mission(
        "chicken",
        1.0,
        Peak::Weekend,
        &[
            ("Meat & Poultry", 0.95),
            ("Vegetables", 0.9),
            ("Vegetables", 0.7),
            ("Oils & Condiments", 0.4),
            ("Beer & Wine", 0.35),
        ],
    ),
    mission(
        "salmon",
        0.6,
        Peak::Evening,
        &[
            ("Fish", 0.95),
            ("Vegetables", 0.6),
            ("Salads & Herbs", 0.6),
            ("Oils & Condiments", 0.35),
            ("Pasta & Rice", 0.3),
        ],
    ),
    mission("bin bags", 0.7, Peak::Any, &[("Household", 0.95), ("Household", 0.7), ("Toiletries", 0.5)]),
    mission("shampoo", 0.5, Peak::Any, &[("Toiletries", 0.95), ("Toiletries", 0.6), ("Household", 0.3)]),
    mission("nappies", 0.5, Peak::Any, &[("Baby", 0.95), ("Baby", 0.7), ("Toiletries", 0.3), ("Fruit", 0.4)]),
    mission("cat food", 0.7, Peak::Any, &[("Pet Food", 0.95), ("Pet Food", 0.5), ("Household", 0.25)]),
    mission("pizza", 0.8, Peak::Evening, &[("Frozen", 0.95), ("Frozen", 0.5), ("Soft Drinks", 0.5)]),
    mission(
        "beans",
        0.8,
        Peak::Midday,
        &[("Tins & Pulses", 0.95), ("Tins & Pulses", 0.5), ("Bread & Bakery", 0.6)],
    ),
    mission(
        "bananas",
        1.2,
        Peak::Any,
        &[("Fruit", 0.9), ("Fruit", 0.5), ("Vegetables", 0.6), ("Milk & Eggs", 0.4)],
    ),
    mission(
        "milk",
        0.9,
        Peak::Weekend,
        &[
            ("Milk & Eggs", 0.9),
            ("Bread & Bakery", 0.8),
            ("Fruit", 0.7),
            ("Vegetables", 0.8),
            ("Meat & Poultry", 0.6),
            ("Cheese", 0.5),
            ("Pasta & Rice", 0.4),
            ("Cooking Sauces", 0.4),
            ("Tins & Pulses", 0.5),
            ("Breakfast Cereals", 0.4),
            ("Household", 0.5),
            ("Toiletries", 0.3),
            ("Frozen", 0.5),
            ("Biscuits & Cakes", 0.4),
            ("Tea & Coffee", 0.3),
        ],
    ),
];

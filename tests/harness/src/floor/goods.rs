//! What stands on the floor's shelves, in the order of the scenario's items: names that fit their weights.
//!
//! Not here: how much of it there is and how it sells; that is the scenario's.

/// A product of the floor.
#[derive(Debug)]
pub(super) struct Good {
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    pub(super) pence: i64,
    /// The cold chain unit that it is kept in.
    pub(super) unit: Option<&'static str>,
}

const fn good(name: &'static str, category: &'static str, pence: i64, unit: Option<&'static str>) -> Good {
    Good { name, category, pence, unit }
}

pub(super) const GOODS: [Good; 20] = [
    good("Whole Milk, 1 l", "Milk & Eggs", 125, Some("dairy-1")),
    good("Strawberry Yogurt, 150 g", "Yogurt & Butter", 95, Some("dairy-1")),
    good("Salted Butter, 250 g", "Yogurt & Butter", 249, Some("dairy-1")),
    good("Mozzarella, 200 g", "Cheese", 189, Some("dairy-2")),
    good("Baby Spinach, 150 g", "Salads & Herbs", 165, Some("salad")),
    good("Orange Juice, 1 l", "Soft Drinks", 219, Some("drinks")),
    good("Smoked Ham, 120 g", "Meat & Poultry", 279, Some("meat")),
    good("Free Range Eggs, ten", "Milk & Eggs", 299, Some("dairy-2")),
    good("Spaghetti, 500 g", "Pasta & Rice", 115, None),
    good("Baking Powder, 50 g", "Baking", 85, None),
    good("Basmati Rice, 1 kg", "Pasta & Rice", 259, None),
    good("Penne, 500 g", "Pasta & Rice", 115, None),
    good("Caster Sugar, 1 kg", "Baking", 145, None),
    good("Plain Flour, 1 kg", "Baking", 110, None),
    good("Dark Chocolate, 100 g", "Biscuits & Cakes", 175, None),
    good("Digestives, 200 g", "Biscuits & Cakes", 130, None),
    good("Sea Salt Crisps, 150 g", "Crisps & Snacks", 165, None),
    good("Sparkling Water, 1.5 l", "Soft Drinks", 75, None),
    good("Cola, 500 ml", "Soft Drinks", 140, Some("drinks")),
    good("Hand Soap, 90 g", "Toiletries", 120, None),
];

/// Brands are invented; this one is the floor's own, so that its goods are told from the generated ones.
pub(super) const BRAND: &str = "Millbrook";

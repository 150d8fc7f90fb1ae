//! The words and the shape of the assortment: brands, categories, what they cost and how fast they sell.
//!
//! The brands are invented. A name is brand, variant, noun and size; a category has as many names as these combine to.

use aisle_event::Unit;

/// How dear a brand is, and the taste it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    Value,
    Standard,
    Organic,
    Premium,
}

impl Range {
    /// What the range does to a price.
    pub(crate) const fn price_factor(self) -> f64 {
        match self {
            Self::Value => 0.7,
            Self::Standard => 1.0,
            Self::Organic => 1.35,
            Self::Premium => 1.7,
        }
    }
}

/// A name on a packet.
#[derive(Debug)]
pub(crate) struct Brand {
    pub(crate) name: &'static str,
    pub(crate) range: Range,
}

const fn brand(name: &'static str, range: Range) -> Brand {
    Brand { name, range }
}

pub(crate) const BRANDS: &[Brand] = &[
    brand("Corner Pantry", Range::Value),
    brand("Penny Basket", Range::Value),
    brand("Ashdown Lane", Range::Standard),
    brand("Fennimore", Range::Standard),
    brand("Tidewell", Range::Standard),
    brand("Harrow & Pike", Range::Standard),
    brand("Greenfold Organic", Range::Organic),
    brand("Honest Acre Organic", Range::Organic),
    brand("Larkspur Reserve", Range::Premium),
    brand("Quill & Thorn", Range::Premium),
];

/// When in the year a category sells better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Season {
    Even,
    Summer,
    Winter,
}

/// A group of like products.
#[derive(Debug)]
pub(crate) struct Category {
    pub(crate) name: &'static str,
    pub(crate) nouns: &'static [&'static str],
    pub(crate) variants: &'static [&'static str],
    /// Packs, small to large. The first is the pack that the prices are for.
    pub(crate) sizes: &'static [&'static str],
    /// Cheapest and dearest standard product, in pence for the first size.
    pub(crate) pence: (u32, u32),
    pub(crate) unit: Unit,
    /// Its part of the assortment, in parts of all categories' sum.
    pub(crate) share: f64,
    /// How long goods keep; short-lived goods are delivered daily and some are thrown away.
    pub(crate) shelf_life_days: u32,
    pub(crate) season: Season,
}

impl Category {
    /// How many names it has.
    pub(crate) const fn names(&self) -> usize {
        BRANDS.len() * self.nouns.len() * self.variants.len() * self.sizes.len()
    }
}

macro_rules! category {
    ($name:literal, $unit:ident, $share:literal, $low:literal..$high:literal, $days:literal days, $season:ident,
     nouns $nouns:expr, variants $variants:expr, sizes $sizes:expr) => {
        Category {
            name: $name,
            nouns: &$nouns,
            variants: &$variants,
            sizes: &$sizes,
            pence: ($low, $high),
            unit: Unit::$unit,
            share: $share,
            shelf_life_days: $days,
            season: Season::$season,
        }
    };
}

pub(crate) const CATEGORIES: &[Category] = &[
    category!("Fruit", Kilogram, 5.0, 140..420, 5 days, Summer,
        nouns ["Braeburn Apples", "Gala Apples", "Conference Pears", "Bananas", "Clementines", "Red Grapes",
            "Victoria Plums", "Nectarines", "Cherries", "Lemons"],
        variants ["Loose", "Ripe", "Sweet"], sizes ["per kg"]),
    category!("Vegetables", Kilogram, 6.0, 90..380, 6 days, Even,
        nouns ["Carrots", "White Potatoes", "Red Onions", "Vine Tomatoes", "Courgettes", "Parsnips",
            "Sweet Potatoes", "Closed Cup Mushrooms", "Red Peppers", "Leeks"],
        variants ["Loose", "Washed", "Local"], sizes ["per kg"]),
    category!("Salads & Herbs", Each, 3.0, 70..240, 4 days, Summer,
        nouns ["Iceberg Lettuce", "Baby Spinach", "Rocket", "Cucumber", "Spring Onions", "Flat Parsley", "Basil",
            "Coleslaw"],
        variants ["Crisp", "Garden", "Washed"], sizes ["single", "twin pack"]),
    category!("Bread & Bakery", Each, 5.0, 90..320, 3 days, Even,
        nouns ["Sourdough", "Farmhouse Loaf", "Rolls", "Bagels", "Crumpets", "Croissants", "Wraps", "Naan"],
        variants ["White", "Wholemeal", "Seeded"], sizes ["400 g", "800 g"]),
    category!("Milk & Eggs", Each, 3.0, 85..330, 6 days, Even,
        nouns ["Whole Milk", "Semi-skimmed Milk", "Oat Drink", "Free Range Eggs", "Double Cream", "Buttermilk"],
        variants ["Fresh", "Farm", "Country"], sizes ["small", "medium", "large"]),
    category!("Cheese", Each, 4.0, 180..520, 20 days, Even,
        nouns ["Cheddar", "Red Leicester", "Mozzarella", "Goat's Cheese", "Blue Cheese", "Halloumi", "Parmesan",
            "Cream Cheese"],
        variants ["Mild", "Mature", "Creamy"], sizes ["150 g", "300 g"]),
    category!("Yogurt & Butter", Each, 4.0, 95..350, 14 days, Even,
        nouns ["Greek Yogurt", "Strawberry Yogurt", "Vanilla Yogurt", "Kefir", "Salted Butter", "Rice Pudding"],
        variants ["Thick", "Light", "Creamy"], sizes ["150 g", "450 g", "1 kg"]),
    category!("Meat & Poultry", Kilogram, 4.0, 480..1900, 4 days, Even,
        nouns ["Chicken Thighs", "Chicken Breast", "Beef Mince", "Pork Sausages", "Rump Steak", "Lamb Leg",
            "Back Bacon", "Turkey Breast", "Pork Belly"],
        variants ["Lean", "British", "Butcher's"], sizes ["per kg"]),
    category!("Fish", Kilogram, 2.0, 900..2600, 3 days, Even,
        nouns ["Salmon Fillets", "Cod Loin", "Smoked Mackerel", "King Prawns", "Haddock", "Sea Bass"],
        variants ["Skinless", "Line-caught", "Smoked"], sizes ["per kg"]),
    category!("Pasta & Rice", Each, 5.0, 75..280, 400 days, Even,
        nouns ["Spaghetti", "Penne", "Fusilli", "Tagliatelle", "Lasagne Sheets", "Basmati Rice", "Arborio Rice",
            "Couscous"],
        variants ["Classic", "Wholewheat", "Fine"], sizes ["500 g", "1 kg"]),
    category!("Cooking Sauces", Each, 5.0, 110..390, 300 days, Even,
        nouns ["Tomato & Basil Sauce", "Bolognese Sauce", "Green Pesto", "Red Pesto", "Carbonara Sauce",
            "Arrabbiata Sauce", "Chopped Tomatoes", "Passata"],
        variants ["Traditional", "Smooth", "Rich"], sizes ["190 g", "350 g"]),
    category!("World Foods", Each, 5.0, 95..410, 300 days, Even,
        nouns ["Tikka Masala Paste", "Coconut Milk", "Soy Sauce", "Egg Noodles", "Taco Shells", "Salsa",
            "Mango Chutney", "Poppadoms"],
        variants ["Mild", "Medium", "Hot"], sizes ["200 g", "400 g"]),
    category!("Tins & Pulses", Each, 5.0, 55..210, 700 days, Winter,
        nouns ["Baked Beans", "Chickpeas", "Kidney Beans", "Sweetcorn", "Tuna Chunks", "Tomato Soup",
            "Lentil Soup", "Peach Slices"],
        variants ["Classic", "No Added Salt", "Hearty"], sizes ["200 g", "400 g", "4 x 400 g"]),
    category!("Breakfast Cereals", Each, 4.0, 150..420, 300 days, Even,
        nouns ["Porridge Oats", "Corn Flakes", "Granola", "Muesli", "Bran Flakes", "Wheat Biscuits"],
        variants ["Original", "Honey", "Fruit & Nut"], sizes ["375 g", "500 g", "750 g"]),
    category!("Jam & Honey", Each, 3.0, 140..480, 500 days, Even,
        nouns ["Strawberry Jam", "Raspberry Jam", "Orange Marmalade", "Clear Honey", "Peanut Butter",
            "Hazelnut Spread"],
        variants ["Smooth", "Coarse", "Extra"], sizes ["227 g", "340 g"]),
    category!("Tea & Coffee", Each, 4.0, 180..620, 400 days, Winter,
        nouns ["Breakfast Tea", "Earl Grey", "Green Tea", "Peppermint Tea", "Ground Coffee", "Coffee Beans",
            "Instant Coffee", "Drinking Chocolate"],
        variants ["Everyday", "Strong", "Decaffeinated"], sizes ["small", "large"]),
    category!("Biscuits & Cakes", Each, 5.0, 80..360, 120 days, Winter,
        nouns ["Digestives", "Shortbread", "Custard Creams", "Ginger Nuts", "Oat Cookies", "Flapjacks",
            "Lemon Drizzle Cake", "Fruit Cake"],
        variants ["Classic", "Chocolate", "Butter"], sizes ["200 g", "400 g"]),
    category!("Baking", Each, 4.0, 65..380, 300 days, Winter,
        nouns ["Plain Flour", "Self-raising Flour", "Caster Sugar", "Icing Sugar", "Cocoa Powder", "Baking Powder",
            "Vanilla Extract", "Ground Almonds"],
        variants ["Fine", "Classic", "Pure"], sizes ["250 g", "500 g", "1 kg"]),
    category!("Oils & Condiments", Each, 4.0, 90..780, 500 days, Even,
        nouns ["Olive Oil", "Rapeseed Oil", "Tomato Ketchup", "Mayonnaise", "Dijon Mustard", "Balsamic Vinegar",
            "Sea Salt", "Black Pepper"],
        variants ["Classic", "Light", "Extra"], sizes ["250 ml", "500 ml"]),
    category!("Crisps & Snacks", Each, 5.0, 85..320, 90 days, Summer,
        nouns ["Crisps", "Tortilla Chips", "Popcorn", "Cashews", "Salted Peanuts", "Olives", "Houmous",
            "Breadsticks"],
        variants ["Sea Salt", "Sweet Chilli", "Salt & Vinegar"], sizes ["40 g", "150 g", "300 g"]),
    category!("Soft Drinks", Each, 5.0, 60..260, 300 days, Summer,
        nouns ["Orange Juice", "Apple Juice", "Cola", "Lemonade", "Sparkling Water", "Elderflower Cordial",
            "Ginger Beer", "Tonic Water"],
        variants ["Classic", "Light", "Cloudy"], sizes ["330 ml", "1 l", "2 l"]),
    category!("Beer & Wine", Each, 5.0, 190..1100, 500 days, Summer,
        nouns ["Pale Ale", "Lager", "Dry Cider", "Sauvignon Blanc", "Merlot", "Prosecco", "Rosé", "Stout"],
        variants ["Crisp", "Craft", "Old Vine"], sizes ["single", "four pack"]),
    category!("Frozen", Each, 5.0, 130..520, 300 days, Summer,
        nouns ["Garden Peas", "Oven Chips", "Fish Fingers", "Margherita Pizza", "Vanilla Ice Cream",
            "Mixed Berries", "Veggie Burgers", "Puff Pastry"],
        variants ["Classic", "Family", "Golden"], sizes ["400 g", "900 g"]),
    category!("Household", Each, 6.0, 90..850, 900 days, Even,
        nouns ["Washing-up Liquid", "Laundry Capsules", "Fabric Softener", "Kitchen Roll", "Toilet Tissue",
            "Bin Bags", "Multi-surface Spray", "Dishwasher Tablets"],
        variants ["Fresh", "Sensitive", "Power"], sizes ["small", "standard", "bulk"]),
    category!("Toiletries", Each, 5.0, 95..720, 900 days, Even,
        nouns ["Shampoo", "Shower Gel", "Toothpaste", "Hand Soap", "Deodorant", "Moisturiser"],
        variants ["Mint", "Lavender", "Unscented"], sizes ["50 ml", "250 ml", "500 ml"]),
    category!("Baby", Each, 3.0, 110..990, 600 days, Even,
        nouns ["Nappies", "Baby Wipes", "Apple Purée", "Carrot Purée", "Rice Cakes", "Baby Shampoo"],
        variants ["Gentle", "Soft", "Pure"], sizes ["small", "large"]),
    category!("Pet Food", Each, 4.0, 60..890, 600 days, Even,
        nouns ["Cat Food in Jelly", "Dry Cat Food", "Dog Food in Gravy", "Dry Dog Food", "Dog Treats",
            "Cat Litter"],
        variants ["Chicken", "Beef", "Senior"], sizes ["400 g", "2 kg", "10 kg"]),
];

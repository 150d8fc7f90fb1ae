//! A basket's lines: what they cost, which belong together, what is left of them after the offers so far.

use crate::{Line, PricingInput, Product, PromotionInput, Unit, money};

/// What products are chosen by in a plugin's settings: by number, by group, or all where nothing is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice<'a> {
    /// Numbers of products.
    pub skus: Vec<&'a str>,
    /// Groups of products.
    pub categories: Vec<&'a str>,
}

impl<'a> Choice<'a> {
    /// From the settings `sku` or `skus`, `category` or `categories`, each with one text or a list of them: what is named in another
    /// form than meant must not choose all, nor nothing.
    pub fn read(settings: &crate::Settings<'a>) -> Self {
        let both = |one: &str, many: &str| -> Vec<&'a str> {
            settings.texts(one).into_iter().chain(settings.texts(many)).collect()
        };
        Self { skus: both("sku", "skus"), categories: both("category", "categories") }
    }

    /// Whether nothing is named, which chooses all.
    pub fn is_all(&self) -> bool {
        self.skus.is_empty() && self.categories.is_empty()
    }

    /// Whether a product is chosen.
    pub fn has(&self, product: &Product) -> bool {
        self.is_all() || self.names(product)
    }

    /// Whether a product is named, itself or by its group.
    pub fn names(&self, product: &Product) -> bool {
        let in_group = |category: &String| self.categories.contains(&category.as_str());
        self.skus.contains(&product.sku.as_str()) || product.category.as_ref().is_some_and(in_group)
    }
}

impl Line {
    /// What the line costs as its price stands, in minor units, rounded as the node does.
    pub fn cost(&self) -> i64 {
        money::cost(self.unit_price, self.quantity)
    }

    /// How many whole pieces; none of what is sold by weight, volume or length.
    pub fn pieces(&self) -> i64 {
        if self.product.unit == Unit::Each { self.quantity.max(0) / 1000 } else { 0 }
    }

    /// Whether the product is in a group.
    pub fn is_in(&self, category: &str) -> bool {
        self.product.category.as_deref() == Some(category)
    }
}

impl PricingInput {
    /// Lines of a group.
    pub fn lines_in<'a>(&'a self, category: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.is_in(category))
    }
}

impl PromotionInput {
    /// Lines of a group.
    pub fn lines_in<'a>(&'a self, category: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.is_in(category))
    }

    /// What plugins before this one gave on each line, in the order of the lines: with its share of what they gave on the
    /// basket as a whole, which is shared by what each line cost when it was given.
    pub fn given(&self) -> Vec<i64> {
        let costs: Vec<i64> = self.lines.iter().map(Line::cost).collect();
        let mut given = vec![0; costs.len()];
        for before in &self.so_far {
            let parts = match before.line {
                Some(number) => {
                    let is_it = |line: &Line| if line.number == number { before.amount } else { 0 };
                    self.lines.iter().map(is_it).collect()
                }
                None => {
                    let left: Vec<i64> = costs.iter().zip(&given).map(|(cost, given)| cost - given).collect();
                    money::shared(before.amount.min(left.iter().sum()), &left)
                }
            };
            for (sum, part) in given.iter_mut().zip(parts) {
                *sum += part;
            }
        }
        given
    }

    /// What each line costs after what plugins before this one gave, in the order of the lines. Never below zero.
    pub fn left(&self) -> Vec<i64> {
        let given = self.given();
        self.lines.iter().zip(given).map(|(line, given)| (line.cost() - given).max(0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Given, Setting};

    fn line(number: u32, sku: &str, unit: Unit, quantity: i64, unit_price: i64) -> Line {
        let product = Product {
            sku: sku.into(),
            name: sku.to_lowercase(),
            category: Some(String::from("fruit")),
            unit,
            price: unit_price,
            expires_in_days: None,
            in_stock: true,
        };
        Line { number, product, quantity, unit_price }
    }

    fn basket(lines: Vec<Line>, so_far: Vec<Given>) -> PromotionInput {
        let context = Context {
            store: String::from("s"),
            currency: String::from("GBP"),
            now: 0,
            minute_of_day: 0,
            weekday: 1,
            day: 0,
            settings: Vec::new(),
        };
        PromotionInput { context, customer: None, coupons: Vec::new(), lines, so_far }
    }

    #[test]
    fn weighed_goods_have_no_pieces() {
        assert_eq!(line(1, "A", Unit::Each, 3500, 100).pieces(), 3);
        assert_eq!(line(1, "A", Unit::Kilogram, 3500, 100).pieces(), 0);
        assert_eq!(line(1, "A", Unit::Kilogram, 250, 999).cost(), 250);
    }

    #[test]
    fn what_was_given_on_the_basket_counts_on_its_lines() {
        let lines = vec![line(1, "A", Unit::Each, 1000, 300), line(2, "B", Unit::Each, 1000, 100)];
        let given = |line, amount| Given { plugin: String::from("p"), line, amount };
        let input = basket(lines, vec![given(Some(1), 100), given(None, 30), given(Some(2), 10)]);
        assert_eq!(input.given(), [120, 20]);
        assert_eq!(input.left(), [180, 80]);
    }

    #[test]
    fn a_choice_is_read_in_either_form() {
        let setting = |key: &str, value: &str| Setting { key: key.into(), value: value.into() };
        let mut input = basket(Vec::new(), Vec::new());
        input.context.settings = vec![
            setting("categories", "tobacco"),
            setting("category.0", "alcohol"),
            setting("sku", "A"),
            setting("skus.0", "B"),
            setting("skus.1", "C"),
        ];
        let choice = Choice::read(&input.context.settings());
        assert_eq!(choice, Choice { skus: vec!["A", "B", "C"], categories: vec!["alcohol", "tobacco"] });
    }

    #[test]
    fn a_choice_that_names_nothing_has_all() {
        let (apple, all) = (line(1, "A", Unit::Each, 1000, 1).product, Choice::default());
        assert!(all.has(&apple) && !all.names(&apple));
        assert!(Choice { skus: vec!["A"], categories: vec![] }.has(&apple));
        assert!(Choice { skus: vec![], categories: vec!["fruit"] }.has(&apple));
        assert!(!Choice { skus: vec!["B"], categories: vec!["bakery"] }.has(&apple));
    }
}

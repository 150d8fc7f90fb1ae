//! In place of a product that is out of stock: what is of the same group, sold by the same unit, near its price, and there.
//!
//! The nearest price comes first; of two that are equally near, the one that the recommender likes better. Other places of the kiosk
//! keep the recommender's order.

use aisle_plugin_sdk::{Candidate, Failure, Product, Ranked, Ranking, RankingInput, Slot, percent_of};

struct Substitution;

impl Ranking for Substitution {
    fn rank(input: RankingInput) -> Result<Vec<Ranked>, Failure> {
        let settings = input.context.settings();
        let price_percent: i64 = settings.or("price-percent", 30)?;
        if !(0..=1000).contains(&price_percent) {
            return Err(settings.wrong("price-percent", &price_percent.to_string()));
        }
        let none_permille_max: u16 = settings.or("none-permille-max", 300)?;
        let reason = settings.text("reason").map(str::to_owned);
        let candidates = (0..).zip(&input.candidates);
        let subject = input.subject.as_ref().filter(|_| input.slot == Slot::Substitute);
        let Some(subject) = subject.filter(|subject| subject.category.is_some()) else {
            return Ok(candidates.map(|(candidate, _)| Ranked { candidate, reason: None }).collect());
        };
        let mut alike: Vec<(i64, u32)> = candidates
            .filter(|(_, candidate)| {
                is_there(candidate, none_permille_max) && !is_in_basket(&input, candidate)
            })
            .filter_map(|(place, candidate)| {
                Some((distance(subject, &candidate.product, price_percent)?, place))
            })
            .collect();
        // Stable, see above.
        alike.sort_by_key(|(distance, _)| *distance);
        Ok(alike.into_iter().map(|(_, candidate)| Ranked { candidate, reason: reason.clone() }).collect())
    }
}

fn is_there(candidate: &Candidate, none_permille_max: u16) -> bool {
    let is_likely = candidate.position.is_none_or(|position| position.none_permille <= none_permille_max);
    candidate.product.in_stock && is_likely
}

/// Who has put it into the basket already needs no other hint.
fn is_in_basket(input: &RankingInput, candidate: &Candidate) -> bool {
    input.basket.contains(&candidate.product.sku)
}

/// How far two prices are from each other; nothing where the products are not alike.
fn distance(subject: &Product, other: &Product, price_percent: i64) -> Option<i64> {
    let is_alike =
        subject.category == other.category && subject.unit == other.unit && subject.sku != other.sku;
    let distance = subject.price.abs_diff(other.price);
    let distance = i64::try_from(distance).ok()?;
    (is_alike && distance <= percent_of(subject.price, price_percent)).then_some(distance)
}

aisle_plugin_sdk::export!(Substitution: Ranking);

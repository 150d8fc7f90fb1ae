//! Recommendations in the light of what is in the store.
//!
//! A product's score falls with the chance that there is none, and rises where its date is near and there is plenty of it. What is
//! all but gone is left out. Where nothing is known of the stock, the recommender's order stays.

use aisle_plugin_sdk::{Candidate, Failure, Ranked, Ranking, RankingInput, money};

struct StockAware;

/// The settings.
struct Rules {
    /// From which chance that there is none a product is left out, in thousandths.
    none_permille_max: u16,
    /// Up to how many days before its date a product is pushed.
    expiring_days: i32,
    /// From how much in the store, in thousandths.
    expiring_from: i64,
    /// By how much its score rises, in percent.
    expiring_percent: i64,
    expiring_reason: Option<String>,
}

impl Rules {
    fn is_pushed(&self, candidate: &Candidate) -> bool {
        let is_near =
            candidate.product.expires_in_days.is_some_and(|days| (0..=self.expiring_days).contains(&days));
        is_near && candidate.position.is_some_and(|position| position.on_hand >= self.expiring_from)
    }

    /// Nothing for what is left out.
    fn score(&self, candidate: &Candidate) -> Option<i64> {
        let none_permille = candidate.position.map_or(0, |position| position.none_permille.min(1000));
        let is_gone = !candidate.product.in_stock || none_permille > self.none_permille_max;
        if is_gone && !candidate.pinned {
            return None;
        }
        // In millionths, so that what differs by little keeps its order.
        let score = i64::from(candidate.score_permille) * (1000 - i64::from(none_permille));
        let percent = if self.is_pushed(candidate) { 100 + self.expiring_percent } else { 100 };
        Some(money::ratio(score, percent, 100))
    }
}

impl Ranking for StockAware {
    fn rank(input: RankingInput) -> Result<Vec<Ranked>, Failure> {
        let settings = input.context.settings();
        let rules = Rules {
            none_permille_max: settings.or("none-permille-max", 700)?,
            expiring_days: settings.or("expiring-days", 1)?,
            expiring_from: settings.or("expiring-from", 5000)?,
            expiring_percent: settings.or("expiring-percent", 25)?.clamp(0, 1000),
            expiring_reason: settings.text("expiring-reason").map(str::to_owned),
        };
        let mut ranked: Vec<(i64, u32)> = (0..)
            .zip(&input.candidates)
            .filter_map(|(place, candidate)| Some((rules.score(candidate)?, place)))
            .collect();
        // Stable: of equal ones the recommender's better one is first.
        ranked.sort_by_key(|(score, _)| -score);
        let reason = |candidate: u32| {
            let candidate = input.candidates.get(usize::try_from(candidate).ok()?)?;
            if rules.is_pushed(candidate) { rules.expiring_reason.clone() } else { None }
        };
        Ok(ranked.into_iter().map(|(_, candidate)| Ranked { candidate, reason: reason(candidate) }).collect())
    }
}

aisle_plugin_sdk::export!(StockAware: Ranking);

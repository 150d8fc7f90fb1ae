//! {{what}}

use aisle_plugin_sdk::{Candidate, Failure, Ranked, Ranking, RankingInput};

struct Plugin;

impl Ranking for Plugin {
    fn rank(input: RankingInput) -> Result<Vec<Ranked>, Failure> {
        let none_permille_max = input.context.settings().required::<u16>("none_permille_max")?;
        let is_doubtful = |candidate: &Candidate| {
            candidate.position.as_ref().is_some_and(|position| position.none_permille > none_permille_max)
        };
        // Who has it in the basket needs no recommendation. What is left out here is not shown.
        let is_new = |candidate: &Candidate| !input.basket.contains(&candidate.product.sku);

        let mut shown: Vec<(bool, u32)> = input
            .candidates
            .iter()
            .zip(0..)
            .filter(|(candidate, _)| is_new(candidate))
            .map(|(candidate, place)| (is_doubtful(candidate), place))
            .collect();
        // Certain ones first, each half in the recommender's order.
        shown.sort_unstable();
        Ok(shown.into_iter().map(|(_, candidate)| Ranked { candidate, reason: None }).collect())
    }
}

aisle_plugin_sdk::export!(Plugin: Ranking);

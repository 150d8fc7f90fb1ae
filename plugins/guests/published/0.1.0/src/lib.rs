//! What was published in 0.1.0, all of it: five hooks, and every function that a plugin may ask.
//!
//! Guards that additions stay additions. It is built against the WIT of its time, beside it in `wit/`, and is not changed any more.

#[allow(missing_docs, unsafe_code, clippy::all, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package aisle:published;
            world all {
                import aisle:plugin/log@0.1.0;
                import aisle:plugin/clock@0.1.0;
                import aisle:plugin/random@0.1.0;
                import aisle:plugin/catalog@0.1.0;
                import aisle:plugin/stock@0.1.0;
                import aisle:plugin/kv@0.1.0;
                use aisle:plugin/types@0.1.0.{failure};
                use aisle:plugin/pricing-types@0.1.0.{pricing-input, new-price};
                use aisle:plugin/promotion-types@0.1.0.{promotion-input, adjustment};
                use aisle:plugin/ranking-types@0.1.0.{ranking-input, ranked};
                use aisle:plugin/replenishment-types@0.1.0.{replenishment-input, order-line};
                use aisle:plugin/reaction-types@0.1.0.{reaction-input, action};
                export price: func(input: pricing-input) -> result<list<new-price>, failure>;
                export promote: func(input: promotion-input) -> result<list<adjustment>, failure>;
                export rank: func(input: ranking-input) -> result<list<ranked>, failure>;
                export order: func(input: replenishment-input) -> result<list<order-line>, failure>;
                export react: func(input: reaction-input) -> result<list<action>, failure>;
            }
        ",
        world: "aisle:published/all",
        generate_all,
    });

    use super::Published;
    export!(Published);
}

use bindings::{
    Action, Adjustment, Failure, Guest, NewPrice, OrderLine, PricingInput, PromotionInput, Ranked,
    RankingInput, ReactionInput, ReplenishmentInput,
    aisle::plugin::{catalog, clock, kv, log, promotion_types, random, reaction_types, stock},
};

struct Published;

impl Guest for Published {
    /// Asks the catalogue: what is dearer there than in the basket stays as it is.
    fn price(input: PricingInput) -> Result<Vec<NewPrice>, Failure> {
        let mut prices = Vec::new();
        for line in input.lines {
            let Some(product) = catalog::find(&line.product.sku) else {
                return Err(Failure { reason: format!("`{}` is not on offer", line.product.sku) });
            };
            let alike =
                product.category.map(|category| catalog::of_category(&category, 10)).unwrap_or_default();
            let cheapest = alike.iter().map(|product| product.price).min().unwrap_or(product.price);
            if cheapest < line.unit_price {
                let reason = String::from("as cheap as the cheapest of its kind");
                prices.push(NewPrice { line: line.number, unit_price: cheapest, reason });
            }
        }
        Ok(prices)
    }

    /// Keeps a count for each customer, and gives it in points.
    fn promote(input: PromotionInput) -> Result<Vec<Adjustment>, Failure> {
        let Some(customer) = input.customer else { return Ok(Vec::new()) };
        let before = kv::get(&customer.token).and_then(|kept| kept.first().copied()).unwrap_or(0);
        let now = before.saturating_add(1);
        kv::set(&customer.token, &[now]).map_err(|_| Failure { reason: String::from("not kept") })?;
        if kv::delete("yesterday") {
            log::write(log::Level::Info, "yesterday is forgotten");
        }
        let points = promotion_types::Points { count: now.into(), reason: String::from("for coming back") };
        Ok(vec![Adjustment::Points(points)])
    }

    /// Turns the list by a number that looks random, and leaves out what there is none of.
    fn rank(input: RankingInput) -> Result<Vec<Ranked>, Failure> {
        let count = u64::try_from(input.candidates.len()).unwrap_or(0).max(1);
        let turn = usize::try_from(random::next() % count).unwrap_or(0);
        let mut ranked: Vec<Ranked> = (0..)
            .zip(&input.candidates)
            .filter(|(_, candidate)| {
                stock::of(&candidate.product.sku).is_none_or(|position| position.on_hand > 0)
            })
            .map(|(candidate, _)| Ranked { candidate, reason: None })
            .collect();
        let turn = turn.min(ranked.len());
        ranked.rotate_left(turn);
        Ok(ranked)
    }

    /// Orders a pack of whatever has run out.
    fn order(input: ReplenishmentInput) -> Result<Vec<OrderLine>, Failure> {
        let gone = input.demands.into_iter().filter(|demand| !demand.product.in_stock);
        let line = |sku| OrderLine { sku, packs: 1, reason: String::from("there is none") };
        Ok(gone.map(|demand| line(demand.product.sku)).collect())
    }

    /// Says what the time is.
    fn react(_: ReactionInput) -> Result<Vec<Action>, Failure> {
        let text = format!("it is {}", clock::now());
        Ok(vec![Action::Alert(reaction_types::Alert { text, urgent: false })])
    }
}

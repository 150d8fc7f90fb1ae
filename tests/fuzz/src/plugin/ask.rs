//! What is asked and what is answered, at random: most of it fits, so that the odd one out is seen.

use super::draw::Draw;
use aisle_plugin_host::{Hook, Input, Output, types::*};

/// Products that the shop has beside those of an input.
pub(super) const SHOP: [&str; 2] = ["A", "B"];
/// Items of a list, at most.
const ITEMS_MAX: usize = 6;

pub(super) fn context(draw: &mut Draw<'_>) -> Context {
    Context {
        store: "store-1".into(),
        currency: "GBP".into(),
        now: draw.any(),
        minute_of_day: 600,
        weekday: 3,
        day: 20_717,
        settings: draw.list(2, |draw| Setting { key: draw.words(), value: draw.words() }),
    }
}

pub(super) fn product(draw: &mut Draw<'_>) -> Product {
    Product {
        sku: draw.sku(),
        name: draw.words(),
        category: draw.maybe(Draw::words),
        unit: draw.pick(&[Unit::Each, Unit::Kilogram, Unit::Litre, Unit::Metre]),
        price: draw.any(),
        expires_in_days: draw.maybe(|draw| draw.small() as i32),
        in_stock: draw.one_in(2),
    }
}

pub(super) fn position(draw: &mut Draw<'_>) -> Position {
    Position { on_hand: draw.any(), none_permille: draw.small() as u16, as_of: draw.any() }
}

fn customer(draw: &mut Draw<'_>) -> Customer {
    Customer { token: draw.words(), tier: draw.maybe(Draw::words) }
}

/// Lines with numbers of their own, as a rule.
fn lines(draw: &mut Draw<'_>) -> Vec<Line> {
    let mut number = 0;
    draw.list(ITEMS_MAX, |draw| {
        number += 1;
        Line {
            number: if draw.one_in(24) { draw.below(4) as u32 } else { number },
            product: product(draw),
            quantity: draw.any(),
            unit_price: draw.any(),
        }
    })
}

fn given(draw: &mut Draw<'_>) -> Given {
    let line = draw.maybe(|draw| draw.below(8) as u32);
    Given { plugin: draw.words(), line, amount: draw.any() }
}

pub(super) fn input(draw: &mut Draw<'_>, hook: Hook) -> Input {
    let context = context(draw);
    match hook {
        Hook::Pricing => {
            Input::Pricing(PricingInput { context, customer: draw.maybe(customer), lines: lines(draw) })
        }
        Hook::Promotion => Input::Promotion(PromotionInput {
            context,
            customer: draw.maybe(customer),
            coupons: draw.list(2, Draw::words),
            lines: lines(draw),
            so_far: if draw.one_in(4) { draw.list(ITEMS_MAX, given) } else { Vec::new() },
        }),
        Hook::Ranking => Input::Ranking(RankingInput {
            context,
            slot: draw.pick(&[Slot::Home, Slot::Product, Slot::Basket, Slot::Substitute]),
            subject: draw.maybe(product),
            basket: draw.list(ITEMS_MAX, Draw::sku),
            candidates: draw.list(ITEMS_MAX, |draw| Candidate {
                product: product(draw),
                position: draw.maybe(position),
                score_permille: draw.small() as u16,
                pinned: draw.one_in(4),
            }),
            count: draw.count(),
        }),
        Hook::Replenishment => Input::Replenishment(ReplenishmentInput {
            context,
            demands: draw.list(ITEMS_MAX, |draw| Demand {
                product: product(draw),
                position: draw.maybe(position),
                on_order: draw.any(),
                daily_mean: draw.any(),
                daily_deviation: draw.any(),
                lead_days: draw.small() as u16,
                pack: draw.any(),
            }),
        }),
        Hook::Reaction => Input::Reaction(ReactionInput { context, happening: happening(draw) }),
    }
}

fn happening(draw: &mut Draw<'_>) -> Happening {
    match draw.below(5) {
        0 => Happening::DayBegan,
        1 => Happening::StockChanged(StockChanged {
            sku: draw.sku(),
            on_hand: draw.any(),
            none_permille: draw.small() as u16,
            sellable: draw.one_in(2),
        }),
        2 => Happening::GoodsReceived(GoodsReceived {
            sku: draw.sku(),
            quantity: draw.any(),
            lot: draw.maybe(Draw::words),
        }),
        3 => Happening::Excursion(Excursion {
            name: draw.words(),
            unit: draw.words(),
            open: draw.one_in(2),
            millidegrees: draw.small() as i32,
            lasted: draw.any(),
            skus: draw.list(ITEMS_MAX, Draw::sku),
        }),
        _ => Happening::Anomaly(Anomaly { device: draw.words(), stream: draw.words(), open: draw.one_in(2) }),
    }
}

/// A line that there is, as a rule.
fn line(draw: &mut Draw<'_>) -> u32 {
    1 + draw.below(ITEMS_MAX) as u32
}

pub(super) fn output(draw: &mut Draw<'_>, hook: Hook) -> Output {
    match hook {
        Hook::Pricing => Output::Pricing(draw.list(ITEMS_MAX, |draw| NewPrice {
            line: line(draw),
            unit_price: draw.any(),
            reason: draw.words(),
        })),
        Hook::Promotion => Output::Promotion(draw.list(ITEMS_MAX, adjustment)),
        Hook::Ranking => Output::Ranking(draw.list(ITEMS_MAX, |draw| Ranked {
            candidate: draw.below(ITEMS_MAX) as u32,
            reason: draw.maybe(Draw::words),
        })),
        Hook::Replenishment => Output::Replenishment(draw.list(ITEMS_MAX, |draw| OrderLine {
            sku: draw.sku(),
            packs: draw.count(),
            reason: draw.words(),
        })),
        Hook::Reaction => Output::Reaction(draw.list(ITEMS_MAX, action)),
    }
}

pub(super) fn adjustment(draw: &mut Draw<'_>) -> Adjustment {
    match draw.below(6) {
        0 | 1 => Adjustment::LineDiscount(LineDiscount {
            line: line(draw),
            amount: draw.any(),
            reason: draw.words(),
        }),
        2 => Adjustment::BasketDiscount(BasketDiscount { amount: draw.any(), reason: draw.words() }),
        3 => Adjustment::TakeBack(TakeBack { line: line(draw), amount: draw.any(), reason: draw.words() }),
        4 => Adjustment::Refuse(Refusal { line: line(draw), reason: draw.words() }),
        _ => Adjustment::Points(Points { count: draw.count(), reason: draw.words() }),
    }
}

fn action(draw: &mut Draw<'_>) -> Action {
    match draw.below(5) {
        0 => Action::Alert(Alert { text: draw.words(), urgent: draw.one_in(2) }),
        1 => Action::SetPrice(SetPrice { sku: draw.sku(), price: draw.any(), reason: draw.words() }),
        2 => Action::SetLabel(SetLabel { sku: draw.sku(), text: draw.words() }),
        3 => Action::OpenTask(OpenTask {
            sku: draw.maybe(Draw::sku),
            unit: draw.maybe(Draw::words),
            text: draw.words(),
        }),
        _ => Action::Suppress(Suppress { sku: draw.sku(), seconds: draw.count(), reason: draw.words() }),
    }
}

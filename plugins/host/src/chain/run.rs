//! The chain itself.

use super::{
    Adjusted, Basket, Denied, EarnedPoints, Effect, Ledger, Made, Member, Priced, PricedLine, RefusedLine,
    Share, in_order,
};
use crate::{
    call::Stamp,
    hook::Hook,
    manifest::OnFailure,
    types::{Adjustment, Context, Given, Input, Line, NewPrice, Output, PricingInput, PromotionInput},
};
use std::sync::Arc;

/// Prices a basket. Every plugin sees what those before it made of it.
#[must_use]
pub fn price(basket: &Basket, members: &[&dyn Member]) -> Priced {
    let members = in_order(members);
    let mut chain = Chain::new(basket);
    for member in members.iter().filter(|member| member.has(Hook::Pricing)) {
        chain.ask_prices(*member);
    }
    chain.ledger = Ledger::new(&chain.lines);
    for member in members.iter().filter(|member| member.has(Hook::Promotion)) {
        chain.ask_offers(*member);
    }
    chain.finish()
}

/// The basket's context with a plugin's own settings.
fn context(basket: &Basket, asked: &dyn Member) -> Context {
    Context { settings: asked.settings().to_vec(), ..basket.context.clone() }
}

struct Chain<'a> {
    basket: &'a Basket,
    lines: Vec<Line>,
    ledger: Ledger,
    so_far: Vec<Given>,
    adjustments: Vec<Adjusted>,
    refusals: Vec<RefusedLine>,
    points: Vec<EarnedPoints>,
    denied: Vec<Denied>,
    calls: Vec<Made>,
}

impl<'a> Chain<'a> {
    fn new(basket: &'a Basket) -> Self {
        Self {
            basket,
            lines: basket.lines.clone(),
            ledger: Ledger::new(&[]),
            so_far: Vec::new(),
            adjustments: Vec::new(),
            refusals: Vec::new(),
            points: Vec::new(),
            denied: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// Asks a plugin; when it fails, does what its manifest says. Who answered comes with the answer.
    fn ask(
        &mut self,
        member: &dyn Member,
        input: fn(&Self, &dyn Member) -> Input,
    ) -> Option<(Stamp, Output)> {
        let failure = match self.call(member, input(self, member), false) {
            Ok(output) => return Some((member.stamp().clone(), output)),
            Err(failure) => failure,
        };
        match member.on_failure() {
            OnFailure::Skip => None,
            OnFailure::Deny => {
                self.denied.push(Denied { plugin: member.stamp().clone(), reason: failure });
                None
            }
            OnFailure::LastGood => {
                let before = member.last_good()?;
                let output = self.call(before, input(self, before), true).ok()?;
                Some((before.stamp().clone(), output))
            }
        }
    }

    fn call(&mut self, member: &dyn Member, input: Input, as_last_good: bool) -> Result<Output, String> {
        let input = Arc::new(input);
        let call = member.call(&input);
        let outcome = call.outcome.clone().map_err(|failure| failure.to_string());
        let (plugin, hook) = (member.stamp().clone(), input.hook());
        self.calls.push(Made { plugin, hook, as_last_good, input, call });
        outcome
    }

    fn ask_prices(&mut self, member: &dyn Member) {
        let input = |chain: &Self, asked: &dyn Member| {
            Input::Pricing(PricingInput {
                context: context(chain.basket, asked),
                customer: chain.basket.customer.clone(),
                lines: chain.lines.clone(),
            })
        };
        let Some((plugin, Output::Pricing(prices))) = self.ask(member, input) else { return };
        for NewPrice { line: number, unit_price, reason } in prices {
            let Some(line) = self.lines.iter_mut().find(|line| line.number == number) else { continue };
            if line.unit_price == unit_price {
                continue;
            }
            let effect = Effect::Price { line: number, from: line.unit_price, to: unit_price };
            line.unit_price = unit_price;
            self.adjustments.push(Adjusted { plugin: plugin.clone(), effect, reason });
        }
    }

    fn ask_offers(&mut self, member: &dyn Member) {
        let input = |chain: &Self, asked: &dyn Member| {
            Input::Promotion(PromotionInput {
                context: context(chain.basket, asked),
                customer: chain.basket.customer.clone(),
                coupons: chain.basket.coupons.clone(),
                lines: chain.lines.clone(),
                so_far: chain.so_far.clone(),
            })
        };
        let Some((plugin, Output::Promotion(adjustments))) = self.ask(member, input) else { return };
        for adjustment in adjustments {
            self.adjust(&plugin, adjustment);
        }
    }

    fn adjust(&mut self, plugin: &Stamp, adjustment: Adjustment) {
        let mut given = |line, amount| self.so_far.push(Given { plugin: plugin.id.clone(), line, amount });
        let (effect, reason) = match adjustment {
            Adjustment::LineDiscount(it) => {
                let amount = self.ledger.take_off(it.line, it.amount.max(0));
                given(Some(it.line), amount);
                (Effect::LineDiscount { line: it.line, amount }, it.reason)
            }
            Adjustment::BasketDiscount(it) => {
                let shares: Vec<Share> = self
                    .ledger
                    .share(it.amount)
                    .into_iter()
                    .map(|(line, amount)| Share { line, amount })
                    .collect();
                let amount = shares.iter().map(|share| share.amount).sum();
                given(None, amount);
                (Effect::BasketDiscount { amount, shares }, it.reason)
            }
            Adjustment::TakeBack(it) => {
                let amount = -self.ledger.take_off(it.line, -it.amount.max(0));
                given(Some(it.line), -amount);
                (Effect::TakeBack { line: it.line, amount }, it.reason)
            }
            Adjustment::Refuse(it) => {
                let refused = RefusedLine { line: it.line, plugin: plugin.clone(), reason: it.reason };
                return self.refusals.push(refused);
            }
            Adjustment::Points(it) => {
                let points = EarnedPoints { count: it.count, plugin: plugin.clone(), reason: it.reason };
                return self.points.push(points);
            }
        };
        self.adjustments.push(Adjusted { plugin: plugin.clone(), effect, reason });
    }

    fn finish(self) -> Priced {
        let lines: Vec<PricedLine> = self.lines.iter().map(|line| self.line(line)).collect();
        let sum = |amount: fn(&PricedLine) -> i64| {
            lines.iter().fold(0_i64, |sum, line| sum.saturating_add(amount(line)))
        };
        Priced {
            gross: sum(|line| line.gross),
            total: sum(|line| line.net),
            lines,
            adjustments: self.adjustments,
            refusals: self.refusals,
            points: self.points,
            denied: self.denied,
            calls: self.calls,
        }
    }

    fn line(&self, line: &Line) -> PricedLine {
        // A line that something was taken back on costs less than nothing, and has no offers.
        let gross = super::cost(line.unit_price, line.quantity);
        let discount = self.ledger.given(line.number);
        PricedLine {
            number: line.number,
            catalog_price: line.product.price,
            unit_price: line.unit_price,
            gross,
            discount,
            net: gross - discount,
        }
    }
}

//! The chain: whatever plugins answer and however they fail, every line costs its price times its quantity less what stands on the
//! receipt, never less than nothing, and it does not matter in which order the plugins are held.

use super::{answer::gross, ask, draw::Draw};
use aisle_plugin_host::{
    Call, Failure, Hook, Input, OnFailure, Output, PRICE_MAX, Stamp,
    chain::{Basket, Effect, Made, Member, Priced, PricedLine, price},
    check_output,
    types::{Line, Product, Setting},
};
use std::{collections::BTreeMap, sync::Arc};

const LINES_MAX: usize = 6;
const MEMBERS_MAX: usize = 5;
/// Pieces of one line, in thousandths: more than anybody can carry, and little enough for sums to be exact.
const QUANTITY_MAX: i64 = 100_000_000;

/// A plugin whose answers are drawn.
struct Drawn {
    stamp: Stamp,
    order: i32,
    hook: Hook,
    on_failure: OnFailure,
    settings: Vec<Setting>,
    answer: Result<Output, Failure>,
    /// It leaves out of its answer what would not be taken.
    is_careful: bool,
    before: Option<Box<Self>>,
}

impl Member for Drawn {
    fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    fn order(&self) -> i32 {
        self.order
    }

    fn has(&self, hook: Hook) -> bool {
        self.hook == hook
    }

    fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// What a sandbox would give: an answer that was checked, or why there is none.
    fn call(&self, input: &Arc<Input>) -> Arc<Call> {
        assert_eq!((input.hook(), &input.context().settings), (self.hook, &self.settings));
        let answer = self.answer.clone();
        let answer = answer.map(|output| if self.is_careful { fitting(input, output) } else { output });
        let outcome = answer.and_then(|output| {
            check_output(input, &output, &mut |_| false)?;
            Ok(output)
        });
        let (host_calls, writes, log) = (Vec::new(), Vec::new(), Vec::new());
        Arc::new(Call {
            outcome,
            fuel: 1,
            micros: 1,
            memory_bytes: 1,
            host_calls,
            writes,
            log,
            log_lines_cut: 0,
        })
    }

    fn last_good(&self) -> Option<&dyn Member> {
        self.before.as_deref().map(|before| before as &dyn Member)
    }
}

/// The items of an answer that are taken one after the other.
fn fitting(input: &Input, output: Output) -> Output {
    fn keep<T: Clone>(items: Vec<T>, input: &Input, of: fn(Vec<T>) -> Output) -> Output {
        let mut kept: Vec<T> = Vec::new();
        for item in items {
            kept.push(item);
            if check_output(input, &of(kept.clone()), &mut |_| false).is_err() {
                kept.pop();
            }
        }
        of(kept)
    }
    match output {
        Output::Pricing(items) => keep(items, input, Output::Pricing),
        Output::Promotion(items) => keep(items, input, Output::Promotion),
        other => other,
    }
}

fn member(draw: &mut Draw<'_>, id: usize, major: u64, hook: Hook) -> Drawn {
    let id = format!("plugin-{id}");
    Drawn {
        settings: vec![Setting { key: "who".into(), value: format!("{id} {major}") }],
        stamp: Stamp { id, version: semver::Version::new(major, 0, 0) },
        order: draw.below(3) as i32,
        hook,
        on_failure: draw.pick(&OnFailure::ALL),
        answer: if draw.one_in(6) {
            Err(Failure::OutOfFuel { limit: 1 })
        } else {
            Ok(ask::output(draw, hook))
        },
        is_careful: !draw.one_in(3),
        before: None,
    }
}

fn line(draw: &mut Draw<'_>, number: u32) -> Line {
    let product = ask::product(draw);
    let unit_price = product.price.clamp(0, PRICE_MAX);
    let quantity = match draw.below(8) {
        7 => QUANTITY_MAX,
        6 => -draw.small(),
        5 => 0,
        _ => draw.small(),
    };
    let product = Product { price: unit_price, ..product };
    Line { number, product, quantity, unit_price }
}

/// The input makes a basket and the plugins of a store.
///
/// # Panics
/// When a line or the basket costs something else than what stands on the receipt.
pub fn plugin_basket(input: &[u8]) {
    let mut draw = Draw::new(input);
    let mut number = 0;
    let basket = Basket {
        context: ask::context(&mut draw),
        customer: None,
        coupons: draw.list(2, Draw::words),
        lines: draw.list(LINES_MAX, |draw| {
            // Numbers of their own, which need not follow each other.
            number += 1 + u32::from(draw.one_in(8));
            line(draw, number)
        }),
    };
    let mut id = 0;
    let members = draw.list(MEMBERS_MAX, |draw| {
        id += 1;
        let hook = draw.pick(&[Hook::Promotion, Hook::Promotion, Hook::Pricing]);
        let before = draw.maybe(|draw| Box::new(member(draw, id, 1, hook)));
        Drawn { before, ..member(draw, id, 2, hook) }
    });
    let held: Vec<&dyn Member> = members.iter().map(|member| member as &dyn Member).collect();
    let priced = price(&basket, &held);
    check(&basket, &priced);
    let denied = |member: &&Drawn| {
        let failed = |made: &Made| made.plugin == member.stamp && made.call.outcome.is_err();
        member.on_failure == OnFailure::Deny && priced.calls.iter().any(failed)
    };
    let denying: Vec<&Stamp> = members.iter().filter(denied).map(|member| &member.stamp).collect();
    let mut said: Vec<&Stamp> = priced.denied.iter().map(|denied| &denied.plugin).collect();
    said.sort();
    assert_eq!(said, denying, "who denies and fails is named, and nobody else");
    let turned: Vec<&dyn Member> = held.iter().rev().copied().collect();
    assert_eq!(price(&basket, &turned), priced, "the order in which plugins are held makes another price");
}

fn check(basket: &Basket, priced: &Priced) {
    assert_eq!(priced.lines.len(), basket.lines.len());
    let mut of_lines: BTreeMap<u32, (i64, i128)> =
        basket.lines.iter().map(|line| (line.number, (line.unit_price, 0))).collect();
    for adjusted in &priced.adjustments {
        let mut change = |line: &u32, unit_price: Option<(i64, i64)>, off: i64| {
            let (price, given) = of_lines.get_mut(line).expect("a line of the basket");
            if let Some((from, to)) = unit_price {
                assert_eq!(std::mem::replace(price, to), from, "{adjusted:?}");
            }
            *given += i128::from(off);
            assert!(*given >= 0, "more is taken back than was given: {adjusted:?}");
        };
        match &adjusted.effect {
            Effect::Price { line, from, to } => change(line, Some((*from, *to)), 0),
            Effect::LineDiscount { line, amount } => change(line, None, *amount),
            Effect::TakeBack { line, amount } => change(line, None, -*amount),
            Effect::BasketDiscount { amount, shares } => {
                let sum: i64 = shares.iter().map(|share| share.amount).sum();
                assert!(sum == *amount && shares.iter().all(|share| share.amount > 0), "{adjusted:?}");
                shares.iter().for_each(|share| change(&share.line, None, share.amount));
            }
        }
        assert!(!adjusted.reason.trim().is_empty(), "{adjusted:?}");
    }
    let (mut sum_gross, mut sum_net) = (0, 0);
    for (line, of) in priced.lines.iter().zip(&basket.lines) {
        let (unit_price, given) = of_lines[&of.number];
        let (expected, net) = (gross(unit_price, of.quantity), i128::from(line.net));
        let PricedLine { number, catalog_price, .. } = *line;
        assert_eq!((number, catalog_price, line.unit_price), (of.number, of.product.price, unit_price));
        assert_eq!((i128::from(line.gross), i128::from(line.discount)), (expected, given), "{line:?}");
        assert_eq!(net, expected - given, "{line:?}");
        assert!((0..=PRICE_MAX).contains(&unit_price) && (net >= 0 || of.quantity < 0), "{line:?}");
        (sum_gross, sum_net) = (sum_gross + expected, sum_net + net);
    }
    assert_eq!((i128::from(priced.gross), i128::from(priced.total)), (sum_gross, sum_net));
    assert!(priced.points.iter().all(|points| points.count > 0));
    for refused in &priced.refusals {
        assert!(of_lines.contains_key(&refused.line), "{refused:?}");
    }
}

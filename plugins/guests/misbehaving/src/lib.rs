//! Does on request everything that a plugin must not do. The number of the first product says what.
#![expect(clippy::panic, reason = "giving up is one of the things that are asked for")]

use aisle_plugin_sdk::{
    Action, Adjustment, Alert, BasketDiscount, Failure, Happening, LineDiscount, NewPrice, OrderLine, Points,
    Pricing, PricingInput, Promotion, PromotionInput, Ranked, Ranking, RankingInput, Reaction, ReactionInput,
    Refusal, Replenishment, ReplenishmentInput, SetLabel, SetPrice, Suppress, TakeBack, catalog, clock, kv,
    log, random, stock,
};
use std::hint::black_box;

struct Misbehaving;

/// Does what is asked for by name, where it is the same for all hooks.
fn misbehave(what: &str) -> Result<(), Failure> {
    match what {
        "TRAP" => panic!("asked for"),
        "LOOP" => while black_box(true) {},
        "ALLOCATE" => {
            let mut held: Vec<Vec<u8>> = Vec::new();
            while black_box(true) {
                held.push(vec![1; 1 << 16]);
            }
            drop(black_box(held));
        }
        "RECURSE" => {
            black_box(deeper(1));
        }
        "REFUSE" => return Err(Failure::new("the moon is not right")),
        "REFUSE-AT-LENGTH" => return Err(Failure::new("no ".repeat(1000))),
        "LOG" => (0..100_000).for_each(|number| log::write(log::Level::Info, &format!("line {number}"))),
        "LOG-CONTROL" => log::write(log::Level::Warn, "one\ntwo\u{1b}[31m"),
        "LOG-ONE-LONG" => log::write(log::Level::Warn, &"ö".repeat(200_000)),
        "ASK" => {
            while black_box(true) {
                black_box(clock::now());
            }
        }
        "ASK-MUCH" => {
            while black_box(true) {
                black_box(catalog::of_category("all", 1000));
            }
        }
        "ASK-LONG" => {
            let long = "x".repeat(1 << 19);
            while black_box(true) {
                black_box(catalog::find(&long));
            }
        }
        "KEEP" => {
            for number in 0..1000 {
                let _ = kv::set(&format!("key-{number}"), b"kept");
            }
        }
        "KEEP-SMALLER" => {
            let kept = [4096, 2048, 8].map(|bytes| kv::set("k", &vec![1_u8; bytes]).is_ok());
            log::write(log::Level::Info, &format!("{kept:?}"));
        }
        "KEEP-WRONG" => {
            let refusals = [
                kv::set("", b"x").err(),
                kv::set(&"k".repeat(129), b"x").err(),
                kv::set("k", &[0; 4097]).err(),
            ];
            return Err(Failure::new(format!("{refusals:?}")));
        }
        "KEEP-AND-TRAP" => {
            let _ = kv::set("a", b"1");
            panic!("after a write");
        }
        "COUNT" => {
            let before = kv::get("count")
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .and_then(|text| text.parse().ok());
            let count: u64 = before.unwrap_or(0);
            let _ = kv::set("count", (count + 1).to_string().as_bytes());
            // It sees its own write.
            let seen = kv::get("count").map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let gone = (kv::delete("count-not-there"), kv::delete("old"), kv::get("old"));
            log::write(log::Level::Info, &format!("{seen:?} {gone:?}"));
        }
        "LOOK" => {
            let found = catalog::find("OTHER").map(|product| product.price);
            let group = catalog::of_category("fruit", 3).len();
            let missing = catalog::find("NOT-THERE").is_none();
            let position = stock::of("OTHER").map(|position| position.on_hand);
            let numbers = (random::next(), random::next(), clock::now());
            log::write(log::Level::Debug, &format!("{found:?} {group} {missing} {position:?} {numbers:?}"));
        }
        _ => {}
    }
    Ok(())
}

#[expect(unconditional_recursion, reason = "the stack is to overflow")]
fn deeper(depth: u64) -> u64 {
    let here = black_box([depth; 16]);
    // Not the last thing done, so that no compiler makes a loop of it.
    deeper(depth + 1) + here.iter().sum::<u64>()
}

fn price(line: u32, unit_price: i64, reason: &str) -> NewPrice {
    NewPrice { line, unit_price, reason: reason.into() }
}

impl Pricing for Misbehaving {
    fn price(input: PricingInput) -> Result<Vec<NewPrice>, Failure> {
        let Some(first) = input.lines.first() else { return Ok(Vec::new()) };
        misbehave(&first.product.sku)?;
        Ok(match first.product.sku.as_str() {
            "UNKNOWN-LINE" => vec![price(999, 1, "no such line")],
            "NEGATIVE" => vec![price(first.number, -1, "below nothing")],
            "TWICE" => vec![price(first.number, 1, "once"), price(first.number, 2, "twice")],
            "TOO-DEAR" => vec![price(first.number, i64::MAX, "dear")],
            "NO-REASON" => vec![price(first.number, 1, "  ")],
            "LONG-REASON" => vec![price(first.number, 1, &"x".repeat(121))],
            "MANY" => (0..100_000).map(|line| price(line, 1, "many")).collect(),
            "HUGE" => vec![price(first.number, 1, &"x".repeat(8 << 20))],
            "CHEAPER" => vec![price(first.number, first.unit_price / 2, "half")],
            _ => Vec::new(),
        })
    }
}

impl Promotion for Misbehaving {
    fn promote(input: PromotionInput) -> Result<Vec<Adjustment>, Failure> {
        let Some(first) = input.lines.first() else { return Ok(Vec::new()) };
        misbehave(&first.product.sku)?;
        let (line, reason) = (first.number, || String::from("because"));
        let off = |line, amount| Adjustment::LineDiscount(LineDiscount { line, amount, reason: reason() });
        let basket = |amount| Adjustment::BasketDiscount(BasketDiscount { amount, reason: reason() });
        let back = |line, amount| Adjustment::TakeBack(TakeBack { line, amount, reason: reason() });
        Ok(match first.product.sku.as_str() {
            "UNKNOWN-LINE" => vec![off(999, 1)],
            "NEGATIVE" => vec![off(line, -1)],
            "NOTHING" => vec![basket(0)],
            "TOO-MUCH" => vec![off(line, first.cost() + 1)],
            "TOO-MUCH-TOGETHER" => vec![off(line, first.cost()), off(line, 1)],
            "TOO-MUCH-BASKET" => vec![basket(i64::MAX)],
            "BACK-BEFORE" => vec![back(line, 1), off(line, 1)],
            "BACK-TOO-MUCH" => vec![off(line, 5), back(line, 6)],
            "REFUSE-TWICE" => {
                let refusal = || Adjustment::Refuse(Refusal { line, reason: reason() });
                vec![refusal(), refusal()]
            }
            "NO-POINTS" => vec![Adjustment::Points(Points { count: 0, reason: reason() })],
            "MANY" => (0..100_000).map(|_| off(line, 1)).collect(),
            _ => vec![off(line, 1), basket(1), back(line, 1)],
        })
    }
}

impl Ranking for Misbehaving {
    fn rank(input: RankingInput) -> Result<Vec<Ranked>, Failure> {
        let Some(first) = input.candidates.first() else { return Ok(Vec::new()) };
        misbehave(&first.product.sku)?;
        let ranked = |candidate| Ranked { candidate, reason: None };
        let count = u32::try_from(input.candidates.len()).unwrap_or(0);
        Ok(match first.product.sku.as_str() {
            "UNKNOWN-LINE" => vec![ranked(count)],
            "TWICE" => vec![ranked(0), ranked(0)],
            "NO-REASON" => vec![Ranked { candidate: 0, reason: Some(String::new()) }],
            _ => (0..count).rev().map(ranked).collect(),
        })
    }
}

impl Replenishment for Misbehaving {
    fn order(input: ReplenishmentInput) -> Result<Vec<OrderLine>, Failure> {
        let Some(first) = input.demands.first() else { return Ok(Vec::new()) };
        let sku = &first.product.sku;
        misbehave(sku)?;
        let order = |sku: &str, packs| OrderLine { sku: sku.into(), packs, reason: "because".into() };
        Ok(match sku.as_str() {
            "UNKNOWN-LINE" => vec![order("NOT-THERE", 1)],
            "TWICE" => vec![order(sku, 1), order(sku, 2)],
            "NOTHING" => vec![order(sku, 0)],
            "TOO-MUCH" => vec![order(sku, u32::MAX)],
            _ => vec![order(sku, 1)],
        })
    }
}

impl Reaction for Misbehaving {
    fn react(input: ReactionInput) -> Result<Vec<Action>, Failure> {
        let Happening::StockChanged(changed) = input.happening else { return Ok(Vec::new()) };
        misbehave(&changed.sku)?;
        let reason = || String::from("because");
        let price =
            |sku: &str, price| Action::SetPrice(SetPrice { sku: sku.into(), price, reason: reason() });
        Ok(match changed.sku.as_str() {
            "UNKNOWN-LINE" => vec![price("NOT-THERE", 1)],
            "OTHER-PRODUCT" => vec![price("OTHER", 1)],
            "NEGATIVE" => vec![price(&changed.sku, 0)],
            "LONG-LABEL" => vec![Action::SetLabel(SetLabel { sku: changed.sku, text: "x".repeat(33) })],
            "LONG-TIME" => {
                vec![Action::Suppress(Suppress { sku: changed.sku, seconds: u32::MAX, reason: reason() })]
            }
            "NO-REASON" => vec![Action::Alert(Alert { text: String::new(), urgent: true })],
            _ => vec![Action::Alert(Alert { text: reason(), urgent: false })],
        })
    }
}

aisle_plugin_sdk::export!(Misbehaving: Pricing, Promotion, Ranking, Replenishment, Reaction);

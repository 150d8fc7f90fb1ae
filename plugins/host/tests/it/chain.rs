//! What a basket costs, by plugins that are plain functions here.

use crate::fixtures::{context, line};
use aisle_plugin_host::{
    Call, Failure, Hook, Input, OnFailure, Output, Stamp,
    chain::{Basket, Effect, Ledger, Member, Priced, cost, in_order, price},
    types::*,
};
use proptest::prelude::*;
use std::sync::Arc;

type Decide = Box<dyn Fn(&Input) -> Result<Output, Failure>>;

struct Fake {
    stamp: Stamp,
    order: i32,
    hook: Hook,
    on_failure: OnFailure,
    settings: Vec<Setting>,
    decide: Decide,
    before: Option<Box<Fake>>,
}

fn fake(
    id: &str,
    order: i32,
    hook: Hook,
    decide: impl Fn(&Input) -> Result<Output, Failure> + 'static,
) -> Fake {
    let settings = vec![Setting { key: "who".into(), value: id.into() }];
    Fake {
        stamp: Stamp { id: id.into(), version: semver::Version::new(1, 0, 0) },
        order,
        hook,
        on_failure: OnFailure::Skip,
        settings,
        decide: Box::new(decide),
        before: None,
    }
}

fn promoter(id: &str, order: i32, decide: impl Fn(&PromotionInput) -> Vec<Adjustment> + 'static) -> Fake {
    fake(id, order, Hook::Promotion, move |input| {
        let Input::Promotion(input) = input else { panic!("{input:?}") };
        Ok(Output::Promotion(decide(input)))
    })
}

fn pricer(id: &str, order: i32, decide: impl Fn(&PricingInput) -> Vec<NewPrice> + 'static) -> Fake {
    fake(id, order, Hook::Pricing, move |input| {
        let Input::Pricing(input) = input else { panic!("{input:?}") };
        Ok(Output::Pricing(decide(input)))
    })
}

fn trap() -> Failure {
    Failure::Trap { reason: "gone".into(), frames: Vec::new() }
}

impl Member for Fake {
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

    fn call(&self, input: &Arc<Input>) -> Arc<Call> {
        assert_eq!(input.context().settings, self.settings, "each plugin gets its own settings");
        let outcome = (self.decide)(input).and_then(|output| {
            aisle_plugin_host::check_output(input, &output, &mut |_| true)?;
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

fn basket(lines: Vec<Line>) -> Basket {
    Basket { context: context(), customer: None, coupons: Vec::new(), lines }
}

fn run(basket: &Basket, members: &[Fake]) -> Priced {
    price(basket, &members.iter().map(|member| member as &dyn Member).collect::<Vec<_>>())
}

fn off(line: u32, amount: i64) -> Adjustment {
    Adjustment::LineDiscount(LineDiscount { line, amount, reason: "off".into() })
}

fn off_basket(amount: i64) -> Adjustment {
    Adjustment::BasketDiscount(BasketDiscount { amount, reason: "off all".into() })
}

fn back(line: u32, amount: i64) -> Adjustment {
    Adjustment::TakeBack(TakeBack { line, amount, reason: "back".into() })
}

#[test]
fn without_plugins_a_basket_costs_what_the_catalogue_says() {
    let priced = run(&basket(vec![line(1, "A", 295, 3000), line(2, "B", 1000, 250)]), &[]);
    assert_eq!((priced.gross, priced.total), (1135, 1135));
    assert!(priced.adjustments.is_empty() && priced.calls.is_empty() && priced.denied.is_empty());
}

#[test]
fn prices_stand_before_offers_see_them() {
    let half = pricer("zz-half", 100, |input| {
        input
            .lines
            .iter()
            .map(|it| NewPrice { line: it.number, unit_price: it.unit_price / 2, reason: "half".into() })
            .collect()
    });
    // Asked later, though its order is smaller: it has another hook.
    let all = promoter("aa-all", -100, |input| {
        vec![off(1, cost(input.lines[0].unit_price, input.lines[0].quantity))]
    });
    let priced = run(&basket(vec![line(1, "A", 200, 3000)]), &[all, half]);
    assert_eq!((priced.gross, priced.total), (300, 0));
    assert_eq!(priced.lines[0].catalog_price, 200);
    let effects: Vec<&Effect> = priced.adjustments.iter().map(|it| &it.effect).collect();
    assert_eq!(
        effects,
        [&Effect::Price { line: 1, from: 200, to: 100 }, &Effect::LineDiscount { line: 1, amount: 300 }]
    );
    assert_eq!(priced.adjustments[1].plugin.to_string(), "aa-all 1.0.0");
}

#[test]
fn a_floor_takes_back_what_others_gave_too_much() {
    let generous = promoter("generous", 1, |_| vec![off(1, 80), off_basket(10)]);
    let floor = promoter("floor", 2, |input| {
        let given: i64 = input.so_far.iter().map(|given| given.amount).sum();
        assert_eq!(given, 90);
        assert_eq!(input.so_far[0].plugin, "generous");
        vec![back(1, 40)]
    });
    let after = promoter("look", 3, |input| {
        assert_eq!(input.so_far.last().map(|given| (given.line, given.amount)), Some((Some(1), -40)));
        Vec::new()
    });
    let priced = run(&basket(vec![line(1, "A", 100, 1000)]), &[after, floor, generous]);
    assert_eq!((priced.gross, priced.total), (100, 50));
}

#[test]
fn a_plugin_that_fails_is_left_out() {
    let broken = fake("broken", 1, Hook::Promotion, |_| Err(trap()));
    let good = promoter("good", 2, |_| vec![off(1, 5)]);
    let priced = run(&basket(vec![line(1, "A", 100, 1000)]), &[broken, good]);
    assert_eq!(priced.total, 95);
    assert!(priced.denied.is_empty() && priced.refusals.is_empty());
    assert_eq!(priced.calls.len(), 2);
    assert!(priced.calls[0].call.outcome.is_err());
}

#[test]
fn a_plugin_that_keeps_the_law_denies_when_it_fails() {
    let mut law = fake("law", 1, Hook::Promotion, |_| Err(trap()));
    law.on_failure = OnFailure::Deny;
    let priced = run(&basket(vec![line(1, "A", 100, 1000)]), &[law]);
    assert_eq!(priced.denied[0].plugin.id, "law");
    assert!(priced.denied[0].reason.contains("gone"));
}

#[test]
fn the_good_version_before_answers_for_one_that_fails() {
    let mut new = fake("offer", 1, Hook::Promotion, |_| Err(trap()));
    new.stamp.version.major = 2;
    new.on_failure = OnFailure::LastGood;
    new.before = Some(Box::new(promoter("offer", 1, |_| vec![off(1, 7)])));
    let priced = run(&basket(vec![line(1, "A", 100, 1000)]), &[new]);
    assert_eq!(priced.total, 93);
    assert_eq!(priced.adjustments[0].plugin.to_string(), "offer 1.0.0");
    assert_eq!(priced.calls.iter().map(|made| made.as_last_good).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn an_answer_of_a_wrong_discount_is_left_out_whole() {
    let greedy = promoter("greedy", 1, |_| vec![off(1, 60), off(1, 60)]);
    let priced = run(&basket(vec![line(1, "A", 100, 1000)]), &[greedy]);
    assert_eq!(priced.total, 100);
    assert!(
        matches!(&priced.calls[0].call.outcome, Err(Failure::BadOutput { path, .. }) if path == "[1].line-discount.amount")
    );
}

#[test]
fn refusals_and_points_come_with_their_plugin() {
    let both = promoter("both", 1, |_| {
        vec![
            Adjustment::Refuse(Refusal { line: 1, reason: "not at night".into() }),
            Adjustment::Points(Points { count: 12, reason: "thanks".into() }),
        ]
    });
    let priced = run(&basket(vec![line(1, "A", 100, 1000)]), &[both]);
    assert_eq!((priced.refusals[0].line, priced.refusals[0].reason.as_str()), (1, "not at night"));
    assert_eq!((priced.points[0].count, priced.points[0].plugin.id.as_str()), (12, "both"));
}

#[test]
fn what_is_given_back_costs_less_than_nothing_and_gets_no_offers() {
    let lines = vec![line(1, "A", 100, -1000), line(2, "B", 100, 1000)];
    let priced = run(&basket(lines), &[promoter("all", 1, |_| vec![off_basket(50)])]);
    assert_eq!(priced.lines.iter().map(|it| it.net).collect::<Vec<_>>(), [-100, 50]);
}

#[test]
fn cost_is_rounded_half_away_from_zero() {
    assert_eq!(cost(1, 500), 1);
    assert_eq!(cost(1, 499), 0);
    assert_eq!(cost(1, -500), -1);
    assert_eq!(cost(i64::MAX, i64::MAX), i64::MAX);
    assert_eq!(cost(i64::MAX, i64::MIN), i64::MIN);
}

/// Whatever a plugin may want, good or not.
fn adjustment() -> impl Strategy<Value = Adjustment> {
    let line = 0_u32..8;
    let amount = prop_oneof![-10_i64..2_000, Just(i64::MAX), Just(i64::MIN)];
    prop_oneof![
        (line.clone(), amount.clone()).prop_map(|(line, amount)| off(line, amount)),
        amount.clone().prop_map(off_basket),
        (line, amount).prop_map(|(line, amount)| back(line, amount)),
    ]
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let one = (0_i64..5_000, 0_i64..9_000);
    proptest::collection::vec(one, 0..7).prop_map(|lines| {
        lines
            .iter()
            .enumerate()
            .map(|(place, (price, quantity))| line(place as u32 + 1, "A", *price, *quantity))
            .collect()
    })
}

/// What plugins want, each within what its check lets through: an answer that does not fit is cut to the items that do.
fn plugins() -> impl Strategy<Value = Vec<(i32, Vec<Adjustment>)>> {
    proptest::collection::vec((0_i32..3, proptest::collection::vec(adjustment(), 0..5)), 0..5)
}

fn members(plugins: &[(i32, Vec<Adjustment>)]) -> Vec<Fake> {
    let member = |(number, (order, wants)): (usize, &(i32, Vec<Adjustment>))| {
        let wants = wants.clone();
        promoter(&format!("p{number}"), *order, move |input| {
            let mut kept = Vec::new();
            for want in &wants {
                kept.push(want.clone());
                let output = Output::Promotion(kept.clone());
                let asked = Input::Promotion(input.clone());
                if aisle_plugin_host::check_output(&asked, &output, &mut |_| true).is_err() {
                    kept.pop();
                }
            }
            kept
        })
    };
    plugins.iter().enumerate().map(member).collect()
}

proptest! {
    #[test]
    fn no_line_ever_costs_less_than_nothing_and_everything_adds_up(lines in lines(), plugins in plugins()) {
        let priced = run(&basket(lines), &members(&plugins));
        for it in &priced.lines {
            prop_assert!(it.net >= 0 && it.discount >= 0, "{it:?}");
            prop_assert_eq!(it.net + it.discount, it.gross);
        }
        prop_assert_eq!(priced.total, priced.lines.iter().map(|it| it.net).sum::<i64>());
        // What stands on the receipt explains every penny between the two totals.
        let mut taken_off = 0;
        for it in &priced.adjustments {
            taken_off += match &it.effect {
                Effect::LineDiscount { amount, .. } => *amount,
                Effect::TakeBack { amount, .. } => -*amount,
                Effect::BasketDiscount { amount, shares } => {
                    prop_assert_eq!(*amount, shares.iter().map(|share| share.amount).sum::<i64>());
                    prop_assert!(shares.iter().all(|share| share.amount > 0));
                    *amount
                }
                Effect::Price { .. } => 0,
            };
        }
        prop_assert_eq!(priced.gross - priced.total, taken_off);
        prop_assert!(priced.calls.iter().all(|made| made.call.outcome.is_ok()), "what is checked is what is done");
    }

    #[test]
    fn it_does_not_matter_in_which_order_plugins_are_held(lines in lines(), plugins in plugins(), turn in 0_usize..5) {
        let basket = basket(lines);
        let one = run(&basket, &members(&plugins));
        let mut turned = members(&plugins);
        turned.reverse();
        let places = turned.len().max(1);
        turned.rotate_left(turn % places);
        prop_assert_eq!(one, run(&basket, &turned));
    }

    #[test]
    fn shares_add_up_and_are_fair_to_the_last_unit(lines in lines(), amount in 0_i64..50_000) {
        let mut ledger = Ledger::new(&lines);
        let (before, total) = (ledger.clone(), ledger.total());
        let shares = ledger.share(amount);
        let given: i64 = shares.iter().map(|(_, share)| share).sum();
        prop_assert_eq!(given, amount.min(total));
        prop_assert_eq!(ledger.total(), total - given);
        for it in &lines {
            let share = shares.iter().find(|(number, _)| *number == it.number).map_or(0, |(_, share)| *share);
            prop_assert!(share <= before.net(it.number));
            let exact = i128::from(given) * i128::from(before.net(it.number));
            let off = i128::from(share) * i128::from(total) - exact;
            prop_assert!(off.abs() < i128::from(total.max(1)), "less than one unit from the exact share");
        }
    }

    #[test]
    fn amounts_as_large_as_can_be_do_not_overflow(prices in proptest::collection::vec(any::<i64>(), 1..5), amount in any::<i64>()) {
        let lines: Vec<Line> =
            prices.iter().enumerate().map(|(place, price)| line(place as u32 + 1, "A", *price, 1000)).collect();
        let mut ledger = Ledger::new(&lines);
        ledger.share(amount);
        ledger.take_off(1, amount);
        ledger.take_off(1, amount.saturating_neg());
        for it in &lines {
            prop_assert!(ledger.net(it.number) >= 0 && ledger.given(it.number) >= 0);
        }
    }
}

#[test]
fn members_are_ordered_by_their_place_and_then_by_their_id() {
    let held = [
        promoter("b", 1, |_| Vec::new()),
        promoter("c", 0, |_| Vec::new()),
        promoter("a", 1, |_| Vec::new()),
    ];
    let ordered = in_order(&held.iter().map(|it| it as &dyn Member).collect::<Vec<_>>());
    assert_eq!(ordered.iter().map(|it| it.stamp().id.as_str()).collect::<Vec<_>>(), ["c", "a", "b"]);
}

//! Which rung answers, and what it says about itself.

use crate::shop::{Ask, NOW, TestShelf, learned, model, recommender, rules, rungs, shown, sku, skus};
use aisle_event::{
    Timestamp,
    shopper::{Rung, Slot},
};
use aisle_recommend::{Model, Reason, RulesDocument, Settings, Visit};

fn trade() -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
    (vec![vec![1, 2], vec![1, 2, 3], vec![4, 5]], vec![vec![1, 6], vec![1, 6], vec![7, 8]])
}

#[test]
fn a_product_page_asks_sessions_first_and_fills_up_from_below() {
    let (browses, sales) = trade();
    let recommender = learned(&browses, &sales);
    let answer = Ask::product(1).count(9).of(&recommender, &TestShelf::of((0..20).rev()));
    assert_eq!(answer.rung, Rung::SessionNeighbours);
    assert!(!answer.degraded);
    assert_eq!(answer.as_of, NOW);
    assert_eq!(&shown(&answer)[..3], ["p2", "p3", "p6"]);
    assert_eq!(answer.items[0].reason, Reason::ViewedNext { after: sku(1), sessions: 2 });
    assert_eq!(answer.items[2].rung, Rung::ItemToItem);
    assert_eq!(answer.items[2].reason, Reason::GoesWith { with: sku(1) });
    let below = [[Rung::Popular; 4].as_slice(), &[Rung::Catalogue; 2]].concat();
    assert_eq!(rungs(&answer)[3..], below);
}

#[test]
fn a_basket_asks_what_goes_with_it_first() {
    let (browses, sales) = trade();
    let answer = Ask::basket(&[1]).count(3).of(&learned(&browses, &sales), &TestShelf::of(0..20));
    assert_eq!(answer.rung, Rung::ItemToItem);
    assert_eq!(shown(&answer)[0], "p6");
}

#[test]
fn a_new_shopper_sees_what_sells_and_that_is_not_degraded() {
    let (browses, sales) = trade();
    let answer = Ask::home(&[]).of(&learned(&browses, &sales), &TestShelf::of(0..20));
    assert_eq!((answer.rung, answer.degraded), (Rung::Popular, false));
    assert_eq!(answer.items[0].reason, Reason::PopularNow { hour: 12 });
    assert_eq!(shown(&answer)[..2], ["p1", "p6"]);
}

#[test]
fn a_shop_whose_last_sale_was_years_ago_has_a_popular_list() {
    let recommender = recommender(Settings::default());
    let at = Timestamp(1_323_000_000_000);
    let sales = vec![Visit { at, items: skus(&[3, 4]) }, Visit { at, items: skus(&[3]) }];
    recommender.install(Model::train(Vec::<Visit<Vec<_>>>::new(), sales, NOW, &Settings::default()));
    let answer = Ask::home(&[]).count(2).of(&recommender, &TestShelf::of(0..9));
    assert_eq!((answer.rung, shown(&answer)), (Rung::Popular, vec!["p3", "p4"]));
}

#[test]
fn without_a_model_the_answer_is_headquarters_list_then_the_newest_and_degraded() {
    let recommender = recommender(Settings::default());
    recommender.set_rules(rules(RulesDocument {
        list: skus(&[7, 40, 6]),
        version: 3,
        ..RulesDocument::default()
    }));
    let answer = Ask::product(1).count(4).of(&recommender, &TestShelf::of((0..10).rev()));
    assert_eq!(shown(&answer), ["p7", "p6", "p9", "p8"]);
    assert_eq!(rungs(&answer), [Rung::Rules, Rung::Rules, Rung::Catalogue, Rung::Catalogue]);
    assert_eq!((answer.rung, answer.degraded, answer.model, answer.rules), (Rung::Rules, true, 0, 3));
}

#[test]
fn an_empty_shop_with_a_model_of_nothing_shows_the_newest_and_is_not_degraded() {
    let recommender = learned(&[], &[]);
    let answer = Ask::home(&[5]).count(2).of(&recommender, &TestShelf::of([9, 8, 7]));
    assert_eq!((shown(&answer), answer.rung, answer.degraded), (vec!["p9", "p8"], Rung::Catalogue, false));
    assert_eq!(answer.items[0].reason, Reason::New);
    let answer = Ask::home(&[]).of(&recommender, &TestShelf::default());
    assert!(answer.items.is_empty());
}

#[test]
fn a_model_that_is_too_old_still_answers_degraded() {
    let (browses, sales) = trade();
    let recommender = learned(&browses, &sales);
    let later = NOW.saturating_add_ms(recommender.settings().model_age_max_ms as i64 + 1);
    let answer = Ask::product(1).at(later).of(&recommender, &TestShelf::of(0..20));
    assert_eq!((answer.rung, answer.degraded), (Rung::SessionNeighbours, true));
}

#[test]
fn the_hour_decides_what_is_popular() {
    let settings = Settings::default();
    let recommender = recommender(settings.clone());
    let at = |hour: i64| NOW.saturating_add_ms((hour - 12) * 3_600_000);
    let sales = vec![Visit { at: at(8), items: skus(&[1]) }, Visit { at: at(18), items: skus(&[2]) }];
    recommender.install(Model::train(Vec::<Visit<Vec<_>>>::new(), sales, NOW, &settings));
    for (hour, first) in [(8, "p1"), (9, "p1"), (17, "p2"), (19, "p2")] {
        let answer = Ask::home(&[]).at(at(hour)).of(&recommender, &TestShelf::of(0..9));
        assert_eq!(shown(&answer)[0], first, "at {hour}");
    }
}

#[test]
fn an_arm_can_switch_a_rung_off() {
    let (browses, sales) = trade();
    let recommender = learned(&browses, &sales);
    let arm: aisle_recommend::Arm =
        serde_json::from_str(r#"{"name": "b", "weight": 1, "policy": {"session_neighbours": false}}"#)
            .unwrap();
    let product = sku(1);
    let request = aisle_recommend::Request {
        slot: Slot::Product,
        viewed: &[],
        product: Some(&product),
        basket: &[],
        count: 3,
        at: NOW,
        arm: Some(&arm),
    };
    assert_eq!(recommender.recommend(&request, &TestShelf::of(0..20)).rung, Rung::ItemToItem);
    let request = aisle_recommend::Request { arm: None, ..request };
    assert_eq!(recommender.recommend(&request, &TestShelf::of(0..20)).rung, Rung::SessionNeighbours);
}

#[test]
fn a_run_of_one_category_is_broken_up() {
    let recommender = recommender(Settings { category_run_max: 2, ..Settings::default() });
    recommender.install(model(
        &[vec![1, 2], vec![1, 2, 3], vec![1, 2, 3, 4], vec![1, 2, 3, 4, 5], vec![1, 2, 3, 4, 5, 6]],
        &[],
        recommender.settings(),
    ));
    let mut shelf = TestShelf::of(0..9);
    shelf.categories = [2, 3, 4, 5].map(|number| (sku(number), "tea".to_owned())).into();
    shelf.categories.insert(sku(6), "milk".to_owned());
    let answer = Ask::product(1).count(5).of(&recommender, &shelf);
    let milk = shown(&answer).iter().position(|sku| *sku == "p6").unwrap();
    assert_eq!(milk, 2, "{:?}", shown(&answer));
}

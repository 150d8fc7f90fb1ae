//! What the cache may serve, and what it must not.

use crate::shop::{Ask, NOW, TestShelf, learned, model, rules, shown, sku};
use aisle_recommend::{Ban, RulesDocument, Settings};

const HOUR_MS: i64 = 3_600_000;

fn trade() -> Vec<Vec<u32>> {
    vec![vec![1, 2], vec![1, 2, 3], vec![1, 4]]
}

#[test]
fn the_same_question_is_answered_from_the_cache_with_the_same_answer() {
    let (recommender, shelf) = (learned(&trade(), &[]), TestShelf::of(0..20));
    let first = Ask::product(1).of(&recommender, &shelf);
    let second = Ask::product(1).of(&recommender, &shelf);
    assert_eq!((first.cached, second.cached), (false, true));
    assert_eq!(first.items, second.items);
}

#[test]
fn an_item_that_sells_out_leaves_the_cached_answer_at_once() {
    let (recommender, mut shelf) = (learned(&trade(), &[]), TestShelf::of(0..20));
    assert_eq!(shown(&Ask::product(1).of(&recommender, &shelf))[0], "p2");
    shelf.sell_out(2);
    let answer = Ask::product(1).of(&recommender, &shelf);
    assert!(!answer.cached && !shown(&answer).contains(&"p2") && answer.items.len() == 5);
    shelf.sell_out(19);
    assert!(Ask::product(1).of(&recommender, &shelf).cached, "nothing in it sold out");
}

#[test]
fn an_answer_is_good_for_its_time_only_and_never_from_the_future() {
    let (recommender, shelf) = (learned(&trade(), &[]), TestShelf::of(0..20));
    let at = |minutes: i64| NOW.saturating_add_ms(minutes * HOUR_MS / 60);
    let cached = |ask: Ask| ask.of(&recommender, &shelf).cached;
    assert!(!cached(Ask::product(1).at(at(10))));
    assert!(cached(Ask::product(1).at(at(39))));
    assert!(!cached(Ask::product(1).at(at(40))), "recommendations are good for 30 minutes");
    assert!(!cached(Ask::product(1).at(at(20))), "the clock was set back");
    assert!(!cached(Ask::home(&[]).at(at(10))));
    assert!(cached(Ask::home(&[]).at(at(19))));
    assert!(!cached(Ask::home(&[]).at(at(20))), "the popular list is good for 10 minutes");
}

#[test]
fn new_rules_and_a_new_model_count_at_once() {
    let (recommender, shelf) = (learned(&trade(), &[]), TestShelf::of(0..20));
    assert_eq!(shown(&Ask::product(1).of(&recommender, &shelf))[0], "p2");
    let ban = Ban { sku: sku(2), slot: None };
    recommender.set_rules(rules(RulesDocument { bans: vec![ban], ..RulesDocument::default() }));
    assert!(!shown(&Ask::product(1).of(&recommender, &shelf)).contains(&"p2"));
    recommender.set_rules(rules(RulesDocument::default()));
    recommender.install(model(&[vec![1, 9], vec![1, 9]], &[], &Settings::default()));
    let answer = Ask::product(1).of(&recommender, &shelf);
    assert_eq!((shown(&answer)[0], answer.cached), ("p9", false));
}

#[test]
fn the_basket_of_one_shopper_does_not_show_in_the_answer_of_another() {
    let (recommender, shelf) = (learned(&trade(), &[]), TestShelf::of(0..20));
    let with_basket = Ask { basket: vec![2], ..Ask::product(1) };
    assert!(!shown(&with_basket.of(&recommender, &shelf)).contains(&"p2"));
    let answer = Ask::product(1).of(&recommender, &shelf);
    assert_eq!((shown(&answer)[0], answer.cached), ("p2", true));
    assert!(!shown(&with_basket.of(&recommender, &shelf)).contains(&"p2"));
}

#[test]
fn a_cache_of_no_bytes_keeps_nothing() {
    let mut settings = Settings::default();
    settings.cache.bytes_max = 0;
    let recommender = crate::shop::recommender(settings.clone());
    recommender.install(model(&trade(), &[], &settings));
    let shelf = TestShelf::of(0..20);
    assert!(!Ask::product(1).of(&recommender, &shelf).cached);
    assert!(!Ask::product(1).of(&recommender, &shelf).cached);
}

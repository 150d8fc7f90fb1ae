//! What holds in every answer, whatever was learnt, asked, cached, banned or pinned.

use crate::shop::{Ask, NOW, TestShelf, model, recommender, rules, sku, skus};
use aisle_event::shopper::Slot;
use aisle_recommend::{Ban, Boost, Pin, Reason, RulesDocument, Settings, Shelf};
use proptest::{collection::vec, option, prelude::*, sample::select};
use std::collections::BTreeSet;

const ITEMS: u32 = 16;

fn slot() -> impl Strategy<Value = Slot> {
    select(Slot::ALL)
}

fn ask() -> impl Strategy<Value = Ask> {
    let items = || vec(0..ITEMS + 2, 0..5);
    (slot(), items(), option::of(0..ITEMS + 2), items(), 0_usize..12).prop_map(
        |(slot, viewed, product, basket, count)| Ask { slot, viewed, product, basket, count, at: NOW },
    )
}

fn document() -> impl Strategy<Value = RulesDocument> {
    let list = vec(0..ITEMS, 0..6);
    let pins = vec((slot(), 0..ITEMS, 0_usize..6), 0..4);
    let bans = vec((0..ITEMS, option::of(slot())), 0..4);
    let boosts = vec((0..ITEMS, 0.1_f64..10.0), 0..4);
    (list, pins, bans, boosts).prop_map(|(list, pins, bans, boosts)| RulesDocument {
        version: 1,
        list: skus(&list),
        pins: pins.into_iter().map(|(slot, item, position)| Pin { slot, sku: sku(item), position }).collect(),
        bans: bans.into_iter().map(|(item, slot)| Ban { sku: sku(item), slot }).collect(),
        boosts: boosts.into_iter().map(|(item, factor)| Boost { sku: sku(item), factor }).collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_answer_keeps_its_promises(
        browses in vec(vec(0..ITEMS, 1..5), 0..20),
        sales in vec(vec(0..ITEMS, 1..5), 0..20),
        document in document(),
        asks in vec((ask(), option::of(0..ITEMS)), 1..12),
    ) {
        let rules_hold = aisle_recommend::Rules::new(document.clone(), |_| true).is_ok();
        let document = if rules_hold { document } else { RulesDocument::default() };
        let fresh = || {
            let recommender = recommender(Settings::default());
            recommender.install(model(&browses, &sales, &Settings::default()));
            recommender.set_rules(rules(document.clone()));
            recommender
        };
        let recommender = fresh();
        let mut shelf = TestShelf::of(0..ITEMS);
        for (ask, sold_out) in asks {
            // Asked twice, so that the cache has its say, with something selling out in between.
            for _ in 0..2 {
                let answer = ask.of(&recommender, &shelf);
                let items: BTreeSet<_> = answer.items.iter().map(|item| &item.sku).collect();
                prop_assert_eq!(items.len(), answer.items.len(), "something twice");
                prop_assert!(answer.items.len() <= ask.count.clamp(1, 50));
                for item in answer.items.iter() {
                    prop_assert!(shelf.offered(&item.sku), "{} is not offered", item.sku);
                    prop_assert!(!skus(&ask.basket).contains(&item.sku), "{} is in the basket", item.sku);
                    prop_assert!(ask.product.map(sku).as_ref() != Some(&item.sku));
                    prop_assert!(ask.viewed.last().copied().map(sku).as_ref() != Some(&item.sku));
                    let banned = document.bans.iter().any(|ban| {
                        ban.sku == item.sku && ban.slot.is_none_or(|slot| slot == ask.slot)
                    });
                    prop_assert!(!banned, "{} is banned", item.sku);
                }
                let first = answer.items.iter().find(|item| item.reason != Reason::Pinned);
                prop_assert!(first.is_none_or(|item| item.rung == answer.rung));
                let length = answer.items.len();
                for pin in document.pins.iter().filter(|pin| pin.slot == ask.slot) {
                    let place = answer.items.iter().position(|item| item.sku == pin.sku);
                    let pinned = place.is_some_and(|place| answer.items[place].reason == Reason::Pinned);
                    let wanted = pin.position < ask.count.clamp(1, 50)
                        && shelf.offered(&pin.sku)
                        && !skus(&ask.basket).contains(&pin.sku)
                        && ask.product.map(sku).as_ref() != Some(&pin.sku)
                        && ask.viewed.last().copied().map(sku).as_ref() != Some(&pin.sku);
                    prop_assert_eq!(pinned, wanted);
                    if wanted && pin.position < length {
                        prop_assert_eq!(place, Some(pin.position));
                    }
                }
                if let Some(item) = sold_out {
                    shelf.sell_out(item);
                }
            }
        }
    }

    #[test]
    fn the_same_past_and_question_give_the_same_answer(
        browses in vec(vec(0..ITEMS, 1..5), 0..20),
        sales in vec(vec(0..ITEMS, 1..5), 0..20),
        asks in vec(ask(), 1..6),
    ) {
        let learned = || crate::shop::learned(&browses, &sales);
        let (one, other, shelf) = (learned(), learned(), TestShelf::of(0..ITEMS));
        let answers: Vec<_> = asks.iter().map(|ask| ask.of(&one, &shelf).items).collect();
        // The other is asked backwards, and so finds other things in its cache.
        for (ask, expected) in asks.iter().zip(&answers).rev() {
            prop_assert_eq!(&ask.of(&other, &shelf).items, expected);
        }
    }
}

//! Recommendations in the order of plugins: more candidates than are shown, pins where they were, and substitutes.

use crate::{pretended_plugins::Pretended, shop_under_test::ShopUnderTest};
use aisle_event::{Sku, Text, Unit, shopper::Slot};
use aisle_kiosk::plugins::{List, Place, Ranked};
use aisle_recommend::{Pin, Rules, RulesDocument};
use std::sync::{Arc, Mutex};

/// What plugins make of a list.
type Order = fn(&List) -> Option<Vec<Ranked>>;

fn ranked(candidate: usize, reason: Option<&str>) -> Ranked {
    Ranked { candidate, reason: reason.map(|reason| Text::new(reason.to_owned()).unwrap()) }
}

fn backwards(list: &List) -> Option<Vec<Ranked>> {
    Some(
        (0..list.candidates.len()).rev().map(|at| ranked(at, (at == 0).then_some("Our own roast"))).collect(),
    )
}

async fn skus(shop: &ShopUnderTest, path: &str) -> Vec<String> {
    let answer = shop.get(path).await.json();
    let sku = |item: &serde_json::Value| item["product"]["sku"].as_str().unwrap().to_owned();
    answer["items"].as_array().unwrap().iter().map(sku).collect()
}

async fn shelf(shop: &ShopUnderTest, products: u32) {
    for number in 0..products {
        shop.list(&format!("P{number:02}"), &format!("Product {number}"), 100, Unit::Each, Some("All")).await;
    }
    shop.get("/v1/search?q=product").await;
}

#[tokio::test]
async fn plugins_rank_more_than_is_shown_and_give_their_own_reasons() {
    let seen: Arc<Mutex<Vec<List>>> = Arc::default();
    let lists = seen.clone();
    let plugins = Pretended::ranking(&[Place::Home], move |list| {
        lists.lock().unwrap().push(list.clone());
        backwards(list)
    });
    let shop = ShopUnderTest::with_plugins(plugins).await;
    shelf(&shop, 20).await;
    let session = shop.session().await;
    shop.put_in_basket(&session, "CUP", 1).await;
    let shown = skus(&shop, &format!("/v1/recommendations/home?count=3&session={session}")).await;
    let list = seen.lock().unwrap().remove(0);
    assert_eq!((list.place, list.count, list.candidates.len()), (Place::Home, 3, 9));
    assert_eq!(list.basket, [Sku::new("CUP").unwrap()]);
    assert!(list.candidates.windows(2).all(|pair| pair[0].score_permille >= pair[1].score_permille));
    let last: Vec<_> =
        list.candidates.iter().rev().take(3).map(|candidate| candidate.product.sku.to_string()).collect();
    assert_eq!(shown, last);
    let few = shop.get("/v1/recommendations/home?count=50").await.json();
    assert_eq!(few["items"].as_array().unwrap().last().unwrap()["reason"], "Our own roast");
    assert_eq!(
        skus(&shop, "/v1/recommendations/basket?count=3").await.len(),
        3,
        "other places stay as they are"
    );
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_headquarters_pinned_stays_in_its_place() {
    let shop = ShopUnderTest::with_plugins(Pretended::ranking(&[Place::Home], backwards)).await;
    shelf(&shop, 9).await;
    let pin = |sku: &str, position| Pin { slot: Slot::Home, sku: Sku::new(sku).unwrap(), position };
    let rules = RulesDocument { pins: vec![pin("TEA-2", 1), pin("NUT", 7)], ..RulesDocument::default() };
    shop.recommender.set_rules(Rules::new(rules, |_| true).unwrap());
    let shown = skus(&shop, "/v1/recommendations/home?count=4").await;
    assert_eq!((shown.len(), shown[1].as_str()), (4, "TEA-2"));
    assert!(!shown.contains(&"NUT".to_owned()), "its place is not shown");
}

#[tokio::test]
async fn an_order_that_cannot_be_right_or_a_panic_leaves_the_recommenders_own() {
    let usual = {
        let shop = ShopUnderTest::start().await;
        shelf(&shop, 9).await;
        skus(&shop, "/v1/recommendations/home?count=4").await
    };
    let answers: [Order; 6] = [
        |_| None,
        |list| Some(vec![ranked(list.candidates.len(), None)]),
        |_| Some(vec![ranked(0, None), ranked(0, None)]),
        |_| Some(vec![ranked(0, Some(" "))]),
        |_| Some(vec![ranked(0, Some(&"r".repeat(121)))]),
        |_| panic!("a fault in the node"),
    ];
    for answer in answers {
        let shop = ShopUnderTest::with_plugins(Pretended::ranking(&[Place::Home], answer)).await;
        shelf(&shop, 9).await;
        let shown = skus(&shop, "/v1/recommendations/home?count=4").await;
        assert_eq!(shown.len(), 4);
        assert_eq!(shown, usual);
    }
}

#[tokio::test]
async fn a_product_that_is_out_of_stock_shows_what_plugins_put_in_its_place() {
    let plugins = Pretended::ranking(&[Place::Substitute], |list| {
        assert_eq!(list.subject.as_ref().unwrap().sku.as_str(), "TEA-1");
        let tea = list.candidates.iter().position(|candidate| candidate.product.sku.as_str() == "TEA-2")?;
        Some(vec![ranked(tea, None)])
    });
    let shop = ShopUnderTest::with_plugins(plugins).await;
    shop.get("/v1/search?q=tea").await;
    let cookie = shop.shopper().await;
    assert!(!shop.page("/product/TEA-1", &cookie, "en").await.body.contains("Instead of"));
    shop.count("TEA-1", 0).await;
    let page = shop.page("/product/TEA-1", &cookie, "en").await.body;
    assert!(page.contains("Instead of this") && page.contains("Instead of Green tea 绿茶"), "{page}");
    assert_eq!(page.matches(r#"id="recommendations""#).count(), 1);
    assert!(shop.page("/product/TEA-1", &cookie, "zh").await.body.contains("可替代的商品"));
    assert_eq!(skus(&shop, "/v1/recommendations/substitute?sku=TEA-1").await, ["TEA-2"]);
}

#[tokio::test]
async fn without_such_a_plugin_nothing_stands_in_the_place_of_a_product() {
    let shop = ShopUnderTest::start().await;
    shop.get("/v1/search?q=tea").await;
    shop.count("TEA-1", 0).await;
    assert!(!shop.get("/product/TEA-1").await.body.contains("Instead of"));
    assert_eq!(skus(&shop, "/v1/recommendations/substitute?sku=TEA-1").await, Vec::<String>::new());
}

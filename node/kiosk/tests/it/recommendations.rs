//! Recommendations and experiments.

use crate::shop_under_test::ShopUnderTest;
use aisle_event::{
    Name, SessionId, Sku,
    shopper::{ItemClicked, ItemsShown, Rung, SessionStarted, Slot},
};

#[tokio::test]
async fn a_new_shop_recommends_its_catalogue_and_says_why() {
    let shop = ShopUnderTest::start().await;
    shop.get("/v1/search?q=tea").await;
    let answer = shop.get("/v1/recommendations/home?count=3").await.json();
    assert_eq!(answer["items"].as_array().unwrap().len(), 3, "{answer}");
    assert_eq!(answer["rung"], "catalogue");
    assert_eq!(answer["degraded"], true, "no model has been trained");
    assert_eq!(answer["items"][0]["reason"], "New in the shop");
    let answer = shop.get("/v1/recommendations/home?lang=zh").await.json();
    assert_eq!(answer["items"][0]["reason"], "新品上架");
}

#[tokio::test]
async fn what_is_out_of_stock_or_in_hand_is_not_recommended() {
    let shop = ShopUnderTest::start().await;
    shop.count("CUP", 0).await;
    let session = shop.session().await;
    shop.put_in_basket(&session, "TEA-1", 1).await;
    shop.get("/v1/search?q=tea").await;
    let path = format!("/v1/recommendations/product?session={session}&sku=TEA-2&count=10");
    let answer = shop.get(&path).await.json();
    let skus: Vec<_> =
        answer["items"].as_array().unwrap().iter().map(|item| item["product"]["sku"].clone()).collect();
    assert_eq!(skus, ["NUT"], "{answer}");
}

#[tokio::test]
async fn an_unknown_session_or_product_is_404() {
    let shop = ShopUnderTest::start().await;
    assert_eq!(
        shop.get("/v1/recommendations/home?session=x").await.problem(404, "unknown-session"),
        "session"
    );
    assert_eq!(shop.get("/v1/recommendations/product?sku=x").await.problem(404, "unknown-product"), "sku");
}

#[tokio::test]
async fn an_experiment_shows_counts_rates_and_lift() {
    let shop = ShopUnderTest::start().await;
    for (arm, shown, clicks) in [("test/control", 100, 10), ("test/new", 100, 30)] {
        let (session, arm) = (SessionId::new(arm).unwrap(), Some(Name::new(arm).unwrap()));
        let at = shop.now();
        let unknown = Default::default;
        shop.record(SessionStarted {
            session: session.clone(),
            kiosk: None,
            language: None,
            at,
            arm: arm.clone(),
            unknown: unknown(),
        })
        .await;
        let sku = Sku::new("CUP").unwrap();
        shop.record(ItemsShown {
            session: session.clone(),
            slot: Slot::Home,
            skus: vec![sku.clone(); shown],
            rung: Rung::Popular,
            arm: arm.clone(),
            at,
            unknown: unknown(),
        })
        .await;
        for _ in 0..clicks {
            let (session, sku, arm) = (session.clone(), sku.clone(), arm.clone());
            shop.record(ItemClicked {
                session,
                slot: Slot::Home,
                sku,
                position: 0,
                arm,
                at,
                unknown: unknown(),
            })
            .await;
        }
    }
    let answer = shop.get("/v1/admin/experiments").await.json();
    let [control, new] = answer["experiments"][0]["arms"].as_array().unwrap().as_slice() else {
        panic!("{answer}")
    };
    assert_eq!(answer["experiments"][0]["experiment"], "test");
    assert_eq!((control["control"].clone(), control["lift"].clone()), (true.into(), serde_json::Value::Null));
    assert_eq!(new["rates"]["clicks"]["estimate"], 0.3);
    let lift = &new["lift"]["clicks"];
    assert!((lift["estimate"].as_f64().unwrap() - 0.2).abs() < 1e-9, "{lift}");
    assert!(lift["low"].as_f64().unwrap() > 0.05 && lift["high"].as_f64().unwrap() < 0.35, "{lift}");
}

//! Customers and coupons of a session: recorded once, forgotten when asked, refused with the field.

use crate::{
    pretended_plugins::Pretended,
    shop_under_test::{NOON, ShopUnderTest},
};
use aisle_event::{Event, Name, Sku, Text, Timestamp, plugin::ProductSuppressed};
use aisle_kiosk::plugins::Offers;
use serde_json::json;

#[tokio::test]
async fn a_customer_is_named_once_and_forgotten_without_being_told_again() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    let path = format!("/v1/sessions/{session}/customer");
    let view = shop.put(&path, json!({ "token": "c-1" })).await;
    assert_eq!(view.json()["customer"], json!({ "tier": null }));
    assert!(!view.body.contains("c-1"), "what stands for a customer is not told again");
    let before = shop.journal.durable();
    assert_eq!(shop.put(&path, json!({ "token": "c-1" })).await.status, 200);
    assert_eq!(shop.journal.durable(), before, "the same again is not recorded again");
    assert_eq!(
        shop.put(&path, json!({ "token": "c-1", "tier": "gold" })).await.json()["customer"]["tier"],
        "gold"
    );
    assert!(shop.delete(&path).await.json().get("customer").is_none());
    let before = shop.journal.durable();
    assert_eq!(shop.delete(&path).await.status, 200);
    assert_eq!(shop.journal.durable(), before);
    let named: Vec<_> = shop
        .events()
        .into_iter()
        .filter_map(|event| if let Event::CustomerNamed(named) = event { Some(named) } else { None })
        .collect();
    assert_eq!(named.len(), 3);
    assert_eq!((&named[2].customer, &named[2].tier), (&None, &None));
}

#[tokio::test]
async fn what_is_wrong_with_a_customer_or_a_coupon_is_named() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    let path = format!("/v1/sessions/{session}/customer");
    for (body, field) in [
        (json!({ "token": "" }), "token"),
        (json!({ "token": "a b" }), "token"),
        (json!({ "token": "c".repeat(65) }), "token"),
        (json!({ "token": 7 }), "token"),
        (json!({ "token": "c", "tier": "" }), "tier"),
        (json!({ "token": "c", "tier": "t".repeat(33) }), "tier"),
        (json!({ "tier": "gold" }), "body"),
        (json!({ "token": "c", "name": "Ana" }), "name"),
    ] {
        assert_eq!(shop.put(&path, body.clone()).await.problem(400, "malformed"), field, "{body}");
    }
    let long = "A".repeat(33);
    for code in ["a_b", "%20", "caf%C3%A9", "%C3%9F", long.as_str()] {
        let path = format!("/v1/sessions/{session}/coupons/{code}");
        assert_eq!(shop.put(&path, json!({})).await.problem(400, "malformed"), "code", "{code}");
        assert_eq!(shop.delete(&path).await.problem(400, "malformed"), "code", "{code}");
    }
    for path in ["/v1/sessions/nobody/customer", "/v1/sessions/nobody/coupons/A"] {
        assert_eq!(shop.put(path, json!({ "token": "c" })).await.problem(404, "unknown-session"), "session");
        assert_eq!(shop.delete(path).await.problem(404, "unknown-session"), "session");
    }
}

#[tokio::test]
async fn coupons_are_capitals_stand_once_and_are_not_more_than_eight() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    let path = |code: &str| format!("/v1/sessions/{session}/coupons/{code}");
    for number in 0..8 {
        assert_eq!(shop.put(&path(&format!("save-{number}")), json!({})).await.status, 200);
    }
    let before = shop.journal.durable();
    assert_eq!(shop.put(&path("SAVE-3"), json!({})).await.json()["coupons"].as_array().unwrap().len(), 8);
    assert_eq!(shop.put(&path("one-more"), json!({})).await.problem(409, "coupons-full"), "code");
    assert_eq!(shop.delete(&path("NEVER")).await.status, 200);
    assert_eq!(shop.journal.durable(), before, "none of these changed anything");
    let basket = shop.delete(&path("save-0")).await.json();
    assert_eq!(basket["coupons"][0], "SAVE-1");
    assert_eq!(shop.put(&path("one-more"), json!({})).await.json()["coupons"][7], "ONE-MORE");
}

#[tokio::test]
async fn a_coupon_is_entered_and_removed_by_forms_alone() {
    let shop = ShopUnderTest::with_plugins(Pretended::offering(|_| Offers::default())).await;
    let cookie = shop.shopper().await;
    shop.form("/basket", &cookie, "sku=TEA-1&change=add&quantity=1").await;
    let entered = shop.form("/coupon", &cookie, "code=+spring-10+&change=enter").await;
    assert_eq!((entered.status.as_u16(), entered.header("location")), (303, "/basket".into()));
    let page = shop.page("/basket", &cookie, "en").await.body;
    assert!(page.contains("<b>SPRING-10</b>") && page.contains(r#"aria-label="Remove SPRING-10""#), "{page}");
    assert!(page.contains(r#"<label for="coupon">"#) && !page.contains(r#"role="alert""#));
    let refused = shop.form("/coupon", &cookie, "code=10%25+off&change=enter").await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains(r#"role="alert""#) && refused.body.contains("This is no coupon code"));
    assert!(refused.body.contains(r#"aria-invalid="true""#), "{}", refused.body);
    for number in 0..7 {
        shop.form("/coupon", &cookie, &format!("code=C{number}&change=enter")).await;
    }
    let full = shop.form("/coupon", &cookie, "code=ONE-MORE&change=enter").await;
    assert_eq!(full.status, 409);
    assert!(full.body.contains("No more coupons fit"), "{}", full.body);
    shop.form("/coupon", &cookie, "code=SPRING-10&change=remove").await;
    assert!(!shop.page("/basket", &cookie, "en").await.body.contains("SPRING-10"));
    assert_eq!(shop.form("/coupon", &cookie, "code=A&change=eat").await.status, 400);
}

#[tokio::test]
async fn without_plugins_nothing_is_said_of_offers() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    shop.form("/basket", &cookie, "sku=TEA-1&change=add&quantity=1").await;
    let page = shop.page("/basket", &cookie, "en").await.body;
    for absent in ["oupon", "<s>", "class=\"offers\"", "points"] {
        assert!(!page.contains(absent), "{absent}: {page}");
    }
}

#[tokio::test]
async fn a_product_that_is_kept_from_being_sold_says_so_until_an_event_ends_it() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    let session = cookie.split('=').nth(1).unwrap().to_owned();
    shop.put_in_basket(&session, "TEA-1", 1).await;
    let suppressed = |until| ProductSuppressed {
        sku: Sku::new("TEA-1").unwrap(),
        until,
        reason: Text::new("Too warm for two hours").unwrap(),
        plugin: Name::new("cold-chain").unwrap(),
        at: Timestamp(NOON),
        unknown: Default::default(),
    };
    shop.record(suppressed(Some(Timestamp(NOON + 1000)))).await;
    shop.advance_ms(3_600_000);
    let stock = shop.get("/v1/products/TEA-1").await.json()["stock"].clone();
    assert_eq!(stock, json!({ "state": "out-of-stock", "suppressed": "Too warm for two hours" }));
    let page = shop.page("/product/TEA-1", &cookie, "en").await.body;
    assert!(page.contains("Not for sale at the moment") && !page.contains("Add to basket"), "{page}");
    assert!(shop.page("/basket", &cookie, "zh").await.body.contains("暂停销售"));
    let answer = shop.checkout(&session, "k").await;
    assert_eq!(answer.problem(409, "not-sellable"), "lines[0]");
    assert!(answer.body.contains("is kept from being sold for now"), "{}", answer.body);
    let refused = shop.form("/checkout", &cookie, "key=k&expected=250+GBP").await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("not for sale at the moment"), "{}", refused.body);
    shop.record(suppressed(None)).await;
    assert_eq!(shop.get("/v1/products/TEA-1").await.json()["stock"], json!({ "state": "unknown" }));
    assert_eq!(shop.checkout(&session, "k").await.status, 201);
}

//! Nobody sees the last shopper's basket, and no other site can act for a shopper.

use crate::shop_under_test::ShopUnderTest;
use aisle_event::{Event, shopper::EndReason};
use axum::{body::Body, http::Request};

#[tokio::test]
async fn a_kiosk_at_rest_has_no_session_and_the_first_touch_begins_one() {
    let shop = ShopUnderTest::start().await;
    let home = shop.get("/").await;
    assert!(home.cookie("aisle_session").is_none());
    assert!(!home.body.contains("data-reset-s"), "there is nothing to reset");
    let cookie = shop.page("/product/CUP", "", "en").await.cookie("aisle_session").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
}

#[tokio::test]
async fn after_a_reset_nothing_of_the_last_shopper_is_left() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    shop.form("/basket", &cookie, "sku=CUP&change=add&quantity=1").await;
    assert!(shop.page("/basket", &cookie, "en").await.body.contains("Paper cups"));
    let left = shop.form("/leave", &cookie, "reason=idle").await;
    assert_eq!((left.status.as_u16(), left.header("location")), (303, "/".into()));
    for name in ["aisle_session", "aisle_language", "aisle_receipt"] {
        assert!(left.cookie(name).unwrap().contains("Max-Age=0"), "{name}");
    }
    let back = shop.page("/basket", &cookie, "en").await;
    assert!(back.body.contains("Your basket is empty"), "the back button finds an empty basket");
    assert_eq!(back.header("cache-control"), "no-store");
    let Some(Event::SessionEnded(ended)) = shop.events().pop() else { panic!("it ended") };
    assert_eq!(ended.reason, EndReason::Idle);
}

#[tokio::test]
async fn without_scripts_the_page_resets_itself_and_ends_only_its_own_session() {
    let shop = ShopUnderTest::start().await;
    let (mine, other) = (shop.shopper().await, shop.shopper().await);
    let page = shop.page("/basket", &mine, "en").await.body;
    assert!(
        page.contains(r#"<noscript><meta http-equiv="refresh" content="90;url=/idle"></noscript>"#),
        "{page}"
    );
    assert!(page.contains(r#"data-reset-s="90" data-warning-s="15""#));
    assert_eq!(shop.get("/idle").await.header("location"), "/");
    assert_eq!(shop.state.shop().sessions.len(), 2, "without a cookie nothing ends");
    shop.page("/idle", &mine, "en").await;
    let shop_now = shop.state.shop();
    assert_eq!(shop_now.sessions.len(), 1);
    assert!(shop_now.session(other.split_once('=').unwrap().1).is_some());
}

#[tokio::test]
async fn a_receipt_is_only_shown_to_the_one_who_paid() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    shop.form("/basket", &cookie, "sku=CUP&change=add&quantity=1").await;
    let paid = shop.form("/checkout", &cookie, "key=k1").await;
    let place = paid.header("location");
    let next = shop.page(&place, "", "en").await;
    assert_eq!((next.status.as_u16(), next.header("location")), (303, "/".into()));
    let receipt = paid.cookie("aisle_receipt").unwrap();
    assert!(receipt.contains("Max-Age=20") && receipt.contains("Path=/thanks"), "{receipt}");
}

#[tokio::test]
async fn what_another_site_sends_is_refused() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    shop.session().await;
    let before = shop.journal.durable();
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("host", "kiosk.local"), ("origin", "http://evil.example")],
        &[("host", "kiosk.local"), ("origin", "null")],
    ] {
        for path in ["/basket", "/checkout", "/leave", "/language"] {
            let mut request = Request::post(path)
                .header("cookie", &cookie)
                .header("content-type", "application/x-www-form-urlencoded");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let body = "sku=CUP&change=add&quantity=1&key=k&reason=left&language=zh";
            let answer = shop.send(request.body(Body::from(body)).unwrap()).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
        }
    }
    let api = shop.send_json("POST", "/v1/sessions", &[("sec-fetch-site", "cross-site")], "{}".into()).await;
    api.problem(403, "cross-site");
    assert_eq!(shop.journal.durable(), before, "nothing happened");
    let own = [("host", "kiosk.local"), ("origin", "http://kiosk.local")];
    assert_eq!(shop.send_json("POST", "/v1/sessions", &own, "{}".into()).await.status, 201);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let shop = ShopUnderTest::start().await;
    for path in ["/", "/v1/products", "/v1/nope", "/assets/kiosk.css"] {
        let answer = shop.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
}

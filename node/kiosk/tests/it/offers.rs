//! Offers of plugins: shown as they are charged, charged as they are shown, and never in the way of a shopper.

use crate::{
    pretended_plugins::{ONCE, Pretended, denied, name, new_price, off, pence, points, refusal, why},
    shop_under_test::{Answer, ShopUnderTest},
};
use aisle_event::{
    CustomerRef, Event, Money,
    sale::AdjustmentKind::{BasketDiscount, Discount, TakeBack},
};
use aisle_kiosk::plugins::{Adjustment, Basket, NewPrice, Offers};
use aisle_state::OFFERS_BYTES_MAX;
use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicU8, Ordering},
};
use tower::ServiceExt;

/// Tea at 2.00 instead of 2.50, one of them off, a pound off the basket, 10 p of it taken back.
fn generous(basket: &Basket) -> Offers {
    if basket.lines.len() < 2 {
        return Offers::default();
    }
    Offers {
        prices: vec![new_price(1, 200)],
        adjustments: vec![
            off(1, Discount, 200, "3 for 2"),
            off(1, BasketDiscount, 80, "Spring coupon"),
            off(2, BasketDiscount, 20, "Spring coupon"),
            off(1, TakeBack, -10, "Never below cost"),
        ],
        refusals: vec![],
        points: vec![points(4)],
    }
}

async fn with_basket(shop: &ShopUnderTest) -> String {
    let session = shop.session().await;
    shop.put_in_basket(&session, "TEA-1", 3).await;
    shop.put_in_basket(&session, "CUP", 1).await;
    session
}

fn sales(shop: &ShopUnderTest) -> Vec<aisle_event::sale::SaleRecorded> {
    let sale = |event| if let Event::SaleRecorded(sale) = event { Some(sale) } else { None };
    shop.events().into_iter().filter_map(sale).collect()
}

/// What a touch of a page's button to pay sends.
fn payment(page: &str) -> String {
    let value = |name: &str| {
        let after = page.split(&format!(r#"name="{name}" value=""#)).nth(1).unwrap();
        after.split('"').next().unwrap().replace(' ', "+")
    };
    format!("key={}&expected={}", value("key"), value("expected"))
}

async fn checkout_with(shop: &ShopUnderTest, session: &str, key: &str, body: Value) -> Answer {
    let path = format!("/v1/sessions/{session}/checkout");
    shop.send_json("POST", &path, &[("idempotency-key", key)], body.to_string()).await
}

#[tokio::test]
async fn a_basket_and_its_receipt_say_what_each_offer_makes_of_it() {
    let plugins = Pretended::offering(generous);
    let shop = ShopUnderTest::with_plugins(plugins.clone()).await;
    let session = with_basket(&shop).await;
    let basket = shop.get(&format!("/v1/sessions/{session}/basket")).await.json();
    let line = &basket["lines"][0];
    assert_eq!(line["product"]["price"]["minor"], 250);
    assert_eq!(line["unit_price"]["minor"], 200);
    let because = json!({ "plugin": "markdown", "version": "1.2.0", "reason": "Best before today" });
    assert_eq!(line["priced_by"], because);
    assert_eq!(line["total"]["minor"], 600);
    assert_eq!(line["charged"]["minor"], 330);
    assert_eq!(basket["lines"][1]["charged"]["minor"], 80);
    assert!(basket["lines"][1].get("unit_price").is_none());
    assert_eq!(basket["adjustments"][3]["kind"], "take-back");
    assert_eq!(basket["adjustments"][3]["amount"]["minor"], -10);
    assert_eq!(basket["points"][0]["count"], 4);
    assert_eq!(basket["total"]["minor"], 410);
    assert!(basket.get("without_offers").is_none() && basket.get("denied").is_none());

    let answer = checkout_with(&shop, &session, "k-1", json!({ "expected_total": basket["total"] })).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let receipt = answer.json();
    assert_eq!(receipt["total"], basket["total"]);
    assert_eq!(receipt["adjustments"], basket["adjustments"]);
    assert_eq!(receipt["points"], basket["points"]);
    assert_eq!(receipt["lines"][0]["list_price"]["minor"], 250);
    assert_eq!(receipt["lines"][0]["unit_price"]["minor"], 200);
    assert_eq!(receipt["lines"][0]["priced_by"], because);
    let again = shop.get(&format!("/v1/receipts/{}", receipt["document"].as_str().unwrap())).await;
    assert_eq!(again.json(), receipt);

    let sale = sales(&shop).remove(0);
    assert_eq!(sale.total(), Some(pence(410)));
    assert_eq!(sale.adjustments.len(), 4);
    assert_eq!(sale.points[0].count, 4);
    assert_eq!(plugins.committed.lock().unwrap().as_slice(), [shop.journal.durable()]);
}

#[tokio::test]
async fn the_pages_show_what_is_struck_through_taken_off_and_given_in_both_languages() {
    let shop = ShopUnderTest::with_plugins(Pretended::offering(generous)).await;
    let cookie = shop.shopper().await;
    shop.form("/basket", &cookie, "sku=TEA-1&change=add&quantity=3").await;
    shop.form("/basket", &cookie, "sku=CUP&change=add&quantity=1").await;
    let page = shop.page("/basket", &cookie, "en").await.body;
    for part in [
        "<s>£2.50</s>",
        "<b>£2.00</b>",
        "Best before today <span class=\"by\">markdown 1.2.0</span>",
        "3 for 2 <span class=\"by\">multi-buy 1.2.0</span>",
        "−£2.00",
        "Spring coupon",
        "−£1.00",
        "Never below cost",
        "+£0.10",
        "You get 4 points",
        "<span class=\"by\">loyalty 1.2.0</span>",
        "<strong>£4.10</strong>",
        r#"name="expected" value="410 GBP""#,
        "Coupon code",
    ] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    assert_eq!(page.matches("Spring coupon").count(), 1, "the shares of one offer are one line");
    let chinese = shop.page("/basket", &cookie, "zh").await.body;
    assert!(chinese.contains("可获得 4 积分") && chinese.contains("优惠券代码"), "{chinese}");
    let paid = shop.form("/checkout", &cookie, &payment(&page)).await;
    assert_eq!(paid.status, 303, "{}", paid.body);
    let receipt = paid.cookie("aisle_receipt").unwrap().split(';').next().unwrap().to_owned();
    let thanks = shop.page(&paid.header("location"), &receipt, "en").await.body;
    for part in [
        "<s>£2.50</s>",
        "Best before today <span class=\"by\">markdown 1.2.0</span>",
        "3 for 2 <span class=\"by\">multi-buy 1.2.0</span>",
        "−£2.00",
        "Spring coupon",
        "−£1.00",
        "+£0.10",
        "You got 4 points",
        "<span class=\"by\">loyalty 1.2.0</span>",
        "£4.10",
    ] {
        assert!(thanks.contains(part), "{part} is missing: {thanks}");
    }
    assert!(shop.page(&paid.header("location"), &receipt, "zh").await.body.contains("已获得 4 积分"));
}

#[tokio::test]
async fn a_products_page_shows_the_price_that_a_plugin_sets() {
    let plugins = Pretended::offering(|basket| Offers {
        prices: if basket.lines[0].product.sku.as_str() == "TEA-1" {
            vec![new_price(1, 200)]
        } else {
            vec![]
        },
        ..Offers::default()
    });
    let shop = ShopUnderTest::with_plugins(plugins).await;
    let cookie = shop.shopper().await;
    let page = shop.page("/product/TEA-1", &cookie, "en").await.body;
    assert!(page.contains("<s>£2.50</s>") && page.contains("<b>£2.00</b>"), "{page}");
    assert!(page.contains("Best before today") && !page.contains("Price since"), "{page}");
    let page = shop.page("/product/CUP", &cookie, "en").await.body;
    assert!(page.contains("Price since") && !page.contains("<s>"), "{page}");
}

#[tokio::test]
async fn nothing_is_sold_for_more_than_the_total_that_was_shown() {
    static PRICE: AtomicI64 = AtomicI64::new(200);
    let plugins = Pretended::offering(|_| Offers {
        prices: vec![new_price(1, PRICE.load(Ordering::Relaxed))],
        ..Offers::default()
    });
    let shop = ShopUnderTest::with_plugins(plugins).await;
    let cookie = shop.shopper().await;
    let session = cookie.split('=').nth(1).unwrap().to_owned();
    shop.put_in_basket(&session, "TEA-1", 1).await;
    let shown = shop.get(&format!("/v1/sessions/{session}/basket")).await.json()["total"].clone();
    PRICE.store(220, Ordering::Relaxed);
    let before = shop.journal.durable();
    let answer = checkout_with(&shop, &session, "k", json!({ "expected_total": shown })).await;
    assert_eq!(answer.problem(409, "total-changed"), "expected_total");
    assert_eq!(answer.json()["total"], json!({ "minor": 220, "currency": "GBP", "text": "£2.20" }));
    let refused = shop.form("/checkout", &cookie, "key=k&expected=200+GBP").await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("The total has changed") && refused.body.contains(r#"href="/basket""#));
    assert!(refused.body.contains(r#"name="expected" value="220 GBP""#), "{}", refused.body);
    assert_eq!(shop.form("/checkout", &cookie, "key=k&expected=lots").await.status, 400);
    let other = json!({ "expected_total": { "minor": 220, "currency": "EUR" } });
    assert_eq!(
        checkout_with(&shop, &session, "k", other).await.problem(409, "total-changed"),
        "expected_total"
    );
    for (body, field) in [
        (json!({ "expected_total": { "minor": 2.2, "currency": "GBP" } }), "expected_total.minor"),
        (json!({ "expected_total": { "minor": 220, "currency": "gbp" } }), "expected_total.currency"),
        (json!({ "expected": 1 }), "expected"),
    ] {
        assert_eq!(checkout_with(&shop, &session, "k", body).await.problem(400, "malformed"), field);
    }
    assert_eq!(shop.journal.durable(), before, "nothing was written");
    PRICE.store(180, Ordering::Relaxed);
    assert_eq!(shop.form("/checkout", &cookie, "key=k&expected=220+GBP").await.status, 303);
    assert_eq!(sales(&shop)[0].total(), Some(pence(180)), "what came down meanwhile is given");
}

#[tokio::test]
async fn a_price_of_the_catalogue_that_went_up_since_the_page_is_shown_before_it_is_paid() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    shop.form("/basket", &cookie, "sku=TEA-1&change=add&quantity=1").await;
    let page = shop.page("/basket", &cookie, "en").await.body;
    let touch = payment(&page);
    assert!(touch.ends_with("&expected=250+GBP"), "{touch}");
    shop.price("TEA-1", 275, None).await;
    let refused = shop.form("/checkout", &cookie, &touch).await;
    assert_eq!(refused.status, 409);
    assert!(sales(&shop).is_empty() && refused.body.contains("£2.75"), "{}", refused.body);
    assert_eq!(shop.form("/checkout", &cookie, &payment(&refused.body)).await.status, 303);
    assert_eq!(sales(&shop)[0].total(), Some(pence(275)));
}

/// Plugins that answer too late for a page, and early enough for a payment.
fn slow(minor: i64) -> Arc<Pretended> {
    Pretended::offering(move |_| {
        std::thread::sleep(std::time::Duration::from_millis(1_000));
        Offers { prices: vec![new_price(1, minor)], ..Offers::default() }
    })
}

#[tokio::test]
async fn offers_that_come_too_late_for_the_page_are_given_when_it_is_paid() {
    let shop = ShopUnderTest::with_plugins(slow(200)).await;
    let cookie = shop.shopper().await;
    shop.form("/basket", &cookie, "sku=TEA-1&change=add&quantity=1").await;
    let page = shop.page("/basket", &cookie, "en").await.body;
    assert!(page.contains("Offers cannot be looked up") && page.contains("<strong>£2.50</strong>"), "{page}");
    let paid = shop.form("/checkout", &cookie, &payment(&page)).await;
    assert_eq!(paid.status, 303, "{}", paid.body);
    assert_eq!(sales(&shop)[0].total(), Some(pence(200)));
}

#[tokio::test]
async fn a_higher_price_that_comes_too_late_for_the_page_is_paid_at_the_second_touch() {
    let shop = ShopUnderTest::with_plugins(slow(300)).await;
    let cookie = shop.shopper().await;
    let session = cookie.split('=').nth(1).unwrap().to_owned();
    shop.put_in_basket(&session, "TEA-1", 1).await;
    let page = shop.page("/basket", &cookie, "en").await.body;
    let refused = shop.form("/checkout", &cookie, &payment(&page)).await;
    assert_eq!(refused.status, 409, "nothing is charged that was not shown");
    assert!(refused.body.contains("<strong>£3.00</strong>"), "{}", refused.body);
    let shown = shop.get(&format!("/v1/sessions/{session}/basket")).await.json()["total"].clone();
    let answer = checkout_with(&shop, &session, "k", json!({ "expected_total": shown })).await;
    let now = answer.json()["total"].clone();
    assert_eq!((&shown["minor"], &now["minor"]), (&json!(250), &json!(300)));
    let answer = checkout_with(&shop, &session, "k", json!({ "expected_total": now })).await;
    assert_eq!(answer.status, 201, "a client that echoes totals gets through: {}", answer.body);
    assert_eq!(sales(&shop)[0].total(), Some(pence(300)));
}

#[tokio::test]
async fn a_line_that_a_plugin_refuses_is_named_and_nothing_is_sold() {
    let plugins = Pretended::offering(|_| Offers { refusals: vec![refusal(2)], ..Offers::default() });
    let shop = ShopUnderTest::with_plugins(plugins.clone()).await;
    let cookie = shop.shopper().await;
    let session = cookie.split('=').nth(1).unwrap().to_owned();
    shop.put_in_basket(&session, "TEA-1", 1).await;
    shop.put_in_basket(&session, "CUP", 1).await;
    let basket = shop.get(&format!("/v1/sessions/{session}/basket")).await.json();
    assert_eq!(basket["refused"][0]["line"], 2);
    assert_eq!(basket["refused"][0]["sku"], "CUP");
    let page = shop.page("/basket", &cookie, "en").await.body;
    assert!(page.contains("Not below cost") && page.contains("disabled"), "{page}");
    let answer = shop.checkout(&session, "k").await;
    assert_eq!(answer.problem(409, "not-sellable"), "lines[1]");
    assert_eq!(
        answer.json()["errors"][0]["reason"],
        "`CUP` is refused by the plugin `floor`: Not below cost"
    );
    assert!(sales(&shop).is_empty());
    assert!(plugins.committed.lock().unwrap().is_empty(), "what was held is given up");
}

#[tokio::test]
async fn a_plugin_that_denies_the_sale_is_named_and_nothing_is_sold() {
    static MODE: AtomicU8 = AtomicU8::new(0);
    let plugins = Pretended::pricing(|_| match MODE.load(Ordering::Relaxed) {
        0 => Err(denied(false)),
        1 => Err(denied(true)),
        _ => Ok(Offers::default()),
    });
    let shop = ShopUnderTest::with_plugins(plugins).await;
    let cookie = shop.shopper().await;
    let session = cookie.split('=').nth(1).unwrap().to_owned();
    shop.put_in_basket(&session, "TEA-1", 1).await;
    let basket = shop.get(&format!("/v1/sessions/{session}/basket")).await.json();
    assert_eq!((&basket["denied"]["plugin"], &basket["total"]["minor"]), (&json!("floor"), &json!(250)));
    let page = shop.page("/basket", &cookie, "en").await.body;
    assert!(page.contains("cannot be paid at the moment") && page.contains("disabled"), "{page}");
    let answer = shop.checkout(&session, "k").await;
    answer.problem(409, "denied");
    assert!(answer.body.contains("`floor`") && !answer.body.contains("fuel"), "{}", answer.body);
    MODE.store(1, Ordering::Relaxed);
    let answer = shop.checkout(&session, "k").await;
    answer.problem(503, "unanswered");
    assert!(answer.body.contains("`floor`") && !answer.header("retry-after").is_empty());
    let refused = shop.form("/checkout", &cookie, "key=k").await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("cannot be paid at the moment"), "{}", refused.body);
    assert!(refused.body.contains("Back to the basket"), "{}", refused.body);
    assert!(sales(&shop).is_empty());
    MODE.store(2, Ordering::Relaxed);
    assert_eq!(shop.checkout(&session, "k").await.status, 201, "a refused key can be used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coupon_that_is_good_for_one_sale_is_used_once_however_many_pay_at_the_same_time() {
    let plugins = Pretended::offering(|_| Offers::default());
    let shop = ShopUnderTest::with_plugins(plugins.clone()).await;
    let mut sessions = Vec::new();
    for _ in 0..12 {
        let session = shop.session().await;
        shop.put_in_basket(&session, "CUP", 1).await;
        let basket = shop.put(&format!("/v1/sessions/{session}/coupons/{ONCE}"), json!({})).await.json();
        assert_eq!(basket["total"]["minor"], 60, "showing a basket uses nothing up");
        sessions.push(session);
    }
    let pay = |session: &String| {
        let request = Request::post(format!("/v1/sessions/{session}/checkout"))
            .header("idempotency-key", format!("k-{session}"))
            .body(Body::empty())
            .unwrap();
        tokio::spawn(shop.router.clone().oneshot(request))
    };
    let tries: Vec<_> = sessions.iter().map(pay).collect();
    let mut totals = Vec::new();
    for attempt in tries {
        let response = attempt.await.unwrap().unwrap();
        assert_eq!(response.status(), 201);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let receipt: Value = serde_json::from_slice(&body).unwrap();
        totals.push(receipt["total"]["minor"].as_i64().unwrap());
    }
    totals.sort_unstable();
    assert_eq!((totals[0], &totals[1..]), (60, [100; 11].as_slice()));
    let events = shop.events();
    let kept: Vec<_> = (0..events.len()).filter(|at| matches!(events[*at], Event::PluginKept(_))).collect();
    assert_eq!(kept.len(), 1, "what the plugin keeps stands once");
    let Event::SaleRecorded(sale) = &events[kept[0] + 1] else {
        panic!("the sale follows what is kept of it")
    };
    assert_eq!(sale.total(), Some(pence(60)));
    assert_eq!(plugins.committed.lock().unwrap().len(), 12);
}

#[tokio::test]
async fn a_port_that_panics_leaves_the_usual_prices_unless_nothing_may_be_sold_without_it() {
    let plugins = Pretended::pricing(|_| panic!("a fault in the node"));
    let shop = ShopUnderTest::with_plugins(plugins.clone()).await;
    let cookie = shop.shopper().await;
    let session = cookie.split('=').nth(1).unwrap().to_owned();
    shop.put_in_basket(&session, "TEA-1", 1).await;
    plugins.denies.store(true, Ordering::Relaxed);
    let basket = shop.get(&format!("/v1/sessions/{session}/basket")).await.json();
    assert_eq!((&basket["without_offers"], &basket["total"]["minor"]), (&json!(true), &json!(250)));
    let page = shop.page("/basket", &cookie, "en").await.body;
    assert!(page.contains("cannot be paid at the moment") && page.contains("disabled"), "{page}");
    shop.checkout(&session, "k").await.problem(503, "unanswered");
    plugins.denies.store(false, Ordering::Relaxed);
    let page = shop.page("/basket", &cookie, "en").await.body;
    assert!(page.contains("Offers cannot be looked up") && !page.contains("disabled"), "{page}");
    assert_eq!(shop.checkout(&session, "k").await.json()["total"]["minor"], 250);
    assert!(!shop.metrics_text().contains("kiosk_pricing_lost_total 0"), "it is counted");
}

#[tokio::test]
async fn a_port_that_takes_too_long_does_not_keep_a_shopper_waiting() {
    let plugins = Pretended::offering(|_| {
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        Offers { prices: vec![new_price(1, 1)], ..Offers::default() }
    });
    let shop = ShopUnderTest::with_plugins(plugins).await;
    let session = shop.session().await;
    let path = format!("/v1/sessions/{session}/basket/TEA-1");
    let basket = shop.put(&path, json!({ "quantity": 1 })).await.json();
    assert_eq!((&basket["without_offers"], &basket["total"]["minor"]), (&json!(true), &json!(250)));
    assert_eq!(shop.get("/v1/products/TEA-1").await.status, 200);
    let receipt = shop.checkout(&session, "k").await.json();
    assert_eq!(receipt["total"]["minor"], 1, "a basket that is paid is given more time");
}

#[tokio::test]
async fn an_answer_that_cannot_be_right_is_not_used_at_all() {
    let prices = |prices: Vec<NewPrice>| Offers { prices, ..Offers::default() };
    let off_it = |adjustments: Vec<Adjustment>| Offers { adjustments, ..Offers::default() };
    let euros =
        Adjustment { amount: Money::new(1, aisle_event::Currency::EUR), ..off(1, Discount, 1, "Euros") };
    let whole = Adjustment { line: None, ..off(1, BasketDiscount, 351, "All and more") };
    let points_for_nothing = Offers { points: vec![points(0)], ..Offers::default() };
    let refused = Offers { refusals: vec![refusal(9)], ..Offers::default() };
    let unusable = [
        ("a price below zero", prices(vec![new_price(1, -1)])),
        ("a price of a line that is not there", prices(vec![new_price(3, 1)])),
        ("two prices of one line", prices(vec![new_price(1, 1), new_price(1, 2)])),
        ("more off than the line costs", off_it(vec![off(1, Discount, 200, "a"), off(1, Discount, 51, "b")])),
        ("more off than the basket costs", off_it(vec![whole])),
        ("a line that is not there", off_it(vec![off(0, Discount, 1, "a")])),
        ("another currency", off_it(vec![euros])),
        ("nothing off", off_it(vec![off(1, Discount, 0, "a")])),
        ("a discount below zero", off_it(vec![off(1, Discount, -1, "a")])),
        ("more taken back than given", off_it(vec![off(1, Discount, 5, "a"), off(1, TakeBack, -6, "b")])),
        ("a taking back that gives", off_it(vec![off(1, TakeBack, 5, "a")])),
        ("no reason", off_it(vec![off(1, Discount, 1, " ")])),
        ("a reason too long", off_it(vec![off(1, Discount, 1, &"r".repeat(121))])),
        ("more than fits on a receipt", off_it(vec![off(1, BasketDiscount, 0, &"长".repeat(100)); 800])),
        ("no points", points_for_nothing),
        ("a refusal of a line that is not there", refused),
    ];
    for (what, answer) in unusable {
        let shop = ShopUnderTest::with_plugins(Pretended::offering(move |basket| {
            if basket.lines.len() == 2 { answer.clone() } else { Offers::default() }
        }))
        .await;
        let session = shop.session().await;
        shop.put_in_basket(&session, "TEA-1", 1).await;
        let path = format!("/v1/sessions/{session}/basket/CUP");
        let basket = shop.put(&path, json!({ "quantity": 1 })).await.json();
        assert_eq!(basket["without_offers"], true, "{what}");
        assert_eq!(basket["total"]["minor"], 350, "{what}");
        assert_eq!(shop.checkout(&session, "k").await.json()["total"]["minor"], 350, "{what}");
    }
}

#[tokio::test]
async fn a_basket_of_a_hundred_lines_with_all_that_plugins_may_say_of_it_fits_on_its_receipt() {
    let next: Arc<Mutex<(usize, String)>> = Arc::default();
    let asked = next.clone();
    let plugins = Pretended::offering(move |basket| {
        let (count, reason) = &*asked.lock().unwrap();
        let lines = basket.lines.iter().cycle().take(*count);
        let adjustments = lines.map(|line| off(line.number, Discount, 1, reason)).collect();
        Offers { adjustments, ..Offers::default() }
    });
    let shop = ShopUnderTest::with_plugins(plugins).await;
    let skus: Vec<_> = (0..100).map(|number| format!("{number:0>64}")).collect();
    for sku in &skus {
        shop.list(sku, "Product", 100, aisle_event::Unit::Each, None).await;
    }
    // An offer on each line, the longest reasons there is room for, and the most offers; each item takes 48 bytes and its texts.
    let (long, short) = ("长".repeat(120), "a".to_owned());
    let room = |reason: &str| OFFERS_BYTES_MAX / (48 + "multi-buy1.2.0".len() + reason.len());
    for (count, reason) in [(100, long.clone()), (room(&long), long), (room(&short), short)] {
        let session = shop.session().await;
        for sku in &skus {
            shop.put_in_basket(&session, sku, 1).await;
        }
        *next.lock().unwrap() = (count, reason);
        let receipt = shop.checkout(&session, &format!("k-{count}")).await.json();
        assert_eq!(receipt["total"]["minor"], 10_000 - count);
        assert_eq!(receipt["adjustments"].as_array().unwrap().len(), count);
        next.lock().unwrap().0 = 0;
    }
    assert_eq!(shop.session().await.len(), 26, "the state goes on");
}

#[tokio::test]
async fn plugins_see_the_basket_with_its_customer_and_coupons() {
    let plugins = Pretended::offering(|basket| {
        let gold =
            basket.customer.as_ref().and_then(|customer| customer.tier.as_ref()) == Some(&name("gold"));
        let spring = basket.coupons == [name("SPRING-10")];
        assert_eq!(basket.currency.as_str(), "GBP");
        assert!(basket.shop.product("CUP").is_some());
        let line = &basket.lines[0];
        assert_eq!((line.number, line.product.sku.as_str(), line.quantity.thousandths), (1, "NUT", 250));
        let mut offers = Offers::default();
        if gold {
            offers.prices.push(NewPrice { line: 1, unit_price: pence(1200), why: why("tier", "Gold price") });
        }
        if spring {
            offers.adjustments.push(off(1, Discount, 10, "Spring"));
        }
        offers
    });
    let shop = ShopUnderTest::with_plugins(plugins).await;
    let session = shop.session().await;
    shop.put(&format!("/v1/sessions/{session}/basket/NUT"), json!({ "quantity": 0.25 })).await;
    let who = json!({ "token": "c-5d1f", "tier": "gold" });
    let view = shop.put(&format!("/v1/sessions/{session}/customer"), who).await.json();
    assert_eq!(view["customer"], json!({ "tier": "gold" }));
    assert_eq!(view["basket"]["total"]["minor"], 300);
    let basket = shop.put(&format!("/v1/sessions/{session}/coupons/spring-10"), json!({})).await.json();
    assert_eq!((&basket["coupons"], &basket["total"]["minor"]), (&json!(["SPRING-10"]), &json!(290)));
    assert_eq!(shop.checkout(&session, "k").await.json()["total"]["minor"], 290);
    let sale = sales(&shop).remove(0);
    assert_eq!(sale.customer, Some(CustomerRef::new("c-5d1f").unwrap()));
    assert_eq!(sale.total(), Some(pence(290)));
}

#[tokio::test]
async fn a_sale_that_the_disk_does_not_take_gives_back_what_it_held() {
    let plugins = Pretended::offering(|_| Offers::default());
    let shop = ShopUnderTest::with_plugins(plugins.clone()).await;
    let session = shop.session().await;
    shop.put_in_basket(&session, "CUP", 1).await;
    shop.put(&format!("/v1/sessions/{session}/coupons/{ONCE}"), json!({})).await;
    shop.disk.fail_sync();
    shop.checkout(&session, "k").await.problem(503, "stopped");
    assert!(plugins.committed.lock().unwrap().is_empty());
    assert!(plugins.is_free(), "the next sale need not wait for ever");
}

/// Small numbers, so that most answers can be used and many just cannot.
fn any_offers(random: &mut impl FnMut(i64) -> i64) -> Offers {
    let mut offers = Offers::default();
    for line in 1..=2 {
        if random(3) == 0 {
            offers.prices.push(new_price(line, random(300) - 3));
        }
    }
    for _ in 0..random(5) {
        let line = u32::try_from(random(8).min(2)).unwrap();
        let (kind, minor) = match random(3) {
            0 => (TakeBack, -random(60)),
            1 => (BasketDiscount, random(120)),
            _ => (Discount, random(260)),
        };
        let line = (line > 0 || kind != BasketDiscount).then_some(line.max(1));
        offers.adjustments.push(Adjustment { line, ..off(1, kind, minor, "Any") });
    }
    offers
}

#[tokio::test]
async fn whatever_plugins_answer_the_total_adds_up_or_is_the_usual_one() {
    let seed = 20_251_120_u64;
    println!("seed {seed}");
    let mut state = seed;
    let mut random = move |below: i64| {
        // Knuth's MMIX generator; its high bits are good enough to choose from.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 33).unwrap() % below.max(1)
    };
    let next: Arc<Mutex<Offers>> = Arc::default();
    let answer = next.clone();
    let shop =
        ShopUnderTest::with_plugins(Pretended::offering(move |_| answer.lock().unwrap().clone())).await;
    let session = shop.session().await;
    shop.put_in_basket(&session, "TEA-1", 1).await;
    shop.put_in_basket(&session, "CUP", 2).await;
    let (mut used, mut unused) = (0, 0);
    for round in 0..600 {
        let offers = any_offers(&mut random);
        *next.lock().unwrap() = offers.clone();
        let basket = shop.get(&format!("/v1/sessions/{session}/basket")).await.json();
        let total = basket["total"]["minor"].as_i64().unwrap();
        if basket["without_offers"] == true {
            assert_eq!((total, basket.get("adjustments")), (450, None), "round {round}: {offers:?}");
            unused += 1;
            continue;
        }
        used += 1;
        let unit = |line, list| {
            let new = offers.prices.iter().find(|price| price.line == line);
            new.map_or(list, |price| price.unit_price.minor)
        };
        let gross = [unit(1, 250), 2 * unit(2, 100)];
        let off: i64 = offers.adjustments.iter().map(|it| it.amount.minor).sum();
        assert_eq!(total, gross.iter().sum::<i64>() - off, "round {round}: {offers:?}");
        assert!((0..=gross.iter().sum()).contains(&total), "round {round}: {offers:?}");
        for (at, gross) in gross.iter().enumerate() {
            let charged = basket["lines"][at]["charged"]["minor"].as_i64().unwrap_or(*gross);
            assert!((0..=*gross).contains(&charged), "round {round}: {offers:?}");
        }
    }
    assert!(used > 100 && unused > 100, "{used} used, {unused} not");
}

//! The pages, as a browser without scripts sees them.

use crate::shop_under_test::{HOUR_MS, ShopUnderTest};
use aisle_event::{Event, Timestamp, Unit, shopper::Slot};

fn assert_page(body: &str) {
    assert!(body.starts_with("<!DOCTYPE html>"), "{body}");
    assert_eq!(body.matches("<h1").count(), 1, "one heading of the first level");
    assert_eq!(body.matches("<main").count(), 1);
    assert!(
        !body.contains("style=") && !body.contains("onclick"),
        "the policy forbids inline styles and scripts"
    );
}

#[tokio::test]
async fn every_page_speaks_english_and_chinese() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    for (path, english, chinese) in [
        ("/", "Welcome", "欢迎光临"),
        ("/category", "All products", "全部商品"),
        ("/category/Party%20%26%20home", "1 product", "1 件商品"),
        ("/product/TEA-1", "Add to basket", "加入购物篮"),
        ("/search?q=tea", "2 products for", "找到 2 件商品"),
        ("/search?q=zebra", "Nothing found for", "没有找到"),
        ("/basket", "Your basket is empty", "购物篮是空的"),
        ("/unicorns", "There is nothing here", "这里什么都没有"),
        ("/product/NOPE", "This product is no longer on offer", "该商品已下架"),
    ] {
        let page = shop.page(path, &cookie, "en-GB,en;q=0.9").await;
        assert_page(&page.body);
        assert!(page.body.contains(english), "{path}: {}", page.body);
        assert!(page.body.contains(r#"<html lang="en">"#));
        assert_eq!(page.header("cache-control"), "no-store");
        let page = shop.page(path, &cookie, "zh-CN,zh;q=0.9").await;
        assert_page(&page.body);
        assert!(page.body.contains(chinese), "{path}: {}", page.body);
        assert!(page.body.contains(r#"<html lang="zh-Hans">"#));
        assert_eq!(page.header("content-language"), "zh-Hans");
    }
}

#[tokio::test]
async fn a_chosen_language_stays() {
    let shop = ShopUnderTest::start().await;
    let answer = shop.form("/language", "", "language=zh&return=%2Fsearch%3Fq%3Dtea").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/search?q=tea".into()));
    assert!(answer.cookie("aisle_language").unwrap().starts_with("aisle_language=zh;"));
    assert!(shop.page("/", "aisle_language=zh", "en").await.body.contains("欢迎光临"));
    assert_eq!(
        shop.form("/language", "", "language=zh&return=%2F%2Fevil.example").await.header("location"),
        "/"
    );
}

#[tokio::test]
async fn an_empty_shop_is_friendly() {
    let shop = ShopUnderTest::empty().await;
    let page = shop.get("/").await;
    assert_eq!(page.status, 200);
    assert_page(&page.body);
    assert!(page.body.contains("The shelves are being filled"));
    assert_eq!(shop.get("/search?q=tea").await.status, 200);
    assert_eq!(shop.get("/category").await.status, 200);
    assert_eq!(shop.get("/v1/products").await.json()["products"], serde_json::json!([]));
}

#[tokio::test]
async fn shopping_works_with_forms_alone() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    let added = shop.form("/basket", &cookie, "sku=TEA-1&change=add&quantity=2").await;
    assert_eq!((added.status.as_u16(), added.header("location")), (303, "/basket".into()));
    shop.form("/basket", &cookie, "sku=NUT&change=add&quantity=0.25").await;
    shop.form("/basket", &cookie, "sku=TEA-1&change=set&quantity=3").await;
    let page = shop.page("/basket", &cookie, "en").await;
    assert_page(&page.body);
    assert!(page.body.contains("£10.73"), "{}", page.body);
    let key = page.body.split(r#"name="key" value=""#).nth(1).unwrap().split('"').next().unwrap();
    let paid = shop.form("/checkout", &cookie, &format!("key={key}")).await;
    assert_eq!(paid.status, 303);
    let place = paid.header("location");
    assert!(place.starts_with("/thanks/"));
    assert!(paid.cookie("aisle_session").unwrap().contains("Max-Age=0"));
    let receipt = paid.cookie("aisle_receipt").unwrap().split(';').next().unwrap().to_owned();
    let thanks = shop.page(&place, &receipt, "en").await;
    assert_page(&thanks.body);
    assert!(thanks.body.contains("Thank you!") && thanks.body.contains("£10.73"), "{}", thanks.body);
    let touched_twice = shop.form("/checkout", &cookie, &format!("key={key}")).await;
    assert_eq!(touched_twice.header("location"), place, "a second touch leads to the same receipt");
}

#[tokio::test]
async fn a_basket_that_cannot_be_sold_leads_back_to_the_basket() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    shop.form("/basket", &cookie, "sku=TEA-1&change=add&quantity=1").await;
    shop.count("TEA-1", 0).await;
    let refused = shop.form("/checkout", &cookie, "key=k1").await;
    assert_eq!(refused.status, 409);
    assert_page(&refused.body);
    assert!(refused.body.contains(r#"href="/basket""#));
    let page = shop.page("/basket", &cookie, "en").await;
    assert!(page.body.contains("Out of stock") && page.body.contains("disabled"), "{}", page.body);
}

#[tokio::test]
async fn old_prices_are_shown_with_their_age() {
    let shop = ShopUnderTest::start().await;
    assert!(!shop.get("/").await.body.contains("Prices as of"));
    shop.advance_ms(49 * HOUR_MS);
    assert!(shop.get("/").await.body.contains("Prices as of 2025-11-20 12:00"));
    assert!(shop.page("/", "", "zh").await.body.contains("价格截至 2025-11-20 12:00"));
    shop.price("TEA-1", 260, Some(Timestamp(shop.now().0 + HOUR_MS))).await;
    assert!(!shop.get("/").await.body.contains("Prices as of"));
    assert!(!shop.get("/product/TEA-1").await.body.contains("may have changed"));
    shop.advance_ms(2 * HOUR_MS);
    assert!(shop.get("/product/TEA-1").await.body.contains("This price may have changed"));
}

#[tokio::test]
async fn a_name_cannot_bring_a_script() {
    let shop = ShopUnderTest::start().await;
    let evil = r#"<script>alert(1)</script>" onload="x"#;
    shop.list("<b>X", evil, 100, Unit::Each, Some(evil)).await;
    let cookie = shop.shopper().await;
    let category = "/category/%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%20onload%3D%22x";
    for path in ["/", "/category", "/product/%3Cb%3EX", "/search?q=%3Cscript%3E", "/search?q=alert", category]
    {
        let page = shop.page(path, &cookie, "en").await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<script>") && !page.body.contains("<b>X"), "{path}: {}", page.body);
        assert!(!page.body.contains(r#"" onload="#), "{path}");
    }
    let policy = shop.get("/").await.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn looks_touches_and_impressions_are_recorded() {
    let shop = ShopUnderTest::start().await;
    let cookie = shop.shopper().await;
    shop.get("/v1/search?q=tea").await;
    shop.page("/", &cookie, "en").await;
    shop.page("/product/CUP?slot=home&position=2", &cookie, "en").await;
    shop.page("/search?q=paper", &cookie, "en").await;
    shop.session().await;
    let events = shop.events();
    let clicked = events.iter().find_map(|event| match event {
        Event::ItemClicked(clicked) => Some(clicked),
        _ => None,
    });
    assert_eq!(clicked.map(|clicked| (clicked.slot, clicked.position)), Some((Slot::Home, 2)));
    assert!(events.iter().any(|event| matches!(event, Event::ItemsShown(shown) if shown.slot == Slot::Home)));
    assert!(events.iter().any(|event| matches!(event, Event::Searched(searched) if searched.hits == 1)));
    let views = events.iter().filter(|event| matches!(event, Event::ProductViewed(_))).count();
    assert_eq!(views, 2);
}

#[tokio::test]
async fn files_of_the_pages_may_be_kept_because_their_address_changes() {
    let shop = ShopUnderTest::start().await;
    let home = shop.get("/").await.body;
    for (part, media_type) in
        [("/assets/kiosk.css?v=", "text/css"), ("/assets/kiosk.js?v=", "text/javascript")]
    {
        let start = home.find(part).unwrap();
        let address: String = home[start..].chars().take_while(|c| *c != '"').collect();
        let file = shop.get(&address).await;
        assert!(file.header("content-type").starts_with(media_type));
        assert!(file.header("cache-control").contains("immutable"));
        let request = axum::http::Request::get(&address).header("if-none-match", file.header("etag"));
        let again = shop.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(again.status, 304);
    }
    assert_eq!(shop.get("/assets/kiosk.css").await.header("cache-control"), "no-cache");
    assert_eq!(shop.get("/assets/nope").await.status, 404);
}

#[tokio::test]
async fn long_lists_have_pages() {
    let shop = ShopUnderTest::empty().await;
    for number in 0..30 {
        shop.list(&format!("P{number:02}"), &format!("Product {number:02}"), 100, Unit::Each, Some("All"))
            .await;
    }
    let first = shop.get("/category/All").await.body;
    assert!(first.contains("Page 1 of 2") && first.contains("Product 23") && !first.contains("Product 24"));
    let second = shop.get("/category/All?page=2").await.body;
    assert!(second.contains("Product 29") && !second.contains("Product 23"));
    assert!(shop.get("/category/All?page=99").await.body.contains("Page 2 of 2"));
    assert_eq!(shop.get("/category/All?page=x").await.status, 400);
}

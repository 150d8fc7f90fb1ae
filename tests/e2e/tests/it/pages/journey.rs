//! From the first touch to the receipt.

use crate::support::{
    api::Api,
    browser::{Browser, Setup},
    journal,
    store::Store,
};

/// Buys what is touched first, and what is recommended beside it.
pub(super) async fn buy_two(browser: &Browser, home: &str) {
    browser.goto(home).await;
    browser.touch_first(".card a").await;
    browser.arrives("/product/").await;
    assert_ne!(browser.text(".card .reason").await, "", "every recommendation says why");
    let first = browser.text("h1").await;
    browser.touch("Add to basket").await;
    browser.arrives("/basket").await;
    assert_eq!(browser.text(".line .what a").await, first);

    browser.touch("Home").await;
    browser.arrives("/").await;
    browser.touch_first(".card a").await;
    browser.arrives("/product/").await;
    browser.touch_first("section[aria-labelledby=recommendations] .card a").await;
    // The touch is counted for its place.
    browser.arrives_where("a product that a product led to", |at| at.contains("slot=product")).await;
    let second = browser.text("h1").await;
    browser.touch("Add to basket").await;
    browser.arrives("/basket").await;
    let lines = browser.count("li.line").await;
    assert_eq!(lines, if first == second { 1 } else { 2 });

    browser.touch("Pay").await;
    browser.arrives("/thanks/").await;
    assert_eq!(browser.text("h1").await, "Thank you!");
    assert_eq!(browser.count("li.line").await, lines);
}

#[tokio::test]
async fn a_shopper_follows_recommendations_and_pays() {
    let store = Store::small();
    let mut node = store.start();
    let browser = Browser::open(Setup::default()).await;
    buy_two(&browser, node.url()).await;

    let number = browser.place().await.trim_start_matches("/thanks/").to_owned();
    let receipt = Api::new(node.url()).get(&format!("/v1/receipts/{number}")).await.json(200);
    assert_eq!(browser.text(".total strong").await, receipt["total"]["text"].as_str().expect("a text"));
    browser.touch("Done").await;
    browser.touch("Basket, empty").await;
    browser.arrives("/basket").await;
    assert_eq!(browser.count("li.line").await, 0);

    node.stop().expect("it stops");
    let stats = journal::stats(&store.data());
    for event in
        ["SessionStarted", "ProductViewed", "ItemsShown", "ItemClicked", "BasketChanged", "SessionEnded"]
    {
        assert!(journal::count(&stats, event) > 0, "no {event} in the journal");
    }
    let sales = journal::cat_only(&store.data(), "SaleRecorded");
    assert_eq!(sales.iter().filter(|sale| sale["fields"]["document"] == number.as_str()).count(), 1);
}

#[tokio::test]
async fn quantities_are_changed_in_the_basket() {
    let store = Store::small();
    let node = store.start();
    let browser = Browser::open(Setup::default()).await;
    browser.goto(&format!("{}/product/TEA-1", node.url())).await;
    let quantity = browser.find("input[name=quantity]").await;
    quantity.clear().await.expect("the field can be emptied");
    quantity.send_keys("3").await.expect("the field takes a number");
    browser.touch("Add to basket").await;
    browser.arrives("/basket").await;
    assert_eq!(browser.text(".total strong").await, "£7.50");
    browser.touch("More of GREEN TEA").await;
    eventually_total(&browser, "£10.00").await;
    browser.touch("Less of GREEN TEA").await;
    eventually_total(&browser, "£7.50").await;
    browser.touch("Remove GREEN TEA").await;
    browser.find(".empty").await;
    assert_eq!(browser.count("li.line").await, 0);
}

async fn eventually_total(browser: &Browser, total: &str) {
    crate::support::wait::eventually(total, std::time::Duration::from_secs(10), async || {
        (browser.text(".total strong").await == total).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_search_finds_by_words_or_says_that_there_is_nothing() {
    let store = Store::small();
    let node = store.start();
    let browser = Browser::open(Setup::default()).await;
    browser.goto(node.url()).await;
    browser.search("jam").await;
    browser.arrives("/search?q=jam").await;
    assert_eq!(browser.text("h1").await, "2 products for “jam”");
    assert_eq!(browser.count(".card").await, 2);
    browser.touch_first(".card a").await;
    browser.arrives("/product/JAM-").await;

    browser.search("submarine").await;
    browser.arrives("/search?q=submarine").await;
    assert_eq!(browser.text("h1").await, "Nothing found for “submarine”");
    assert!(browser.count(".card").await > 0, "what is popular is shown instead");

    browser.search("<script>alert(1)</script>").await;
    browser.arrives("/search?q=%3Cscript").await;
    assert!(browser.text("h1").await.contains("<script>alert(1)</script>"), "it is shown as it was typed");
}

#[tokio::test]
async fn a_page_that_does_not_exist_shows_the_way_back() {
    let store = Store::small();
    let node = store.start();
    let browser = Browser::open(Setup::default()).await;
    for (path, title) in [
        ("/nowhere", "There is nothing here"),
        ("/product/NO-SUCH-THING", "This product is no longer on offer"),
    ] {
        browser.goto(&format!("{}{path}", node.url())).await;
        assert_eq!(browser.text("h1").await, title);
        browser.touch("Back to the start").await;
        browser.arrives("/").await;
        assert_eq!(browser.text("h1").await, "Welcome");
    }
}

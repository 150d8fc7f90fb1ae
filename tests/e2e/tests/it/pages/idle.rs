//! Nobody there: the kiosk asks, goes back to the start and forgets.

use crate::support::{
    browser::{Browser, Setup},
    journal,
    store::Store,
    wait::eventually,
};
use std::time::Duration;

/// The shortest time that the kiosk allows, with an early warning.
pub(super) const CONFIG: &str = "[kiosk]\nidle_reset_s = 10\nidle_warning_s = 7\n";
/// From the last touch to the reset, with room for a busy machine.
pub(super) const RESET_TIMEOUT: Duration = Duration::from_secs(25);

async fn is_asked(browser: &Browser) {
    eventually("the warning", RESET_TIMEOUT, async || {
        (browser.count("dialog[open]").await == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_kiosk_warns_resets_and_forgets_the_basket() {
    let store = Store::small();
    let mut node = store.start_with(CONFIG);
    let browser = Browser::open(Setup::default()).await;
    browser.goto(&format!("{}/product/TOY-2", node.url())).await;
    browser.touch("Add to basket").await;
    browser.arrives("/basket").await;
    let cookie = browser.cookie("aisle_session").await.expect("a session");
    assert_eq!(cookie.http_only(), Some(true), "no script reads it");

    is_asked(&browser).await;
    assert_eq!(browser.text("dialog h2").await, "Still there?");
    browser.touch("I am still here").await;
    assert_eq!(browser.count("dialog[open]").await, 0);
    assert_eq!(browser.count("li.line").await, 1, "the basket is still there");

    is_asked(&browser).await;
    eventually("the reset", RESET_TIMEOUT, async || (browser.place().await == "/").then_some(())).await;
    assert_eq!(browser.text("h1").await, "Welcome");
    assert!(browser.cookie("aisle_session").await.is_none(), "the next shopper has no session yet");

    browser.back().await;
    assert_eq!(browser.count("li.line").await, 0, "the last shopper's basket is not shown");
    assert!(!browser.text("main").await.contains("PAPER KITE") || browser.count(".card").await > 0);
    browser.goto(&format!("{}/basket", node.url())).await;
    assert_eq!(browser.count("li.line").await, 0);

    node.stop().expect("it stops");
    let ends = journal::cat_only(&store.data(), "SessionEnded");
    assert!(ends.iter().any(|end| end["fields"]["reason"] == "idle"), "{ends:?}");
}

#[tokio::test]
async fn a_shopper_who_leaves_leaves_nothing_behind() {
    let store = Store::small();
    let node = store.start();
    let browser = Browser::open(Setup::default()).await;
    browser.goto(&format!("{}/product/TOY-1", node.url())).await;
    browser.touch("中文").await;
    browser.find("html[lang=zh-Hans]").await;
    browser.touch("加入购物篮").await;
    browser.arrives("/basket").await;
    browser.touch("结束购物").await;
    browser.arrives("/").await;
    browser.find("html[lang=en]").await;
    for cookie in ["aisle_session", "aisle_language", "aisle_receipt"] {
        assert!(browser.cookie(cookie).await.is_none(), "`{cookie}` is left");
    }
    browser.back().await;
    assert_eq!(browser.count("li.line").await, 0, "the last shopper's basket is not shown");
}

#[tokio::test]
async fn a_receipt_closes_by_itself_and_cannot_be_called_back() {
    let store = Store::small();
    let node = store.start_with("[kiosk]\nthanks_s = 3\n");
    let browser = Browser::open(Setup::default()).await;
    browser.goto(&format!("{}/product/TEA-2", node.url())).await;
    browser.touch("Add to basket").await;
    browser.touch("Pay").await;
    browser.arrives("/thanks/").await;
    eventually("the end of the receipt", RESET_TIMEOUT, async || {
        (browser.place().await == "/").then_some(())
    })
    .await;
    browser.back().await;
    eventually("the way from the receipt", RESET_TIMEOUT, async || {
        (!browser.place().await.starts_with("/thanks/")).then_some(())
    })
    .await;
    assert_eq!(browser.count(".thanks").await, 0, "the last shopper's receipt is not shown");
}

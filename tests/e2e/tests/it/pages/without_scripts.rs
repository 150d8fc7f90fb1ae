//! Everything works in a browser whose scripts are off.

use super::{
    idle::{CONFIG, RESET_TIMEOUT},
    journey,
};
use crate::support::{
    browser::{Browser, Setup},
    store::Store,
    wait::eventually,
};

fn setup() -> Setup {
    Setup { scripts: false, ..Setup::default() }
}

/// Makes sure that scripts are off: else these tests would say nothing.
async fn are_scripts_off(browser: &Browser) {
    browser
        .goto("data:text/html,<p>off</p><script>document.querySelector('p').textContent = 'on'</script>")
        .await;
    assert_eq!(browser.text("p").await, "off");
}

#[tokio::test]
async fn the_same_purchase_works_without_scripts() {
    let store = Store::small();
    let node = store.start();
    let browser = Browser::open(setup()).await;
    are_scripts_off(&browser).await;
    journey::buy_two(&browser, node.url()).await;
    browser.touch("Done").await;
    browser.arrives("/").await;
    browser.search("tea").await;
    browser.arrives("/search?q=tea").await;
    assert_eq!(browser.text("h1").await, "2 products for “tea”");
}

#[tokio::test]
async fn the_kiosk_forgets_the_basket_without_scripts_too() {
    let store = Store::small();
    let node = store.start_with(CONFIG);
    let browser = Browser::open(setup()).await;
    are_scripts_off(&browser).await;
    browser.goto(&format!("{}/product/TOY-2", node.url())).await;
    browser.touch("Add to basket").await;
    browser.arrives("/basket").await;
    eventually("the reset", RESET_TIMEOUT, async || (browser.place().await == "/").then_some(())).await;
    assert!(browser.cookie("aisle_session").await.is_none(), "the next shopper has no session yet");
    browser.back().await;
    assert_eq!(browser.count("li.line").await, 0, "the last shopper's basket is not shown");
}

//! What happens in the stores shows on pages that stand open.

use super::region::{PATIENCE, Region, sell};
use crate::support::{
    browser::{Browser, Setup},
    wait::eventually,
};
use serde_json::json;

/// Waits until an element says this, on the page that is shown already.
async fn shows(browser: &Browser, element: &str, text: &str) {
    let script = "const found = document.querySelector(arguments[0]); return found ? found.textContent : '';";
    eventually(&format!("`{text}` in `{element}`"), PATIENCE, async || {
        let said = browser.script(script, vec![json!(element)]).await;
        said.as_str().unwrap_or_default().contains(text).then_some(())
    })
    .await;
    let same = browser.script("return window.sameAsBefore === true", Vec::new()).await;
    assert_eq!(same, json!(true), "the page was loaded anew");
}

/// Opens a page that is kept up to date, and marks it, so that a page that is loaded anew is found out.
async fn watch(browser: &Browser, url: &str) {
    browser.goto(url).await;
    browser.find("#live.on").await;
    browser.script("window.sameAsBefore = true", Vec::new()).await;
}

#[tokio::test]
async fn a_store_that_goes_and_comes_and_sells_shows_without_loading_the_page() {
    let mut region = Region::open().await;
    let browser = region.browser(Setup::default()).await;
    watch(&browser, &region.at("/")).await;
    shows(&browser, "#counts", "3 Connected").await;
    assert_eq!(region.nodes[2].stop().expect("it stops").code(), Some(0));
    shows(&browser, "#counts", "1 Away").await;
    shows(&browser, "#stores tbody tr:last-child", "away").await;
    region.nodes[2].start_again().expect("it starts");
    shows(&browser, "#counts", "3 Connected").await;

    watch(&browser, &region.at("/stores/store-1/receipts?class=sales")).await;
    let before = browser.count("#receipts tbody tr").await;
    sell(region.nodes[0].url(), "two").await;
    eventually("another receipt", PATIENCE, async || {
        (browser.count("#receipts tbody tr").await > before).then_some(())
    })
    .await;

    // The hub goes and comes: the page says so, and goes on by itself.
    watch(&browser, &region.at("/")).await;
    region.hub.kill().expect("it runs");
    shows(&browser, "#live", "Not live since").await;
    region.hub.start_again().expect("it serves again");
    shows(&browser, "#live-said", "This page is live again").await;
    shows(&browser, "#counts", "3 Connected").await;
}

#[tokio::test]
async fn page_after_page_takes_no_line_away_from_the_next() {
    let region = Region::open().await;
    let browser = region.browser(Setup::default()).await;
    // A browser has six connections for a hub. Were the lines of pages that it left kept, every sixth page would wait for a minute.
    let all = async {
        for page in ["/", "/alerts", "/relay", "/people", "/audit", "/claims"].repeat(4) {
            browser.goto(&region.at(page)).await;
            browser.find("#live.on").await;
        }
    };
    tokio::time::timeout(PATIENCE * 2, all).await.expect("24 pages");
}

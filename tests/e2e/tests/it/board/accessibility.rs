//! Every page of the board and the floor's own, on a telephone, in both languages: axe finds nothing wrong and nothing is wider than
//! the screen.

use super::shop::{Shop, speak};
use crate::support::{
    browser::{Browser, axe},
    wait::eventually,
};

const PAGES: [&str; 9] = [
    "/staff",
    "/staff/tasks",
    "/staff/alerts",
    "/staff/products",
    "/staff/products/900003",
    "/staff/units",
    "/staff/units/dairy-1",
    "/staff/devices",
    "/staff/devices/fridge-1",
];

async fn look(browser: &Browser, url: &str, axe: &str, found: &mut Vec<String>) {
    browser.goto(url).await;
    let language = browser.script("return document.documentElement.lang", Vec::new()).await;
    let page = format!("{url} in {language}");
    found.extend(browser.violations(axe).await.into_iter().map(|violation| format!("{page}: {violation}")));
    let wider = browser.script("return document.documentElement.scrollWidth - innerWidth", Vec::new()).await;
    if wider.as_i64() > Some(0) {
        found.push(format!("{page}: {wider} px wider than the screen"));
    }
}

#[tokio::test]
async fn the_board_with_a_floor_on_it_is_accessible_on_a_phone_in_both_languages() {
    let shop = Shop::open().await;
    let (browser, axe, mut found) = (shop.phone("Ann").await, axe(), Vec::new());
    // With something on it.
    shop.does("/shelves/900003/empty").await;
    shop.does("/units/dairy-1/open").await;
    shop.does("/devices/fridge-2/unplug").await;
    shop.limits("meat", 0.0).await;
    eventually("a board with all kinds of rows", super::shop::LIVE, async || {
        let board = shop.board().await;
        let has = |list: &str| board["totals"][list].as_u64() > Some(0);
        (has("tasks") && has("alerts") && has("gaps")).then_some(())
    })
    .await;
    for (language, tag) in [("zh", "zh-Hans"), ("en", "en")] {
        browser.goto(&format!("{}/staff", shop.home.url)).await;
        speak(&browser, language, tag).await;
        for page in PAGES.iter().chain(&["/staff/units/meat", "/staff/devices/counter-2"]) {
            look(&browser, &format!("{}{page}", shop.home.url), &axe, &mut found).await;
        }
    }
    look(&browser, &shop.page, &axe, &mut found).await;
    let small = browser.small_targets().await;
    found.extend(small.into_iter().map(|target| format!("the floor's page: too small to touch: {target}")));
    assert!(found.is_empty(), "{}", found.join("\n"));
    shop.close().await;
}

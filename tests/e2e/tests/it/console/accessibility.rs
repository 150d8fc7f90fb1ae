//! Every page of the console, at a desk and on a telephone: axe finds nothing wrong, and nothing is wider than the screen.

use super::region::Region;
use crate::support::browser::{Browser, Setup, axe};

/// A telephone that is not large.
const PHONE: (u32, u32) = (360, 740);
/// A screen on a desk.
const DESK: (u32, u32) = (1440, 900);

const PAGES: [&str; 15] = [
    "/",
    "/?q=is%3Aconnected",
    "/?q=is%3Aconected+berlin",
    "/?q=nothing",
    "/stores/store-1",
    "/stores/store-1/fields",
    "/stores/store-1/receipts?class=sales",
    "/contents",
    "/policies",
    "/alerts",
    "/relay",
    "/search",
    "/search?q=store",
    "/stores/none",
    "/nowhere",
];

async fn look(browser: &Browser, page: &str, axe: &str, found: &mut Vec<String>) {
    found.extend(browser.violations(axe).await.into_iter().map(|violation| format!("{page}: {violation}")));
    let wider = browser.script("return document.documentElement.scrollWidth - innerWidth", Vec::new()).await;
    if wider.as_i64() > Some(0) {
        found.push(format!("{page}: {wider} px wider than the screen"));
    }
}

/// The ways of a page whose text begins like this.
async fn way(browser: &Browser, beginning: &str) -> String {
    let script = "return [...document.querySelectorAll('main a')].map((link) => link.getAttribute('href')).find((way) => way.startsWith(arguments[0])) ?? ''";
    let way = browser.script(script, vec![beginning.into()]).await;
    way.as_str().filter(|way| !way.is_empty()).expect("a way that begins like this").to_owned()
}

async fn inspect(screen: (u32, u32)) {
    let region = Region::open().await;
    // With something in every list: a content that no store knows what to do with, and a policy's document.
    let list = region.hub.folder().join("list.toml");
    let file = region.hub.folder().join("thing.bin");
    std::fs::write(&file, b"a thing").expect("a file can be written");
    std::fs::write(&list, "[[item]]\nname = \"hologram/window\"\nversion = \"1\"\nfile = \"thing.bin\"\n")
        .expect("a file can be written");
    let list = list.display().to_string();
    region.hub.ask(&["desired", "set", "--store", "store-1", &list]).expect("the hub takes it");
    let (axe, mut found) = (axe(), Vec::new());
    let browser = region.browser(Setup { screen, ..Setup::default() }).await;
    browser.resize(screen).await;
    for page in PAGES {
        browser.goto(&region.at(page)).await;
        browser.find("main").await;
        look(&browser, page, &axe, &mut found).await;
    }
    for (page, beginning) in [("/contents", "/contents/"), ("/policies", "/policies/")] {
        browser.goto(&region.at(page)).await;
        let way = way(&browser, beginning).await;
        browser.goto(&region.at(&way)).await;
        look(&browser, &way, &axe, &mut found).await;
    }
    // What opens, opened.
    browser.goto(&region.at("/")).await;
    browser
        .script("document.querySelectorAll('details').forEach((part) => (part.open = true))", Vec::new())
        .await;
    look(&browser, "/ with the help", &axe, &mut found).await;
    browser.touch("Sign out").await;
    browser.arrives("/sign-in").await;
    look(&browser, "/sign-in", &axe, &mut found).await;
    browser.find("#token").await.send_keys("not the token").await.expect("the field takes text");
    browser.touch("Sign in").await;
    browser.find("#fault").await;
    look(&browser, "/sign-in with a wrong token", &axe, &mut found).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn every_page_of_the_console_is_accessible_at_a_desk() {
    inspect(DESK).await;
}

#[tokio::test]
async fn every_page_of_the_console_is_accessible_on_a_phone() {
    inspect(PHONE).await;
}

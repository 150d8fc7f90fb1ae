//! Every page of the console, at a desk and on a telephone: axe finds nothing wrong, and nothing is wider than the screen.

use super::region::{Region, come_in, enter};
use crate::support::browser::{Browser, Setup, axe};
use aisle_harness::hub::{Approval, HubOptions, HubUnderTest};

/// A telephone that is not large.
const PHONE: (u32, u32) = (360, 740);
/// A screen on a desk.
const DESK: (u32, u32) = (1440, 900);

const PAGES: [&str; 28] = [
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
    "/enrolments",
    "/enrolments?state=all",
    "/claims",
    "/approvals",
    "/approvals?state=all",
    "/people",
    "/me",
    "/audit",
    "/audit?outcome=refused&from=2026-01-01",
    "/audit?action=nothing",
    "/audit?from=yesterday",
    "/enrolments/none/none",
    "/approvals/none",
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
    for (page, beginning) in [
        ("/contents", "/contents/"),
        ("/policies", "/policies/"),
        ("/people", "/people/"),
        ("/stores/store-1", "/enrolments/"),
    ] {
        browser.goto(&region.at(page)).await;
        let way = way(&browser, beginning).await;
        browser.goto(&region.at(&way)).await;
        look(&browser, &way, &axe, &mut found).await;
    }
    // What opens, opened.
    for page in ["/", "/people", "/audit", "/me"] {
        browser.goto(&region.at(page)).await;
        open(&browser).await;
        look(&browser, &format!("{page}, opened"), &axe, &mut found).await;
    }
    let node = {
        browser.goto(&region.at("/stores/store-1")).await;
        way(&browser, "/enrolments/").await
    };
    browser.goto(&region.at(&node)).await;
    open(&browser).await;
    look(&browser, &format!("{node}, opened"), &axe, &mut found).await;
    browser.goto(&region.at("/people")).await;
    browser.find("#name").await.send_keys("Vera").await.expect("the field takes text");
    browser.find("#roles").await.send_keys("viewer").await.expect("the field takes text");
    browser.touch("Add them and show their code").await;
    let code = browser.text(".key").await;
    look(&browser, "a person's code", &axe, &mut found).await;
    browser.goto(&region.at("/")).await;
    browser.touch("Sign out").await;
    browser.arrives("/sign-in").await;
    look(&browser, "/sign-in", &axe, &mut found).await;
    open(&browser).await;
    look(&browser, "/sign-in, opened", &axe, &mut found).await;
    browser.find("#token").await.send_keys("not the token").await.expect("the field takes text");
    browser.touch("Come in by the token").await;
    browser.find("#fault").await;
    look(&browser, "/sign-in with a wrong token", &axe, &mut found).await;
    browser.find("#name").await.send_keys("Ada").await.expect("the field takes text");
    browser.find("#password").await.send_keys("not hers").await.expect("the field takes text");
    browser.touch("Sign in").await;
    browser.find("#name[aria-invalid]").await;
    look(&browser, "/sign-in with a wrong password", &axe, &mut found).await;
    browser.goto(&region.at("/set-up")).await;
    look(&browser, "/set-up", &axe, &mut found).await;
    browser.goto(&region.at("/sign-in")).await;
    come_in(&browser, code.trim()).await;
    browser.goto(&region.at("/audit")).await;
    look(&browser, "what a viewer may not see", &axe, &mut found).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Opens what opens.
async fn open(browser: &Browser) {
    let open = "document.querySelectorAll('details').forEach((part) => (part.open = true))";
    browser.script(open, Vec::new()).await;
}

#[tokio::test]
async fn a_claim_and_its_picture_are_accessible() {
    let hub = HubUnderTest::start(HubOptions { enrolment: Some(Approval::Queue), ..HubOptions::default() });
    let hub = hub.expect("the hub serves");
    let (axe, mut found) = (axe(), Vec::new());
    let browser = enter(&hub, Setup { screen: DESK, ..Setup::default() }).await;
    for screen in [DESK, PHONE] {
        browser.resize(screen).await;
        browser.goto(&format!("{}/claims", hub.url())).await;
        look(&browser, "/claims", &axe, &mut found).await;
        browser.find("#store").await.send_keys("berlin-12").await.expect("the field takes text");
        browser.touch("Make it and show it").await;
        browser.find(".qr svg").await;
        look(&browser, "a claim", &axe, &mut found).await;
    }
    browser.touch("To the claims").await;
    browser.arrives("/claims").await;
    open(&browser).await;
    look(&browser, "/claims, opened", &axe, &mut found).await;
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

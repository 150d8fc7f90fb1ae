//! Every page of the console, at a desk and on a telephone: axe finds nothing wrong, and nothing is wider than the screen.

use super::region::{Region, come_in, enter};
use crate::support::{
    api::Api,
    browser::{Browser, Setup, axe, went},
};
use aisle_fleet::ContentHash;
use aisle_harness::hub::{Approval, HubOptions, HubUnderTest};
use reqwest::Method;
use serde_json::json;

/// A telephone that is not large.
const PHONE: (u32, u32) = (360, 740);
/// A screen on a desk.
const DESK: (u32, u32) = (1440, 900);

/// The fleet and what it gets.
const FLEET: [&str; 15] = [
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
/// Who comes in and who may what.
const PEOPLE: [&str; 23] = [
    "/rollouts",
    "/write-rollout",
    "/groups/write",
    "/filters/write",
    "/stores/store-1/override",
    "/rollouts?phase=running",
    "/groups",
    "/artefacts",
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
    "/rollouts/none",
    "/people/none",
];

async fn look(browser: &Browser, page: &str, axe: &str, found: &mut Vec<String>) {
    found.extend(browser.violations(axe).await.into_iter().map(|violation| format!("{page}: {violation}")));
    let wider = browser.script("return document.documentElement.scrollWidth - innerWidth", Vec::new()).await;
    if wider.as_i64() > Some(0) {
        found.push(format!("{page}: {wider} px wider than the screen"));
    }
}

/// The first way of a page that begins like this, once it is there: what is live comes after the page.
async fn way(browser: &Browser, beginning: &str) -> String {
    let selector = format!("main a[href^='{beginning}']");
    loop {
        // Looking for it has an end of its own.
        match browser.find(&selector).await.attr("href").await {
            Ok(href) => return href.expect("a link leads somewhere"),
            // What is live came anew in between.
            Err(error) if went(&error) => {}
            Err(error) => panic!("`{selector}` cannot be read: {error}"),
        }
    }
}

/// A browser in front of a region with something in every list: a content that no store knows what to do with, and a policy's document.
async fn region(screen: (u32, u32)) -> (Region, Browser) {
    let region = Region::open().await;
    let list = region.hub.folder().join("list.toml");
    let file = region.hub.folder().join("thing.bin");
    std::fs::write(&file, b"a thing").expect("a file can be written");
    std::fs::write(&list, "[[item]]\nname = \"hologram/window\"\nversion = \"1\"\nfile = \"thing.bin\"\n")
        .expect("a file can be written");
    let list = list.display().to_string();
    region.hub.ask(&["desired", "set", "--store", "store-1", &list]).expect("the hub takes it");
    let browser = region.browser(Setup { screen, ..Setup::default() }).await;
    browser.resize(screen).await;
    (region, browser)
}

/// Looks at pages, at those that they lead to, and at some with everything opened that opens.
async fn inspect(screen: (u32, u32), pages: &[&str], ways: &[(&str, &str)], opened: &[&str]) {
    let (region, browser) = region(screen).await;
    let (axe, mut found) = (axe(), Vec::new());
    for page in pages {
        browser.goto(&region.at(page)).await;
        browser.find("main").await;
        look(&browser, page, &axe, &mut found).await;
    }
    for (page, beginning) in ways {
        browser.goto(&region.at(page)).await;
        let way = way(&browser, beginning).await;
        browser.goto(&region.at(&way)).await;
        open(&browser).await;
        look(&browser, &way, &axe, &mut found).await;
    }
    for page in opened {
        browser.goto(&region.at(page)).await;
        open(&browser).await;
        look(&browser, &format!("{page}, opened"), &axe, &mut found).await;
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

async fn fleet(screen: (u32, u32)) {
    let ways = [("/contents", "/contents/"), ("/policies", "/policies/")];
    inspect(screen, &FLEET, &ways, &["/", "/stores/store-1"]).await;
}

async fn people(screen: (u32, u32)) {
    let ways = [("/people", "/people/"), ("/stores/store-1", "/enrolments/")];
    inspect(screen, &PEOPLE, &ways, &["/people", "/audit", "/me"]).await;
}

async fn door(screen: (u32, u32)) {
    let (region, browser) = region(screen).await;
    let (axe, mut found) = (axe(), Vec::new());
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

/// A rollout that runs, its nodes, and the forms that write one like it, with something wrong in them and all of it right.
async fn rollouts(screen: (u32, u32)) {
    let (region, browser) = region(screen).await;
    let (axe, mut found) = (axe(), Vec::new());
    // The machine writes it, so that a person can approve it. Its bytes are at the hub.
    let release = json!({ "version": "1.0.0", "hash": ContentHash::of(b"a thing"), "bytes": 7 });
    let spec = json!({ "rollout": "spring", "why": "<b>all</b> of it", "who": "*", "set": { "catalogue": release },
        "waves": [{ "name": "canary", "size": 1 }, { "name": "rest" }] });
    let (api, token) = (Api::new(&region.hub.url()), region.hub.token().expect("a token"));
    for (path, body, status) in
        [("/v1/rollouts", spec, 201), ("/v1/rollouts/spring/preflight", json!({}), 200)]
    {
        let request = api.request(Method::POST, path).bearer_auth(&token).json(&body);
        Api::try_send(request).await.expect("the hub answers").json(status);
    }
    browser.goto(&region.at("/rollouts/spring")).await;
    open(&browser).await;
    look(&browser, "a rollout that waits", &axe, &mut found).await;
    for verb in ["Approve", "Start"] {
        browser.touch(verb).await;
        browser.arrives("/rollouts/spring?done=said").await;
        open(&browser).await;
        look(&browser, &format!("a rollout, after `{verb}`"), &axe, &mut found).await;
    }
    browser.goto(&region.at("/rollouts/spring/nodes")).await;
    look(&browser, "the nodes of a rollout", &axe, &mut found).await;
    browser.goto(&region.at("/write-rollout?like=spring")).await;
    look(&browser, "a form like a rollout", &axe, &mut found).await;
    browser.find("#rollout").await.send_keys("no name").await.expect("the field takes text");
    browser.touch("Write the draft").await;
    browser.find("#rollout[aria-invalid]").await;
    look(&browser, "a form with something wrong", &axe, &mut found).await;
    let field = browser.find("#rollout").await;
    field.clear().await.expect("the field can be emptied");
    field.send_keys("summer").await.expect("the field takes text");
    browser.touch("Write the draft").await;
    browser.arrives("/rollouts/summer?done=drafted").await;
    look(&browser, "a draft", &axe, &mut found).await;
    browser.goto(&region.at("/groups/write")).await;
    browser.find("#name").await.send_keys("first").await.expect("the field takes text");
    browser.find("#who").await.send_keys("store=").await.expect("the field takes text");
    browser.touch("Write it").await;
    browser.find("#who[aria-invalid]").await;
    look(&browser, "a group with something wrong", &axe, &mut found).await;
    let field = browser.find("#who").await;
    field.clear().await.expect("the field can be emptied");
    field.send_keys("store=store-1").await.expect("the field takes text");
    browser.touch("Look first what would change").await;
    browser.find(".outcome.warn").await;
    look(&browser, "a group that was looked at first", &axe, &mut found).await;
    browser.touch("Write it").await;
    browser.arrives("/groups?done=written").await;
    look(&browser, "groups", &axe, &mut found).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn a_rollout_and_its_form_are_accessible_at_a_desk() {
    rollouts(DESK).await;
}

#[tokio::test]
async fn a_rollout_and_its_form_are_accessible_on_a_phone() {
    rollouts(PHONE).await;
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
async fn pages_of_the_fleet_are_accessible_at_a_desk() {
    fleet(DESK).await;
}

#[tokio::test]
async fn pages_of_the_fleet_are_accessible_on_a_phone() {
    fleet(PHONE).await;
}

#[tokio::test]
async fn pages_about_people_and_boxes_are_accessible_at_a_desk() {
    people(DESK).await;
}

#[tokio::test]
async fn pages_about_people_and_boxes_are_accessible_on_a_phone() {
    people(PHONE).await;
}

#[tokio::test]
async fn the_door_is_accessible_at_a_desk() {
    door(DESK).await;
}

#[tokio::test]
async fn the_door_is_accessible_on_a_phone() {
    door(PHONE).await;
}

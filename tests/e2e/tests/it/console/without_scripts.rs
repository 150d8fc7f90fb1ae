//! The console in a browser whose scripts are off.

use super::region::{Region, add, come_in};
use crate::support::browser::Setup;

#[tokio::test]
async fn stores_are_filtered_found_and_looked_at_without_scripts() {
    let region = Region::open().await;
    let browser = region.browser(Setup { scripts: false, ..Setup::default() }).await;
    assert_eq!(browser.count("#stores tbody tr").await, 3);
    browser.find("#q").await.send_keys("ORE-2 is:connected\n").await.expect("the field takes text");
    browser.arrives("/?q=").await;
    assert_eq!(browser.count("#stores tbody tr").await, 1);
    browser.touch("store-2").await;
    browser.arrives("/stores/store-2").await;
    assert_eq!(browser.text("h1").await, "store-2");
    assert!(browser.text("#health").await.contains("connected"));
    browser.touch("Field by field").await;
    browser.arrives("/stores/store-2/fields").await;
    browser.find("#find").await.send_keys("store-3\n").await.expect("the field takes text");
    browser.arrives("/search?q=store-3").await;
    browser.touch("store-3").await;
    browser.arrives("/stores/store-3").await;
    // What says how old the page is leads to a newer one.
    assert!(browser.text("#live").await.starts_with("As of "));
    browser.touch_first("#live").await;
    browser.arrives("/stores/store-3").await;
    browser.touch("Sign out").await;
    browser.arrives("/sign-in").await;
    browser.goto(&region.at("/stores/store-3")).await;
    browser.arrives("/sign-in?return=").await;
}

#[tokio::test]
async fn a_person_is_added_comes_in_and_a_node_is_kept_out_without_scripts() {
    let region = Region::open().await;
    let browser = region.browser(Setup { scripts: false, ..Setup::default() }).await;
    browser.touch("People").await;
    browser.arrives("/people").await;
    browser.find("#name").await.send_keys("Olga O'Hara").await.expect("the field takes text");
    browser.find("#roles").await.send_keys("operator@region:eu").await.expect("the field takes text");
    browser.touch("Add them and show their code").await;
    let code = browser.text(".key").await;
    browser.touch("Sign out").await;
    browser.arrives("/sign-in").await;
    come_in(&browser, code.trim()).await;
    browser.arrives("/").await;
    // Bounded to the region of these stores: the fleet, and nothing that is about all of it.
    assert_eq!(browser.count("#stores tbody tr").await, 3);
    browser.goto(&region.at("/audit")).await;
    assert!(browser.text("main").await.contains("privacy-officer"), "it says who may");
    browser.goto(&region.at("/stores/store-1")).await;
    browser.touch_first("#nodes tbody a").await;
    browser.arrives("/enrolments/store-1/").await;
    browser.touch_first("#acts summary").await;
    browser.find("#reason-suspend").await.send_keys("being moved").await.expect("the field takes text");
    browser.touch_first("#acts form button").await;
    browser.find(".outcome.good").await;
    assert!(browser.text("#about").await.contains("suspended"));
    // What was done is the first thing that the log says to who may read it.
    browser.touch("Sign out").await;
    browser.arrives("/sign-in").await;
    come_in(&browser, &add(&region.hub, "Petra", "privacy-officer")).await;
    browser.goto(&region.at("/audit?action=node.suspend")).await;
    assert!(browser.text("#rows").await.contains("Olga O'Hara"));
}

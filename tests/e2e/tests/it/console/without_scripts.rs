//! The console in a browser whose scripts are off.

use super::region::Region;
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

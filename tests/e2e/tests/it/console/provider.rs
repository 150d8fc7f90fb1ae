//! The console as it is in earnest: over TLS, with cookies that no other place may set, and people whom an identity provider of another site names.

use crate::support::browser::{Browser, Setup};
use aisle_harness::{
    hub::{HubOptions, HubUnderTest},
    identity::IdentityProvider,
};

/// A hub that knows a provider. To a browser they are of two sites.
fn trusting() -> (HubUnderTest, IdentityProvider) {
    let options = HubOptions { https: true, ..HubOptions::default() };
    let mut hub = HubUnderTest::start(options).expect("the hub serves");
    let url = hub.secure_url().expect("over TLS too");
    let back = format!("{url}/v1/oidc/callback");
    let provider = IdentityProvider::start(&back, "ES256", "localhost").expect("the provider starts");
    hub.trust(&provider).expect("it is told of the provider");
    hub.stop().expect("the hub stops");
    hub.start_again().expect("the hub serves again");
    (hub, provider)
}

/// Asks for a page, is led to the provider, and says there who it is.
async fn ask_as(browser: &Browser, page: &str, login: &str) {
    browser.goto(page).await;
    browser.arrives("/sign-in?return=").await;
    browser.touch_first("a[href^='/v1/oidc/start']").await;
    browser.arrives("/sign-in/").await;
    browser.find("[name=login]").await.send_keys(&format!("{login}\n")).await.expect("the field takes text");
}

#[tokio::test]
async fn a_person_is_led_to_the_identity_provider_and_back_to_the_page_that_they_asked_for() {
    let (hub, _provider) = trusting();
    let url = hub.secure_url().expect("over TLS too");
    let browser = Browser::open(Setup::default()).await;
    let page = format!("{url}/?q=is:connected");

    ask_as(&browser, &page, "").await;
    browser.arrives("/v1/oidc/callback").await;
    assert!(browser.text(".outcome.bad").await.contains("access_denied"), "who gives up is told");
    assert!(browser.cookie("__Host-aisle").await.is_none(), "and is not in");

    ask_as(&browser, &page, "alice").await;
    browser.arrives("/?q=is:connected").await;
    browser.find("#counts").await;
    let session = browser.cookie("__Host-aisle").await.expect("a session");
    assert_eq!((session.secure(), session.http_only(), session.path()), (Some(true), Some(true), Some("/")));
    assert!(browser.cookie("__Host-aisle-oidc").await.is_none(), "what was under way is over");
    // Their name is what the provider says, and text.
    browser.goto(&format!("{url}/me")).await;
    let me = browser.text("main").await;
    assert!(me.contains("Alice <b>") && me.contains("operator@region:eu"), "{me}");

    browser.touch("Sign out").await;
    browser.arrives("/sign-in").await;
    browser.goto(&page).await;
    browser.arrives("/sign-in?return=").await;
}

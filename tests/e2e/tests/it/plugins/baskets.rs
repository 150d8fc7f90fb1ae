//! Offers in the basket, on its page, and on the receipt; and what the law does not let be sold below.

use super::shop::{PluggedShop, component, manifest, three_for_two};

#[tokio::test]
async fn three_for_two_shows_in_the_basket_on_its_page_and_on_the_receipt() {
    let shop = PluggedShop::with(&[]);
    shop.install("multi-buy", &three_for_two("1.0.0", "TEA-1"), &component("multi-buy")).await;
    let api = shop.api();
    let session = api.session().await;
    let basket = api.set(&session, "TEA-1", 3).await.json(200);
    assert_eq!(basket["total"]["minor"], 500, "{basket}");
    let adjustment = &basket["adjustments"][0];
    assert_eq!(adjustment["plugin"], "multi-buy", "{basket}");
    assert_eq!((&adjustment["version"], &adjustment["amount"]["minor"]), (&"1.0.0".into(), &250.into()));
    assert_eq!(adjustment["reason"], "3 for 2 on TEA-1");

    let receipt = api.check_out(&session, "key-1").await.json(201);
    assert_eq!(receipt["total"]["minor"], 500, "{receipt}");
    assert_eq!(receipt["adjustments"][0]["plugin"], "multi-buy", "{receipt}");
    let number = receipt["document"].as_str().expect("a number");
    assert_eq!(api.get(&format!("/v1/receipts/{number}")).await.json(200), receipt);

    // The page of a shopper with a cookie of their own.
    let browser = reqwest::Client::builder().cookie_store(true).no_proxy().build().expect("a client");
    let form = [("sku", "TEA-1"), ("change", "set"), ("quantity", "3")];
    let url = shop.node.url();
    let added = browser.post(format!("{url}/basket")).form(&form).send().await.expect("an answer");
    assert!(added.status().is_success() || added.status().is_redirection(), "{added:?}");
    let page =
        browser.get(format!("{url}/basket")).send().await.expect("a page").text().await.expect("a text");
    let decided = "3 for 2 on TEA-1 <span class=\"by\">multi-buy 1.0.0</span>";
    assert!(page.contains(decided), "{page}");
    let paid = browser.post(format!("{url}/checkout")).form(&[("key", "page-1")]).send().await;
    let thanks = paid.expect("a page").text().await.expect("a text");
    assert!(thanks.contains("Receipt") && thanks.contains(decided), "{thanks}");

    let calls = shop.plugin("multi-buy").await;
    assert!(calls["calls"].as_u64().is_some_and(|calls| calls >= 2), "{calls}");
    let sample = "aisle_plugin_calls_total{plugin=\"multi-buy\",hook=\"promotion\",outcome=\"ok\"}";
    assert!(api.metric(sample).await.is_some_and(|calls| calls >= 2.0));
}

#[tokio::test]
async fn what_offers_give_below_the_lowest_price_by_law_is_taken_back_and_without_the_law_nothing_is_sold() {
    let shop = PluggedShop::with(&["TRAP"]);
    let api = shop.api();
    shop.install("multi-buy", &three_for_two("1.0.0", "TEA-1"), &component("multi-buy")).await;
    let floor = "on_failure = \"deny\"\norder = 1000\n[[settings.floors]]\nsku = \"TEA-1\"\nunit-price = 200\nreason = \"By law\"";
    let floor = manifest("price-floor", "1.0.0", "promotion", floor);
    shop.install("price-floor", &floor, &component("price-floor")).await;
    let session = api.session().await;
    let basket = api.set(&session, "TEA-1", 3).await.json(200);
    assert_eq!(basket["total"]["minor"], 600, "2.00 a piece at least: {basket}");

    let grants =
        "on_failure = \"deny\"\ngrants = [\"log\", \"clock\", \"random\", \"catalog\", \"stock\", \"kv\"]";
    let broken = manifest("law", "1.0.0", "promotion", grants);
    shop.install("law", &broken, &component("misbehaving")).await;
    let other = api.session().await;
    api.set(&other, "TRAP", 1).await.json(200);
    let refused = api.check_out(&other, "key-1").await;
    assert!(matches!(refused.status, 409 | 503), "{refused:?}");
    refused.problem(refused.status);
    let tea = api.session().await;
    api.set(&tea, "CUP-1", 1).await.json(200);
    api.check_out(&tea, "key-2").await.json(201);
}

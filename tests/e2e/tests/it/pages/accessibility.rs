//! Every page in both languages: axe finds nothing wrong, everything that can be touched is large enough, and nothing
//! is wider than the screen.

use crate::support::{
    api::Api,
    browser::{Browser, SCREEN, Setup, axe},
    store::Store,
};
use serde_json::Value;

/// A telephone's screen, for shops that show the kiosk's pages on their shoppers' own.
const NARROW: (u32, u32) = (500, 900);

/// One visit to every page, noting what is wrong with it.
struct Inspection {
    browser: Browser,
    url: String,
    axe: String,
    /// Addresses that need nothing before them.
    pages: Vec<String>,
    /// A product that can be bought.
    product: String,
    found: Vec<String>,
}

impl Inspection {
    async fn look(&mut self, page: &str) {
        let language = self.browser.script("return document.documentElement.lang", Vec::new()).await;
        let page = format!("{page} in {}", language.as_str().expect("a page says its language"));
        for violation in self.browser.violations(&self.axe).await {
            self.found.push(format!("{page}: {violation}"));
        }
        for target in self.browser.small_targets().await {
            self.found.push(format!("{page}: too small to touch: {target}"));
        }
        let wider =
            self.browser.script("return document.documentElement.scrollWidth - innerWidth", Vec::new()).await;
        if wider.as_i64() > Some(0) {
            self.found.push(format!("{page}: {wider} px wider than the screen"));
        }
    }

    async fn look_at_all(&mut self, pay: &str) {
        for page in self.pages.clone() {
            self.browser.goto(&format!("{}{page}", self.url)).await;
            self.look(&page).await;
        }
        self.browser.goto(&format!("{}{}", self.url, self.product)).await;
        self.browser.touch_first("form.add button").await;
        self.browser.arrives("/basket").await;
        self.look("/basket with a product").await;
        self.browser.goto(&self.url).await;
        self.look("/ for a shopper").await;
        self.browser.script("document.querySelector('dialog').showModal()", Vec::new()).await;
        self.look("/ with the warning").await;
        self.browser.goto(&format!("{}/basket", self.url)).await;
        self.browser.touch(pay).await;
        self.browser.arrives("/thanks/").await;
        self.look("/thanks").await;
    }
}

/// The products' pages that differ: one sold by the piece, one by weight, one that is sold out.
async fn products(api: &Api) -> Vec<String> {
    let answer = api.get("/v1/products?limit=100").await.json(200);
    let products = answer["products"].as_array().expect("products");
    let first = |wanted: &dyn Fn(&Value) -> bool| products.iter().find(|product| wanted(product));
    let sold_out = |product: &Value| product["stock"]["state"] == "out-of-stock";
    let found = [
        first(&|product| product["unit"] == "each" && !sold_out(product)),
        first(&|product| product["unit"] == "kg" && !sold_out(product)),
        first(&sold_out),
    ];
    found
        .iter()
        .flatten()
        .map(|product| format!("/product/{}", product["sku"].as_str().expect("a number")))
        .collect()
}

async fn inspect(store: &Store, screen: (u32, u32), more: &[&str]) {
    let node = store.start();
    let browser = Browser::open(Setup { screen, ..Setup::default() }).await;
    let api = Api::new(node.url());
    api.ready().await;
    let products = products(&api).await;
    let product = products[0].clone();
    let mut pages: Vec<String> =
        ["/", "/category", "/search?q=submarine", "/basket", "/nowhere"].map(Into::into).into();
    pages.extend(more.iter().map(|page| (*page).into()));
    pages.extend(products);
    let mut inspection =
        Inspection { browser, url: node.url().into(), axe: axe(), pages, product, found: Vec::new() };
    inspection.look_at_all("Pay").await;
    inspection.browser.goto(node.url()).await;
    inspection.browser.touch("中文").await;
    inspection.browser.find("html[lang=zh-Hans]").await;
    inspection.look_at_all("结账").await;
    assert!(inspection.found.is_empty(), "{}", inspection.found.join("\n"));
}

#[tokio::test]
async fn every_page_is_accessible_on_a_kiosk_in_both_languages() {
    inspect(&Store::generated(6), SCREEN, &["/search?q=rice", "/category/World%20Foods"]).await;
}

#[tokio::test]
async fn every_page_is_accessible_on_a_narrow_screen_in_both_languages() {
    // Its prices are old, and the pages say so.
    inspect(&Store::small(), NARROW, &["/search?q=tea"]).await;
}

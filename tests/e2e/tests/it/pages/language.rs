//! The kiosk speaks English and Chinese, and keeps to what was chosen.

use crate::support::{
    browser::{Browser, Setup},
    store::Store,
};

#[tokio::test]
async fn a_shopper_switches_to_chinese_and_back_without_losing_the_basket() {
    let store = Store::small();
    let node = store.start();
    let browser = Browser::open(Setup::default()).await;
    browser.goto(&format!("{}/product/CUP-1", node.url())).await;
    browser.touch("Add to basket").await;
    browser.arrives("/basket").await;

    browser.touch("中文").await;
    browser.find("html[lang=zh-Hans]").await;
    assert_eq!(browser.place().await, "/basket", "the shopper stays where they were");
    assert_eq!(browser.text("h1").await, "购物篮");
    assert_eq!(browser.count("li.line").await, 1);
    browser.touch("首页").await;
    browser.arrives("/").await;
    assert_eq!(browser.text("h1").await, "欢迎光临");
    browser.search("paper").await;
    browser.arrives("/search").await;
    assert!(browser.text("h1").await.contains("找到 2 件商品"));
    browser.touch_first(".card a").await;
    browser.arrives("/product/").await;
    assert_eq!(browser.text("form.add button").await, "加入购物篮");

    browser.touch("English").await;
    browser.find("html[lang=en]").await;
    browser.touch("Basket, 1 product").await;
    browser.arrives("/basket").await;
    browser.touch("Pay").await;
    browser.arrives("/thanks/").await;
}

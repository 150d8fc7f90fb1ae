//! Doors are opened and shelves emptied on the floor; the board says so without being loaded anew, and staff act on it.

use super::shop::{LIVE, Shop, says, shows, speak};
use crate::support::{browser::Browser, wait::eventually};
use aisle_harness::floor::WAITING;
use std::time::{Duration, Instant};

/// An excursion takes whole minutes that are over, on a machine that may be busy.
const GRACE: Duration = Duration::from_secs(240);
const RICE: &str = "900010";
const RICE_NAME: &str = "Millbrook Basmati Rice, 1 kg";
const PASTA: &str = "900011";

/// Waits until no element is found any more.
async fn is_gone(browser: &Browser, element: &str) {
    eventually(&format!("the end of `{element}`"), LIVE, async || {
        (browser.count(element).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_happens_on_the_floor_shows_at_once_and_staff_act_on_it() {
    let shop = Shop::open().await;
    let browser = shop.phone("Ann").await;

    shop.watch(&browser, "/staff/units").await;
    let dairy = "[data-key='unit dairy-1']";
    let since = shop.does("/units/dairy-1/open").await;
    shows(&browser, dairy, "Door open", since).await;
    shows(&browser, dairy, "Outside its limit", since).await;
    let since = shop.does("/units/dairy-1/close").await;
    eventually("a door that is closed", LIVE, async || {
        (!says(&browser, dairy).await.contains("Door open")).then_some(())
    })
    .await;
    eprintln!("the closed door was on the board after {:.2} s", since.elapsed().as_secs_f64());

    shop.watch(&browser, "/staff").await;
    let since = shop.does(&format!("/shelves/{RICE}/empty")).await;
    shows(&browser, "#gaps", "Basmati Rice", since).await;
    shows(&browser, "#tasks", "Basmati Rice", since).await;
    shop.does(&format!("/shelves/{RICE}/fill")).await;
    is_gone(&browser, &format!("[data-key='gap {RICE}']")).await;
    // The task stays for a minute, so that it does not vanish under somebody's finger.
    browser.goto(&format!("{}/staff/tasks", shop.home.url)).await;
    browser.touch("Done: Fill the shelf Millbrook Basmati Rice, 1 kg").await;
    browser.find(".outcome.good").await;
    assert!(!says(&browser, "main").await.contains("Basmati Rice"), "what is done is not asked for");

    shop.watch(&browser, "/staff").await;
    let since = shop.does("/devices/scale-12/unplug").await;
    shows(&browser, "#alerts", "scale-12", since).await;
    shop.does("/devices/scale-12/plug").await;
    is_gone(&browser, "[data-key='alert Offline scale-12']").await;

    browser.goto(&format!("{}/staff/devices/{WAITING}", shop.home.url)).await;
    browser.touch("Approve").await;
    browser.find(".outcome.good").await;
    let board = shop.board().await;
    assert_eq!(board["devices"].as_array().map(Vec::len), Some(60));
    assert!(!board["devices"].to_string().contains("pending"), "{}", board["devices"]);

    // What was fine is an excursion when more is asked of the unit, once that has lasted for longer than its grace.
    shop.watch(&browser, "/staff").await;
    shop.limits("meat", 0.0).await;
    let alert = async || says(&browser, "#alerts").await.contains("meat").then_some(());
    eventually("an excursion of `meat`", GRACE, alert).await;
    browser.goto(&format!("{}/staff/units/meat", shop.home.url)).await;
    browser.touch("I have seen this").await;
    browser.find(".outcome.good").await;
    assert!(says(&browser, "#excursions").await.contains("Seen by Ann"));
    shop.close().await;
}

#[tokio::test]
async fn the_board_is_live_in_chinese_too() {
    let shop = Shop::open().await;
    let browser = shop.phone("小李").await;
    speak(&browser, "zh", "zh-Hans").await;

    shop.watch(&browser, "/staff/units").await;
    let since = shop.does("/units/salad/open").await;
    shows(&browser, "[data-key='unit salad']", "柜门开着", since).await;
    shows(&browser, "[data-key='unit salad']", "短时超限", since).await;

    shop.watch(&browser, "/staff").await;
    let since = shop.does(&format!("/shelves/{PASTA}/empty")).await;
    shows(&browser, "#gaps", "货架已空", since).await;
    shows(&browser, "#tasks", "补货上架", since).await;
    shop.close().await;
}

#[tokio::test]
async fn a_click_on_the_page_of_the_floor_shows_on_the_board() {
    let shop = Shop::open().await;
    let (board, page) = (shop.phone("Ben").await, shop.phone("Ben").await);
    shop.watch(&board, "/staff/units").await;
    page.goto(&shop.page).await;
    let since = Instant::now();
    page.touch("Open the door: drinks").await;
    shows(&board, "[data-key='unit drinks']", "Door open", since).await;
    page.script("window.sameAsBefore = true", Vec::new()).await;
    shows(&page, "#said", "The door is open", since).await;
    page.touch("Unplug the sensor: fridge-5").await;
    shows(&page, "#plug-fridge-5", "Plug the sensor in", Instant::now()).await;

    shop.watch(&board, "/staff").await;
    let since = Instant::now();
    page.touch(&format!("Empty it: {RICE_NAME}")).await;
    shows(&board, "#gaps", RICE_NAME, since).await;
    shows(&board, "#tasks", RICE_NAME, since).await;
    shows(&page, "#said", "One shopper took it all", since).await;
    shop.close().await;
}

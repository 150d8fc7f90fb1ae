//! Who sees the board, and who does not.

use crate::{
    made_up_floor::full_board,
    shop_under_test::{HOUR_MS, ShopUnderTest},
    staff_under_test::{FRIDGE, NOW, PIN, StaffUnderTest},
};
use aisle_kiosk::staff::StaffConfig;
use axum::{body::Body, http::Request};

#[tokio::test]
async fn no_shopper_sees_the_board() {
    let board = StaffUnderTest::start().await;
    let report = format!("{FRIDGE}/report/2025-11-20.html");
    let forged = format!("{}0", &board.cookie[..board.cookie.len() - 1]);
    let forged = if forged == board.cookie { format!("{}1", &forged[..forged.len() - 1]) } else { forged };
    for cookie in ["", "aisle_staff=", "aisle_staff=1.2.3", &forged] {
        for path in [
            "/staff",
            "/staff/alerts",
            "/staff/tasks",
            "/staff/products",
            "/staff/products/TEA-1",
            "/staff/units",
            FRIDGE,
            &report,
            "/staff/devices",
            "/staff/devices/fridge-7",
            "/staff/devices/fridge-7/temperature/chart.svg",
            "/staff/events",
        ] {
            let answer = board.shop.page(path, cookie, "en").await;
            assert_eq!(answer.status, 303, "{path} with {cookie:?}");
            assert!(answer.header("location").starts_with("/staff/sign-in?return=%2Fstaff"), "{path}");
            assert!(answer.body.is_empty(), "{path}");
        }
        for path in ["/v1/staff/board", "/v1/staff/events"] {
            board.shop.page(path, cookie, "en").await.problem(401, "not-signed-in");
        }
        for path in ["/staff/tasks", "/staff/products/TEA-1", FRIDGE, "/staff/devices/plug-new"] {
            let answer = board.shop.form(path, cookie, "do=approve&task=fill%3ATEA-1").await;
            assert_eq!(answer.status, 303, "{path}");
            assert!(answer.header("location").starts_with("/staff/sign-in"), "{path}");
        }
    }
    assert_eq!(board.floor.acted(), []);
}

#[tokio::test]
async fn a_shop_without_a_board_has_nothing_under_its_address() {
    let shop = ShopUnderTest::start().await;
    for path in ["/staff", "/staff/sign-in"] {
        let page = shop.page(path, "", "en").await;
        assert_eq!(page.status, 404);
        assert!(
            page.body.contains("There is nothing here") && page.body.contains("kiosk.css"),
            "{}",
            page.body
        );
    }
    shop.get("/v1/staff/board").await.problem(404, "unknown-path");
}

#[tokio::test]
async fn a_name_and_the_pin_let_staff_in_and_back_to_where_they_were() {
    let board = StaffUnderTest::start().await;
    let away = board.shop.page("/staff/devices/fridge-7?hours=6", "", "en").await.header("location");
    assert_eq!(away, "/staff/sign-in?return=%2Fstaff%2Fdevices%2Ffridge-7%3Fhours%3D6");
    let page = board.shop.page(&away, "", "en").await;
    assert!(page.body.contains(r#"name="return" value="/staff/devices/fridge-7?hours=6""#), "{}", page.body);
    let answer = board.sign_in("%E6%9D%8E+Li", PIN).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/staff/tasks".into()));
    let cookie = answer.cookie("aisle_staff").unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let page = board.shop.page("/staff", cookie.split(';').next().unwrap(), "en").await;
    assert!(page.body.contains("Signed in as 李 Li"), "{}", page.body);
    let elsewhere = format!("name=Ann&pin={PIN}&return=https%3A%2F%2Fevil.example");
    assert_eq!(board.shop.form("/staff/sign-in", "", &elsewhere).await.header("location"), "/staff");
}

#[tokio::test]
async fn whoever_guesses_waits_and_a_right_guess_during_the_wait_counts_for_nothing() {
    let board = StaffUnderTest::start().await;
    for _ in 0..4 {
        let answer = board.sign_in("Ann", "161803").await;
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains("That is not the PIN"), "{}", answer.body);
        assert!(answer.cookie("aisle_staff").is_none());
        assert!(!answer.body.contains("161803"), "a PIN does not come back in a page");
    }
    let waiting = board.sign_in("Ann", PIN).await;
    assert_eq!(waiting.status, 429);
    assert_eq!(waiting.header("retry-after"), "1");
    assert!(waiting.body.contains("Wait 1 s") && waiting.body.contains(r#"value="Ann""#), "{}", waiting.body);
    assert!(waiting.cookie("aisle_staff").is_none());
    assert_eq!(board.page("/staff", "en").await.status, 200, "who is in stays in");
}

#[tokio::test]
async fn what_cannot_be_a_pin_or_a_name_is_no_guess() {
    let board = StaffUnderTest::start().await;
    let long = "x".repeat(41);
    for (name, pin, said) in [
        ("Ann", "12345", "Six digits"),
        ("Ann", "1234567", "Six digits"),
        ("Ann", "12345x", "Six digits"),
        ("Ann", "", "Six digits"),
        ("", PIN, "Fill this in"),
        ("+", PIN, "Fill this in"),
        (&long, PIN, "at most 40"),
        ("a%00b", PIN, "at most 40"),
    ] {
        let answer = board.sign_in(name, pin).await;
        assert_eq!(answer.status, 400, "{name} {pin}");
        assert!(answer.body.contains(said), "{name} {pin}: {}", answer.body);
    }
    for _ in 0..20 {
        assert_eq!(board.sign_in("Ann", "x").await.status, 400);
    }
    assert_eq!(board.sign_in("Ann", PIN).await.status, 303);
}

#[tokio::test]
async fn a_new_pin_puts_everybody_out_and_none_lets_nobody_in() {
    let board = StaffUnderTest::start().await;
    *board.pin.lock().unwrap() = Some("314159\n".into());
    assert_eq!(board.page("/staff", "en").await.status, 303);
    assert_eq!(board.sign_in("Ann", "314159").await.status, 303);
    for unusable in [None, Some(""), Some("12345"), Some("secret")] {
        *board.pin.lock().unwrap() = unusable.map(Into::into);
        assert_eq!(board.page("/staff", "en").await.status, 303);
        let page = board.page("/staff/sign-in", "en").await;
        assert_eq!(page.status, 503);
        assert!(page.body.contains("staff.pin"), "{}", page.body);
        let answer = board.sign_in("Ann", unusable.unwrap_or("000000")).await;
        assert_eq!(answer.status, 503, "{unusable:?}");
        assert!(board.page("/staff/sign-in", "zh").await.body.contains("尚未设置 PIN 码"));
    }
}

#[tokio::test]
async fn a_pass_ends_with_its_hours_and_when_somebody_signs_out() {
    let config = StaffConfig { signed_in_h: 2, ..StaffConfig::default() };
    let board = StaffUnderTest::with(full_board(NOW), config).await;
    board.shop.advance_ms(2 * HOUR_MS - 1);
    assert_eq!(board.page("/staff", "en").await.status, 200);
    board.shop.advance_ms(1);
    assert_eq!(board.page("/staff", "en").await.status, 303);
    let out = board.form("/staff/sign-out", "").await;
    assert_eq!(out.header("location"), "/staff/sign-in");
    assert!(out.cookie("aisle_staff").unwrap().starts_with("aisle_staff=; "));
    assert!(out.cookie("aisle_staff").unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn another_site_can_do_nothing_in_somebodys_name() {
    let board = StaffUnderTest::start().await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let request = Request::post("/staff/devices/plug-new")
            .header("cookie", &board.cookie)
            .header("host", "shop.example")
            .header(name, value)
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = board.shop.send(request.body(Body::from("do=approve")).unwrap()).await;
        assert_eq!(answer.status, 403, "{name}");
        assert!(answer.body.contains("staff.css"), "the page is the board's: {}", answer.body);
    }
    assert_eq!(board.floor.acted(), []);
}

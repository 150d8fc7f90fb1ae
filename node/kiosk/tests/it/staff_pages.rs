//! The board's pages, as a browser without scripts sees them, and what staff do on them.

use crate::{
    made_up_floor::{empty_board, full_board, name},
    staff_under_test::{FRIDGE, NOW, StaffUnderTest},
};
use aisle_event::{DeviceId, Quantity, Sku, Unit, device::Place};
use aisle_kiosk::staff::{Action, SettingValue, StaffConfig};

fn assert_page(body: &str) {
    assert!(body.starts_with("<!DOCTYPE html>"), "{body}");
    assert_eq!(body.matches("<h1").count(), 1, "one heading of the first level: {body}");
    assert_eq!(body.matches("<main").count(), 1);
    assert!(
        !body.contains("style=") && !body.contains("onclick"),
        "the policy forbids inline styles and scripts"
    );
    let ids: Vec<&str> = body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for id in &ids {
        assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "id `{id}` stands once");
    }
    for label in body.split("<label").skip(1).filter_map(|rest| rest.split("for=\"").nth(1)) {
        let id = label.split('"').next().unwrap();
        assert!(ids.contains(&id), "label for `{id}`");
    }
}

fn device(text: &str) -> DeviceId {
    DeviceId::new(text).unwrap()
}

#[tokio::test]
async fn every_page_speaks_english_and_chinese() {
    let board = StaffUnderTest::start().await;
    for (path, english, chinese) in [
        ("/staff", "Fill the shelf", "补货上架"),
        ("/staff/alerts", "Temperature out of limits", "温度超限"),
        ("/staff/tasks", "On the shelf now", "货架现有数量"),
        ("/staff/products", "Find a product", "按名称或编号查找商品"),
        ("/staff/products?q=tea", "1 product for “tea”", "找到 1 件商品"),
        ("/staff/products?q=zebra", "Nothing found", "没有找到"),
        ("/staff/products/TEA-1", "What this rests on", "依据"),
        ("/staff/products/NUT", "Count it to begin", "请先盘点"),
        ("/staff/units", "Nothing known: sensor silent", "情况不明"),
        (FRIDGE, "What did you do about it?", "采取了什么措施？"),
        ("/staff/units/Freezer%201", "No sensor watches it", "没有传感器监测此设备"),
        ("/staff/devices", "Waits for approval", "等待批准"),
        ("/staff/devices/fridge-7", "It refused version 3", "设备拒绝了版本 3"),
        ("/staff/devices/fridge-7?hours=168", "the last 168 hours", "最近 168 小时"),
        ("/staff/devices/plug-new", "Approve it only if you know", "请确认设备位置后再批准"),
        ("/staff/devices/fridge-7", "Waits for its first reading", "等待首次读数"),
        ("/staff/sign-in", "PIN of the store", "门店 PIN 码"),
    ] {
        let page = board.page(path, "en-GB").await;
        assert_eq!(page.status, 200, "{path}");
        assert_page(&page.body);
        assert!(page.body.contains(english), "{path}: {}", page.body);
        assert!(page.body.contains(r#"<html lang="en">"#));
        assert_eq!(page.header("cache-control"), "no-store");
        let page = board.page(path, "zh-CN").await;
        assert_page(&page.body);
        assert!(page.body.contains(chinese), "{path}: {}", page.body);
        assert!(page.body.contains(r#"<html lang="zh-Hans">"#));
        assert_eq!(page.header("content-language"), "zh-Hans");
    }
}

#[tokio::test]
async fn what_the_store_says_in_english_is_marked_so_on_a_chinese_page() {
    let board = StaffUnderTest::start().await;
    let said = "It was last heard 26 hours ago.";
    assert!(board.page("/staff", "zh").await.body.contains(&format!("<span lang=\"en\">{said}</span>")));
    assert!(board.page("/staff", "en").await.body.contains(&format!("<span>{said}</span>")));
}

#[tokio::test]
async fn no_number_stands_without_its_age_and_how_sure_the_store_is() {
    let board = StaffUnderTest::start().await;
    for path in [
        "/staff",
        "/staff/products",
        "/staff/products/TEA-1",
        "/staff/units",
        FRIDGE,
        "/staff/devices/fridge-7",
    ] {
        let body = board.page(path, "en").await.body;
        let cards = body.split("<li").chain(body.split("class=\"figure\""));
        for card in cards.filter(|card| card.contains("class=\"value\"") || card.contains("class=\"what\"")) {
            let card = card.split("</li>").next().unwrap();
            if card.contains("class=\"value\"") || card.contains("class=\"what\"") {
                assert!(card.contains(" sure") && card.contains("<time"), "{path}: {card}");
            }
        }
        assert!(body.contains(" sure"), "{path}");
    }
    let body = board.page("/staff/products/TEA-1", "en").await.body;
    for part in ["between 0 and 3", "91 % sure", "counts for 61 %", "2 days ago", "The scale under the shelf"]
    {
        assert!(body.contains(part), "{part}: {body}");
    }
}

#[tokio::test]
async fn an_empty_floor_says_what_comes_next() {
    let board = StaffUnderTest::with(empty_board(NOW), StaffConfig::default()).await;
    for (path, english) in [
        ("/staff", "Nothing needs you right now"),
        ("/staff/alerts", "No alerts."),
        ("/staff/tasks", "No open tasks."),
        ("/staff/products", "Count one to begin"),
        ("/staff/products/TEA-1", "Count it to begin"),
        ("/staff/units", "Define one with"),
        ("/staff/devices", "it appears here for approval"),
    ] {
        let page = board.page(path, "en").await;
        assert_page(&page.body);
        assert!(page.body.contains(english), "{path}: {}", page.body);
        assert_page(&board.page(path, "zh").await.body);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_words() {
    let board = StaffUnderTest::start().await;
    for path in [
        "/staff/nowhere",
        "/staff/devices/nobody",
        "/staff/units/nowhere",
        "/staff/products/NOPE",
        "/staff/devices/fridge-7/shelf/chart.svg",
        &format!("{FRIDGE}/report/2001-01-01.html"),
    ] {
        let page = board.page(path, "en").await;
        assert_eq!(page.status, 404, "{path}");
        assert_page(&page.body);
        assert!(
            page.body.contains("There is nothing here") && page.body.contains(r#"href="/staff""#),
            "{path}"
        );
        assert!(board.page(path, "zh").await.body.contains("这里什么都没有"));
    }
    let page = board.form("/staff/alerts", "").await;
    assert_eq!(page.status, 405);
    assert_page(&page.body);
}

#[tokio::test]
async fn a_name_cannot_bring_a_script() {
    let evil = r#"<script>alert(1)</script>" onload="x"#;
    let mut floor = full_board(NOW);
    floor.tasks[0].product = Some(name(evil));
    floor.tasks[0].why = evil.into();
    floor.tasks[0].task = name(evil);
    floor.alerts[0].detail = evil.into();
    floor.alerts[0].unit = Some(name(evil));
    floor.gaps[0].product = Some(name(evil));
    floor.units[1].unit = name(evil);
    floor.devices[0].device = device("<b>\"");
    floor.devices[0].model = name(evil);
    let board = StaffUnderTest::with(floor, StaffConfig::default()).await;
    let unit = "/staff/units/%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%20onload%3D%22x";
    for path in [
        "/staff",
        "/staff/tasks",
        "/staff/alerts",
        "/staff/units",
        unit,
        "/staff/devices",
        "/staff/devices/%3Cb%3E%22",
        "/staff/products?q=%3Cscript%3E",
    ] {
        let page = board.page(path, "en").await;
        assert_eq!(page.status, 200, "{path}");
        assert!(
            !page.body.contains("<script>") && !page.body.contains(r#"" onload="#),
            "{path}: {}",
            page.body
        );
        assert!(!page.body.contains("<b>\""), "{path}");
    }
    let evil_name = board.sign_in("%3Cscript%3E", "000000").await;
    assert!(!evil_name.body.contains("<script>"), "{}", evil_name.body);
}

#[tokio::test]
async fn what_staff_do_carries_their_name_and_is_told_to_the_floor() {
    let board = StaffUnderTest::start().await;
    let fields = |fields: &[(&str, SettingValue)]| {
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let cases = [
        (
            "/staff/devices/plug-new",
            "do=approve",
            Action::Approve { device: device("plug-new") },
            "/staff/devices/plug-new?did=approved",
        ),
        (
            "/staff/devices/scale-3",
            "do=retire",
            Action::Retire { device: device("scale-3") },
            "/staff/devices/scale-3?did=retired",
        ),
        (
            "/staff/devices/fridge-7",
            "do=set&v.interval=30&v.offset=0.25&v.do=true&v.mode=fast&v.label=+door+",
            Action::Set {
                device: device("fridge-7"),
                settings: fields(&[
                    ("interval", SettingValue::Integer(30)),
                    ("do", SettingValue::Bool(true)),
                    ("mode", SettingValue::Text("fast".into())),
                    ("label", SettingValue::Text("door".into())),
                ]),
            },
            "/staff/devices/fridge-7?did=set",
        ),
        (
            "/staff/devices/fridge-7",
            "do=command&command=tare&v.grams=120",
            Action::Command {
                device: device("fridge-7"),
                command: name("tare"),
                args: fields(&[("grams", SettingValue::Integer(120))]),
            },
            "/staff/devices/fridge-7?did=sent",
        ),
        (
            FRIDGE,
            "do=acknowledge&excursion=fridge%2F42&action=%E5%85%B3%E5%A5%BD%E6%9F%9C%E9%97%A8",
            Action::Acknowledge { excursion: name("fridge/42"), action: Some(name("关好柜门")) },
            "/staff/units/Dairy%20fridge%20%E5%86%B7%E6%9F%9C?did=seen",
        ),
        (
            "/staff/products/TEA-1",
            "do=count&place=backroom&count=0",
            Action::Count {
                sku: Sku::new("TEA-1").unwrap(),
                place: Place::Backroom,
                quantity: Quantity::each(0),
            },
            "/staff/products/TEA-1?did=counted",
        ),
        (
            "/staff/products/NUT",
            "do=move&from=backroom&to=shelf&quantity=1%2C25",
            Action::Move {
                sku: Sku::new("NUT").unwrap(),
                from: Place::Backroom,
                to: Place::Shelf,
                quantity: Quantity { thousandths: 1250, unit: Unit::Kilogram },
            },
            "/staff/products/NUT?did=moved",
        ),
        (
            "/staff/tasks",
            "do=finish&task=fill%3ATEA-1&count=12&return=%2Fstaff",
            Action::FinishTask { task: name("fill:TEA-1"), count: Some(Quantity::each(12)) },
            "/staff?did=finished",
        ),
        (
            "/staff/tasks",
            "do=dismiss&task=count%3ACUP&count=",
            Action::DismissTask { task: name("count:CUP") },
            "/staff/tasks?did=dismissed",
        ),
    ];
    for (path, form, action, place) in cases {
        let answer = board.form(path, form).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("location")),
            (303, place.into()),
            "{form}: {}",
            answer.body
        );
        assert_eq!(board.floor.acted(), [(action, "Ann".to_owned())], "{form}");
        let after = board.page(place, "en").await;
        assert!(after.body.contains(r#"<p class="outcome good" role="status">"#), "{place}: {}", after.body);
    }
    assert!(!board.page("/staff/tasks", "en").await.body.contains("Paper cups"), "the task is gone");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_done_once() {
    let board = StaffUnderTest::start().await;
    let carry = "do=move&from=backroom&to=shelf&quantity=6";
    for (path, fields) in [
        ("/staff/products/TEA-1", format!("{carry}&mark=0011223344556677")),
        ("/staff/devices/fridge-7", "do=command&command=tare&v.grams=120&mark=8899aabbccddeeff".into()),
        ("/staff/tasks", "do=finish&task=fill%3ATEA-1&count=".into()),
    ] {
        let (first, second) = tokio::join!(board.form(path, &fields), board.form(path, &fields));
        let later = board.form(path, &fields).await;
        for answer in [first, second, later] {
            assert_eq!(answer.status.as_u16(), 303, "{fields}: {}", answer.body);
        }
        assert_eq!(board.floor.acted().len(), 1, "{fields}");
    }
    // Another form of the same content is another time, and so is one without a mark.
    for fields in [format!("{carry}&mark=7766554433221100"), carry.to_owned(), carry.to_owned()] {
        board.form("/staff/products/TEA-1", &fields).await;
        assert_eq!(board.floor.acted().len(), 1, "{fields}");
    }
    let page = board.page("/staff/products/TEA-1", "en").await;
    assert_eq!(page.body.matches(r#"<input type="hidden" name="mark" value=""#).count(), 2);
    // What was refused may be sent again.
    for _ in 0..2 {
        let answer = board.form("/staff/devices/scale-3", "do=approve&mark=0123456789abcdef").await;
        assert_eq!(answer.status.as_u16(), 503);
    }
}

#[tokio::test]
async fn a_count_that_says_no_number_is_not_done() {
    let board = StaffUnderTest::start().await;
    let answer = board.form("/staff/tasks", "do=finish&task=count%3ACUP&count=").await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.body);
    assert!(board.floor.acted().is_empty());
}

#[tokio::test]
async fn settings_that_are_as_they_were_are_not_sent() {
    let board = StaffUnderTest::start().await;
    let answer = board
        .form(
            "/staff/devices/fridge-7",
            "do=set&v.interval=5&v.offset=0.25&v.do=false&v.mode=eco&v.label=fridge",
        )
        .await;
    assert_eq!(answer.header("location"), "/staff/devices/fridge-7?did=unchanged");
    assert_eq!(board.floor.acted(), []);
}

#[tokio::test]
async fn what_is_written_wrong_is_said_beside_its_field_and_kept() {
    let board = StaffUnderTest::start().await;
    let long = "x".repeat(300);
    let too_long = format!("do=acknowledge&excursion=fridge%2F42&action={long}");
    for (path, form, english, chinese) in [
        ("/staff/products/TEA-1", "do=count&place=shelf&count=six", "Write a number", "请填写数字"),
        ("/staff/products/TEA-1", "do=count&place=shelf&count=", "Fill this in", "请填写此项"),
        ("/staff/products/TEA-1", "do=count&place=shelf&count=-1", "from 0 to 9999", "0 至 9999"),
        ("/staff/products/TEA-1", "do=count&place=shelf&count=1.5", "whole pieces", "整件"),
        ("/staff/products/NUT", "do=count&place=shelf&count=0.0001", "three decimals", "三位小数"),
        ("/staff/products/TEA-1", "do=count&place=roof&count=1", "Choose one of the list", "请从列表中选择"),
        (
            "/staff/products/TEA-1",
            "do=move&from=shelf&to=shelf&quantity=1",
            "two different places",
            "两个不同的位置",
        ),
        ("/staff/products/TEA-1", "do=move&from=shelf&to=backroom&quantity=0", "more than 0", "大于 0"),
        ("/staff/tasks", "do=finish&task=fill%3ATEA-1&count=1e9", "from 0 to 9999", "0 至 9999"),
        (FRIDGE, &too_long, "at most 256 bytes", "最多 256 字节"),
        ("/staff/devices/fridge-7", "do=set&v.interval=0", "from 1 to 3600", "1 至 3600"),
        ("/staff/devices/fridge-7", "do=set&v.interval=2.5", "whole number", "整数"),
        ("/staff/devices/fridge-7", "do=set&v.offset=NaN", "Write a number", "请填写数字"),
        ("/staff/devices/fridge-7", "do=set&v.offset=1e300", "from -5 to 5", "-5 至 5"),
        ("/staff/devices/fridge-7", "do=set&v.do=maybe", "Choose one", "请从列表中选择"),
        ("/staff/devices/fridge-7", "do=set&v.mode=warp", "Choose one", "请从列表中选择"),
        (
            "/staff/devices/fridge-7",
            "do=set&v.label=%E5%86%B7%E6%9F%9C%E5%86%B7%E6%9F%9C%E5%86%B7",
            "at most 12 bytes",
            "最多 12 字节",
        ),
        (
            "/staff/devices/fridge-7",
            "do=set&v.label=no",
            "is taken by another device",
            "is taken by another device",
        ),
        ("/staff/devices/fridge-7", "do=command&command=tare&v.grams=501", "from 0 to 500", "0 至 500"),
    ] {
        let page = board.form(path, form).await;
        assert_eq!(page.status, 400, "{form}");
        assert_page(&page.body);
        assert!(
            page.body.contains(english) && page.body.contains(r#"role="alert""#),
            "{form}: {}",
            page.body
        );
        let page = board.form_in(path, form, "zh").await;
        assert!(page.body.contains(chinese), "{form}: {}", page.body);
    }
    assert_eq!(board.floor.acted(), []);
    let page = board.form("/staff/devices/fridge-7", "do=set&v.interval=0&v.label=mine").await;
    assert!(page.body.contains(r#"value="0""#) && page.body.contains(r#"value="mine""#), "{}", page.body);
    assert!(page.body.contains(r#"aria-invalid="true""#));
    let page = board.form("/staff/products/TEA-1", "do=count&place=shelf&count=six").await;
    assert!(page.body.contains(r#"value="six""#), "{}", page.body);
}

#[tokio::test]
async fn a_form_that_no_page_made_is_refused_by_field() {
    let board = StaffUnderTest::start().await;
    for (path, form, field) in [
        ("/staff/tasks", "", "task"),
        ("/staff/tasks", "task=fill%3ATEA-1", "do"),
        ("/staff/tasks", "task=fill%3ATEA-1&do=burn", "do"),
        ("/staff/tasks", "task=a%00b&do=finish", "task"),
        ("/staff/products/TEA-1", "do=eat", "do"),
        ("/staff/devices/fridge-7", "do=paint", "do"),
        ("/staff/devices/fridge-7", "do=command", "command"),
        ("/staff/devices/fridge-7", "do=command&command=explode", "command"),
        (FRIDGE, "do=defrost", "do"),
        (FRIDGE, "do=acknowledge", "excursion"),
    ] {
        let page = board.form(path, form).await;
        assert_eq!(page.status, 400, "{form}");
        assert_page(&page.body);
        assert!(page.body.contains(&format!("<code>{field}</code>")), "{form}: {}", page.body);
    }
    let many = "a=b&".repeat(65);
    assert_eq!(board.form("/staff/tasks", &many).await.status, 400);
    for path in ["/staff/devices/nobody", "/staff/units/nowhere", "/staff/products/NOPE"] {
        assert_eq!(board.form(path, "do=approve").await.status, 404, "{path}");
    }
    let json = axum::http::Request::post("/staff/tasks")
        .header("cookie", &board.cookie)
        .header("content-type", "application/json")
        .body(axum::body::Body::from("{}"))
        .unwrap();
    assert_eq!(board.shop.send(json).await.status, 415);
    assert_eq!(board.floor.acted(), []);
}

#[tokio::test]
async fn what_the_floor_refuses_is_said_with_the_next_step() {
    let board = StaffUnderTest::start().await;
    for (path, form, status, said) in [
        ("/staff/tasks", "do=finish&task=long-gone", 404, "Somebody may have been quicker"),
        ("/staff/devices/gate-rfid", "do=retire", 409, "retire the door first"),
        ("/staff/devices/gate-rfid", "do=approve", 503, "Try again in a moment"),
        ("/staff/devices/scale-3", "do=approve", 503, "It restarts by itself"),
    ] {
        let page = board.form(path, form).await;
        assert_eq!(page.status, status, "{form}");
        assert_page(&page.body);
        assert!(page.body.contains("That was not done") && page.body.contains(said), "{form}: {}", page.body);
    }
    assert!(board.shop.metrics_text().contains("staff_actions_refused_total 4"));
}

#[tokio::test]
async fn charts_and_reports_bring_their_style_and_nothing_that_runs() {
    let board = StaffUnderTest::start().await;
    let chart = board.page("/staff/devices/fridge-7/temperature/chart.svg?hours=6&v=1", "en").await;
    assert_eq!((chart.status.as_u16(), chart.header("content-type")), (200, "image/svg+xml".into()));
    assert!(chart.body.contains("6 h") && chart.header("content-security-policy").contains("sandbox"));
    for hours in ["0", "9999999", "x"] {
        let path = format!("/staff/devices/fridge-7/temperature/chart.svg?hours={hours}");
        assert_eq!(board.page(&path, "en").await.status, 400, "{hours}");
    }
    assert_eq!(board.page("/staff/devices/fridge-7?hours=5", "en").await.status, 400);
    let html = board.page(&format!("{FRIDGE}/report/2025-11-20.html"), "zh").await;
    assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
    assert!(html.body.contains("zh-Hans") && html.body.contains("2025-11-20"));
    assert!(html.header("content-security-policy").contains("default-src 'none'"));
    let csv = board.page(&format!("{FRIDGE}/report/2025-11-20.csv"), "en").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"Dairy_fridge___-2025-11-20.csv\"");
    for (file, status) in [
        ("2025-11-20", 400),
        ("2025-11-20.pdf", 400),
        ("yesterday.csv", 400),
        ("2025-13-40.html", 400),
        ("1999-01-01.csv", 503),
    ] {
        let page = board.page(&format!("{FRIDGE}/report/{file}"), "en").await;
        assert_eq!(page.status, status, "{file}");
        assert_page(&page.body);
        assert!(!page.body.contains("the disk hums"), "what is inside stays inside");
    }
}

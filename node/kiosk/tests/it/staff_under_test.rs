//! A kiosk with a staff board over a made-up floor, and somebody who is signed in.

use crate::{
    made_up_floor::{MadeUpFloor, full_board},
    shop_under_test::{Answer, NOON, ShopUnderTest},
};
use aisle_event::{Timestamp, Unit};
use aisle_kiosk::{
    Config,
    staff::{Board, Staff, StaffConfig},
};
use axum::{body::Body, http::Request};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

pub(crate) const PIN: &str = "271828";
pub(crate) const NOW: Timestamp = Timestamp(NOON);
/// The cold chain unit of the made-up floor, in an address.
pub(crate) const FRIDGE: &str = "/staff/units/Dairy%20fridge%20%E5%86%B7%E6%9F%9C";

pub(crate) struct StaffUnderTest {
    pub(crate) shop: ShopUnderTest,
    pub(crate) floor: Arc<MadeUpFloor>,
    pub(crate) pin: Arc<Mutex<Option<String>>>,
    pub(crate) stop: watch::Sender<bool>,
    /// Of Ann, who is signed in.
    pub(crate) cookie: String,
}

impl StaffUnderTest {
    pub(crate) async fn start() -> Self {
        Self::with(full_board(NOW), StaffConfig::default()).await
    }

    pub(crate) async fn with(board: Board, config: StaffConfig) -> Self {
        let floor = MadeUpFloor::new(board);
        let pin = Arc::new(Mutex::new(Some(PIN.to_owned())));
        let given = pin.clone();
        let (stop, stopping) = watch::channel(false);
        let staff = Staff {
            floor: floor.clone(),
            config,
            pin: Arc::new(move || given.lock().unwrap().clone()),
            key: Some([7; 32]),
            stopping,
        };
        let journal = aisle_journal::Config { segment_bytes: 1 << 20, ..Default::default() };
        let shop = ShopUnderTest::with_staff(Config::default(), journal, Some(staff)).await;
        shop.list("TEA-1", "Green tea 绿茶", 250, Unit::Each, Some("Tea")).await;
        shop.list("NUT", "Loose hazelnuts", 1290, Unit::Kilogram, None).await;
        let mut board = Self { shop, floor, pin, stop, cookie: String::new() };
        board.cookie = board.sign_in("Ann", PIN).await.cookie("aisle_staff").expect("a pass");
        board.cookie.truncate(board.cookie.find(';').expect("attributes"));
        board
    }

    pub(crate) async fn sign_in(&self, name: &str, pin: &str) -> Answer {
        self.shop.form("/staff/sign-in", "", &format!("name={name}&pin={pin}&return=%2Fstaff%2Ftasks")).await
    }

    pub(crate) async fn page(&self, path: &str, language: &str) -> Answer {
        self.shop.page(path, &self.cookie, language).await
    }

    pub(crate) async fn form(&self, path: &str, fields: &str) -> Answer {
        self.form_in(path, fields, "en").await
    }

    pub(crate) async fn form_in(&self, path: &str, fields: &str, language: &str) -> Answer {
        let request = Request::post(path)
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header("accept-language", language)
            .header("content-type", "application/x-www-form-urlencoded");
        self.shop.send(request.body(Body::from(fields.to_owned())).unwrap()).await
    }
}

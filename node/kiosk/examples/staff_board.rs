//! The staff board over a made-up floor, to look at while working on its pages: `cargo run -p aisle-kiosk --example staff_board`.
//! The PIN is 123456. With `empty` as an argument the floor has nothing on it; a fridge warms up and cools down by itself.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "an example to look at"
)]

#[path = "../tests/it/made_up_floor.rs"]
mod made_up_floor;

use aisle_event::Timestamp;
use aisle_journal::{Journal, RealIo};
use aisle_kiosk::{
    Config, Kiosk, router,
    staff::{Staff, StaffConfig, UnitState},
};
use aisle_recommend::{Recommender, Settings};
use aisle_state::State;
use made_up_floor::{MadeUpFloor, empty_board, fridge, full_board};
use prometheus_client::registry::Registry;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = Registry::default();
    let (journal, _) = Journal::open(
        &dir.path().join("journal"),
        aisle_journal::Config::default(),
        Arc::new(RealIo),
        &mut registry,
    )
    .unwrap();
    let (state, _) =
        State::open(&dir.path().join("state"), aisle_state::Config::default(), &journal, &mut registry)
            .unwrap();
    let is_empty = std::env::args().any(|argument| argument == "empty");
    let floor = MadeUpFloor::new(if is_empty { empty_board(now()) } else { full_board(now()) });
    let (_stop, stopping) = watch::channel(false);
    let kiosk = Kiosk {
        state,
        journal,
        recommender: Arc::new(Recommender::new(Settings::default(), &mut registry)),
        now: Arc::new(now),
        config: Config { store_name: "Corner shop".into(), ..Config::default() },
        plugins: None,
        staff: Some(Staff {
            floor: floor.clone(),
            config: StaffConfig::default(),
            pin: Arc::new(|| Some("123456".into())),
            key: Some([7; 32]),
            stopping,
        }),
        more: OpenApiRouter::new(),
    };
    let router = router(kiosk, &mut registry).into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8490").await.unwrap();
    println!("http://127.0.0.1:8490/staff");
    tokio::spawn(async move {
        for step in 0_u32.. {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let celsius = 6.5 + 3.0 * (f64::from(step) / 4.0).sin();
            let state = if celsius > 5.0 { UnitState::Excursion } else { UnitState::Fine };
            floor.change(|board| {
                board.as_of = now();
                if let Some(unit) = board.units.first_mut() {
                    *unit = fridge(state, celsius, now());
                }
            });
        }
    });
    axum::serve(listener, router).await.unwrap();
}

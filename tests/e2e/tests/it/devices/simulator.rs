//! Made-up devices at a real node, from the command.

use super::scale::SOON;
use crate::{
    admin::administrator::Administered,
    support::{
        command::{run, start},
        wait::eventually,
    },
};
use rustix::process::Signal;

#[tokio::test]
async fn a_simulated_shop_is_heard_and_ends_in_order() {
    let admin = Administered::start();
    let port = admin.node.mqtt().expect("an address").port().to_string();
    let truth = admin.store.path("truth.jsonl").display().to_string();
    let arguments =
        ["device", "simulate", "shop-floor-60", "--seed", "7", "--port", &port, "--truth", &truth, "--json"];
    eprintln!("seed 7");
    let simulating = start(&mut admin.aisle(arguments));
    eventually("sixty devices", SOON * 2, async || {
        let page = admin.get("/v1/admin/devices?limit=1000").await;
        (page["items"].as_array().map(Vec::len) == Some(60)).then_some(())
    })
    .await;
    simulating.signal(Signal::INT);
    let summary = simulating.finish().exits(0).json();
    assert_eq!((&summary["devices"], &summary["seed"]), (&60.into(), &7.into()), "{summary}");
    assert!(std::fs::read_to_string(truth).expect("the truth").lines().count() > 1);
}

#[tokio::test]
async fn a_scenario_that_is_wrong_or_a_broker_that_is_not_there_is_told() {
    let admin = Administered::start();
    run(&mut admin.aisle(["device", "simulate", "no-such-shop", "--seed", "1"])).exits(1).complains_about(&[
        "no-such-shop",
        "hint:",
        "shop-floor-60",
    ]);
    let wrong = admin.store.file("wrong.toml", "[simulation]\nsped = 2\n").display().to_string();
    run(&mut admin.aisle(["device", "simulate", &wrong, "--seed", "1"]))
        .exits(1)
        .complains_about(&["wrong.toml", "sped"]);
    let nobody = ["device", "simulate", "shop-floor-60", "--seed", "1", "--port", "1", "--duration-s", "6"];
    run(&mut admin.aisle(nobody)).exits(1).complains_about(&["127.0.0.1:1", "hint:", "mqtt.tcp_listen"]);
}

//! The truth beside a simulation.

use super::{SEED, broker::Mosquitto, target};
use aisle_device::simulator::{Scenario, Simulation, builtin, write_truth};
use std::{
    io::Write,
    sync::{Arc, Mutex},
};

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn truth(scenario: &Scenario, seed: u64) -> String {
    let page = Page::default();
    write_truth(scenario, seed, Box::new(page.clone())).unwrap();
    page.text()
}

#[test]
fn the_same_seed_gives_the_same_truth_and_another_seed_another() {
    for name in ["shop-floor-60", "faults"] {
        let scenario = builtin(name).unwrap();
        let first = truth(&scenario, SEED);
        assert_eq!(first, truth(&scenario, SEED));
        assert_ne!(first, truth(&scenario, SEED + 1));
    }
}

#[test]
fn a_truth_tells_stock_temperatures_happenings_and_faults_in_order() {
    let text = truth(&builtin("faults").unwrap(), SEED);
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["what"], "simulation");
    assert_eq!(lines[0]["seed"], SEED);
    let times: Vec<u64> = lines[1..].iter().map(|line| line["at_ms"].as_u64().unwrap()).collect();
    assert!(times.is_sorted());
    let of = |what: &str| lines.iter().filter(|line| line["what"] == what).count();
    assert_eq!(of("state"), 900 / 30 + 1);
    assert!(of("fault_begins") >= 20 && of("fault_begins") == of("fault_ends"), "{}", of("fault_ends"));
    assert!(of("picked_up") > 0 && of("door_opened") > 0);
    let state = lines.iter().find(|line| line["what"] == "state").unwrap();
    assert!(state["stock"]["100000"]["shelf"].is_i64());
    assert!(state["celsius"]["dairy-1"].is_f64());
}

#[test]
fn a_simulation_with_devices_writes_the_truth_of_one_without() {
    let broker = Mosquitto::start();
    let mut scenario = builtin("faults").unwrap();
    scenario.simulation.speed = 300.0;
    let page = Page::default();
    let simulation = Simulation::new(scenario.clone(), SEED, target(broker.port()));
    let simulation = simulation.with_truth(Box::new(page.clone())).unwrap();
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    executor.block_on(simulation.run(std::future::pending())).unwrap();
    assert_eq!(page.text(), truth(&scenario, SEED));
}

#[test]
fn what_is_done_by_hand_stands_in_the_truth_and_comes_out_as_a_happening() {
    let page = Page::default();
    let mut scenario = builtin("shop-floor-60").unwrap();
    scenario.devices.truncate(1);
    let simulation = Simulation::new(scenario, SEED, target(1));
    let handle = simulation.handle();
    let simulation = simulation.with_truth(Box::new(page.clone())).unwrap();
    let mut happenings = handle.happenings();
    assert!(handle.open_door("dairy-1", 30_000));
    assert!(!handle.open_door("moon", 30_000));
    let pieces = handle.empty_shelf("100000");
    assert!(pieces > 0);
    assert_eq!(handle.empty_shelf("100000"), 0);
    assert!(handle.fill_shelf("100000", false) > 0);
    let heard: Vec<_> = std::iter::from_fn(|| happenings.try_recv().ok()).collect();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert!(heard.iter().all(|happening| happening.told().is_none()), "nobody entered any of it: {heard:?}");
    assert!(handle.close_door("dairy-1") && !handle.close_door("moon"));
    assert_eq!(handle.with_floor(|floor| floor.door_is_open("dairy-1")), Some(false));
    drop(simulation);
    let by_hand = page.text().lines().filter(|line| line.contains("\"by_hand\":true")).count();
    assert_eq!(by_hand, 4);
}

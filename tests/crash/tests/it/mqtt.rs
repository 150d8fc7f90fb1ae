//! A whole node killed in the middle of publishes. The long run is a command: `cargo run --release -p aisle-crash --bin mqtt-kill`.

use aisle_crash::mqtt::Plan;

#[test]
fn a_node_killed_in_the_middle_of_publishes_loses_nothing_it_acknowledged_and_repeats_no_qos_2() {
    let plan = Plan { kills: 4, messages: 1_000, clients: 20, window: 20, seed: 7 };
    let report = plan.run().unwrap_or_else(|error| panic!("{error:#}"));
    println!("{report}");
}

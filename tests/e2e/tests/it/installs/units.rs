//! The units, judged by systemd without a machine to run them on.

use super::edge;
use crate::support::{command, need};
use std::process::Command;

/// What `systemd-analyze security` may find at most, in tenths of its points; 96 is a service without any protection.
const EXPOSURE_MAX: &str = "20";

#[test]
fn systemd_finds_hardly_anything_that_the_services_could_do_without() {
    let analyze = need::program("systemd-analyze", "systemd");
    for unit in ["aisle-node.service", "aisle-hub.service"] {
        let judged = command::run(
            Command::new(&analyze)
                .args(["security", "--offline=true", "--no-pager", "--threshold", EXPOSURE_MAX])
                .arg(edge("systemd").join(unit)),
        );
        assert_eq!(judged.code(), 0, "{judged:#?}");
        assert!(judged.stdout.contains("Overall exposure level"), "{judged:#?}");
    }
}

//! The node's package: installed, running, hung, upgraded, taken off, purged.

use super::{
    machine::{Machine, eventually},
    package,
};
use serde_json::Value;

const UNIT: &str = "aisle-node.service";

/// The outcome of one check of `aisle-node doctor`, run by root as an installer does.
fn finding(machine: &Machine, id: &str) -> Value {
    let findings = machine.run(["aisle-node", "doctor", "--json"]).json();
    let all = findings.as_array().expect("a list");
    all.iter().find(|finding| finding["id"] == id).cloned().unwrap_or_else(|| panic!("no `{id}`: {findings}"))
}

/// How often the node was started on this data.
fn starts(machine: &Machine) -> u64 {
    let stats = machine.run(["aisle-node", "journal", "stats", "--json"]).exits(0).json();
    stats["events"]["NodeStarted"]["records"].as_u64().expect("a number")
}

/// Who owns a file and what others may do with it, as `ls -l` says it.
fn rights(machine: &Machine, path: &str) -> String {
    machine.run(["stat", "--format", "%A %U %G", path]).exits(0).stdout.trim().to_owned()
}

#[test]
fn a_node_is_installed_serves_is_revived_upgraded_and_taken_off_with_its_data_left() {
    let Some(machine) = Machine::boot() else { return };
    machine.install(&package("aisle-node", 1)).exits(0);
    machine.until_it_is(UNIT, "active");
    serves_as_its_own_user(&machine);
    hands_out_secrets(&machine);
    is_started_again_when_it_hangs(&machine);
    is_upgraded_with_its_settings(&machine);
    is_taken_off(&machine);
}

fn serves_as_its_own_user(machine: &Machine) {
    let status = machine.property(UNIT, "StatusText");
    assert!(status.contains("store store-1"), "{status}");
    let process = machine.property(UNIT, "MainPID");
    let owner = machine.run(["stat", "--format", "%U", &format!("/proc/{process}")]).exits(0);
    assert_eq!(owner.stdout.trim(), "aisle");
    assert_eq!(machine.run(["systemctl", "is-enabled", UNIT]).stdout.trim(), "enabled");
    machine.run(["systemd-analyze", "verify", "--man=no", UNIT]).exits(0);
    assert_eq!(rights(machine, "/var/lib/aisle"), "drwx------ aisle aisle");
    assert_eq!(rights(machine, "/etc/aisle/credentials"), "drwx------ root root");
    let ports = finding(machine, "ports");
    assert!(ports["found"].as_str().is_some_and(|found| found.contains("and answers")), "{ports}");
    let all = machine.run(["aisle-node", "doctor", "--json"]);
    assert_eq!(all.code(), 0, "{all:#?}");
    // What root does on the node's data stays the node's.
    machine.run(["aisle-node", "mqtt", "device", "add", "fridge-7"]).exits(0);
    assert_eq!(machine.run(["find", "/var/lib/aisle", "!", "-user", "aisle"]).stdout, "");
    let denied = machine.run([
        "setpriv",
        "--reuid=nobody",
        "--regid=nogroup",
        "--clear-groups",
        "aisle-node",
        "doctor",
    ]);
    assert_ne!(denied.code(), 0, "nobody else looks into the node's data: {denied:#?}");
}

/// The broker's key as a secret that root keeps: the node reads it, and not from where it lies.
fn hands_out_secrets(machine: &Machine) {
    let key = machine.read("/var/lib/aisle/mqtt/private-key.pem");
    machine.write("/etc/aisle/mqtt.pem", &machine.read("/var/lib/aisle/mqtt/certificate.pem"));
    machine.write("/etc/aisle/credentials/mqtt.key", &key);
    machine.run(["chmod", "0600", "/etc/aisle/credentials/mqtt.key"]).exits(0);
    machine.write(
        "/etc/aisle/conf.d/10-mqtt.toml",
        "[mqtt]\ncertificate_file = \"/etc/aisle/mqtt.pem\"\nprivate_key_file = \"credential:mqtt.key\"\n",
    );
    machine.run(["systemctl", "restart", UNIT]).exits(0);
    machine.until_it_is(UNIT, "active");
    let tls = finding(machine, "mqtt-tls");
    assert_eq!(tls["outcome"], "ok", "{tls}");
    let shown = machine.run(["aisle-node", "config", "show", "--json"]).exits(0).json();
    let file = shown["mqtt"]["private_key_file"].as_str().expect("a file").to_owned();
    assert_eq!(file, "/run/credentials/aisle-node.service/aisle_mqtt.key");
}

fn is_started_again_when_it_hangs(machine: &Machine) {
    machine.write("/run/systemd/system/aisle-node.service.d/watchdog.conf", "[Service]\nWatchdogSec=2s\n");
    machine.run(["systemctl", "daemon-reload"]).exits(0);
    machine.run(["systemctl", "restart", UNIT]).exits(0);
    let (before, restarts) = (machine.property(UNIT, "MainPID"), machine.property(UNIT, "NRestarts"));
    // It stays where it gives signs of life.
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(
        (machine.property(UNIT, "MainPID"), machine.property(UNIT, "NRestarts")),
        (before.clone(), restarts.clone())
    );
    machine.run(["systemctl", "kill", "--signal=SIGSTOP", UNIT]).exits(0);
    eventually("another start", || (machine.property(UNIT, "NRestarts") != restarts).then_some(()));
    machine.until_it_is(UNIT, "active");
    assert_ne!(machine.property(UNIT, "MainPID"), before);
}

fn is_upgraded_with_its_settings(machine: &Machine) {
    let (starts_before, before) = (starts(machine), machine.property(UNIT, "MainPID"));
    let settings = machine.read("/etc/aisle/aisle.toml").replace("\"store-1\"", "\"berlin-12\"");
    machine.write("/etc/aisle/aisle.toml", &settings);
    machine.install(&package("aisle-node", 2)).exits(0);
    machine.until_it_is(UNIT, "active");
    assert_ne!(machine.property(UNIT, "MainPID"), before, "the new version runs");
    assert_eq!(machine.read("/etc/aisle/aisle.toml"), settings);
    let status = machine.property(UNIT, "StatusText");
    assert!(status.contains("store berlin-12"), "{status}");
    eventually("one more start on the same data", || (starts(machine) == starts_before + 1).then_some(()));
    machine.run(["aisle-node", "journal", "verify"]).exits(0);
}

fn is_taken_off(machine: &Machine) {
    machine.run(["dpkg", "--remove", "aisle-node"]).exits(0);
    assert_ne!(machine.property(UNIT, "ActiveState"), "active");
    for gone in ["/usr/bin/aisle-node", "/usr/lib/aisle/aisle-node"] {
        assert!(!machine.file(gone).exists(), "{gone}");
    }
    for left in ["/etc/aisle/aisle.toml", "/etc/aisle/credentials/mqtt.key", "/var/lib/aisle/journal"] {
        assert!(machine.file(left).exists(), "{left}");
    }
    let purged = machine.run(["dpkg", "--purge", "aisle-node"]).exits(0);
    assert!(purged.stderr.contains("/var/lib/aisle is kept"), "{purged:#?}");
    for gone in ["/etc/aisle/aisle.toml", "/etc/aisle/credentials"] {
        assert!(!machine.file(gone).exists(), "{gone}");
    }
    // A file that a person added, and what was sold.
    for left in ["/etc/aisle/conf.d/10-mqtt.toml", "/var/lib/aisle/journal"] {
        assert!(machine.file(left).exists(), "{left}");
    }
}

//! The hub's package: installed, started once it has its papers, backed up, upgraded, taken off.

use super::{edge, machine::Machine, package};
use aisle_harness::hub::{Authority, Officer, POLICY};
use std::fs;

const UNIT: &str = "aisle-hub.service";
/// The key in the example, which signs nothing here.
pub(super) const EXAMPLE_KEY: &str = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";

#[test]
fn a_hub_is_installed_given_its_papers_started_upgraded_and_taken_off_with_its_data_left() {
    let Some(machine) = Machine::boot() else { return };
    machine.install(&package("aisle-hub", 1)).exits(0);
    // Without a certificate it could only fail.
    assert_ne!(machine.property(UNIT, "ActiveState"), "active");
    assert_eq!(machine.run(["systemctl", "is-enabled", UNIT]).stdout.trim(), "disabled");
    assert_eq!(machine.read("/etc/aisle-hub/hub.toml"), fs::read_to_string(edge("etc/hub.toml")).unwrap());
    let settings = has_its_papers(&machine);
    machine.run(["systemctl", "enable", "--now", UNIT]).exits(0);
    machine.until_it_is(UNIT, "active");
    let status = machine.property(UNIT, "StatusText");
    assert!(status.contains("region eu"), "{status}");
    machine.run(["systemd-analyze", "verify", "--man=no", UNIT]).exits(0);
    machine.run(["aisle-hub", "config", "check"]).exits(0);
    let status = machine.run(["aisle-hub", "status"]).exits(0);
    assert!(status.stdout.starts_with("0 stores"), "{status:#?}");
    machine.run(["aisle-hub", "backup", "/var/backups/aisle-hub/hub.db"]).exits(0);
    let foreign =
        machine.run(["find", "/var/lib/aisle-hub", "/var/backups/aisle-hub", "!", "-user", "aisle-hub"]);
    assert_eq!(foreign.stdout, "");

    let before = machine.property(UNIT, "MainPID");
    machine.install(&package("aisle-hub", 2)).exits(0);
    machine.until_it_is(UNIT, "active");
    assert_ne!(machine.property(UNIT, "MainPID"), before, "the new version runs");
    assert_eq!(machine.read("/etc/aisle-hub/hub.toml"), settings);

    machine.run(["dpkg", "--remove", "aisle-hub"]).exits(0);
    assert_ne!(machine.property(UNIT, "ActiveState"), "active");
    assert!(machine.file("/etc/aisle-hub/credentials/hub.key").exists());
    let purged = machine.run(["dpkg", "--purge", "aisle-hub"]).exits(0);
    assert!(purged.stderr.contains("/var/lib/aisle-hub is kept"), "{purged:#?}");
    assert!(!machine.file("/etc/aisle-hub/credentials").exists());
    assert!(machine.file("/var/lib/aisle-hub/hub.db").exists());
}

/// What the fleet manager puts there: a certificate with its key, roots, a signed policy with the key of who signed it. The settings.
fn has_its_papers(machine: &Machine) -> String {
    let papers = Authority::new().and_then(|authority| authority.hub()).expect("a certificate");
    let officer = Officer::new().expect("a key");
    for (file, text) in [
        ("hub.pem", papers.certificate.as_str()),
        ("credentials/hub.key", papers.key.as_str()),
        ("roots.pem", papers.roots.as_str()),
        ("policy.toml", POLICY),
        ("policy.toml.sig", officer.sign(POLICY).as_str()),
    ] {
        machine.write(&format!("/etc/aisle-hub/{file}"), text);
    }
    machine.run(["chmod", "0600", "/etc/aisle-hub/credentials/hub.key"]).exits(0);
    let example = machine.read("/etc/aisle-hub/hub.toml");
    assert!(example.contains(EXAMPLE_KEY), "{example}");
    let settings = example.replace(EXAMPLE_KEY, &officer.public_key());
    machine.write("/etc/aisle-hub/hub.toml", &settings);
    settings
}

//! Both packages as the guides have it: a hub with an authority of its own, and a box out of the carton that gets in with a slip.

use super::{
    machine::{Machine, eventually},
    package,
};
use aisle_harness::hub::{Officer, POLICY};

const HUB: &str = "aisle-hub.service";
const NODE: &str = "aisle-node.service";
/// What the guide for fleet managers puts in place of the example's own tables, with this machine for `hub.example`.
const TABLES: &str = "[tls]\ncertificate = \"/var/lib/aisle-hub/hub.pem\"\nkey = \"/var/lib/aisle-hub/hub.key\"\n\
    roots = \"/var/lib/aisle-hub/roots.pem\"\nchain = \"shops.example\"\n\n\
    [artefacts]\nonline_key_file = \"/var/lib/aisle-hub/data/artefacts.key\"\n\n\
    [enrolment]\nlisten = \"127.0.0.1:8444\"\naddress = \"127.0.0.1:8444\"\nauthority = \"/var/lib/aisle-hub/authority\"\n\
    passphrase = \"file:/var/lib/aisle-hub/data/issuing.passphrase\"\napproval = \"auto\"\n";

#[test]
fn a_box_is_claimed_at_a_hub_with_an_authority_of_its_own_and_starts_anew_as_a_node_of_its_store() {
    let Some(machine) = Machine::boot() else { return };
    has_a_hub(&machine);
    let slip = machine.run(["aisle-hub", "claim", "create", "berlin-12", "--json"]).exits(0).json();
    let link = slip["link"].as_str().unwrap_or_else(|| panic!("no link: {slip}"));

    machine.install(&package("aisle-node", 1)).exits(0);
    machine.until_it_is(NODE, "active");
    let claimed = machine.run(["aisle-node", "claim", link]);
    assert_eq!(claimed.code(), 0, "{claimed:#?}\n{}", journal(&machine, NODE));
    // It started anew once, by itself, and knows which shop it is.
    let status = eventually("the box is a node of its store", || {
        let said = machine.run(["aisle-node", "status", "--json"]);
        (said.code() == 0 && said.stdout.contains("\"active\"")).then(|| said.json())
    });
    assert!(status.to_string().contains("berlin-12"), "{status}");
    eventually("the service says so too", || {
        machine.property(NODE, "StatusText").contains("store berlin-12").then_some(())
    });
    machine.until_it_is(NODE, "active");
    eventually("the hub has heard it", || {
        let said = machine.run(["aisle-hub", "status"]).exits(0);
        said.stdout.contains("berlin-12").then_some(())
    });
    // What is secret is its user's alone.
    let secrets = "find /var/lib/aisle /var/lib/aisle-hub -type f -perm /077 ( -name *key* -o -name *passphrase* -o -name *token* )";
    let words: Vec<&str> = secrets.split(' ').collect();
    let words: [&str; 17] = words.try_into().expect("as many words");
    let open = machine.run(words);
    assert_eq!(open.exits(0).stdout, "");
}

fn journal(machine: &Machine, unit: &str) -> String {
    machine.run(["journalctl", "--no-pager", "--lines", "60", "--unit", unit]).stdout
}

/// As FLEET-MANAGER.md sets one up.
fn has_a_hub(machine: &Machine) {
    machine.install(&package("aisle-hub", 1)).exits(0);
    let made = machine.run([
        "aisle-hub",
        "init",
        "--folder",
        "/var/lib/aisle-hub",
        "--safe",
        "/tmp/safe",
        "--chain",
        "shops.example",
        "--region",
        "eu",
        "--address",
        "127.0.0.1:8444",
        "--root-passphrase",
        "file:/tmp/root.passphrase",
    ]);
    assert_eq!(made.code(), 0, "{made:#?}");
    let officer = Officer::new().expect("a key");
    machine.write("/etc/aisle-hub/policy.toml", POLICY);
    machine.write("/etc/aisle-hub/policy.toml.sig", &officer.sign(POLICY));
    let example =
        machine.read("/etc/aisle-hub/hub.toml").replace(super::hub::EXAMPLE_KEY, &officer.public_key());
    machine.write(
        "/etc/aisle-hub/hub.toml",
        &format!("{}\n{TABLES}", without(&example, &["[tls]", "[artefacts]"])),
    );
    machine.run(["aisle-hub", "config", "check"]).exits(0);
    machine.run(["systemctl", "enable", "--now", HUB]).exits(0);
    machine.until_it_is(HUB, "active");
}

/// A configuration without these tables.
fn without(text: &str, tables: &[&str]) -> String {
    let mut is_kept = true;
    let kept = text.lines().filter(|line| {
        if line.starts_with('[') {
            is_kept = !tables.iter().any(|table| line.starts_with(table));
        }
        is_kept
    });
    kept.map(|line| format!("{line}\n")).collect()
}

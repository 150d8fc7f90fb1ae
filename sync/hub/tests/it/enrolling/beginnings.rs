//! A hub from nothing: what `init` makes, what the commands say, what is written over (nothing).

use super::world::World;
use aisle_hub::{
    config::{PassphraseSource, load},
    enrol::{
        ceremony::{self, CeremonyError, Plan},
        now,
    },
};
use aisle_provisioning::{Chain, HubName, KeyCost};
use serde_json::Value;
use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

fn plan(folder: &Path) -> Plan {
    Plan {
        folder: folder.join("hub"),
        safe: folder.join("safe"),
        chain: Chain::new("shops.example").unwrap(),
        name: HubName::new("hub-1").unwrap(),
        region: crate::shop::region("eu"),
        address: "hub.other.example:8444".parse().unwrap(),
        passphrase: "file:issuing.passphrase".into(),
        root_passphrase: PassphraseSource::File(folder.join("root.passphrase")),
        domains: vec!["stores.example".into()],
        cost: KeyCost { log_n: 2, p: 1 },
    }
}

#[test]
fn a_hub_is_made_once_with_its_keys_covered_and_its_root_somewhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path());
    let made = ceremony::init(&plan, now()).unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    for key in [plan.safe.join("root.key.pem"), plan.folder.join("authority/issuing-1.key.pem")] {
        assert!(read(&key).starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{}", key.display());
    }
    for secret in [
        "hub/authority/issuing-1.key.pem",
        "hub/hub.key",
        "hub/issuing.passphrase",
        "safe/root.key.pem",
        "root.passphrase",
    ] {
        let mode = std::fs::metadata(folder.path().join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{secret}: {mode:o}");
    }
    assert_eq!(made.to_be_carried_away, [plan.safe.join("root.key.pem"), plan.safe.join("root.pem")]);
    assert!(!plan.folder.join("authority/root.key.pem").exists());
    let config = load(Some(&made.config)).unwrap();
    let shown = ceremony::show(&config).unwrap();
    let roles: Vec<&str> = shown.iter().map(|shown| shown.role).collect();
    assert_eq!((roles, &shown[0].key), (vec!["root", "issuing"], &made.root));
    // Nothing is written over.
    let before = read(&made.config);
    let again = ceremony::init(&plan, now()).unwrap_err();
    assert!(matches!(again, CeremonyError::Exists { .. }), "{again}");
    assert_eq!(read(&made.config), before);
    // A kill before the configuration was there: the same root, and on it goes.
    std::fs::remove_file(&made.config).unwrap();
    std::fs::remove_file(plan.folder.join("hub.pem")).unwrap();
    assert_eq!(ceremony::init(&plan, now()).unwrap().root, made.root);
    // The medium is brought, and there is a new authority to issue.
    let root = PassphraseSource::File(folder.path().join("root.passphrase"));
    assert_eq!(ceremony::rotate(&config, &plan.safe, &root, &[], now()).unwrap(), 2);
    let roles: Vec<&str> = ceremony::show(&config).unwrap().iter().map(|shown| shown.role).collect();
    assert_eq!(roles, ["root", "issuing", "before"]);
    ceremony::certify(&config, now()).unwrap();
    let other = World::new("");
    let foreign = ceremony::rotate(&config, &other.folder.path().join("safe"), &root, &[], now());
    assert!(foreign.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rotation_new_boxes_come_in_and_old_ones_go_on() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let old = world.enrolled(&hub, "store-1", "4711").await;
    hub.end().await;
    let root = PassphraseSource::File(world.folder.path().join("root.passphrase"));
    ceremony::rotate(&world.config, &world.folder.path().join("safe"), &root, &[], now()).unwrap();
    let hub = world.hub().await;
    let new = world.enrolled(&hub, "store-2", "4712").await;
    assert_ne!(new.chain.as_ref().unwrap()[1], old.chain.as_ref().unwrap()[1]);
    assert_eq!(new.settings(&hub).await.status, 200);
    assert_eq!(old.settings(&hub).await.status, 200);
    assert!(old.renew(&hub, "store-1").await.is_ok());
    hub.end().await;
}

fn ask(world: &World, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aisle-hub"));
    command.arg("--config").arg(world.toml()).args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    command.output().unwrap()
}

fn said(world: &World, arguments: &[&str]) -> String {
    let output = ask(world, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_make_claims_show_boxes_and_decide() {
    let world = World::new("");
    let hub = world.hub().await;
    let svg = world.folder.path().join("claim.svg").display().to_string();
    let slip = said(&world, &["claim", "create", "store-1", "--hours", "5", "--qr", &svg]);
    assert!(slip.contains("Claim for store store-1") && slip.contains('█') || slip.contains('▀'), "{slip}");
    assert!(std::fs::read_to_string(&svg).unwrap().contains("<svg"));
    let claim: Value =
        serde_json::from_str(&said(&world, &["claim", "create", "store-1", "--serial", "4711", "--json"]))
            .unwrap();
    let list: Value = serde_json::from_str(&said(&world, &["claim", "list", "--json"])).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(!said(&world, &["claim", "list", "store-1"]).contains(claim["code"].as_str().unwrap()));

    let carton = world.carton("4711");
    let code = claim["code"].as_str().unwrap().parse().unwrap();
    assert_eq!(carton.enroll(&hub, &code).await.status, 202);
    let short = carton.key.fingerprint().short();
    let waiting = said(&world, &["node", "list", "--state", "pending"]);
    assert!(waiting.contains("4711") && waiting.contains(&short), "{waiting}");
    assert!(said(&world, &["node", "list", "store-1"]).contains("pending"));
    let wrong = "00".repeat(32);
    let refused = ask(&world, &["node", "approve", "store-1", "4711", "--key", &wrong]);
    assert_eq!(refused.status.code(), Some(1));
    let key = carton.key.fingerprint().to_string();
    let approved = said(&world, &["node", "approve", "store-1", "4711", "--key", &key]);
    assert!(approved.contains("store-1/4711 is active") && approved.contains(&short), "{approved}");
    let reply = carton.enroll(&hub, &code).await;
    assert_eq!(reply.status, 200);
    assert!(said(&world, &["node", "show", "store-1", "4711"]).contains("active"));
    // A reason is asked for, because somebody stands before the box.
    let output = ask(&world, &["node", "ban", "store-1", "4711"]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("needs a reason") && complaint.contains("\nhint: "), "{complaint}");
    let banned = said(&world, &["node", "ban", "store-1", "4711", "--reason", "stolen", "--json"]);
    assert!(banned.contains("\"banned\""), "{banned}");
    assert_eq!(carton.enroll(&hub, &code).await.code(), "E-504");
    let output = ask(&world, &["node", "approve", "store-9", "9"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("there is no node `9`"));

    let open = list.as_array().unwrap().iter().find(|claim| claim["serial"] == "").unwrap();
    let locator = open["locator"].as_str().unwrap();
    assert!(said(&world, &["claim", "revoke", locator]).contains("withdrawn"));
    assert!(said(&world, &["ca", "show"]).contains("issuing"));
    let output = ask(&world, &["init", "--folder", &world.folder.path().join("hub").display().to_string()]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("there already"));
    hub.end().await;
}

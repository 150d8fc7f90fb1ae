//! The ceremony end to end: keys that OpenSSL made, on machines without a hub; the command of the hub; a node that believes what comes of it.

use super::world::package;
use crate::{postgres::Server, running::Region, shop::Outbox};
use aisle_artefact::{
    Client, Limits,
    bundle::{Limits as BundleLimits, down},
    content::ContentFolder,
};
use aisle_event::Timestamp;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

const PASSPHRASE: &str = "correct horse battery staple";

pub fn said(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub fn complained(output: Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A person with a key that they made themselves.
fn person(folder: &Path, name: &str) {
    openssl(folder, &["genpkey", "-algorithm", "ed25519", "-out", "plain"]);
    let (sealed, public) = (format!("{name}.pem"), format!("{name}.pub.pem"));
    let pass = format!("pass:{PASSPHRASE}");
    openssl(
        folder,
        &[
            "pkcs8",
            "-topk8",
            "-scrypt",
            "-v2",
            "aes-256-cbc",
            "-in",
            "plain",
            "-passout",
            &pass,
            "-out",
            &sealed,
        ],
    );
    openssl(folder, &["pkey", "-in", "plain", "-pubout", "-out", &public]);
    fs::remove_file(folder.join("plain")).unwrap();
}

/// The command on a machine that has no hub and no configuration.
fn alone(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aisle-hub"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env_remove("RUST_LOG");
    command.env("AISLE_ARTEFACT_PASSPHRASE", PASSPHRASE).output().unwrap()
}

fn whole_ceremony(region: &Region) {
    let people = tempfile::tempdir().unwrap();
    let at = |name: &str| people.path().join(name).display().to_string();
    for name in ["ada", "ben", "cem", "dora", "emil", "fritz"] {
        person(people.path(), name);
    }
    let drafts = at("drafts");
    let plugin_key = format!("plugin={}", at("fritz.pub.pem"));
    let begun = said(region.ask(&[
        "artefact",
        "init",
        "--root-key",
        &at("ada.pub.pem"),
        "--root-key",
        &at("ben.pub.pem"),
        "--root-key",
        &at("cem.pub.pem"),
        "--targets-key",
        &at("dora.pub.pem"),
        "--targets-key",
        &at("emil.pub.pem"),
        "--kind-key",
        &plugin_key,
        "--out",
        &drafts,
    ]));
    assert!(begun.contains("root.draft.json") && begun.contains("plugins.draft.json"), "{begun}");
    // Nothing is written over.
    assert!(
        complained(region.ask(&[
            "artefact",
            "init",
            "--root-key",
            &at("ada.pub.pem"),
            "--threshold",
            "1",
            "--targets-key",
            &at("dora.pub.pem"),
            "--targets-threshold",
            "1",
            "--kind-key",
            &plugin_key,
            "--out",
            &drafts,
        ]))
        .contains("is there already")
    );
    let draft = |name: &str| format!("drafts/{name}.draft.json");
    let shown = said(alone(people.path(), &["artefact", "show", &draft("root")]));
    assert!(shown.starts_with("root, version 1, until ") && shown.contains("root: 2 of "), "{shown}");
    let sign = |who: &str, name: &str| {
        said(alone(people.path(), &["artefact", "sign", "--key", &format!("{who}.pem"), &draft(name)]))
    };
    let files =
        ["root", "targets", "plugins"].map(|name| people.path().join(draft(name)).display().to_string());
    let publish: Vec<&str> =
        ["artefact", "publish"].into_iter().chain(files.iter().map(String::as_str)).collect();
    sign("ada", "root");
    sign("dora", "targets");
    sign("fritz", "plugins");
    let told = complained(region.ask(&publish));
    assert!(told.contains("error: "), "one of two is too few: {told}");
    sign("cem", "root");
    sign("emil", "targets");
    // A wrong passphrase, and a key that nobody knows.
    let mut wrong = Command::new(env!("CARGO_BIN_EXE_aisle-hub"));
    wrong.args(["artefact", "sign", "--key", "ada.pem", &draft("root")]).current_dir(people.path());
    let wrong = wrong.env("AISLE_ARTEFACT_PASSPHRASE", "another passphrase").output().unwrap();
    assert!(complained(wrong).contains("the passphrase does not open the key"));
    let published = said(region.ask(&publish));
    assert!(published.contains("published: root 1, targets 1, plugins 1"), "{published}");
    assert!(complained(region.ask(&publish)).contains("expected 2"));

    // Something new: a plugin in a folder.
    let folder = people.path().join("buy-two");
    fs::create_dir(&folder).unwrap();
    let unpacked = aisle_content::PluginPackage::decode(&package("buy-two", "1.4.0", 50_000)).unwrap();
    fs::write(folder.join("plugin.toml"), &unpacked.manifest).unwrap();
    fs::write(folder.join("plugin.wasm"), &unpacked.component).unwrap();
    let next = at("next");
    let added =
        said(region.ask(&["artefact", "add", "plugin", "buy-two", "1.4.0", &at("buy-two"), "--out", &next]));
    assert!(added.starts_with("plugins/buy-two/1.4.0.plugin "), "{added}");
    assert!(!said(region.ask(&["artefact", "list"])).contains("buy-two"), "nobody has signed it");
    said(alone(people.path(), &["artefact", "sign", "--key", "fritz.pem", "next/plugins.draft.json"]));
    said(region.ask(&["artefact", "publish", &format!("{next}/plugins.draft.json")]));
    let listed: Value =
        serde_json::from_str(&said(region.ask(&["artefact", "list", "plugin", "--json"]))).unwrap();
    assert_eq!(listed[0]["id"], "plugins/buy-two/1.4.0.plugin");
    assert_eq!(listed[0]["needs"]["grants"], serde_json::json!(["stock", "kv"]));
    let expiries = said(region.ask(&["artefact", "expiries"]));
    assert!(expiries.lines().nth(1).unwrap().starts_with("timestamp"), "the first first: {expiries}");

    // A node gets the root with its image and all else on a stick.
    let root = at("1.root.json");
    assert!(said(region.ask(&["artefact", "root", "--out", &root])).starts_with("SHA-256 "));
    let list = region.folder.path().join("list.toml");
    let text = format!(
        "[[item]]\nname = \"plugin/buy-two\"\nversion = \"1.4.0\"\ncontent = \"{}\"\n",
        listed[0]["blake3"].as_str().unwrap()
    );
    fs::write(&list, text).unwrap();
    said(region.ask(&["desired", "set", &list.display().to_string(), "--store", "store-1"]));
    let stick = at("stick");
    let carried = said(region.ask(&["bundle", "down", "--store", "store-1", "--out", &stick]));
    assert!(carried.contains("no order, 1 contents"), "{carried}");
    assert!(said(alone(people.path(), &["bundle", "show", "stick"])).contains("1 contents"));
    let node = tempfile::tempdir().unwrap();
    let mut client = Client::init(node.path(), &fs::read(&root).unwrap(), Limits::default()).unwrap();
    let mut sink = ContentFolder::open(&node.path().join("contents")).unwrap();
    let now = Timestamp(aisle_hub::Database::now_ms());
    let limits = BundleLimits::default();
    let applied =
        down::apply(fs::File::open(&stick).unwrap(), &mut client, &mut sink, |_| true, &limits, now).unwrap();
    assert_eq!(applied.taken.len(), 1);
    let path = sink.path(&client.artefacts().next().unwrap().blake3);
    assert_eq!(fs::read(path).unwrap(), package("buy-two", "1.4.0", 50_000));
    // What the owner of the machine did stands in the log.
    let log = said(region.ask(&["audit", "--action", "artefact.publish", "--json"]));
    assert_eq!(log.lines().count(), 2, "{log}");
}

#[test]
fn keys_that_openssl_made_begin_a_repository_that_a_node_believes() {
    whole_ceremony(&Region::new("data/hub.db", &Outbox::new("store-1", 1)));
}

#[test]
fn the_same_on_postgresql() {
    let server = Server::start();
    whole_ceremony(&Region::new(&server.database("ceremony"), &Outbox::new("store-1", 1)));
}

//! The commands about artefacts and sticks: what they say, what they refuse, and with which exit code.

use super::{
    ceremony::{complained, said},
    world::package,
};
use crate::{
    running::{Region, Shelf, eventually},
    shop::Outbox,
};
use aisle_artefact::bundle::{Limits, up};
use data_encoding::HEXLOWER;
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

fn alone(folder: &std::path::Path, arguments: &[&str], passphrase: Option<&str>) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aisle-hub"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env_remove("AISLE_ARTEFACT_PASSPHRASE");
    if let Some(passphrase) = passphrase {
        command.env("AISLE_ARTEFACT_PASSPHRASE", passphrase);
    }
    command.output().unwrap()
}

#[test]
fn a_key_is_made_without_a_hub_sealed_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let new = ["--json", "artefact", "key", "new", "--out", "ada.pem"];
    assert!(complained(alone(folder.path(), &new, Some("short"))).contains("at least 12"));
    assert!(complained(alone(folder.path(), &new, None)).contains("there is no terminal"));
    assert!(!folder.path().join("ada.pem").exists());
    let made: Value =
        serde_json::from_str(&said(alone(folder.path(), &new, Some("a long passphrase")))).unwrap();
    let public = fs::read_to_string(folder.path().join("ada.pem.pub")).unwrap();
    assert_eq!(made["public"].as_str().unwrap(), public.trim());
    let file = folder.path().join("ada.pem");
    assert!(fs::read_to_string(&file).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(complained(alone(folder.path(), &new, Some("a long passphrase"))).contains("is there already"));
    // By a file, which is made with a random one.
    let by_file = ["artefact", "key", "new", "--out", "ben.pem", "--passphrase", "file:ben.pass"];
    said(alone(folder.path(), &by_file, None));
    assert!(fs::read_to_string(folder.path().join("ben.pass")).unwrap().trim().len() >= 32);
    let wrong =
        alone(folder.path(), &["artefact", "key", "new", "--out", "c", "--passphrase", "env:X"], None);
    assert!(complained(wrong).contains("`credential:NAME`"));
    assert!(complained(alone(folder.path(), &["artefact", "show", "ben.pem"], None)).contains("draft"));
    assert!(complained(alone(folder.path(), &["bundle", "show", "ben.pem"], None)).contains("no bundle"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quickstart_says_what_it_is_for_and_a_running_hub_serves_what_it_signed() {
    let shelf = Shelf::new("store-1");
    let region = Region::of(&shelf);
    let before = region.ask(&["artefact", "list"]);
    assert!(complained(before).contains("there is no"), "nothing is made by looking");
    let hub = region.run();
    eventually("the hub answers", async || region.get("/v1/totals").await.is_some()).await;
    let keys = region.folder.path().join("keys").display().to_string();
    let done = said(region.ask(&["artefact", "quickstart", "--keys", &keys, "--kind", "plugin"]));
    assert!(
        done.contains("DEMONSTRATIONS AND TESTS") && done.contains("`aisle-hub artefact init`"),
        "{done}"
    );
    assert!(complained(region.ask(&["artefact", "quickstart", "--keys", &keys])).contains("already"));
    let plugin = region.folder.path().join("buy-two.plugin");
    fs::write(&plugin, package("buy-two", "1.4.0", 10_000)).unwrap();
    let file = plugin.display().to_string();
    let add = |version: &str| {
        region.ask(&["--json", "artefact", "add", "plugin", "buy-two", version, &file, "--keys", &keys])
    };
    let added: Value = serde_json::from_str(&said(add("1.4.0"))).unwrap();
    assert_eq!(added["published"][0], "plugins 2");
    assert!(complained(add("1.5.0")).contains("`version` is \"1.4.0\""));
    // The hub that runs has it at once.
    let page = region.get("/v1/artefacts").await.unwrap();
    assert_eq!(page["items"][0]["version"], "1.4.0");
    let root = said(region.ask(&["artefact", "root"]));
    assert!(root.starts_with("{\"signatures\":"), "{root}");
    let text = {
        let token = fs::read_to_string(region.folder.path().join("data/hub.token")).unwrap();
        let url = format!("{}/metrics", region.url());
        reqwest::Client::new().get(url).bearer_auth(token.trim()).send().await.unwrap().text().await.unwrap()
    };
    assert!(text.contains("aisle_hub_metadata_refreshed_total 0"), "{text}");
    let wrong = region.ask(&["artefact", "draft", "list", "toys"]);
    assert!(complained(wrong).contains("`toys` is no kind of artefact"));
    hub.end();
}

#[test]
fn a_stick_comes_up_by_the_command_and_again_does_no_harm() {
    let mut shop = Outbox::new("store-1", 1);
    let region = Region::new("data/hub.db", &shop);
    // The configuration's node is registered when a hub starts; by hand it is as well.
    let key = HEXLOWER.encode(&shop.key.verifying_key().0);
    said(region.ask(&["node", "add", "store-1", "node-1", &key]));
    let batches: Vec<_> = (0..3).map(|n| shop.sales(n * 10, n * 10 + 10)).collect();
    let entries = batches.iter().map(|batch| {
        let header = batch.header();
        let epoch = HEXLOWER.encode(&header.epoch.0);
        let name = format!("{}/{epoch}/{}-{}", header.class, header.first_seq, header.end().seq);
        (name, batch.bytes().to_vec())
    });
    let (bytes, _) =
        up::export(Vec::new(), "store-1/node-1", up::START, entries, &Limits::default()).unwrap();
    let stick = region.folder.path().join("stick");
    fs::write(&stick, bytes).unwrap();
    let stick = stick.display().to_string();
    let up = |more: &[&str]| region.ask(&[&["--json", "bundle", "up", &stick], more].concat());
    let first: Value = serde_json::from_str(&said(up(&[]))).unwrap();
    assert_eq!((&first["taken"], &first["events"]), (&3.into(), &30.into()));
    let again: Value = serde_json::from_str(&said(up(&[]))).unwrap();
    assert_eq!((&again["had"], &again["events"]), (&3.into(), &0.into()));
    let other = up(&["--store", "store-2"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(complained(other).contains("no node of `store-2` may come"));
    fs::write(region.folder.path().join("forged"), b"no bundle at all").unwrap();
    let forged = region.folder.path().join("forged").display().to_string();
    assert_eq!(region.ask(&["bundle", "up", &forged]).status.code(), Some(1));
    // What was refused stands in the log, too.
    let refused = said(region.ask(&["--json", "audit", "--action", "bundle.up", "--outcome", "refused"]));
    assert!(refused.contains("no node of `store-2` may come") && refused.contains("forged"), "{refused}");
    assert!(said(region.ask(&["verify"])).contains("all is as it was sent"));
    let status = said(region.ask(&["status"]));
    assert!(status.contains("30 events"), "{status}");
    assert!(said(region.ask(&["audit", "--action", "bundle.up"])).contains("store-1"));
}

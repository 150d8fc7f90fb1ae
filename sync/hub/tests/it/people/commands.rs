//! What the machine's owner does at the command line, with a hub that runs on the same database.

use crate::running::{Region, Shelf, eventually};
use serde_json::Value;
use std::fs;

fn told(region: &Region, arguments: &[&str]) -> String {
    let output = region.ask(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(region: &Region, arguments: &[&str]) -> String {
    let output = region.ask(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_tokens_are_made_at_the_command_line_and_all_of_it_is_written_down() {
    let region = Region::of(&Shelf::new("store-1"));
    let hub = region.run();
    eventually("the hub answers", async || region.get("/v1/totals").await.is_some()).await;
    let added: Value = serde_json::from_str(&told(
        &region,
        &["--json", "person", "add", "Olga O'Hara", "--role", "operator"],
    ))
    .unwrap();
    assert_eq!((added["name"].as_str(), added["code"].as_str().unwrap().len()), (Some("Olga O'Hara"), 52));
    assert!(
        refused(&region, &["person", "add", "olga o'hara", "--role", "viewer"])
            .contains("has this name already")
    );
    let wrong = refused(&region, &["person", "add", "Bob", "--role", "root"]);
    assert!(wrong.contains("`root` is no role") && wrong.contains("hint: `viewer`"), "{wrong}");
    assert!(refused(&region, &["person", "disable", "Nobody"]).contains("nobody is called `Nobody`"));

    // A token that is good at the hub that runs.
    let token = told(&region, &["token", "add", "Olga O'Hara", "--permission", "store.read", "--days", "1"]);
    let get = async |token: &str, path: &str| {
        let url = format!("{}{path}", region.url());
        reqwest::Client::new().get(url).bearer_auth(token.trim()).send().await.unwrap().status().as_u16()
    };
    assert_eq!(get(&token, "/v1/stores").await, 200);
    assert_eq!(get(&token, "/v1/audit").await, 403);
    assert!(
        refused(&region, &["token", "add", "Olga O'Hara", "--permission", "people.manage"])
            .contains("may not `people.manage`")
    );
    told(&region, &["person", "disable", "OLGA o'hara"]);
    assert_eq!(get(&token, "/v1/stores").await, 401);
    told(&region, &["person", "enable", "olga o'hara"]);
    told(
        &region,
        &["person", "role", "olga o'hara", "--role", "viewer", "--role", "plugin-author@region:eu"],
    );
    assert_eq!(get(&token, "/v1/stores").await, 200);
    let listed = told(&region, &["person", "list"]);
    assert!(
        listed.contains("plugin-author@region:eu, viewer") && listed.contains("has not set themselves up"),
        "{listed}"
    );
    let tokens: Value = serde_json::from_str(&told(&region, &["--json", "token", "list"])).unwrap();
    assert!(tokens[0].get("hash").is_none() && tokens[0].get("secret").is_none(), "{tokens}");
    told(&region, &["token", "revoke", tokens[0]["token"].as_str().unwrap()]);
    assert_eq!(get(&token, "/v1/stores").await, 401);
    told(&region, &["person", "reset", "olga o'hara"]);
    assert!(told(&region, &["person", "roles"]).contains("erasure.request"));

    // So is what else the owner does.
    let newer = crate::shop::POLICY.replace("version = 1", "version = 2");
    let file = region.folder.path().join("two.toml");
    fs::write(&file, &newer).unwrap();
    let signature = crate::shop::officer().sign(newer.as_bytes()).0;
    fs::write(region.folder.path().join("two.toml.sig"), data_encoding::HEXLOWER.encode(&signature)).unwrap();
    told(&region, &["policy", "publish", &file.display().to_string()]);
    told(&region, &["node", "ban", "store-1", "node-1", "--reason", "stolen"]);
    let log = told(&region, &["--json", "audit", "--person", "machine"]);
    let rows: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<_> = rows.iter().map(|row| row["action"].as_str().unwrap()).collect();
    let expected = [
        "person.add",
        "token.make",
        "person.change",
        "person.change",
        "person.change",
        "token.revoke",
        "person.reset",
        "policy.publish",
        "node.ban",
    ];
    assert_eq!(actions, expected);
    let published = rows.iter().find(|row| row["action"] == "policy.publish").unwrap();
    assert!(published["was"].as_str().unwrap().contains("version"), "{published}");
    let banned = rows.iter().find(|row| row["action"] == "node.ban").unwrap();
    assert!(banned["was"].as_str().unwrap().contains("active"), "{banned}");
    assert!(rows.iter().all(|row| row["way"] == "machine" && row["actor"] == "machine"), "{log}");
    assert!(!log.contains(token.trim()) && !log.contains(added["code"].as_str().unwrap()));
    assert!(told(&region, &["audit", "--outcome", "refused"]).contains("audit.read"));
    let checked: Value = serde_json::from_str(&told(&region, &["--json", "verify"])).unwrap();
    assert!(checked["audited"].as_u64().unwrap() > 9, "{checked}");
    hub.end();
}

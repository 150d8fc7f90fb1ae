//! A box gets in by what a person types at headquarters, and is put out the same way.

use super::{Manager, says};
use crate::{
    enrolment::{PATIENCE, SERIAL, STORE, claiming, standing, stands, unclaimed},
    support::wait::eventually,
};
use aisle_harness::hub::{Approval, HubOptions};
use serde_json::Value;

fn manager() -> Manager {
    Manager::of(HubOptions { enrolment: Some(Approval::Queue), ..HubOptions::default() })
}

#[test]
fn a_claim_is_printed_once_with_code_link_and_qr_and_can_be_taken_back() {
    let manager = manager();
    let made = manager.fleet(["claim", "make", STORE, "--hours", "48"]).exits(0);
    says(&made, &["Claim for store berlin-12", "code ", "aisle-claim:", "█", "This is shown once", "once"]);
    let listed = manager.json(["claim", "list", "--store", STORE]);
    let claim = &listed["items"][0];
    assert_eq!(claim["state"], "open");
    let code = made.stdout.lines().find_map(|line| line.trim().strip_prefix("code ")).expect("a code").trim();
    assert!(!serde_json::to_string(&listed).expect("text").contains(code), "a list has no codes");
    let locator = claim["locator"].as_str().expect("a locator").to_owned();
    says(&manager.fleet(["claim", "withdraw", &locator]).exits(0), &["withdrawn"]);
    manager.fleet(["claim", "withdraw", "ZZZZZ"]).exits(1);
    manager.fleet(["claim", "make", "no store at all"]).exits(1).complains_about(&["`store`"]);
}

#[tokio::test]
async fn a_box_is_let_in_by_its_key_and_put_out_again() {
    let manager = manager();
    let made = manager.json(["claim", "make", STORE]);
    let (store, node) = unclaimed();
    let link = made["link"].as_str().expect("a link").to_owned();
    let claiming = claiming(&store, &[&link]);
    eventually("the box waits for approval", PATIENCE, async || {
        let status = standing(&node).await?;
        (status["fault"]["code"] == "E-501").then_some(())
    })
    .await;

    let waiting = manager.json(["enrolment", "list", "--state", "pending"]);
    let row: &Value = &waiting["items"][0];
    assert_eq!((row["store"].as_str(), row["node"].as_str()), (Some(STORE), Some(SERIAL)));
    let (name, key) = (format!("{STORE}/{SERIAL}"), row["key"].as_str().expect("a key").to_owned());
    manager.fleet(["enrolment", "approve", &name, "--key", &"00".repeat(32)]).exits(1);
    manager.fleet(["enrolment", "approve", &name, "--key", &key]).exits(0);
    claiming.finish().exits(0);
    stands(&node, "stage", "active").await;
    says(&manager.fleet(["enrolment", "show", &name]).exits(0), &["active", &key]);
    says(&manager.fleet(["show", STORE]).exits(0), &[STORE, SERIAL]);

    manager.fleet(["enrolment", "ban", &name]).exits(2);
    manager.fleet(["enrolment", "ban", &name, "--why", "it was stolen"]).exits(0);
    says(&manager.fleet(["enrolment", "list", "--state", "banned"]).exits(0), &[SERIAL, "it was stolen"]);
}

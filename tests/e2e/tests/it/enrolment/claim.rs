//! The claim: by command, beside a node that runs and without one, killed anywhere, with the hub away and the clock at 1970.

use super::{
    Api, Approval, CONFIG, PATIENCE, SERIAL, STORE, claiming, has_sales, hub, options, sell, stands,
    unclaimed,
};
use crate::support::{
    clock,
    command::{aisle, run},
    store::Store,
    wait::{eventually, until},
};
use aisle_harness::node::NodeUnderTest;
use rustix::process::Signal;
use std::{thread, time::Duration};

#[tokio::test]
async fn a_box_is_approved_sells_and_what_it_sells_is_at_headquarters() {
    let hub = hub(Approval::Queue);
    let (store, node) = unclaimed();
    let api = Api::new(node.url());
    sell(&api, "TEA-1", "one").await;
    let claim = hub.claim(STORE).expect("a claim");
    let claiming = claiming(&store, &[&claim]);
    let waits = stands(&node, "stage", "claiming").await;
    assert_eq!(waits["serial"], SERIAL, "{waits}");
    eventually("the box waits for approval", PATIENCE, async || {
        let status = super::standing(&node).await?;
        (status["fault"]["code"] == "E-501").then_some(())
    })
    .await;
    // The shop does not notice.
    sell(&api, "TEA-2", "two").await;
    hub.decide("approve", STORE, SERIAL).expect("it is approved");
    let said = claiming.finish().exits(0);
    for word in ["1/9", "9/9", "done", "E-501", STORE] {
        assert!(said.stdout.contains(word), "no `{word}`: {said:#?}");
    }
    let active = stands(&node, "stage", "active").await;
    assert_eq!(active["identity"], format!("spiffe://shops.example/store/{STORE}/node/{SERIAL}"), "{active}");
    // It stops in order and is its own successor: the store comes with the claim.
    eventually("the store's name", PATIENCE, async || {
        let asked = Api::new(node.url()).request(reqwest::Method::GET, "/healthz");
        (Api::try_send(asked).await.ok()?.json(200)["store"] == STORE).then_some(())
    })
    .await;
    let api = Api::new(node.url());
    api.ready().await;
    sell(&api, "JAM-1", "three").await;
    has_sales(&hub, &store).await;
    assert_eq!(api.metric("aisle_enrolment_claimed").await, Some(1.0));
    assert!(api.metric("aisle_horizon_days{what=\"certificate\"}").await.is_some_and(|days| days > 1.0));
    // Who is claimed is not claimed again by mistake.
    let again = super::claiming(&store, &[&claim]).finish().exits(1);
    again.complains_about(&["already", "--anew"]);
}

#[tokio::test]
async fn a_claim_that_is_killed_at_any_moment_goes_on() {
    let hub = hub(Approval::Auto);
    let claim = hub.claim(STORE).expect("a claim");
    let store = Store::small();
    // Each time a little later: in the middle of the look-up, the key, the request, the answer, the files.
    for pause_ms in (0..300).step_by(12) {
        let mut killed = claiming(&store, &[&claim]);
        thread::sleep(Duration::from_millis(pause_ms));
        if killed.is_over() {
            break;
        }
        killed.signal(Signal::KILL);
        drop(killed.finish());
    }
    // With the claim or, where it is kept already, without it.
    let mut last = claiming(&store, &[&claim]).finish();
    if last.code() != 0 {
        last = claiming(&store, &[]).finish();
    }
    assert!(last.code() == 0 || last.stderr.contains("already"), "{last:#?}");
    let nodes = hub.nodes().expect("a list");
    let listed = nodes.as_array().expect("nodes");
    assert_eq!(listed.len(), 1, "one box, one node: {nodes}");
    let node = store.start_with(CONFIG);
    stands(&node, "stage", "active").await;
    sell(&Api::new(node.url()), "TEA-1", "one").await;
    has_sales(&hub, &store).await;
}

#[tokio::test]
async fn a_node_that_is_killed_while_it_is_claimed_goes_on_by_itself() {
    let hub = hub(Approval::Auto);
    let claim = hub.claim(STORE).expect("a claim");
    let (store, mut node) = unclaimed();
    let told = claiming(&store, &["--no-wait", &claim]).finish().exits(0);
    assert!(!told.stderr.contains("panicked"), "{told:#?}");
    for pause_ms in [0, 20, 60, 150] {
        thread::sleep(Duration::from_millis(pause_ms));
        node.kill().expect("it runs");
        node.start_again().expect("it starts");
    }
    stands(&node, "stage", "active").await;
    has_line(&node).await;
}

async fn has_line(node: &NodeUnderTest) {
    eventually("a line to the hub", PATIENCE, async || {
        let answer =
            Api::try_send(Api::new(node.url()).request(reqwest::Method::GET, "/healthz")).await.ok()?;
        (answer.json(200)["sync"]["phase"] == "connected").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_hub_that_is_away_is_waited_for_and_the_code_says_so() {
    let mut hub = hub(Approval::Auto);
    let claim = hub.claim(STORE).expect("a claim");
    hub.kill().expect("it runs");
    let (store, node) = unclaimed();
    claiming(&store, &["--no-wait", &claim]).finish().exits(0);
    let waits = eventually("the fault", PATIENCE, async || {
        super::standing(&node).await.filter(|status| status["fault"]["code"] == "E-113")
    })
    .await;
    assert_eq!((&waits["fault"]["passing"], &waits["stage"]), (&true.into(), &"claiming".into()), "{waits}");
    sell(&Api::new(node.url()), "TEA-1", "one").await;
    hub.start_again().expect("the hub serves again");
    stands(&node, "stage", "active").await;
    has_sales(&hub, &store).await;
}

#[tokio::test]
async fn a_box_that_boots_in_1970_is_claimed_and_goes_by_the_hubs_time() {
    let hub = hub(Approval::Auto);
    let claim = hub.claim(STORE).expect("a claim");
    let store = Store::small();
    let node = NodeUnderTest::start(options(&store, clock::set_to("1970-01-02 00:00:00")))
        .expect("it starts in 1970");
    claiming(&store, &["--no-wait", &claim]).finish().exits(0);
    let active = stands(&node, "stage", "active").await;
    let hub_time = active["hub_time_ms"].as_i64().or(active["not_before_ms"].as_i64());
    assert!(hub_time.is_some_and(|ms| ms > 1_700_000_000_000), "{active}");
    has_line(&node).await;
    sell(&Api::new(node.url()), "TEA-1", "one").await;
    has_sales(&hub, &store).await;
    let mut doctor = aisle(&store.data(), ["doctor", "--json"]);
    doctor.env("AISLE_HTTP__LISTEN", "127.0.0.1:0").env("AISLE_MQTT__TLS_LISTEN", "off");
    doctor.envs(clock::set_to("1970-01-02 00:00:00"));
    let findings = run(&mut doctor).json();
    let time = findings.as_array().expect("a list").iter().find(|finding| finding["id"] == "signed-time");
    assert_eq!(time.expect("the check")["outcome"], "fail", "{findings}");
}

#[test]
fn a_claim_works_once_and_a_second_box_is_told_why() {
    let hub = hub(Approval::Auto);
    let claim = hub.claim(STORE).expect("a claim");
    let (first, second) = (Store::empty(), Store::empty());
    claiming(&first, &[&claim]).finish().exits(0);
    let config = "[node]\nserial = \"box-2\"\n";
    let config = second.file("claim.toml", config).display().to_string();
    let refused = run(&mut aisle(&second.data(), ["claim", "--config", &config, &claim])).exits(1);
    refused.complains_about(&["E-203", "hint: "]);
}

#[test]
fn a_code_that_is_mistyped_is_refused_before_anybody_is_asked() {
    let store = Store::empty();
    let said = claiming(&store, &["7K3QM-0T9XA"]).finish().exits(1);
    said.complains_about(&["E-102", "hint: "]);
    let said = claiming(&store, &["aisle-claim:nonsense"]).finish().exits(1);
    said.complains_about(&["E-10"]);
    assert!(!store.data().join("identity").join("claim").exists());
}

#[test]
fn a_stopped_claim_says_what_it_waits_for() {
    let hub = hub(Approval::Queue);
    let claim = hub.claim(STORE).expect("a claim");
    let store = Store::empty();
    let waiting = claiming(&store, &[&claim]);
    let listed = until("the box in the queue", PATIENCE, || {
        let nodes = hub.nodes().ok()?;
        nodes.as_array()?.first().cloned()
    });
    assert!(listed.to_string().contains(SERIAL), "{listed}");
    waiting.signal(Signal::INT);
    let said = waiting.finish();
    assert!(said.stdout.contains("7/9") && said.stdout.contains("E-501"), "{said:#?}");
    hub.decide("approve", STORE, SERIAL).expect("it is approved");
    claiming(&store, &[]).finish().exits(0);
}

//! What a node does once it has its certificate: visits, renewals, recovery, bans.

use super::{Running, at_rest, hub::Hub, setup};
use aisle_enrolment::{Stage, Standing, identity_on_disk};
use aisle_provisioning::{code::Code, moment::Lifetimes};

const DAY_MS: i64 = 86_400_000;

async fn claimed(hub: &Hub) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let (_, worker) = at_rest(data.path(), None);
    worker.claim_to_the_end(Some(hub.link()), None).await.unwrap();
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_with_a_new_key_and_the_old_one_goes_only_then() {
    let hub = Hub::start().await;
    // Dated back by two days and good for one more: its time has come at once.
    hub.state().lifetimes = Lifetimes { node_days: 1, ..Lifetimes::default() };
    let data = claimed(&hub).await;
    let first = hub.state().keys[0];
    hub.state().lifetimes = Lifetimes::default();
    let node = Running::start(setup(data.path(), None));
    node.until("a renewal", |status| {
        status.stage == Stage::Active && status.key.as_deref().is_some_and(|key| key != first.short())
    })
    .await;
    let keys = hub.state().keys.clone();
    let seen = hub.state().seen.clone();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert_ne!(keys[0], keys[1]);
    let (last_old, first_new) =
        (seen.iter().rposition(|key| *key == keys[0]), seen.iter().position(|key| *key == keys[1]));
    assert!(last_old < first_new, "the old one is shown no more once the new one was: {seen:?}");
    assert_eq!(identity_on_disk(data.path()).unwrap().unwrap().key, keys[1]);
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_whose_certificate_ran_out_recovers_with_its_old_key() {
    let hub = Hub::start().await;
    hub.state().lifetimes = Lifetimes { node_days: 3, ..Lifetimes::default() };
    let data = claimed(&hub).await;
    // Ten days went by, as the hub says; the box's own clock does not know of them.
    hub.set_ahead_ms(10 * DAY_MS);
    let first = hub.state().keys[0];
    let node = Running::start(setup(data.path(), None));
    let active = node
        .until("a recovery", |status| {
            status.stage == Stage::Active && status.key.as_deref().is_some_and(|key| key != first.short())
        })
        .await;
    assert_eq!(active.standing, Standing::Good);
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_certificate_that_ran_out_before_it_was_shown_is_replaced_for_its_own_key() {
    let hub = Hub::start().await;
    hub.state().lifetimes = Lifetimes { node_days: 3, ..Lifetimes::default() };
    // The box gets it, and is told to come again later when it shows it. Then its line is away for ten days.
    hub.state().refusal = Some(Code::HubBusy);
    let data = tempfile::tempdir().unwrap();
    let node = Running::start(setup(data.path(), None));
    node.enrolment.claim(hub.link(), None).await.unwrap();
    let is_busy = |status: &aisle_enrolment::Status| {
        status.fault.as_ref().is_some_and(|fault| fault.code == Code::HubBusy.to_string())
    };
    node.until("a certificate that is not taken", is_busy).await;
    node.end().await;
    assert_eq!(hub.state().keys.len(), 1);
    hub.set_ahead_ms(10 * DAY_MS);
    hub.state().refusal = None;
    hub.state().lifetimes = Lifetimes::default();
    let node = Running::start(setup(data.path(), None));
    let active = node.active().await;
    let keys = hub.state().keys.clone();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert_eq!(keys[0], keys[1], "the claim is bound to the key");
    assert_eq!(active.key.as_deref(), Some(keys[0].short().as_str()));
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_certificate_that_ran_out_before_it_was_shown_is_replaced_for_its_own_key() {
    let hub = Hub::start().await;
    // Its time has come at once.
    hub.state().lifetimes = Lifetimes { node_days: 1, ..Lifetimes::default() };
    let data = claimed(&hub).await;
    hub.state().refusal = Some(Code::HubBusy);
    let node = Running::start(setup(data.path(), None));
    let is_renewed =
        |status: &aisle_enrolment::Status| status.stage == Stage::Renewing && status.fault.is_some();
    node.until("a next certificate that is not taken", is_renewed).await;
    node.end().await;
    let keys = hub.state().keys.clone();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert_ne!(keys[0], keys[1]);
    hub.set_ahead_ms(10 * DAY_MS);
    hub.state().refusal = None;
    hub.state().lifetimes = Lifetimes::default();
    let node = Running::start(setup(data.path(), None));
    let next = keys[1].short();
    node.until("a recovery with the next key", |status| {
        status.stage == Stage::Active
            && status.key.as_deref() == Some(next.as_str())
            && status.fault.is_none()
    })
    .await;
    assert_eq!(hub.state().keys[1..], [keys[1], keys[1]]);
    assert_eq!(identity_on_disk(data.path()).unwrap().unwrap().key, keys[1]);
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_is_told_and_lifted() {
    let hub = Hub::start().await;
    let data = claimed(&hub).await;
    for (code, standing) in [(Code::Suspended, Standing::Suspended), (Code::Banned, Standing::Banned)] {
        hub.state().refusal = Some(code);
        let node = Running::start(setup(data.path(), None));
        let told = node.until("the refusal", |status| status.standing == standing).await;
        assert_eq!(told.fault.as_ref().unwrap().code, code.to_string());
        assert!(told.fault.unwrap().detail.contains("a test wants it") && told.next_try_ms.is_some());
        assert!(node.enrolment.alert().is_some());
        hub.state().refusal = None;
        node.enrolment.again().unwrap();
        node.until("good standing", |status| status.standing == Standing::Good && status.fault.is_none())
            .await;
        node.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_banned_is_known_here_and_over_a_restart_without_the_hub() {
    let hub = Hub::start().await;
    let data = claimed(&hub).await;
    let (fridge, scale) = (hub.device_certificate("fridge-7"), hub.device_certificate("scale-1"));
    let node = Running::start(setup(data.path(), None));
    assert!(!node.enrolment.is_banned(&fridge));
    hub.ban_device("fridge-7");
    let told = node.until("the list", |status| status.devices_banned == 1).await;
    assert!(told.revoked_number > 0);
    assert!(node.enrolment.is_banned(&fridge) && !node.enrolment.is_banned(&scale));
    node.end().await;
    drop(hub);
    let (enrolment, _worker) = at_rest(data.path(), None);
    assert!(enrolment.is_banned(&fridge) && !enrolment.is_banned(&scale));
    assert_eq!(enrolment.banned_devices(), ["fridge-7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_gone_changes_nothing_but_what_is_said() {
    let hub = Hub::start().await;
    let data = claimed(&hub).await;
    drop(hub);
    let node = Running::start(setup(data.path(), None));
    let told = node.until("a fault", |status| status.fault.is_some()).await;
    assert_eq!((told.stage, told.standing), (Stage::Active, Standing::Good));
    assert!(told.fault.unwrap().passing && told.next_try_ms.is_some());
    node.end().await;
}

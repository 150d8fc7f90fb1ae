//! Claims: through the queue, by code alone, killed, replayed, and before a hub that is none.

use super::{PATIENCE, Running, SERIAL, STORE, at_rest, hub::Hub, setup};
use aisle_enrolment::{LineSettings, Stage, files, identity_on_disk, step::Mark};
use aisle_provisioning::{claim::ClaimInput, code::Code};
use std::{os::unix::fs::PermissionsExt, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn a_box_waits_for_approval_and_then_has_all_that_the_line_needs() {
    let (data, hub) = (tempfile::tempdir().unwrap(), Hub::start().await);
    hub.state().queue = true;
    let node = Running::start(setup(data.path(), None));
    assert_eq!(node.enrolment.status().stage, Stage::Unclaimed);
    node.enrolment.claim(hub.link(), None).await.unwrap();
    let waits = node
        .until("the queue", |status| status.fault.as_ref().is_some_and(|fault| fault.code == "E-501"))
        .await;
    assert!(waits.steps.iter().take(6).all(|step| step.mark == Mark::Done), "{waits:#?}");
    assert_eq!(waits.steps[6].mark, Mark::Doing);
    assert!(waits.key.is_some() && waits.fault.is_some_and(|fault| fault.passing));

    hub.state().queue = false;
    let active = node.active().await;
    assert_eq!(active.identity.as_deref(), Some("spiffe://shops.example/store/berlin-12/node/box-1"));
    assert_eq!(active.store.as_deref(), Some(STORE));
    assert!(active.steps.iter().all(|step| step.mark == Mark::Done) && active.fault.is_none(), "{active:#?}");
    let facts = identity_on_disk(data.path()).unwrap().unwrap();
    assert_eq!(facts.key, hub.state().keys[0]);
    let mode = std::fs::metadata(files::private_key(data.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(LineSettings::kept(data.path()).unwrap().unwrap().region, "eu");
    assert!(!files::folder(data.path()).join("claim").exists(), "a claim that is through is kept nowhere");
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_goes_to_no_hub_before_that_hub_has_proved_itself() {
    let (data, hub) = (tempfile::tempdir().unwrap(), Hub::start().await);
    let node = Running::start(setup(data.path(), Some(hub.address.clone())));
    node.enrolment.claim(ClaimInput::Code(hub.code.clone()), None).await.unwrap();
    node.active().await;
    let asked = hub.state().asked.clone();
    assert_eq!(asked[0], ("GET /.well-known/est/cacerts".to_owned(), false), "{asked:?}");
    assert!(asked[1].0.starts_with("GET /v1/enrol/time?nonce="), "{asked:?}");
    node.end().await;

    // Another hub at that address, which does not know the claim.
    let (data, other) = (tempfile::tempdir().unwrap(), Hub::start().await);
    let node = Running::start(setup(data.path(), None));
    node.enrolment.claim(ClaimInput::Code(hub.code.clone()), Some(other.address.clone())).await.unwrap();
    let refused = node.until("a refusal", |status| status.fault.is_some()).await;
    assert_eq!(refused.fault.unwrap().code, Code::HubUnproved.to_string());
    let link = match hub.link() {
        ClaimInput::Link(link) => aisle_provisioning::claim::ClaimLink { hub: other.address.clone(), ..link },
        ClaimInput::Code(_) => unreachable!("it is a link"),
    };
    node.enrolment.claim(ClaimInput::Link(link), None).await.unwrap();
    let other_root = Code::HubOfOtherRoot.to_string();
    node.until("the other root", |status| {
        status.fault.as_ref().is_some_and(|fault| fault.code == other_root)
    })
    .await;
    assert!(other.state().asked.iter().all(|(_, with_code)| !with_code), "{:?}", other.state().asked);
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_cut_off_anywhere_goes_on_with_the_same_key() {
    let (data, hub) = (tempfile::tempdir().unwrap(), Hub::start().await);
    hub.state().queue = true;
    for pause_ms in 0..40 {
        let (enrolment, worker) = at_rest(data.path(), None);
        if enrolment.status().stage == Stage::Active {
            break;
        }
        if pause_ms == 25 {
            hub.state().queue = false;
        }
        let working = worker.claim_to_the_end(Some(hub.link()), None);
        let through = tokio::time::timeout(Duration::from_millis(pause_ms), working).await;
        if matches!(through, Ok(Ok(()))) {
            break;
        }
    }
    let (enrolment, worker) = at_rest(data.path(), None);
    if enrolment.status().stage != Stage::Active {
        tokio::time::timeout(PATIENCE, worker.claim_to_the_end(Some(hub.link()), None))
            .await
            .unwrap()
            .unwrap();
    }
    let keys = hub.state().keys.clone();
    assert!(!keys.is_empty() && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    let (enrolment, _worker) = at_rest(data.path(), None);
    assert_eq!(enrolment.status().stage, Stage::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_was_used_is_refused_and_forgotten_and_the_next_one_works() {
    let hub = Hub::start().await;
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, worker) = at_rest(first.path(), None);
    worker.claim_to_the_end(Some(hub.link()), None).await.unwrap();
    let node = Running::start(setup(second.path(), None));
    node.enrolment.claim(hub.link(), None).await.unwrap();
    let used = Code::ClaimUsed.to_string();
    let refused =
        node.until("a refusal", |status| status.fault.as_ref().is_some_and(|fault| fault.code == used)).await;
    assert_eq!((refused.stage, refused.next_try_ms), (Stage::Unclaimed, None), "{refused:#?}");
    assert_eq!(refused.fault.unwrap().detail, "said by a test");
    assert!(!files::folder(second.path()).join("claim").exists());
    let fresh = Hub::start().await;
    node.enrolment.claim(fresh.link(), None).await.unwrap();
    node.active().await;
    node.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_without_a_serial_or_a_hub_says_which_it_is() {
    let (data, hub) = (tempfile::tempdir().unwrap(), Hub::start().await);
    let nameless = aisle_enrolment::Setup { serial: None, ..setup(data.path(), None) };
    let node = Running::start(nameless);
    let fault = node.enrolment.claim(hub.link(), None).await.unwrap_err();
    assert_eq!(fault.code, Code::SerialUnknown);
    let fault = node.enrolment.claim(ClaimInput::Code(hub.code.clone()), None).await.unwrap_err();
    assert_eq!(fault.code, Code::HubUnnamed);
    node.end().await;
    assert_eq!(SERIAL, "box-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_for_another_store_than_the_box_is_set_up_for_is_not_taken_over() {
    let (data, hub) = (tempfile::tempdir().unwrap(), Hub::start().await);
    let other = aisle_provisioning::Store::new("paris-3").ok();
    let node = Running::start(aisle_enrolment::Setup { store: other, ..setup(data.path(), None) });
    node.enrolment.claim(hub.link(), None).await.unwrap();
    let refused = node.until("a refusal", |status| status.fault.is_some()).await;
    assert_eq!(refused.fault.unwrap().code, Code::ClaimOfOtherStore.to_string());
    assert!(identity_on_disk(data.path()).unwrap().is_none());
    node.end().await;
}

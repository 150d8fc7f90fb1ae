//! What connections ask, answered out of a database.

use crate::shop::{Outbox, POLICY, hello, officer, policy, region, sqlite};
use aisle_hub::{
    Database, HubDesk, content::Contents, database::NewPolicy, desk::Config, objects::Place,
    policies::Policies, telemetry::Telemetry,
};
use aisle_protocol::{
    Batch, Hash, Version,
    control::{ChunkWanted, Erase, Erased, Octets},
    hub::{Objection, Stop},
};
use aisle_residency::{erasure::Proof, signing::SigningKey};
use aisle_transport::{
    Path,
    desk::{Desk as _, Errand, NoChunk, NotAdmitted, Parting, Peer, Turned},
};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;

pub fn peer(identity: &str) -> Peer {
    Peer {
        connection: 1,
        identity: Arc::new(identity.parse().unwrap()),
        certificate: Hash([0; 32]),
        leaf: [].into(),
        address: "10.1.2.3:4444".parse().unwrap(),
        path: Path::Quic,
        relayed: None,
    }
}

fn policies() -> watch::Receiver<Arc<Policies>> {
    watch::Sender::new(Arc::new(Policies::new(region("eu"), [policy()], None).unwrap())).subscribe()
}

const NODE: &str = "spiffe://shops.example/store/store-1/node/node-1";

struct Desked {
    desk: HubDesk,
    database: Database,
    contents: Contents,
    registry: Registry,
    _folder: TempDir,
}

async fn desk() -> Desked {
    let (folder, database) = sqlite().await;
    let contents = Contents::new(Place::Folder(folder.path().join("contents")).open(None).unwrap());
    let config = Config {
        region: region("eu"),
        hub: "hub-1".into(),
        chain: Some("shops.example".into()),
        checks_together_max: 2,
        retry_after_ms: 1500,
        receipt_key: Arc::new(SigningKey::from_seed(&[7; 32]).unwrap()),
    };
    let mut registry = Registry::default();
    let telemetry = Telemetry::register(&mut registry);
    let desk = HubDesk::new(config, database.clone(), policies(), contents.clone(), telemetry);
    Desked { desk, database, contents, registry, _folder: folder }
}

#[tokio::test]
async fn only_nodes_that_are_registered_and_not_banned_may_come() {
    let Desked { desk, database, _folder, .. } = desk().await;
    let shop = Outbox::new("store-1", 1);
    let refused = |turned: Result<_, Turned>| match turned {
        Err(Turned::Refused(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(refused(desk.meet(&peer(NODE)).await).contains("does not know"));
    database.register(&shop.node()).await.unwrap();
    let meeting = desk.meet(&peer(NODE)).await.unwrap();
    assert_eq!(meeting.policy_wanted, Some(policy().id()));
    let other = peer("spiffe://other.example/store/store-1/node/node-1");
    assert!(refused(desk.meet(&other).await).contains("`other.example`"));
    let mut banned = shop.node();
    banned.is_banned = true;
    database.register(&banned).await.unwrap();
    assert!(refused(desk.meet(&peer(NODE)).await).contains("banned"));
}

#[tokio::test]
async fn batches_are_checked_before_they_are_taken_and_counted_after() {
    let Desked { desk, database, registry, _folder, .. } = desk().await;
    let mut shop = Outbox::new("store-1", 1);
    database.register(&shop.node()).await.unwrap();
    let (one, two) = (shop.sales(0, 40), shop.sales(40, 80));
    let decision = desk.admit(&peer(NODE), &shop.log, vec![one.clone(), two]).await.unwrap();
    assert_eq!((decision.through, decision.stop), (shop.at(), None));
    // A body of another batch: the checksum is made right again, the chain cannot be.
    let mut forged = Outbox::new("store-1", 1);
    let other = forged.sales(100, 140);
    let mut bytes = other.bytes().to_vec();
    let at = bytes.windows(32).position(|window| window == other.header().after.0).unwrap();
    bytes[at] ^= 1;
    let end = bytes.len() - 4;
    let checksum = crc32c::crc32c(&bytes[..end]).to_le_bytes();
    bytes[end..].copy_from_slice(&checksum);
    let forged = Batch::parse(bytes.into()).unwrap();
    let broken = desk.admit(&peer(NODE), &shop.log, vec![forged]).await.unwrap_err();
    assert!(matches!(broken, NotAdmitted::Broken(_)), "{broken:?}");
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.contains("aisle_hub_events_received_total{class=\"sales\"} 80"), "{text}");
    let cursors = desk.resume(&peer(NODE), &[shop.log.clone()]).await.unwrap();
    assert_eq!(cursors[0].through, shop.at());
    let found = desk.locate(&peer(NODE), &shop.log, &[one.header().end(), shop.at()]).await.unwrap();
    assert_eq!(found, Some(80));
}

#[tokio::test]
async fn a_node_of_which_no_key_is_known_gets_nothing_in() {
    let Desked { desk, _folder, .. } = desk().await;
    let mut shop = Outbox::new("store-1", 1);
    let batch = shop.sales(0, 4);
    let decision = desk.admit(&peer(NODE), &shop.log, vec![batch]).await.unwrap();
    assert!(matches!(decision.stop, Some(Stop::Refused(Objection::Residency(_)))), "{decision:?}");
}

#[tokio::test]
async fn a_welcomed_node_is_told_its_policy_its_erasures_and_what_to_become() {
    let Desked { desk, database, _folder, .. } = desk().await;
    let shop = Outbox::new("store-1", 1);
    let store = shop.log.store.clone();
    database.register(&shop.node()).await.unwrap();
    let (policy, signature) = (policy(), officer().sign(POLICY.as_bytes()));
    let new = NewPolicy { policy: &policy, document: POLICY.as_bytes(), signature: &signature };
    database.accept_policy(&new).await.unwrap();
    database.request_erasure(&store, &Hash([8; 32]), b"t1.somebody").await.unwrap();
    database.set_desired(&store, 4, b"manifest").await.unwrap();
    let mut said = hello(&shop, "eu");
    let errands = desk.welcomed(&peer(NODE), &said, Version::spoken()[0]).await.unwrap();
    let [Errand::Policy(sent), Errand::Erase(erase), Errand::Desired(desired)] = errands.as_slice() else {
        panic!("{errands:?}");
    };
    assert_eq!(sent.id, policy.id());
    assert_eq!(sent.document.0.as_ref(), [signature.0.as_slice(), POLICY.as_bytes()].concat());
    assert_eq!((erase.id, erase.subject.0.as_ref()), (Hash([8; 32]), b"t1.somebody".as_slice()));
    assert_eq!((desired.generation, desired.manifest.0.as_ref()), (4, b"manifest".as_slice()));
    // What is done is not asked for again.
    let erased = Erased { id: Hash([8; 32]), receipt: Octets(b"done".as_slice().into()) };
    desk.erased(&peer(NODE), erased).await.unwrap();
    said.policy = policy.id();
    let errands = desk.welcomed(&peer(NODE), &said, Version::spoken()[0]).await.unwrap();
    assert!(matches!(errands.as_slice(), [Errand::Desired(_)]), "{errands:?}");
    // Nobody knows what a node follows that is of no policy of this hub: it is told. One that a rollout has brought further is left alone.
    said.policy.version += 1;
    let errands = desk.welcomed(&peer(NODE), &said, Version::spoken()[0]).await.unwrap();
    assert!(matches!(errands.as_slice(), [Errand::Policy(_), Errand::Desired(_)]), "{errands:?}");
    assert!(database.nodes(&store).await.unwrap()[0].is_connected);
    desk.parted(&peer(NODE), Parting::Lost).await;
    assert!(!database.nodes(&store).await.unwrap()[0].is_connected);
}

#[tokio::test]
async fn a_store_that_forgets_somebody_has_the_hub_forget_them_too_and_gets_its_receipt() {
    let Desked { desk, database, _folder, .. } = desk().await;
    let mut shop = Outbox::new("store-1", 1);
    let store = shop.log.store.clone();
    database.register(&shop.node()).await.unwrap();
    let batch = shop.sales(0, 20);
    shop.admit(&database, &[&batch]).await.unwrap();
    let token = crate::erasing::token(&database, &shop).await;
    let (id, key) = (Hash([9; 32]), SigningKey::from_seed(&[7; 32]).unwrap().verifying_key());
    let ask = |subject: String| Erase { id, subject: Octets(subject.into_bytes().into()) };
    let mut rows = Vec::new();
    // Asked twice, it answers twice.
    for _ in 0..2 {
        let answer = desk.erase(&peer(NODE), ask(format!("t1.nobody\n{token}"))).await.unwrap().unwrap();
        assert_eq!(answer.id, id);
        let proof = Proof::open(&answer.receipt.0, &key).unwrap();
        assert_eq!((proof.erasure, proof.by.as_str()), (id.to_string(), "eu"));
        rows.push(proof.rows);
    }
    assert_eq!(rows, [20, 0]);
    assert_eq!(database.erase_token(&store, &token).await.unwrap(), 0);
    // The store is not asked in turn.
    let errands = desk.welcomed(&peer(NODE), &hello(&shop, "eu"), Version::spoken()[0]).await.unwrap();
    assert!(!errands.iter().any(|errand| matches!(errand, Errand::Erase(_))), "{errands:?}");
    for nobody in ["", "\n", &"t".repeat(129), &"t\n".repeat(65)] {
        assert_eq!(desk.erase(&peer(NODE), ask(nobody.to_owned())).await.unwrap(), None, "{nobody:?}");
    }
}

#[tokio::test]
async fn a_content_comes_in_pieces_and_says_its_length() {
    let Desked { desk, database, contents, _folder, .. } = desk().await;
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    let hash = contents.put(bytes.clone().into()).await.unwrap();
    assert_eq!(hash.0, *blake3::hash(&bytes).as_bytes());
    let ask = |offset, bytes_max| desk.chunk(&CHUNKS, ChunkWanted { hash, offset, bytes_max });
    assert!(matches!(ask(0, 10).await, Err(NoChunk::Unknown(_))));
    database.add_content(&hash, bytes.len() as u64, "model").await.unwrap();
    let mut got = Vec::new();
    loop {
        let part = ask(got.len() as u64, u64::MAX).await.unwrap();
        assert_eq!((part.offset, part.bytes_total), (got.len() as u64, bytes.len() as u64));
        if part.bytes.0.is_empty() {
            break;
        }
        got.extend_from_slice(&part.bytes.0);
    }
    assert_eq!(got, bytes);
    assert_eq!(ask(7, 3).await.unwrap().bytes.0.as_ref(), &bytes[7..10]);
    assert!(ask(u64::MAX, 3).await.unwrap().bytes.0.is_empty());
}

static CHUNKS: std::sync::LazyLock<Peer> = std::sync::LazyLock::new(|| peer(NODE));

#[tokio::test]
async fn a_node_that_follows_a_later_policy_of_the_hub_is_not_told_of_an_older_one() {
    let (_folder, database) = sqlite().await;
    let second = crate::shop::signed(&POLICY.replacen("version = 1", "version = 2", 1));
    for (policy, text) in
        [(policy(), POLICY.to_owned()), (second.clone(), POLICY.replacen("version = 1", "version = 2", 1))]
    {
        let signature = officer().sign(text.as_bytes());
        let new = NewPolicy { policy: &policy, document: text.as_bytes(), signature: &signature };
        database.accept_policy(&new).await.unwrap();
    }
    let shop = Outbox::new("store-1", 1);
    database.register(&shop.node()).await.unwrap();
    let all = Policies::new(region("eu"), [policy(), second.clone()], Some(1)).unwrap();
    let config = Config {
        region: region("eu"),
        hub: "hub-1".into(),
        chain: None,
        checks_together_max: 2,
        retry_after_ms: 1500,
        receipt_key: Arc::new(SigningKey::from_seed(&[7; 32]).unwrap()),
    };
    let contents = Contents::new(Place::Folder(_folder.path().join("contents")).open(None).unwrap());
    let telemetry = Telemetry::register(&mut Registry::default());
    let policies = watch::Sender::new(Arc::new(all)).subscribe();
    let desk = HubDesk::new(config, database, policies, contents, telemetry);
    let mut said = hello(&shop, "eu");
    said.policy = second.id();
    assert!(desk.welcomed(&peer(NODE), &said, Version::spoken()[0]).await.unwrap().is_empty());
    said.policy.version = 0;
    let errands = desk.welcomed(&peer(NODE), &said, Version::spoken()[0]).await.unwrap();
    assert!(matches!(errands.as_slice(), [Errand::Policy(sent)] if sent.id.version == 1), "{errands:?}");
}

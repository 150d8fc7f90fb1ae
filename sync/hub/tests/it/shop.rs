//! A store as the hub sees it: events through a real gate, in sealed batches with signed receipts.

use aisle_event::{
    Event, Hlc, LogClass, Quantity, StoreId, Timestamp,
    id::{CustomerRef, DocumentId, Sku, SourceName},
    money::Money,
    sale::{SaleLine, SaleRecorded},
};
use aisle_hub::{
    Database, ReceiptGate,
    artefacts::Artefacts,
    content::Contents,
    database::{Admission, Bounds, Location, NotTaken, RegisteredNode},
    objects::Place,
    policies::Policies,
};
use aisle_protocol::{
    Batch, Epoch, Item, LinkKind, LogId, Point, PolicyId, Version,
    control::{Hello, LogState},
    hub::{self, Decision},
};
use aisle_residency::{
    Gate, Purpose, Receipt, Region, TrustedPolicy, Verifier, receipt::Draft, signing::SigningKey,
    token::TokenKeys,
};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;

pub const POLICY: &str = "aisle_policy = 1\nname = \"test\"\nversion = 1\nhome = \"eu\"\n\
    [[destination]]\nregion = \"eu\"\nclock = \"second\"\n[[destination]]\nregion = \"cn\"\nclock = \"second\"\n\
    [[rule]]\nto = [\"eu\", \"cn\"]\nfields = [\"SaleRecorded.*<=4\", \"SaleRecorded.lines.line\", \"SaleRecorded.lines.sku\", \
    \"SaleRecorded.lines.quantity\", \"SaleRecorded.lines.unit_price\"]\naction = \"pass\"\n\
    [[rule]]\nto = [\"eu\", \"cn\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"loyalty\"\n";

/// 1 June 2026.
pub const AT_MS: u64 = 1_780_272_000_000;

pub fn region(name: &str) -> Region {
    Region::new(name).unwrap()
}

pub fn officer() -> SigningKey {
    SigningKey::from_seed(&[7; 32]).unwrap()
}

pub fn policy() -> TrustedPolicy {
    signed(POLICY)
}

/// The policies in force at a hub of tests.
pub fn in_force() -> watch::Receiver<Arc<Policies>> {
    watch::Sender::new(Arc::new(Policies::new(region("eu"), [policy()], None).unwrap())).subscribe()
}

pub fn signed(policy: &str) -> TrustedPolicy {
    let key = officer();
    TrustedPolicy::open(policy.as_bytes(), &key.sign(policy.as_bytes()), &[key.verifying_key()]).unwrap()
}

pub fn verifier() -> Arc<Verifier> {
    Arc::new(Verifier::new(region("eu"), [policy()]))
}

pub fn sale(number: u64, at_ms: u64) -> Event {
    let line = SaleLine {
        line: 1,
        sku: Sku::new(format!("SKU-{}", number % 40)).unwrap(),
        quantity: Quantity::each(1 + (number % 3) as i64),
        unit_price: Money::new(100 + (number % 900) as i64, "GBP".parse().unwrap()),
        repriced: None,
        unknown: Default::default(),
    };
    SaleRecorded {
        source: SourceName::new("till").unwrap(),
        document: DocumentId::new(format!("T-{number:07}")).unwrap(),
        lines: vec![line],
        at: Timestamp(at_ms as i64),
        session: None,
        customer: Some(CustomerRef::new("CANARY-17850").unwrap()),
        country: None,
        idempotency_key: None,
        arm: None,
        adjustments: vec![],
        points: vec![],
        unknown: Default::default(),
    }
    .into()
}

/// The outbox of one class of a store, with everything that makes honest batches.
pub struct Outbox {
    pub log: LogId,
    pub key: SigningKey,
    pub gate: Gate,
    pub policy: TrustedPolicy,
    to: Region,
    last: Option<Receipt>,
    point: Point,
}

impl Outbox {
    pub fn new(store: &str, epoch: u8) -> Self {
        Self::to(store, epoch, "eu")
    }

    pub fn to(store: &str, epoch: u8, to: &str) -> Self {
        Self::under(store, epoch, to, policy())
    }

    pub fn under(store: &str, epoch: u8, to: &str, policy: TrustedPolicy) -> Self {
        let log =
            LogId { store: StoreId::new(store).unwrap(), class: LogClass::Sales, epoch: Epoch([epoch; 16]) };
        let purpose = Purpose::new("loyalty").unwrap();
        let keys = TokenKeys::new(&[3; 32]).with_derived(&region("eu"), &purpose, 1, &[42; 32]).with_derived(
            &region("cn"),
            &purpose,
            1,
            &[43; 32],
        );
        let gate = Gate::new(&policy, &region(to), keys).unwrap();
        let point = log.start();
        let key = SigningKey::from_seed(&[9; 32]).unwrap();
        Self { log, key, gate, policy, to: region(to), last: None, point }
    }

    /// Seals events with their times.
    pub fn seal(&mut self, events: impl IntoIterator<Item = (u64, Event)>) -> Batch {
        let mut draft = match &self.last {
            None => Draft::first(self.log.clone(), self.to.clone(), self.policy.id()),
            Some(last) => Draft::after(last, self.policy.id()),
        };
        let mut items = Vec::new();
        for (at_ms, event) in events {
            let egress = self.gate.pass(Hlc::new(at_ms, 0), &event).egress().unwrap();
            let (seq, hlc, kind, payload) = draft.add(&egress).unwrap();
            items.push(Item { seq, hlc: hlc.0, kind: kind.0, payload: payload.to_vec().into() });
        }
        let receipt = draft.issue(&self.key).unwrap();
        let wire = receipt.to_wire();
        let batch = Batch::seal(&self.log, self.point, &items, self.policy.id(), |_| wire.into()).unwrap();
        self.point = batch.header().end();
        self.last = Some(receipt);
        batch
    }

    /// The sales from one number to another, one a second.
    pub fn sales(&mut self, from: u64, to: u64) -> Batch {
        self.seal((from..to).map(|number| (AT_MS + number * 1000, sale(number, AT_MS + number * 1000))))
    }

    pub fn at(&self) -> Point {
        self.point
    }

    pub fn receipt_gate(&self) -> Arc<ReceiptGate> {
        Arc::new(ReceiptGate::new(region("eu"), verifier(), vec![self.key.verifying_key()]))
    }

    pub fn admission(&self, batches: Vec<Batch>) -> Admission {
        Admission {
            log: self.log.clone(),
            batches: Arc::new(hub::check(batches).unwrap()),
            gate: self.receipt_gate(),
        }
    }

    pub async fn admit(&self, database: &Database, batches: &[&Batch]) -> Result<Decision, NotTaken> {
        database.admit(self.admission(batches.iter().map(|batch| (*batch).clone()).collect())).await
    }

    pub fn node(&self) -> RegisteredNode {
        RegisteredNode {
            store: self.log.store.clone(),
            node: "node-1".into(),
            receipt_key: self.key.verifying_key(),
            is_banned: false,
        }
    }
}

pub async fn sqlite() -> (TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("hub.db"));
    let database = Database::open(&location, &Bounds::default()).await.unwrap();
    (folder, database)
}

/// Signed artefacts with their contents and online keys in a folder.
pub fn artefacts(database: &Database, folder: &std::path::Path) -> Artefacts {
    let contents = Place::Folder(folder.join("contents")).open(None).unwrap();
    Artefacts::new(database.clone(), Contents::new(contents), &folder.join("artefacts.key"))
}

pub fn hello(shop: &Outbox, region: &str) -> Hello {
    Hello {
        versions: Version::spoken(),
        store: shop.log.store.clone(),
        node: "node-1".into(),
        region: region.into(),
        link: LinkKind::Fibre,
        logs: vec![LogState {
            class: shop.log.class,
            epoch: shop.log.epoch,
            acked: shop.log.start(),
            last: shop.at(),
        }],
        policy: PolicyId::default(),
        software: "test".into(),
        past: vec![],
    }
}

//! Headquarters with its keys: signs plugins, orders them, puts both on a stick.

use aisle_artefact::{
    Artefact, ArtefactId, Draft, Kind, Needs, Repository, SigningKey,
    bundle::down,
    repository::{Change, Delegation, Keys, Online, RootPlan, Validity},
    shelf,
};
use aisle_content::{Content, Item, Manifest, NodeOrder, Order, PluginPackage};
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{ContentHash, DesiredState, Release, Want, desired::Wanted, setting::Settings};
use aisle_protocol::Hash;
use aisle_residency::signing;
use data_encoding::HEXLOWER;
use std::time::SystemTime;

const DAY_MS: i64 = 24 * 3_600_000;

/// Headquarters.
pub(super) struct Headquarters {
    repository: Repository<shelf::Memory>,
    now: Timestamp,
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

fn keys(numbers: &[u8]) -> Keys {
    let keys = numbers.iter().map(|number| key(*number).public().clone()).collect();
    Keys { keys, threshold: numbers.len() as u64 }
}

fn signed(mut draft: Draft, by: &[u8]) -> Draft {
    by.iter().for_each(|number| draft.sign(&key(*number)));
    draft
}

fn online<R>(work: impl FnOnce(&Online<'_>) -> R) -> R {
    let (snapshot, timestamp) = (key(6), key(7));
    work(&Online { snapshot: &snapshot, timestamp: &timestamp })
}

const VALIDITY: Validity = Validity { snapshot_ms: 30 * DAY_MS as u64, timestamp_ms: 7 * DAY_MS as u64 };

/// The hub's key for receipts and orders.
fn hub_key(seed: u8) -> signing::SigningKey {
    signing::SigningKey::from_seed(&[seed; 32]).unwrap()
}

/// The seed of the hub that nodes believe.
pub(super) const HUB: u8 = 42;

/// A plugin as one content.
pub(super) struct Plugin {
    pub(super) artefact: Artefact,
    pub(super) package: Vec<u8>,
}

impl Plugin {
    pub(super) fn new(manifest: &str, component: Vec<u8>, version: &str) -> Self {
        let package = PluginPackage { manifest: manifest.into(), component }.encode();
        let id = ArtefactId::new(Kind::Plugin, "multi-buy", version).unwrap();
        Self {
            artefact: Artefact::describe(id, package.as_slice(), None, Needs::default()).unwrap(),
            package,
        }
    }

    fn release(&self) -> Release {
        Release {
            version: self.artefact.id.version().to_string().parse().unwrap(),
            hash: ContentHash(self.artefact.blake3.0),
            bytes: self.artefact.bytes,
            needs: aisle_fleet::Needs::default(),
        }
    }
}

/// A policy as one content: the signature of whoever answers for it, then the text.
pub(super) struct Policy {
    artefact: Artefact,
    bytes: Vec<u8>,
}

impl Policy {
    pub(super) fn new(version: &str, text: &str, signature: &str) -> Self {
        let signature = HEXLOWER.decode(signature.as_bytes()).unwrap();
        let bytes = [signature.as_slice(), text.as_bytes()].concat();
        let id = ArtefactId::new(Kind::Policy, "policy", version).unwrap();
        let artefact = Artefact::describe(id, bytes.as_slice(), None, Needs::default()).unwrap();
        Self { artefact, bytes }
    }

    pub(super) fn want(&self) -> Want {
        Want::Release(Release {
            version: self.artefact.id.version().to_string().parse().unwrap(),
            hash: ContentHash(self.artefact.blake3.0),
            bytes: self.artefact.bytes,
            needs: aisle_fleet::Needs::default(),
        })
    }
}

/// Prices as one content.
pub(super) struct Prices {
    artefact: Artefact,
    bytes: Vec<u8>,
}

impl Prices {
    pub(super) fn new(version: &str, rows: &str) -> Self {
        let bytes = format!("sku,price,currency,valid_until\n{rows}").into_bytes();
        let id = ArtefactId::new(Kind::Prices, "week", version).unwrap();
        let artefact = Artefact::describe(id, bytes.as_slice(), None, Needs::default()).unwrap();
        Self { artefact, bytes }
    }

    fn release(&self) -> Release {
        Release {
            version: self.artefact.id.version().to_string().parse().unwrap(),
            hash: ContentHash(self.artefact.blake3.0),
            bytes: self.artefact.bytes,
            needs: aisle_fleet::Needs::default(),
        }
    }
}

/// An order of prices, or of none, for the only node of a store.
pub(super) fn order_of_prices(store: &str, generation: u64, prices: Option<&Prices>) -> Vec<u8> {
    let want = prices.map_or(Want::Absent, |prices| Want::Release(prices.release()));
    let item = want.release().map(|release| Item {
        name: "prices".into(),
        version: release.version.to_string(),
        content: Content { hash: Hash(release.hash.0), bytes: release.bytes, tree: None },
        deltas: Vec::new(),
    });
    let manifest = Manifest::new(generation, item.into_iter().collect()).unwrap().encode();
    let mut state = DesiredState::new();
    state.slots.insert("prices".parse().unwrap(), Wanted { want, round: 0 });
    let node = NodeOrder::new("1".into(), generation, state.encode().unwrap());
    let order = Order::new(&StoreId::new(store).unwrap(), manifest, vec![node], "hub-1", 0);
    order.seal(|message| hub_key(HUB).sign(message).0).unwrap()
}

/// An order of a policy, and of settings of the node, for the only node of a store.
pub(super) fn order_of(store: &str, generation: u64, policy: Option<Want>, settings: Settings) -> Vec<u8> {
    let item = policy.as_ref().and_then(Want::release).map(|release| Item {
        name: "policy".into(),
        version: release.version.to_string(),
        content: Content { hash: Hash(release.hash.0), bytes: release.bytes, tree: None },
        deltas: Vec::new(),
    });
    let manifest = Manifest::new(generation, item.into_iter().collect()).unwrap().encode();
    let mut state = DesiredState::new();
    state.settings = settings;
    let wanted = policy.map(|want| ("policy".parse().unwrap(), Wanted { want, round: 0 }));
    state.slots.extend(wanted);
    let node = NodeOrder::new("1".into(), generation, state.encode().unwrap());
    let order = Order::new(&StoreId::new(store).unwrap(), manifest, vec![node], "hub-1", 0);
    order.seal(|message| hub_key(HUB).sign(message).0).unwrap()
}

/// An order for the only node of a store, by the hub of this seed.
pub(super) fn order(hub: u8, store: &str, generation: u64, plugin: &Plugin) -> Vec<u8> {
    let release = plugin.release();
    let content = Content { hash: Hash(release.hash.0), bytes: release.bytes, tree: None };
    let version = release.version.to_string();
    let item = Item { name: "plugin/multi-buy".into(), version, content, deltas: Vec::new() };
    let manifest = Manifest::new(generation, vec![item]).unwrap().encode();
    let mut state = DesiredState::new();
    let wanted = Wanted { want: Want::Release(release), round: 0 };
    state.slots.insert("plugin/multi-buy".parse().unwrap(), wanted);
    let node = NodeOrder::new("1".into(), generation, state.encode().unwrap());
    let order = Order::new(&StoreId::new(store).unwrap(), manifest, vec![node], "hub-1", 0);
    order.seal(|message| hub_key(hub).sign(message).0).unwrap()
}

impl Headquarters {
    pub(super) fn new() -> Self {
        let since = SystemTime::UNIX_EPOCH.elapsed().expect("a clock after 1970");
        let now = Timestamp(i64::try_from(since.as_millis()).unwrap());
        let ends = now.saturating_add_ms(365 * DAY_MS);
        let plan = RootPlan {
            root: keys(&[1, 2]),
            targets: keys(&[4, 5]),
            snapshot: keys(&[6]),
            timestamp: keys(&[7]),
        };
        let delegations = [(Kind::Plugin, 8), (Kind::Policy, 9), (Kind::Prices, 10)]
            .map(|(kind, number)| Delegation { kind, keys: keys(&[number]) });
        let drafts = vec![
            signed(Draft::root(1, &plan, ends).unwrap(), &[1, 2]),
            signed(Draft::targets(1, &delegations, ends).unwrap(), &[4, 5]),
            signed(Draft::artefacts(Kind::Plugin, 1, [], ends).unwrap(), &[8]),
            signed(Draft::artefacts(Kind::Policy, 1, [], ends).unwrap(), &[9]),
            signed(Draft::artefacts(Kind::Prices, 1, [], ends).unwrap(), &[10]),
        ];
        let made = online(|online| Repository::init(shelf::Memory::default(), drafts, online, VALIDITY, now));
        Self { repository: made.unwrap(), now }
    }

    /// Signs a plugin.
    pub(super) fn sign(&mut self, plugin: &Plugin) {
        self.sign_as(Kind::Plugin, 8, &plugin.artefact);
    }

    /// Signs a policy as an artefact, whoever has signed the policy.
    pub(super) fn sign_policy(&mut self, policy: &Policy) {
        self.sign_as(Kind::Policy, 9, &policy.artefact);
    }

    /// Signs prices.
    pub(super) fn sign_prices(&mut self, prices: &Prices) {
        self.sign_as(Kind::Prices, 10, &prices.artefact);
    }

    fn sign_as(&mut self, kind: Kind, number: u8, artefact: &Artefact) {
        let change = Change { add: vec![artefact.clone()], remove: Vec::new() };
        let ends = self.now.saturating_add_ms(365 * DAY_MS);
        let draft = self.repository.next_artefacts(kind, &change, ends).unwrap();
        let drafts = vec![signed(draft, &[number])];
        let now = self.now;
        online(|online| self.repository.publish(drafts, online, VALIDITY, now)).unwrap();
    }

    /// The root that everything follows from.
    pub(super) fn root(&self) -> Vec<u8> {
        let files = self.repository.files().unwrap();
        files.into_iter().find(|(name, _)| name.to_string() == "1.root.json").unwrap().1
    }

    /// A stick.
    pub(super) fn stick(&self, order: &[u8], plugin: &Plugin) -> Vec<u8> {
        let files = self.repository.files().unwrap();
        let content = (plugin.artefact.clone(), plugin.package.as_slice());
        down::export(Vec::new(), "hub-1", &files, Some(order), [content]).unwrap()
    }

    /// A stick with an order and prices, or none.
    pub(super) fn stick_of_prices(&self, order: &[u8], prices: Option<&Prices>) -> Vec<u8> {
        let files = self.repository.files().unwrap();
        let contents = prices.map(|prices| (prices.artefact.clone(), prices.bytes.as_slice()));
        down::export(Vec::new(), "hub-1", &files, Some(order), contents).unwrap()
    }

    /// A stick with an order and a policy, or none.
    pub(super) fn stick_of(&self, order: &[u8], policy: Option<&Policy>) -> Vec<u8> {
        let files = self.repository.files().unwrap();
        let contents = policy.map(|policy| (policy.artefact.clone(), policy.bytes.as_slice()));
        down::export(Vec::new(), "hub-1", &files, Some(order), contents).unwrap()
    }

    /// What a node has to know of its hub.
    pub(super) fn keys() -> String {
        HEXLOWER.encode(&hub_key(HUB).verifying_key().0)
    }
}

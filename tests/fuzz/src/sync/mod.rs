//! What crosses the wall between store and hub: frames, batches, messages, manifests and both machines; and what residency reads of it: policies,
//! receipts, payloads, erasures.

mod batch;
mod course;
mod erasure;
mod frames;
mod gate;
mod hub;
mod manifest;
mod message;
mod node;
mod policy;
mod receipt;

pub use batch::sync_batch;
pub use erasure::{erasure_entry, erasure_proof};
pub use frames::sync_frames;
pub use gate::{gate_relay, sealed_payload};
pub use hub::sync_hub;
pub use manifest::content_manifest;
pub use message::sync_message;
pub use node::sync_node;
pub use policy::{policy_document, policy_toml};
pub use receipt::{receipt, receipt_verified};

pub(crate) use batch::examples as batch_examples;
pub(crate) use erasure::{entry_examples, proof_examples};
pub(crate) use frames::examples as frames_examples;
pub(crate) use gate::{relay_examples, sealed_examples};
pub(crate) use hub::examples as hub_examples;
pub(crate) use manifest::examples as manifest_examples;
pub(crate) use message::examples as message_examples;
pub(crate) use node::examples as node_examples;
pub(crate) use policy::{document_examples, toml_examples};
pub(crate) use receipt::{alone_examples, verified_examples};

use aisle_event::{LogClass, StoreId};
use aisle_protocol::{Epoch, LogId, Stream, frame::Frames};
use aisle_residency::{
    Gate, Purpose, Region, TrustedPolicy,
    signing::{SigningKey, VerifyingKey},
    token::TokenKeys,
};
use bytes::Bytes;
use std::{fs, path::Path, sync::OnceLock};

/// The policy that comes along for the EEA.
const EU: &str = include_str!("../../../../sync/residency/policies/eu.toml");

fn eu() -> Region {
    Region::new("eu").expect("a good name")
}

/// Signs policies.
fn officer() -> SigningKey {
    SigningKey::from_seed(&[7; 32]).expect("a good seed")
}

/// Signs receipts.
fn node_key() -> SigningKey {
    SigningKey::from_seed(&[9; 32]).expect("a good seed")
}

fn node_verifying() -> VerifyingKey {
    static KEY: OnceLock<VerifyingKey> = OnceLock::new();
    *KEY.get_or_init(|| node_key().verifying_key())
}

fn store() -> StoreId {
    StoreId::new("berlin-12").expect("a good name")
}

fn log(class: LogClass) -> LogId {
    LogId { store: store(), class, epoch: Epoch([7; 16]) }
}

fn trusted(text: &str) -> TrustedPolicy {
    let key = officer();
    TrustedPolicy::open(text.as_bytes(), &key.sign(text.as_bytes()), &[key.verifying_key()])
        .expect("a policy that is in use")
}

fn policy() -> &'static TrustedPolicy {
    static POLICY: OnceLock<TrustedPolicy> = OnceLock::new();
    POLICY.get_or_init(|| trusted(EU))
}

/// Keys for whatever purpose the policies that come along name.
fn token_keys() -> TokenKeys {
    let mut keys = TokenKeys::new(&[43; 32]);
    for region in ["eu", "cn", "global"] {
        for purpose in ["loyalty", "visits", "audit", "membership", "test"] {
            let region = Region::new(region).expect("a good name");
            let purpose = Purpose::new(purpose).expect("a good name");
            keys = keys.with_derived(&region, &purpose, 1, &[42; 32]);
        }
    }
    keys
}

fn the_gate() -> &'static Gate {
    static GATE: OnceLock<Gate> = OnceLock::new();
    GATE.get_or_init(|| Gate::new(policy(), &eu(), token_keys()).expect("the policy describes `eu`"))
}

/// The frame of a golden file of `aisle-protocol`, without its length.
fn golden(name: &str) -> Bytes {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sync/protocol/tests/golden");
    let text = fs::read_to_string(dir.join(name)).expect("a golden file of `aisle-protocol`");
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Vec<u8> = digits.chunks(2).filter_map(byte).collect();
    // Batches are the longest there are.
    let mut frames = Frames::of(Stream::Up(LogClass::Sales));
    frames.push(&bytes);
    frames.next_frame().ok().flatten().expect("a golden file holds one frame")
}

/// The contents of all golden files whose name begins like this.
fn all_golden(is_wanted: impl Fn(&str) -> bool) -> Vec<Bytes> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sync/protocol/tests/golden");
    let files = fs::read_dir(dir).expect("the golden files of `aisle-protocol`");
    let mut names: Vec<String> = files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter(|name| is_wanted(name))
        .collect();
    names.sort_unstable();
    names.iter().map(|name| golden(name)).collect()
}

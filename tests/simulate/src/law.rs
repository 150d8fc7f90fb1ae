//! What may leave the stores of the world: three policies, one after the other, and the keys that go with them.
//!
//! They differ in the fields of every class, so that a batch that names one and was made by another shows; one type stays from the third on.
//! What came back is never let out by itself, only counted.

use aisle_residency::{
    Gate, Purpose, Region, TrustedPolicy,
    signing::{SigningKey, VerifyingKey},
    token::TokenKeys,
};
use std::sync::LazyLock;

/// How many policies there are.
pub(crate) const POLICIES: usize = 3;

const SALE: &str = r#""SaleRecorded.source", "SaleRecorded.document", "SaleRecorded.lines.line", "SaleRecorded.lines.sku", "SaleRecorded.lines.quantity", "SaleRecorded.lines.unit_price""#;
const COUNTED: &str = r#"
[[rule]]
to = ["eu"]
fields = ["ReturnRecorded.at", "ReturnRecorded.document", "ReturnRecorded.lines.sku", "ReturnRecorded.lines.quantity"]
action = "aggregate"
[[aggregate]]
name = "returned"
to = "eu"
event = "ReturnRecorded"
time = "ReturnRecorded.at"
window = "hour"
keys = [{ field = "ReturnRecorded.lines.sku" }]
sums = [{ field = "ReturnRecorded.lines.quantity", at_most = 100000 }]
each = "ReturnRecorded.document"
k = 2
rows_max = 10
noise = { epsilon = "8.0", budget = "8000.0", budget_days = 30 }
"#;
const TOKEN: &str = r#"
[[rule]]
to = ["eu"]
fields = ["SaleRecorded.customer"]
action = "token"
purpose = "loyalty"
"#;

fn text(version: usize) -> String {
    let (fields, more) = match version {
        1 => (
            r#""SaleRecorded.at", "StockCounted.*<=3", "PluginRecovered.*<=4", "ProductViewed.sku", "ProductViewed.at""#,
            "",
        ),
        2 => (
            r#""StockCounted.sku", "StockCounted.on_hand", "PluginRecovered.*<=3", "ProductViewed.sku""#,
            TOKEN,
        ),
        _ => (
            r#""SaleRecorded.at", "StockCounted.sku", "StockCounted.at", "PluginRecovered.plugin", "PluginRecovered.at""#,
            TOKEN,
        ),
    };
    format!(
        "aisle_policy = 1\nname = \"simulated\"\nversion = {version}\nhome = \"eu\"\n\
         [[destination]]\nregion = \"eu\"\nclock = \"exact\"\n\
         [[rule]]\nto = [\"eu\"]\nfields = [{SALE}, {fields}]\naction = \"pass\"\n{more}{COUNTED}"
    )
}

/// The policies in the order in which they come into force.
pub(crate) fn policies() -> Vec<TrustedPolicy> {
    static POLICIES: LazyLock<Vec<TrustedPolicy>> = LazyLock::new(open);
    POLICIES.clone()
}

fn open() -> Vec<TrustedPolicy> {
    let officer = SigningKey::from_seed(&[7; 32]).unwrap();
    let open = |version| {
        let text = text(version);
        TrustedPolicy::open(text.as_bytes(), &officer.sign(text.as_bytes()), &[officer.verifying_key()])
            .unwrap_or_else(|error| {
                panic!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string))
            })
    };
    (1..=POLICIES).map(open).collect()
}

/// Where everything goes.
pub(crate) fn region() -> Region {
    Region::new("eu").unwrap()
}

/// What a store signs and makes tokens with.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) seed: [u8; 32],
    pub(crate) tokens: TokenKeys,
}

impl Keys {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let purpose = Purpose::new("loyalty").unwrap();
        Self { seed, tokens: TokenKeys::new(&seed).with_derived(&region(), &purpose, 1, &[42; 32]) }
    }

    pub(crate) fn signing(&self) -> SigningKey {
        SigningKey::from_seed(&self.seed).unwrap()
    }

    pub(crate) fn verifying(&self) -> VerifyingKey {
        self.signing().verifying_key()
    }

    /// The gates of a store, one for each policy.
    pub(crate) fn gates(&self, policies: &[TrustedPolicy]) -> Vec<Gate> {
        policies.iter().map(|policy| Gate::new(policy, &region(), self.tokens.clone()).unwrap()).collect()
    }
}

//! Policies: any bytes as a document, and any bytes as what a hub sends, the signature before the document.

use super::{EU, eu, officer, token_keys};
use aisle_protocol::PolicyId;
use aisle_residency::{
    Gate, Policy, TrustedPolicy,
    policy::TrustError,
    signing::{Signature, SigningKey},
};
use std::sync::OnceLock;

const CN: &str = include_str!("../../../../sync/residency/policies/cn.toml");

fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(officer)
}

/// The input is a policy's document.
///
/// # Panics
/// When it is refused without a line, is read differently twice, or no gate can be made by a policy that was taken.
pub fn policy_toml(input: &[u8]) {
    match Policy::draft(input) {
        Ok(policy) => {
            assert_eq!(Policy::draft(input).as_ref(), Ok(&policy));
            let trusted = match TrustedPolicy::open(input, &key().sign(input), &[key().verifying_key()]) {
                Ok(trusted) => trusted,
                Err(error) => panic!("a good policy with a good signature is refused: {error}"),
            };
            assert_eq!(trusted.id(), policy.id());
            succession(&trusted);
            // Whether there is one hangs on the keys; either answer is one.
            drop(Gate::new(&trusted, &eu(), token_keys()));
        }
        Err(error) => {
            let lines = 1 + input.iter().filter(|byte| **byte == b'\n').count();
            assert!((1..=lines + 1).contains(&error.line), "line {} of {lines}: {error}", error.line);
            assert!(!error.problem.to_string().is_empty());
        }
    }
}

/// Versions only go up, and one version is one policy.
fn succession(policy: &TrustedPolicy) {
    let id = policy.id();
    let after = |current| policy.clone().after(current).is_ok();
    assert!(after(None) && after(Some(id)));
    let other = PolicyId { hash: aisle_protocol::Hash([0xa5; 32]), ..id };
    assert!(!after(Some(other)));
    let next = id.version.checked_add(1).map(|version| PolicyId { version, ..id });
    assert!(next.is_none_or(|next| !after(Some(next))));
}

/// The input is what POLICY carries: 64 bytes of signature, then the document.
///
/// # Panics
/// When it is taken without a good signature, or refused for its signature with one.
pub fn policy_document(input: &[u8]) {
    let Some((signature, document)) = input.split_first_chunk::<64>() else { return };
    let signature = Signature(*signature);
    let is_signed = key().verifying_key().verifies(document, &signature);
    match TrustedPolicy::open(document, &signature, &[key().verifying_key()]) {
        Ok(policy) => {
            assert!(is_signed);
            assert_eq!(Policy::draft(document).map(|draft| draft.id()), Ok(policy.id()));
        }
        Err(TrustError::Signature { keys }) => assert!(!is_signed && keys == 1),
        Err(TrustError::Policy(_)) => assert!(is_signed),
    }
}

/// The policies that come along, and a short one.
pub(crate) fn toml_examples() -> Vec<Vec<u8>> {
    let short = "aisle_policy = 1\nname = \"test\"\nversion = 2\nhome = \"eu\"\n\
        [[destination]]\nregion = \"eu\"\nclock = \"second\"\n\
        [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.lines.sku\", \"StockCounted.*<=3\"]\naction = \"pass\"\n\
        [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"loyalty\"\n";
    [short, EU, CN].map(|text| text.as_bytes().to_vec()).into()
}

/// The same with their signatures before them.
pub(crate) fn document_examples() -> Vec<Vec<u8>> {
    let signed = |document: Vec<u8>| [&key().sign(&document).0[..], &document].concat();
    toml_examples().into_iter().map(signed).collect()
}

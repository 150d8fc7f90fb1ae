//! Claims as they are typed, scanned and sent.

use super::Counted;
use aisle_provisioning::{
    Fingerprint,
    claim::{ClaimCode, ClaimInput, ClaimLink, Nonce, introduction},
    est,
};

/// The input may be a code, a link, or a header with one of them.
///
/// # Panics
/// When what was read is another when it is written and read again.
pub fn claim_code(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match text.parse::<ClaimInput>() {
        Ok(read) => {
            let again = read.to_text().parse::<ClaimInput>();
            assert_eq!(again.as_ref(), Ok(&read));
            let header = est::basic(read.code());
            assert_eq!(est::read_basic(&header), Some(Ok(read.code().clone())));
        }
        Err(error) => assert!(error.to_string().len() < 1_000, "{error}"),
    }
    let _ = est::read_basic(&text);
    if let Some((locator, nonce)) = introduction::read_ask(&text) {
        assert_eq!((locator.as_str().len(), nonce.0.len()), (5, 32));
    }
}

/// A code, a link, and headers.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let code = ClaimCode::draw(&mut Counted(3)).expect("randomness");
    let hub = "hub.shops.example:8443".parse().expect("a good address");
    let link = ClaimLink { code: code.clone(), hub, root: Fingerprint([7; 32]) };
    let asked = Nonce([9; 32]).ask(&code);
    let texts =
        [code.to_groups().to_string(), link.to_uri().to_string(), est::basic(&code).to_string(), asked];
    texts.map(String::into_bytes).to_vec()
}

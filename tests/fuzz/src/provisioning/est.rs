//! Bodies of EST, at both ends.

use super::world;
use aisle_provisioning::{
    Code,
    est::{self, Answer, Heard},
};

/// The input may be the body of a request, of certificates, or of a refusal.
///
/// # Panics
/// When certificates that were read are others when they are sent again, or a box takes one of another key.
pub fn est_body(input: &[u8]) {
    let _ = est::read_request(Some("application/pkcs10"), input);
    if let Ok(certificates) = est::read_certificates(input) {
        let again = est::read_certificates(&Answer::issued(&certificates).body);
        assert_eq!(again.expect("what was read can be sent"), certificates);
    }
    if let Ok(roots) = est::read_roots(input) {
        assert!(roots.facts().iter().all(|root| root.is_authority));
    }
    let text = String::from_utf8_lossy(input);
    let key = world().node.0.fingerprint();
    for status in [200, 202, 401, 503] {
        match Heard::read(status, Some(&text), input, &key) {
            Ok(Heard::Issued(chain)) => assert!(status == 200 && !chain.is_empty()),
            Ok(Heard::Wait { retry_after_s, .. }) => {
                assert!((1..=est::RETRY_AFTER_S_MAX).contains(&retry_after_s));
            }
            Ok(Heard::Refused { text, .. }) => assert!(text.len() < 10_000),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// An answer of each kind.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let world = world();
    let answers = [
        Answer::issued(&world.node.1.chain),
        Answer::authorities(&world.authorities),
        Answer::attributes(),
        Answer::refused(Code::Banned, Some("stolen")),
        Answer::wait(Code::WaitsForApproval, 60),
    ];
    answers.into_iter().map(|answer| answer.body).collect()
}

//! Certificates without a signature around them: a `SignedData` that nobody signed (RFC 5652, section 5; RFC 7030, section 4.1.3).

use crate::{
    certificate::CERTIFICATES_MAX,
    der::{CONTEXT_0, CONTEXT_1, INTEGER, OID, Reader, SEQUENCE, SET, tlv},
};
use rustls_pki_types::CertificateDer;

/// `1.2.840.113549.1.7.2`, signed data.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// `1.2.840.113549.1.7.1`, data.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];

pub(super) fn write(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    let pieces: Vec<&[u8]> = certificates.iter().map(AsRef::as_ref).collect();
    let signed = tlv(
        SEQUENCE,
        &[
            &tlv(INTEGER, &[&[1]]),
            &tlv(SET, &[]),
            &tlv(SEQUENCE, &[&tlv(OID, &[DATA])]),
            &tlv(CONTEXT_0, &pieces),
            &tlv(SET, &[]),
        ],
    );
    tlv(SEQUENCE, &[&tlv(OID, &[SIGNED_DATA]), &tlv(CONTEXT_0, &[&signed])])
}

/// The certificates in it; `None` when it is something else, or has too many.
pub(super) fn read(der: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let mut outer = Reader(der);
    let mut info = Reader(outer.expect(SEQUENCE)?.content);
    info.expect(OID).filter(|oid| oid.content == SIGNED_DATA)?;
    let mut explicit = Reader(info.expect(CONTEXT_0)?.content);
    let mut signed = Reader(explicit.expect(SEQUENCE)?.content);
    signed.expect(INTEGER)?;
    signed.expect(SET)?;
    signed.expect(SEQUENCE)?;
    let mut inner = Reader(signed.expect(CONTEXT_0)?.content);
    // Revocation lists, which nobody here makes and others may.
    let _ = signed.expect(CONTEXT_1);
    let signers = signed.expect(SET)?;
    let all_read = outer.is_empty() && info.is_empty() && explicit.is_empty() && signed.is_empty();
    if !all_read || !signers.content.is_empty() {
        return None;
    }
    let mut certificates = Vec::new();
    while !inner.is_empty() {
        let certificate = inner.expect(SEQUENCE)?;
        certificates.push(CertificateDer::from(certificate.whole.to_vec()));
        if certificates.len() > CERTIFICATES_MAX {
            return None;
        }
    }
    Some(certificates)
}

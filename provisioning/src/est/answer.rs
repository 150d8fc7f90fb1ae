//! Answers as values: status, type, headers, body; made at the hub, heard at the box.

use super::{
    CSR_ATTRIBUTES, PKCS7, PKCS7_CERTS, TRANSFER_ENCODING,
    body::{BODY_BYTES_MAX, EstError, chain_for, encode, read_certificates},
    pkcs7,
};
use crate::{
    claim::{ClaimCode, CodeError},
    code::Code,
    der::{OID, SEQUENCE, SET, tlv},
    fingerprint::Fingerprint,
};
use data_encoding::BASE64;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

/// The longest time that a hub may ask a box to wait, in seconds: a day. What is longer counts as this.
pub const RETRY_AFTER_S_MAX: u32 = 86_400;
/// The user's name beside a claim's code.
const CLAIM_USER: &str = "claim";
/// As much of a refusal's text is kept.
const REFUSAL_CHARS_MAX: usize = 500;

/// An HTTP answer without HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The type of the body.
    pub content_type: &'static str,
    /// Further headers, names in small letters.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    fn certificates(content_type: &'static str, certificates: &[CertificateDer<'_>]) -> Self {
        let (name, value) = TRANSFER_ENCODING;
        let body = encode(&pkcs7::write(certificates));
        Self { status: 200, content_type, headers: vec![(name, value.to_owned())], body }
    }

    /// To `cacerts`: the roots, and all issuing authorities whose certificates may still hold.
    #[must_use]
    pub fn authorities(certificates: &[CertificateDer<'_>]) -> Self {
        Self::certificates(PKCS7, certificates)
    }

    /// To `simpleenroll` and `simplereenroll`: the certificate, the issuer's behind it.
    #[must_use]
    pub fn issued(chain: &[CertificateDer<'_>]) -> Self {
        Self::certificates(PKCS7_CERTS, chain)
    }

    /// Come again: the box waits for approval, or the hub for a passphrase.
    #[must_use]
    pub fn wait(code: Code, retry_after_s: u32) -> Self {
        let mut answer = Self::refused(code, None);
        answer.status = 202;
        answer.headers.push(("retry-after", retry_after_s.clamp(1, RETRY_AFTER_S_MAX).to_string()));
        answer
    }

    /// No, and why: the code, what it means and what to do, and what somebody wrote.
    #[must_use]
    pub fn refused(code: Code, reason: Option<&str>) -> Self {
        let mut text = code.line();
        if let Some(reason) = reason {
            text.push_str(" Reason: ");
            text.push_str(reason);
        }
        text.push('\n');
        let mut headers = Vec::new();
        if code == Code::ClaimNeeded {
            headers.push(("www-authenticate", "Basic realm=\"aisle claim\"".to_owned()));
        }
        Self {
            status: code.status(),
            content_type: "text/plain; charset=utf-8",
            headers,
            body: text.into_bytes(),
        }
    }

    /// To `csrattrs`: a key of ECDSA on P-256, and a signature with SHA-256 (RFC 7030, section 4.5.2).
    #[must_use]
    pub fn attributes() -> Self {
        // id-ecPublicKey with secp256r1, and ecdsa-with-SHA256.
        const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
        let key = tlv(SEQUENCE, &[&tlv(OID, &[EC_PUBLIC_KEY]), &tlv(SET, &[&tlv(OID, &[P256])])]);
        let der = tlv(SEQUENCE, &[&key, &tlv(OID, &[ECDSA_SHA256])]);
        let (name, value) = TRANSFER_ENCODING;
        let headers = vec![(name, value.to_owned())];
        Self { status: 200, content_type: CSR_ATTRIBUTES, headers, body: encode(&der) }
    }
}

/// The value of `Authorization` with a claim's code. A secret: only for a hub that has proved itself.
#[must_use]
pub fn basic(code: &ClaimCode) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{CLAIM_USER}:{}", *code.to_groups()));
    Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())))
}

/// The code in the value of `Authorization`, at the hub. `None` when it is nothing of the kind; the user's name does not matter.
///
/// # Errors
/// When the password is no code.
pub fn read_basic(header: &str) -> Option<Result<ClaimCode, CodeError>> {
    const HEADER_BYTES_MAX: usize = 1_024;
    let (scheme, token) = header.split_once(' ').filter(|_| header.len() <= HEADER_BYTES_MAX)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Zeroizing::new(BASE64.decode(token.trim().as_bytes()).ok()?);
    let (_, password) = str::from_utf8(&pair).ok()?.split_once(':')?;
    Some(password.parse())
}

/// What a box makes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Its certificate, the issuer's behind it.
    Issued(Vec<CertificateDer<'static>>),
    /// Come again.
    Wait {
        /// Why.
        code: Option<Code>,
        /// After so many seconds.
        retry_after_s: u32,
    },
    /// No.
    Refused {
        /// Why. None when it was no hub that answered.
        code: Option<Code>,
        /// The text, cut, with what does not print escaped.
        text: String,
    },
}

impl Heard {
    /// Reads the answer to a request for a certificate of this key.
    ///
    /// # Errors
    /// When it says that there is one and there is none that can be used.
    pub fn read(
        status: u16,
        retry_after: Option<&str>,
        body: &[u8],
        key: &Fingerprint,
    ) -> Result<Self, EstError> {
        if status == 200 {
            return Ok(Self::Issued(chain_for(key, read_certificates(body)?)?));
        }
        let text = String::from_utf8_lossy(body.get(..body.len().min(BODY_BYTES_MAX)).unwrap_or_default());
        let code = text.parse().ok();
        let asked = retry_after.and_then(|after| after.trim().parse::<u32>().ok());
        let retry_after_s = asked.map(|after| after.clamp(1, RETRY_AFTER_S_MAX));
        match (status, retry_after_s, code.is_some_and(Code::is_passing)) {
            (202, after, _) => Ok(Self::Wait { code, retry_after_s: after.unwrap_or(60) }),
            (429 | 503, after, _) | (_, after, true) => {
                Ok(Self::Wait { code, retry_after_s: after.unwrap_or(300) })
            }
            _ => {
                let text = text.trim().chars().take(REFUSAL_CHARS_MAX).flat_map(char::escape_debug).collect();
                Ok(Self::Refused { code, text })
            }
        }
    }
}

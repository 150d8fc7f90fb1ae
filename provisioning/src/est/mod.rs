//! Enrolment over HTTPS (EST, RFC 7030): what goes over `/.well-known/est/…`, without the HTTP.
//!
//! | path | request | answer |
//! | --- | --- | --- |
//! | `cacerts` | GET, perhaps with [`ASK_HEADER`](crate::claim::introduction::ASK_HEADER) | the roots and issuing authorities |
//! | `simpleenroll` | POST, a PKCS#10 in base64, the claim's code as password | the certificate, or 202 and when to come again |
//! | `simplereenroll` | POST, a PKCS#10 in base64, over TLS with the old certificate | the same |
//! | `csrattrs` | GET | which key to make |
//!
//! Certificates come as PKCS#7 without a signature (certs-only). Any EST client can enrol with a claim; what is Aisle's own is a header that may be left out, and that a refusal's text begins with a
//! [`Code`](crate::code::Code).
//!
//! Guards: what is read here may be anybody's bytes, and is bounded before it is looked at.

mod answer;
mod body;
mod pkcs7;

pub use answer::{Answer, Heard, RETRY_AFTER_S_MAX, basic, read_basic};
pub use body::{
    BODY_BYTES_MAX, EstError, REQUEST_BODY_BYTES_MAX, read_certificates, read_request, read_roots,
};

/// Where EST lives.
pub const PATH: &str = "/.well-known/est";
/// The content type of a request.
pub const PKCS10: &str = "application/pkcs10";
/// The content type of certificates.
pub const PKCS7: &str = "application/pkcs7-mime";
/// The content type of an issued certificate.
pub const PKCS7_CERTS: &str = "application/pkcs7-mime; smime-type=certs-only";
/// The content type of what a request may ask for.
pub const CSR_ATTRIBUTES: &str = "application/csrattrs";
/// The header that says how a body is encoded, and its only value here.
pub const TRANSFER_ENCODING: (&str, &str) = ("content-transfer-encoding", "base64");

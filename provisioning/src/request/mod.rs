//! Requests for certificates (PKCS#10, RFC 2986): made where the key is, checked where certificates are issued.
//!
//! Not here: what is put into the certificate; nothing of a request goes into one but the key (`issue`).
//! Guards: the private key never leaves its box, and whoever asks has it.

mod key;
mod make;
mod read;

pub use key::{KeyRules, PublicKey, RSA_BITS_MAX, RSA_BITS_MIN};
pub use make::{MakeError, make};
pub use read::{REQUEST_BYTES_MAX, Request, RequestError};

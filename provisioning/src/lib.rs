//! From a box out of the carton to an identity that holds for years, and back out again: authorities, claims, certificates, bans.
//!
//! ```text
//! hub                                                        box
//! authority ── root, issuing                                 keyring ── key, next key, roots
//! claim::Claim ─ draw ─> code, link, QR ····· by hand ·····> claim::ClaimInput
//! est::Answer::authorities, Introduction::prove ───────────> Introduction::accept: whom to believe
//! request::Request::read <── est::read_request ───────────── request::make, est::basic(code)
//! enrolment::Enrolment: claimed, pending, active … ────────> est::Heard: wait, issued, refused (code::Code)
//! issue::Issuing::issue ── est::Answer::issued ────────────> Keyring::certify, then accepted
//! verify::PeerVerifier, Enrolment::admit <── TLS 1.3 ─────── verify::HubVerifier, time::Floor
//! device::RevocationList, time::TimeStatement, signed ─────> RevocationBoard, TrustedTime
//! ```
//!
//! Lives here: what all that is, decides and writes down. Not here: sockets, HTTP, SQL, clocks, who is signed in, and threads. A time is passed in, and so is
//! randomness, but for private keys: `ring` takes those from the operating system. Files are touched in `authority` and `keyring`, through a [`disk::Disk`].
//!
//! Guards invariants 5 and 7: no certificate that ran out and no clock that lies keeps a store from its hub for good; and 10: whatever is refused has a
//! name, a cause and a next step ([`code`]).

pub mod authority;
pub mod certificate;
pub mod claim;
pub mod code;
mod der;
pub mod device;
pub mod disk;
pub mod enrolment;
pub mod entropy;
pub mod est;
pub mod fingerprint;
pub mod horizon;
pub mod identity;
pub mod issue;
pub mod key;
pub mod keyring;
pub mod moment;
pub mod renewal;
pub mod request;
pub mod roots;
mod signed;
pub mod time;
pub mod verify;

pub use certificate::{CertificateNumber, Facts};
pub use code::Code;
pub use entropy::{Entropy, NoEntropy, SystemEntropy};
pub use fingerprint::Fingerprint;
pub use identity::{Chain, Device, HubName, Identity, Kind, Serial, Store};
pub use key::{KeyCost, Passphrase, PrivateKey};
pub use moment::{Lifetimes, Validity};
pub use roots::Roots;
pub use signed::{SignedError, Signer};

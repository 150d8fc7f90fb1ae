//! Claims: what turns a box out of the carton into a store's node.
//!
//! ```text
//! at the hub                        by phone, on paper, as QR            at the box
//! Claim (hashes only) <── draw ──  7K3QM-… or aisle-claim:7K3QM-…  ──>  ClaimInput
//!       │                                                                   │
//!       └── Introduction: whoever knows the code can tell the real hub ─────┘   before the code is given to anybody
//! ```
//!
//! Lives here: codes ([`code`]), links with what is needed to trust a hub ([`link`]), what is printed ([`slip`]), the hub's record of a claim ([`record`]) and
//! the first contact ([`introduction`]). Not here: what becomes of a node after that (`enrolment`).
//! Guards: a code is kept nowhere, works once, until a time, for one store.

pub mod code;
pub mod introduction;
pub mod link;
pub mod record;
pub mod slip;

pub use code::{ClaimCode, CodeError, Locator};
pub use introduction::{Introduction, IntroductionError, Nonce};
pub use link::{ClaimInput, ClaimLink, HubAddress, LinkError};
pub use record::{Claim, ClaimError, ClaimState, Redeemed, Redemption};
pub use slip::{ClaimSlip, SlipError};

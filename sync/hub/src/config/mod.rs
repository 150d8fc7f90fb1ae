//! The hub's configuration: `hub.toml` and variables that begin with `AISLE_HUB_`, resolved once into what cannot be wrong.
//!
//! Lives here: the settings as they are written ([`RawConfig`]), their sources, and [`Config`]. Not here: what the parts do with
//! them. Guards invariant 10: a setting that is not known is refused with the nearest one that is.

mod enrolment;
mod load;
mod people;
mod raw;
mod relay;
mod resolve;

pub use enrolment::{Enrolment, PassphraseSource, RawApproval, RawEnrolment};
pub use load::load;
pub use raw::{
    RawArtefacts, RawConfig, RawHttp, RawLimits, RawListen, RawLogFormat, RawNode, RawOidc, RawOidcRole,
    RawPeople, RawPolicies, RawRelay, RawRelayed, RawTls, RawUpstream,
};
pub use relay::Relay;
pub use resolve::{Config, Files, Listen};

/// Why the configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source cannot be read.
    #[error("cannot read the configuration `{path}`: {reason}")]
    Read {
        /// Which.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A key that is not known.
    #[error("{origin}: `{key}` is no setting{nearest}")]
    UnknownKey {
        /// Where it stands.
        origin: String,
        /// Which.
        key: String,
        /// The nearest that is known, as the end of a sentence.
        nearest: String,
    },
    /// A value of another type.
    #[error("{origin}: `{key}` cannot be used: {reason}")]
    Value {
        /// Where it stands.
        origin: String,
        /// Which.
        key: String,
        /// Why not.
        reason: String,
    },
    /// A value that cannot be right.
    #[error("`{key}` is {found}, expected {expected}")]
    Wrong {
        /// Which.
        key: String,
        /// What stands there.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
}

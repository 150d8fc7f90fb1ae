//! [`Egress`]: something that may leave. There is no way to make one but through the gate.

use crate::{fate::Fates, name::Region};
use aisle_event::{EventType, Hlc, LogClass};
use aisle_protocol::PolicyId;
use std::{fmt, marker::PhantomData};

/// What the gate lets out to one region: the kind, the time and the CBOR map that leave, bound to the policy that allowed them.
///
/// Only this goes into an outbox. It cannot be built elsewhere:
///
/// ```compile_fail
/// let forged: aisle_residency::Egress<aisle_event::Event> = aisle_residency::Egress {
///     region: "eu".parse().unwrap(),
///     policy: aisle_protocol::PolicyId::default(),
///     kind: aisle_event::EventType(0x0201),
///     class: aisle_event::LogClass::Sales,
///     hlc: aisle_event::Hlc(0),
///     payload: Box::from([0xa0]),
///     fates: Default::default(),
///     what: std::marker::PhantomData,
/// };
/// ```
///
/// nor made through the gate's own function,
///
/// ```compile_fail
/// let forge = aisle_residency::Egress::<aisle_event::Event>::let_out;
/// ```
///
/// nor from bytes, nor out of nothing, nor by changing what one holds:
///
/// ```compile_fail
/// let forged: aisle_residency::Egress<aisle_event::Event> = Default::default();
/// ```
/// ```compile_fail
/// fn is_read<T: serde::de::DeserializeOwned>() {}
/// is_read::<aisle_residency::Egress<aisle_event::Event>>();
/// ```
/// ```compile_fail
/// fn change(egress: &mut aisle_residency::Egress<aisle_event::Event>) {
///     egress.payload = Box::from([0xa0]);
/// }
/// ```
///
/// What can be done with one is to read it:
///
/// ```
/// fn read(egress: &aisle_residency::Egress<aisle_event::Event>) -> (u16, usize) {
///     (egress.kind().0, egress.payload().len())
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Egress<T> {
    region: Region,
    policy: PolicyId,
    kind: EventType,
    class: LogClass,
    hlc: Hlc,
    payload: Box<[u8]>,
    fates: Fates,
    what: PhantomData<fn() -> T>,
}

/// What a gate knows of something that it lets out.
pub(crate) struct LetOut {
    pub(crate) region: Region,
    pub(crate) policy: PolicyId,
    pub(crate) kind: EventType,
    pub(crate) class: LogClass,
    pub(crate) hlc: Hlc,
    pub(crate) payload: Vec<u8>,
    pub(crate) fates: Fates,
}

impl<T> Egress<T> {
    pub(crate) fn let_out(out: LetOut) -> Self {
        let LetOut { region, policy, kind, class, hlc, payload, fates } = out;
        Self { region, policy, kind, class, hlc, payload: payload.into(), fates, what: PhantomData }
    }

    /// Where it may go.
    #[must_use]
    pub const fn region(&self) -> &Region {
        &self.region
    }

    /// The policy that allowed it.
    #[must_use]
    pub const fn policy(&self) -> PolicyId {
        self.policy
    }

    /// Its type's number.
    #[must_use]
    pub const fn kind(&self) -> EventType {
        self.kind
    }

    /// The log that it goes to.
    #[must_use]
    pub const fn class(&self) -> LogClass {
        self.class
    }

    /// Its time, as exact as the policy lets it be. Not for order: where it is less exact than it was, the counter is a code that tells the
    /// records of a step apart.
    #[must_use]
    pub const fn hlc(&self) -> Hlc {
        self.hlc
    }

    /// The CBOR map that leaves.
    #[must_use]
    pub const fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What became of its fields.
    #[must_use]
    pub const fn fates(&self) -> &Fates {
        &self.fates
    }
}

/// Without the payload: what leaves is not for logs.
impl<T> fmt::Debug for Egress<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress")
            .field("region", &self.region)
            .field("policy", &self.policy)
            .field("kind", &self.kind)
            .field("class", &self.class)
            .field("payload_bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

//! What is kept of the erasure of a person, as evidence: that it was asked for, and each step that is done.
//!
//! The person stands there by a code. What an entry says is `aisle-residency`'s; here is what everybody may read of it.

use crate::{
    id::Name,
    opaque::Blob,
    record::{code, record},
    time::Timestamp,
};

code! {
    /// How far an erasure is.
    pub enum ErasureStep {
        /// The person's keys are destroyed: what was sealed with them opens no more.
        KeyDestroyed = 1 "key-destroyed",
        /// What was derived from the events holds nothing of the person.
        DerivedRewritten = 2 "derived-rewritten",
        /// Nothing of the person lies in the journal in the clear.
        RetentionEnded = 3 "retention-ended",
        /// A hub was asked.
        HubAsked = 4 "hub-asked",
        /// A hub has erased, and its receipt is kept.
        HubErased = 5 "hub-erased",
        /// All is done, with a receipt.
        Completed = 6 "completed",
    }
}

record! {
    /// A person is to be erased.
    pub struct ErasureRequested {
        /// The erasure's name, unique in the store.
        1 open erasure: Name,
        /// The request, as `aisle-residency` writes it: the person's code, and the tokens that hubs know them by.
        2 pseudonymous entry: Blob,
        /// When.
        3 open at: Timestamp,
        /// Why, in the words of who asked.
        4 open reason: Option<Name>,
    }

    /// A step of an erasure is done.
    pub struct ErasureAdvanced {
        /// Which.
        1 open erasure: Name,
        /// What is done.
        2 open step: ErasureStep,
        /// The step, as `aisle-residency` writes it: ids of keys, records, receipts.
        3 pseudonymous entry: Blob,
        /// When.
        4 open at: Timestamp,
    }
}

//! How private a field is, and the description of a record that the residency gate and the docs read.
//!
//! Not here: what a region lets out (that is policy, in `aisle-residency`).

use serde::Serialize;

/// How private the content of a field is. Ordered: a later class needs more care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Says nothing about a person: a SKU, a price, a shelf.
    Open,
    /// Links the acts of one person without naming them: a session id, a basket.
    Pseudonymous,
    /// Names or finds a person, alone or with a list at headquarters: a customer number, free text they typed.
    Personal,
    /// Would harm a person if it got out: health, payment, credentials.
    Sensitive,
}

/// The class of a field: its own, or that of the fields inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldClass {
    /// A value with one class.
    Leaf(Class),
    /// A record, or a list of records, whose own fields carry the classes.
    Nested(&'static [Field]),
}

/// One numbered field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The key in the CBOR map. Never reused, never renumbered.
    pub number: u64,
    /// The name in code, JSON and policies.
    pub name: &'static str,
    /// How private it is.
    pub class: FieldClass,
    /// The type as the definition writes it: `Option<Timestamp>`, `Vec<Sku>`. What a policy can do with a value depends on it.
    pub holds: &'static str,
}

/// A type made by `record!`: a CBOR map whose fields are numbered and classed.
pub trait Record {
    /// The type's name in code, JSON and policies.
    const NAME: &'static str;
    /// Its fields, in ascending order of number.
    const FIELDS: &'static [Field];
}

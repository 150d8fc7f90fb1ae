//! Whose the private values of a batch are: under whose key they are sealed.
//!
//! | values | are sealed under the key of |
//! |---|---|
//! | customer of a sale, a return, a session | the customer |
//! | what a plugin keeps, where it names a customer of the same batch | that customer |
//! | what a plugin keeps otherwise | the plugin |
//! | what was typed into a search, scanned codes | everybody in the store within that hour |
//!
//! Nobody knows who typed a search, and a key for each visit would be millions: an erasure destroys the hours in which the person was in
//! the store, with what others typed in them. What devices publish (MQTT) is about no person and is not sealed.

use aisle_event::{CustomerRef, Event, EventType, Name, plugin::PluginKept};
use aisle_journal::Entry;

/// Events that name a customer.
const NAMING: [u16; 3] = [0x0108, 0x0201, 0x0202];
/// Events with values that may be about anybody.
const OF_ANYBODY: [u16; 2] = [0x0106, 0x060d];
/// What plugins keep.
pub(crate) const KEPT: u16 = 0x0903;
const HOUR_MS: u64 = 60 * 60 * 1_000;

/// Under whose key something is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// There is nothing to seal.
    Nobody,
    Customer(CustomerRef),
    Hour(u64),
    Plugin(Name),
}

impl Holder {
    /// What their key is found by. A customer's number has no control characters, so none of the others is one.
    pub(crate) fn known_as(&self) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Customer(customer) => Some(customer.as_str().to_owned()),
            Self::Hour(hour) => Some(format!("\0hour {hour}")),
            Self::Plugin(plugin) => Some(format!("\0plugin {plugin}")),
        }
    }
}

/// True for events in which something may be sealed.
pub(crate) fn may_be_sealed(kind: u16) -> bool {
    kind == KEPT || NAMING.contains(&kind) || OF_ANYBODY.contains(&kind)
}

/// True for events that name a customer.
pub(crate) fn is_naming(kind: u16) -> bool {
    NAMING.contains(&kind)
}

/// The customer that an event names.
pub(crate) fn customer(event: &Event) -> Option<&CustomerRef> {
    match event {
        Event::CustomerNamed(named) => named.customer.as_ref(),
        Event::SaleRecorded(sale) => sale.customer.as_ref(),
        Event::ReturnRecorded(back) => back.customer.as_ref(),
        _ => None,
    }
}

/// Whose the values of each entry are.
///
/// # Errors
/// When an entry is not the event that it says it is.
pub(crate) fn holders(batch: &[Entry], now_ms: u64) -> Result<Vec<Holder>, String> {
    let read = |entry: &Entry| {
        let wanted = is_naming(entry.kind) || entry.kind == KEPT;
        let decode =
            || Event::decode(EventType(entry.kind), &entry.payload).map_err(|error| error.to_string());
        wanted.then(decode).transpose()
    };
    let events = batch.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let customers: Vec<&CustomerRef> = events.iter().flatten().filter_map(customer).collect();
    let holder = |(entry, event): (&Entry, &Option<Event>)| match event {
        Some(Event::PluginKept(kept)) if !kept.writes.is_empty() => {
            let named = customers.iter().find(|customer| names(kept, customer.as_str()));
            named.map_or_else(
                || Holder::Plugin(kept.plugin.clone()),
                |named| Holder::Customer((*named).clone()),
            )
        }
        Some(event) => customer(event).cloned().map_or(Holder::Nobody, Holder::Customer),
        None if OF_ANYBODY.contains(&entry.kind) => Holder::Hour(now_ms / HOUR_MS),
        None => Holder::Nobody,
    };
    Ok(batch.iter().zip(&events).map(holder).collect())
}

/// True when what a plugin keeps has a text in it.
fn names(kept: &PluginKept, text: &str) -> bool {
    let mut writes = kept.writes.iter();
    writes.any(|write| {
        write.key.contains(text) || write.value.as_ref().is_some_and(|value| holds(&value.0, text))
    })
}

/// True when bytes have a text in them.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::{Class, Field, FieldClass};

    fn is_private(fields: &[Field]) -> bool {
        fields.iter().any(|field| match field.class {
            FieldClass::Leaf(class) => class >= Class::Personal,
            FieldClass::Nested(inner) => is_private(inner),
        })
    }

    #[test]
    fn every_event_with_a_private_field_is_sealed_but_those_of_the_broker() {
        for (kind, name, fields) in Event::TYPES {
            let of_broker = kind.0 >> 8 == 0x05;
            assert_eq!(may_be_sealed(kind.0), is_private(fields) && !of_broker, "{name}");
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_events_they_are_meant_for() {
        let named = |wanted: &str| Event::TYPES.iter().find(|(_, name, _)| *name == wanted).unwrap().0.0;
        assert_eq!(
            NAMING.map(EventType),
            ["CustomerNamed", "SaleRecorded", "ReturnRecorded"].map(|it| EventType(named(it)))
        );
        assert_eq!(OF_ANYBODY, [named("Searched"), named("CodeScanned")]);
        assert_eq!(KEPT, named("PluginKept"));
    }
}

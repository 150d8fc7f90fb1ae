//! Every field of every event by its path, as policies, receipts and explanations name it.
//!
//! A path is the event's name and the names of the fields down to a value: `SaleRecorded.lines.sku`. For fields that this build
//! does not know each event has one path that ends in `?`; no policy can name it.

use crate::shape::{Holds, Shape};
use aisle_event::{Class, Event, EventType, Field, FieldClass};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::LazyLock,
};

/// A field of an event, by its place in the vocabulary of this build. Not for disk or wire: those use numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(u16);

/// What is known of a field.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) event: EventType,
    pub(crate) event_name: &'static str,
    pub(crate) full: String,
    pub(crate) numbers: Vec<u64>,
    pub(crate) class: Class,
    pub(crate) holds: Holds,
}

#[derive(Debug, Default)]
struct Vocabulary {
    entries: Vec<Entry>,
    by_name: HashMap<String, Path>,
    by_number: BTreeMap<(EventType, Vec<u64>), Path>,
}

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let mut vocabulary = Vocabulary::default();
    for (kind, name, fields) in Event::TYPES {
        vocabulary.add(*kind, name, &mut Vec::new(), &format!("{name}."), fields);
        let unknown = Holds { many: crate::shape::Many::One, shape: Shape::Unknown, domain: "" };
        vocabulary.put(*kind, name, Vec::new(), format!("{name}.?"), Class::Sensitive, unknown);
    }
    vocabulary
});

impl Vocabulary {
    fn add(
        &mut self,
        event: EventType,
        event_name: &'static str,
        above: &mut Vec<u64>,
        prefix: &str,
        fields: &'static [Field],
    ) {
        for field in fields {
            above.push(field.number);
            let full = format!("{prefix}{}", field.name);
            match field.class {
                FieldClass::Leaf(class) => {
                    self.put(event, event_name, above.clone(), full, class, Holds::read(field.holds));
                }
                FieldClass::Nested(inner) => self.add(event, event_name, above, &format!("{full}."), inner),
            }
            above.pop();
        }
    }

    fn put(
        &mut self,
        event: EventType,
        event_name: &'static str,
        numbers: Vec<u64>,
        full: String,
        class: Class,
        holds: Holds,
    ) {
        // Some three hundred fields; where a 16-bit place were not enough, the field would have none and never leave.
        let Ok(place) = u16::try_from(self.entries.len()) else { return };
        self.by_name.insert(full.clone(), Path(place));
        self.by_number.insert((event, numbers.clone()), Path(place));
        self.entries.push(Entry { event, event_name, full, numbers, class, holds });
    }
}

impl Path {
    /// The field of a full path such as `SaleRecorded.lines.sku`.
    #[must_use]
    pub fn named(full: &str) -> Option<Self> {
        VOCABULARY.by_name.get(full).copied().filter(|path| !path.is_unknown())
    }

    /// The field of an event by the numbers down to it; no numbers stand for what is not known of that event.
    #[must_use]
    pub fn numbered(event: EventType, numbers: &[u64]) -> Option<Self> {
        VOCABULARY.by_number.get(&(event, numbers.to_vec())).copied()
    }

    /// Every field of every event that this build knows.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..VOCABULARY.entries.len())
            .filter_map(|place| u16::try_from(place).ok())
            .map(Self)
            .filter(|path| !path.is_unknown())
    }

    pub(crate) fn entry(self) -> &'static Entry {
        // A `Path` is made only with a place that exists; the first entry stands in for one that does not.
        static NONE: LazyLock<Entry> = LazyLock::new(|| Entry {
            event: EventType(0),
            event_name: "?",
            full: "?".into(),
            numbers: Vec::new(),
            class: Class::Sensitive,
            holds: Holds { many: crate::shape::Many::One, shape: Shape::Unknown, domain: "" },
        });
        VOCABULARY.entries.get(usize::from(self.0)).unwrap_or(&NONE)
    }

    /// The event that it is a field of.
    #[must_use]
    pub fn event(self) -> EventType {
        self.entry().event
    }

    /// The name of that event.
    #[must_use]
    pub fn event_name(self) -> &'static str {
        self.entry().event_name
    }

    /// The numbers of the fields down to it; none for what is not known.
    #[must_use]
    pub fn numbers(self) -> &'static [u64] {
        &self.entry().numbers
    }

    /// How private it is. What is not known counts as sensitive.
    #[must_use]
    pub fn class(self) -> Class {
        self.entry().class
    }

    /// What kind of value it holds.
    #[must_use]
    pub fn shape(self) -> Shape {
        self.entry().holds.shape
    }

    /// The full path.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        &self.entry().full
    }

    /// True for the path that stands for all fields of an event that this build does not know.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        self.numbers().is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The event type of a name, with its fields.
pub(crate) fn event_named(name: &str) -> Option<(EventType, &'static str, &'static [Field])> {
    Event::TYPES.iter().find(|(_, known, _)| *known == name).copied()
}

/// The name among `known` that a misspelt one is nearest to, when one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let apart = |other: &str| strsim::damerau_levenshtein(name, other);
    // A name is bounded before it comes here, so this is quick.
    known
        .map(|other| (apart(other), other))
        .min()
        .filter(|(apart, other)| *apart <= 1.max(other.len() / 3))
        .map(|(_, other)| other)
}

/// The full path that a misspelt one is nearest to, among those of its event.
pub(crate) fn nearest_path(full: &str) -> Option<&'static str> {
    let (event, rest) = full.split_once('.')?;
    let of_event = || Path::all().filter(|path| path.event_name() == event);
    let name = |path: Path| path.as_str().split_once('.').map_or("", |(_, name)| name);
    let nearest = nearest(rest, of_event().map(name))?;
    of_event().find(|path| name(*path) == nearest).map(Path::as_str)
}

//! Documents as they are written: `who` may be the name of a saved filter, `"@small-and-old"`.
//!
//! A name stands for what the filter says at that moment. What is kept has none in it, so that whoever changes a filter moves no group, and no rollout that people have looked at. What a text
//! saves itself counts before what was saved, and a filter names no other one. Not here: where filters are kept; whoever resolves names knows. Guards: nothing is checked, compared or
//! kept before its names are resolved.

use super::{Document, DocumentError};
use crate::{
    artefact::ArtefactSet,
    gate::Gates,
    group::{Filter, Group, Override, Says},
    name::{FilterName, GroupName, InvalidName, RolloutId, WaveName},
    rollout::{RolloutSpec, WAVES_MAX, offline_minutes},
    selector::{Selector, SelectorError},
    text::text_form,
    wave::{OnFailure, Size, WaveSpec},
};
use aisle_event::StoreId;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// Whom somebody means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// Said in so many words.
    Selector(Selector),
    /// By the name of a saved filter, behind an `@`.
    Saved(FilterName),
}

/// Why a text says nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MeantError {
    /// What stands behind the `@` is no name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// It is no selector.
    #[error(transparent)]
    Selector(#[from] SelectorError),
}

/// A name that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{path}` names `@{name}`, and no saved filter is called that\nhint: save it first, or in the same text"
)]
pub struct Unsaved {
    /// Which field.
    pub path: String,
    /// The name.
    pub name: FilterName,
}

impl fmt::Display for Meant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selector(selector) => write!(f, "{selector}"),
            Self::Saved(name) => write!(f, "@{name}"),
        }
    }
}

impl FromStr for Meant {
    type Err = MeantError;

    fn from_str(text: &str) -> Result<Self, MeantError> {
        Ok(match text.strip_prefix('@') {
            Some(name) => Self::Saved(FilterName::new(name)?),
            None => Self::Selector(Selector::parse(text)?),
        })
    }
}

text_form!(Meant);

impl Meant {
    const fn name(&self) -> Option<&FilterName> {
        match self {
            Self::Selector(_) => None,
            Self::Saved(name) => Some(name),
        }
    }

    fn resolve(
        self,
        path: impl FnOnce() -> String,
        known: impl Fn(&FilterName) -> Option<Selector>,
    ) -> Result<Selector, Unsaved> {
        match self {
            Self::Selector(selector) => Ok(selector),
            Self::Saved(name) => known(&name).ok_or_else(|| Unsaved { path: path(), name }),
        }
    }
}

/// A [`Group`] as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenGroup {
    /// Its name.
    pub name: GroupName,
    /// Where two groups say different things, the higher one counts.
    #[serde(default)]
    pub priority: i32,
    /// Whom it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Meant>,
    /// Stores that it means besides.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stores: BTreeSet<StoreId>,
    /// What it says.
    #[serde(default)]
    pub says: Says,
}

impl WrittenGroup {
    /// The saved filters that it names.
    pub fn names(&self) -> impl Iterator<Item = &FilterName> {
        self.who.iter().filter_map(Meant::name)
    }

    /// The group that it comes to.
    ///
    /// # Errors
    /// When a name stands for nothing.
    pub fn resolve(self, known: impl Fn(&FilterName) -> Option<Selector>) -> Result<Group, Unsaved> {
        let Self { name, priority, who, stores, says } = self;
        let who = who.map(|who| who.resolve(|| "who".into(), known)).transpose()?;
        Ok(Group { name, priority, who, stores, says })
    }
}

/// A [`WaveSpec`] as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenWave {
    /// Its name.
    pub name: WaveName,
    /// Whom it means, among those that the rollout means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Meant>,
    /// How many of them.
    #[serde(default)]
    pub size: Size,
    /// How long it is looked at after enough nodes have run it, in minutes.
    #[serde(default)]
    pub soak_minutes: u32,
    /// Its gates, where they differ from the rollout's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
    /// What happens when one does not hold.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// True where a person has to say that the next wave may begin.
    #[serde(default)]
    pub asks: bool,
}

/// A [`RolloutSpec`] as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenRollout {
    /// Its name.
    pub rollout: RolloutId,
    /// What it is for.
    pub why: String,
    /// Whom it means.
    pub who: Meant,
    /// What they should run.
    pub set: ArtefactSet,
    /// In which order.
    pub waves: Vec<WrittenWave>,
    /// The gates of every wave that does not name its own.
    #[serde(default)]
    pub gates: Gates,
    /// How many people beside the author must approve.
    #[serde(default)]
    pub approvals: u8,
    /// A node that was not heard of for so long is away, in minutes.
    #[serde(default = "offline_minutes")]
    pub offline_minutes: u32,
}

impl WrittenRollout {
    /// The saved filters that it and its waves name.
    pub fn names(&self) -> impl Iterator<Item = &FilterName> {
        let of_waves = self.waves.iter().filter_map(|wave| wave.who.as_ref());
        std::iter::once(&self.who).chain(of_waves).filter_map(Meant::name)
    }

    /// The rollout that it comes to.
    ///
    /// # Errors
    /// When a name stands for nothing.
    pub fn resolve(self, known: impl Fn(&FilterName) -> Option<Selector>) -> Result<RolloutSpec, Unsaved> {
        let Self { rollout, why, who, set, waves, gates, approvals, offline_minutes } = self;
        let who = who.resolve(|| "who".into(), &known)?;
        let wave = |(place, wave): (usize, WrittenWave)| -> Result<WaveSpec, Unsaved> {
            let WrittenWave { name, who, size, soak_minutes, gates, on_failure, asks } = wave;
            let who = who.map(|who| who.resolve(|| format!("waves[{place}].who"), &known)).transpose()?;
            Ok(WaveSpec { name, who, size, soak_minutes, gates, on_failure, asks })
        };
        // A name is short, and what it stands for is not: one wave too many is enough to be refused for.
        let waves = waves.into_iter().take(WAVES_MAX + 1).enumerate().map(wave);
        let waves = waves.collect::<Result<Vec<_>, _>>()?;
        Ok(RolloutSpec { rollout, why, who, set, waves, gates, approvals, offline_minutes })
    }
}

/// A [`Document`] as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrittenDocument {
    /// A group.
    Group(WrittenGroup),
    /// An override.
    Override(Override),
    /// A saved filter.
    Filter(Filter),
    /// A rollout.
    Rollout(WrittenRollout),
}

impl WrittenDocument {
    fn names(&self) -> Vec<&FilterName> {
        match self {
            Self::Group(group) => group.names().collect(),
            Self::Rollout(rollout) => rollout.names().collect(),
            Self::Override(_) | Self::Filter(_) => Vec::new(),
        }
    }

    fn resolve(self, known: impl Fn(&FilterName) -> Option<Selector>) -> Result<Document, Unsaved> {
        Ok(match self {
            Self::Group(group) => Document::Group(group.resolve(known)?),
            Self::Override(one) => Document::Override(one),
            Self::Filter(filter) => Document::Filter(filter),
            Self::Rollout(rollout) => Document::Rollout(rollout.resolve(known)?),
        })
    }
}

/// The documents of a text, as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written(pub(super) Vec<WrittenDocument>);

impl Written {
    /// The saved filters that have to be known: those that the text names, and does not save itself.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&FilterName> {
        let own: BTreeSet<&FilterName> = self.filters().map(|filter| &filter.name).collect();
        let named = self.0.iter().flat_map(WrittenDocument::names);
        named.filter(|name| !own.contains(name)).collect()
    }

    /// Each document, in their order.
    #[must_use]
    pub fn documents(self) -> Vec<WrittenDocument> {
        self.0
    }

    /// What they come to.
    ///
    /// # Errors
    /// Names the document with a name that stands for nothing, or the one that cannot be.
    pub fn resolve(
        self,
        known: impl Fn(&FilterName) -> Option<Selector>,
    ) -> Result<Vec<Document>, DocumentError> {
        let own: BTreeMap<FilterName, Selector> =
            self.filters().map(|filter| (filter.name.clone(), filter.who.clone())).collect();
        let known = |name: &FilterName| own.get(name).cloned().or_else(|| known(name));
        let mut documents = Vec::with_capacity(self.0.len());
        let mut seen = BTreeSet::new();
        for (written, place) in self.0.into_iter().zip(1..) {
            let document =
                written.resolve(known).map_err(|source| DocumentError::Unsaved { place, source })?;
            document.check(place)?;
            if !seen.insert(document.subject()) {
                return Err(DocumentError::Twice { place });
            }
            documents.push(document);
        }
        Ok(documents)
    }

    fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.0.iter().filter_map(|document| match document {
            WrittenDocument::Filter(filter) => Some(filter),
            _ => None,
        })
    }
}

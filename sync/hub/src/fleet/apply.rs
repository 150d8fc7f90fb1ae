//! Documents: groups, filters, overrides and drafts of rollouts, all of a text or none, with what differs; dry where nothing is to change.
//!
//! A dry run does the same in the same transaction and ends it without a commit; so it cannot say anything else than what would be done. Guards: by documents nobody changes alone
//! what much of the fleet runs at once, be it artefacts or settings, and no policy goes out by them that this hub does not know.

use super::{
    FILTERS_MAX, OVERRIDES_MAX, ROLLOUTS_MAX,
    act::Voice,
    ahead, business, effects,
    forget::{self, Spare},
    world,
    world::{Members, Words},
};
use crate::database::{
    DatabaseError,
    fleet::{Change, WordKind},
};
use aisle_event::Timestamp;
use aisle_fleet::{
    Document, Filter, Group, NodeId, Override, Rollout, RolloutPhase, RolloutSpec, group::GROUPS_MAX,
    rollout::InvalidRollout,
};
use serde::Serialize;
use serde_json::{Value, json};

/// How many nodes are named of those that change.
const EXAMPLES_MAX: usize = 10;
/// Documents change the artefacts and the settings of at most one node of so many at once, and those of one node in any case. Artefacts that reach further go in waves, which
/// another person agrees to; settings, which no rollout carries, by a group that grows.
const AT_ONCE_SHARE: u64 = 4;

/// What becomes of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Differs {
    /// There was none of this name.
    Created,
    /// There was another one.
    Changed,
    /// It is there as it is.
    Unchanged,
}

/// One document and what becomes of it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Difference {
    /// `group`, `filter`, `override` or `rollout`.
    pub kind: &'static str,
    /// Its name; the store, or the store and the serial, of an override.
    pub name: String,
    /// What becomes of it.
    pub differs: Differs,
    /// How it was; null where there was none.
    #[schema(value_type = Object, nullable)]
    pub was: Value,
    /// How it is.
    #[schema(value_type = Object)]
    pub becomes: Value,
}

/// What documents come to.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Applied {
    /// True where nothing was changed.
    pub dry_run: bool,
    /// Each document, in their order.
    pub documents: Vec<Difference>,
    /// How many nodes should be something else afterwards.
    pub nodes: u64,
    /// Some of them, by name.
    pub examples: Vec<NodeId>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error("there are {max} {what} already\nhint: take some away that nobody needs")]
    TooMany { what: &'static str, max: i64 },
    #[error(
        "there are {ROLLOUTS_MAX} rollouts already, and none of them is over and decides nothing any more\nhint: `aisle fleet rollout delete` forgets one; say in a group first what its stores should run"
    )]
    TooManyRollouts,
    #[error(
        "the rollout `{name}` is {phase}, and cannot be written anew\nhint: give it another name; where only a saved filter that it names has changed, leave it out, or write down what the filter said"
    )]
    Begun { name: String, phase: String },
    #[error("there is a rollout `{0}` already")]
    Exists(String),
    #[error(transparent)]
    Rollout(#[from] InvalidRollout),
    #[error("there is no such {0}")]
    Unknown(&'static str),
    #[error("it was changed meanwhile")]
    Stale,
    #[error("the rollouts were changed at the same moment\nhint: look at them, and say it again")]
    Raced,
    #[error("`artefacts` of the {document} names {why}")]
    Policy { document: String, why: String },
    #[error(
        "that would change what {nodes} of {fleet} nodes run at once, and documents change one of {AT_ONCE_SHARE} at most\nhint: roll it out in waves, then say it here: a rollout that is done changes nothing any more"
    )]
    AtOnce { nodes: u64, fleet: u64 },
    #[error(
        "that would change the settings of {nodes} of {fleet} nodes at once, and documents change one of {AT_ONCE_SHARE} at most\nhint: widen or narrow the group in steps of so many nodes, and look after each how they do"
    )]
    SettingsAtOnce { nodes: u64, fleet: u64 },
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Something that is kept as a document.
pub(crate) enum Kept<'a> {
    Group(&'a Group),
    Filter(&'a Filter),
    Override(&'a Override),
}

/// The place of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub kind: WordKind,
    pub name: &'a str,
    pub part: &'a str,
}

impl Kept<'_> {
    fn json(&self) -> Value {
        let json = match self {
            Self::Group(group) => serde_json::to_value(group),
            Self::Filter(filter) => serde_json::to_value(filter),
            Self::Override(one) => serde_json::to_value(one),
        };
        // Texts and numbers only: there is always a form.
        json.unwrap_or_default()
    }

    fn place(&self) -> Place<'_> {
        match self {
            Self::Group(group) => Place { kind: WordKind::Group, name: group.name.as_str(), part: "" },
            Self::Filter(filter) => Place { kind: WordKind::Filter, name: filter.name.as_str(), part: "" },
            Self::Override(one) => {
                let part = one.serial.as_ref().map_or("", |serial| serial.as_str());
                Place { kind: WordKind::Override, name: one.store.as_str(), part }
            }
        }
    }
}

impl Kept<'_> {
    /// As it would be said.
    fn say(&self, words: &mut Words) {
        self.place().unsay(words);
        match self {
            Self::Group(group) => words.groups.push((*group).clone()),
            Self::Override(one) => words.overrides.push((*one).clone()),
            // A filter is to look with.
            Self::Filter(_) => {}
        }
    }

    /// A policy that this hub does not know must not come into force by it: what its stores would send by it is refused.
    async fn check_policy(&self, voice: Voice<'_>) -> Result<(), ApplyError> {
        let says = match self {
            Self::Group(group) => &group.says,
            Self::Override(one) => &one.says,
            Self::Filter(_) => return Ok(()),
        };
        let Some(why) = ahead::unknown_policy(voice.database, &says.artefacts).await? else {
            return Ok(());
        };
        let place = self.place();
        Err(ApplyError::Policy { document: format!("{} `{}`", place.kind.as_str(), place.shown()), why })
    }
}

impl Place<'_> {
    /// As if nobody had said it.
    fn unsay(self, words: &mut Words) {
        match self.kind {
            WordKind::Group => words.groups.retain(|known| known.name.as_str() != self.name),
            WordKind::Override => words.overrides.retain(|known| {
                let part = known.serial.as_ref().map_or("", |serial| serial.as_str());
                (known.store.as_str(), part) != (self.name, self.part)
            }),
            WordKind::Filter => {}
        }
    }

    fn shown(&self) -> String {
        if self.part.is_empty() { self.name.to_owned() } else { format!("{}/{}", self.name, self.part) }
    }

    const fn action(&self, is_removed: bool) -> &'static str {
        match (self.kind, is_removed) {
            (WordKind::Group, false) => "group.put",
            (WordKind::Group, true) => "group.delete",
            (WordKind::Filter, false) => "filter.put",
            (WordKind::Filter, true) => "filter.delete",
            (WordKind::Override, false) => "override.put",
            (WordKind::Override, true) => "override.delete",
        }
    }
}

/// Keeps one. `expected` is the version that was looked at, where somebody says so. Gives the version that it has then.
pub(crate) async fn put(
    voice: Voice<'_>,
    kept: &Kept<'_>,
    expected: Option<i64>,
) -> Result<(Difference, i64), ApplyError> {
    kept.check_policy(voice).await?;
    Reach::of(voice, |words| kept.say(words)).await?.may(voice)?;
    let mut change = voice.database.change_fleet(false).await?;
    let place = kept.place();
    let was = change.word(place.kind, place.name, place.part).await?;
    if expected.is_some_and(|expected| was.as_ref().map_or(0, |was| was.version) != expected) {
        return Err(ApplyError::Stale);
    }
    let (difference, version) = put_in(voice, &mut change, kept).await?;
    change.commit().await?;
    voice.wake.wake();
    Ok((difference, version))
}

/// Takes one away.
pub(crate) async fn remove(voice: Voice<'_>, place: Place<'_>) -> Result<(), ApplyError> {
    Reach::of(voice, |words| place.unsay(words)).await?.may(voice)?;
    let mut change = voice.database.change_fleet(false).await?;
    let Some(was) = change.word(place.kind, place.name, place.part).await? else {
        return Err(ApplyError::Unknown(place.kind.as_str()));
    };
    change.drop_word(place.kind, place.name, place.part).await?;
    let object = format!("{}/{}", place.kind.as_str(), place.shown());
    let line = voice.people.line(voice.who.by(), place.action(true), &object, voice.now_ms);
    change.audit(&line.was(serde_json::from_str(&was.document).unwrap_or_default())).await?;
    change.commit().await?;
    voice.wake.wake();
    Ok(())
}

async fn put_in(
    voice: Voice<'_>,
    change: &mut Change,
    kept: &Kept<'_>,
) -> Result<(Difference, i64), ApplyError> {
    let place = kept.place();
    let becomes = kept.json();
    let was = change.word(place.kind, place.name, place.part).await?;
    let before: Value =
        was.as_ref().map(|was| serde_json::from_str(&was.document).unwrap_or_default()).unwrap_or_default();
    let kind = place.kind.as_str();
    let name = place.shown();
    if let Some(was) = was.as_ref().filter(|_| before == becomes) {
        let version = was.version;
        return Ok((Difference { kind, name, differs: Differs::Unchanged, was: before, becomes }, version));
    }
    let differs = if was.is_some() { Differs::Changed } else { Differs::Created };
    let (what, max) = match place.kind {
        WordKind::Group => ("groups", i64::try_from(GROUPS_MAX).unwrap_or(i64::MAX)),
        WordKind::Filter => ("filters", FILTERS_MAX),
        WordKind::Override => ("overrides", OVERRIDES_MAX),
    };
    if was.is_none() && change.count_words(place.kind).await? >= max {
        return Err(ApplyError::TooMany { what, max });
    }
    let version =
        change.put_word(place.kind, (place.name, place.part), &becomes.to_string(), voice.now_ms).await?;
    let line =
        voice.people.line(voice.who.by(), place.action(false), &format!("{kind}/{name}"), voice.now_ms);
    let line = line.became(becomes.clone());
    change.audit(&if was.is_some() { line.was(before.clone()) } else { line }).await?;
    Ok((Difference { kind, name, differs, was: before, becomes }, version))
}

/// Writes a draft of a rollout. One of the same name may be there only where `over` is its counter as somebody looked at it, and as a draft.
pub(crate) async fn draft(
    voice: Voice<'_>,
    spec: RolloutSpec,
    over: Option<i64>,
) -> Result<Rollout, ApplyError> {
    let mut spare = forget::spare(voice, 1).await?;
    let mut change = voice.database.change_fleet(false).await?;
    let there = change.rollout(spec.rollout.as_str()).await?;
    match (over, there) {
        (None, Some(_)) => return Err(ApplyError::Exists(spec.rollout.to_string())),
        // One that has begun is told of as that.
        (Some(seen), Some(there))
            if *there.rollout.phase() == RolloutPhase::Draft && there.counter != seen =>
        {
            return Err(ApplyError::Stale);
        }
        (Some(_), None) => return Err(ApplyError::Stale),
        _ => {}
    }
    let (_, rollout) = draft_in(voice, &mut change, spec, &mut spare).await?;
    change.commit().await?;
    voice.wake.wake();
    Ok(rollout)
}

async fn draft_in(
    voice: Voice<'_>,
    change: &mut Change,
    spec: RolloutSpec,
    spare: &mut Spare,
) -> Result<(Difference, Rollout), ApplyError> {
    let name = spec.rollout.to_string();
    let becomes = serde_json::to_value(&spec).unwrap_or_default();
    let there = change.rollout(&name).await?;
    let was = there
        .as_ref()
        .map(|there| serde_json::to_value(there.rollout.spec()).unwrap_or_default())
        .unwrap_or_default();
    let kind = "rollout";
    let mut differs = Differs::Created;
    if let Some(there) = there {
        if was == becomes {
            let difference = Difference { kind, name, differs: Differs::Unchanged, was, becomes };
            return Ok((difference, there.rollout));
        }
        if *there.rollout.phase() != RolloutPhase::Draft {
            return Err(ApplyError::Begun { name, phase: there.rollout.phase().to_string() });
        }
        differs = Differs::Changed;
    }
    if let Some(invalid) = business::unknown(&spec) {
        return Err(invalid.into());
    }
    let (count, place) = change.next_rollout().await?;
    if differs == Differs::Created && count >= ROLLOUTS_MAX {
        // The oldest one of which nobody would notice that it is gone makes room.
        let old = spare.oldest().ok_or(ApplyError::TooManyRollouts)?;
        if !forget::forget_in(voice, change, spare, &old).await? {
            return Err(ApplyError::Raced);
        }
    }
    let rollout = Rollout::draft(spec, &voice.who.id, place.cast_unsigned())?;
    change.put_draft(&rollout, &voice.who.name.replace('\0', "\u{fffd}"), voice.now_ms).await?;
    let person = voice.who.by();
    change.note_rollout(&name, &effects::event(&person, "draft", &json!({}), voice.now_ms)).await?;
    let line = voice.people.line(person, "rollout.draft", &format!("rollout/{name}"), voice.now_ms);
    let line = line.became(becomes.clone());
    change.audit(&if differs == Differs::Changed { line.was(was.clone()) } else { line }).await?;
    Ok((Difference { kind, name, differs, was, becomes }, rollout))
}

/// Applies documents, all or none.
pub(crate) async fn apply(
    voice: Voice<'_>,
    documents: Vec<Document>,
    is_dry: bool,
) -> Result<Applied, ApplyError> {
    for document in &documents {
        match document {
            Document::Group(group) => Kept::Group(group).check_policy(voice).await?,
            Document::Override(one) => Kept::Override(one).check_policy(voice).await?,
            // What a rollout brings is looked at by its preflight.
            Document::Filter(_) | Document::Rollout(_) => {}
        }
    }
    let reach = Reach::of(voice, |words| {
        for document in &documents {
            match document {
                Document::Group(group) => Kept::Group(group).say(words),
                Document::Override(one) => Kept::Override(one).say(words),
                // A draft gives nobody anything.
                Document::Filter(_) | Document::Rollout(_) => {}
            }
        }
    })
    .await?;
    reach.may(voice)?;
    let rollouts = documents.iter().filter(|document| matches!(document, Document::Rollout(_))).count();
    let mut spare = forget::spare(voice, rollouts).await?;
    let mut change = voice.database.change_fleet(is_dry).await?;
    let mut differences = Vec::with_capacity(documents.len());
    for document in documents {
        let difference = match document {
            Document::Group(group) => put_in(voice, &mut change, &Kept::Group(&group)).await?.0,
            Document::Filter(filter) => put_in(voice, &mut change, &Kept::Filter(&filter)).await?.0,
            Document::Override(one) => put_in(voice, &mut change, &Kept::Override(&one)).await?.0,
            Document::Rollout(spec) => draft_in(voice, &mut change, spec, &mut spare).await?.0,
        };
        differences.push(difference);
    }
    if is_dry {
        // Dropped, it was never there.
        drop(change);
    } else {
        change.commit().await?;
        voice.wake.wake();
    }
    Ok(Applied { dry_run: is_dry, documents: differences, nodes: reach.nodes, examples: reach.examples })
}

/// How far it reaches what is said.
struct Reach {
    /// How many nodes should be something else.
    nodes: u64,
    /// Some of them.
    examples: Vec<NodeId>,
    /// How many should run something else: other artefacts, or the same with other settings.
    running: u64,
    /// How many of them should hold other artefacts.
    artefacts: u64,
    /// How many there are.
    fleet: u64,
}

impl Reach {
    async fn of(voice: Voice<'_>, say: impl FnOnce(&mut Words)) -> Result<Self, DatabaseError> {
        let now = Timestamp(voice.now_ms);
        let members = Members::read(voice.database).await?;
        let words = Words::read(voice.database).await?;
        let kept = world::rollouts(voice.database).await?;
        let mut after = words.clone();
        say(&mut after);
        let rollouts = || kept.values().map(|kept| &kept.rollout);
        let was = world::resolve(&members.members, &words, rollouts(), now);
        let becomes = world::resolve(&members.members, &after, rollouts(), now);
        let both = members.members.iter().zip(was.iter().zip(&becomes));
        let (mut nodes, mut examples, mut running, mut artefacts, mut fleet) = (0, Vec::new(), 0, 0, 0);
        for (member, (was, becomes)) in both {
            fleet += 1;
            if was.hash == becomes.hash {
                continue;
            }
            nodes += 1;
            let (was, becomes) = (&was.state, &becomes.state);
            let is_other = was.slots != becomes.slots;
            artefacts += u64::from(is_other);
            // Minimums and windows change nothing that runs.
            running += u64::from(is_other || was.settings != becomes.settings);
            if examples.len() < EXAMPLES_MAX {
                examples.push(member.id.clone());
            }
        }
        Ok(Self { nodes, examples, running, artefacts, fleet })
    }

    /// Whoever runs the hub's machine may in any case.
    fn may(&self, voice: Voice<'_>) -> Result<(), ApplyError> {
        let is_wide = |nodes: u64| nodes > 1 && nodes.saturating_mul(AT_ONCE_SHARE) > self.fleet;
        if !voice.who.is_person() || !is_wide(self.running) {
            return Ok(());
        }
        let (nodes, fleet) = (self.running, self.fleet);
        // What a rollout could carry goes by one; what is left is settings, which it cannot.
        Err(if is_wide(self.artefacts) {
            ApplyError::AtOnce { nodes: self.artefacts, fleet }
        } else {
            ApplyError::SettingsAtOnce { nodes, fleet }
        })
    }
}

//! Rehearsals: asked for by people, answered by nodes, ended by the rules.
//!
//! ```text
//! ask ─> rehearsals, rehearsal_nodes ─> Rehearsing, in the engine ─> candidates in orders ─> REPORT ─> hear ─> rows ─ end ─> found
//! ```
//!
//! Nodes are asked until all of them that are there have answered, the time is over, or the rollout begins, ends or is written anew. What single nodes say is
//! kept as long as others are asked; then what all of them said takes its place ([`found`]). Here is the asking; [`open`] has what the engine does. Not here: what is
//! told of many stores (`aisle_fleet::rehearsal`), playing.

mod found;
mod open;

pub(crate) use found::{OfCandidate, RehearsalView, view};
pub(super) use open::{Around, Rehearsing};

use super::{
    act::Voice,
    effects,
    orders::{Bytes, releases},
    world::Members,
};
use crate::database::{
    Database, DatabaseError,
    fleet::{KeptRehearsal, KeptRollout},
};
use aisle_fleet::{
    Index, Kind, Needs, NodeId, Release, Slot, Version, desired::Work, rehearsal::CANDIDATES_MAX,
    rollout::Status, wave::plan,
};
use serde_json::json;

/// How long nodes are asked, in milliseconds: a store that is closed for the night answers in the morning.
const ASKED_MS: i64 = 12 * 3_600_000;
/// The most rehearsals for which nodes are asked at once.
const OPEN_MAX: u32 = 16;

/// Why nothing is rehearsed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RehearseError {
    #[error("there is no such rollout")]
    Unknown,
    #[error(
        "a rollout that is {phase} cannot be rehearsed\nhint: rehearse it before it starts, or `pause` it"
    )]
    NotNow { phase: String },
    #[error(
        "there is no plugin in it, and of nothing else do stores record calls\nhint: `preflight` says who would not do it"
    )]
    NoPlugin,
    #[error("it has {found} plugins, at most {CANDIDATES_MAX} can be rehearsed together")]
    TooMany { found: usize },
    #[error("the bytes of `{slot}` {version} are not at this hub\nhint: publish the artefact first")]
    Missing { slot: Slot, version: Version },
    #[error("there is no node that it could be rehearsed at")]
    Nobody,
    #[error("{OPEN_MAX} other rollouts are being rehearsed\nhint: wait until one of them is through")]
    Others,
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The plugins of a rollout, as they are asked for.
fn plugins(kept: &KeptRollout) -> Vec<(Slot, Release)> {
    let all = releases(&kept.rollout.spec().set).filter(|(slot, _)| slot.kind() == Kind::Plugin);
    // What it needs is a matter of the preflight.
    all.map(|(slot, release)| (slot.clone(), Release { needs: Needs::default(), ..release.clone() }))
        .collect()
}

fn check(kept: &KeptRollout) -> Result<Vec<(Slot, Release)>, RehearseError> {
    let phase = kept.rollout.phase();
    if !phase.may_rehearse() {
        return Err(RehearseError::NotNow { phase: phase.to_string() });
    }
    let candidates = plugins(kept);
    match candidates.len() {
        0 => Err(RehearseError::NoPlugin),
        found if found > CANDIDATES_MAX => Err(RehearseError::TooMany { found }),
        _ => Ok(candidates),
    }
}

/// The nodes that would be given it and do not have it yet.
async fn asked(database: &Database, kept: &KeptRollout) -> Result<Vec<NodeId>, DatabaseError> {
    let rollout = &kept.rollout;
    let may = |node: &NodeId| !rollout.excluded().contains_key(&node.store);
    if !rollout.nodes().is_empty() {
        let open = rollout.nodes().iter().filter(|(node, progress)| {
            may(node) && !rollout.gives(node) && progress.status != Status::Excluded
        });
        return Ok(open.map(|(node, _)| node.clone()).collect());
    }
    let members = Members::read(database).await?;
    let spec = rollout.spec();
    let plan =
        plan(&spec.rollout, &spec.who, &spec.waves, &Index::new(&members.members), &mut Work::default());
    Ok(plan.waves.into_iter().flatten().filter(may).collect())
}

/// Asks the nodes of a rollout to rehearse it; anew where they have.
pub(crate) async fn ask(voice: Voice<'_>, name: &str) -> Result<KeptRollout, RehearseError> {
    let Voice { database, now_ms, .. } = voice;
    // What takes long is done before anything is locked.
    let kept = database.rollout(name).await?.ok_or(RehearseError::Unknown)?;
    let candidates = check(&kept)?;
    let bytes = Bytes::find(database, candidates.iter().map(|(_, release)| release)).await?;
    if let Some((slot, release)) = candidates.iter().find(|(_, release)| bytes.get(release).is_none()) {
        return Err(RehearseError::Missing { slot: slot.clone(), version: release.version.clone() });
    }
    let nodes = asked(database, &kept).await?;
    if nodes.is_empty() {
        return Err(RehearseError::Nobody);
    }
    let last = database.rehearsal(name).await?.map_or(0, |last| last.round);

    let mut change = database.change_fleet(false).await?;
    let kept = change.rollout(name).await?.ok_or(RehearseError::Unknown)?;
    if check(&kept)? != candidates {
        // It was written anew at the same moment.
        return Err(RehearseError::NotNow { phase: kept.rollout.phase().to_string() });
    }
    if change.other_rehearsals(name).await? >= i64::from(OPEN_MAX) {
        return Err(RehearseError::Others);
    }
    let rehearsal = KeptRehearsal {
        rollout: name.into(),
        // Later than the one before, whatever the clock says.
        round: now_ms.max(last.saturating_add(1)),
        until_ms: now_ms.saturating_add(ASKED_MS),
        ended_ms: 0,
        why: String::new(),
        candidates,
        nodes: i64::try_from(nodes.len()).unwrap_or(i64::MAX),
        found: String::new(),
    };
    change.put_rehearsal(&rehearsal, &nodes).await?;
    let said = json!({ "nodes": rehearsal.nodes, "until_ms": rehearsal.until_ms });
    let person = voice.who.by();
    change.note_rollout(name, &effects::event(&person, "rehearse", &said, now_ms)).await?;
    let line = voice.people.line(person, "rollout.rehearse", &format!("rollout/{name}"), now_ms);
    change.audit(&line.became(said)).await?;
    change.commit().await?;
    voice.wake.wake();
    tracing::info!(rollout = name, by = voice.who.id, nodes = rehearsal.nodes, "a rollout is rehearsed");
    Ok(kept)
}

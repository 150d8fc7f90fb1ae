//! The threads that have their hands on things: one tries what is new, one changes what runs.
//!
//! Each does one thing after another and says what came of it. Not here: what is done next ([`crate::worker`]), what putting in place is ([`crate::applier`]).

use crate::{
    applier::{Applier, Outcome, Piece, never, not_now},
    contents::ContentsError,
    fleet::{Fleet, Shared, lock, words},
    signed::is_signed,
    worker::{Ended, Event, Resumed},
};
use aisle_fleet::{
    Kind, Release, Slot,
    converge::{Stage, Trouble},
};
use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

/// Effects that wait for a hand. A slot has one under way at most, and there are fewer slots.
const TASKS_MAX: usize = 1024;

/// Something for a hand.
pub(crate) struct Task {
    pub(crate) slot: Slot,
    /// Nothing where what runs is shown.
    pub(crate) stage: Option<Stage>,
    /// What the end is told about.
    pub(crate) release: Release,
    /// For a revert, what comes; for an activation, what ran.
    pub(crate) other: Option<Release>,
}

/// Starts one.
pub(crate) fn start(
    name: &str,
    fleet: &Fleet,
    appliers: &BTreeMap<Kind, Arc<dyn Applier>>,
) -> io::Result<SyncSender<Task>> {
    let (sender, tasks) = sync_channel(TASKS_MAX);
    let (fleet, appliers) = (fleet.clone(), appliers.clone());
    thread::Builder::new().name(name.into()).spawn(move || work(&fleet, &appliers, &tasks))?;
    Ok(sender)
}

/// Whether it changes what runs.
pub(crate) const fn is_change(stage: Stage) -> bool {
    matches!(stage, Stage::Activate | Stage::Revert | Stage::Remove)
}

/// One hand: does one thing after another, and says what came of each.
fn work(fleet: &Fleet, appliers: &BTreeMap<Kind, Arc<dyn Applier>>, tasks: &Receiver<Task>) {
    while let Ok(task) = tasks.recv() {
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| carry(fleet, appliers, &task)))
                .unwrap_or_else(|_| Err(not_now("whoever puts it in place has panicked")));
        if let Err(Trouble { text, .. }) = &outcome {
            let stage = task.stage.map_or_else(|| "Resume".to_owned(), |stage| format!("{stage:?}"));
            tracing::warn!(slot = %task.slot, version = %task.release.version, stage, "{text}");
        }
        let Task { slot, stage, release: Release { hash, .. }, .. } = task;
        let event = match stage {
            Some(stage) => Event::Done(Box::new(Ended { slot, stage, hash, outcome })),
            None => Event::Resumed(Box::new(Resumed { slot, hash, outcome })),
        };
        // This must not be lost; without the thread nobody wants to know.
        if fleet.0.sender.send(event).is_err() {
            return;
        }
    }
}

fn carry(fleet: &Fleet, appliers: &BTreeMap<Kind, Arc<dyn Applier>>, task: &Task) -> Outcome {
    let Task { slot, stage, release, other } = task;
    let shared = &fleet.0;
    let applier = appliers.get(&slot.kind());
    let applier = applier.ok_or_else(|| never(format!("this node cannot apply a `{}`", slot.kind())))?;
    let bytes_of = |release: &Release| -> Result<Piece, Trouble> {
        let bytes = shared.contents.read(release).map_err(|error| match error {
            ContentsError::Missing { .. } => not_now("its bytes are not here any more"),
            error => not_now(words(&error)),
        })?;
        Ok(Piece { slot: slot.clone(), release: release.clone(), bytes })
    };
    let now = shared.around.trusted();
    let Some(stage) = stage else { return applier.resume(&bytes_of(release)?) };
    match stage {
        Stage::Fetch => Ok(()),
        Stage::Verify => {
            let bytes_max = applier.bytes_max();
            if release.bytes > bytes_max {
                return Err(never(format!("it has {} bytes, at most {bytes_max} are taken", release.bytes)));
            }
            verify(shared, &bytes_of(release)?)
        }
        Stage::SmokeTest => applier.smoke_test(&bytes_of(release)?),
        Stage::Activate => {
            // It may have been withdrawn while it waited for its window.
            match lock(&shared.signed).as_ref() {
                Some(signed) => signed.still(slot, release, now).map_err(|error| never(words(&error)))?,
                None => return Err(not_now("the signed metadata cannot be used")),
            }
            let before = other.as_ref().and_then(|before| bytes_of(before).ok());
            applier.activate(&bytes_of(release)?, before.as_ref())
        }
        Stage::Revert => {
            let to = other.as_ref().map(|to| bytes_of(to).inspect_err(|_| forget_spoilt(shared, to)));
            applier.revert(slot, bytes_of(release).ok().as_ref(), to.transpose()?.as_ref())
        }
        Stage::Remove => applier.remove(slot, bytes_of(release).ok().as_ref()),
    }
}

/// Whether the bytes are what was signed.
pub(crate) fn verify(shared: &Shared, piece: &Piece) -> Outcome {
    let Piece { slot, release, bytes } = piece;
    let artefact = match lock(&shared.signed).as_ref() {
        Some(signed) => signed.may_install(slot, release, shared.around.trusted()).map(Option::<&_>::cloned),
        None => return Err(not_now("the signed metadata cannot be used")),
    };
    let verified = artefact.and_then(|artefact| match artefact {
        Some(artefact) => is_signed(&artefact, slot, release, bytes),
        None => Ok(()),
    });
    verified.map_err(|error| never(words(&error)))
}

/// What is not what its name says makes room for what is: it is fetched again.
fn forget_spoilt(shared: &Shared, release: &Release) {
    if shared.contents.is_spoilt(&release.hash)
        && let Err(error) = shared.contents.remove(&release.hash)
    {
        tracing::warn!("a content that is of no use stays on the disk: {}", words(&error));
    }
}

//! Next click: for every click of a test session but the first, what was predicted from those before it?

use super::{
    Clock,
    row::{Row, Score},
};
use crate::{
    model::Model,
    popular::hour_of,
    scratch::{self, Scratch},
    settings::Settings,
    snapshot::Snapshot,
    trainer::Visit,
};
use aisle_event::{SessionId, Sku, Timestamp, shopper::Rung};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// One product page that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// By whom.
    pub session: SessionId,
    /// The product.
    pub item: Sku,
    /// When.
    pub at: Timestamp,
}

/// Learns from `train` and predicts every click of `test` but the first of a session, with the clicks before it.
///
/// Clicks may come in any order; those of one session are put in the order of time, equal times as they came.
/// Only the item viewed last is never predicted, as in the published evaluations of VMIS-kNN.
#[must_use]
pub fn sessions(train: &[Click], test: &[Click], settings: &Settings, clock: Clock<'_>) -> Vec<Row> {
    let visits = visits(train);
    let as_of = train.iter().map(|click| click.at).max().unwrap_or_default();
    let model = Model::train(visits, std::iter::empty::<Visit<Vec<Sku>>>(), as_of, settings);
    let snapshot = Snapshot { number: 1, model: Arc::new(model), delta: None };
    let tests: Vec<Visit<Vec<Sku>>> = self::visits(test);
    [Rung::SessionNeighbours, Rung::ItemToItem, Rung::Popular]
        .into_iter()
        .map(|rung| predict(rung, &snapshot, &tests, settings, clock))
        .collect()
}

fn predict(
    rung: Rung,
    snapshot: &Snapshot,
    tests: &[Visit<Vec<Sku>>],
    settings: &Settings,
    clock: Clock<'_>,
) -> Row {
    let mut score = Score::new(rung.as_str(), snapshot.items());
    for visit in tests {
        let hour = hour_of(visit.at, &settings.popular);
        let ids: Vec<Option<u32>> = visit.items.iter().map(|sku| snapshot.id(sku)).collect();
        for (known, came) in ids.iter().enumerate().skip(1) {
            let before = ids.get(..known).unwrap_or_default();
            let last = before.last().copied().flatten();
            scratch::with(|scratch| {
                score.take(
                    *came,
                    |item| Some(item) == last,
                    clock,
                    || {
                        rank(rung, snapshot, before, hour, settings, scratch);
                        &scratch.candidates
                    },
                );
            });
        }
    }
    score.row()
}

fn rank(
    rung: Rung,
    snapshot: &Snapshot,
    before: &[Option<u32>],
    hour: u8,
    settings: &Settings,
    scratch: &mut Scratch,
) {
    match rung {
        Rung::SessionNeighbours => snapshot.sessions().score(before, &settings.sessions, scratch),
        Rung::ItemToItem => {
            let last = before.len().saturating_sub(settings.sessions.items_last);
            let context = before.get(last..).unwrap_or_default();
            snapshot.model.related.score(context, snapshot.items(), &mut scratch.tally);
        }
        _ => snapshot.score_popular(hour, &mut scratch.tally),
    }
    scratch.rank(|_| 1.0);
}

/// Clicks as visits, the oldest first; a visit is as old as its last click.
fn visits(clicks: &[Click]) -> Vec<Visit<Vec<Sku>>> {
    let mut by_session: FxHashMap<&SessionId, usize> = FxHashMap::default();
    let mut sessions: Vec<Vec<&Click>> = Vec::new();
    for click in clicks {
        let index = *by_session.entry(&click.session).or_insert(sessions.len());
        if index == sessions.len() {
            sessions.push(Vec::new());
        }
        if let Some(session) = sessions.get_mut(index) {
            session.push(click);
        }
    }
    let mut visits: Vec<Visit<Vec<Sku>>> = sessions
        .into_iter()
        .map(|mut clicks| {
            clicks.sort_by_key(|click| click.at);
            Visit {
                at: clicks.last().map_or_else(Timestamp::default, |click| click.at),
                items: clicks.into_iter().map(|click| click.item.clone()).collect(),
            }
        })
        .collect();
    visits.sort_by_key(|visit| visit.at);
    visits
}

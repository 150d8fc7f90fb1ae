//! What keeps metadata from running out: every day a new timestamp, and a new snapshot when half of its time is over, by whichever hub comes first.
//!
//! Hubs on one database look at the same timestamp, and only one of them moves it; who comes second finds a fresh one. What is signed offline nobody here can
//! renew: of that the days that are left are told. Not here: publishing ([`super::Artefacts`]). Guards: no hub of several is needed for the others' metadata.

use super::{Artefacts, DAY_MS, InForce, NotPublished, VALIDITY};
use crate::database::NotPut;
use aisle_artefact::Role;
use aisle_event::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{error::Error, sync::atomic::AtomicU64};
use tokio::time::{Duration, MissedTickBehavior, interval};

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(600);
/// A timestamp is renewed when so much of its time is over.
const RENEWED_AFTER_MS: u64 = DAY_MS;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRole {
    role: String,
}

/// What is counted.
#[derive(Debug, Clone, Default)]
struct Telemetry {
    days: Family<OfRole, Gauge<f64, AtomicU64>>,
    refreshed: Counter,
    failures: Counter,
}

/// Keeps metadata fresh, for as long as the hub serves.
#[derive(Debug, Clone)]
pub struct Keeper {
    artefacts: Artefacts,
    telemetry: Telemetry,
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// There is nothing to keep.
    Nothing,
    /// All is fresh.
    Fresh,
    /// This hub has signed a new timestamp.
    Refreshed,
    /// Another hub was faster.
    Overtaken,
}

impl Keeper {
    /// Of a hub.
    #[must_use]
    pub fn register(artefacts: Artefacts, registry: &mut Registry) -> Self {
        let telemetry = Telemetry::default();
        registry.register(
            "aisle_hub_metadata_days",
            "Days until the metadata of a role of signed artefacts runs out. `timestamp` below 5: no hub renews it. Others below 30: let who has the keys sign the next version.",
            telemetry.days.clone(),
        );
        registry.register(
            "aisle_hub_metadata_refreshed",
            "Timestamps of signed artefacts that this hub has signed.",
            telemetry.refreshed.clone(),
        );
        registry.register(
            "aisle_hub_metadata_failures",
            "Looks at the metadata of signed artefacts that failed. Grows: look at the log, before the timestamp runs out.",
            telemetry.failures.clone(),
        );
        Self { artefacts, telemetry }
    }

    /// Looks again and again.
    pub async fn run(self) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            // It is counted and logged where it failed.
            let now = crate::enrol::now();
            let _ = self.look(now).await;
            match self.artefacts.sweep(now.0).await {
                Ok(0) => {}
                Ok(swept) => tracing::info!(swept, "old metadata of artefacts that no order names is gone"),
                Err(error) => {
                    tracing::warn!(%error, source = ?error.source(), "old metadata of artefacts was not taken away; it is tried again");
                }
            }
        }
    }

    /// Looks once, and renews what is due.
    ///
    /// # Errors
    /// When it cannot be looked at, or is due and not renewed.
    pub async fn look(&self, now: Timestamp) -> Result<Kept, NotPublished> {
        let looked = self.looked(now).await;
        match &looked {
            Ok(Kept::Refreshed) => {
                self.telemetry.refreshed.inc();
            }
            Ok(_) => {}
            Err(error) => {
                self.telemetry.failures.inc();
                tracing::error!(%error, source = ?error.source(), "the metadata of artefacts was not looked after");
            }
        }
        looked
    }

    async fn looked(&self, now: Timestamp) -> Result<Kept, NotPublished> {
        let Some(in_force) = self.artefacts.in_force().await? else { return Ok(Kept::Nothing) };
        self.tell(&in_force, now);
        if !is_due(&in_force, now) {
            return Ok(Kept::Fresh);
        }
        let published = match self.artefacts.refresh_from(&in_force, now).await {
            Err(NotPublished::Put(NotPut::Raced)) => return Ok(Kept::Overtaken),
            published => published?,
        };
        tracing::info!(
            timestamp = published.timestamp,
            snapshot = published.snapshot,
            "metadata of artefacts is fresh"
        );
        if let Some(in_force) = self.artefacts.in_force().await? {
            self.tell(&in_force, now);
        }
        Ok(Kept::Refreshed)
    }

    fn tell(&self, in_force: &InForce, now: Timestamp) {
        for expiry in in_force.expiries() {
            let of = OfRole { role: expiry.role.to_string() };
            self.telemetry.days.get_or_create(&of).set(days_left(expiry.expires, now));
        }
    }
}

/// How many days are left until a time; below 0 when it is over.
#[must_use]
pub fn days_left(expires: Timestamp, now: Timestamp) -> f64 {
    let ms = expires.0.saturating_sub(now.0);
    // Days of a hundred years fit many times.
    #[expect(clippy::cast_precision_loss, reason = "it is told to people")]
    let days = ms as f64 / DAY_MS as f64;
    (days * 100.0).round() / 100.0
}

fn is_due(in_force: &InForce, now: Timestamp) -> bool {
    let expiries = in_force.expiries();
    let timestamp = expiries.iter().find(|expiry| expiry.role == Role::Timestamp);
    let left_ms = VALIDITY.timestamp_ms.saturating_sub(RENEWED_AFTER_MS);
    let renewed = now.saturating_add_ms(i64::try_from(left_ms).unwrap_or(i64::MAX));
    timestamp.is_none_or(|timestamp| timestamp.expires <= renewed)
}

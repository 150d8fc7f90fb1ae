//! What access says about itself: each event is one log line and the metrics that go with it.

use super::{devices::Refused, file::FileError, identity::Proof};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{path::Path, time::Duration};
use tracing::{debug, error, info};

#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    logins: Family<Login, Counter>,
    devices: Gauge,
    file_broken: Gauge,
    pub(crate) password_seconds: Histogram,
    pub(crate) waiting: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Login {
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "they are written like this in the metrics")]
enum Outcome {
    password,
    certificate,
    anonymous,
    wrong_credentials,
    other_store,
    disabled,
    too_soon,
    busy,
}

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            logins: Family::default(),
            devices: Gauge::default(),
            file_broken: Gauge::default(),
            // 1 ms: a fast machine with little memory asked for; 2 s: a slow one with many waiting.
            password_seconds: Histogram::new([0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]),
            waiting: Gauge::default(),
        };
        let registry = registry.sub_registry_with_prefix("mqtt");
        registry.register(
            "logins",
            "Attempts to come in, by outcome; many `wrong_credentials` are somebody's guesses or a device with an old password, `other_store` devices that were moved without a new certificate",
            metrics.logins.clone(),
        );
        registry.register("devices", "Devices in the credentials file", metrics.devices.clone());
        registry.register(
            "devices_file_broken",
            "1 while the credentials file cannot be read and what it said before holds; `aisle-node mqtt device list` says why",
            metrics.file_broken.clone(),
        );
        registry.register_with_unit(
            "password_check",
            "Time to check one password, without the wait for a free thread",
            Unit::Seconds,
            metrics.password_seconds.clone(),
        );
        registry.register(
            "password_checks_waiting",
            "Clients whose password is being checked or waits for it; at its bound, clients are told to come again",
            metrics.waiting.clone(),
        );
        metrics
    }

    pub(crate) fn let_in(&self, proof: Proof) {
        let outcome = match proof {
            Proof::Password => Outcome::password,
            Proof::Certificate => Outcome::certificate,
            Proof::Nothing => Outcome::anonymous,
        };
        self.logins.get_or_create(&Login { outcome }).inc();
    }

    /// Counts a refusal and gives it back.
    pub(crate) fn refused(&self, device: &str, refused: Refused) -> Refused {
        let outcome = match refused {
            Refused::Credentials | Refused::Anonymous | Refused::ClientId => Outcome::wrong_credentials,
            Refused::OtherStore => Outcome::other_store,
            Refused::Disabled => Outcome::disabled,
            Refused::TooSoon { .. } => Outcome::too_soon,
            Refused::Busy => Outcome::busy,
        };
        self.logins.get_or_create(&Login { outcome }).inc();
        // What a client gives as its name may be long, or a password in the wrong field.
        let device: String = device.chars().take(64).collect();
        debug!(%device, %refused, "a client was refused");
        refused
    }

    pub(crate) fn loaded(&self, path: &Path, devices: usize) {
        self.devices.set(i64::try_from(devices).unwrap_or(i64::MAX));
        self.file_broken.set(0);
        info!(path = %path.display(), devices, "credentials of devices read");
    }

    pub(crate) fn broken(&self, path: &Path, cause: &FileError) {
        self.file_broken.set(1);
        let source = std::error::Error::source(cause).map(ToString::to_string);
        error!(path = %path.display(), %cause, source, "the credentials file was refused; what it said before holds");
    }

    pub(crate) fn checked(&self, elapsed: Duration) {
        self.password_seconds.observe(elapsed.as_secs_f64());
    }
}

//! What is retained for devices, kept as the register has it: desired settings of approved devices, nothing of retired ones.
//!
//! It is compared with the register and not with what was done: after a restart each approved device that is out of sync is
//! published for once, and each retired one is looked after once.

use super::{
    control::{Shared, content_type, encoded},
    telemetry::Metrics,
};
use crate::registry::{DeviceState, DeviceView, DevicesView};
use aisle_broker::{
    Broker,
    local::{LocalClient, Publication},
    packet::{MessageProperties, MessagePropertyValues, QoS},
    topic::{Filter, Limits},
};
use aisle_event::DeviceId;
use aisle_firmware_config::{
    message::Desired,
    topic::{Channel, PREFIX, Topic, is_name},
};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};

/// Publications in one round; the next goes on.
const ROUND_MAX: usize = 64;
/// Retained messages of one retired device that are cleared in one round.
const CLEARED_MAX: usize = 64;

/// What was published by this process.
#[derive(Debug, Default)]
pub(super) struct Reconcile {
    /// The version, and when by the running clock.
    published: HashMap<DeviceId, (u64, u64)>,
    /// Retired devices that nothing is retained of.
    clean: HashSet<DeviceId>,
    applied: Option<u64>,
    is_unfinished: bool,
}

impl Reconcile {
    /// One round. `returned` are retired devices that published something again.
    pub(super) async fn round(
        &mut self,
        shared: &Shared,
        broker: &Broker,
        client: &LocalClient,
        returned: &mut HashSet<DeviceId>,
        now_ms: u64,
        metrics: &Metrics,
    ) {
        let view = (shared.view)();
        for device in returned.drain() {
            self.is_unfinished |= self.clean.remove(&device);
        }
        let renew_ms = u64::from(shared.config.desired_expiry_d) * 43_200_000;
        let is_old = self.published.values().any(|(_, at_ms)| now_ms.saturating_sub(*at_ms) >= renew_ms);
        if self.applied == Some(view.applied) && !self.is_unfinished && !is_old {
            return;
        }
        self.applied = Some(view.applied);
        self.is_unfinished = false;
        self.published.retain(|device, _| view.devices.contains_key(device));
        self.clean.retain(|device| view.devices.contains_key(device));
        let mut room = ROUND_MAX;
        for known in view.devices.values() {
            if !is_name(known.device.as_str()) || known.is_foreign() {
                continue;
            }
            if room == 0 {
                self.is_unfinished = true;
                return;
            }
            match known.state {
                DeviceState::Heard => {}
                DeviceState::Approved => {
                    self.clean.remove(&known.device);
                    let renewed = |(_, at_ms): &(u64, u64)| now_ms.saturating_sub(*at_ms) < renew_ms;
                    let published = self.published.get(&known.device).filter(|it| renewed(it));
                    let Some(desired) = wanted(known, published.map(|it| it.0)) else { continue };
                    room -= 1;
                    if self.done(client, desired_publication(shared, known, desired)).await {
                        metrics.published("desired");
                        self.published.insert(known.device.clone(), (desired, now_ms));
                    }
                }
                DeviceState::Retired => {
                    self.published.remove(&known.device);
                    if !self.clean.contains(&known.device) {
                        room -= 1;
                        self.clear(shared, broker, client, &view, known, metrics).await;
                    }
                }
            }
        }
    }

    async fn clear(
        &mut self,
        shared: &Shared,
        broker: &Broker,
        client: &LocalClient,
        view: &DevicesView,
        known: &DeviceView,
        metrics: &Metrics,
    ) {
        let below = format!("{PREFIX}/{}/{}/#", shared.store, known.device);
        let Ok(filter) = Filter::parse(&below, &Limits::default()) else { return };
        let retained = broker.retained(&filter, "", CLEARED_MAX);
        let is_all = retained.len() < CLEARED_MAX;
        for it in retained {
            let empty = Publication {
                topic: it.topic,
                qos: QoS::AtLeastOnce,
                retain: true,
                ..Publication::default()
            };
            if !self.done(client, Some(empty)).await {
                return;
            }
            metrics.published("cleared");
        }
        if is_all {
            self.clean.insert(known.device.clone());
        } else {
            self.is_unfinished = true;
        }
        tracing::info!(device = %known.device, applied = view.applied, "nothing is retained of a retired device");
    }

    /// True when it was published, or cannot ever be; else the next round tries again.
    async fn done(&mut self, client: &LocalClient, publication: Option<Publication>) -> bool {
        let Some(publication) = publication else { return true };
        let topic = publication.topic.clone();
        match client.publish(publication).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(topic, %error, "not published to a device; it is tried again");
                self.is_unfinished = true;
                false
            }
        }
    }
}

/// The version that is to be published; nothing when that was done, or the device has it.
fn wanted(known: &DeviceView, published: Option<u64>) -> Option<u64> {
    let desired = known.twin.desired.as_ref()?;
    let is_wanted = !known.twin.in_sync && known.suspended.is_none() && published != Some(desired.version);
    is_wanted.then_some(desired.version)
}

fn desired_publication(shared: &Shared, known: &DeviceView, version: u64) -> Option<Publication> {
    let desired = known.twin.desired.as_ref()?;
    let settings = serde_json::from_str(&desired.settings.0).ok()?;
    let payload: Bytes = encoded(&Desired { version, settings }, known).ok()?;
    let device = known.device.as_str();
    let topic = Topic { store: &shared.store, device, channel: Channel::ConfigDesired }.to_string();
    let values = MessagePropertyValues {
        expiry_s: Some(shared.config.desired_expiry_d.saturating_mul(86_400)),
        content_type: Some(content_type(known).into()),
        ..MessagePropertyValues::default()
    };
    let properties = MessageProperties(Some(Box::new(values)));
    Some(Publication { topic, payload, qos: QoS::AtLeastOnce, retain: true, properties })
}

//! What a person may do: approve, place, set, command, retire. For the command line, HTTP and the staff board.
//!
//! Each goes through the journal and comes back when the register shows it. Changes are made one after the other, so that
//! a version is given once. Not here: publishing what was decided (`reconcile`), except commands, which are sent once and at once.

use super::{Waker, error::ControlError, preview::Preview, profiles::RefusedProfile, settings};
use crate::{
    registry::{DeviceState, DeviceView, DevicesView},
    words::name,
};
use aisle_broker::{
    local::{LocalClient, Publication},
    packet::{MessageProperties, MessagePropertyValues, QoS},
};
use aisle_event::{
    DeviceId, Event, Measure, Name, Sku, Text, Timestamp, Unknown,
    device::{
        CommandEnd, CommandEnded, CommandSent, DeviceApproved, DevicePlaced, DeviceRetired, Place,
        SettingsDesired,
    },
};
use aisle_firmware_config::{
    message::{self, Encoding, MESSAGE_BYTES_MAX},
    profile::Profiles,
    topic::{Channel, Topic, is_name},
};
use aisle_journal::{Entry, Journal};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

/// The register shows what was recorded within this, or the caller is told that it does not yet.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);
/// The register may take so long to end a command whose time is over.
const ENDED_WITHIN: Duration = Duration::from_secs(5);
const POLL_MIN: Duration = Duration::from_millis(1);
const POLL_MAX: Duration = Duration::from_millis(25);

/// The register as it is now.
pub type ViewOf = Arc<dyn Fn() -> Arc<DevicesView> + Send + Sync>;
/// The node's clock.
pub type ClockOf = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a person may do with devices. Clones are one.
#[derive(Clone)]
pub struct Control(pub(super) Arc<Shared>);

/// What the service and those who use it share.
pub(super) struct Shared {
    pub journal: Journal,
    pub store: String,
    pub view: ViewOf,
    pub now: ClockOf,
    pub config: super::Config,
    pub wake: Waker,
    pub client: Mutex<Option<LocalClient>>,
    /// True once all that is to be heard was subscribed to.
    pub listens: watch::Sender<bool>,
    pub preview: Mutex<Preview>,
    pub profiles: watch::Sender<Arc<Profiles>>,
    pub refused_profiles: Mutex<Arc<[RefusedProfile]>>,
    /// Held by whoever changes a device.
    pub turn: tokio::sync::Mutex<()>,
}

/// Where a stream of a device measures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamPlacement {
    /// The stream.
    pub stream: String,
    /// In which part of the store.
    #[serde(default)]
    pub place: Option<Place>,
    /// What lies on it.
    #[serde(default)]
    pub sku: Option<Sku>,
    /// What one piece weighs, in thousandths of a gram.
    #[serde(default)]
    pub unit_weight_mg: Option<i64>,
    /// What it shows when nothing lies on it, in thousandths of a gram.
    #[serde(default)]
    pub tare_mg: Option<i64>,
    /// The cold chain unit that it watches.
    #[serde(default)]
    pub unit: Option<Name>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandOutcome {
    /// The device did it.
    Done {
        /// What came back.
        response: serde_json::Value,
    },
    /// The device refused it.
    Refused {
        /// What came back.
        response: serde_json::Value,
    },
    /// No answer came in time. The device must not do it later; whether it did is not known.
    TimedOut,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("store", &self.0.store).finish_non_exhaustive()
    }
}

impl Control {
    /// The register.
    #[must_use]
    pub fn view(&self) -> Arc<DevicesView> {
        (self.0.view)()
    }

    /// Comes back when devices are listened to: from then on what they say at most once is heard, too.
    pub async fn listens(&self) {
        let mut listens = self.0.listens.subscribe();
        // The sender is held here, so it is never gone.
        let _ = listens.wait_for(|listens| *listens).await;
    }

    /// What unapproved devices say.
    #[must_use]
    pub fn preview(&self) -> Preview {
        lock(&self.0.preview).clone()
    }

    /// The profiles in force.
    #[must_use]
    pub fn profiles(&self) -> Arc<Profiles> {
        self.0.profiles.borrow().clone()
    }

    /// Puts other profiles in force, at once and for all that comes.
    pub fn use_profiles(&self, profiles: Arc<Profiles>) {
        self.0.profiles.send_replace(profiles);
    }

    /// Files of profiles that were refused, with what is wrong with them.
    #[must_use]
    pub fn refused_profiles(&self) -> Arc<[RefusedProfile]> {
        lock(&self.0.refused_profiles).clone()
    }

    /// Lets a device take part, and says where it measures. Also for a retired one that came back, and for one whose approval is
    /// suspended.
    ///
    /// # Errors
    /// When it was never heard, or a placement names what it does not have; then nothing is changed.
    pub async fn approve(
        &self,
        device: &str,
        by: Option<&str>,
        placements: &[StreamPlacement],
    ) -> Result<(), ControlError> {
        let _turn = self.0.turn.lock().await;
        let (known, _) = self.known(device)?;
        let at = (self.0.now)();
        let approved = DeviceApproved {
            device: known.device.clone(),
            by: by.map(name),
            at,
            unknown: Unknown::default(),
        };
        let mut events = vec![approved.into()];
        for placement in placements {
            events.push(placed(&known, placement, at)?.into());
        }
        self.commit(events).await
    }

    /// Says where a stream of a device measures; a placement that says nothing takes it back.
    ///
    /// # Errors
    /// When the device is unknown or retired, or has no such stream.
    pub async fn place(&self, device: &str, placement: &StreamPlacement) -> Result<(), ControlError> {
        let _turn = self.0.turn.lock().await;
        let (known, _) = self.known(device)?;
        if known.state == DeviceState::Retired {
            return Err(ControlError::Retired { device: device.into() });
        }
        let event = placed(&known, placement, (self.0.now)())?;
        self.commit(vec![event.into()]).await
    }

    /// Sends a device away for good: what it says is ignored, its twin ends, and what the broker keeps of it is cleared. A device that
    /// is retired stays so until it is approved again.
    ///
    /// # Errors
    /// When it was never heard.
    pub async fn retire(&self, device: &str, by: Option<&str>) -> Result<(), ControlError> {
        let _turn = self.0.turn.lock().await;
        let (known, at) = self.known(device)?;
        if known.state == DeviceState::Retired {
            return Ok(());
        }
        let event =
            DeviceRetired { device: known.device.clone(), by: by.map(name), at, unknown: Unknown::default() };
        self.commit(vec![event.into()]).await
    }

    /// Puts settings over those that a device is to have, and gives the version of the whole. The device takes it when it is there,
    /// however much later that is.
    ///
    /// # Errors
    /// When the device is unknown, not approved or retired, when it has no settings, or when one of these does not fit its
    /// schema: then none is taken.
    pub async fn set(
        &self,
        device: &str,
        patch: &serde_json::Map<String, serde_json::Value>,
        by: Option<&str>,
    ) -> Result<u64, ControlError> {
        let _turn = self.0.turn.lock().await;
        let (known, at) = self.trusted(device)?;
        let merged = settings::merged(&known, patch)?;
        let version = known.twin.next_version();
        let refuse =
            |reason: String| ControlError::Refused { device: device.into(), path: String::new(), reason };
        let json = serde_json::to_string(&merged).map_err(|error| refuse(error.to_string()))?;
        let event = SettingsDesired {
            device: known.device.clone(),
            version,
            settings: Text::new(json).map_err(|error| refuse(error.to_string()))?,
            by: by.map(name),
            at,
            unknown: Unknown::default(),
        };
        self.commit(vec![event.into()]).await?;
        Ok(version)
    }

    /// Asks a device to do something, and waits for its answer, at most so long. The request expires with the wait, so that it is
    /// not done later.
    ///
    /// # Errors
    /// When the device is unknown, not approved or retired, or the command cannot be said to it. That no answer came is an
    /// outcome.
    pub async fn command(
        &self,
        device: &str,
        command: &str,
        args: &serde_json::Map<String, serde_json::Value>,
        timeout: Duration,
        by: Option<&str>,
    ) -> Result<CommandOutcome, ControlError> {
        let (correlation, deadline) = self.send(device, command, args, timeout, by).await?;
        Ok(self.outcome(device, &correlation, deadline + ENDED_WITHIN).await)
    }

    /// The longest that a command may wait for its answer.
    pub(super) fn command_timeout_max(&self) -> Duration {
        Duration::from_secs(self.0.config.command_timeout_s_max.into())
    }

    /// Asks a device to do something within a time, and gives what its answer is known by, and until when.
    pub(super) async fn send(
        &self,
        device: &str,
        command: &str,
        args: &serde_json::Map<String, serde_json::Value>,
        timeout: Duration,
        by: Option<&str>,
    ) -> Result<(String, Instant), ControlError> {
        let refuse =
            |reason: String| ControlError::Command { device: device.into(), command: command.into(), reason };
        let most = self.command_timeout_max();
        if timeout.is_zero() || timeout > most {
            return Err(refuse(format!("it may wait for 1 to {} seconds", most.as_secs())));
        }
        let turn = self.0.turn.lock().await;
        let (known, at) = self.trusted(device)?;
        let open = known.commands.iter().filter(|command| command.ended.is_none()).count();
        if open >= self.view().commands_max {
            return Err(ControlError::Busy { device: device.into() });
        }
        let correlation = format!("{:032x}", rand::random::<u128>());
        let ttl_s = u32::try_from(timeout.as_secs().max(1)).unwrap_or(u32::MAX);
        let publication = self.request(&known, command, args, &correlation, ttl_s)?;
        let request = Text::new(serde_json::Value::Object(args.clone()).to_string())
            .map_err(|error| refuse(error.to_string()))?;
        let sent = CommandSent {
            device: known.device.clone(),
            command: name(command),
            correlation: name(&correlation),
            request,
            until: at.saturating_add_ms(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX)),
            by: by.map(name),
            at,
            unknown: Unknown::default(),
        };
        self.commit(vec![sent.into()]).await?;
        drop(turn);
        let deadline = Instant::now() + timeout;
        let client = lock(&self.0.client).clone();
        let published = match client {
            Some(client) => timeout_at(deadline, client.publish(publication)).await.map_or_else(
                |_| Err("the broker did not take it in time".to_owned()),
                |done| done.map_err(|error| error.to_string()),
            ),
            None => Err("the broker is not there".to_owned()),
        };
        if let Err(why) = published {
            self.not_sent(&known.device, &correlation, &why).await?;
            return Err(refuse(format!("it was not sent: {why}")));
        }
        Ok((correlation, deadline))
    }

    fn request(
        &self,
        known: &DeviceView,
        command: &str,
        args: &serde_json::Map<String, serde_json::Value>,
        correlation: &str,
        ttl_s: u32,
    ) -> Result<Publication, ControlError> {
        let device = known.device.as_str();
        let refuse =
            |reason: String| ControlError::Command { device: device.into(), command: command.into(), reason };
        let settings =
            settings::arguments(args).map_err(|it| refuse(format!("`{}` {}", it.path, it.reason)))?;
        let mut values = MessagePropertyValues { expiry_s: Some(ttl_s), ..MessagePropertyValues::default() };
        let (topic, payload) = if let Some(profile) = &known.profile {
            let (topic, payload) = self
                .profiles()
                .command(profile.as_str(), device, command, &settings)
                .map_err(|error| refuse(error.to_string()))?;
            (topic, Bytes::from(payload))
        } else {
            if !is_name(command) || !is_name(device) {
                return Err(refuse("its name cannot stand in a topic".into()));
            }
            let channel = Channel::CommandRequest(command);
            let answer = Channel::CommandResponse(command);
            let topic = |channel| Topic { store: &self.0.store, device, channel }.to_string();
            values.response_topic = Some(topic(answer).into());
            values.correlation_data = Some(Bytes::copy_from_slice(correlation.as_bytes()));
            values.content_type = Some(content_type(known).into());
            let id =
                heapless_text(correlation).ok_or_else(|| refuse("its correlation is too long".into()))?;
            let request = message::Request { id, args: settings, ttl_s };
            (topic(channel), encoded(&request, known).map_err(refuse)?)
        };
        let properties = MessageProperties(Some(Box::new(values)));
        Ok(Publication { topic, payload, qos: QoS::AtLeastOnce, retain: false, properties })
    }

    async fn not_sent(&self, device: &DeviceId, correlation: &str, why: &str) -> Result<(), ControlError> {
        let ended = CommandEnded {
            device: device.clone(),
            correlation: name(correlation),
            end: CommandEnd::Refused,
            response: Text::new(
                serde_json::json!({ "reason": format!("it was not sent: {why}") }).to_string(),
            )
            .ok(),
            at: (self.0.now)(),
            unknown: Unknown::default(),
        };
        self.commit(vec![ended.into()]).await
    }

    async fn outcome(&self, device: &str, correlation: &str, until: Instant) -> CommandOutcome {
        let ended = self.poll(until, |view| {
            let known = view.get(device)?;
            let command = known.commands.iter().find(|it| it.correlation.as_str() == correlation);
            // One that was pushed out by others has no answer any more.
            command.map_or(Some(None), |command| command.ended.clone().map(Some))
        });
        match ended.await.flatten() {
            Some(ended) if ended.end != CommandEnd::TimedOut => {
                let response = ended.response.and_then(|json| serde_json::from_str(&json.0).ok());
                let response = response.unwrap_or_default();
                match ended.end {
                    CommandEnd::Done => CommandOutcome::Done { response },
                    _ => CommandOutcome::Refused { response },
                }
            }
            _ => CommandOutcome::TimedOut,
        }
    }

    fn known(&self, device: &str) -> Result<(Arc<DeviceView>, Timestamp), ControlError> {
        let known = self.view().get(device).cloned();
        let known = known.ok_or_else(|| ControlError::Unknown { device: device.into() })?;
        Ok((known, (self.0.now)()))
    }

    fn trusted(&self, device: &str) -> Result<(Arc<DeviceView>, Timestamp), ControlError> {
        let (known, at) = self.known(device)?;
        let device = device.to_owned();
        match (known.state, &known.suspended) {
            (DeviceState::Heard, _) => Err(ControlError::NotApproved { device }),
            (DeviceState::Retired, _) => Err(ControlError::Retired { device }),
            (DeviceState::Approved, Some(suspension)) => {
                Err(ControlError::Suspended { device, why: suspension.detail.to_string() })
            }
            (DeviceState::Approved, None) => Ok((known, at)),
        }
    }

    /// Records events and waits until the register shows them.
    async fn commit(&self, events: Vec<Event>) -> Result<(), ControlError> {
        let ticket = self.0.journal.submit(entries(&events)).map_err(ControlError::NotRecorded)?;
        let committed = ticket.await.map_err(ControlError::NotCommitted)?;
        let until = Instant::now() + VISIBLE_WITHIN;
        let shown = self.poll(until, |view| (view.applied >= committed.last).then_some(())).await;
        self.0.wake.notify_one();
        shown.ok_or(ControlError::NotVisible)
    }

    async fn poll<T>(&self, until: Instant, look: impl Fn(&DevicesView) -> Option<T>) -> Option<T> {
        poll(&self.0.view, until, look).await
    }
}

/// Looks at the register again and again until it shows something, or the time is over.
pub(super) async fn poll<T>(
    view: &ViewOf,
    until: Instant,
    look: impl Fn(&DevicesView) -> Option<T>,
) -> Option<T> {
    let mut pause = POLL_MIN;
    loop {
        if let Some(found) = look(&view()) {
            return Some(found);
        }
        if Instant::now() >= until {
            return None;
        }
        sleep(pause).await;
        pause = (pause * 2).min(POLL_MAX);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds it leaves it half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn entries(events: &[Event]) -> Vec<Entry> {
    events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() }).collect()
}

pub(super) const fn encoding(known: &DeviceView) -> Encoding {
    if known.cbor { Encoding::Cbor } else { Encoding::Json }
}

pub(super) const fn content_type(known: &DeviceView) -> &'static str {
    if known.cbor { "application/cbor" } else { "application/json" }
}

/// A message in the encoding of the device that it is for.
pub(super) fn encoded<T: Serialize>(message: &T, known: &DeviceView) -> Result<Bytes, String> {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    let bytes = message::encode(message, encoding(known), &mut buffer).map_err(|error| error.to_string())?;
    buffer.truncate(bytes);
    Ok(buffer.into())
}

fn heapless_text<T: for<'a> TryFrom<&'a str>>(text: &str) -> Option<T> {
    T::try_from(text).ok()
}

fn placed(
    known: &DeviceView,
    placement: &StreamPlacement,
    at: Timestamp,
) -> Result<DevicePlaced, ControlError> {
    let Some(stream) = known.streams.iter().find(|stream| stream.name.as_str() == placement.stream) else {
        let streams: Vec<String> = known.streams.iter().map(|stream| format!("`{}`", stream.name)).collect();
        return Err(ControlError::NoStream {
            device: known.device.to_string(),
            stream: placement.stream.clone(),
            streams: if streams.is_empty() { "none".into() } else { streams.join(", ") },
        });
    };
    let grams = |mg: Option<i64>| mg.map(|mg| Measure { millionths: mg.saturating_mul(1_000) });
    if let Some(mg) = placement.unit_weight_mg.filter(|mg| *mg <= 0) {
        return Err(ControlError::Placement {
            field: "unit_weight_mg",
            reason: format!("is {mg}, expected more than 0"),
        });
    }
    Ok(DevicePlaced {
        device: known.device.clone(),
        stream: stream.name.clone(),
        place: placement.place,
        sku: placement.sku.clone(),
        unit_weight: grams(placement.unit_weight_mg),
        tare: grams(placement.tare_mg),
        unit: placement.unit.clone(),
        at,
        unknown: Unknown::default(),
    })
}

//! The lives of a device: from one start to the next, as the faults of the scenario and the device itself want it.
//!
//! Here lie the faults of the line (no connection), of the whole device (it starts again and again, it becomes another model, there
//! are two of it), and settings that cannot be.

use super::{
    Shared,
    board::{self, Identity},
    flash::SparseFlash,
    mqtt::{Credentials, Port, Radio},
    phrase::Speaker,
    scenario::{DevicePlan, FaultKind, Model, Window},
    talker,
    wire::Wire,
};
use crate::Ended;
use aisle_firmware_config::{
    message::{Desired, Encoding, encode},
    setting::{Settings, Value},
    topic::{Channel, Topic},
};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use std::{cell::RefCell, future::pending, time::Duration};

/// A version that no node has reached: settings that cannot be must not be too old to be looked at.
const BAD_VERSION: u64 = 1 << 40;
/// Before it starts again by itself a device waits so long, in simulated milliseconds.
const RESTART_MS: u64 = 1000;

/// One of the devices of an id.
pub(super) struct Being<'a> {
    pub(super) plan: &'a DevicePlan,
    pub(super) faults: Vec<Window>,
    pub(super) serial: String,
}

/// Lives for as long as it is polled.
pub(super) async fn live(shared: &Shared, being: &Being<'_>, start_after: Duration) {
    tokio::time::sleep(start_after).await;
    let flash = SparseFlash::new();
    let mut boots = 0;
    loop {
        boots += 1;
        let now_ms = shared.time.now_ms();
        let model = being.model(now_ms);
        let turn_ms = being.turns_at(now_ms);
        tokio::select! {
            () = one_life(shared, being, model, boots, flash.clone()) => {
                shared.time.sleep_until(shared.time.now_ms() + RESTART_MS).await;
            }
            () = shared.time.sleep_until(turn_ms) => {}
        }
        shared.counts.restarted();
    }
}

/// A second device of the same id, for as long as the fault holds.
pub(super) async fn impostor(shared: &Shared, being: &Being<'_>, window: Window) {
    shared.time.sleep_until(window.from_ms).await;
    tokio::select! {
        () = live(shared, being, Duration::ZERO) => {}
        () = shared.time.sleep_until(window.until_ms) => {}
    }
}

/// From a start to its end.
async fn one_life(shared: &Shared, being: &Being<'_>, model: Model, boots: u32, flash: SparseFlash) {
    let port = Port::new();
    let wire = Wire::new(&port, shared, &being.faults);
    let air = AirTime { shared, index: being.plan.index, faults: &being.faults };
    let credentials = being.credentials(shared);
    let carry = port.carry(&credentials, &air, &shared.counts);
    let spoil = being.spoil(shared, &port);
    let run = async {
        if model.is_foreign() || model.numbers().is_empty() {
            let speaker = Speaker::new(being.plan, model, &being.serial, boots, shared, &being.faults);
            let mut rng =
                ChaCha8Rng::seed_from_u64(shared.seed ^ being.plan.index as u64 ^ u64::from(boots) << 40);
            talker::talk(&RefCell::new(speaker), &port, &wire, shared, &mut rng).await;
            return;
        }
        let who = Identity { plan: being.plan, model, serial: &being.serial, faults: &being.faults };
        let ended = board::run(&who, shared, &port, &wire, flash).await;
        tracing::debug!(device = being.plan.id, %ended, "a simulated device ended");
        if matches!(ended, Ended::Unfit(_)) {
            tracing::error!(device = being.plan.id, %ended, "a simulated device cannot run");
            pending::<()>().await;
        }
    };
    tokio::select! { () = run => {}, () = carry => {}, () = spoil => {} }
}

impl Being<'_> {
    fn model(&self, now_ms: u64) -> Model {
        let changed =
            self.faults.iter().any(|fault| fault.kind == FaultKind::ChangesType && fault.holds(now_ms));
        match (changed, self.plan.model) {
            (false, model) => model,
            (true, Model::FridgeTemperature) => Model::ShelfScale,
            (true, Model::EsphomeClimate) => Model::TasmotaPlug,
            (true, model) if model.is_foreign() => Model::EsphomeClimate,
            (true, _) => Model::FridgeTemperature,
        }
    }

    /// When a fault wants it to start again.
    fn turns_at(&self, now_ms: u64) -> u64 {
        let turns = self.faults.iter().flat_map(|fault| {
            let every_ms = (fault.size * 1000.0).max(1000.0) as u64;
            match fault.kind {
                FaultKind::ChangesType => [fault.from_ms, fault.until_ms],
                FaultKind::RebootLoop if fault.holds(now_ms) => [now_ms.saturating_add(every_ms), u64::MAX],
                FaultKind::RebootLoop => [fault.from_ms, u64::MAX],
                _ => [u64::MAX; 2],
            }
        });
        turns.filter(|turn_ms| *turn_ms > now_ms).min().unwrap_or(u64::MAX)
    }

    fn credentials(&self, shared: &Shared) -> Credentials {
        let target = &shared.target;
        let own = |template: Option<&String>| template.map(|text| text.replace("%device%", &self.plan.id));
        Credentials {
            host: target.host.as_str().into(),
            port: target.port,
            user: own(target.user.as_ref().or(shared.mqtt.user.as_ref())),
            password: own(target.password.as_ref().or(shared.mqtt.password.as_ref())),
            keep_alive_s: shared.mqtt.keep_alive_s,
        }
    }

    /// Desires what cannot be, once for each such fault, as a careless tool would: past the node.
    async fn spoil(&self, shared: &Shared, port: &Port) {
        for fault in self.faults.iter().filter(|fault| fault.kind == FaultKind::BadSettings) {
            if fault.from_ms < shared.time.now_ms() {
                continue;
            }
            shared.time.sleep_until(fault.from_ms).await;
            let store = &shared.target.store;
            let topic = Topic { store, device: &self.plan.id, channel: Channel::ConfigDesired }.to_string();
            let mut settings = Settings::new();
            // Two names of known length are fewer than there is room for.
            let _ = settings.set("interval_s", Value::Integer(-5));
            let _ = settings.set("no_such_setting", Value::Bool(true));
            let desired = Desired { version: BAD_VERSION + fault.from_ms, settings };
            let mut room = [0; 256];
            if let Ok(length) = encode(&desired, Encoding::Json, &mut room) {
                port.publish(&topic, room.get(..length).unwrap_or_default(), false).await;
            }
        }
        pending::<()>().await;
    }
}

/// When the faults of a device, and people, let it use its radio.
struct AirTime<'a> {
    shared: &'a Shared,
    index: usize,
    faults: &'a [Window],
}

impl AirTime<'_> {
    fn dropouts(&self) -> impl Iterator<Item = &Window> {
        self.faults.iter().filter(|fault| fault.kind == FaultKind::Dropout)
    }
}

impl Radio for AirTime<'_> {
    fn is_on(&self) -> bool {
        let now_ms = self.shared.time.now_ms();
        !self.shared.unplugged.borrow().contains(&self.index)
            && !self.dropouts().any(|dropout| dropout.holds(now_ms))
    }

    async fn off(&self) {
        let now_ms = self.shared.time.now_ms();
        let next =
            self.dropouts().filter(|dropout| dropout.until_ms > now_ms).map(|dropout| dropout.from_ms).min();
        let mut unplugged = self.shared.unplugged.subscribe();
        tokio::select! {
            () = self.shared.time.sleep_until(next.unwrap_or(u64::MAX)) => {}
            // What could unplug it lives as long as the simulation.
            _ = unplugged.wait_for(|unplugged| unplugged.contains(&self.index)) => {}
        }
    }
}

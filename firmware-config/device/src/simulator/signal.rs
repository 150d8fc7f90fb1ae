//! What the sensors of a device make of the shop: numbers with noise and steps, and with the faults that lie in a sensor.
//!
//! Not here: faults of what is written ([`wire`](super::wire)) and of the line.

use super::{
    Shared,
    scenario::{DevicePlan, FaultKind, Model, Window},
};
use crate::floor::sensor::{Scale, ScaleConfig};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;

/// Milliseconds in an hour.
const HOUR_MS: f64 = 3_600_000.0;

/// What a number of a device is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    Celsius,
    Humidity,
    Gram,
    People,
    Open,
    Watt,
    On,
    Battery,
    Signal,
}

/// One number of a device.
pub(super) struct Source {
    quantity: Quantity,
    plan: DevicePlan,
    rng: ChaCha8Rng,
    scale: Scale,
    faults: Vec<Window>,
    stuck_at: Option<f64>,
}

impl Source {
    pub(super) fn new(quantity: Quantity, plan: &DevicePlan, faults: &[Window], seed: u64) -> Self {
        let own = seed ^ (plan.index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((quantity as u64) << 56);
        let faults = faults.iter().filter(|fault| is_in_the_sensor(fault.kind)).copied().collect();
        Self {
            quantity,
            plan: plan.clone(),
            rng: ChaCha8Rng::seed_from_u64(own),
            scale: Scale::new(&ScaleConfig::default(), own),
            faults,
            stuck_at: None,
        }
    }

    /// What the sensor says now; nothing when a reading is lost.
    pub(super) fn read(&mut self, shared: &Shared, now_ms: u64) -> Option<f64> {
        let said = self.sense(shared, now_ms)?;
        let mut value = said;
        let mut stuck = None;
        for fault in self.faults.iter().filter(|fault| fault.holds(now_ms)) {
            match fault.kind {
                FaultKind::Drift => value += fault.size * (now_ms - fault.from_ms) as f64 / HOUR_MS,
                FaultKind::Negative => value = -value.abs() - 1.0,
                FaultKind::Stuck => stuck = Some(self.stuck_at.unwrap_or(value)),
                _ => {}
            }
        }
        self.stuck_at = stuck;
        Some(stuck.unwrap_or(value))
    }

    fn sense(&mut self, shared: &Shared, now_ms: u64) -> Option<f64> {
        let watches = self.plan.watches.as_deref();
        let world = shared.world();
        let floor = world.floor.as_ref();
        let (floor, floor_ms) = (floor, floor.map_or(0, crate::floor::Floor::now_ms));
        let celsius = floor.zip(watches).and_then(|(floor, unit)| floor.unit_celsius(unit));
        let weight = floor.zip(watches).map(|(floor, sku)| floor.shelf_weight_g(sku));
        let open = floor.zip(watches).is_some_and(|(floor, unit)| floor.door_is_open(unit));
        let entered = floor.map(crate::floor::Floor::entered);
        let set = floor.zip(watches).and_then(|(floor, name)| {
            floor.config().units.iter().find(|unit| unit.name == name).map(|unit| unit.set_celsius)
        });
        // Others read while this one thinks.
        drop(world);
        // Without a shop: a slow wave of one's own.
        let phase = now_ms as f64 / 1_200_000.0 + self.plan.index as f64 * 0.37;
        let wave = (phase * TAU).sin();
        Some(match self.quantity {
            Quantity::Celsius => steps(celsius.unwrap_or(3.0 + wave) + self.noise(0.05), 0.0625),
            Quantity::Humidity => steps(50.0 + 8.0 * wave + self.noise(0.4), 0.1),
            Quantity::Gram => self.scale.read(weight.unwrap_or(3000.0 + 500.0 * wave), floor_ms)?,
            Quantity::People => entered.map_or_else(|| (now_ms / 45_000) as f64, |entered| entered as f64),
            Quantity::Open => f64::from(u8::from(open)),
            Quantity::Watt => {
                let works = celsius.zip(set).map_or(wave > 0.0, |(celsius, set)| celsius > set);
                steps(if works { 118.0 + self.noise(2.0) } else { 3.5 + self.noise(0.1) }, 0.1)
            }
            Quantity::On => 1.0,
            Quantity::Battery => (100.0 - now_ms as f64 / HOUR_MS / 40.0).max(0.0).round(),
            Quantity::Signal => (-58.0 + self.noise(2.0)).round(),
        })
    }

    /// The sum of twelve even draws is as good as normal here.
    fn noise(&mut self, deviation: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.rng.random_range(0.0..1.0)).sum();
        (sum - 6.0) * deviation
    }
}

const fn is_in_the_sensor(kind: FaultKind) -> bool {
    matches!(kind, FaultKind::Drift | FaultKind::Stuck | FaultKind::Negative)
}

fn steps(value: f64, step: f64) -> f64 {
    (value / step).round() * step
}

impl Model {
    /// The numbers that it measures, with the names of their streams. None for readers and scanners, which say other things.
    pub(super) const fn numbers(self) -> &'static [(&'static str, Quantity)] {
        match self {
            Self::FridgeTemperature => &[("temperature", Quantity::Celsius)],
            Self::ShelfScale => &[("weight", Quantity::Gram)],
            Self::PeopleCounter => &[("people", Quantity::People)],
            Self::DoorContact => &[("door", Quantity::Open)],
            Self::ShelfLabel => &[("battery", Quantity::Battery), ("signal", Quantity::Signal)],
            Self::Plug | Self::TasmotaPlug => &[("power", Quantity::Watt), ("relay", Quantity::On)],
            Self::EsphomeClimate => &[("temperature", Quantity::Celsius), ("humidity", Quantity::Humidity)],
            Self::Zigbee2mqttContact => &[("contact", Quantity::Open), ("battery", Quantity::Battery)],
            Self::RfidReader | Self::BarcodeScale => &[],
        }
    }
}

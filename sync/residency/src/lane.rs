//! Which of the four logs an event type goes to. An event type that is not listed does not compile.
//!
//! Order of value when room is short: P0 over P1 over P2 over P3; P0 is never shed unacknowledged (invariant 6).

use aisle_event::{
    Event, EventType, Record,
    cold_chain::{ExcursionAcknowledged, ExcursionClosed, ExcursionOpened, UnitDefined},
    device::{
        AnomalyClosed, AnomalyOpened, CodeScanned, CommandEnded, CommandSent, DeviceAnnounced,
        DeviceApproved, DeviceConnection, DeviceFaulted, DevicePlaced, DeviceRetired, ReadingsTaken,
        SettingsDesired, SettingsReported, TagsRead,
    },
    inventory::{PlaceCounted, PositionSensed, StockMoved, TaskClosed, TaskOpened},
    mqtt::{
        MqttDelivered, MqttPublished, MqttReceived, MqttReleased, MqttSent, MqttSessionClosed,
        MqttSessionEnded, MqttSessionOpened, MqttSubscribed, MqttUnsubscribed,
    },
    operation::{ImportFinished, JournalQuarantined, NodeStarted, NodeStopped, StateRebuilt},
    plugin::{
        PluginActed, PluginFailed, PluginInstalled, PluginKept, PluginReacted, PluginRecovered,
        PluginRemoved, ProductSuppressed,
    },
    sale::{ReturnRecorded, SaleRecorded},
    shopper::{
        BasketChanged, CouponEntered, CustomerNamed, ItemClicked, ItemsShown, ProductViewed, Searched,
        SessionEnded, SessionStarted,
    },
    stock::{PriceChanged, ProductDelisted, ProductListed, StockAdjusted, StockCounted, StockReceived},
};
use std::fmt;

/// A log of the outbox, by what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Lane {
    /// Sales and audit: what the books and the law need.
    P0 = 0,
    /// Stock, prices, catalogue, tasks, aggregates.
    P1 = 1,
    /// Telemetry: devices, readings, anomalies.
    P2 = 2,
    /// Bulk: what shoppers looked at, the broker's own records.
    P3 = 3,
}

impl Lane {
    /// All, most valuable first.
    pub const ALL: [Self; 4] = [Self::P0, Self::P1, Self::P2, Self::P3];

    /// By its number on the wire.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::P0),
            1 => Some(Self::P1),
            2 => Some(Self::P2),
            3 => Some(Self::P3),
            _ => None,
        }
    }

    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", self.number())
    }
}

macro_rules! lanes {
    ($($lane:ident: $($event:ident)+;)+) => {
        impl Lane {
            /// The log of an event. `None` for a type that this build does not know: it stays.
            #[must_use]
            pub const fn of(event: &Event) -> Option<Self> {
                match event {
                    $($(Event::$event(_))|+ => Some(Self::$lane),)+
                    Event::Unknown { .. } => None,
                }
            }

            fn of_name(name: &str) -> Option<Self> {
                $($(if name == $event::NAME { return Some(Self::$lane); })+)+
                None
            }
        }
    };
}

impl Lane {
    /// The log of an event type by its number. `None` for a type that this build does not know.
    #[must_use]
    pub fn of_kind(kind: EventType) -> Option<Self> {
        let (_, name, _) = Event::TYPES.iter().find(|(known, ..)| *known == kind)?;
        Self::of_name(name)
    }
}

lanes! {
    P0: SaleRecorded ReturnRecorded
        NodeStarted NodeStopped StateRebuilt JournalQuarantined ImportFinished
        DeviceApproved DeviceRetired SettingsDesired CommandSent
        ExcursionOpened ExcursionAcknowledged ExcursionClosed
        PluginInstalled PluginRemoved;
    P1: ProductListed PriceChanged StockCounted StockReceived StockAdjusted ProductDelisted
        StockMoved PlaceCounted PositionSensed TaskOpened TaskClosed
        UnitDefined ProductSuppressed;
    P2: DeviceAnnounced DevicePlaced DeviceConnection DeviceFaulted SettingsReported CommandEnded
        ReadingsTaken TagsRead CodeScanned AnomalyOpened AnomalyClosed
        PluginFailed PluginRecovered PluginActed PluginReacted;
    P3: SessionStarted ProductViewed ItemsShown ItemClicked BasketChanged Searched SessionEnded
        CustomerNamed CouponEntered
        MqttPublished MqttSessionOpened MqttSessionClosed MqttSessionEnded MqttSubscribed
        MqttUnsubscribed MqttReleased MqttSent MqttReceived MqttDelivered PluginKept;
}

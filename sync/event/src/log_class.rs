//! Which of a store's four logs an event type goes to, in the outbox and on the wire. An event type that is not listed does not compile.
//!
//! Not here: what of an event leaves (`aisle-residency`), how logs travel (`aisle-protocol`).

use crate::{
    class::Record,
    cold_chain::{ExcursionAcknowledged, ExcursionClosed, ExcursionOpened, UnitDefined},
    device::{
        AnomalyClosed, AnomalyOpened, CodeScanned, CommandEnded, CommandSent, DeviceAnnounced,
        DeviceApproved, DeviceConnection, DeviceFaulted, DevicePlaced, DeviceRetired, ReadingsTaken,
        SettingsDesired, SettingsReported, TagsRead,
    },
    erasure::{ErasureAdvanced, ErasureRequested},
    event::{Event, EventType},
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
use minicbor::{Decode, Decoder, Encode, Encoder};
use std::fmt;

/// The order of value. When room or line is short, a lower number goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogClass {
    /// Sales and audit (P0): what the books and the law need. Never shed while unacknowledged.
    Sales,
    /// Stock, prices, catalogue, tasks, aggregates (P1).
    Stock,
    /// Telemetry (P2): devices, readings, anomalies.
    Telemetry,
    /// Bulk (P3): what shoppers looked at, the broker's own records.
    Bulk,
}

impl LogClass {
    /// All classes, the most valuable first.
    pub const ALL: [Self; 4] = [Self::Sales, Self::Stock, Self::Telemetry, Self::Bulk];

    /// Its number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Sales => 0,
            Self::Stock => 1,
            Self::Telemetry => 2,
            Self::Bulk => 3,
        }
    }

    /// The class of a number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Sales),
            1 => Some(Self::Stock),
            2 => Some(Self::Telemetry),
            3 => Some(Self::Bulk),
            _ => None,
        }
    }

    /// Its name in logs, metrics and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sales => "sales",
            Self::Stock => "stock",
            Self::Telemetry => "telemetry",
            Self::Bulk => "bulk",
        }
    }
}

impl fmt::Display for LogClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<C> Encode<C> for LogClass {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.u8(self.number()).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for LogClass {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let number = decoder.u8()?;
        Self::from_number(number)
            .ok_or_else(|| minicbor::decode::Error::message(format!("{number} is no class of log")))
    }
}

macro_rules! classes {
    ($($class:ident: $($event:ident)+;)+) => {
        impl LogClass {
            /// The class of an event. `None` for a type that this build does not know: it stays.
            #[must_use]
            pub const fn of(event: &Event) -> Option<Self> {
                match event {
                    $($(Event::$event(_))|+ => Some(Self::$class),)+
                    Event::Unknown { .. } => None,
                }
            }

            fn of_name(name: &str) -> Option<Self> {
                $($(if name == $event::NAME { return Some(Self::$class); })+)+
                None
            }
        }
    };
}

impl LogClass {
    /// The class of an event type by its number. `None` for a type that this build does not know.
    #[must_use]
    pub fn of_kind(kind: EventType) -> Option<Self> {
        let (_, name, _) = Event::TYPES.iter().find(|(known, ..)| *known == kind)?;
        Self::of_name(name)
    }
}

classes! {
    Sales: SaleRecorded ReturnRecorded
        NodeStarted NodeStopped StateRebuilt JournalQuarantined ImportFinished
        DeviceApproved DeviceRetired SettingsDesired CommandSent
        ExcursionOpened ExcursionAcknowledged ExcursionClosed
        PluginInstalled PluginRemoved
        ErasureRequested ErasureAdvanced;
    Stock: ProductListed PriceChanged StockCounted StockReceived StockAdjusted ProductDelisted
        StockMoved PlaceCounted PositionSensed TaskOpened TaskClosed
        UnitDefined ProductSuppressed;
    Telemetry: DeviceAnnounced DevicePlaced DeviceConnection DeviceFaulted SettingsReported CommandEnded
        ReadingsTaken TagsRead CodeScanned AnomalyOpened AnomalyClosed
        PluginFailed PluginRecovered PluginActed PluginReacted;
    Bulk: SessionStarted ProductViewed ItemsShown ItemClicked BasketChanged Searched SessionEnded
        CustomerNamed CouponEntered
        MqttPublished MqttSessionOpened MqttSessionClosed MqttSessionEnded MqttSubscribed
        MqttUnsubscribed MqttReleased MqttSent MqttReceived MqttDelivered PluginKept;
}

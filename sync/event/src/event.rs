//! [`Event`]: any one thing that happened, and the number of its type on disk.
//!
//! A type's number and its meaning are for ever; an incompatible change is a new type. A number that this build does
//! not know decodes to [`Event::Unknown`] with its bytes, so a node that was rolled back still reads its journal.

use crate::{
    class::{Field, Record},
    cold_chain::{ExcursionAcknowledged, ExcursionClosed, ExcursionOpened, UnitDefined},
    device::{
        AnomalyClosed, AnomalyOpened, CodeScanned, CommandEnded, CommandSent, DeviceAnnounced,
        DeviceApproved, DeviceConnection, DeviceFaulted, DevicePlaced, DeviceRetired, ReadingsTaken,
        SettingsDesired, SettingsReported, TagsRead,
    },
    erasure::{ErasureAdvanced, ErasureRequested},
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
use serde::Serialize;

/// The number of an event type, as it stands in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EventType(pub u16);

/// Why bytes are not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The CBOR does not hold what the type says.
    #[error("`{event}` does not decode: {reason}")]
    Malformed {
        /// The type's name.
        event: &'static str,
        /// What is wrong, with the path of the field.
        reason: String,
    },
    /// There is something after the end of the record.
    #[error("`{event}` ends at byte {end} of {bytes}")]
    Trailing {
        /// The type's name.
        event: &'static str,
        /// Where the record ends.
        end: usize,
        /// How many bytes there were.
        bytes: usize,
    },
}

macro_rules! events {
    ($($(#[$meta:meta])* $name:ident = $number:literal,)+) => {
        /// Something that happened.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(tag = "event", content = "fields")]
        pub enum Event {
            $($(#[$meta])* $name($name),)+
            /// A type that this build does not know.
            Unknown {
                /// Its number.
                kind: EventType,
                /// Its bytes.
                payload: Box<[u8]>,
            },
        }

        impl Event {
            /// Every type that this build knows: its number, its name, its fields.
            pub const TYPES: &'static [(EventType, &'static str, &'static [Field])] =
                &[$((EventType($number), $name::NAME, $name::FIELDS),)+];

            /// The number of its type.
            #[must_use]
            pub const fn kind(&self) -> EventType {
                match self {
                    $(Self::$name(_) => EventType($number),)+
                    Self::Unknown { kind, .. } => *kind,
                }
            }

            /// The name of its type.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $name::NAME,)+
                    Self::Unknown { .. } => "Unknown",
                }
            }

            /// Its bytes.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                let encoded = match self {
                    $(Self::$name(record) => minicbor::to_vec(record),)+
                    Self::Unknown { payload, .. } => Ok(payload.to_vec()),
                };
                // Writing to a `Vec` has no way to fail.
                encoded.unwrap_or_default()
            }

            /// Reads the bytes of an event of a type.
            ///
            /// # Errors
            /// When the type is known and the bytes are not one record of it.
            pub fn decode(kind: EventType, payload: &[u8]) -> Result<Self, DecodeError> {
                match kind.0 {
                    $($number => decode_record(payload).map(Self::$name),)+
                    _ => Ok(Self::Unknown { kind, payload: payload.into() }),
                }
            }
        }

        $(
            impl From<$name> for Event {
                fn from(record: $name) -> Self {
                    Self::$name(record)
                }
            }
        )+
    };
}

events! {
    /// A shopper began.
    SessionStarted = 0x0101,
    /// A product page was opened.
    ProductViewed = 0x0102,
    /// Recommendations came into view.
    ItemsShown = 0x0103,
    /// A recommendation was touched.
    ItemClicked = 0x0104,
    /// A basket changed.
    BasketChanged = 0x0105,
    /// A shopper searched.
    Searched = 0x0106,
    /// A shopper is gone.
    SessionEnded = 0x0107,
    /// A shopper said who they are.
    CustomerNamed = 0x0108,
    /// A coupon was put to a basket, or taken away.
    CouponEntered = 0x0109,
    /// Goods were sold.
    SaleRecorded = 0x0201,
    /// Goods came back.
    ReturnRecorded = 0x0202,
    /// A product is offered.
    ProductListed = 0x0301,
    /// A price changed.
    PriceChanged = 0x0302,
    /// Stock was counted.
    StockCounted = 0x0303,
    /// Goods arrived.
    StockReceived = 0x0304,
    /// The book was corrected.
    StockAdjusted = 0x0305,
    /// A product is no longer offered.
    ProductDelisted = 0x0306,
    /// The node is up.
    NodeStarted = 0x0401,
    /// The node goes down.
    NodeStopped = 0x0402,
    /// The index was made again.
    StateRebuilt = 0x0403,
    /// Damaged records were set aside.
    JournalQuarantined = 0x0404,
    /// A file was taken in.
    ImportFinished = 0x0405,
    /// A message was acknowledged or retained.
    MqttPublished = 0x0501,
    /// A client came in.
    MqttSessionOpened = 0x0502,
    /// A client went.
    MqttSessionClosed = 0x0503,
    /// A session is no more.
    MqttSessionEnded = 0x0504,
    /// A client asked for messages.
    MqttSubscribed = 0x0505,
    /// A client asked for no more messages.
    MqttUnsubscribed = 0x0506,
    /// QoS 2 messages were released by their publisher.
    MqttReleased = 0x0507,
    /// QoS 2 messages are about to be sent.
    MqttSent = 0x0508,
    /// QoS 2 messages were received by a subscriber.
    MqttReceived = 0x0509,
    /// Messages left a session's queue.
    MqttDelivered = 0x050a,
    /// A device was heard, or describes itself differently.
    DeviceAnnounced = 0x0601,
    /// A device may take part.
    DeviceApproved = 0x0602,
    /// A device was sent away for good.
    DeviceRetired = 0x0603,
    /// Where a stream of a device measures.
    DevicePlaced = 0x0604,
    /// A device came or went.
    DeviceConnection = 0x0605,
    /// Something is wrong with what a device sends.
    DeviceFaulted = 0x0606,
    /// What a device is to be set to.
    SettingsDesired = 0x0607,
    /// What a device is set to.
    SettingsReported = 0x0608,
    /// A device was asked to do something.
    CommandSent = 0x0609,
    /// A command ended.
    CommandEnded = 0x060a,
    /// Devices measured something.
    ReadingsTaken = 0x060b,
    /// A reader saw tags.
    TagsRead = 0x060c,
    /// A code was scanned.
    CodeScanned = 0x060d,
    /// A stream became odd.
    AnomalyOpened = 0x060e,
    /// A stream is as usual again.
    AnomalyClosed = 0x060f,
    /// Goods were moved within the store.
    StockMoved = 0x0701,
    /// A place was counted.
    PlaceCounted = 0x0702,
    /// What the store concludes about a product.
    PositionSensed = 0x0703,
    /// Staff are asked for something.
    TaskOpened = 0x0704,
    /// A task is over.
    TaskClosed = 0x0705,
    /// A cold chain unit and what is in it.
    UnitDefined = 0x0801,
    /// A unit is not as it must be.
    ExcursionOpened = 0x0802,
    /// A person has seen it.
    ExcursionAcknowledged = 0x0803,
    /// A unit is as it must be again.
    ExcursionClosed = 0x0804,
    /// A plugin is to run.
    PluginInstalled = 0x0901,
    /// A plugin is to run no more.
    PluginRemoved = 0x0902,
    /// A plugin keeps something.
    PluginKept = 0x0903,
    /// A plugin failed so often that it is left out.
    PluginFailed = 0x0904,
    /// A plugin that was left out works again.
    PluginRecovered = 0x0905,
    /// A plugin had something done.
    PluginActed = 0x0906,
    /// A product is kept from being sold, or may be sold again.
    ProductSuppressed = 0x0907,
    /// Plugins have reacted to what happened.
    PluginReacted = 0x0908,
    /// A person is to be erased.
    ErasureRequested = 0x0a01,
    /// A step of an erasure is done.
    ErasureAdvanced = 0x0a02,
}

fn decode_record<T>(payload: &[u8]) -> Result<T, DecodeError>
where
    T: Record + for<'b> minicbor::Decode<'b, ()>,
{
    let mut decoder = minicbor::Decoder::new(payload);
    let record = decoder
        .decode()
        .map_err(|error| DecodeError::Malformed { event: T::NAME, reason: error.to_string() })?;
    match decoder.position() {
        end if end == payload.len() => Ok(record),
        end => Err(DecodeError::Trailing { event: T::NAME, end, bytes: payload.len() }),
    }
}

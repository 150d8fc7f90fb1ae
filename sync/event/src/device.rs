//! What is known of the things in the shop: which there are, what they are set to, what they measured.
//!
//! Readings stand here as they are understood: a profile or the device contract has already made numbers with units out of
//! payloads. Not here: payloads (`aisle-firmware-config`), what readings say about stock ([`crate::inventory`]) or cold
//! ([`crate::cold_chain`]).

use crate::{
    id::{DeviceId, Name, Sku},
    measure::Measure,
    opaque::Text,
    record::{code, record},
    time::Timestamp,
};

code! {
    /// What a number of a stream counts.
    pub enum Measured {
        /// Degrees Celsius.
        Celsius = 0 "celsius",
        /// Relative humidity in percent.
        HumidityPercent = 1 "humidity_percent",
        /// Grams.
        Gram = 2 "gram",
        /// Watts.
        Watt = 3 "watt",
        /// Kilowatt hours.
        KilowattHour = 4 "kilowatt_hour",
        /// Volts.
        Volt = 5 "volt",
        /// 1 is open, 0 is closed.
        Open = 6 "open",
        /// 1 is on, 0 is off.
        On = 7 "on",
        /// People, pieces, times.
        Count = 8 "count",
        /// Charge or level in percent.
        Percent = 9 "percent",
        /// Signal strength in dBm.
        Dbm = 10 "dbm",
        /// Seconds.
        Second = 11 "second",
    }

    /// What comes by a stream.
    pub enum StreamKind {
        /// Numbers of one unit.
        Number = 0 "number",
        /// RFID tags in a zone.
        Tags = 1 "tags",
        /// Scanned codes.
        Code = 2 "code",
    }

    /// A part of the store that goods can be in.
    pub enum Place {
        /// Where shoppers take from.
        Shelf = 0 "shelf",
        /// Where they do not.
        Backroom = 1 "backroom",
    }

    /// What is wrong with what a device sends.
    pub enum DeviceProblem {
        /// A payload that neither the contract nor the profile can read.
        Payload = 0 "payload",
        /// A number that is none, or that cannot be: NaN, a negative weight.
        Value = 1 "value",
        /// A unit that is not the stream's.
        Unit = 2 "unit",
        /// Its clock is far off; its readings carry the node's time.
        Clock = 3 "clock",
        /// Two devices use one id.
        TwoDevices = 4 "two_devices",
        /// It now says that it is another model.
        Model = 5 "model",
        /// It sends more than it may.
        Flood = 6 "flood",
        /// It refused settings.
        Settings = 7 "settings",
    }

    /// What is odd about a stream of numbers.
    pub enum AnomalyKind {
        /// Outside what the sensor can say or its place allows.
        Range = 0 "range",
        /// The same value for too long.
        Stuck = 1 "stuck",
        /// Away from its own habit, slowly or at once.
        Drift = 2 "drift",
        /// No reading when there should have been several.
        Silent = 3 "silent",
    }

    /// How a command ended.
    pub enum CommandEnd {
        /// The device did it.
        Done = 0 "done",
        /// The device refused it.
        Refused = 1 "refused",
        /// No answer came in time.
        TimedOut = 2 "timed_out",
    }
}

record! {
    /// A stream that a device has.
    pub struct DeviceStream {
        /// Its name, unique within the device.
        1 open name: Name,
        /// What comes by it.
        2 open kind: StreamKind,
        /// What its numbers count; nothing for tags and codes.
        3 open measured: Option<Measured>,
        /// How often it speaks when all is well, in seconds.
        4 open interval_s: Option<u32>,
    }

    /// A device was heard for the first time, or describes itself differently now. It is not trusted by that.
    pub struct DeviceAnnounced {
        /// Which.
        1 pseudonymous device: DeviceId,
        /// What it is: a model of the contract, or the profile that fits.
        2 open model: Name,
        /// The version of its software.
        3 open firmware: Option<Name>,
        /// The device profile that understands it; nothing when it speaks the contract.
        4 open profile: Option<Name>,
        /// What it measures.
        5 nested(DeviceStream) streams: Vec<DeviceStream>,
        /// The schema of its settings, as JSON.
        6 open schema: Option<Text>,
        /// How often it has started, by its own count.
        7 open boots: Option<u32>,
        /// When it was heard.
        8 open at: Timestamp,
        /// A number that is another one in another device of the same id: its serial number, where it gives one.
        9 pseudonymous serial: Option<Name>,
        /// It speaks CBOR rather than JSON.
        10 open cbor: Option<bool>,
    }

    /// A person lets a device take part: from now on its readings count.
    pub struct DeviceApproved {
        /// Which.
        1 pseudonymous device: DeviceId,
        /// Who.
        2 pseudonymous by: Option<Name>,
        /// When.
        3 open at: Timestamp,
    }

    /// A person sent a device away for good: its twin and what was retained for it are cleaned up.
    pub struct DeviceRetired {
        /// Which.
        1 pseudonymous device: DeviceId,
        /// Who.
        2 pseudonymous by: Option<Name>,
        /// When.
        3 open at: Timestamp,
    }

    /// Where a stream of a device measures. Replaces what was said of that stream before.
    pub struct DevicePlaced {
        /// Which device.
        1 pseudonymous device: DeviceId,
        /// Which of its streams.
        2 open stream: Name,
        /// In which part of the store; nothing when it measures no goods.
        3 open place: Option<Place>,
        /// What lies on it, for a scale under a shelf.
        4 open sku: Option<Sku>,
        /// What one piece weighs, in grams.
        5 open unit_weight: Option<Measure>,
        /// What it shows when nothing lies on it, in grams.
        6 open tare: Option<Measure>,
        /// The cold chain unit that it watches.
        7 open unit: Option<Name>,
        /// When it was said.
        8 open at: Timestamp,
    }

    /// A device came or went.
    pub struct DeviceConnection {
        /// Which.
        1 pseudonymous device: DeviceId,
        /// It is there.
        2 open online: bool,
        /// When.
        3 open at: Timestamp,
    }

    /// Something is wrong with what a device sends. At most one an hour of each kind.
    pub struct DeviceFaulted {
        /// Which.
        1 pseudonymous device: DeviceId,
        /// What.
        2 open problem: DeviceProblem,
        /// Where in the payload or the settings.
        3 open path: Option<Name>,
        /// In words, with what to do.
        4 open detail: Name,
        /// When.
        5 open at: Timestamp,
    }

    /// What a device is to be set to: the whole of its settings, not a change.
    pub struct SettingsDesired {
        /// Which device.
        1 pseudonymous device: DeviceId,
        /// One more than the version before.
        2 open version: u64,
        /// The settings as a JSON object.
        3 open settings: Text,
        /// Who.
        4 pseudonymous by: Option<Name>,
        /// When.
        5 open at: Timestamp,
    }

    /// What a device says that it is set to.
    pub struct SettingsReported {
        /// Which device.
        1 pseudonymous device: DeviceId,
        /// The version that is in force on it.
        2 open version: u64,
        /// The settings as a JSON object.
        3 open settings: Text,
        /// The version that it refused, if it did.
        4 open refused: Option<u64>,
        /// The field that was refused.
        5 open path: Option<Name>,
        /// Why.
        6 open reason: Option<Name>,
        /// It fell back to these after failing to start with others.
        7 open last_known_good: Option<bool>,
        /// When it was heard.
        8 open at: Timestamp,
    }

    /// A device was asked to do something.
    pub struct CommandSent {
        /// Which device.
        1 pseudonymous device: DeviceId,
        /// What.
        2 open command: Name,
        /// What its answer will carry.
        3 open correlation: Name,
        /// What goes with it, as JSON.
        4 open request: Text,
        /// Until when an answer counts.
        5 open until: Timestamp,
        /// Who.
        6 pseudonymous by: Option<Name>,
        /// When.
        7 open at: Timestamp,
    }

    /// A command ended.
    pub struct CommandEnded {
        /// Of which device.
        1 pseudonymous device: DeviceId,
        /// Which.
        2 open correlation: Name,
        /// How.
        3 open end: CommandEnd,
        /// What came back, as JSON.
        4 open response: Option<Text>,
        /// When.
        5 open at: Timestamp,
    }

    /// One number that a device measured.
    pub struct Reading {
        /// Of which device.
        1 pseudonymous device: DeviceId,
        /// Which of its streams.
        2 open stream: Name,
        /// How much.
        3 open value: Measure,
        /// When it was measured, as far as the device's clock can be believed.
        4 open at: Timestamp,
        /// Its number among the device's messages since it started.
        5 open number: Option<u32>,
        /// The start of the device that the number belongs to.
        6 open boot: Option<u32>,
    }

    /// Approved devices measured something.
    pub struct ReadingsTaken {
        /// What.
        1 nested(Reading) readings: Vec<Reading>,
    }

    /// An RFID reader saw tags.
    pub struct TagsRead {
        /// Which reader.
        1 pseudonymous device: DeviceId,
        /// Which of its zones.
        2 open stream: Name,
        /// The tags that are there, as 24 hexadecimal digits (SGTIN-96).
        3 open tags: Vec<Text>,
        /// It looked at the whole zone: what is not listed was not seen.
        4 open complete: bool,
        /// When.
        5 open at: Timestamp,
    }

    /// A code was scanned.
    pub struct CodeScanned {
        /// By which device.
        1 pseudonymous device: DeviceId,
        /// Which of its streams.
        2 open stream: Name,
        /// What was read.
        3 sensitive code: Text,
        /// What lay on the scale, in grams, where there is one.
        4 open weight: Option<Measure>,
        /// When.
        5 open at: Timestamp,
    }

    /// A stream of numbers became odd.
    pub struct AnomalyOpened {
        /// Of which device.
        1 pseudonymous device: DeviceId,
        /// Which of its streams.
        2 open stream: Name,
        /// In what way.
        3 open kind: AnomalyKind,
        /// In words, with the numbers that say so.
        4 open detail: Name,
        /// Since when, by the readings.
        5 open since: Timestamp,
        /// When it was noticed.
        6 open at: Timestamp,
    }

    /// A stream of numbers is as usual again.
    pub struct AnomalyClosed {
        /// Of which device.
        1 pseudonymous device: DeviceId,
        /// Which of its streams.
        2 open stream: Name,
        /// What was odd.
        3 open kind: AnomalyKind,
        /// When.
        4 open at: Timestamp,
    }
}

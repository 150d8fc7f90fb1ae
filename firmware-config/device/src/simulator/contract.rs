//! Readers and scanners: devices of the contract whose messages are tags and codes, not numbers.
//!
//! The firmware's core measures numbers; what a reader sees is too large for its ring, so these talk by themselves, by the same contract.

use super::{
    Shared,
    mqtt::Session,
    phrase::skew_ms,
    scenario::{DevicePlan, Encoding as Written, Model, Window},
    talker::Said,
    time::unix_ms,
    wire::Wire,
};
use crate::floor::{
    Floor, Place,
    sensor::{Reader, ReaderConfig},
    sgtin96,
};
use aisle_firmware_config::{
    message::{
        Announce, CONTRACT, Code, Encoding, Request, Response, Status, StreamInfo, StreamKind, Tags, decode,
        encode,
    },
    setting::Settings,
    topic::{Channel, Topic},
};
use heapless::{String as Short, Vec as Few};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Room for a message, in bytes: 64 tags in JSON take some 2000.
const MESSAGE_BYTES_MAX: usize = 4096;
/// Tags in a message at most.
const TAGS_MAX: usize = 64;
/// Bits of a tag's number that stand behind its GTIN.
const SERIAL_BITS: u32 = 38;

/// A reader or a scanner.
pub(super) struct ContractTalk {
    store: String,
    id: String,
    model: Model,
    encoding: Encoding,
    serial: String,
    boots: u32,
    interval_s: u32,
    watches: Option<String>,
    faults: Vec<Window>,
    next: u32,
    reader: Reader,
    rng: ChaCha8Rng,
}

impl From<Written> for Encoding {
    fn from(written: Written) -> Self {
        match written {
            Written::Json => Self::Json,
            Written::Cbor => Self::Cbor,
        }
    }
}

/// The message that a device is there, or that it is not.
pub(super) fn online(online: bool, boots: u32, encoding: Encoding) -> Vec<u8> {
    bytes(&Status { online, boots, reason: None }, encoding)
}

/// A message as bytes; none when it is larger than any message of this simulator.
fn bytes<T: Serialize>(message: &T, encoding: Encoding) -> Vec<u8> {
    let mut room = vec![0; MESSAGE_BYTES_MAX];
    let length = encode(message, encoding, &mut room).unwrap_or_default();
    room.truncate(length);
    room.shrink_to_fit();
    room
}

impl ContractTalk {
    pub(super) fn new(
        plan: &DevicePlan,
        model: Model,
        serial: &str,
        boots: u32,
        shared: &Shared,
        faults: &[Window],
    ) -> Self {
        let own = shared.seed ^ (plan.index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            store: shared.target.store.clone(),
            id: plan.id.clone(),
            model,
            encoding: plan.encoding.into(),
            serial: serial.to_owned(),
            boots,
            interval_s: plan.interval_s,
            watches: plan.watches.clone(),
            faults: faults.to_vec(),
            next: 1,
            reader: Reader::new(&ReaderConfig::default(), own),
            rng: ChaCha8Rng::seed_from_u64(own),
        }
    }

    fn topic(&self, channel: Channel<'_>) -> String {
        Topic { store: &self.store, device: &self.id, channel }.to_string()
    }

    fn stream(&self) -> (&'static str, StreamKind) {
        if self.model == Model::RfidReader { ("tags", StreamKind::Tags) } else { ("code", StreamKind::Code) }
    }

    pub(super) fn session(&self) -> Session {
        Session {
            client_id: self.id.clone(),
            will: (self.topic(Channel::Status), online(false, self.boots, self.encoding)),
            filters: vec![self.topic(Channel::ConfigDesired), self.topic(Channel::CommandRequest("+"))],
        }
    }

    pub(super) fn hello(&self) -> Vec<Said> {
        let (name, kind) = self.stream();
        let name = Short::try_from(name).unwrap_or_default();
        let info = StreamInfo { name, kind, unit: None, interval_s: Some(self.interval_s) };
        let announce = Announce {
            contract: CONTRACT,
            model: Short::try_from(self.model.name()).unwrap_or_default(),
            serial: Short::try_from(self.serial.as_str()).ok(),
            firmware: Short::try_from(env!("CARGO_PKG_VERSION")).ok(),
            boots: self.boots,
            streams: Few::from_iter([info]),
            settings: Few::new(),
        };
        vec![
            Said {
                topic: self.topic(Channel::Announce),
                payload: bytes(&announce, self.encoding),
                retain: true,
            },
            Said {
                topic: self.topic(Channel::Status),
                payload: online(true, self.boots, self.encoding),
                retain: true,
            },
        ]
    }

    pub(super) fn say(&mut self, shared: &Shared, _: &Wire<'_>) -> Vec<Said> {
        let at_ms = Some(unix_ms().saturating_add(skew_ms(&self.faults, shared.time.now_ms())));
        let topic = self.topic(Channel::Telemetry(self.stream().0));
        let say = |payload: Vec<u8>| Said { topic: topic.clone(), payload, retain: false };
        if self.model == Model::RfidReader {
            let seen = self.scan(shared);
            let pieces: Vec<&[String]> =
                if seen.is_empty() { vec![&[]] } else { seen.chunks(TAGS_MAX).collect() };
            // One message can say that what it does not list was not seen only when it lists all.
            let complete = pieces.len() == 1;
            let mut said = Vec::with_capacity(pieces.len());
            for piece in pieces {
                let tags = piece.iter().filter_map(|tag| Short::try_from(tag.as_str()).ok()).collect();
                let message = Tags { boot: self.boots, n: self.next, at_ms, complete, tags };
                self.next = self.next.wrapping_add(1);
                said.push(say(bytes(&message, self.encoding)));
            }
            return said;
        }
        let (code, weight_g) = self.weigh(shared);
        let code = Short::try_from(code.as_str()).unwrap_or_default();
        let message = Code { boot: self.boots, n: self.next, at_ms, code, weight_g };
        self.next = self.next.wrapping_add(1);
        vec![say(bytes(&message, self.encoding))]
    }

    /// These devices have no settings and know one command: to say who they are.
    pub(super) fn answer(&mut self, topic: &str, payload: &[u8]) -> Vec<Said> {
        let Some(Topic { channel: Channel::CommandRequest(command), .. }) = Topic::parse(topic) else {
            return vec![];
        };
        let Ok((request, _)) = decode::<Request>(payload) else { return vec![] };
        let ok = command == "identify";
        let reason = (!ok).then(|| Short::try_from("this device knows no such command").unwrap_or_default());
        let response = Response { id: request.id, ok, reason, result: Settings::new() };
        let payload = bytes(&response, self.encoding);
        vec![Said { topic: self.topic(Channel::CommandResponse(command)), payload, retain: false }]
    }

    fn scan(&mut self, shared: &Shared) -> Vec<String> {
        let world = shared.world();
        let Some(floor) = &world.floor else { return vec![] };
        let now_ms = floor.now_ms();
        let (own, other): (Vec<String>, Vec<String>) = match self.watches.as_deref() {
            Some("backroom") => (floor.tags(Place::Backroom).collect(), floor.tags(Place::Shelf).collect()),
            Some(sku) if sku != "shelf" => match tags_begin_with(floor, sku) {
                Some(gtin) => floor.tags(Place::Shelf).partition(|tag| prefix(tag) == Some(gtin)),
                None => (vec![], vec![]),
            },
            _ => (floor.tags(Place::Shelf).collect(), floor.tags(Place::Backroom).collect()),
        };
        drop(world);
        // A reader of one shelf is too weak for those beside it.
        let other =
            if matches!(self.watches.as_deref(), None | Some("shelf" | "backroom")) { other } else { vec![] };
        self.reader.scan(&own, &other, now_ms)
    }

    fn weigh(&mut self, shared: &Shared) -> (String, Option<f64>) {
        let world = shared.world();
        let item = world.floor.as_ref().zip(self.watches.as_deref()).and_then(|(floor, sku)| {
            let item = floor.config().items.iter().find(|item| item.sku == sku)?;
            Some((item.gtin.clone().unwrap_or_else(|| item.sku.clone()), item.unit_weight_g))
        });
        drop(world);
        let (code, grams) = item.unwrap_or_else(|| ("2000000000015".to_owned(), 250.0));
        let pieces = self.rng.random_range(1..=6_u32);
        (code, Some((grams * f64::from(pieces) + self.rng.random_range(-2.0..2.0)).round()))
    }
}

/// What all tags of a product begin with.
fn tags_begin_with(floor: &Floor, sku: &str) -> Option<u128> {
    let item = floor.config().items.iter().find(|item| item.sku == sku)?;
    prefix(&sgtin96(item.gtin.as_deref()?, 0)?)
}

fn prefix(tag: &str) -> Option<u128> {
    u128::from_str_radix(tag, 16).ok().map(|number| number >> SERIAL_BITS)
}

//! The register as a fold: the same events, the same register.

use aisle_devices::{
    alert::{AlertAbout, alerts},
    registry::{Config, DeviceState, DeviceView, Devices},
};
use aisle_event::{
    DeviceId, Event, Measure, Name, Text, Timestamp, Unknown,
    device::{
        CommandEnd, CommandEnded, CommandSent, DeviceAnnounced, DeviceApproved, DeviceConnection,
        DevicePlaced, DeviceProblem, DeviceRetired, DeviceStream, Measured, Place, Reading, ReadingsTaken,
        SettingsDesired, SettingsReported, StreamKind,
    },
};
use std::sync::Arc;

const T0: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn id(text: &str) -> DeviceId {
    DeviceId::new(text).unwrap()
}

fn announced(device: &str, model: &str, serial: &str, at: i64) -> Event {
    DeviceAnnounced {
        device: id(device),
        model: name(model),
        firmware: None,
        profile: None,
        streams: vec![DeviceStream {
            name: name("temperature"),
            kind: StreamKind::Number,
            measured: Some(Measured::Celsius),
            interval_s: Some(60),
            unknown: Unknown::default(),
        }],
        schema: None,
        boots: Some(1),
        at: Timestamp(at),
        serial: Some(name(serial)),
        cbor: None,
        unknown: Unknown::default(),
    }
    .into()
}

fn approved(device: &str, at: i64) -> Event {
    DeviceApproved {
        device: id(device),
        by: Some(name("mo")),
        at: Timestamp(at),
        unknown: Unknown::default(),
    }
    .into()
}

fn retired(device: &str, at: i64) -> Event {
    DeviceRetired { device: id(device), by: None, at: Timestamp(at), unknown: Unknown::default() }.into()
}

fn desired(device: &str, version: u64, at: i64) -> Event {
    SettingsDesired {
        device: id(device),
        version,
        settings: Text::new("{\"interval_s\":30}").unwrap(),
        by: None,
        at: Timestamp(at),
        unknown: Unknown::default(),
    }
    .into()
}

fn reported(device: &str, version: u64, refused: Option<u64>, at: i64) -> Event {
    SettingsReported {
        device: id(device),
        version,
        settings: Text::new("{\"interval_s\":60}").unwrap(),
        refused,
        path: refused.map(|_| name("interval_s")),
        reason: refused.map(|_| name("is too low")),
        last_known_good: None,
        at: Timestamp(at),
        unknown: Unknown::default(),
    }
    .into()
}

fn sent(device: &str, correlation: &str, at: i64, until: i64) -> Event {
    CommandSent {
        device: id(device),
        command: name("blink"),
        correlation: name(correlation),
        request: Text::new("{}").unwrap(),
        until: Timestamp(until),
        by: None,
        at: Timestamp(at),
        unknown: Unknown::default(),
    }
    .into()
}

struct Fold {
    devices: Devices,
    seq: u64,
    history: Vec<Event>,
}

impl Fold {
    fn of(events: impl IntoIterator<Item = Event>) -> Self {
        Self::with(Config::default(), events)
    }

    fn with(config: Config, events: impl IntoIterator<Item = Event>) -> Self {
        let mut this = Self { devices: Devices::new(config), seq: 0, history: Vec::new() };
        events.into_iter().for_each(|event| this.apply(event));
        this
    }

    fn apply(&mut self, event: Event) {
        self.seq += 1;
        self.devices.apply(self.seq, &event);
        self.history.push(event);
        // A snapshot at any time is the same register.
        if self.seq.is_multiple_of(7) {
            let config = Config::default();
            let again = Devices::decode(config, &self.devices.encode()).expect("decodes");
            assert_eq!(again.encode(), self.devices.encode());
            let at = Timestamp(T0 + 1_000 * HOUR);
            assert_eq!(again.due(at), self.devices.due(at));
            assert_eq!(again.view().counts, self.devices.view().counts);
            // The same events are the same register.
            let mut replayed = Devices::new(config);
            (1..).zip(&self.history).for_each(|(seq, event)| replayed.apply(seq, event));
            assert_eq!(replayed.encode(), self.devices.encode());
        }
    }

    fn due(&mut self, at: i64) -> Vec<Event> {
        let due = self.devices.due(Timestamp(at));
        due.iter().cloned().for_each(|event| self.apply(event));
        due
    }

    fn get(&self, device: &str) -> Arc<DeviceView> {
        self.devices.view().get(device).expect("is known").clone()
    }
}

#[test]
fn a_device_that_is_heard_is_not_trusted_until_a_person_approves_it() {
    let mut fold = Fold::of([announced("fridge-7", "thermo", "a", T0)]);
    assert_eq!(fold.get("fridge-7").state, DeviceState::Heard);
    assert!(!fold.get("fridge-7").is_trusted());
    fold.apply(approved("fridge-7", T0 + 1));
    assert!(fold.get("fridge-7").is_trusted());
    assert_eq!(fold.get("fridge-7").state_by, Some(name("mo")));
}

#[test]
fn a_retired_device_stays_away_whatever_it_says_until_a_person_approves_it_again() {
    let mut fold = Fold::of([
        announced("fridge-7", "thermo", "a", T0),
        approved("fridge-7", T0),
        desired("fridge-7", 1, T0),
        retired("fridge-7", T0 + 1),
    ]);
    let away = fold.get("fridge-7");
    for event in [
        announced("fridge-7", "other", "b", T0 + 2),
        desired("fridge-7", 2, T0 + 2),
        reported("fridge-7", 1, None, T0 + 2),
        sent("fridge-7", "c1", T0 + 2, T0 + 3),
    ] {
        fold.apply(event);
    }
    assert_eq!(fold.get("fridge-7"), away);
    assert_eq!(fold.devices.ignored(), 4);
    assert_eq!(away.twin.desired, None);
    assert_eq!(alerts(&away, [], Timestamp(T0 + 3)), [], "nobody waits for what was sent away");
    fold.apply(approved("fridge-7", T0 + 4));
    assert!(fold.get("fridge-7").is_trusted());
}

#[test]
fn a_device_that_becomes_another_model_is_suspended_and_said_once_until_approved_again() {
    let mut fold = Fold::of([announced("shelf-1", "scale", "a", T0), approved("shelf-1", T0)]);
    fold.apply(announced("shelf-1", "camera", "a", T0 + 1));
    assert!(!fold.get("shelf-1").is_trusted());
    let alerts = alerts(&fold.get("shelf-1"), [], Timestamp(T0 + 2));
    assert_eq!(alerts[0].about, AlertAbout::Suspension, "{alerts:?}");
    assert!(alerts[0].words.contains("`scale`"), "{alerts:?}");
    let due = fold.due(T0 + 2);
    assert!(matches!(&due[..], [Event::DeviceFaulted(fault)] if fault.problem == DeviceProblem::Model));
    assert_eq!(fold.due(T0 + 3), []);
    // Back again: whoever alternates is not one device.
    fold.apply(announced("shelf-1", "scale", "a", T0 + 4));
    assert!(!fold.get("shelf-1").is_trusted());
    fold.apply(approved("shelf-1", T0 + 5));
    assert!(fold.get("shelf-1").is_trusted());
    assert_eq!(fold.get("shelf-1").problems, []);
}

#[test]
fn two_devices_with_one_id_are_told_from_one_that_was_replaced() {
    let mut fold = Fold::of([announced("shelf-1", "scale", "a", T0), approved("shelf-1", T0)]);
    fold.apply(announced("shelf-1", "scale", "b", T0 + 1));
    assert_eq!(fold.due(T0 + 1), [], "a new board in an old place");
    fold.apply(announced("shelf-1", "scale", "a", T0 + 2));
    let due = fold.due(T0 + 2);
    assert!(matches!(&due[..], [Event::DeviceFaulted(fault)] if fault.problem == DeviceProblem::TwoDevices));
    for round in 0..100 {
        fold.apply(announced("shelf-1", "scale", if round % 2 == 0 { "b" } else { "a" }, T0 + 3 + round));
        assert_eq!(fold.due(T0 + 3 + round), [], "it is said once an hour");
    }
    fold.apply(announced("shelf-1", "scale", "b", T0 + 2 * HOUR));
    assert_eq!(fold.due(T0 + 2 * HOUR).len(), 1);
    assert_eq!(fold.get("shelf-1").problems.len(), 1);
    assert_eq!(fold.get("shelf-1").problems[0].count, 2);
}

#[test]
fn ten_thousand_announcements_at_once_leave_a_bounded_register_that_says_so() {
    let mut fold = Fold::of([announced("mine", "thermo", "a", T0), approved("mine", T0)]);
    for number in 0..10_000 {
        fold.devices.apply(10 + number, &announced(&format!("new-{number}"), "thermo", "x", T0 + 1));
    }
    let view = fold.devices.view();
    assert_eq!((view.counts.heard, view.counts.approved, view.devices.len()), (500, 1, 501));
    assert_eq!(view.shed, 9_500);
    assert!(view.alert.as_ref().is_some_and(|alert| alert.contains("500 devices wait")), "{:?}", view.alert);
    assert!(view.get("mine").unwrap().is_trusted());
    // A day later those that were not heard since make room.
    fold.devices.apply(20_000, &announced("late", "thermo", "x", T0 + 25 * HOUR));
    assert!(fold.devices.view().get("late").is_some());
    assert_eq!(fold.devices.view().counts.heard, 500);
}

#[test]
fn a_twin_lasts_while_its_device_is_away_for_weeks() {
    let mut fold = Fold::of([
        announced("label-3", "label", "a", T0),
        approved("label-3", T0),
        reported("label-3", 4, None, T0),
        DeviceConnection {
            device: id("label-3"),
            online: false,
            at: Timestamp(T0),
            unknown: Unknown::default(),
        }
        .into(),
        desired("label-3", 5, T0 + HOUR),
    ]);
    for day in 0..90 {
        assert_eq!(fold.due(T0 + day * 24 * HOUR), []);
    }
    let twin = fold.get("label-3").twin.clone();
    assert!(!twin.in_sync);
    assert_eq!(twin.since, Some(Timestamp(T0 + HOUR)));
    assert_eq!(twin.desired.unwrap().version, 5);
    fold.apply(reported("label-3", 5, None, T0 + 2_000 * HOUR));
    assert!(fold.get("label-3").twin.in_sync);
}

#[test]
fn a_version_never_goes_back_and_a_refused_one_is_never_given_again() {
    let mut fold = Fold::of([announced("a", "m", "a", T0), approved("a", T0), desired("a", 3, T0)]);
    fold.apply(desired("a", 2, T0 + 1));
    assert_eq!(fold.get("a").twin.desired.as_ref().unwrap().version, 3);
    fold.apply(reported("a", 2, Some(9), T0 + 2));
    assert_eq!(fold.get("a").twin.next_version(), 10);
    assert_eq!(fold.get("a").twin.refusal(), None, "nine was another's");
    fold.apply(reported("a", 2, Some(3), T0 + 3));
    assert_eq!(fold.get("a").twin.refusal().unwrap().path, Some(name("interval_s")));
    assert!(!fold.get("a").twin.in_sync);
}

#[test]
fn a_command_that_nobody_answers_times_out_once_also_by_a_clock_that_was_put_right() {
    let mut fold =
        Fold::of([announced("a", "m", "a", T0), approved("a", T0), sent("a", "c1", T0, T0 + 5_000)]);
    assert_eq!(fold.due(T0 + 4_999), []);
    assert_eq!(fold.due(T0 + 5_000).len(), 1);
    assert_eq!(fold.due(T0 + 5_000), []);
    assert_eq!(fold.get("a").commands[0].ended.as_ref().unwrap().end, CommandEnd::TimedOut);
    // Sent while the clock was years ahead.
    fold.apply(sent("a", "c2", T0 + 90_000 * HOUR, T0 + 90_001 * HOUR));
    assert_eq!(fold.due(T0 + 6_000).len(), 1);
    // An answer that comes after the end changes nothing.
    let late = CommandEnded {
        device: id("a"),
        correlation: name("c1"),
        end: CommandEnd::Done,
        response: None,
        at: Timestamp(T0 + 7_000),
        unknown: Unknown::default(),
    };
    fold.apply(late.into());
    assert_eq!(fold.get("a").commands[0].ended.as_ref().unwrap().end, CommandEnd::TimedOut);
}

#[test]
fn commands_are_bounded_and_what_has_ended_goes_first() {
    let mut fold = Fold::of([announced("a", "m", "a", T0), approved("a", T0)]);
    fold.apply(sent("a", "open", T0, T0 + HOUR));
    for number in 0..100 {
        let correlation = format!("c{number}");
        fold.apply(sent("a", &correlation, T0, T0 + HOUR));
        let ended = CommandEnded {
            device: id("a"),
            correlation: name(&correlation),
            end: CommandEnd::Done,
            response: None,
            at: Timestamp(T0),
            unknown: Unknown::default(),
        };
        fold.apply(ended.into());
    }
    assert_eq!(fold.get("a").commands.len(), 16);
    assert!(fold.get("a").open_command("open").is_some());
    assert_eq!(fold.due(T0 + HOUR).len(), 1);
}

#[test]
fn what_needs_somebody_is_told_in_order_and_for_as_long_as_it_lasts() {
    let offline = DeviceConnection {
        device: id("a"),
        online: false,
        at: Timestamp(T0 + 1),
        unknown: Unknown::default(),
    };
    let mut fold = Fold::of([announced("a", "m", "a", T0)]);
    let about = |fold: &Fold, at| -> Vec<AlertAbout> {
        alerts(&fold.get("a"), [], Timestamp(at)).iter().map(|alert| alert.about).collect()
    };
    assert_eq!(about(&fold, T0), [AlertAbout::Approval]);
    fold.apply(approved("a", T0));
    assert_eq!(about(&fold, T0), []);
    fold.apply(desired("a", 1, T0));
    assert_eq!(about(&fold, T0 + 1), [], "a device may take its time");
    assert_eq!(about(&fold, T0 + HOUR), [AlertAbout::Settings]);
    fold.apply(offline.into());
    assert_eq!(about(&fold, T0 + HOUR), [AlertAbout::Offline, AlertAbout::Settings]);
    fold.apply(reported("a", 0, Some(1), T0 + 2));
    let refused = alerts(&fold.get("a"), [], Timestamp(T0 + 3));
    assert!(refused.iter().any(|alert| alert.words.contains("refused version 1")), "{refused:?}");
    fold.apply(reported("a", 1, None, T0 + 4));
    assert_eq!(about(&fold, T0 + HOUR), [AlertAbout::Offline]);
}

#[test]
fn a_placement_outlasts_a_firmware_that_lost_the_stream() {
    let mut fold = Fold::of([announced("a", "m", "a", T0), approved("a", T0)]);
    let placed = |stream: &str, place| {
        DevicePlaced {
            device: id("a"),
            stream: name(stream),
            place,
            sku: None,
            unit_weight: None,
            tare: None,
            unit: None,
            at: Timestamp(T0),
            unknown: Unknown::default(),
        }
        .into()
    };
    fold.apply(placed("temperature", Some(Place::Backroom)));
    let Event::DeviceAnnounced(mut without) = announced("a", "m", "a", T0 + 1) else { panic!() };
    without.streams.clear();
    fold.apply(without.into());
    assert!(fold.get("a").stream("temperature").is_none());
    fold.apply(announced("a", "m", "a", T0 + 2));
    let stream = fold.get("a").stream("temperature").cloned().unwrap();
    assert_eq!(stream.placement.unwrap().place, Some(Place::Backroom));
    fold.apply(placed("temperature", None));
    assert!(fold.get("a").stream("temperature").unwrap().placement.is_none());
}

#[test]
fn when_a_device_was_heard_follows_a_clock_that_was_put_right() {
    let mut fold = Fold::of([announced("a", "m", "a", T0 + 90_000 * HOUR), approved("a", T0)]);
    let reading = |at| Reading {
        device: id("a"),
        stream: name("temperature"),
        value: Measure::new(3.9).unwrap(),
        at: Timestamp(at),
        number: Some(1),
        boot: Some(1),
        unknown: Unknown::default(),
    };
    let taken = |at| ReadingsTaken { readings: vec![reading(at)], unknown: Unknown::default() }.into();
    fold.apply(taken(T0));
    assert_eq!(fold.get("a").last_heard, Timestamp(T0));
    fold.apply(taken(T0 - HOUR));
    assert_eq!(fold.get("a").last_heard, Timestamp(T0), "a reading that was stored is no news of its device");
}

#[test]
fn no_bytes_break_the_reading_of_a_snapshot() {
    let fold = Fold::of([
        announced("a", "m", "a", T0),
        approved("a", T0),
        desired("a", 1, T0),
        sent("a", "c1", T0, T0 + 1),
    ]);
    let bytes = fold.devices.encode();
    for length in 0..bytes.len() {
        assert!(Devices::decode(Config::default(), &bytes[..length]).is_err(), "{length}");
    }
    let mut refused = 0;
    for at in 0..bytes.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut wrong = bytes.clone();
            wrong[at] ^= flip;
            refused += u32::from(Devices::decode(Config::default(), &wrong).is_err());
        }
    }
    assert!(refused > 0);
    assert!(
        Devices::decode(Config::default(), &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err()
    );
}

#[test]
fn a_wrong_bound_is_refused_by_name() {
    let config = Config { unapproved_max: 0, ..Config::default() };
    assert_eq!(
        config.validate().unwrap_err().to_string(),
        "`unapproved_max` is 0, expected 1 to `devices_max`"
    );
    Config::default().validate().unwrap();
}

//! What is odd: found in each kind, by each sensor's own measure, told once, and over when it is over.

use super::{DAY, Followed, HOUR, MINUTE, announced, key, started, whole};
use aisle_devices::telemetry::{Config, Resolution, Telemetry, query};
use aisle_event::{
    Event,
    device::{AnomalyKind, Measured},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const STEP: i64 = MINUTE;
const DAYS: i64 = 24 * HOUR;

/// A fridge: a compressor's swing, a warmer afternoon, noise, one reading a minute.
struct Fridge {
    followed: Followed,
    random: ChaCha8Rng,
    at: i64,
    /// What it adds to each value, and with which noise.
    off: f64,
    noise: f64,
    told: Vec<(i64, AnomalyKind, bool, String)>,
}

impl Fridge {
    fn new(seed: u64, noise: f64) -> Self {
        eprintln!("seed {seed}");
        let mut followed = Followed::new(Config::default());
        followed.apply(&announced("fridge", Measured::Celsius, Some(60)));
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { followed, random, at: DAY, off: 0.0, noise, told: Vec::new() }
    }

    fn value(&mut self) -> f64 {
        let minute = (self.at / MINUTE) as f64;
        let swing = (minute / 25.0 * std::f64::consts::TAU).sin() * 0.8;
        let day = (minute / 1440.0 * std::f64::consts::TAU).sin() * 0.5;
        // Twelve even ones are nearly normal.
        let normal = (0..12).map(|_| self.random.random::<f64>()).sum::<f64>() - 6.0;
        let value = 3.5 + swing + day + self.off + normal * self.noise;
        (value * 100.0).round() / 100.0
    }

    fn run(&mut self, ms: i64) {
        let until = self.at + ms;
        while self.at < until {
            let value = self.value();
            self.say(value);
        }
    }

    fn say(&mut self, value: f64) {
        self.followed.take("fridge", self.at, value);
        self.look();
        self.at += STEP;
    }

    fn look(&mut self) {
        for event in self.followed.settle(self.at) {
            self.told.push(match event {
                Event::AnomalyOpened(opened) => (self.at, opened.kind, true, opened.detail.to_string()),
                Event::AnomalyClosed(closed) => (self.at, closed.kind, false, String::new()),
                event => panic!("{event:?}"),
            });
        }
    }

    fn quiet(&mut self, ms: i64) {
        let until = self.at + ms;
        while self.at < until {
            self.at += STEP;
            self.look();
        }
    }

    fn kinds(&self) -> Vec<(AnomalyKind, bool)> {
        self.told.iter().map(|told| (told.1, told.2)).collect()
    }
}

/// A fridge that was watched for three weeks. What it told until now is forgotten.
fn known(seed: u64) -> Fridge {
    let mut fridge = Fridge::new(seed, 0.1);
    fridge.run(21 * DAYS);
    fridge.told.clear();
    fridge
}

#[test]
fn a_sensor_that_is_as_always_gives_no_more_false_alarms_than_configured() {
    let (mut alarms, mut days) = (0, 0);
    for seed in 0..3 {
        let mut fridge = Fridge::new(seed, 0.1 + seed as f64 * 0.1);
        fridge.run(40 * DAYS);
        alarms += fridge.told.iter().filter(|told| told.2).count();
        days += 33;
    }
    let a_day = alarms as f64 / f64::from(days);
    eprintln!("{alarms} alarms in {days} days: {a_day:.3} a day");
    assert!(a_day <= 2.0 * Config::default().anomaly.false_alarms_per_day, "{a_day}");
}

#[test]
fn a_value_outside_its_own_habit_is_told_with_numbers_and_over_when_it_was_calm() {
    let mut fridge = known(1);
    fridge.off = 4.0;
    fridge.run(3 * MINUTE);
    assert_eq!(fridge.kinds(), [(AnomalyKind::Range, true)]);
    assert!(
        fridge.told[0].3.contains(" °C is above ") && fridge.told[0].3.contains("usual"),
        "{:?}",
        fridge.told
    );
    fridge.off = 0.0;
    fridge.run(5 * MINUTE);
    assert_eq!(fridge.told.len(), 1, "not over at the first good reading");
    fridge.run(HOUR);
    assert_eq!(fridge.kinds(), [(AnomalyKind::Range, true), (AnomalyKind::Range, false)]);
}

#[test]
fn what_a_sensor_cannot_say_is_odd_from_the_first_day() {
    let mut fridge = Fridge::new(2, 0.1);
    fridge.run(HOUR);
    fridge.say(-127.0);
    assert_eq!(fridge.kinds(), [(AnomalyKind::Range, true)]);
    assert!(fridge.told[0].3.contains("-127 °C is below -100 °C"), "{:?}", fridge.told);
}

#[test]
fn a_value_that_never_changes_is_stuck_for_a_sensor_that_always_does() {
    let mut fridge = known(3);
    for _ in 0..59 {
        fridge.say(3.5);
    }
    assert!(fridge.told.is_empty(), "an hour at the least: {:?}", fridge.told);
    for _ in 0..10 {
        fridge.say(3.5);
    }
    assert_eq!(fridge.kinds(), [(AnomalyKind::Stuck, true)]);
    fridge.run(10 * MINUTE);
    assert_eq!(fridge.kinds(), [(AnomalyKind::Stuck, true), (AnomalyKind::Stuck, false)]);
}

#[test]
fn a_coarse_sensor_that_often_says_the_same_is_not_stuck_when_it_does() {
    let mut fridge = Fridge::new(4, 0.0);
    // Six hours of one value, day by day.
    for day in 0..60 {
        for quarter in 0..4 {
            for _ in 0..360 {
                fridge.say(f64::from((day + quarter) % 3));
            }
        }
    }
    assert!(!fridge.kinds().contains(&(AnomalyKind::Stuck, true)), "{:?}", fridge.told);
}

#[test]
fn a_sensor_that_drifts_slowly_is_told_before_it_leaves_its_range() {
    let mut fridge = known(5);
    for _ in 0..48 {
        fridge.off += 0.02;
        fridge.run(HOUR);
    }
    let first = fridge.told.iter().find(|told| told.2).expect("something was told");
    assert_eq!(first.1, AnomalyKind::Drift, "{:?}", fridge.told);
    assert!(first.3.contains("above its usual"), "{first:?}");
}

#[test]
fn a_sensor_that_says_nothing_is_silent_until_it_speaks_again() {
    let mut fridge = known(6);
    fridge.quiet(4 * MINUTE);
    assert!(fridge.told.is_empty(), "{:?}", fridge.told);
    fridge.quiet(20 * MINUTE);
    assert_eq!(fridge.kinds(), [(AnomalyKind::Silent, true)]);
    assert!(fridge.told[0].3.contains("it speaks every 60 s"), "{:?}", fridge.told);
    fridge.run(MINUTE);
    assert_eq!(fridge.told.len(), 1, "one reading may be by chance");
    fridge.run(MINUTE);
    assert_eq!(fridge.kinds(), [(AnomalyKind::Silent, true), (AnomalyKind::Silent, false)]);
}

#[test]
fn what_was_odd_is_in_the_series_of_its_time_after_it_is_over() {
    let mut fridge = known(9);
    let mut began = Vec::new();
    for _ in 0..40 {
        began.push(fridge.at);
        fridge.quiet(20 * MINUTE);
        fridge.run(40 * MINUTE);
    }
    let bytes = fridge.followed.telemetry.encode();
    let again = Telemetry::decode(Config::default(), &bytes).unwrap();
    let (view, end) = (again.view(), fridge.at);
    let between = |from, to| {
        let asked = whole("fridge", from, to, Resolution::Hour);
        query(&view, None, &asked).unwrap().anomalies
    };
    let all = between(DAY, end);
    assert_eq!(all.len(), 32, "the latest are remembered");
    assert!(all.iter().all(|odd| odd.kind == AnomalyKind::Silent && odd.until.is_some()), "{all:?}");
    assert!(all.is_sorted_by_key(|odd| odd.since));
    let last = *began.last().unwrap();
    let of_the_last = between(last, end);
    assert_eq!(of_the_last.len(), 1, "{of_the_last:?}");
    assert!(of_the_last[0].until.unwrap().0 > last, "{of_the_last:?}");
    assert_eq!(between(DAY, DAY + HOUR), [], "what is not remembered is not told");
    assert_eq!(view.stream(&key("fridge")).unwrap().anomalies(), [], "and nothing is odd now");
}

#[test]
fn nobody_is_silent_because_the_node_was_off() {
    let mut fridge = known(7);
    fridge.at += 3 * DAYS;
    let at = fridge.at;
    fridge.followed.apply(&started(at));
    fridge.look();
    fridge.quiet(3 * MINUTE);
    assert!(fridge.told.is_empty(), "{:?}", fridge.told);
    fridge.quiet(20 * MINUTE);
    assert_eq!(fridge.kinds(), [(AnomalyKind::Silent, true)]);
}

#[test]
fn what_was_told_is_told_once() {
    let mut fridge = known(8);
    fridge.quiet(HOUR);
    assert_eq!(fridge.told.len(), 1);
}

#[test]
fn at_most_256_events_are_due_at_a_time() {
    let mut followed = Followed::new(Config::default());
    for device in 0..300 {
        let device = format!("d{device}");
        followed.apply(&announced(&device, Measured::Celsius, Some(10)));
        followed.take(&device, DAY, 4.0);
    }
    assert_eq!(followed.settle(DAY + HOUR).len(), 256);
    assert_eq!(followed.settle(DAY + HOUR).len(), 44);
    assert!(followed.settle(DAY + HOUR).is_empty());
}

//! One stream of numbers: its minutes, its latest readings, its habits and what was told of them.
//!
//! Time in a stream is the time of its readings. It goes on with them, and far only when several agree or the node's own
//! clock does; so a device that gives back a day of stored readings is followed, and a leaping clock is not.
//!
//! Not here: which streams there are (`fold`), files (`archive`).

use super::{
    bytes::{Damaged, Reader, Writer},
    config::Config,
    fold::Counters,
    habits::{Habits, Terms},
    minute::{self, MINUTE_MS, Minute},
    oddity::{Oddity, place},
    raw::{RawReading, RawWindow},
};
use aisle_event::{
    Timestamp,
    device::{AnomalyKind, Measured, Reading},
};
use imbl::OrdMap;
use std::{collections::VecDeque, sync::Arc};

/// Readings before 2000 and after 2199 are of no shop.
pub(super) const TIMES: std::ops::Range<i64> = 946_684_800_000..7_258_118_400_000;
/// So many far readings in a row that agree are believed.
const FAR_AGREE: usize = 5;
/// So many of the latest messages are known again when they come twice.
const KNOWN_MAX: usize = 16;
/// A stream that was silent is not so any more after so many readings.
const HEARD_MIN: u32 = 2;
/// So many anomalies that are over are remembered, the latest.
const PAST_MAX: usize = 32;
const HOUR_MINUTES: i64 = 60;

/// The hour that a minute is of, both counted since 1970.
pub(super) const fn hour_of(minute: i64) -> i64 {
    minute.div_euclid(HOUR_MINUTES)
}

/// An anomaly that is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) since: Timestamp,
    pub(super) at: Timestamp,
    pub(super) words: Arc<str>,
}

/// An anomaly that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) kind: AnomalyKind,
    pub(super) told: Told,
    pub(super) until: Timestamp,
}

/// What became of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Counted,
    Late,
    Far,
    Twice,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stream {
    pub(super) unit: Option<Measured>,
    pub(super) interval_s: Option<u32>,
    pub(super) retired: bool,
    /// Where it was said to be, to notice when that changes: place, SKU, unit.
    pub(super) spot: Option<String>,
    pub(super) newest: Option<RawReading>,
    pub(super) minutes: OrdMap<i64, Arc<Minute>>,
    pub(super) raw: RawWindow,
    habits: Habits,
    /// Far readings that wait for others to agree.
    held: Vec<RawReading>,
    known: Vec<(u32, u32)>,
    /// Which start of the node the newest reading came in.
    start: u64,
    /// Readings since it was told to be silent.
    heard: u32,
    pub(super) told: [Option<Told>; 4],
    /// What was odd and is over, in the order in which it ended.
    pub(super) past: VecDeque<Past>,
    pub(super) left_out: Counters,
}

/// What a stream is followed by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course<'a> {
    pub(super) config: &'a Config,
    /// What the node's own clock said last, in events of the node.
    pub(super) clock: Option<Timestamp>,
    /// How often the node was started, and when last.
    pub(super) start: u64,
}

impl Stream {
    fn terms<'a>(&self, config: &'a Config) -> Terms<'a> {
        Terms { config: &config.anomaly, unit: self.unit, interval_s: self.interval_s }
    }

    pub(super) fn take(&mut self, reading: &Reading, course: Course<'_>) -> Taken {
        let taken = RawReading { at: reading.at, value: reading.value };
        if let (Some(boot), Some(number)) = (reading.boot, reading.number) {
            if self.known.contains(&(boot, number)) {
                self.left_out.twice += 1;
                return Taken::Twice;
            }
            if self.known.len() >= KNOWN_MAX {
                self.known.remove(0);
            }
            self.known.push((boot, number));
        }
        if !TIMES.contains(&taken.at.0) {
            self.left_out.far += 1;
            return Taken::Far;
        }
        if self.is_far(taken.at, course) {
            return self.hold(taken, course);
        }
        self.left_out.far += self.held.len() as u64;
        self.held.clear();
        self.follow(taken, course)
    }

    fn is_far(&self, at: Timestamp, course: Course<'_>) -> bool {
        let far = u64::from(course.config.far_s) * 1000;
        let apart = |other: Timestamp| at.0.abs_diff(other.0) > far;
        self.newest.is_some_and(|newest| apart(newest.at)) && course.clock.is_none_or(apart)
    }

    /// Waits for others that agree; then time goes to where they are.
    fn hold(&mut self, reading: RawReading, course: Course<'_>) -> Taken {
        let far = u64::from(course.config.far_s) * 1000;
        if self.held.last().is_some_and(|held| held.at.0.abs_diff(reading.at.0) > far) {
            self.left_out.far += self.held.len() as u64;
            self.held.clear();
        }
        self.held.push(reading);
        if self.held.len() < FAR_AGREE {
            return Taken::Far;
        }
        for held in std::mem::take(&mut self.held) {
            self.follow(held, course);
        }
        Taken::Counted
    }

    fn follow(&mut self, reading: RawReading, course: Course<'_>) -> Taken {
        let config = course.config;
        let far = i64::from(config.far_s) * 1000;
        let number = reading.at.0.div_euclid(MINUTE_MS);
        if let Some(newest) = self.newest {
            let behind = newest.at.0 - reading.at.0;
            if behind > far {
                // Time was wrong before, not this reading.
                self.newest = None;
                self.habits = Habits::default();
            } else if newest.at.0.div_euclid(MINUTE_MS) - number > i64::from(config.late_s).div_euclid(60) {
                self.left_out.late += 1;
                return Taken::Late;
            }
        }
        let ms = u16::try_from(reading.at.0.rem_euclid(MINUTE_MS)).unwrap_or_default();
        let value = reading.value.millionths;
        match self.minutes.get_mut(&number) {
            Some(minute) => Arc::make_mut(minute).add(value, ms),
            None => {
                self.minutes.insert(number, Arc::new(Minute::of(value, ms)));
                self.shed_minutes(config);
            }
        }
        self.raw.push(reading, config.raw_readings_max, i64::from(config.raw_window_s) * 1000);
        self.heard = self.heard.saturating_add(1);
        if self.newest.is_none_or(|newest| newest.at < reading.at) {
            let terms = self.terms(config);
            self.habits.take(reading.at.0, value, self.start != course.start, terms);
            self.start = course.start;
        }
        // Of readings of one time the one that came last is the newest: a sensor without a clock may say two things at once.
        if self.newest.is_none_or(|newest| newest.at <= reading.at) {
            self.newest = Some(reading);
        }
        Taken::Counted
    }

    /// Drops the oldest minutes that are too many.
    fn shed_minutes(&mut self, config: &Config) {
        while self.minutes.len() > config.minutes_max
            && let Some(oldest) = self.minutes.get_min().map(|(number, _)| *number)
        {
            self.minutes.remove(&oldest);
            self.left_out.shed += 1;
        }
    }

    /// The sensor is somewhere else now.
    pub(super) fn move_to(&mut self, spot: String) {
        if self.spot.as_ref().is_some_and(|before| *before != spot) {
            self.habits.move_away();
        }
        self.spot = Some(spot);
    }

    /// What follows for one kind, as of now: something odd to tell, something told that is over, or neither.
    pub(super) fn verdict(
        &self,
        kind: AnomalyKind,
        now: Timestamp,
        awake: Timestamp,
        config: &Config,
    ) -> Verdict {
        let told = self.told.get(place(kind)).and_then(Option::as_ref);
        if self.retired {
            return if told.is_some() { Verdict::Over } else { Verdict::AsItWas };
        }
        let odd = match kind {
            AnomalyKind::Silent => self.newest.and_then(|newest| {
                // Nobody listened before the node was up.
                self.habits.silence(newest.at.max(awake), now, self.terms(config))
            }),
            kind => self.habits.odd(kind).copied(),
        };
        match (odd, told) {
            (Some(odd), None) => Verdict::Odd(odd),
            (None, Some(_)) if kind != AnomalyKind::Silent || self.heard >= HEARD_MIN => Verdict::Over,
            _ => Verdict::AsItWas,
        }
    }

    /// Something odd is in the journal.
    pub(super) fn tell(&mut self, kind: AnomalyKind, told: Told) {
        if kind == AnomalyKind::Silent {
            self.heard = 0;
        }
        if let Some(slot) = self.told.get_mut(place(kind)) {
            *slot = Some(told);
        }
    }

    /// It is as usual again.
    pub(super) fn tell_over(&mut self, kind: AnomalyKind, at: Timestamp) {
        let Some(told) = self.told.get_mut(place(kind)).and_then(Option::take) else { return };
        if self.past.len() >= PAST_MAX {
            self.past.pop_front();
        }
        let until = at.max(told.since);
        self.past.push_back(Past { kind, told, until });
    }

    /// The minutes of hours that are over and closed, ready for a file; of a retired device all.
    pub(super) fn closed(&self, config: &Config) -> Vec<(i64, Arc<Minute>)> {
        let Some(newest) = self.newest else { return Vec::new() };
        let newest = newest.at.0.div_euclid(MINUTE_MS);
        let open = newest - i64::from(config.late_s).div_euclid(60);
        self.minutes
            .iter()
            .filter(|(number, _)| {
                let end = (hour_of(**number) + 1) * HOUR_MINUTES;
                // What is ahead of the newest was made by a clock that was wrong then.
                self.retired || end <= open || **number > newest
            })
            .map(|(number, minute)| (*number, Arc::clone(minute)))
            .collect()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.sized(self.unit.map_or("", Measured::as_str).as_bytes());
        writer.maybe_signed(self.interval_s.map(i64::from));
        writer.flag(self.retired);
        writer.flag(self.spot.is_some());
        writer.sized(self.spot.as_deref().unwrap_or_default().as_bytes());
        write_readings(self.newest.as_slice(), writer);
        let minutes: Vec<(i64, &Minute)> =
            self.minutes.iter().map(|(number, minute)| (*number, minute.as_ref())).collect();
        minute::write(&minutes, true, writer);
        self.raw.write(writer);
        self.habits.write(writer);
        write_readings(&self.held, writer);
        writer.len(self.known.len());
        for (boot, number) in &self.known {
            writer.number(*boot);
            writer.number(*number);
        }
        for number in [self.start, self.heard.into()] {
            writer.number(number);
        }
        self.left_out.write(writer);
        for told in &self.told {
            writer.flag(told.is_some());
            if let Some(told) = told {
                told.write(writer);
            }
        }
        writer.len(self.past.len());
        for past in &self.past {
            writer.len(place(past.kind));
            past.told.write(writer);
            writer.signed(past.until.0);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, config: &Config) -> Result<Self, Damaged> {
        let unit = reader.text()?;
        let unit = match unit {
            "" => None,
            text => Some(*Measured::ALL.iter().find(|unit| unit.as_str() == text).ok_or(Damaged)?),
        };
        let interval_s = reader.maybe_signed()?.map(u32::try_from).transpose().map_err(|_| Damaged)?;
        let mut stream = Self { unit, interval_s, retired: reader.flag()?, ..Self::default() };
        let (has_spot, spot) = (reader.flag()?, reader.text()?);
        stream.spot = has_spot.then(|| spot.into());
        stream.newest = read_readings(reader)?.first().copied();
        stream.minutes = minute::read(true, reader)?
            .into_iter()
            .map(|(number, minute)| (number, Arc::new(minute)))
            .collect();
        let times = TIMES.start / MINUTE_MS..TIMES.end / MINUTE_MS;
        if !stream.minutes.keys().all(|number| times.contains(number)) {
            return Err(Damaged);
        }
        stream.raw = RawWindow::read(reader)?;
        stream.habits = Habits::read(reader, stream.terms(config))?;
        stream.held = read_readings(reader)?;
        for _ in 0..reader.len()? {
            stream.known.push((reader.number()?, reader.number()?));
            if stream.known.len() > KNOWN_MAX {
                return Err(Damaged);
            }
        }
        stream.start = reader.counter()?;
        stream.heard = reader.number()?;
        stream.left_out = Counters::read(reader)?;
        for told in &mut stream.told {
            if reader.flag()? {
                *told = Some(Told::read(reader)?);
            }
        }
        for _ in 0..reader.len()? {
            let kind = *AnomalyKind::ALL.get(reader.number::<usize>()?).ok_or(Damaged)?;
            let (told, until) = (Told::read(reader)?, Timestamp(reader.signed()?));
            stream.past.push_back(Past { kind, told, until });
            if stream.past.len() > PAST_MAX {
                return Err(Damaged);
            }
        }
        // A configuration may have become smaller since.
        stream.shed_minutes(config);
        Ok(stream)
    }
}

impl Told {
    fn write(&self, writer: &mut Writer) {
        writer.signed(self.since.0);
        writer.signed(self.at.0);
        writer.sized(self.words.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let (since, at) = (Timestamp(reader.signed()?), Timestamp(reader.signed()?));
        Ok(Self { since, at, words: reader.text()?.into() })
    }
}

/// What [`Stream::verdict`] says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    Odd(Oddity),
    Over,
    AsItWas,
}

fn write_readings(readings: &[RawReading], writer: &mut Writer) {
    writer.len(readings.len());
    for reading in readings {
        writer.signed(reading.at.0);
        writer.signed(reading.value.millionths);
    }
}

fn read_readings(reader: &mut Reader<'_>) -> Result<Vec<RawReading>, Damaged> {
    let mut readings = Vec::new();
    for _ in 0..reader.len()? {
        let (at, value) = (Timestamp(reader.signed()?), reader.signed()?);
        if !TIMES.contains(&at.0) || readings.len() >= FAR_AGREE {
            return Err(Damaged);
        }
        readings.push(RawReading { at, value: aisle_event::Measure { millionths: value } });
    }
    Ok(readings)
}

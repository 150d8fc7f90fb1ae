//! What follows from the readings and must be in the journal: excursions that open and close, and what staff are asked for.

use super::{
    ColdChain,
    excursion::Excursion,
    minutes::{MINUTE_MS, Minute, Totals},
    rule::measure,
    unit::Unit,
    view::is_silent,
};
use crate::task::{About, Wanted};
use aisle_event::{
    Event, LotId, Name, Timestamp, Unknown,
    cold_chain::{ColdRule, ColdVerdict, ExcursionClosed, ExcursionOpened},
    inventory::TaskKind,
};

/// Events of one call.
const EVENTS_MAX: usize = 256;

/// Where and why an excursion begins.
struct Begin {
    rule: ColdRule,
    milli: Option<f64>,
    since: i64,
    first_seq: u64,
}

impl ColdChain {
    /// What follows from the state and is to be written; at most 256 events. Call it again when they have come back.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        for (name, unit) in &self.state.units {
            for rule in [ColdRule::Limit, ColdRule::Cumulative, ColdRule::Unknown] {
                if events.len() >= EVENTS_MAX {
                    return events;
                }
                let event = match unit.open(rule) {
                    Some(open) => self.close(unit, open, now),
                    None if unit.removed => None,
                    None => self.begin(name, unit, rule, now).and_then(|begin| open(name, unit, &begin, now)),
                };
                events.extend(event);
            }
        }
        events
    }

    /// What staff should look after: units with an excursion that nobody has seen, or whose food is about to be lost.
    #[must_use]
    pub fn wanted(&self, now: Timestamp) -> Vec<Wanted> {
        self.view.values().filter_map(|unit| {
            if unit.removed {
                return None;
            }
            let left = unit.left_s(now);
            let open = || unit.open();
            let degrees = |milli: Option<i32>| milli.map_or_else(|| "?".into(), |m| format!("{:.1}", f64::from(m) / 1000.0));
            let must_go = open().any(|excursion| excursion.rule == ColdRule::Cumulative);
            let unseen = |rule| open().any(|excursion: &Excursion| excursion.rule == rule && !excursion.is_acknowledged());
            let (confidence_permille, why) = if must_go {
                (1000, format!("food was outside {} °C for too long in all and must be looked at and thrown away", degrees(Some(unit.limit.milli))))
            } else if unseen(ColdRule::Limit) || left.is_some_and(|left| left < 3600) && open().any(|e| e.rule == ColdRule::Limit) {
                let left = left.map_or_else(String::new, |left| format!("; {} min left before food must go", left / 60));
                (950, format!("food at about {} °C, limit {} °C{left}", degrees(unit.product_milli), degrees(Some(unit.limit.milli))))
            } else if unseen(ColdRule::Unknown) {
                (900, "no probe has spoken for too long: nothing is known of the food".into())
            } else {
                return None;
            };
            Some(Wanted {
                kind: TaskKind::CheckUnit,
                about: About::Unit(unit.name.clone()),
                quantity: None,
                confidence_permille,
                why: Name::new(why).ok()?,
            })
        }).collect()
    }

    fn begin(&self, name: &Name, unit: &Unit, rule: ColdRule, now: Timestamp) -> Option<Begin> {
        match rule {
            ColdRule::Limit => self.begin_limit(unit),
            ColdRule::Cumulative => self.begin_cumulative(unit),
            ColdRule::Unknown => self.begin_unknown(name, unit, now),
        }
    }

    fn begin_limit(&self, unit: &Unit) -> Option<Begin> {
        let kept = unit.minutes.kept();
        let (first, last) = (kept.first()?, kept.last()?);
        if unit.minutes.between(first.at - 1, last.at).outside_s == 0 && last.outside_since.is_none() {
            return None;
        }
        let grace = unit.grace_minutes(&self.config);
        let (place, since, minute) = kept.iter().enumerate().find_map(|(place, minute)| {
            let since = minute.outside_since?;
            let long = minute.at - since >= grace;
            (long && !unit.is_told(ColdRule::Limit, since, minute.at)).then_some((place, since, minute))
        })?;
        // The evidence begins where the air went out, which is before the food did.
        let before = kept.get(..=place)?.iter().rev();
        let out = |minute: &&Minute| minute.at >= since || unit.limit.outside(minute.air);
        let first = before.take_while(out).last().unwrap_or(minute);
        Some(Begin { rule: ColdRule::Limit, milli: Some(minute.air), since, first_seq: first.first_seq })
    }

    fn begin_cumulative(&self, unit: &Unit) -> Option<Begin> {
        let last = unit.minutes.last()?;
        let (after, to) = unit.window(last.at, &self.config);
        let used = unit.minutes.between(after, to).counted_s;
        if used == 0 {
            return None;
        }
        let worst = unit.minutes.worst(after.saturating_add(1), to, unit.limit)?;
        if used < unit.limit.allowed_s(worst, &self.config) {
            return None;
        }
        let start = unit.minutes.totals_at(after).counted_s;
        let range = unit.minutes.range(after.saturating_add(1), to);
        let first = range.iter().find(|minute| minute.totals.counted_s > start)?;
        Some(Begin {
            rule: ColdRule::Cumulative,
            milli: Some(worst),
            since: first.at,
            first_seq: first.first_seq,
        })
    }

    fn begin_unknown(&self, name: &Name, unit: &Unit, now: Timestamp) -> Option<Begin> {
        let begin = |since, first_seq| Begin { rule: ColdRule::Unknown, milli: None, since, first_seq };
        let kept = unit.minutes.kept();
        let ends = kept.first().zip(kept.last()).map(|(first, last)| (first.at, last.at));
        let has_gaps = ends.is_some_and(|(first, last)| unit.minutes.between(first, last).unknown_s > 0);
        let pairs = if has_gaps { kept } else { &[] };
        for (before, minute) in pairs.iter().zip(pairs.iter().skip(1)) {
            let gap = minute.after_silence(Some(before), &self.config);
            if gap && !unit.is_told(ColdRule::Unknown, before.at, minute.at - 1) {
                return Some(begin(before.at, before.last_seq));
            }
        }
        let watching =
            self.probes_of(name).map(|probe| (probe.watch.placed_at, probe.watch.from_seq)).min()?;
        match unit.minutes.last() {
            Some(minute) => self.newest_is_old(minute, now).then(|| begin(minute.at, minute.last_seq)),
            None => is_silent(watching.0, now, self.config.silent_s)
                .then(|| begin(watching.0.0.div_euclid(MINUTE_MS), watching.1)),
        }
    }

    /// Nothing has been read since a minute for too long.
    fn newest_is_old(&self, newest: &Minute, now: Timestamp) -> bool {
        // A minute more, because the newest reading may have been at the end of its minute.
        let silent_s = self.config.silent_s.saturating_add(60);
        is_silent(Timestamp(newest.at.saturating_mul(MINUTE_MS)), now, silent_s)
    }

    fn close(&self, unit: &Unit, open: &Excursion, now: Timestamp) -> Option<Event> {
        let since = open.since.0.div_euclid(MINUTE_MS);
        let last = unit.minutes.last();
        if unit.removed {
            let seq = last.map_or(open.first_seq, |minute| minute.last_seq);
            let to = last.map_or(since, |minute| minute.at);
            return Some(self.closed_event(unit, open, since, to, seq, Some(ColdVerdict::Judge), now));
        }
        let (until, to) = match open.rule {
            ColdRule::Limit => {
                let until = unit.well_from(since, true, &self.config)?;
                (until, until - 1)
            }
            ColdRule::Unknown => {
                // What comes may be old: a device that kept its readings sends them one after the other.
                if self.newest_is_old(last?, now) {
                    return None;
                }
                let until = unit.well_from(since, false, &self.config)?;
                (until, until)
            }
            ColdRule::Cumulative => {
                let last = last?;
                // Long enough to hold the hysteresis even if probes speak seldom.
                let recent = self.config.hysteresis_minutes() + self.config.silent_minutes();
                let recent = last.at.saturating_sub(recent).max(since);
                let is_well =
                    last.outside_since.is_none() && unit.well_from(recent, true, &self.config).is_some();
                if !(open.is_acknowledged() && is_well) {
                    return None;
                }
                (last.at, last.at)
            }
        };
        let first_inside = unit.minutes.range(until, until).first()?;
        Some(self.closed_event(unit, open, since, to, first_inside.first_seq, None, now))
    }

    #[expect(clippy::too_many_arguments, reason = "all that an end consists of")]
    fn closed_event(
        &self,
        unit: &Unit,
        open: &Excursion,
        since: i64,
        to: i64,
        last_seq: u64,
        verdict: Option<ColdVerdict>,
        now: Timestamp,
    ) -> Event {
        let end = unit.minutes.totals_at(to);
        // Minutes of a long excursion may be forgotten; what stood at its beginning is not.
        let is_kept = unit.minutes.kept().first().is_some_and(|first| first.at <= since);
        let start = if is_kept { unit.minutes.totals_at(since - 1) } else { open.mark };
        let during = end.minus(start);
        let (after, _) = unit.window(to, &self.config);
        let window = unit.minutes.between(after, to);
        let worst = unit
            .minutes
            .worst(after.saturating_add(1), to, unit.limit)
            .unwrap_or_else(|| f64::from(unit.limit.milli));
        let allowed = unit.limit.allowed_s(worst, &self.config);
        let unknown = during.unknown_s > 0 || window.counted_s.saturating_add(window.unknown_s) >= allowed;
        // A doubt of this morning that is over says nothing about this evening.
        let window = Totals { doubt_s: during.doubt_s, ..window };
        let verdict = match verdict {
            Some(verdict) => verdict,
            // It was open because the hours were used up: food does not get better by waiting for the window to pass.
            None if open.rule == ColdRule::Cumulative => {
                if during.sure_s >= allowed.min(during.counted_s) {
                    ColdVerdict::Discard
                } else {
                    ColdVerdict::Judge
                }
            }
            None => unit.limit.verdict(&window, worst, unknown, &self.config),
        };
        let mut lots: Vec<LotId> = self.state.lots.of(&unit.skus);
        lots.extend(open.lots_then.iter().cloned());
        lots.sort();
        lots.dedup();
        ExcursionClosed {
            excursion: open.name.clone(),
            peak: open.peak_milli.map(|milli| measure(f64::from(milli))),
            outside_s: during.outside_s,
            last_seq,
            verdict,
            skus: unit.skus.to_vec(),
            lots,
            at: now,
            unknown: Unknown::default(),
        }
        .into()
    }
}

fn open(name: &Name, unit: &Unit, begin: &Begin, now: Timestamp) -> Option<Event> {
    Some(
        ExcursionOpened {
            excursion: unit.free_name(name, begin.rule, begin.first_seq)?,
            unit: name.clone(),
            rule: begin.rule,
            limit: measure(f64::from(unit.limit.milli)),
            measured: begin.milli.map(measure),
            since: Timestamp(begin.since.saturating_mul(MINUTE_MS)),
            first_seq: begin.first_seq,
            at: now,
            unknown: Unknown::default(),
        }
        .into(),
    )
}

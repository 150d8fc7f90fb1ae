//! What sells now: views and sales by hour of the day, fading with a half-life.
//!
//! An observation's weight is `2 ^ -(age / half-life)`, its age taken from the newest observation and not from the
//! wall clock: weights never exceed 1, and a shop whose last sale was years ago has a popular list all the same.
//! The list of an hour counts what happened within an hour of it in full and the rest of the day a little.

use crate::{
    settings::PopularSettings,
    trainer::{Kind, Observed},
};
use aisle_event::Timestamp;
use rustc_hash::FxHashMap;

const HOURS: usize = 24;
const HOUR_MS: i64 = 3_600_000;

/// Faded counts of one item by hour.
type Hours = [f32; HOURS];

/// Items and their scores, best first, for each hour.
#[derive(Debug)]
pub(crate) struct Lists(Vec<Vec<(u32, f32)>>);

impl Lists {
    pub(crate) fn at(&self, hour: u8) -> &[(u32, f32)] {
        self.0.get(usize::from(hour)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The faded counts, and the lists made from them.
#[derive(Debug)]
pub(crate) struct Popular {
    newest: Timestamp,
    counts: FxHashMap<u32, Hours>,
    pub(crate) lists: Lists,
}

/// The local hour of a time, 0 to 23.
pub(crate) fn hour_of(at: Timestamp, settings: &PopularSettings) -> u8 {
    let local = at.0.saturating_add(i64::from(settings.utc_offset_minutes) * 60_000);
    local.div_euclid(HOUR_MS).rem_euclid(HOURS as i64) as u8
}

impl Popular {
    pub(crate) fn build(visits: &[Observed], settings: &PopularSettings) -> Self {
        let newest = visits.iter().map(|visit| visit.at).max().unwrap_or_default();
        let counts = count(visits, newest, settings);
        let lists = rank(counts.iter().map(|(&item, hours)| (item, *hours)), settings);
        Self { newest, counts, lists }
    }

    /// The lists as if these later visits had been among those of the base. Only the items of the visits and those
    /// on a list are looked at: the others have faded evenly and cannot have come up.
    pub(crate) fn with_later(&self, visits: &[Observed], settings: &PopularSettings) -> Lists {
        let newest = visits.iter().map(|visit| visit.at).max().unwrap_or_default().max(self.newest);
        let fade = faded(newest.ms_since(self.newest), settings);
        let mut counts = count(visits, newest, settings);
        for &(item, _) in self.lists.0.iter().flatten() {
            counts.entry(item).or_default();
        }
        for (item, hours) in &mut counts {
            if let Some(base) = self.counts.get(item) {
                hours.iter_mut().zip(base).for_each(|(hour, base)| *hour += base * fade);
            }
        }
        rank(counts.into_iter(), settings)
    }
}

fn faded(age_ms: u64, settings: &PopularSettings) -> f32 {
    (-(age_ms as f64) / settings.half_life_ms.max(1) as f64).exp2() as f32
}

fn count(visits: &[Observed], newest: Timestamp, settings: &PopularSettings) -> FxHashMap<u32, Hours> {
    let mut counts: FxHashMap<u32, Hours> = FxHashMap::default();
    for visit in visits {
        let kind = match visit.kind {
            Kind::Browse => 1.0,
            Kind::Sale => settings.sale_weight as f32,
        };
        let weight = kind * faded(newest.ms_since(visit.at), settings);
        let hour = usize::from(hour_of(visit.at, settings));
        for &item in &visit.items {
            if let Some(count) = counts.entry(item).or_default().get_mut(hour) {
                *count += weight;
            }
        }
    }
    counts
}

fn rank(counts: impl Iterator<Item = (u32, Hours)>, settings: &PopularSettings) -> Lists {
    let mut lists: Vec<Vec<(u32, f32)>> = vec![Vec::new(); HOURS];
    for (item, hours) in counts {
        let all: f32 = hours.iter().sum();
        let before = hours.iter().cycle().skip(HOURS - 1);
        let after = hours.iter().cycle().skip(1);
        for (((list, now), before), after) in lists.iter_mut().zip(&hours).zip(before).zip(after) {
            let near = now + before + after;
            let score = near + settings.other_hours_weight as f32 * (all - near).max(0.0);
            if score > 0.0 {
                list.push((item, score));
            }
        }
    }
    for list in &mut lists {
        let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if list.len() > settings.list_max {
            list.select_nth_unstable_by(settings.list_max, order);
            list.truncate(settings.list_max);
        }
        list.sort_unstable_by(order);
        list.shrink_to_fit();
    }
    Lists(lists)
}

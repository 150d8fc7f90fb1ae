//! What people do on the floor, and when: an agenda of acts, each of which plans its own next time.
//!
//! Shoppers and thieves come as Poisson processes whose rate follows how busy the hour is (by thinning, Lewis and Shedler
//! 1979); staff walk rounds; deliveries follow orders, and orders follow the shop's records, so that what these records
//! wrongly believe to be there is not ordered (Kang and Gershwin 2005).

use super::{
    DAY_MS, Floor, HOUR_MS,
    goods::Piece,
    happening::{Happening, Place, What},
};
use std::{cmp::Reverse, collections::BTreeMap, collections::BinaryHeap};

/// Something that will be done.
#[derive(Debug)]
pub(super) enum Act {
    /// A shopper wants an item.
    Want(usize),
    /// A shopper is done with what they took.
    Leave {
        item: usize,
        pieces: Vec<Piece>,
        back: bool,
    },
    /// A purchase comes back.
    Return {
        item: usize,
        pieces: Vec<Piece>,
    },
    Steal(usize),
    Misplace(usize),
    Damage(usize),
    /// Staff walk along the shelves.
    Round,
    Fill(usize),
    /// The end of the day: tidying, and ordering by the book.
    Evening,
    Deliver {
        item: usize,
        ordered: u32,
    },
    Count(usize),
    /// Somebody opens the door of a unit.
    Door(usize),
    Enter,
}

/// Acts by their time; those of one time in the order in which they were planned.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    times: BinaryHeap<Reverse<(i64, u64)>>,
    acts: BTreeMap<u64, Act>,
    planned: u64,
}

impl Agenda {
    fn plan(&mut self, at_ms: i64, act: Act) {
        self.planned += 1;
        self.times.push(Reverse((at_ms, self.planned)));
        self.acts.insert(self.planned, act);
    }

    pub(super) fn next_until(&mut self, until_ms: i64) -> Option<(i64, Act)> {
        let Reverse((at, number)) = *self.times.peek()?;
        if at > until_ms {
            return None;
        }
        self.times.pop();
        self.acts.remove(&number).map(|act| (at, act))
    }
}

impl Floor {
    pub(super) fn plan_the_first(&mut self) {
        for item in 0..self.goods.len() {
            for act in [Act::Want(item), Act::Steal(item), Act::Misplace(item), Act::Damage(item)] {
                self.plan_again(act);
            }
            let days = i64::from(self.config.staff.count_every_days);
            if days > 0 {
                // Counts are spread over the days, in the order of the items.
                let first = (item as i64 * days) / self.goods.len().max(1) as i64;
                self.agenda.plan(
                    self.config.start_ms + first * DAY_MS + 7 * HOUR_MS + HOUR_MS / 2,
                    Act::Count(item),
                );
            }
        }
        for unit in 0..self.units.len() {
            self.plan_again(Act::Door(unit));
        }
        self.plan_again(Act::Enter);
        self.plan_again(Act::Round);
        self.agenda.plan(self.next_hour_of_day(21), Act::Evening);
    }

    /// Plans the next act of a kind that happens by chance or by habit.
    fn plan_again(&mut self, act: Act) {
        let item = |index: usize| self.goods.get(index).map(|goods| &goods.config);
        let per_day = match act {
            Act::Want(index) => item(index).map(|item| item.demand_per_day / PIECES_WANTED),
            Act::Steal(index) => item(index).map(|item| item.stolen_per_day / self.pieces_stolen()),
            Act::Misplace(index) => item(index).map(|item| item.misplaced_per_day),
            Act::Damage(index) => item(index).map(|item| item.damaged_per_day),
            Act::Door(index) => {
                self.units.get(index).map(|unit| unit.config.doors_per_hour * self.open_hours())
            }
            Act::Enter => Some(self.config.visitors_per_day),
            Act::Round => {
                let round_ms = i64::from(self.config.staff.round_min.max(1)) * 60_000;
                self.agenda.plan(self.now_ms + round_ms, Act::Round);
                return;
            }
            _ => None,
        };
        let (sum, most) = self
            .config
            .busy
            .iter()
            .fold((0.0, 0.0_f64), |(sum, most), weight| (sum + weight, most.max(*weight)));
        let rate = per_day.unwrap_or(0.0) * most / sum;
        // A rate of zero, or one that is no number, never comes.
        if rate > 0.0 && rate.is_finite() {
            let wait = self.draw.wait_ms(HOUR_MS as f64 / rate);
            self.agenda.plan(self.now_ms.saturating_add(wait), act);
        }
    }

    /// Planned at the rate of the busiest hour, an act happens with the chance that this hour is as busy.
    fn is_time(&mut self) -> bool {
        let most = self.config.busy.iter().copied().fold(0.0, f64::max);
        let chance = self.busy_now() / most;
        self.draw.chance(chance)
    }

    fn busy_now(&self) -> f64 {
        let hour = self.now_ms.rem_euclid(DAY_MS) / HOUR_MS;
        self.config.busy.get(hour as usize).copied().unwrap_or(0.0)
    }

    fn open_hours(&self) -> f64 {
        self.config.busy.iter().filter(|weight| **weight > 0.0).count() as f64
    }

    /// Pieces that a theft takes on average.
    fn pieces_stolen(&self) -> f64 {
        1.0 + self.config.errors.armful * (ARMFUL_MEAN - 1.0)
    }

    fn next_hour_of_day(&self, hour: u32) -> i64 {
        let today = self.now_ms.div_euclid(DAY_MS) * DAY_MS + i64::from(hour) * HOUR_MS;
        if today > self.now_ms { today } else { today + DAY_MS }
    }

    pub(super) fn act(&mut self, act: Act, happened: &mut Vec<Happening>) {
        let at_ms = self.now_ms;
        let mut say = |what: Option<What>| happened.extend(what.map(|what| Happening { at_ms, what }));
        match act {
            Act::Want(item) => {
                if self.is_time() {
                    let (took, missed) = self.want(item);
                    say(took);
                    say(missed);
                }
                self.plan_again(Act::Want(item));
            }
            Act::Leave { item, pieces, back } => say(self.leave(item, pieces, back)),
            Act::Return { item, pieces } => say(self.bring_back(item, pieces)),
            Act::Steal(item) => {
                if self.is_time() {
                    say(self.steal(item));
                }
                self.plan_again(Act::Steal(item));
            }
            Act::Misplace(item) => {
                if self.is_time() {
                    say(self.misplace(item));
                }
                self.plan_again(Act::Misplace(item));
            }
            Act::Damage(item) => {
                if self.is_time() {
                    say(self.damage(item));
                }
                self.plan_again(Act::Damage(item));
            }
            Act::Round => {
                self.walk();
                self.plan_again(Act::Round);
            }
            Act::Fill(item) => say(self.fill(item)),
            Act::Evening => {
                for item in 0..self.goods.len() {
                    say(self.tidy(item));
                    self.order(item);
                }
                self.agenda.plan(at_ms + DAY_MS, Act::Evening);
            }
            Act::Deliver { item, ordered } => say(self.deliver(item, ordered)),
            Act::Count(item) => {
                let [shelf, backroom] = self.count(item);
                say(shelf);
                say(backroom);
                let days = i64::from(self.config.staff.count_every_days.max(1));
                self.agenda.plan(at_ms + days * DAY_MS, Act::Count(item));
            }
            Act::Door(unit) => {
                if self.is_time() {
                    say(self.door(unit));
                }
                self.plan_again(Act::Door(unit));
            }
            Act::Enter => {
                if self.is_time() {
                    self.entered += 1;
                }
                self.plan_again(Act::Enter);
            }
        }
    }

    fn want(&mut self, item: usize) -> (Option<What>, Option<What>) {
        let wanted = match self.draw.uniform() {
            draw if draw < 0.80 => 1,
            draw if draw < 0.95 => 2,
            _ => 3,
        };
        let Some(goods) = self.goods.get_mut(item) else { return (None, None) };
        let sku = goods.config.sku.clone();
        let pieces = goods.take_from_shelf(wanted, &mut self.draw);
        let missed = (pieces.len() < wanted)
            .then(|| What::Missed { sku: sku.clone(), pieces: (wanted - pieces.len()) as i64 });
        let took = self.carry(item, pieces);
        (took, missed)
    }

    /// A shopper walks about with pieces, then pays for them or puts them back.
    fn carry(&mut self, item: usize, pieces: Vec<Piece>) -> Option<What> {
        let goods = self.goods.get_mut(item)?;
        if pieces.is_empty() {
            return None;
        }
        let took = What::PickedUp { sku: goods.config.sku.clone(), pieces: pieces.len() as i64 };
        goods.carried += pieces.len() as u32;
        let wait = 120_000 + self.draw.wait_ms(480_000.0).min(3_600_000);
        let back = self.draw.chance(self.config.errors.put_back);
        self.agenda.plan(self.now_ms + wait, Act::Leave { item, pieces, back });
        Some(took)
    }

    pub(super) fn take_all(&mut self, item: usize) -> i64 {
        let Some(goods) = self.goods.get_mut(item) else { return 0 };
        let pieces = std::mem::take(&mut goods.shelf);
        let count = super::count(&pieces);
        self.carry(item, pieces);
        count
    }

    fn leave(&mut self, item: usize, pieces: Vec<Piece>, back: bool) -> Option<What> {
        let count = super::count(&pieces);
        let others = self.goods.len();
        let scanned = if others > 1 && self.draw.chance(self.config.errors.wrong_scan) {
            // What looks alike stands side by side.
            if item.is_multiple_of(2) && item + 1 < others { item + 1 } else { item.saturating_sub(1) }
        } else {
            item
        };
        let goods = self.goods.get_mut(item)?;
        goods.carried = goods.carried.saturating_sub(pieces.len() as u32);
        let sku = goods.config.sku.clone();
        if back {
            goods.shelf.extend(pieces);
            return Some(What::PutBack { sku, pieces: count });
        }
        self.documents += 1;
        let returns = self.draw.chance(self.config.errors.returned);
        if returns {
            let wait = DAY_MS + self.draw.wait_ms(3.0 * DAY_MS as f64);
            let day = (self.now_ms + wait).div_euclid(DAY_MS) * DAY_MS;
            self.agenda
                .plan(day + 10 * HOUR_MS + self.draw.wait_ms(HOUR_MS as f64), Act::Return { item, pieces });
        }
        let scanned = self.goods.get_mut(scanned)?;
        scanned.book -= count;
        Some(What::Sold { document: self.documents, sku, scanned: scanned.config.sku.clone(), pieces: count })
    }

    fn bring_back(&mut self, item: usize, pieces: Vec<Piece>) -> Option<What> {
        self.documents += 1;
        let goods = self.goods.get_mut(item)?;
        let count = super::count(&pieces);
        goods.shelf.extend(pieces);
        goods.book += count;
        Some(What::Returned { document: self.documents, sku: goods.config.sku.clone(), pieces: count })
    }

    fn steal(&mut self, item: usize) -> Option<What> {
        let pieces = if self.draw.chance(self.config.errors.armful) { 2 + self.draw.below(5) } else { 1 };
        let goods = self.goods.get_mut(item)?;
        let taken = goods.take_from_shelf(pieces, &mut self.draw);
        (!taken.is_empty())
            .then(|| What::Stolen { sku: goods.config.sku.clone(), pieces: super::count(&taken) })
    }

    fn misplace(&mut self, item: usize) -> Option<What> {
        let others = self.goods.len();
        let onto = self.draw.below(others.saturating_sub(1));
        let onto = if onto >= item { onto + 1 } else { onto };
        let target = self.goods.get(onto)?.config.sku.clone();
        let goods = self.goods.get_mut(item)?;
        let piece = goods.take_from_shelf(1, &mut self.draw).pop()?;
        goods.misplaced.push(Piece { onto, ..piece });
        Some(What::Misplaced { sku: goods.config.sku.clone(), onto: target })
    }

    fn damage(&mut self, item: usize) -> Option<What> {
        let noted = self.draw.chance(self.config.errors.damage_entered);
        let goods = self.goods.get_mut(item)?;
        goods.take_from_shelf(1, &mut self.draw).pop()?;
        goods.book -= i64::from(noted);
        Some(What::Damaged { sku: goods.config.sku.clone(), pieces: 1, noted })
    }

    fn walk(&mut self) {
        if self.busy_now() <= 0.0 {
            return;
        }
        for item in 0..self.goods.len() {
            let notices = self.draw.chance(self.config.staff.notice);
            let Some(goods) = self.goods.get_mut(item) else { continue };
            let low = goods.shelf.len() as f64
                <= self.config.staff.fill_below * f64::from(goods.config.shelf_capacity);
            if low && notices && !goods.filling && !goods.backroom.is_empty() {
                goods.filling = true;
                let wait_min = 5 + self.draw.below(self.config.staff.fill_min_max.max(1) as usize);
                self.agenda.plan(self.now_ms + wait_min as i64 * 60_000, Act::Fill(item));
            }
        }
    }

    pub(super) fn bring_all(&mut self, item: usize) -> i64 {
        let Some(goods) = self.goods.get_mut(item) else { return 0 };
        goods.filling = false;
        let room = (goods.config.shelf_capacity as usize).saturating_sub(goods.shelf.len());
        let pieces = goods.take_from_backroom(room, &mut self.draw);
        let count = super::count(&pieces);
        goods.shelf.extend(pieces);
        count
    }

    fn fill(&mut self, item: usize) -> Option<What> {
        let noted = self.draw.chance(self.config.errors.move_entered);
        let count = self.bring_all(item);
        let goods = self.goods.get(item)?;
        (count > 0).then(|| What::Moved {
            sku: goods.config.sku.clone(),
            from: Place::Backroom,
            to: Place::Shelf,
            pieces: count,
            noted,
        })
    }

    fn tidy(&mut self, item: usize) -> Option<What> {
        let goods = self.goods.get_mut(item)?;
        let (found, left): (Vec<Piece>, Vec<Piece>) = std::mem::take(&mut goods.misplaced)
            .into_iter()
            .partition(|_| self.draw.chance(self.config.staff.tidy));
        goods.misplaced = left;
        let pieces = super::count(&found);
        goods.shelf.extend(found);
        (pieces > 0).then(|| What::Tidied { sku: goods.config.sku.clone(), pieces })
    }

    fn order(&mut self, item: usize) {
        let Some(goods) = self.goods.get_mut(item) else { return };
        let expected = goods.book + goods.ordered;
        if expected > i64::from(goods.config.reorder_at) {
            return;
        }
        let pack = i64::from(goods.config.pack.max(1));
        let wanted = i64::from(goods.config.order_up_to) - expected;
        let boxes = u32::try_from(wanted / pack + i64::from(wanted % pack > 0)).unwrap_or(0);
        let ordered = boxes.saturating_mul(goods.config.pack).min(super::FloorConfig::PIECES_MAX);
        goods.ordered += i64::from(ordered);
        let staff = &self.config.staff;
        let day = self.now_ms.div_euclid(DAY_MS) + i64::from(staff.lead_days.max(1));
        let at = day * DAY_MS + i64::from(staff.delivery_hour) * HOUR_MS;
        self.agenda.plan(at, Act::Deliver { item, ordered });
    }

    fn deliver(&mut self, item: usize, ordered: u32) -> Option<What> {
        let third = (ordered / 3).max(1) as usize;
        let error = match self.draw.chance(self.config.errors.delivery_wrong) {
            false => 0,
            true => 1 + self.draw.below(third) as i64,
        };
        let error = if self.draw.chance(2.0 / 3.0) { -error } else { error };
        let entered = !self.draw.chance(self.config.errors.delivery_not_entered);
        let goods = self.goods.get_mut(item)?;
        let pieces = u32::try_from((i64::from(ordered) + error).max(0)).unwrap_or(0);
        let made = goods.make(pieces);
        goods.backroom.extend(made);
        goods.ordered -= i64::from(ordered);
        if entered {
            goods.book += i64::from(ordered);
        }
        Some(What::Received {
            sku: goods.config.sku.clone(),
            pieces: i64::from(pieces),
            noted: entered.then_some(i64::from(ordered)),
        })
    }

    fn count(&mut self, item: usize) -> [Option<What>; 2] {
        let mut sum = 0;
        let counted = [Place::Shelf, Place::Backroom].map(|place| {
            let goods = self.goods.get(item)?;
            let truth = super::count(goods.at(place));
            let noted = if self.draw.chance(self.config.errors.count_wrong) && truth > 0 {
                let by = if self.draw.chance(0.8) { 1 } else { 2 + truth / 10 };
                (truth + if self.draw.chance(0.5) { by } else { -by }).max(0)
            } else {
                truth
            };
            sum += noted;
            Some(What::Counted { sku: goods.config.sku.clone(), place, noted })
        });
        if let Some(goods) = self.goods.get_mut(item) {
            goods.book = sum;
        }
        counted
    }

    fn door(&mut self, unit: usize) -> Option<What> {
        let now = self.now_ms;
        let unit = self.units.get_mut(unit)?;
        let ms = self.draw.wait_ms(unit.config.door_s * 1000.0).min(HOUR_MS);
        unit.open(now, ms);
        Some(What::DoorOpened { unit: unit.config.name.clone(), ms: ms.unsigned_abs() })
    }
}

/// Pieces that a shopper wants of an item, on average: 1, 2 or 3 with chances 80, 15 and 5 %.
const PIECES_WANTED: f64 = 1.25;
/// Pieces in an armful, on average: 2 to 6, each as likely.
const ARMFUL_MEAN: f64 = 4.0;

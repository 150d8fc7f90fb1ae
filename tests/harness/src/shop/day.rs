//! One day of the shop, from the night's price changes to the last visit.

use super::{
    Shop,
    basket::Aisles,
    calendar::Day,
    household::{HOUSEHOLDS, Household},
    visit::{Outcome, Visit},
};
use aisle_event::{Event, Timestamp};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One visit in so many goes through a kiosk; the others straight to a till.
const KIOSK_ONE_IN: u32 = 3;

impl Shop {
    /// Lives through a day and returns what was noted, in order of time.
    pub(super) fn live(&mut self, day: &Day) -> Vec<Event> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.plan.seed.rotate_left(17) ^ u64::from(day.index + 1));
        let mut events = self.promotions.night(day, &self.catalogue, &mut rng);
        events.extend(self.stockroom.morning(day, &self.catalogue, &mut rng));

        let mut returns = self.returns.today(day.index, &mut rng);
        returns.sort_by_key(|(ms, _)| *ms);
        let mut returns = returns.into_iter().map(|(ms, bought)| (day.at(ms), bought)).peekable();
        for arrival in day.arrivals(&mut rng) {
            while let Some((at, bought)) = returns.next_if(|(at, _)| *at <= arrival) {
                self.stockroom.put(bought.article, bought.thousandths());
                events.extend(bought.bring_back(at, &mut self.numbers).map(|event| (at, event)));
            }
            let outcome = self.visit(day, arrival, &mut rng);
            for (article, thousandths) in outcome.taken {
                self.stockroom.take(article, thousandths);
            }
            events.extend(outcome.events);
        }

        events.retain(|(at, _)| !day.is_over(*at));
        events.sort_by_key(|(at, _)| *at);
        events.into_iter().map(|(_, event)| event).collect()
    }

    fn visit(&mut self, day: &Day, arrival: Timestamp, rng: &mut impl Rng) -> Outcome {
        let aisles = Aisles {
            catalogue: &self.catalogue,
            stockroom: &self.stockroom,
            promotions: &self.promotions,
            day,
        };
        let Some(mission) = aisles.mission(day.hour(arrival), rng) else { return Outcome::default() };
        let household = Household::new(rng.random_range(0..HOUSEHOLDS), self.plan.seed);
        let at_a_kiosk = rng.random_ratio(1, KIOSK_ONE_IN);
        let visit = Visit { aisles, household, mission, at: arrival, numbers: &mut self.numbers, rng };
        if at_a_kiosk { visit.at_a_kiosk() } else { visit.at_the_till(&mut self.returns) }
    }
}

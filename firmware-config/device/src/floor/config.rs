//! What a shop is made of: items, staff, errors, units. Read from the `[floor]` table of a scenario.

use serde::{Deserialize, Serialize};

/// A shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FloorConfig {
    /// When it starts, in milliseconds since 1970. Hours of the day are those of UTC.
    pub start_ms: i64,
    /// How busy each hour of the day is: 24 weights. Their scale does not matter; zero is closed.
    pub busy: Vec<f64>,
    /// How many people come in on a day.
    pub visitors_per_day: f64,
    /// What it sells.
    pub items: Vec<ItemConfig>,
    /// What keeps things cold or hot.
    pub units: Vec<UnitConfig>,
    /// How often what is done or written is wrong.
    pub errors: ErrorsConfig,
    /// How staff work.
    pub staff: StaffConfig,
}

/// Something that the shop sells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemConfig {
    /// Its number.
    pub sku: String,
    /// Its GTIN-14, which its tags carry.
    pub gtin: Option<String>,
    /// Every piece has an RFID tag.
    pub tagged: bool,
    /// What a piece weighs, in grams.
    pub unit_weight_g: f64,
    /// How much pieces differ in weight: standard deviation as a part of the weight.
    pub weight_spread: f64,
    /// How many pieces the shelf holds.
    pub shelf_capacity: u32,
    /// Pieces on the shelf at the start.
    pub shelf_start: u32,
    /// Pieces in the backroom at the start.
    pub backroom_start: u32,
    /// Pieces that shoppers want on a day.
    pub demand_per_day: f64,
    /// Pieces in a box: orders are whole boxes.
    pub pack: u32,
    /// The shop orders when its book says this or less.
    pub reorder_at: u32,
    /// It orders so much that the book will say at least this.
    pub order_up_to: u32,
    /// Pieces that are stolen on a day.
    pub stolen_per_day: f64,
    /// Pieces that shoppers put onto other shelves on a day.
    pub misplaced_per_day: f64,
    /// Pieces that break or spoil on a day.
    pub damaged_per_day: f64,
}

/// How often things go wrong. Each is a chance from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorsConfig {
    /// A delivery is not what its note says: more or less by up to a third of it, less twice as often.
    pub delivery_wrong: f64,
    /// Nobody enters a delivery.
    pub delivery_not_entered: f64,
    /// The till scans another product.
    pub wrong_scan: f64,
    /// A shopper puts back what they took.
    pub put_back: f64,
    /// A shopper brings a purchase back on another day.
    pub returned: f64,
    /// A count of a place is wrong, mostly by one.
    pub count_wrong: f64,
    /// Staff enter a move.
    pub move_entered: f64,
    /// Staff enter damage.
    pub damage_entered: f64,
    /// A theft takes an armful instead of a piece.
    pub armful: f64,
}

/// How staff work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StaffConfig {
    /// They walk along the shelves so often, in minutes.
    pub round_min: u32,
    /// They fill a shelf that holds this part of its capacity or less.
    pub fill_below: f64,
    /// The chance that they see on a round that a shelf wants filling.
    pub notice: f64,
    /// How long it takes until it is filled, in minutes, at most.
    pub fill_min_max: u32,
    /// Each product is counted every so many days; 0 is never.
    pub count_every_days: u32,
    /// The chance that a misplaced piece is found in the evening.
    pub tidy: f64,
    /// Deliveries come so many days after the order.
    pub lead_days: u32,
    /// The hour at which deliveries come.
    pub delivery_hour: u32,
}

/// A fridge, a freezer or a hot counter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnitConfig {
    /// Its name.
    pub name: String,
    /// What it is set to, in °C.
    pub set_celsius: f64,
    /// How far it swings about that while it works, in °C.
    pub swing_celsius: f64,
    /// How long one swing takes, in seconds.
    pub swing_s: f64,
    /// The air about it, in °C.
    pub ambient_celsius: f64,
    /// The time constant with which it reaches what it is set to, door closed, in seconds.
    pub recover_s: f64,
    /// The time constant with which it takes the air's temperature, door open, in seconds.
    pub open_s: f64,
    /// The time constant with which it takes the air's temperature when it is broken, in seconds.
    pub leak_s: f64,
    /// How often its door is opened in an hour of mean busyness.
    pub doors_per_hour: f64,
    /// How long its door stays open, on average, in seconds.
    pub door_s: f64,
}

impl Default for FloorConfig {
    fn default() -> Self {
        // Open from 8 to 20 o'clock, with a noon and an evening peak.
        let busy = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
            .iter()
            .zip([0.5, 0.7, 0.9, 1.1, 1.4, 1.1, 0.8, 0.8, 1.0, 1.5, 1.4, 0.8])
            .fold(vec![0.0; 24], |mut busy, (hour, weight)| {
                if let Some(slot) = busy.get_mut(*hour) {
                    *slot = weight;
                }
                busy
            });
        Self {
            start_ms: 1_767_225_600_000,
            busy,
            visitors_per_day: 300.0,
            items: Vec::new(),
            units: Vec::new(),
            errors: ErrorsConfig::default(),
            staff: StaffConfig::default(),
        }
    }
}

impl Default for ItemConfig {
    fn default() -> Self {
        Self {
            sku: String::new(),
            gtin: None,
            tagged: false,
            unit_weight_g: 250.0,
            weight_spread: 0.01,
            shelf_capacity: 12,
            shelf_start: 12,
            backroom_start: 12,
            demand_per_day: 5.0,
            pack: 6,
            reorder_at: 12,
            order_up_to: 24,
            stolen_per_day: 0.05,
            misplaced_per_day: 0.05,
            damaged_per_day: 0.02,
        }
    }
}

impl Default for ErrorsConfig {
    fn default() -> Self {
        Self {
            delivery_wrong: 0.05,
            delivery_not_entered: 0.01,
            wrong_scan: 0.01,
            put_back: 0.05,
            returned: 0.01,
            count_wrong: 0.08,
            move_entered: 0.8,
            damage_entered: 0.6,
            armful: 0.1,
        }
    }
}

impl Default for StaffConfig {
    fn default() -> Self {
        Self {
            round_min: 90,
            fill_below: 0.35,
            notice: 0.6,
            fill_min_max: 40,
            count_every_days: 28,
            tidy: 0.5,
            lead_days: 1,
            delivery_hour: 7,
        }
    }
}

impl Default for UnitConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            set_celsius: 3.0,
            swing_celsius: 0.6,
            swing_s: 1_200.0,
            ambient_celsius: 22.0,
            recover_s: 600.0,
            open_s: 400.0,
            leak_s: 14_400.0,
            doors_per_hour: 12.0,
            door_s: 12.0,
        }
    }
}

/// Why a shop cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`floor.{field}` is {found}, expected {expected}")]
pub struct InvalidFloor {
    /// The field, with the name of what it belongs to.
    pub field: String,
    /// What it holds.
    pub found: String,
    /// What it may hold.
    pub expected: &'static str,
}

impl FloorConfig {
    /// The most items and the most units of a shop.
    pub const ENTRIES_MAX: usize = 10_000;
    /// The most pieces in one place.
    pub const PIECES_MAX: u32 = 100_000;

    /// Checks that the shop can be.
    ///
    /// # Errors
    /// Names the first field that makes no sense.
    pub fn validate(&self) -> Result<(), InvalidFloor> {
        let refuse = |field: String, found: String, expected| Err(InvalidFloor { field, found, expected });
        if self.busy.len() != 24 || !self.busy.iter().all(|weight| (0.0..=1e6).contains(weight)) {
            return refuse("busy".into(), format!("{} weights", self.busy.len()), "24 weights from 0 to 1e6");
        }
        if self.items.len() > Self::ENTRIES_MAX || self.units.len() > Self::ENTRIES_MAX {
            return refuse("items".into(), self.items.len().to_string(), "at most 10000 items and units");
        }
        let rates = self.items.iter().flat_map(|item| {
            [
                ("demand_per_day", item.demand_per_day),
                ("stolen_per_day", item.stolen_per_day),
                ("misplaced_per_day", item.misplaced_per_day),
                ("damaged_per_day", item.damaged_per_day),
                ("unit_weight_g", item.unit_weight_g),
                ("weight_spread", item.weight_spread),
            ]
            .map(|(field, value)| (format!("items.{}.{field}", item.sku), value))
        });
        let rates = rates.chain([("visitors_per_day".into(), self.visitors_per_day)]);
        for (field, value) in rates {
            if !(0.0..=100_000.0).contains(&value) {
                return refuse(field, value.to_string(), "a number from 0 to 100000");
            }
        }
        for item in &self.items {
            let gtin = item.gtin.as_deref().filter(|gtin| item.tagged && super::sgtin96(gtin, 0).is_none());
            if let Some(gtin) = gtin {
                let field = format!("items.{}.gtin", item.sku);
                return refuse(
                    field,
                    format!("`{gtin}`"),
                    "14 digits of which the last is their check digit",
                );
            }
            let most =
                item.shelf_capacity.max(item.shelf_start).max(item.backroom_start).max(item.order_up_to);
            if item.sku.is_empty() || item.pack == 0 || most > Self::PIECES_MAX {
                return refuse(
                    format!("items.{}", item.sku),
                    format!("{} pieces in boxes of {}", most, item.pack),
                    "a SKU, at most 100000 pieces, and boxes that hold something",
                );
            }
        }
        for unit in &self.units {
            let constants = [unit.recover_s, unit.open_s, unit.leak_s, unit.swing_s, unit.door_s];
            if !constants.iter().all(|seconds| (0.1..=1e9).contains(seconds)) {
                return refuse(
                    format!("units.{}", unit.name),
                    "too short or no number".into(),
                    "times from 0.1 s",
                );
            }
        }
        let ErrorsConfig {
            delivery_wrong,
            delivery_not_entered,
            wrong_scan,
            put_back,
            returned,
            count_wrong,
            move_entered,
            damage_entered,
            armful,
        } = self.errors;
        let chances = [
            delivery_wrong,
            delivery_not_entered,
            wrong_scan,
            put_back,
            returned,
            count_wrong,
            move_entered,
            damage_entered,
            armful,
            self.staff.notice,
            self.staff.tidy,
        ];
        if let Some(chance) = chances.iter().find(|chance| !(0.0..=1.0).contains(*chance)) {
            return refuse("errors".into(), chance.to_string(), "chances from 0 to 1");
        }
        if self.staff.round_min == 0 || self.staff.delivery_hour > 23 {
            return refuse(
                "staff".into(),
                self.staff.round_min.to_string(),
                "rounds, and an hour of the day",
            );
        }
        Ok(())
    }
}

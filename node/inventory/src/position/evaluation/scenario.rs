//! The shops: fixed before the engine was tuned, and drawn from the scenario's name, not from the seed of a run.

use aisle_device::floor::{
    ErrorsConfig, FloorConfig, ItemConfig, StaffConfig,
    sensor::{ReaderConfig, ScaleConfig},
};

/// A shop with its sensors.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// The shop.
    pub floor: FloorConfig,
    /// Its first so many items stand on scales.
    pub weighed: usize,
    /// How its scales err.
    pub scale: ScaleConfig,
    /// Shelves and backroom are read by RFID.
    pub readers: Option<ReaderConfig>,
    /// Its first so many items are scored.
    pub scored: usize,
}

impl Scenario {
    /// The same shop, of which only what is weighed is scored.
    #[must_use]
    pub fn only_weighed(self) -> Self {
        Self { scored: self.weighed, ..self }
    }

    /// All three.
    #[must_use]
    pub fn all() -> [Self; 3] {
        [Self::grocery(), Self::apparel(), Self::corner_shop()]
    }

    /// A small grocery with a scale under each shelf: brisk sales, boxes from the backroom, thefts, deliveries that are not
    /// what the note says, a count every four weeks.
    #[must_use]
    pub fn grocery() -> Self {
        let demand = [
            36.0, 28.0, 24.0, 20.0, 18.0, 15.0, 13.0, 12.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.5, 4.0, 3.5,
            3.0, 2.5, 2.0,
        ];
        let weight_g = [250.0, 1030.0, 500.0, 125.0, 330.0, 80.0, 410.0, 200.0, 1000.0, 60.0];
        let items = demand.iter().zip(weight_g.iter().cycle()).enumerate().map(|(n, (demand, weight_g))| {
            let shelf = (demand * 0.7_f64).clamp(8.0, 24.0) as u32;
            ItemConfig {
                unit_weight_g: *weight_g,
                shelf_capacity: shelf,
                shelf_start: shelf,
                backroom_start: shelf,
                pack: 6,
                reorder_at: (demand * 1.5) as u32 + 3,
                order_up_to: (demand * 2.5) as u32 + 10,
                stolen_per_day: 0.05 + demand * 0.012,
                misplaced_per_day: 0.08,
                damaged_per_day: 0.03 + demand * 0.004,
                ..item(n, *demand)
            }
        });
        Self {
            name: "grocery",
            floor: FloorConfig {
                items: items.collect(),
                errors: ErrorsConfig { delivery_wrong: 0.06, ..ErrorsConfig::default() },
                ..FloorConfig::default()
            },
            weighed: 20,
            scale: ScaleConfig::default(),
            readers: None,
            scored: usize::MAX,
        }
    }

    /// A clothes shop with a tag on each piece and readers over the floor and in the stockroom: slow sales, thefts by the
    /// armful, hardly a move entered, a count every eight weeks.
    #[must_use]
    pub fn apparel() -> Self {
        let demand = [
            4.0, 3.5, 3.0, 2.6, 2.3, 2.0, 1.8, 1.6, 1.4, 1.2, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.4, 0.3,
            0.3,
        ];
        let items = demand.iter().enumerate().map(|(n, demand)| ItemConfig {
            tagged: true,
            unit_weight_g: 300.0,
            shelf_capacity: 8,
            shelf_start: 8,
            backroom_start: 8,
            pack: 4,
            reorder_at: 6,
            order_up_to: 14,
            stolen_per_day: 0.04 + demand * 0.03,
            misplaced_per_day: 0.06,
            damaged_per_day: 0.005,
            ..item(n, *demand)
        });
        Self {
            name: "apparel",
            floor: FloorConfig {
                items: items.collect(),
                errors: ErrorsConfig {
                    move_entered: 0.3,
                    returned: 0.06,
                    put_back: 0.15,
                    armful: 0.2,
                    delivery_wrong: 0.08,
                    ..ErrorsConfig::default()
                },
                staff: StaffConfig {
                    round_min: 180,
                    fill_below: 0.4,
                    notice: 0.5,
                    count_every_days: 56,
                    lead_days: 2,
                    ..StaffConfig::default()
                },
                ..FloorConfig::default()
            },
            weighed: 0,
            scale: ScaleConfig::default(),
            readers: Some(ReaderConfig::default()),
            scored: usize::MAX,
        }
    }

    /// A corner shop that knows what its till says, with scales under its eight best sellers, where staff enter most moves and count each
    /// product every two weeks.
    #[must_use]
    pub fn corner_shop() -> Self {
        let demand = [
            30.0, 24.0, 20.0, 16.0, 14.0, 12.0, 10.0, 9.0, 8.0, 8.0, 7.0, 6.0, 6.0, 5.0, 5.0, 4.0, 4.0, 3.0,
            3.0, 2.0,
        ];
        let weight_g = [520.0, 330.0, 1500.0, 90.0, 250.0];
        let items = demand.iter().zip(weight_g.iter().cycle()).enumerate().map(|(n, (demand, weight_g))| {
            let shelf = (demand * 0.6_f64).clamp(6.0, 18.0) as u32;
            ItemConfig {
                unit_weight_g: *weight_g,
                shelf_capacity: shelf,
                shelf_start: shelf,
                backroom_start: shelf,
                pack: 6,
                reorder_at: (demand * 1.5) as u32 + 3,
                order_up_to: (demand * 2.5) as u32 + 8,
                stolen_per_day: 0.06 + demand * 0.015,
                misplaced_per_day: 0.05,
                damaged_per_day: 0.03,
                ..item(n, *demand)
            }
        });
        Self {
            name: "corner-shop",
            floor: FloorConfig {
                items: items.collect(),
                errors: ErrorsConfig { move_entered: 0.85, wrong_scan: 0.015, ..ErrorsConfig::default() },
                staff: StaffConfig { count_every_days: 14, round_min: 120, ..StaffConfig::default() },
                ..FloorConfig::default()
            },
            weighed: 8,
            scale: ScaleConfig { noise_g: 8.0, wander_g: 10.0, ..ScaleConfig::default() },
            readers: None,
            scored: usize::MAX,
        }
    }
}

fn item(number: usize, demand_per_day: f64) -> ItemConfig {
    let digits = format!("0061414{:06}", 100 + number);
    let sum: u32 = digits
        .bytes()
        .zip([3, 1].iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    ItemConfig {
        sku: format!("item-{number:02}"),
        gtin: Some(format!("{digits}{}", (10 - sum % 10) % 10)),
        demand_per_day,
        ..ItemConfig::default()
    }
}

//! A shop floor that was made up: one of everything that the board can show, and a note of what was done.

use aisle_event::{
    DeviceId, LotId, Name, Quantity, Sku, Timestamp,
    cold_chain::{ColdGroup, ColdRule, ColdVerdict},
    device::{AnomalyKind, CommandEnd, DeviceProblem, Measured, Place, StreamKind},
    inventory::TaskKind,
};
use aisle_kiosk::staff::*;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A floor whose board is what somebody put there.
pub(crate) struct MadeUpFloor {
    board: Mutex<Arc<Board>>,
    changed: watch::Sender<u64>,
    acted: Mutex<Vec<(Action, String)>>,
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

fn device(text: &str) -> DeviceId {
    DeviceId::new(text).unwrap()
}

fn estimate(value: i64, low: i64, high: i64, confidence_permille: u16, as_of: Timestamp) -> Estimate {
    let each = Quantity::each;
    Estimate { value: each(value), low: each(low), high: each(high), confidence_permille, as_of }
}

pub(crate) fn empty_board(as_of: Timestamp) -> Board {
    Board {
        as_of,
        seq: 1,
        totals: Totals::default(),
        tasks: Vec::new(),
        alerts: Vec::new(),
        gaps: Vec::new(),
        units: Vec::new(),
        devices: Vec::new(),
        positions: Vec::new(),
    }
}

fn task(kind: TaskKind, id: &str, about: Option<(&str, &str)>, why: &str, opened_at: Timestamp) -> TaskRow {
    TaskRow {
        task: name(id),
        kind,
        sku: about.map(|(number, _)| sku(number)),
        product: about.map(|(_, product)| name(product)),
        unit: None,
        device: None,
        quantity: None,
        confidence_permille: 870,
        why: why.into(),
        opened_at,
    }
}

pub(crate) fn fridge(state: UnitState, celsius: f64, now: Timestamp) -> UnitRow {
    UnitRow {
        unit: name("Dairy fridge 冷柜"),
        group: ColdGroup::Chilled,
        limit: 5.0,
        state,
        reading: Some(Reading {
            value: celsius,
            measured: Measured::Celsius,
            confidence_permille: 990,
            as_of: now.saturating_add_ms(-20_000),
        }),
        door: Some(Door { open: state != UnitState::Fine, as_of: now.saturating_add_ms(-90_000) }),
        excursion: (state == UnitState::Excursion).then(|| name("fridge/42")),
        acknowledged: false,
        since: now.saturating_add_ms(-25 * MINUTE_MS),
    }
}

fn row(id: &str, model: &str, state: DeviceState, heard_at: Option<Timestamp>) -> DeviceRow {
    DeviceRow {
        device: device(id),
        model: name(model),
        state,
        heard_at,
        in_sync: true,
        problems: 0,
        confidence_permille: 960,
    }
}

/// A board with something of everything.
pub(crate) fn full_board(now: Timestamp) -> Board {
    let before = |ms: i64| now.saturating_add_ms(-ms);
    let mut fill = task(
        TaskKind::FillShelf,
        "fill:TEA-1",
        Some(("TEA-1", "Green tea 绿茶")),
        "The scale under the shelf reads 41 g, less than one pack, and 12 packs are in the backroom.",
        before(4 * MINUTE_MS),
    );
    fill.quantity = Some(Quantity::each(12));
    let mut look = task(
        TaskKind::CheckDevice,
        "check:scale-3",
        None,
        "It was last heard 26 hours ago.",
        before(HOUR_MS),
    );
    look.device = Some(device("scale-3"));
    look.confidence_permille = 640;
    let count = task(
        TaskKind::Recount,
        "count:CUP",
        Some(("CUP", "Paper cups")),
        "Nothing was sold for 9 days although 30 stand in the book; a count would settle it.",
        before(3 * HOUR_MS),
    );
    let mut forgotten = row("scale-3", "load-cell shelf", DeviceState::Offline, Some(before(26 * HOUR_MS)));
    forgotten.confidence_permille = 300;
    let mut out_of_sync = row("fridge-7", "aisle-thermometer", DeviceState::Online, Some(before(20_000)));
    (out_of_sync.in_sync, out_of_sync.problems) = (false, 1);
    Board {
        as_of: now,
        seq: 42,
        totals: Totals { tasks: 3, alerts: 3, gaps: 2, units: 3, devices: 60, positions: 4_200 },
        tasks: vec![fill, look, count],
        alerts: vec![
            AlertRow {
                kind: AlertKind::Excursion,
                severity: Severity::Critical,
                device: None,
                unit: Some(name("Dairy fridge 冷柜")),
                detail:
                    "8.6 °C is above 5 °C for 25 minutes. Close the door, or move the food within 3 h 35 min."
                        .into(),
                confidence_permille: 985,
                since: before(25 * MINUTE_MS),
            },
            AlertRow {
                kind: AlertKind::Offline,
                severity: Severity::Warning,
                device: Some(device("scale-3")),
                unit: None,
                detail: "Nothing was heard from it for 26 hours. Check its power.".into(),
                confidence_permille: 1000,
                since: before(26 * HOUR_MS),
            },
            AlertRow {
                kind: AlertKind::Approval,
                severity: Severity::Notice,
                device: Some(device("plug-new")),
                unit: None,
                detail: "A tasmota plug announced itself.".into(),
                confidence_permille: 1000,
                since: before(6 * MINUTE_MS),
            },
        ],
        gaps: vec![
            GapRow {
                sku: sku("TEA-1"),
                product: Some(name("Green tea 绿茶")),
                shelf: estimate(0, 0, 1, 930, before(30_000)),
                backroom: Some(estimate(12, 10, 13, 720, before(5 * HOUR_MS))),
                empty_permille: 934,
                phantom_permille: 20,
                since: before(4 * MINUTE_MS),
            },
            GapRow {
                sku: sku("CUP"),
                product: Some(name("Paper cups")),
                shelf: estimate(3, 0, 28, 410, before(9 * 24 * HOUR_MS)),
                backroom: None,
                empty_permille: 380,
                phantom_permille: 760,
                since: before(3 * HOUR_MS),
            },
        ],
        units: vec![
            fridge(UnitState::Excursion, 8.64, now),
            UnitRow {
                unit: name("Soup counter"),
                group: ColdGroup::Hot,
                limit: 57.0,
                state: UnitState::Unknown,
                reading: None,
                door: None,
                excursion: None,
                acknowledged: false,
                since: before(2 * HOUR_MS),
            },
            UnitRow {
                unit: name("Freezer 1"),
                group: ColdGroup::Frozen,
                limit: -18.0,
                state: UnitState::Fine,
                reading: Some(Reading {
                    value: -21.35,
                    measured: Measured::Celsius,
                    confidence_permille: 970,
                    as_of: before(40_000),
                }),
                door: None,
                excursion: None,
                acknowledged: false,
                since: before(70 * HOUR_MS),
            },
        ],
        devices: vec![
            row("plug-new", "tasmota plug", DeviceState::Pending, Some(before(6 * MINUTE_MS))),
            forgotten,
            out_of_sync,
            row("gate-rfid", "sgtin reader", DeviceState::Online, Some(before(2_000))),
        ],
        positions: vec![PositionRow {
            sku: sku("TEA-2"),
            product: Some(name("Crème brûlée tea")),
            shelf: Some(estimate(7, 6, 8, 880, before(MINUTE_MS))),
            backroom: Some(estimate(24, 20, 24, 700, before(30 * HOUR_MS))),
            sellable: true,
        }],
    }
}

impl MadeUpFloor {
    pub(crate) fn new(board: Board) -> Arc<Self> {
        let (changed, _) = watch::channel(board.seq);
        Arc::new(Self { board: Mutex::new(Arc::new(board)), changed, acted: Mutex::default() })
    }

    /// Changes the board, as the floor would.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Board)) {
        let mut held = self.board.lock().unwrap();
        let mut board = Board::clone(&held);
        board.seq += 1;
        change(&mut board);
        let seq = board.seq;
        *held = Arc::new(board);
        drop(held);
        self.changed.send_replace(seq);
    }

    /// What was done, and by whom.
    pub(crate) fn acted(&self) -> Vec<(Action, String)> {
        std::mem::take(&mut *self.acted.lock().unwrap())
    }

    fn settings() -> Vec<SettingRow> {
        let number = |value| Some(SettingValue::Integer(value));
        vec![
            SettingRow {
                field: Field {
                    name: "interval".into(),
                    kind: FieldKind::Integer { min: 1, max: 3600 },
                    unit: Some("s".into()),
                    default: SettingValue::Integer(10),
                },
                desired: number(5),
                reported: number(10),
            },
            SettingRow {
                field: Field {
                    name: "offset".into(),
                    kind: FieldKind::Number { min: -5.0, max: 5.0 },
                    unit: Some("°C".into()),
                    default: SettingValue::Number(0.0),
                },
                desired: None,
                reported: Some(SettingValue::Number(0.25)),
            },
            SettingRow {
                field: Field {
                    name: "do".into(),
                    kind: FieldKind::Bool,
                    unit: None,
                    default: SettingValue::Bool(false),
                },
                desired: None,
                reported: None,
            },
            SettingRow {
                field: Field {
                    name: "mode".into(),
                    kind: FieldKind::Choice { of: vec!["eco".into(), "fast".into()] },
                    unit: None,
                    default: SettingValue::Text("eco".into()),
                },
                desired: None,
                reported: Some(SettingValue::Text("eco".into())),
            },
            SettingRow {
                field: Field {
                    name: "label".into(),
                    kind: FieldKind::Text { len_max: 12 },
                    unit: None,
                    default: SettingValue::Text("fridge".into()),
                },
                desired: None,
                reported: None,
            },
        ]
    }
}

impl Floor for MadeUpFloor {
    fn board(&self) -> Arc<Board> {
        self.board.lock().unwrap().clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn device(&self, id: &str) -> Option<DevicePage> {
        let board = self.board();
        let now = board.as_of;
        let row = board.devices.iter().find(|row| row.device.as_str() == id)?.clone();
        let is_whole = id == "fridge-7";
        Some(DevicePage {
            firmware: Some(name("1.4.2")),
            profile: (!is_whole).then(|| name("tasmota")),
            serial: is_whole.then(|| name("A-0817")),
            boots: Some(3),
            streams: if is_whole {
                vec![
                    StreamRow {
                        stream: name("temperature"),
                        kind: StreamKind::Number,
                        measured: Some(Measured::Celsius),
                        interval_s: Some(10),
                        last: Some(Reading {
                            value: 8.64,
                            measured: Measured::Celsius,
                            confidence_permille: 700,
                            as_of: now.saturating_add_ms(-20_000),
                        }),
                        anomaly: Some((AnomalyKind::Drift, now.saturating_add_ms(-3 * HOUR_MS))),
                        chart: true,
                        goods: None,
                        unit: Some(name("Dairy fridge 冷柜")),
                    },
                    StreamRow {
                        stream: name("humidity"),
                        kind: StreamKind::Number,
                        measured: Some(Measured::HumidityPercent),
                        interval_s: Some(60),
                        last: None,
                        anomaly: None,
                        chart: false,
                        goods: None,
                        unit: None,
                    },
                    StreamRow {
                        stream: name("shelf"),
                        kind: StreamKind::Tags,
                        measured: None,
                        interval_s: None,
                        last: None,
                        anomaly: None,
                        chart: false,
                        goods: Some((Place::Shelf, sku("TEA-1"))),
                        unit: None,
                    },
                ]
            } else {
                Vec::new()
            },
            twin: is_whole.then(|| Twin {
                desired_version: 3,
                reported_version: Some(2),
                reported_at: Some(now.saturating_add_ms(-20_000)),
                last_known_good: true,
                refused: Some((3, "interval".into(), "is below 10 while on battery".into())),
                settings: Self::settings(),
            }),
            offers: if is_whole {
                vec![Offer {
                    command: name("tare"),
                    fields: vec![Field {
                        name: "grams".into(),
                        kind: FieldKind::Integer { min: 0, max: 500 },
                        unit: Some("g".into()),
                        default: SettingValue::Integer(0),
                    }],
                }]
            } else {
                Vec::new()
            },
            commands: if is_whole {
                vec![CommandRow {
                    command: name("identify"),
                    by: Some(name("Ann")),
                    at: now.saturating_add_ms(-2 * HOUR_MS),
                    end: Some((CommandEnd::TimedOut, now.saturating_add_ms(-HOUR_MS))),
                    answer: None,
                }]
            } else {
                Vec::new()
            },
            problems: if is_whole {
                vec![ProblemRow {
                    problem: DeviceProblem::Clock,
                    path: None,
                    detail: "Its clock is 41 days ahead; readings carry the node's time. Set its clock."
                        .into(),
                    at: now.saturating_add_ms(-5 * HOUR_MS),
                }]
            } else {
                Vec::new()
            },
            row,
        })
    }

    fn unit(&self, unit: &str) -> Option<UnitPage> {
        let board = self.board();
        let now = board.as_of;
        let row = board.units.iter().find(|row| row.unit.as_str() == unit)?.clone();
        let is_whole = row.group == ColdGroup::Chilled;
        let lasting = ExcursionRow {
            excursion: name("fridge/42"),
            rule: ColdRule::Limit,
            peak: Some(8.64),
            since: now.saturating_add_ms(-25 * MINUTE_MS),
            closed: None,
            outside_s: 1500,
            acknowledged: None,
            lots: vec![LotId::new("L-2211").unwrap(), LotId::new("L-2212").unwrap()],
        };
        let over = ExcursionRow {
            excursion: name("fridge/7"),
            rule: ColdRule::Unknown,
            peak: None,
            since: now.saturating_add_ms(-80 * HOUR_MS),
            closed: Some((now.saturating_add_ms(-79 * HOUR_MS), ColdVerdict::Judge)),
            outside_s: 3600,
            acknowledged: Some((name("李"), Some(name("电池已更换")), now.saturating_add_ms(-79 * HOUR_MS))),
            lots: Vec::new(),
        };
        Some(UnitPage {
            goods: if is_whole {
                vec![Product { sku: sku("TEA-1"), name: Some(name("Green tea 绿茶")) }]
            } else {
                Vec::new()
            },
            sensors: if is_whole { vec![(device("fridge-7"), name("temperature"))] } else { Vec::new() },
            excursions: if is_whole { vec![lasting, over] } else { Vec::new() },
            days: if is_whole {
                vec!["2025-11-20".parse().unwrap(), "2025-11-19".parse().unwrap()]
            } else {
                Vec::new()
            },
            row,
        })
    }

    fn position(&self, number: &str) -> Option<PositionPage> {
        let board = self.board();
        let now = board.as_of;
        let source = |source, says: Option<i64>, weight_permille, ms: i64| SourceRow {
            source,
            says: says.map(Quantity::each),
            weight_permille,
            as_of: now.saturating_add_ms(-ms),
        };
        (number == "TEA-1" && board.totals.positions > 0).then(|| PositionPage {
            product: Product { sku: sku("TEA-1"), name: Some(name("Green tea 绿茶")) },
            sellable: true,
            empty_permille: 934,
            phantom_permille: 4,
            as_of: now.saturating_add_ms(-30_000),
            places: vec![
                PlaceRow {
                    place: Place::Shelf,
                    estimate: estimate(1, 0, 3, 910, now.saturating_add_ms(-30_000)),
                    sources: vec![
                        source(Source::Weight, Some(0), 610, 30_000),
                        source(Source::Book, Some(2), 240, 8 * MINUTE_MS),
                        source(Source::Count, Some(14), 150, 50 * HOUR_MS),
                    ],
                    why: vec![
                        "The scale under the shelf reads 41 g; one pack weighs 120 g.".into(),
                        "14 were counted 50 hours ago and 12 were sold since.".into(),
                    ],
                },
                PlaceRow {
                    place: Place::Backroom,
                    estimate: estimate(12, 10, 13, 720, now.saturating_add_ms(-5 * HOUR_MS)),
                    sources: vec![source(Source::Book, Some(12), 1000, 5 * HOUR_MS)],
                    why: Vec::new(),
                },
            ],
        })
    }

    fn chart(&self, device: &str, stream: &str, hours: u32) -> Option<String> {
        (device == "fridge-7" && stream == "temperature").then(|| {
            let points: String = (0..=64)
                .map(|x| {
                    let y = 150.0 - 20.0 * (f64::from(x) / 4.0).sin() - if x > 56 { f64::from(x - 56) * 10.0 } else { 0.0 };
                    format!("{},{y:.1} ", x * 10)
                })
                .collect();
            format!(
                r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 220"><text x="8" y="20" font-size="14" fill="#4a5652">°C, {hours} h</text><line x1="0" y1="120" x2="640" y2="120" stroke="#a3221a" stroke-dasharray="6 6"/><polyline points="{points}" fill="none" stroke="#1a5c46" stroke-width="3"/></svg>"##
            )
        })
    }

    fn report(
        &self,
        unit: &str,
        day: jiff::civil::Date,
        language: Language,
        form: ReportForm,
    ) -> Result<String, ReportError> {
        if day.year() == 1999 {
            return Err(ReportError::Read("the disk hums".into()));
        }
        self.unit(unit).filter(|page| page.days.contains(&day)).ok_or(ReportError::Unknown)?;
        Ok(match form {
            ReportForm::Html => {
                format!("<!DOCTYPE html><html lang=\"{}\"><h1>{unit} {day}</h1></html>", language.tag())
            }
            ReportForm::Csv => format!("unit,day\n{unit},{day}\n"),
        })
    }

    fn act(&self, action: Action, by: Name) -> BoxFuture<'_, Result<(), ActError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            match &action {
                Action::FinishTask { task, .. } | Action::DismissTask { task } => {
                    let known = self.board().tasks.iter().any(|row| row.task == *task);
                    if !known {
                        return Err(ActError::Unknown { what: "task", name: task.as_str().into() });
                    }
                    let task = task.clone();
                    self.change(move |board| {
                        board.tasks.retain(|row| row.task != task);
                        board.totals.tasks = board.tasks.len() as u32;
                    });
                }
                Action::Set { settings, .. }
                    if settings.get("label") == Some(&SettingValue::Text("no".into())) =>
                {
                    return Err(ActError::Field {
                        field: "label".into(),
                        reason: "is taken by another device".into(),
                    });
                }
                Action::Retire { device } if device.as_str() == "gate-rfid" => {
                    return Err(ActError::Conflict {
                        reason: "It stands in the door; retire the door first.".into(),
                    });
                }
                Action::Approve { device } => match device.as_str() {
                    "gate-rfid" => return Err(ActError::Busy),
                    "scale-3" => return Err(ActError::Stopped),
                    _ => {}
                },
                _ => {}
            }
            self.acted.lock().unwrap().push((action, by.as_str().to_owned()));
            Ok(())
        })
    }
}

//! Tasks from outside: what is wanted, and what staff are asked.

use aisle_event::{
    Event, Name, Quantity, Sku, Timestamp, Unknown,
    inventory::{TaskClosed, TaskEnd, TaskKind, TaskOpened},
};
use aisle_inventory::task::{About, Config, PLUGIN_TASKS_OPEN_MAX, Tasks, Wanted, Worth};
use proptest::prelude::*;

const SECOND: i64 = 1000;
const NOON: i64 = 1_795_262_400_000;

struct Board {
    tasks: Tasks,
    journal: Vec<Event>,
    now: i64,
}

fn want(kind: TaskKind, about: &str, confidence_permille: u16) -> Wanted {
    let about = match kind {
        TaskKind::CheckUnit => About::Unit(Name::new(about).unwrap()),
        TaskKind::CheckDevice => About::Device(about.parse().unwrap()),
        _ => About::Sku(Sku::new(about).unwrap()),
    };
    Wanted {
        kind,
        about,
        quantity: Some(Quantity::each(6)),
        confidence_permille,
        why: Name::new("the scale says so").unwrap(),
    }
}

fn fill(sku: &str, confidence_permille: u16) -> Wanted {
    want(TaskKind::FillShelf, sku, confidence_permille)
}

impl Board {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        config.validate().unwrap();
        Self { tasks: Tasks::new(config), journal: Vec::new(), now: NOON }
    }

    fn append(&mut self, event: impl Into<Event>) {
        let event = event.into();
        self.tasks.apply(self.journal.len() as u64 + 1, &event);
        self.journal.push(event);
    }

    /// A second in which this is wanted.
    fn second(&mut self, wanted: &[Wanted]) -> usize {
        let events = self.tasks.due_with(Timestamp(self.now), wanted.to_vec());
        let count = events.len();
        for event in events {
            self.append(event);
        }
        assert_eq!(self.tasks.due_with(Timestamp(self.now), wanted.to_vec()), [], "what is due is due once");
        self.now += SECOND;
        count
    }

    fn seconds(&mut self, count: usize, wanted: &[Wanted]) -> usize {
        (0..count).map(|_| self.second(wanted)).sum()
    }

    fn open(&self) -> Vec<String> {
        self.tasks.view().open.iter().map(|task| task.name.to_string()).collect()
    }

    /// A plugin has a task opened, as the node does that for it.
    fn plugin_asks(&mut self, sku: &str) {
        self.append(TaskOpened {
            task: Name::new(format!("plugin:{sku}")).unwrap(),
            kind: TaskKind::Plugin,
            sku: Sku::new(sku).ok(),
            unit: None,
            device: None,
            quantity: None,
            confidence_permille: 1000,
            why: Name::new("the plugin says so").unwrap(),
            at: Timestamp(self.now),
            unknown: Unknown::default(),
        });
    }

    fn close(&mut self, task: &str, end: TaskEnd) {
        let (task, by) = (Name::new(task).unwrap(), Name::new("Mei").ok());
        self.append(TaskClosed { task, end, by, at: Timestamp(self.now), unknown: Unknown::default() });
    }
}

#[test]
fn what_is_wanted_is_asked_for_once() {
    let mut board = Board::new();
    let wanted = [fill("milk", 900), fill("milk", 700), want(TaskKind::Recount, "milk", 500)];
    assert_eq!(board.seconds(600, &wanted), 2);
    assert_eq!(board.open(), ["fill_shelf:milk:1", "recount:milk:2"]);
    let view = board.tasks.view();
    assert_eq!(view.open[0].confidence_permille, 900);
    assert_eq!(view.open[0].quantity, Some(Quantity::each(6)));
}

#[test]
fn the_most_urgent_stands_first() {
    let mut board = Board::new();
    board.second(&[
        want(TaskKind::Recount, "tea", 1000),
        want(TaskKind::CheckUnit, "fridge", 600),
        fill("milk", 900),
        fill("bread", 950),
    ]);
    let order: Vec<_> = board.tasks.view().open.iter().map(|task| task.about.as_str().to_owned()).collect();
    assert_eq!(order, ["fridge", "bread", "milk", "tea"]);
}

#[test]
fn a_number_that_trembles_around_a_bound_makes_one_task() {
    let mut board = Board::new();
    for second in 0..3600 {
        let wanted = if second % 100 < 50 { vec![fill("milk", 800)] } else { Vec::new() };
        board.second(&wanted);
    }
    assert_eq!(board.journal.len(), 1);
}

#[test]
fn what_nobody_wants_for_two_minutes_is_closed_by_itself() {
    let mut board = Board::new();
    board.seconds(300, &[fill("milk", 800)]);
    assert_eq!(board.seconds(119, &[]), 0);
    assert_eq!(board.seconds(2, &[]), 1);
    let view = board.tasks.view();
    assert!(view.open.is_empty());
    assert_eq!(view.closed[0].closed.as_ref().map(|closed| closed.end), Some(TaskEnd::Obsolete));
    board.second(&[fill("milk", 800)]);
    assert_eq!(board.open(), ["fill_shelf:milk:2"]);
}

#[test]
fn a_dismissed_task_stays_away_unless_the_store_became_much_surer() {
    let mut board = Board::new();
    board.second(&[fill("milk", 600)]);
    board.close("fill_shelf:milk:1", TaskEnd::Dismissed);
    assert_eq!(board.seconds(3600, &[fill("milk", 700)]), 0);
    assert_eq!(board.second(&[fill("milk", 800)]), 1);
    board.close("fill_shelf:milk:2", TaskEnd::Dismissed);
    assert_eq!(board.second(&[fill("milk", 850)]), 0);
    board.now += 4 * 3600 * SECOND;
    assert_eq!(board.second(&[fill("milk", 850)]), 1);
}

#[test]
fn a_shelf_that_was_filled_is_left_to_settle() {
    let mut board = Board::new();
    board.second(&[fill("milk", 900)]);
    board.close("fill_shelf:milk:1", TaskEnd::Done);
    assert_eq!(board.seconds(14 * 60, &[fill("milk", 1000)]), 0);
    assert_eq!(board.seconds(2 * 60, &[fill("milk", 1000)]), 1);
}

#[test]
fn there_are_never_more_tasks_than_the_setting_says_and_what_is_worth_more_takes_a_place() {
    let mut board = Board::with(Config { open_max: 3, ..Config::default() });
    let shelves: Vec<Wanted> = (0..20).map(|nth| fill(&format!("sku-{nth}"), 500 + nth * 10)).collect();
    board.seconds(5, &shelves);
    assert_eq!(board.open(), ["fill_shelf:sku-19:1", "fill_shelf:sku-18:2", "fill_shelf:sku-17:3"]);
    let mut with_fridge = shelves.clone();
    with_fridge.push(want(TaskKind::CheckUnit, "fridge", 1000));
    board.seconds(5, &with_fridge);
    assert_eq!(board.open(), ["check_unit:fridge:4", "fill_shelf:sku-19:1", "fill_shelf:sku-18:2"]);
}

#[test]
fn ten_thousand_wants_are_worked_off_within_the_bound() {
    let mut board = Board::with(Config { open_max: 1000, ..Config::default() });
    let many: Vec<Wanted> = (0..10_000).map(|nth| fill(&format!("sku-{nth}"), 500)).collect();
    let first = board.tasks.due_with(Timestamp(board.now), many);
    assert!(first.len() <= 256 && first.len() > 200);
}

#[test]
fn a_clock_that_goes_back_by_years_neither_keeps_tasks_open_nor_keeps_them_away() {
    let mut board = Board::new();
    board.second(&[fill("milk", 900), fill("tea", 900)]);
    board.close("fill_shelf:milk:1", TaskEnd::Dismissed);
    board.now -= 40 * 365 * 86_400 * SECOND;
    assert_eq!(board.second(&[fill("milk", 900)]), 1);
    board.seconds(200, &[fill("milk", 900)]);
    assert_eq!(board.open(), ["fill_shelf:milk:3"]);
}

#[test]
fn what_the_longest_name_is_about_has_a_task_too() {
    let mut board = Board::new();
    board.second(&[want(TaskKind::CheckUnit, &"冷".repeat(85), 1000)]);
    assert_eq!(board.open().len(), 1);
}

#[test]
fn settings_that_leave_no_room_are_refused_by_name() {
    let refused = Config { open_max: 0, ..Config::default() }.validate().unwrap_err();
    assert_eq!(refused.to_string(), "`open_max` is 0, expected 1 to 1000");
}

#[test]
fn no_kind_of_task_can_be_worth_nothing() {
    let nothing = |change: fn(&mut Worth)| {
        let mut config = Config::default();
        change(&mut config.worth);
        config.validate().unwrap_err().to_string()
    };
    let kinds: [fn(&mut Worth); 6] = [
        |worth| worth.check_unit = 0,
        |worth| worth.fill_shelf = 0,
        |worth| worth.check_device = 0,
        |worth| worth.find_phantom = 0,
        |worth| worth.recount = 0,
        |worth| worth.plugin = 0,
    ];
    assert_eq!(kinds.len(), TaskKind::ALL.len());
    for kind in kinds {
        assert_eq!(nothing(kind), "`worth` is 0, expected at least 1 for every kind");
    }
}

#[test]
fn what_a_plugin_asked_for_stays_until_a_person_has_closed_it() {
    let mut board = Board::new();
    board.plugin_asks("milk");
    assert_eq!(board.seconds(2 * 3600, &[]), 0, "a plugin says it once");
    assert_eq!(board.open(), ["plugin:milk"]);
    board.close("plugin:milk", TaskEnd::Done);
    assert!(board.open().is_empty());
}

#[test]
fn what_a_person_said_of_a_task_holds_against_the_plugin_that_asks_again() {
    let mut board = Board::new();
    let is_settled = |board: &Board, about: &str| {
        let about = About::Sku(Sku::new(about).unwrap());
        board.tasks.view().is_settled(TaskKind::Plugin, &about, 1000, Timestamp(board.now))
    };
    for (about, end, minutes) in [("milk", TaskEnd::Dismissed, 4 * 60), ("tea", TaskEnd::Done, 15)] {
        assert!(!is_settled(&board, about), "nobody has said anything of it");
        board.plugin_asks(about);
        assert!(!is_settled(&board, about), "it is open");
        board.close(&format!("plugin:{about}"), end);
        board.now += (minutes * 60 - 1) * SECOND;
        assert!(is_settled(&board, about));
        board.now += SECOND;
        assert!(!is_settled(&board, about), "what was said holds only for so long");
    }
}

#[test]
fn tasks_of_plugins_are_counted_and_leave_room_for_the_stores_own() {
    let mut board = Board::new();
    for nth in 0..PLUGIN_TASKS_OPEN_MAX {
        board.plugin_asks(&format!("sku-{nth}"));
    }
    let shelves: Vec<Wanted> = (0..100).map(|nth| fill(&format!("sku-{nth}"), 1000)).collect();
    board.seconds(5, &shelves);
    let view = board.tasks.view();
    assert_eq!(view.plugin_tasks_open(), PLUGIN_TASKS_OPEN_MAX);
    assert_eq!(view.open.len(), Config::default().open_max);
    assert!(view.plugin_tasks_open() * 4 <= Config::default().open_max);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_from_any_snapshot_is_the_same_as_one_from_the_start(
        steps in prop::collection::vec(
            (0..6_u8, 0..4_u8, 0..1200_u16, prop_oneof![9 => 0..600_i64, 1 => any::<i32>().prop_map(i64::from)], any::<bool>()),
            1..80,
        ),
        cut in 0.0..1.0_f64,
    ) {
        let config = Config { open_max: 3, closed_max: 4, remembered_max: 3, ..Config::default() };
        let mut board = Board::with(config.clone());
        for (kind, about, confidence, seconds, by_hand) in steps {
            board.now = board.now.saturating_add(seconds * SECOND);
            let about = format!("thing-{about}");
            match (TaskKind::ALL.get(usize::from(kind)), by_hand) {
                (Some(kind), false) => { board.second(&[want(*kind, &about, confidence)]); }
                (Some(kind), true) => board.append(
                    TaskOpened {
                        task: Name::new(&about).unwrap(), kind: *kind, sku: None,
                        unit: (confidence > 100).then(|| Name::new("unit").unwrap()), device: None, quantity: None,
                        confidence_permille: confidence, why: Name::new("why").unwrap(),
                        at: Timestamp(board.now), unknown: Unknown::default(),
                    },
                ),
                (None, _) => {
                    let open = board.open();
                    let task = open.first().cloned().unwrap_or(about);
                    board.close(&task, if by_hand { TaskEnd::Done } else { TaskEnd::Dismissed });
                }
            }
        }
        let at = (board.journal.len() as f64 * cut) as usize;
        let mut half = Tasks::new(config.clone());
        for event in &board.journal[..at] {
            half.apply(0, event);
        }
        let mut again = Tasks::decode(config, &half.encode()).unwrap();
        for event in &board.journal[at..] {
            again.apply(0, event);
        }
        prop_assert_eq!(again.encode(), board.tasks.encode());
        prop_assert!(again.view().open.len() <= 6 && again.view().closed.len() <= 4);
    }

    #[test]
    fn bytes_that_are_no_snapshot_are_refused_or_read_but_never_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Tasks::decode(Config::default(), &bytes);
    }
}

//! The bars that the shared data set, on the test files; defaults were chosen on the validation files.

use crate::data::{baskets, clicks, date};
use aisle_recommend::{
    Settings,
    evaluate::{self, Row},
};
use std::time::{Duration, Instant};

fn clock() -> impl FnMut() -> Duration {
    let start = Instant::now();
    move || start.elapsed()
}

fn row<'a>(rows: &'a [Row], name: &str) -> &'a Row {
    rows.iter().find(|row| row.name == name).unwrap()
}

#[test]
fn session_neighbours_reach_the_published_answer_on_next_clicks() {
    let file = |name: &str| clicks(&format!("sessions/serenade-{name}.tsv.gz"));
    let (Some(train), Some(test)) = (file("train"), file("test")) else { return };
    let mut settings = Settings::default();
    settings.sessions.recent_max = 500;
    settings.sessions.neighbours_max = 50;
    settings.sessions.items_last = 2;
    settings.sessions.idf_weight = 1.0;
    for settings in [settings, Settings::default()] {
        let rows = evaluate::sessions(&train, &test, &settings, &mut clock());
        println!("{rows:#?}");
        let neighbours = row(&rows, "session-neighbours");
        assert_eq!(neighbours.predictions, 931);
        assert!(neighbours.hit_rate >= 0.635, "{neighbours:?}");
        assert!(neighbours.reciprocal_rank >= 0.325, "{neighbours:?}");
        assert!(row(&rows, "popular").hit_rate < 0.1);
    }
}

#[test]
fn item_to_item_completes_baskets_better_than_the_published_cosine() {
    let Some(baskets) = baskets() else { return };
    let rows = evaluate::baskets(&baskets, date("2011-11-09"), &Settings::default(), &mut clock());
    println!("{rows:#?}");
    let ours = row(&rows, "item-to-item");
    assert!(ours.hit_rate >= 0.3545, "{ours:?}");
    assert!(ours.hit_rate > 3.0 * row(&rows, "popular").hit_rate);
}

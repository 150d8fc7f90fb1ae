//! Positions on three shops whose truth is known, ten seeds each: the bars, and what each source adds.

use aisle_event::Event;
use aisle_inventory::position::{
    Config, Positions,
    evaluation::{Scenario, Score, Sources, run, table},
};

/// The scores of seeds 1 to `seeds` together; half of them on another core.
fn score(scenario: &Scenario, seeds: u64, sources: Sources) -> Score {
    let some = |seeds: std::ops::RangeInclusive<u64>| {
        seeds.fold(Score::default(), |sum, seed| sum.with(&run(scenario, seed, sources, |_, _| {})))
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| some(1..=seeds / 2));
        some(seeds / 2 + 1..=seeds).with(&first.join().unwrap())
    })
}

#[test]
fn positions_are_held_against_three_shops_with_ten_seeds_each() {
    let shops = Scenario::all();
    let scores: Vec<(String, Score)> =
        shops.iter().map(|shop| (shop.name.to_owned(), score(shop, 10, Sources::ALL))).collect();
    println!("seeds 1 to 10\n{}", table(&scores));
    // What is met with room to spare; the table says how far the rest is.
    for (name, score) in &scores {
        assert!(score.shelf.error() < 0.25 * score.shelf.book_error(), "{name}");
        assert!(score.total.error() < 0.85 * score.total.book_error(), "{name}");
        assert!((0.8..0.96).contains(&score.total.exact_coverage()), "{name}");
        if name != "corner-shop" {
            assert!(score.gap.episode_recall() >= 0.88 && score.gap.alarm_precision() >= 0.82, "{name}");
        }
        if name == "apparel" {
            assert!(score.total.error() < 0.25 * score.total.book_error());
            assert!(score.phantom.recall() >= 0.85 && score.phantom.precision() >= 0.85);
        }
    }
}

#[test]
#[ignore = "prints what each source adds; takes as long as all other tests together"]
fn what_each_source_adds() {
    let mut scores = Vec::new();
    for shop in Scenario::all() {
        for (name, sources) in [
            ("till and deliveries", Sources::TILL),
            ("+ counts", Sources { counts: true, ..Sources::TILL }),
            ("+ moves", Sources { counts: true, moves: true, ..Sources::TILL }),
            ("+ sensors", Sources::ALL),
        ] {
            scores.push((format!("{}: {name}", shop.name), score(&shop, 2, sources)));
        }
    }
    scores.push((
        "corner-shop: what is weighed".into(),
        score(&Scenario::corner_shop().only_weighed(), 2, Sources::ALL),
    ));
    println!("seeds 1 and 2\n{}", table(&scores));
}

#[test]
#[ignore = "prints how long an update takes on this machine"]
fn how_long_an_update_takes() {
    for shop in Scenario::all() {
        let mut events = Vec::new();
        run(&shop, 1, Sources::ALL, |seq, event| events.push((seq, event.clone())));
        let mut positions = Positions::new(Config::default());
        let updates: usize = events
            .iter()
            .map(|(_, event)| match event {
                Event::ReadingsTaken(taken) => taken.readings.len(),
                Event::TagsRead(_) => shop.floor.items.len(),
                _ => 1,
            })
            .sum();
        let start = std::time::Instant::now();
        for (seq, event) in &events {
            positions.apply(*seq, event);
        }
        let each = start.elapsed() / u32::try_from(updates).unwrap();
        let bytes = positions.encode().len() / shop.floor.items.len();
        println!("{}: {updates} updates, {each:?} each, {bytes} bytes a product", shop.name);
    }
}

//! Positions on three shops whose truth is known, ten seeds each: the bars, and what each source adds.

use aisle_inventory::position::evaluation::{Scenario, Score, Sources, run, table};

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
    let mut scores = Vec::new();
    for shop in Scenario::all() {
        scores.push((shop.name.to_owned(), score(&shop, 10, Sources::ALL)));
        if shop.name == "corner-shop" {
            scores
                .push(("corner-shop, what is weighed".into(), score(&shop.only_weighed(), 10, Sources::ALL)));
        }
    }
    println!("seeds 1 to 10\n{}", table(&scores));
}

#[test]
fn each_source_adds_something() {
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
    println!("seeds 1 and 2\n{}", table(&scores));
}

#[test]
#[ignore = "prints how long an update takes on this machine"]
fn how_long_an_update_takes() {
    for shop in Scenario::all() {
        let mut events = Vec::new();
        run(&shop, 1, Sources::ALL, |seq, event| events.push((seq, event.clone())));
        let mut positions =
            aisle_inventory::position::Positions::new(aisle_inventory::position::Config::default());
        let updates: usize = events
            .iter()
            .map(|(_, event)| match event {
                aisle_event::Event::ReadingsTaken(taken) => taken.readings.len(),
                aisle_event::Event::TagsRead(_) => shop.floor.items.len(),
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

//! The floor's scene: what is sold on it is the store's, and nothing of it is confused with what is generated.

use aisle_event::{Event, Timestamp, quantity::Quantity};
use aisle_harness::{
    floor::{Scene, WAITING, write},
    shop::{Plan, Shop},
};
use std::collections::BTreeSet;

const NOW: Timestamp = Timestamp(1_795_219_200_000);

#[test]
fn sixty_devices_stand_among_goods_that_the_store_knows() {
    let scene = Scene::new().unwrap();
    assert_eq!(scene.scenario().device_count(), 60);
    assert!(scene.scenario().devices.iter().any(|group| WAITING.starts_with(&group.prefix)));
    let records = scene.records(NOW).unwrap();
    for item in scene.items() {
        let sku = item.sku.as_str();
        let listed = records.iter().find_map(|event| match event {
            Event::ProductListed(listed) if listed.sku.as_str() == sku => Some(listed),
            _ => None,
        });
        let listed = listed.unwrap();
        assert_eq!(listed.name.as_str(), scene.name(sku));
        assert_eq!(listed.gtin.map(|gtin| gtin.to_string()), item.gtin, "its tags carry its barcode");
        let counted = |event: &Event| match event {
            Event::PlaceCounted(counted) if counted.sku.as_str() == sku => Some(counted.on_hand),
            _ => None,
        };
        let pieces: i64 =
            records.iter().filter_map(counted).map(|Quantity { thousandths, .. }| thousandths).sum();
        assert_eq!(pieces, i64::from(item.shelf_start + item.backroom_start) * 1000);
    }
}

#[test]
fn every_unit_has_a_group_and_all_that_is_kept_cold_is_in_one() {
    let scene = Scene::new().unwrap();
    let groups: Vec<&str> = scene.units().map(|(_, group, _)| group).collect();
    assert_eq!(groups.iter().filter(|group| **group == "chilled").count(), 5);
    assert_eq!(groups.iter().filter(|group| **group == "frozen").count(), 2);
    assert_eq!(groups.iter().filter(|group| **group == "hot").count(), 1);
    let kept: usize = scene.units().map(|(_, _, skus)| skus.len()).sum();
    assert_eq!(kept, 9);
}

#[test]
fn its_products_are_none_of_the_generated_ones() {
    let plan = Plan { seed: 1, products: 2_000, days: 2, visits_per_day: 10, end: NOW };
    let mut generated = BTreeSet::new();
    for event in Shop::open(plan).unwrap() {
        if let Event::ProductListed(listed) = event {
            generated.extend([Some(listed.sku.to_string()), listed.gtin.map(|gtin| gtin.to_string())]);
        }
    }
    assert!(generated.len() > 3_000);
    for item in Scene::new().unwrap().items() {
        assert!(!generated.contains(&Some(item.sku.clone())) && !generated.contains(&item.gtin));
    }
}

#[test]
fn its_records_follow_what_the_journal_holds_already() {
    let dir = tempfile::tempdir().unwrap();
    let scene = Scene::new().unwrap();
    assert_eq!(write(dir.path(), &scene, NOW).unwrap(), 20);
    assert_eq!(write(dir.path(), &scene, NOW).unwrap(), 20, "a store may have it already");
}

//! Which lines of which document are known.

use crate::store::{StoreUnderTest, line, sale};
use aisle_event::{DocumentId, SourceName};
use aisle_state::LineSet;
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #[test]
    fn a_line_set_is_a_set(lines in prop::collection::vec(prop_oneof![0_u32..60, Just(u32::MAX), Just(u32::MAX - 1)], 0..120)) {
        let (mut set, mut model) = (LineSet::default(), BTreeSet::new());
        for line in lines {
            prop_assert_eq!(set.insert(line), model.insert(line));
        }
        prop_assert_eq!(set.len(), model.len() as u64);
        for line in 0..70 {
            prop_assert_eq!(set.contains(line), model.contains(&line));
        }
        let bytes = minicbor::to_vec(&set).unwrap();
        prop_assert_eq!(minicbor::decode::<LineSet>(&bytes).unwrap(), set);
    }
}

#[test]
fn the_lines_of_a_document_are_known_once_they_are_in() {
    let store = StoreUnderTest::start();
    store.apply([
        sale("536365", vec![line(1, 1, 1), line(2, 2, 1)]).into(),
        sale("536365", vec![line(5, 1, 1)]).into(),
    ]);
    let (till, other) = (SourceName::new("till").unwrap(), SourceName::new("other").unwrap());
    let document = DocumentId::new("536365").unwrap();
    let known = store.state().imported(&till, &document).unwrap();
    assert_eq!((1..=6).filter(|&place| known.contains(place)).collect::<Vec<_>>(), [1, 2, 5]);
    assert!(store.state().imported(&other, &document).unwrap().is_empty());
}

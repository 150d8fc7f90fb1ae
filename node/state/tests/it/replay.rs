//! The same records give the same state, in one run or in many.

use crate::store::{
    StoreUnderTest, basket, counted, ended, essence, kiosk_sale, line, listed, sale, started, viewed,
};
use aisle_event::Event;
use proptest::prelude::*;

fn event() -> impl Strategy<Value = Event> {
    (0_u32..8, 0_u32..6, 0_i64..20, 0_u32..9).prop_map(|(which, who, amount, number)| match which {
        0 => listed(number, 100 + amount),
        1 => counted(number, amount),
        2 => started(who),
        3 => viewed(who, number),
        4 => basket(who, number, amount - 3),
        5 => ended(who),
        6 => sale(&format!("doc-{amount}"), vec![line(number, number, 1)]).into(),
        _ => {
            kiosk_sale(who, &format!("K-{amount}"), &format!("key-{amount}"), vec![line(1, number, 2)]).into()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_same_records_give_the_same_shop_whatever_was_restarted_or_lost_between(
        batches in prop::collection::vec((prop::collection::vec(event(), 1..12), 0_u8..5), 1..10),
    ) {
        let (steady, mut troubled) = (StoreUnderTest::start(), StoreUnderTest::start());
        for (batch, trouble) in batches {
            steady.append(batch.clone());
            troubled.append(batch);
            match trouble {
                0 => {
                    troubled.stop_state();
                    troubled.start_state();
                }
                1 => {
                    troubled.state().catch_up().unwrap();
                    troubled.state().checkpoint().unwrap();
                }
                2 => {
                    troubled.stop_state();
                    std::fs::remove_dir_all(troubled.index_dir()).unwrap();
                    troubled.start_state();
                }
                _ => {}
            }
        }
        steady.state().catch_up().unwrap();
        troubled.state().catch_up().unwrap();
        prop_assert_eq!(essence(&steady.state().shop()), essence(&troubled.state().shop()));
        let history = |store: &StoreUnderTest| store.state().history().map(Result::unwrap).collect::<Vec<_>>();
        prop_assert_eq!(history(&steady), history(&troubled));
    }
}

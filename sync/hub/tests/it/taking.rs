//! Every course over both databases, each time with two hubs.

use crate::{
    courses::{self, Hubs},
    postgres::Server,
};
use aisle_hub::{
    Database,
    database::{Bounds, Location},
};

macro_rules! courses {
    ($($course:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $course() {
                let folder = tempfile::tempdir().unwrap();
                let location = super::Location::Sqlite(folder.path().join("hub.db"));
                super::courses::$course(&super::hubs(&location).await).await;
            })+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgresql_does_all_of_it_too() {
            let server = Server::start();
            $({
                println!("{}", stringify!($course));
                let location: Location = server.database(stringify!($course)).parse().unwrap();
                let hubs = hubs(&location).await;
                courses::$course(&hubs).await;
                hubs.one.close().await;
                hubs.two.close().await;
            })+
        }
    };
}

courses! {
    batches_are_taken_once_and_in_order
    what_comes_too_early_is_a_gap_and_leaves_nothing
    one_number_with_two_hashes_puts_the_log_into_quarantine
    what_this_region_may_not_hold_is_refused_with_the_reason
    a_receipt_that_does_not_follow_is_refused
    what_two_epochs_hold_is_shown_once_and_equal_events_of_one_twice
    two_hubs_that_take_the_same_batches_at_once_take_them_once
    many_stores_at_once_do_not_disturb_each_other
    an_admission_that_nobody_waits_for_any_more_leaves_all_or_nothing
    places_within_batches_are_found_by_their_heads
    what_a_node_says_and_is_to_do_is_kept
    a_node_whose_key_changes_keeps_the_store_going
    a_person_goes_and_the_proof_stays
}

async fn hubs(location: &Location) -> Hubs {
    let bounds = Bounds::default();
    // At the same time, as several hubs start on a new database.
    let (one, two) = tokio::join!(Database::open(location, &bounds), Database::open(location, &bounds));
    Hubs { one: one.unwrap(), two: two.unwrap() }
}

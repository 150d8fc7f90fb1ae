//! The hub from outside: what is taken in, over both databases; what is shown, exported, backed up; what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

/// Each course as a test of its own over SQLite, and all of them one after the other over PostgreSQL.
macro_rules! courses {
    ($($module:ident::$course:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $course() {
                let folder = tempfile::tempdir().unwrap();
                let location = aisle_hub::database::Location::Sqlite(folder.path().join("hub.db"));
                super::$module::$course(&$crate::people::hall::Hall::over(&location).await).await;
            })+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgresql_does_all_of_it_too() {
            let server = $crate::postgres::Server::start();
            $({
                println!("{}", stringify!($course));
                let location: aisle_hub::database::Location = server.database(stringify!($course)).parse().unwrap();
                let hall = $crate::people::hall::Hall::over(&location).await;
                // On the heap, and made in a frame of its own: all courses together are more than a thread's stack holds.
                let course = || -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>> {
                    Box::pin($module::$course(&hall))
                };
                course().await;
                hall.close().await;
            })+
        }
    };
}

mod artefacts;
mod backups;
mod buckets;
mod configuration;
mod console;
mod courses;
mod desks;
mod down;
mod enrolling;
mod erasing;
mod exports;
mod fleet;
#[path = "../../../../tests/harness/src/identity.rs"]
mod identity;
mod interface;
mod people;
#[path = "../../../../tests/harness/src/ports.rs"]
mod ports;
mod postgres;
mod presence;
mod relaying;
mod running;
mod shop;
mod taking;
mod tampering;
mod told;
mod week;

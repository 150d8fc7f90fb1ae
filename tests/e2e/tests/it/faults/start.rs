//! Starts that cannot be: a port that is taken, a store that another process has, a command that makes no sense.

use crate::support::{
    command::{aisle, run},
    invoices,
    store::Store,
};
use std::net::TcpListener;

#[test]
fn a_port_that_is_taken_is_named() {
    let store = Store::empty();
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = other.local_addr().expect("an address").to_string();
    let outcome = run(&mut aisle(&store.data(), ["run", "--listen", &address])).exits(1);
    outcome.complains_about(&["error: ", &address, "another program", "hint: ", "--listen"]);
    assert!(!store.data().exists(), "nothing was touched");
}

#[test]
fn an_address_of_another_machine_is_named() {
    let store = Store::empty();
    let outcome = run(&mut aisle(&store.data(), ["run", "--listen", "192.0.2.1:8480"])).exits(1);
    outcome.complains_about(&["192.0.2.1:8480", "hint: "]);
}

#[test]
fn a_store_that_another_process_has_open_is_refused_with_its_process_id() {
    let store = Store::small();
    let mut node = store.start();
    let pid = node.pid().expect("it runs").to_string();
    let second = run(&mut aisle(&store.data(), ["run", "--listen", "127.0.0.1:0"])).exits(1);
    second.complains_about(&["error: ", &pid, &store.data().display().to_string()]);
    let import = store.import(&store.file("more.csv", invoices::large(100)), &[]).exits(1);
    import.complains_about(&["error: ", &pid]);
    node.check().expect("the first one still runs");
    assert_eq!(node.stop().expect("it stops").code(), Some(0));
    store.start();
}

#[test]
fn a_data_directory_that_is_a_file_is_named() {
    let store = Store::empty();
    store.file("data", "not a directory");
    let outcome = run(&mut aisle(&store.data(), ["run", "--listen", "127.0.0.1:0"])).exits(1);
    outcome.complains_about(&["error: ", &store.data().display().to_string()]);
}

#[test]
fn wrong_use_exits_2_and_shows_the_way() {
    let store = Store::empty();
    for arguments in
        [&["rnu"][..], &["run", "--listen", "nowhere"], &["import", "--format", "excel", "file"], &[]]
    {
        let outcome = run(&mut aisle(&store.data(), arguments)).exits(2);
        assert!(outcome.stderr.contains("Usage") || outcome.stderr.contains("--help"), "{outcome:?}");
    }
}

#[test]
fn a_journal_that_is_not_there_is_named() {
    let store = Store::empty();
    for command in ["verify", "stats", "cat"] {
        let outcome = run(&mut aisle(&store.data(), ["journal", command])).exits(1);
        outcome.complains_about(&["there is no journal", "hint: "]);
    }
}

//! The policy changes mid-stream.

use crate::{
    gate::{event, keys, trusted},
    hub::Hub,
    support::{entry, open, plain, setup, small, try_open},
};
use aisle_event::LogClass;
use aisle_journal::fault::FaultIo;
use aisle_outbox::Config;
use aisle_protocol::{PerClass, node::Outbox as _};
use aisle_residency::token::TokenKeys;

fn second() -> aisle_residency::TrustedPolicy {
    trusted(
        "aisle_policy = 1\nname = \"test\"\nversion = 2\nhome = \"eu\"\n[[destination]]\nregion = \"eu\"\nclock = \"exact\"\n\
         [[rule]]\nto = [\"eu\"]\nfields = [\"NodeStarted.version\", \"SessionEnded.reason\"]\naction = \"pass\"\n",
    )
}

#[test]
fn what_gathers_is_sealed_by_the_policy_before_and_what_comes_by_the_next() {
    let disk = FaultIo::new(1);
    let config = Config { age_ms_max: PerClass::from_fn(|_| 1_000_000), ..small() };
    let (mut store, mut hub) = (open(&disk, config.clone()), Hub::with([plain(), second()]));
    store.happen(vec![entry(&event("node_started")); 2]).unwrap();
    store.happen(vec![entry(&event("searched"))]).unwrap();
    store.step();
    assert_eq!(store.outbox.log(LogClass::Sales).unwrap().unwrap().last.seq, 0, "it gathers");
    assert!(store.projector.follow(&second(), keys(), store.now_ms).unwrap());
    assert_eq!(store.outbox.policy(), second().id());
    store.happen(vec![entry(&event("node_started")); 2]).unwrap();
    store.happen(vec![entry(&event("session_ended"))]).unwrap();
    store.seal_all();
    store.send(&mut hub);
    let policies: Vec<u32> = (0..2)
        .map(|at| store.outbox.batch_after(LogClass::Sales, at * 2).unwrap().unwrap().header().policy.version)
        .collect();
    assert_eq!(policies, [1, 2]);
    assert_eq!(hub.times(LogClass::Sales), store.expected(LogClass::Sales));
    assert_eq!(hub.times(LogClass::Bulk).len(), 1);
    // A start with the second policy goes on after it, and one with another policy than was in force does too.
    drop(store);
    for (version, policy) in [(2, second()), (1, plain())] {
        let mut store = try_open(&disk, setup(policy, config.clone())).unwrap();
        store.happen(vec![entry(&event("searched")), entry(&event("node_started"))]).unwrap();
        store.seal_all();
        store.send(&mut hub);
        let last = store.outbox.log(LogClass::Sales).unwrap().unwrap().last.seq;
        let batch = store.outbox.batch_after(LogClass::Sales, last - 1).unwrap().unwrap();
        assert_eq!(batch.header().policy.version, version);
        assert_eq!(hub.times(LogClass::Sales), store.expected(LogClass::Sales));
    }
}

#[test]
fn a_policy_without_its_keys_or_its_region_changes_nothing() {
    let disk = FaultIo::new(1);
    let mut store = open(&disk, small());
    let tokens = trusted(
        "aisle_policy = 1\nname = \"test\"\nversion = 3\nhome = \"eu\"\n[[destination]]\nregion = \"eu\"\nclock = \"exact\"\n\
         [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"loyalty\"\n",
    );
    let error = store.projector.follow(&tokens, TokenKeys::new(&[1; 32]), 1).unwrap_err();
    assert!(error.to_string().contains("loyalty"), "{error}");
    assert_eq!(store.projector.policy(), plain().id());
}

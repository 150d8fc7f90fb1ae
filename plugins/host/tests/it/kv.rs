//! What plugins keep.

use crate::fixtures::{misbehaving, one, pricing, scene};
use aisle_plugin_host::{Asked, Bytes, KvLimits, KvStore, KvWrite, Scene};
use proptest::prelude::*;
use std::sync::Arc;

const SMALL: KvLimits = KvLimits { keys_max: 3, bytes_max: 40 };

fn set(key: &str, value: &str) -> KvWrite {
    KvWrite { key: key.into(), value: Some(value.into()) }
}

fn forget(key: &str) -> KvWrite {
    KvWrite { key: key.into(), value: None }
}

#[test]
fn a_store_takes_as_many_keys_and_bytes_as_it_may() {
    let mut store = KvStore::new(SMALL);
    assert!(store.apply(&set("a", "1")) && store.apply(&set("b", "2")) && store.apply(&set("c", "3")));
    assert!(!store.apply(&set("d", "4")), "one key too many");
    assert!(store.apply(&set("a", "another")), "another value of the same key");
    assert!(!store.apply(&set("b", &"x".repeat(40))), "too many bytes");
    assert_eq!(store.get("b"), Some(&b"2"[..]), "what is not taken changes nothing");
    assert!(store.apply(&forget("a")) && store.apply(&forget("a")));
    assert!(store.apply(&set("d", "4")));
    assert_eq!((store.len(), store.bytes()), (3, 6));
}

#[test]
fn a_call_sees_its_own_writes_and_they_are_nobodys_until_applied() {
    let mut store = KvStore::new(KvLimits::default());
    store.apply(&set("old", "was here"));
    let plugin = misbehaving();
    for count in 1..=3 {
        let scene = Scene { kv: Arc::new(store.clone()), ..scene() };
        let call = plugin.call(&scene, &pricing(one("COUNT")));
        assert!(call.outcome.is_ok(), "{:?}", call.outcome);
        let old = if count == 1 { "true" } else { "false" };
        assert_eq!(call.log[0].text, format!("Some(\"{count}\") (false, {old}, None)"));
        assert_eq!(call.writes[0], set("count", &count.to_string()));
        call.writes.iter().for_each(|write| assert!(store.apply(write)));
    }
    assert_eq!(store.get("count"), Some(&b"3"[..]));
    assert_eq!(store.get("old"), None);
}

#[test]
fn a_full_store_refuses_within_the_call_and_it_is_recorded() {
    let scene = Scene { kv: Arc::new(KvStore::new(KvLimits { keys_max: 2, bytes_max: 1000 })), ..scene() };
    let call = misbehaving().call(&scene, &pricing(one("KEEP")));
    assert_eq!(call.writes.len(), 2);
    assert!(call.host_calls.contains(&Asked::Full { key: "key-2".into(), attempt: 0 }));
}

fn writes() -> impl Strategy<Value = Vec<KvWrite>> {
    let value = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes));
    proptest::collection::vec(("[a-f]{1,2}", value).prop_map(|(key, value)| KvWrite { key, value }), 0..60)
}

proptest! {
    #[test]
    fn a_snapshot_is_the_store_and_bounds_hold(writes in writes()) {
        let limits = KvLimits { keys_max: 12, bytes_max: 120 };
        let mut store = KvStore::new(limits);
        for write in &writes {
            let fits = store.check(write).is_ok();
            prop_assert_eq!(store.apply(write), fits);
            prop_assert!(store.len() <= 12 && store.bytes() <= 120);
            let bytes: usize = store.iter().map(|(key, value)| key.len() + value.len()).sum();
            prop_assert_eq!(store.bytes(), bytes);
        }
        prop_assert_eq!(KvStore::decode(limits, &store.encode()), Ok(store));
    }

    #[test]
    fn any_bytes_are_a_snapshot_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = KvStore::decode(KvLimits::default(), &bytes);
        let mut begun = b"AKV1".to_vec();
        begun.extend(&bytes);
        if let Ok(store) = KvStore::decode(KvLimits::default(), &begun) {
            prop_assert_eq!(store.encode(), begun);
        }
    }
}

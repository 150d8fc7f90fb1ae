//! What a plugin keeps, as a snapshot has it: any bytes are refused or are a store within its bounds, which is written as it was read.

use super::draw::Draw;
use aisle_plugin_host::{Bytes, KEY_BYTES_MAX, KvLimits, KvStore, KvWrite, VALUE_BYTES_MAX};

/// Small enough to be reached.
const LIMITS: KvLimits = KvLimits { keys_max: 8, bytes_max: 400 };

/// The input is a snapshot, and then a course of writes.
///
/// # Panics
/// When a store is above its bounds, counts wrongly, or is written otherwise than it was read.
pub fn plugin_kept(input: &[u8]) {
    match KvStore::decode(LIMITS, input) {
        Ok(store) => {
            check(&store);
            assert_eq!(store.encode(), input, "there is one snapshot of each store");
        }
        Err(error) => assert!(error.at <= input.len() && !error.reason.is_empty(), "{error:?}"),
    }
    let (mut store, mut draw) = (KvStore::new(LIMITS), Draw::new(input));
    for _ in 0..32 {
        let key = draw.pick(&["a", "b", "ö", "", "c/1", "c/2", "d", "e", "f", "g", "h", "i"]);
        let value = draw.maybe(|draw| Bytes(vec![draw.byte(); 8 * draw.below(12)]));
        let write = KvWrite { key: key.into(), value };
        let before = store.clone();
        let fits = store.check(&write).is_ok();
        assert_eq!(store.apply(&write), fits, "{write:?}");
        if fits {
            assert_eq!(store.get(key), write.value.as_ref().map(|value| value.0.as_slice()));
        } else {
            assert_eq!(store, before, "a write that is not taken changes nothing");
        }
        check(&store);
    }
    assert_eq!(KvStore::decode(LIMITS, &store.encode()), Ok(store));
}

fn check(store: &KvStore) {
    let bytes = store.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    assert_eq!((store.len(), store.bytes()), (store.iter().count(), bytes));
    assert!(store.len() <= LIMITS.keys_max as usize && bytes <= LIMITS.bytes_max as usize, "{store:?}");
    for (key, value) in store.iter() {
        assert!((1..=KEY_BYTES_MAX).contains(&key.len()) && value.len() <= VALUE_BYTES_MAX, "{key}");
    }
}

/// Nothing, something, and as much as may be.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let with = |count: usize, length: usize| {
        let mut store = KvStore::new(LIMITS);
        for number in 0..count {
            store.apply(&KvWrite { key: format!("used/{number}"), value: Some(Bytes(vec![b'x'; length])) });
        }
        store.encode()
    };
    vec![with(0, 0), with(3, 5), with(8, 43)]
}

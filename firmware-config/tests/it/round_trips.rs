//! Whatever fits into a message survives both encodings, and whatever bytes come are a message or a fault.

use crate::made_up;
use aisle_firmware_config::{
    fault::Fault,
    message::*,
    twin::{TWIN_BYTES_MAX, Twin},
};
use proptest::{collection::vec, prelude::*};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    for encoding in [Encoding::Json, Encoding::Cbor] {
        let mut buffer = vec![0; MESSAGE_BYTES_MAX];
        let length = encode(value, encoding, &mut buffer).unwrap();
        let (again, found) = decode::<T>(&buffer[..length])
            .map_err(|fault| TestCaseError::fail(format!("{fault}: {value:?}")))?;
        prop_assert_eq!((&again, found), (value, encoding));
        // What others make of it.
        if encoding == Encoding::Json {
            // It reads the last digit of a number as it likes.
            prop_assert!(serde_json::from_slice::<T>(&buffer[..length]).is_ok());
            let theirs = serde_json::to_vec_pretty(value).unwrap();
            prop_assert_eq!(&decode::<T>(&theirs).unwrap().0, value);
        }
        // No room: refused, not cut.
        prop_assert_eq!(
            encode(value, encoding, &mut buffer[..length - 1]),
            Err(EncodeError::Room(length - 1))
        );
        // Cut off anywhere it is no message.
        for cut in 0..length.min(200) {
            prop_assert!(decode::<T>(&buffer[..cut]).is_err());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_announce_survives(value in made_up::announce()) { survives(&value)?; }

    #[test]
    fn telemetry_survives(value in made_up::telemetry()) { survives(&value)?; }

    #[test]
    fn tags_survive(value in made_up::tags()) { survives(&value)?; }

    #[test]
    fn a_code_survives(value in made_up::code()) { survives(&value)?; }

    #[test]
    fn what_is_reported_survives(value in made_up::reported()) { survives(&value)?; }

    #[test]
    fn a_response_survives(value in made_up::response()) { survives(&value)?; }
}

fn feed(bytes: &[u8]) {
    fn one<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
        if let Err(Fault { path, reason }) = decode::<T>(bytes) {
            assert!(!reason.is_empty(), "{path}");
        }
    }
    one::<Announce>(bytes);
    one::<Telemetry>(bytes);
    one::<Tags>(bytes);
    one::<Code>(bytes);
    one::<Status>(bytes);
    one::<Desired>(bytes);
    one::<Reported>(bytes);
    one::<Request>(bytes);
    one::<Response>(bytes);
    let _ = Twin::decode(&made_up::fields(), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_message_or_a_fault(bytes in vec(any::<u8>(), 0..300)) { feed(&bytes); }

    #[test]
    fn any_text_is_a_message_or_a_fault(text in "[\\[\\]{}\",:0-9a-z\\\\ .-]{0,80}") { feed(text.as_bytes()); }

    #[test]
    fn what_json_is_here_is_what_json_is(text in "[\\[\\]{}\",:0-9e\\\\tu .+-]{0,12}") {
        // Both read anything; they differ in depth and in numbers that no double holds.
        let ours = decode::<serde::de::IgnoredAny>(text.as_bytes()).is_ok();
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        match theirs {
            Ok(_) => {
                let is_deep = text.matches(['[', '{']).count() > 8;
                prop_assert!(ours || is_deep);
            }
            Err(error) => prop_assert!(!ours || error.to_string().contains("out of range"), "{}", error),
        }
    }

    #[test]
    fn any_twin_fits_its_record(settings in made_up::patches(), version in 1_u64..) {
        let schema = made_up::fields();
        let mut twin = Twin::new(&schema);
        let _ = twin.desired(&schema, version, aisle_firmware_config::twin::Change::Patch(&settings));
        let mut buffer = [0; TWIN_BYTES_MAX];
        let length = twin.encode(&mut buffer).unwrap();
        prop_assert_eq!(Twin::decode(&schema, &buffer[..length]).unwrap(), twin);
    }
}

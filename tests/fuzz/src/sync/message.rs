//! Control messages: any bytes are a message or an error, and a message survives its own encoding.

use super::all_golden;
use aisle_protocol::Message;

/// The input may be a message.
///
/// # Panics
/// When a message that was read does not decode to itself again.
pub fn sync_message(input: &[u8]) {
    let message = match Message::decode(input) {
        Ok(message) => message,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let encoded = message.encode();
    match Message::decode(&encoded) {
        Ok(again) => assert_eq!(again, message),
        Err(error) => panic!("{message:?} was encoded to what does not decode: {error}"),
    }
}

/// The golden bytes of every message.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    all_golden(|name| !name.starts_with("batch.")).iter().map(|message| message.to_vec()).collect()
}

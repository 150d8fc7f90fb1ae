//! What a hub says of the line once it knows a node: JSON with a policy in it.
//!
//! Promises: any bytes are settings or an error with a code, and what was taken is taken again from what is kept of it.

use aisle_enrolment::LineSettings;

/// Feeds the reader of a hub's settings.
pub fn line_settings(input: &[u8]) {
    match LineSettings::read(input) {
        Ok(settings) => {
            let kept = serde_json::to_vec(&settings).expect("texts and numbers have a JSON form");
            assert_eq!(LineSettings::read(&kept).expect("it was taken"), settings);
        }
        Err(fault) => assert!(!fault.report().code.is_empty()),
    }
}

pub(crate) fn examples() -> Vec<Vec<u8>> {
    let signature = "0f".repeat(64);
    let whole = format!(
        r#"{{"chain":"shops.example","store":"berlin-12","serial":"4711","region":"eu","link":"lte",
        "hubs":[{{"name":"hub.example","quic_port":8443,"tls_port":0}}],"policy_keys":["00ff"],"hub_receipt_keys":[],
        "policy":{{"document":"aGVsbG8=","signature":"{signature}"}},"revoked_number":1795219200}}"#
    );
    let least = r#"{"chain":"c","store":"s","serial":"1","region":"eu"}"#;
    vec![whole.into_bytes(), least.as_bytes().to_vec()]
}

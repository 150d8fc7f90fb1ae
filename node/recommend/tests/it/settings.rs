//! Settings are checked once, with the path of what is wrong.

use aisle_recommend::Settings;

fn refusal(json: &str) -> String {
    serde_json::from_str::<Settings>(json).unwrap().check().unwrap_err().to_string()
}

#[test]
fn the_defaults_pass_and_survive_a_round_trip() {
    let settings = Settings::default();
    settings.check().unwrap();
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    assert_eq!(serde_json::from_str::<Settings>("{}").unwrap(), settings);
}

#[test]
fn a_value_out_of_range_is_named_with_its_range() {
    assert_eq!(
        refusal(r#"{"sessions": {"recent_max": 0}}"#),
        "`sessions.recent_max` is 0, expected 1 to 5000"
    );
    assert_eq!(
        refusal(r#"{"sessions": {"items_last": 10}}"#),
        "`sessions.items_last` is 10, expected 1 to 9"
    );
    assert_eq!(refusal(r#"{"related": {"sharpness": 9}}"#), "`related.sharpness` is 9, expected 0.5 to 3");
}

#[test]
fn a_key_that_does_not_exist_is_refused() {
    let error = serde_json::from_str::<Settings>(r#"{"cache": {"bytes": 1}}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `bytes`"), "{error}");
}

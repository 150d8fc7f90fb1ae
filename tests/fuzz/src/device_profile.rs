//! Foreign devices: profiles over any payload, and any text as a profile.

use aisle_firmware_config::{
    heard::{Heard, Refusal, What},
    profile::{self, BUILTIN, Profiles},
    setting::Settings,
};
use std::{fs, path::Path, sync::OnceLock};

/// A line of `topic payload`, to all profiles that come with Aisle and to the contract.
///
/// # Panics
/// When something is heard that cannot be: a number that is none, or nothing at all.
pub fn device_profile(input: &[u8]) {
    static PROFILES: OnceLock<Profiles> = OnceLock::new();
    let profiles = PROFILES.get_or_init(Profiles::builtin);
    let at = input.iter().position(|byte| *byte == b' ').unwrap_or(input.len());
    let (topic, payload) = input.split_at(at);
    let Ok(topic) = std::str::from_utf8(topic) else { return };
    if let Some(result) = profiles.hear("store", topic, payload.get(1..).unwrap_or_default()) {
        check(&result);
    }
}

fn check(result: &Result<Vec<Heard>, Refusal>) {
    match result {
        Ok(heard) => {
            for Heard { device, what } in heard {
                assert!(!device.is_empty() && !device.contains(['/', '+', '#']), "{device}");
                match what {
                    What::Number(number) => assert!(number.value.is_finite(), "{number:?}"),
                    What::Tags(tags) => assert!(tags.tags.iter().all(|tag| tag.len() == 24), "{tags:?}"),
                    What::Code(code) => {
                        assert!(
                            !code.code.is_empty() && code.weight_g.is_none_or(f64::is_finite),
                            "{code:?}"
                        );
                    }
                    _ => {}
                }
            }
        }
        Err(refusal) => assert!(!refusal.reason.is_empty() && refusal.device.is_some(), "{refusal:?}"),
    }
}

/// The input is a profile's file.
///
/// # Panics
/// When a profile that was taken cannot be used, or a refusal does not name the profile.
pub fn profile_toml(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut profiles = Profiles::none();
    if let Err(error) = profiles.with("fuzzed.toml", text) {
        assert!(error.to_string().contains("`fuzzed.toml`"), "{error}");
        return;
    }
    for (topic, payload) in lines() {
        if let Some(result) = profiles.hear("store", topic, payload.as_bytes()) {
            check(&result);
        }
    }
    assert!(profiles.filters("store").iter().all(|filter| filter.len() <= 140 && !filter.starts_with('#')));
    let Some((name, _)) = profiles.names().next() else { panic!("a profile was taken and is not there") };
    for (command, _) in profiles.commands(name) {
        if let Err(error) = profiles.command(name, "device", command, &Settings::new()) {
            panic!("a command cannot be built of its defaults: {error}");
        }
    }
    assert!(profile::check(text, "{}").is_ok());
}

fn lines() -> &'static [(String, String)] {
    static LINES: OnceLock<Vec<(String, String)>> = OnceLock::new();
    LINES.get_or_init(|| {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../firmware-config/tests/samples");
        let text = |(name, _): &(&str, &str)| {
            fs::read_to_string(dir.join(format!("{name}.txt"))).expect("a sample of `aisle-firmware-config`")
        };
        let texts = BUILTIN.iter().map(text).collect::<Vec<_>>();
        let lines = texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once(' '));
        lines.map(|(topic, payload)| (topic.to_owned(), payload.to_owned())).collect()
    })
}

/// The samples of all profiles, and lines of the contract.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let contract = [
        r#"aisle/v1/store/d/announce {"contract":1,"model":"m","boots":1,"streams":[{"name":"t","kind":"number","unit":"celsius"}]}"#,
        r#"aisle/v1/store/d/status {"online":true,"boots":1}"#,
        r#"aisle/v1/store/d/telemetry/t {"boot":1,"unit":"gram","samples":[{"n":1,"v":-4.5}]}"#,
        r#"aisle/v1/store/d/telemetry/z {"boot":1,"n":1,"complete":true,"tags":["3074257BF7194E4000001A85"]}"#,
        r#"aisle/v1/store/d/telemetry/c {"boot":1,"n":1,"code":"4006381333931","weight_g":1.5}"#,
        r#"aisle/v1/store/d/config/reported {"version":1,"settings":{"a":1.5}}"#,
        r#"aisle/v1/store/d/cmd/tare/res {"id":"1","ok":true}"#,
    ];
    let foreign = lines().iter().map(|(topic, payload)| format!("{topic} {payload}"));
    contract.map(str::to_owned).into_iter().chain(foreign).map(String::into_bytes).collect()
}

/// The profiles that come with Aisle.
pub(crate) fn toml_examples() -> Vec<Vec<u8>> {
    BUILTIN.iter().map(|(_, text)| text.as_bytes().to_vec()).collect()
}

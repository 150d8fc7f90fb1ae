//! Manifests: any text is refused by a field, or is a manifest within all bounds that reads the same when it is written again.

use super::guests_files;
use aisle_plugin_host::{Limits, MANIFEST_BYTES_MAX, Manifest, SETTINGS_MAX};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// The longest complaint, in bytes.
const WORDS_BYTES_MAX: usize = 2_000;
/// What all settings may weigh together, in bytes: they are given to each call.
const SETTINGS_BYTES_MAX: usize = 2 * MANIFEST_BYTES_MAX;

/// The input is a `plugin.toml`.
///
/// # Panics
/// When a manifest is taken that is beyond a bound or is read otherwise when it is written again, or a complaint is of no use.
pub fn plugin_manifest(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Manifest::parse(text) {
        Ok(manifest) => {
            check(&manifest);
            let written = written(&manifest).to_string();
            if written.len() <= MANIFEST_BYTES_MAX {
                assert_eq!(Manifest::parse(&written).as_ref(), Ok(&manifest), "{written}");
            }
        }
        Err(error) => {
            let words = error.to_string();
            assert!(!error.field.is_empty() && words.len() <= WORDS_BYTES_MAX, "{words}");
            assert!(!words.contains(|letter: char| letter.is_control() && letter != '\n'), "{words:?}");
        }
    }
}

fn check(manifest: &Manifest) {
    let Manifest { id, version, description, hooks, limits, settings, .. } = manifest;
    assert!((1..=64).contains(&id.len()) && id.as_bytes()[0].is_ascii_lowercase(), "{id}");
    assert!(id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{id}");
    assert!(version.to_string().len() <= 64, "{version}");
    assert!(description.chars().count() <= 200 && !description.contains(char::is_control), "{description}");
    assert!(!hooks.is_empty() && hooks.iter().collect::<BTreeSet<_>>().len() == hooks.len(), "{hooks:?}");
    for ((name, value), (_, max)) in limits.named().into_iter().zip(Limits::CEILING.named()) {
        assert!((1..=max).contains(&value), "{name} is {value}");
    }
    assert!(settings.len() <= SETTINGS_MAX);
    assert!(settings.windows(2).all(|pair| pair[0].key < pair[1].key), "sorted, and each key once");
    let bytes: usize = settings.iter().map(|setting| setting.key.len() + setting.value.len()).sum();
    assert!(bytes <= SETTINGS_BYTES_MAX, "{} settings weigh {bytes} bytes", settings.len());
}

fn written(manifest: &Manifest) -> Table {
    let names = |names: Vec<String>| Value::Array(names.into_iter().map(Value::String).collect());
    let limits = manifest.limits.named().into_iter().map(|(name, value)| {
        let value = i64::try_from(value).expect("limits are below their ceilings");
        (name.to_owned(), Value::Integer(value))
    });
    let settings = manifest.settings.iter();
    let settings = settings.map(|setting| (setting.key.clone(), Value::String(setting.value.clone())));
    let fields = [
        ("id", Value::String(manifest.id.clone())),
        ("version", Value::String(manifest.version.to_string())),
        ("description", Value::String(manifest.description.clone())),
        ("hooks", names(manifest.hooks.iter().map(ToString::to_string).collect())),
        ("grants", names(manifest.grants.iter().map(ToString::to_string).collect())),
        ("on_failure", Value::String(manifest.on_failure.to_string())),
        ("order", Value::Integer(manifest.order.into())),
        ("limits", Value::Table(limits.collect())),
        ("settings", Value::Table(settings.collect())),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// Those of the plugins that come along, and some that want too much.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    const BEGIN: &str = "id = \"a\"\nversion = \"1.0.0\"\nhooks = [\"pricing\"]\n";
    let long = "k".repeat(40_000);
    let many: String = (0..1024).map(|number| format!("k{number} = 1\n")).collect();
    let wanting = [
        format!("{BEGIN}[settings]\ndate = 2026-01-01\nlist = [[1, 2.5], {{ a = true, \"b.c\" = \"x\" }}]\n"),
        format!("{BEGIN}[limits]\nfuel_max = 5000\ntime_ms_max = 5000\n[settings]\n\"a.b\" = 1\n"),
        format!("{BEGIN}[settings.{long}]\n{many}"),
        format!("{BEGIN}settings.{} = 1\n", vec!["a"; 20_000].join(".")),
        format!("{BEGIN}[settings.{}]\n", vec!["a"; 20_000].join(".")),
        format!("{BEGIN}settings.a = {}1{}\n", "[".repeat(20_000), "]".repeat(20_000)),
        format!("{BEGIN}settings.a = {}\n", "{a=".repeat(20_000)),
    ];
    let wanting = wanting.map(String::into_bytes);
    guests_files("plugin.toml").into_iter().chain(wanting).collect()
}

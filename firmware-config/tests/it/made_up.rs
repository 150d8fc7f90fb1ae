//! Values for tests: fixed ones, and any ones by `proptest`.

use aisle_firmware_config::{
    message::*,
    setting::{Field, FieldKind, Settings, Value},
    unit::Unit,
};
use heapless::{String, Vec};
use proptest::{collection::vec, option, prelude::*, strategy::Strategy};

/// A schema with a field of each kind.
pub fn fields() -> Vec<Field, 16> {
    let field = |name: &str, kind, default: Value| Field {
        name: name.try_into().unwrap(),
        kind,
        unit: (name == "interval_s").then(|| "second".try_into().unwrap()),
        default,
    };
    let words = ["quiet", "normal", "loud"].map(|word| word.try_into().unwrap());
    Vec::from_slice(&[
        field("enabled", FieldKind::Bool, Value::Bool(true)),
        field("interval_s", FieldKind::Integer { min: 1, max: 3600 }, Value::Integer(10)),
        field("offset", FieldKind::Number { min: -50.0, max: 50.0 }, Value::Number(0.0)),
        field("label", FieldKind::Text { len_max: 20 }, "shelf".try_into().unwrap()),
        field(
            "beeper",
            FieldKind::Choice { of: Vec::from_slice(&words).unwrap() },
            "normal".try_into().unwrap(),
        ),
    ])
    .unwrap()
}

/// Settings that fit [`fields`].
pub fn settings() -> Settings {
    of(&[
        ("enabled", Value::Bool(false)),
        ("interval_s", Value::Integer(60)),
        ("offset", Value::Number(-1.5)),
        ("label", "Kühlung 7 \"oben\"".try_into().unwrap()),
        ("beeper", "quiet".try_into().unwrap()),
    ])
}

pub fn of(entries: &[(&str, Value)]) -> Settings {
    let mut settings = Settings::new();
    entries.iter().for_each(|(name, value)| settings.set(name, value.clone()).unwrap());
    settings
}

/// Any text that fits, quotes, escapes and other scripts among them.
pub fn text<const N: usize>() -> impl Strategy<Value = String<N>> {
    vec(prop_oneof![any::<char>(), prop::char::range(' ', '~'), Just('"'), Just('\\'), Just('\u{1}')], 0..N)
        .prop_map(|characters| {
            let mut text = String::new();
            // Until it is full.
            let _ = characters.into_iter().try_for_each(|character| text.push(character));
            text
        })
}

fn list<T: std::fmt::Debug, const N: usize>(
    item: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<T, N>> {
    vec(item, 0..=N).prop_map(|items| items.into_iter().collect())
}

pub fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), -1e4..1e4, (-1000_i32..1000).prop_map(f64::from)]
        .prop_filter("finite", |value| value.is_finite())
}

pub fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        finite().prop_map(Value::Number),
        text().prop_map(Value::Text),
    ]
}

pub fn any_settings() -> impl Strategy<Value = Settings> {
    vec((text::<24>(), value()), 0..=16).prop_map(|entries| {
        let mut settings = Settings::new();
        entries.into_iter().for_each(|(name, value)| settings.set(&name, value).unwrap());
        settings
    })
}

/// Settings by names of [`fields`] and others near them, right and wrong.
pub fn patches() -> impl Strategy<Value = Settings> {
    let names =
        prop::sample::select(&["enabled", "interval_s", "offset", "label", "beeper", "ofset", "x"][..]);
    let right = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        (1_i64..3600).prop_map(Value::Integer),
        (-50.0..50.0).prop_map(Value::Number),
        Just(Value::try_from("loud").unwrap()),
    ];
    vec((names, prop_oneof![3 => right, 1 => value()]), 0..5).prop_map(|entries| of(&entries))
}

fn kind() -> impl Strategy<Value = FieldKind> {
    prop_oneof![
        Just(FieldKind::Bool),
        (any::<i64>(), any::<i64>()).prop_map(|(min, max)| FieldKind::Integer { min, max }),
        (finite(), finite()).prop_map(|(min, max)| FieldKind::Number { min, max }),
        any::<u8>().prop_map(|len_max| FieldKind::Text { len_max }),
        list(text()).prop_map(|of| FieldKind::Choice { of }),
    ]
}

fn unit() -> impl Strategy<Value = Unit> {
    prop::sample::select(Unit::ALL)
}

pub fn announce() -> impl Strategy<Value = Announce> {
    let stream_kind = prop::sample::select(&[StreamKind::Number, StreamKind::Tags, StreamKind::Code][..]);
    let stream = (text(), stream_kind, option::of(unit()), option::of(any::<u32>()))
        .prop_map(|(name, kind, unit, interval_s)| StreamInfo { name, kind, unit, interval_s });
    let field = (text(), kind(), option::of(text()), value()).prop_map(|(name, kind, unit, default)| Field {
        name,
        kind,
        unit,
        default,
    });
    let head = (text(), option::of(text()), option::of(text()), any::<u32>());
    (head, list(stream), list(field)).prop_map(|((model, serial, firmware, boots), streams, settings)| {
        Announce { contract: CONTRACT, model, serial, firmware, boots, streams, settings }
    })
}

pub fn telemetry() -> impl Strategy<Value = Telemetry> {
    let sample =
        (any::<u32>(), option::of(any::<i64>()), finite()).prop_map(|(n, at_ms, v)| Sample { n, at_ms, v });
    (any::<u32>(), unit(), list(sample)).prop_map(|(boot, unit, samples)| Telemetry { boot, unit, samples })
}

pub fn tags() -> impl Strategy<Value = Tags> {
    (any::<u32>(), any::<u32>(), option::of(any::<i64>()), any::<bool>(), list(text()))
        .prop_map(|(boot, n, at_ms, complete, tags)| Tags { boot, n, at_ms, complete, tags })
}

pub fn code() -> impl Strategy<Value = Code> {
    (any::<u32>(), any::<u32>(), option::of(any::<i64>()), text(), option::of(finite()))
        .prop_map(|(boot, n, at_ms, code, weight_g)| Code { boot, n, at_ms, code, weight_g })
}

pub fn reported() -> impl Strategy<Value = Reported> {
    let refused =
        (any::<u64>(), text(), text()).prop_map(|(version, path, reason)| Refused { version, path, reason });
    (any::<u64>(), any_settings(), option::of(refused), any::<bool>()).prop_map(
        |(version, settings, refused, last_known_good)| Reported {
            version,
            settings,
            refused,
            last_known_good,
        },
    )
}

pub fn response() -> impl Strategy<Value = Response> {
    (text(), any::<bool>(), option::of(text()), any_settings())
        .prop_map(|(id, ok, reason, result)| Response { id, ok, reason, result })
}

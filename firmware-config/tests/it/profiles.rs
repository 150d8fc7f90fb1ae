//! The profiles that come with Aisle, held to samples. `tests/samples/<profile>.report` is what each sample becomes;
//! `AISLE_GOLDEN=write` makes them.

use aisle_firmware_config::{
    heard::{Heard, Problem, Refusal, What},
    profile::{self, BUILTIN, CommandError, Profiles},
    setting::{Settings, Value},
    unit::Unit,
};
use proptest::{collection::vec, prelude::*};
use std::{fs, path::PathBuf};

fn sample(name: &str, ending: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/samples/{name}.{ending}"))
}

#[test]
fn every_profile_makes_of_its_samples_what_it_always_did() {
    for (name, text) in BUILTIN {
        let samples = fs::read_to_string(sample(name, "txt")).unwrap();
        let report = profile::check(text, &samples).unwrap();
        assert_eq!(report.profile, *name);
        let good =
            report.lines.iter().filter(|line| line.refused.is_none() && !line.heard.is_empty()).count();
        let bad = report.lines.iter().filter(|line| line.refused.is_some()).count();
        assert!(good >= 3 && bad >= 2, "{name}: {good} good and {bad} bad samples");
        let (report, path) = (report.to_string(), sample(name, "report"));
        if std::env::var("AISLE_GOLDEN").is_ok_and(|it| it == "write") {
            fs::write(&path, &report).unwrap();
        }
        assert_eq!(report, fs::read_to_string(&path).unwrap(), "{name}");
    }
}

#[test]
fn samples_are_heard_the_same_with_all_profiles_at_once() {
    let all = Profiles::builtin();
    assert_eq!(all.names().count(), BUILTIN.len());
    for (name, text) in BUILTIN {
        let mut one = Profiles::none();
        one.with(name, text).unwrap();
        for line in fs::read_to_string(sample(name, "txt")).unwrap().lines() {
            let (topic, payload) = line.split_once(' ').unwrap_or((line, ""));
            let alone = one.hear("s", topic, payload.as_bytes());
            if alone.is_some() {
                assert_eq!(all.hear("s", topic, payload.as_bytes()), alone, "{line}");
            }
        }
    }
}

fn heard(topic: &str, payload: &str) -> Vec<What> {
    let heard = Profiles::builtin().hear("berlin-1", topic, payload.as_bytes()).unwrap().unwrap();
    heard.into_iter().map(|heard| heard.what).collect()
}

fn refused(topic: &str, payload: &[u8]) -> Refusal {
    Profiles::builtin().hear("berlin-1", topic, payload).unwrap().unwrap_err()
}

#[test]
fn a_foreign_device_is_seen_with_what_it_measures() {
    let whats = heard("fridge-node/sensor/fridge_temperature/state", "3.9");
    let [What::Model { model, profile, streams }, What::Number(number)] = &whats[..] else {
        panic!("{whats:?}")
    };
    assert_eq!((&**model, &**profile), ("ESPHome climate sensor", "esphome-climate"));
    assert_eq!(streams[0].name, "fridge_temperature");
    assert_eq!(
        (number.stream.as_str(), number.unit, number.value),
        ("fridge_temperature", Unit::Celsius, 3.9)
    );
}

#[test]
fn units_of_others_become_ours() {
    let profile = |unit: &str| {
        format!(
            "profile = 'x'\nmodel = 'X'\nmatch = 'x/{{device}}'\n[[message]]\nkind = 'number'\n\
             [[message.value]]\nstream = 'v'\nunit = '{unit}'\n"
        )
    };
    for (unit, raw, ours, value) in [
        ("fahrenheit", "39.2", Unit::Celsius, 4.0),
        ("kelvin", "277.15", Unit::Celsius, 4.0),
        ("kilogram", "1.25", Unit::Gram, 1250.0),
        ("milligram", "1250000", Unit::Gram, 1250.0),
        ("pound", "1", Unit::Gram, 453.592_37),
        ("watt_hour", "1500", Unit::KilowattHour, 1.5),
        ("millivolt", "2950", Unit::Volt, 2.95),
        ("minute", "2", Unit::Second, 120.0),
    ] {
        let mut profiles = Profiles::none();
        profiles.with("x.toml", &profile(unit)).unwrap();
        let heard = profiles.hear("s", "x/d", raw.as_bytes()).unwrap().unwrap();
        let Some(Heard { what: What::Number(number), .. }) = heard.last() else { panic!("{heard:?}") };
        assert_eq!(number.unit, ours);
        assert!((number.value - value).abs() < 1e-9, "{unit}: {}", number.value);
    }
    let error = Profiles::none().with("x.toml", &profile("celcius")).unwrap_err().to_string();
    assert_eq!(
        error,
        "profile `x.toml`: `message[0].value[0].unit` is \"celcius\", expected a unit\nhint: the nearest unit is `celsius`"
    );
}

#[test]
fn a_calibrated_value_is_raw_times_scale_plus_offset() {
    let text = "profile = 'x'\nmodel = 'X'\nmatch = 'x/{device}'\n[[message]]\nkind = 'number'\n[[message.value]]\n\
                pointer = '/a~1b/0'\nstream = 'v'\nunit = 'fahrenheit'\ncalibration = { scale = 0.1, offset = 32 }\n\
                map = { ERR = 0 }\n";
    let mut profiles = Profiles::none();
    profiles.with("x.toml", text).unwrap();
    let value = |payload: &str| match profiles.hear("s", "x/d", payload.as_bytes()).unwrap() {
        Ok(heard) => match &heard[1].what {
            What::Number(number) => number.value,
            other => panic!("{other:?}"),
        },
        Err(refusal) => panic!("{refusal}"),
    };
    assert!((value(r#"{"a/b":[180]}"#) - 10.0).abs() < 1e-9);
    assert!(value(r#"{"a/b":["ERR"]}"#).abs() < 1e-9);
}

#[test]
fn a_wrong_profile_is_refused_whole_with_field_found_and_expected() {
    let good = "profile = 'fridge'\nmodel = 'Fridge'\nmatch = 'f/{device}/t'\n[[message]]\nkind = 'number'\n\
                [[message.value]]\npointer = '/t'\nstream = 'temperature'\nunit = 'celsius'\n";
    let long = "x/".repeat(70);
    for (from, to, error) in [
        (
            "model =",
            "modle =",
            "profile `fridge.toml`: unknown key `modle`\nhint: the nearest key is `model`",
        ),
        (
            "unit = 'celsius'",
            "unit = 'celsius'\ncalibration = { scale = 'ten' }",
            "profile `fridge.toml`: `message[0].value[0].calibration.scale` is \"ten\", expected a number other than 0\n\
             hint: a scale is units per count, e.g. 0.1",
        ),
        (
            "unit = 'celsius'",
            "unit = 'celsius'\nlimits = { mim = 1 }",
            "profile `fridge.toml`: unknown key `message[0].value[0].limits.mim`\nhint: the nearest key is `min`",
        ),
        (
            "unit = 'celsius'",
            "unit = 'celsius'\nlimits = { min = 2, max = 1 }",
            "profile `fridge.toml`: `message[0].value[0].limits.min` is 2, expected no more than `max`",
        ),
        (
            "'number'",
            "'numbers'",
            "profile `fridge.toml`: `message[0].kind` is \"numbers\", expected `number`, `tags`, `code` or `status`\n\
             hint: the nearest kind is `number`",
        ),
        (
            "'/t'",
            "'t'",
            "profile `fridge.toml`: `message[0].value[0].pointer` is \"t\", expected a JSON pointer of at most 128 bytes\n\
             hint: a pointer is like `/ENERGY/Power`; leave it out to take the whole payload as a text",
        ),
        ("model = 'Fridge'\n", "", "profile `fridge.toml`: `model` is missing, expected a text"),
        (
            "'temperature'",
            "'{room}temperature'",
            "profile `fridge.toml`: `message[0].value[0].stream` is \"{room}temperature\", expected a place that its topic has",
        ),
    ] {
        let found = Profiles::none().with("fridge.toml", &good.replace(from, to)).unwrap_err().to_string();
        assert_eq!(found, error);
    }
    for (pattern, expected) in [
        ("f/t", "`{device}` in one level"),
        ("f/{device}/{device}", "`{device}` in one level"),
        ("f/{device}/{a}/{a}", "each place once"),
        ("f/{device}{a}", "one place in a level"),
        ("f/{device", "a `}` for each `{`"),
        ("{device}/#", "a level that is a word"),
        ("+/{device}", "a level that is a word"),
        ("f/{device}/a+", "`+` as a whole level"),
        ("f/#/{device}", "`+` as a whole level"),
        ("f/{(a+)+$}/{device}", "`+` as a whole level"),
        ("f/{(a|a)*$}/{device}", "names of places"),
        ("$SYS/{device}", "does not begin with `$`"),
        ("a/b/c/d/e/f/g/h/{device}", "at most 8 levels"),
        (&long, "at most 128 bytes"),
    ] {
        let error =
            Profiles::none().with("f.toml", &good.replace("f/{device}/t", pattern)).unwrap_err().to_string();
        assert!(error.starts_with("profile `f.toml`: `match` is ") && error.contains(expected), "{error}");
    }
    let many = format!("{good}{}", "[[message.value]]\nstream = 'x'\nunit = 'count'\n".repeat(16));
    let error = Profiles::none().with("f.toml", &many).unwrap_err().to_string();
    assert!(error.contains("`message[0].value` is a list of 17, expected at most 16 tables"), "{error}");
    let huge = format!("{good}# {}", "x".repeat(profile::PROFILE_BYTES_MAX));
    assert!(
        Profiles::none()
            .with("f.toml", &huge)
            .unwrap_err()
            .to_string()
            .contains("it has more than 65536 bytes")
    );
    let error = Profiles::none().with("f.toml", "profile = ").unwrap_err().to_string();
    assert!(error.starts_with("profile `f.toml` is no TOML: "), "{error}");
}

#[test]
fn a_profile_by_which_no_device_could_appear_is_refused() {
    let of = |pattern: &str, topic: &str| {
        let text = format!(
            "profile = 'p'\nmodel = 'P'\nmatch = '{pattern}'\n[[message]]\ntopic = '{topic}'\nkind = 'number'\n\
             [[message.value]]\nstream = 't'\nunit = 'celsius'\n"
        );
        Profiles::none().with("p.toml", &text)
    };
    for (pattern, topic) in [
        ("a/{device}/+/x", "a/{device}/y/+"),
        ("{device}/sensor/+/state", "{device}/sensor/{name}_t/state"),
        ("a/{device}/#", "a/{device}/b/c"),
        ("a/{device}/b/c", "a/{device}/#"),
        ("a/x{device}y", "a/xx{device}"),
    ] {
        assert_eq!(of(pattern, topic), Ok(()), "{pattern} {topic}");
    }
    for (pattern, topic) in [
        ("a/{device}/b", "a/{device}/c"),
        ("a/{device}", "a/{device}/c"),
        ("a/{device}/b/#", "a/{device}"),
        ("a/x{device}", "a/y{device}"),
        ("a/{device}/{n}_x", "a/{device}/{n}_y"),
    ] {
        let error = of(pattern, topic).unwrap_err().to_string();
        let start = format!(
            "profile `p.toml`: `match` is \"{pattern}\", expected a pattern that the topic of a message fits"
        );
        assert!(error.starts_with(&start) && error.contains("hint: "), "{error}");
    }
}

#[test]
fn a_command_that_could_not_be_told_or_kept_is_refused() {
    let of = |more: &str| {
        let text = format!(
            "profile = 'p'\nmodel = 'P'\nmatch = 'p/{{device}}'\n[[message]]\nkind = 'number'\n\
             [[message.value]]\nstream = 't'\nunit = 'celsius'\n{more}"
        );
        Profiles::none().with("p.toml", &text).map_err(|error| error.to_string())
    };
    let light = "[[command]]\nname = 'light'\ntopic = 'p/{device}/light'\n";
    assert_eq!(of(light), Ok(()));
    let twice = of(&light.repeat(2)).unwrap_err();
    assert!(twice.contains("`command` is a list of 2, expected one command named `light`"), "{twice}");
    let argument =
        |more: &str| of(&format!("{light}[[command.argument]]\nname = 'on'\nkind = 'text'\n{more}"));
    let unit = argument("default = ''\nunit = 'seventeen letters'\n").unwrap_err();
    assert!(
        unit.contains(
            "`command[0].argument[0].unit` is \"seventeen letters\", expected a text of at most 16 bytes"
        ),
        "{unit}"
    );
    let long = argument(&format!("default = '{}'\n", "x".repeat(33))).unwrap_err();
    assert!(long.contains("expected true, false, a number or a text of at most 32 bytes"), "{long}");
}

#[test]
fn a_code_with_a_control_character_is_none() {
    let code = |code: &str| {
        let payload = format!(r#"{{"boot":1,"n":1,"code":"{code}"}}"#);
        Profiles::none().hear("b", "aisle/v1/b/s-1/telemetry/scanner", payload.as_bytes()).unwrap()
    };
    assert!(code("4006381333931").is_ok());
    for wrong in ["", r"40\u0000", r"40\n06"] {
        let refusal = code(wrong).unwrap_err();
        assert_eq!((refusal.problem, refusal.path.as_str()), (Problem::Value, "code"), "{refusal}");
    }
}

#[test]
fn a_refused_profile_leaves_what_was_there() {
    let mut profiles = Profiles::builtin();
    let (name, text) = BUILTIN[0];
    profiles.with(name, &text.replace("\"watt\"", "\"wat\"")).unwrap_err();
    assert!(profiles.hear("s", "tele/p/SENSOR", br#"{"ENERGY":{"Power":1,"Total":2}}"#).unwrap().is_ok());
    // A store's own replaces one of the same name.
    profiles.with(name, &text.replace("Tasmota plug", "Our plug")).unwrap();
    assert_eq!(profiles.names().next(), Some(("tasmota-plug", "Our plug")));
    assert_eq!(profiles.names().count(), BUILTIN.len());
}

#[test]
fn weights_below_nothing_and_units_mixed_up_are_refused_as_what_they_are() {
    let refusal = refused("shelf/s-12/weight", br#"{"grams":-900}"#);
    assert_eq!((refusal.problem, refusal.path.as_str()), (Problem::Value, "/grams"));
    assert_eq!(refusal.device.as_deref(), Some("s-12"));
    // Kilograms that are grams.
    assert_eq!(refused("shelf/s-12/weight", br#"{"kg":4213.5}"#).problem, Problem::Value);
    let contract = |payload: &str| refused("aisle/v1/berlin-1/s-1/telemetry/weight", payload.as_bytes());
    let refusal = contract(r#"{"boot":1,"unit":"gram","samples":[{"n":1,"v":5},{"n":2,"v":-900}]}"#);
    assert_eq!((refusal.problem, refusal.path.as_str()), (Problem::Value, "samples[1].v"));
    assert_eq!(refusal.reason, "is -900 gram, expected -50 to 1000000000");
    let refusal = contract(r#"{"boot":1,"unit":"kilogram","samples":[]}"#);
    assert_eq!((refusal.problem, refusal.path.as_str()), (Problem::Unit, "unit"));
    assert!(refusal.hint.unwrap().starts_with("units are celsius, "));
    let nan = b"\xa3\x64boot\x01\x64unit\x64gram\x67samples\x81\xa2\x61n\x01\x61v\xf9\x7e\x00";
    let refusal = refused("aisle/v1/berlin-1/s-1/telemetry/weight", nan);
    assert_eq!((refusal.problem, refusal.path.as_str()), (Problem::Value, "samples[0].v"));
    // A scale that drifts a little below nothing is a scale.
    assert!(
        matches!(&heard("shelf/s-12/weight", r#"{"grams":-12.5}"#)[1], What::Number(it) if it.value == -12.5)
    );
}

#[test]
fn the_contract_is_heard_by_its_own_topics_of_this_store_only() {
    let profiles = Profiles::builtin();
    let status = br#"{"online":true,"boots":3,"reason":"power"}"#;
    let heard = profiles.hear("berlin-1", "aisle/v1/berlin-1/s-1/status", status).unwrap().unwrap();
    let what = What::Status { online: true, boots: Some(3), reason: Some("power".to_owned()) };
    assert_eq!(heard, [Heard { device: "s-1".to_owned(), what }]);
    assert_eq!(profiles.hear("berlin-1", "aisle/v1/paris-2/s-1/status", status), None);
    assert_eq!(profiles.hear("berlin-1", "aisle/v1/berlin-1/s-1/config/desired", b"{}"), None);
    assert_eq!(profiles.hear("berlin-1", "aisle/v1/berlin-1/s-1/cmd/tare/req", b"{}"), None);
    assert_eq!(profiles.hear("berlin-1", "something/else", b"{}"), None);
    let telemetry = |payload: &[u8]| {
        let heard = profiles.hear("berlin-1", "aisle/v1/berlin-1/r-1/telemetry/zone", payload).unwrap();
        heard.map(|heard| heard.into_iter().map(|heard| heard.what).collect::<Vec<_>>())
    };
    let tags = br#"{"boot":1,"n":2,"complete":true,"tags":["3074257bf7194e4000001a85","00"]}"#;
    let whats = telemetry(tags).unwrap();
    let [What::Tags(tags)] = &whats[..] else { panic!("{whats:?}") };
    assert_eq!((&tags.tags[..], tags.others), (&["3074257BF7194E4000001A85".to_owned()][..], 1));
    let code = telemetry(br#"{"boot":1,"n":2,"code":"4006381333931","weight_g":1.5}"#).unwrap();
    assert!(matches!(&code[0], What::Code(code) if code.weight_g == Some(1.5)));
    assert_eq!(telemetry(br#"{"boot":1}"#).unwrap_err().reason, "has none of `samples`, `tags` and `code`");
}

#[test]
fn an_announce_that_contradicts_itself_is_refused_with_its_path() {
    let refusal = |streams: &str| {
        let json = format!(r#"{{"contract":1,"model":"m","boots":1,"streams":[{streams}]}}"#);
        let refusal = refused("aisle/v1/berlin-1/s-1/announce", json.as_bytes());
        (refusal.path, refusal.problem)
    };
    let number = r#"{"name":"t","kind":"number","unit":"celsius"}"#;
    assert_eq!(refusal(&format!("{number},{number}")), ("streams[1].name".into(), Problem::Payload));
    assert_eq!(refusal(r#"{"name":"t","kind":"number"}"#), ("streams[0].unit".into(), Problem::Unit));
    assert_eq!(
        refusal(r#"{"name":"t","kind":"tags","unit":"gram"}"#),
        ("streams[0].unit".into(), Problem::Unit)
    );
    assert_eq!(refusal(r#"{"name":"t/+","kind":"tags"}"#), ("streams[0].name".into(), Problem::Payload));
    assert_eq!(
        refusal(r#"{"name":"t","kind":"number","unit":"kilo"}"#),
        ("streams[0].unit".into(), Problem::Unit)
    );
}

#[test]
fn filters_cover_every_topic_that_is_heard() {
    let filters = Profiles::builtin().filters("berlin-1");
    assert!(filters.contains(&"aisle/v1/berlin-1/+/telemetry/+".to_owned()));
    assert!(filters.contains(&"+/sensor/+/state".to_owned()));
    assert!(filters.iter().all(|filter| !filter.starts_with('#')));
    let covers = |filter: &str, topic: &str| {
        let (filter, topic): (Vec<_>, Vec<_>) = (filter.split('/').collect(), topic.split('/').collect());
        filter.len() == topic.len()
            && filter.iter().zip(topic).all(|(level, name)| *level == "+" || *level == name)
    };
    for (name, _) in BUILTIN {
        for line in
            fs::read_to_string(sample(name, "txt")).unwrap().lines().filter(|line| !line.starts_with('#'))
        {
            let topic = line.split(' ').next().unwrap();
            assert!(filters.iter().any(|filter| covers(filter, topic)), "{topic}");
        }
    }
}

#[test]
fn a_command_is_built_of_checked_arguments() {
    let profiles = Profiles::builtin();
    let args = |entries: &[(&str, &str)]| {
        let mut args = Settings::new();
        entries.iter().for_each(|(name, text)| args.set(name, Value::try_from(*text).unwrap()).unwrap());
        args
    };
    let built = |profile, command, args: &Settings| profiles.command(profile, "d-1", command, args);
    let (topic, payload) = built("tasmota-plug", "power", &args(&[("state", "ON")])).unwrap();
    assert_eq!((topic.as_str(), payload.as_slice()), ("cmnd/d-1/POWER", &b"ON"[..]));
    let show = args(&[("title", "Tea \"Assam\" {{price}}"), ("price", "£3.20")]);
    let (topic, payload) = built("shelf-label", "show", &show).unwrap();
    assert_eq!(topic, "esl/d-1/show");
    assert_eq!(
        String::from_utf8(payload).unwrap(),
        r#"{"title": "Tea \"Assam\" {{price}}", "price": "£3.20", "note": ""}"#
    );
    let error = |profile, command, args: &Settings| built(profile, command, args).unwrap_err().to_string();
    assert_eq!(
        error("tasmota-plug", "power", &args(&[("state", "ONN")])),
        "argument `state` is \"ONN\", expected one of its words; the nearest is `ON`"
    );
    assert_eq!(
        error("tasmota-plug", "powr", &args(&[])),
        "profile `tasmota-plug` has no command `powr`\nhint: the nearest command is `power`"
    );
    assert_eq!(error("plug", "power", &args(&[])), "there is no profile `plug`");
    let device = profiles.command("tasmota-plug", "a/b", "power", &args(&[])).unwrap_err();
    assert_eq!(device, CommandError::Device("a/b".into()));
}

#[test]
fn one_document_is_a_sample_for_the_first_message() {
    let report = profile::check(BUILTIN[3].1, "\n{\n \"grams\": 10\n}\n").unwrap();
    assert!(report.is_good(), "{report}");
    assert_eq!(report.lines[0].topic, "shelf/device/weight");
    assert_eq!(report.lines[0].heard[1].value, "10 gram");
    assert!(serde_json::to_string(&report).unwrap().contains(r#""stream":"weight""#));
}

#[test]
fn no_pattern_and_no_payload_takes_long() {
    let text = "profile = 'x'\nmodel = 'X'\nmatch = 'a/{device}/aaaaaaaaaa{b}aaaaaaaaaa/#'\n[[message]]\nkind = 'number'\n\
                [[message.value]]\npointer = '/a'\nstream = 'v'\nunit = 'count'\n";
    let mut profiles = Profiles::none();
    profiles.with("x.toml", text).unwrap();
    let topic = format!("a/d/{}b/c", "a".repeat(60_000));
    assert_eq!(profiles.hear("s", &topic, b"{}"), None);
    let topic = format!("node/sensor/{}temperature/state", "x".repeat(60_000));
    assert!(Profiles::builtin().hear("s", &topic, b"1").unwrap().is_err());
    let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    assert!(profiles.hear("s", "a/d/aaaaaaaaaaaaaaaaaaaa/c", &deep).unwrap().is_err());
}

#[test]
fn what_is_said_of_an_endless_payload_is_short() {
    let topic = "fridge-node/sensor/fridge_temperature/state";
    let digits = refused(topic, &b"9".repeat(100_000));
    assert_eq!(digits.reason, format!("is `{}`, expected a finite number", "9".repeat(40)));
    let too_long = refused(topic, &b"9".repeat(profile::PAYLOAD_BYTES_MAX + 1));
    assert_eq!(too_long.reason, "has more than 262144 bytes");
}

proptest! {
    #[test]
    fn any_payload_on_any_topic_is_heard_or_refused(line in 0_usize..60, payload in vec(any::<u8>(), 0..80)) {
        let samples: Vec<String> = BUILTIN
            .iter()
            .flat_map(|(name, _)| {
                let text = fs::read_to_string(sample(name, "txt")).unwrap();
                text.lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        let topic = samples[line % samples.len()].split(' ').next().unwrap();
        if let Some(Ok(heard)) = Profiles::builtin().hear("s", topic, &payload) {
            for heard in heard {
                if let What::Number(number) = heard.what {
                    prop_assert!(number.value.is_finite());
                }
            }
        }
    }
}

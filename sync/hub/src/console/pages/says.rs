//! The fields of what a group or an override says, and of what a rollout brings: artefacts out of those that are published, minimums, settings, maintenance windows.
//!
//! What cannot be ticked is written, one thing on each line, as commands and documents name it. Not here: whether it can be (the rules of `aisle_fleet` say so).

use super::{
    parts::{SHORT_BYTES_MAX, fit, rest},
    typed::{Line, Typed},
};
use crate::{artefacts::slots::Published, console::say};
use aisle_fleet::{
    ArtefactSet, ContentHash, Maintenance, Needs, Release, Says, Slot, Version, Want, Window, Zone,
    setting::{SettingKey, SettingValue, Settings},
};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The most published artefacts that a form shows; beyond it there is looking for.
const SHOWN_MAX: usize = 60;

/// The fields of artefacts.
pub(super) fn artefact_fields(typed: &Typed, published: &[Published], label: &str) -> Markup {
    let find = typed.get("part").to_lowercase();
    let is_ticked = |one: &&Published| typed.all("artefact").any(|id| id == one.id);
    let is_found = |one: &&Published| find.is_empty() || one.id.to_lowercase().contains(&find);
    let ticked = published.iter().filter(is_ticked);
    let others = published.iter().filter(|one| !is_ticked(one) && is_found(one));
    let all: Vec<(usize, &Published)> = ticked.chain(others).enumerate().collect();
    let (boxes, shown) = fit(
        all.get(..all.len().min(SHOWN_MAX)).unwrap_or_default(),
        SHORT_BYTES_MAX * 2,
        |(number, one)| {
            typed.box_of("artefact", *number, &one.id, &html! { (say::cut(&one.slot.to_string(), 64)) " " b { (say::cut(&one.release.version.to_string(), 32)) } })
        },
    );
    html! {
        fieldset {
            legend { (label) }
            (typed.of_part("artefacts"))
            @if published.is_empty() { p.none { "Nothing is published at this hub: `aisle-hub artefact add` brings something; see " a href="/artefacts" { "Artefacts" } "." } }
            @else {
                div.ticks { (boxes) }
                (rest(all.len(), shown))
                (typed.line(Line { name: "part", label: "Look for one by a part of its name", chars_max: 64, ..Line::default() }))
                button.quiet type="submit" name="do" value="find" formnovalidate { "Look for it" }
            }
            (typed.area("slots", "Others, one on each line", "A slot and its version: plugin/multi-buy 1.3.0. A slot that is to be emptied: plugin/multi-buy absent. What is not signed here, with hash and bytes behind the version."))
        }
    }
}

/// The fields of everything else that is said.
pub(super) fn other_fields(typed: &Typed) -> Markup {
    html! {
        (typed.area("minimums", "Minimums, one on each line", "Nothing below is brought in: plugin/multi-buy 1.2"))
        (typed.area("settings", "Settings of the node, one on each line", "As in aisle.toml: kiosk.idle_reset_s = 120. A text that looks like a number stands in quotes."))
        fieldset {
            legend { "Maintenance" }
            p.hint { "When something may be changed, by the clock on the store's wall. At any time, where nothing is said." }
            (typed.line(Line { name: "zone", label: "Time zone", hint: "Such as Europe/Berlin.", chars_max: 64, ..Line::default() }))
            (typed.area("windows", "Windows, one on each line", "Days and times: mon-fri 22:00-04:00, or daily 02:00-05:00."))
        }
    }
}

/// Puts what is said into the fields.
pub(super) fn fill(typed: &mut Typed, says: &Says) {
    fill_set(typed, &says.artefacts);
    let lines = |lines: Vec<String>| lines.join("\n");
    typed.set(
        "minimums",
        lines(says.minimums.iter().map(|(slot, version)| format!("{slot} {version}")).collect()),
    );
    typed.set(
        "settings",
        lines(says.settings.iter().map(|(key, value)| format!("{key} = {}", shown(value))).collect()),
    );
    if let Some(maintenance) = &says.maintenance {
        typed.set("zone", maintenance.zone.to_string());
        typed.set("windows", lines(maintenance.windows.iter().map(ToString::to_string).collect()));
    }
}

/// The same of artefacts alone.
pub(super) fn fill_set(typed: &mut Typed, set: &ArtefactSet) {
    let lines: Vec<String> = set.iter().map(|(slot, want)| format!("{slot} {}", want.told())).collect();
    typed.set("slots", lines.join("\n"));
}

/// What stands in the fields. What `known` says of a slot in the same version is what is meant, before anything that is published.
pub(super) fn read(typed: &mut Typed, published: &[Published], known: &ArtefactSet) -> Says {
    Says {
        artefacts: read_set(typed, published, known),
        settings: read_settings(typed),
        minimums: read_minimums(typed),
        maintenance: read_maintenance(typed),
    }
}

/// Artefacts alone.
pub(super) fn read_set(typed: &mut Typed, published: &[Published], known: &ArtefactSet) -> ArtefactSet {
    let mut set = ArtefactSet::new();
    let ticked: Vec<String> = typed.all("artefact").map(str::to_owned).collect();
    for id in ticked {
        match published.iter().find(|one| one.id == id) {
            None => typed.fault("artefacts", format!("`{}` is not published (any more)", say::cut(&id, 80))),
            Some(one) => {
                let want = Want::Release(one.release.clone());
                if set.insert(one.slot.clone(), want).is_some() {
                    typed.fault("artefacts", format!("two are ticked for `{}`, which holds one", one.slot));
                }
            }
        }
    }
    let lines: Vec<String> = typed.lines("slots").map(str::to_owned).collect();
    for line in lines {
        match wanted(&line, published, known) {
            Err(reason) => typed.fault("slots", reason),
            Ok((slot, want)) => {
                if set.insert(slot.clone(), want).is_some() {
                    typed.fault("slots", format!("`{slot}` is there twice"));
                }
            }
        }
    }
    set
}

fn wanted(line: &str, published: &[Published], known: &ArtefactSet) -> Result<(Slot, Want), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let slot = |text: &str| text.parse::<Slot>().map_err(|error| error.to_string());
    let version = |text: &str| text.parse::<Version>().map_err(|error| error.to_string());
    match words.as_slice() {
        [name, "absent"] => Ok((slot(name)?, Want::Absent)),
        [name, text] => {
            let (slot, version) = (slot(name)?, version(text)?);
            let is_it = |release: &Release| release.version == version;
            if let Some(want) = known.get(&slot).filter(|want| want.release().is_some_and(is_it)) {
                return Ok((slot, want.clone()));
            }
            let mut found = published.iter().filter(|one| one.slot == slot && is_it(&one.release));
            match (found.next(), found.next()) {
                (Some(one), None) => Ok((slot, Want::Release(one.release.clone()))),
                (Some(_), Some(_)) => {
                    Err(format!("several artefacts are `{slot} {version}`: tick the one that is meant"))
                }
                (None, _) => Err(format!("`{slot} {version}` is not published at this hub")),
            }
        }
        [name, text, hash, bytes] => {
            let hash: ContentHash = hash
                .parse()
                .map_err(|_| format!("`{}` is no hash: 64 hexadecimal digits", say::cut(hash, 40)))?;
            let bytes =
                bytes.parse().map_err(|_| format!("`{}` is no number of bytes", say::cut(bytes, 40)))?;
            Ok((
                slot(name)?,
                Want::Release(Release { version: version(text)?, hash, bytes, needs: Needs::default() }),
            ))
        }
        _ => Err(format!("`{}` is no slot with a version, or with `absent`", say::cut(line, 80))),
    }
}

fn read_minimums(typed: &mut Typed) -> BTreeMap<Slot, Version> {
    let lines: Vec<String> = typed.lines("minimums").map(str::to_owned).collect();
    let mut minimums = BTreeMap::new();
    for line in lines {
        let read = line
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("`{}` is no slot with a version", say::cut(&line, 80)));
        let read = read.and_then(|(slot, version)| {
            let slot: Slot =
                slot.parse().map_err(|error: aisle_fleet::artefact::InvalidSlot| error.to_string())?;
            let version: Version = version
                .trim()
                .parse()
                .map_err(|error: aisle_fleet::version::InvalidVersion| error.to_string())?;
            Ok((slot, version))
        });
        if let Some((slot, version)) = typed.read("minimums", read)
            && minimums.insert(slot.clone(), version).is_some()
        {
            typed.fault("minimums", format!("`{slot}` is there twice"));
        }
    }
    minimums
}

fn read_settings(typed: &mut Typed) -> Settings {
    let lines: Vec<String> = typed.lines("settings").map(str::to_owned).collect();
    let mut settings = Settings::new();
    for line in lines {
        let read =
            line.split_once('=').ok_or_else(|| format!("`{}` is no `key = value`", say::cut(&line, 80)));
        let read = read.and_then(|(key, value)| {
            let key: SettingKey =
                key.trim().parse().map_err(|error: aisle_fleet::setting::InvalidKey| error.to_string())?;
            Ok((key, value_of(value.trim())?))
        });
        if let Some((key, value)) = typed.read("settings", read)
            && settings.insert(key.clone(), value).is_some()
        {
            typed.fault("settings", format!("`{key}` is there twice"));
        }
    }
    settings
}

fn value_of(text: &str) -> Result<SettingValue, String> {
    if text.starts_with('"') {
        return serde_json::from_str(text)
            .map(SettingValue::Text)
            .map_err(|_| format!("{} is no text in quotes", say::cut(text, 80)));
    }
    Ok(match (text, text.parse()) {
        ("true", _) => SettingValue::Flag(true),
        ("false", _) => SettingValue::Flag(false),
        (_, Ok(number)) => SettingValue::Number(number),
        _ => SettingValue::Text(text.to_owned()),
    })
}

fn shown(value: &SettingValue) -> String {
    match value {
        SettingValue::Flag(flag) => flag.to_string(),
        SettingValue::Number(number) => number.to_string(),
        SettingValue::Text(text) => {
            let is_plain = value_of(text).as_ref() == Ok(value)
                && text.trim() == text
                && !text.is_empty()
                && !text.contains(char::is_control);
            // A text has a form in JSON.
            if is_plain { text.clone() } else { serde_json::to_string(text).unwrap_or_default() }
        }
    }
}

fn read_maintenance(typed: &mut Typed) -> Option<Maintenance> {
    let lines: Vec<String> = typed.lines("windows").map(str::to_owned).collect();
    if typed.get("zone").is_empty() && lines.is_empty() {
        return None;
    }
    let zone = typed.get("zone").parse::<Zone>();
    let zone = typed.read("zone", zone);
    if lines.is_empty() {
        typed.fault("windows", "says no window: without one nothing could ever be changed");
    }
    if lines.len() > aisle_fleet::window::WINDOWS_MAX {
        typed.fault(
            "windows",
            format!("has {} windows, at most {} may be", lines.len(), aisle_fleet::window::WINDOWS_MAX),
        );
    }
    let mut windows = Vec::new();
    for line in lines {
        windows.extend(typed.read("windows", line.parse::<Window>()));
    }
    Some(Maintenance { zone: zone?, windows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says() -> Says {
        let release = Release {
            version: "1.10".parse().unwrap(),
            hash: ContentHash::of(b"x"),
            bytes: 9,
            needs: Needs { disk_bytes: 7, ..Needs::default() },
        };
        let settings = [
            ("a.flag", SettingValue::Flag(true)),
            ("a.number", SettingValue::Number(-7)),
            ("a.text", SettingValue::Text("two words = x".into())),
            ("b.digits", SettingValue::Text("007".into())),
            ("b.empty", SettingValue::Text(String::new())),
            ("b.lines", SettingValue::Text(" \"a\"\n<b> ".into())),
            ("b.yes", SettingValue::Text("true".into())),
        ];
        Says {
            artefacts: [("plugin/multi-buy", Want::Release(release)), ("plugin/old", Want::Absent)]
                .map(|(slot, want)| (slot.parse().unwrap(), want))
                .into(),
            settings: settings.map(|(key, value)| (key.parse().unwrap(), value)).into(),
            minimums: [("plugin/multi-buy".parse().unwrap(), "1.2".parse().unwrap())].into(),
            maintenance: Some(Maintenance {
                zone: "Europe/Berlin".parse().unwrap(),
                windows: vec!["mon-fri 22:00-04:00".parse().unwrap(), "daily 02:00-05:00".parse().unwrap()],
            }),
        }
    }

    #[test]
    fn what_is_said_goes_into_the_fields_and_comes_out_the_same() {
        let mut typed = Typed::default();
        fill(&mut typed, &says());
        let read = read(&mut typed, &[], &says().artefacts);
        assert!(typed.is_good(), "{}", typed.summary().into_string());
        assert_eq!(read, says());
    }

    #[test]
    fn what_cannot_be_read_is_said_beside_its_field() {
        for (name, text, reason) in [
            ("slots", "plugin/multi-buy", "is no slot with a version"),
            ("slots", "plugin/multi-buy 2.0", "is not published at this hub"),
            ("slots", "plugins/x 2.0", "there is no kind"),
            ("slots", "plugin/x 1.0 zz 7", "is no hash"),
            ("slots", "plugin/x absent\nplugin/x absent", "is there twice"),
            ("artefact", "plugins/gone/1.0.0.plugin", "is not published"),
            ("minimums", "plugin/x", "is no slot with a version"),
            ("settings", "Kiosk = 1", "is no key of a setting"),
            ("settings", "kiosk", "is no `key = value`"),
            ("settings", "kiosk.a = \"x", "is no text in quotes"),
            ("zone", "Europe/Atlantis", "Europe/Atlantis"),
            ("windows", "some day", "is no window"),
        ] {
            let mut typed = Typed::of(vec![(name.into(), text.into())]);
            read(&mut typed, &[], &says().artefacts);
            let said = typed.summary().into_string();
            assert!(said.contains(reason), "{name} {text}: {said}");
        }
    }
}

//! From TOML to a manifest, field by field, so that what is wrong is named by its path.

use super::{Grant, InvalidManifest, Limits, MANIFEST_BYTES_MAX, Manifest, OnFailure, SETTINGS_MAX};
use crate::{hook::Hook, types::Setting};
use std::collections::BTreeSet;
use toml::{Table, Value};

const KEYS: [&str; 9] =
    ["id", "version", "description", "hooks", "grants", "limits", "on_failure", "order", "settings"];
const ID_LENGTH_MAX: usize = 64;
const VERSION_LENGTH_MAX: usize = 64;
const DESCRIPTION_LENGTH_MAX: usize = 200;
/// Deeper settings are a mistake, and the walk through them is recursive.
const SETTINGS_DEPTH_MAX: usize = 8;
/// One long table's name would otherwise come with each of its keys, into every call.
const SETTING_KEY_BYTES_MAX: usize = 256;
/// How much of the parser's words is shown, in characters.
const WORDS_LENGTH_MAX: usize = 200;

type Read<T> = Result<T, InvalidManifest>;

pub(super) fn manifest(text: &str) -> Read<Manifest> {
    if text.len() > MANIFEST_BYTES_MAX {
        return refuse(
            "plugin.toml",
            format!("{} bytes long", text.len()),
            format!("at most {MANIFEST_BYTES_MAX}"),
        );
    }
    let table: Table = toml::from_str(text).map_err(|error| InvalidManifest {
        field: "plugin.toml".into(),
        found: format!("no TOML: {}", cut(error.message(), WORDS_LENGTH_MAX)),
        expected: "TOML".into(),
        hint: error.span().map(|span| format!("see line {}", line_of(text, span.start))),
    })?;
    known(&table, "", &KEYS)?;
    Ok(Manifest {
        id: id(&table)?,
        version: version(&table)?,
        description: description(&table)?,
        hooks: hooks(&table)?,
        grants: grants(&table)?,
        limits: limits(&table)?,
        on_failure: on_failure(&table)?,
        order: order(&table)?,
        settings: settings(&table)?,
    })
}

fn refuse<T>(field: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Read<T> {
    Err(InvalidManifest { field: field.into(), found: found.into(), expected: expected.into(), hint: None })
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Refuses a key that nobody knows, with the nearest that somebody does.
fn known(table: &Table, path: &str, keys: &[&str]) -> Read<()> {
    let Some(key) = table.keys().find(|key| !keys.contains(&key.as_str())) else { return Ok(()) };
    let hint = nearest(key, keys).map(|near| format!("did you mean `{near}`?"));
    let field = format!("{path}{}", if key.is_empty() { "\"\"".into() } else { shown(key) });
    Err(InvalidManifest {
        field,
        found: "unknown".into(),
        expected: format!("one of {}", keys.join(", ")),
        hint,
    })
}

fn nearest<'a>(key: &str, keys: &[&'a str]) -> Option<&'a str> {
    let near = |name: &&str| strsim::damerau_levenshtein(key, name);
    keys.iter().copied().min_by_key(near).filter(|name| near(name) <= 1 + name.len() / 3)
}

/// A text of somebody else's, cut to what fits a message.
fn shown(text: &str) -> String {
    cut(text, 64)
}

fn cut(text: &str, length_max: usize) -> String {
    let cut: String = text.chars().filter(|letter| !letter.is_control()).take(length_max).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

fn describe(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", shown(text)),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Table(_) => "a table".into(),
        other => shown(&other.to_string()),
    }
}

fn text<'a>(table: &'a Table, key: &str, expected: &str) -> Read<&'a str> {
    match table.get(key) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => refuse(key, describe(other), expected),
        None => refuse(key, "missing", expected),
    }
}

fn id(table: &Table) -> Read<String> {
    let expected = "1 to 64 of a-z, 0-9 and `-`, beginning with a letter";
    let id = text(table, "id", expected)?;
    let fits = id.len() <= ID_LENGTH_MAX
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits { Ok(id.into()) } else { refuse("id", format!("\"{}\"", shown(id)), expected) }
}

fn version(table: &Table) -> Read<semver::Version> {
    let expected = "a version such as \"1.0.0\"";
    let version = text(table, "version", expected)?;
    let parsed = (version.len() <= VERSION_LENGTH_MAX).then(|| version.parse().ok()).flatten();
    parsed.map_or_else(|| refuse("version", format!("\"{}\"", shown(version)), expected), Ok)
}

fn description(table: &Table) -> Read<String> {
    if !table.contains_key("description") {
        return Ok(String::new());
    }
    let expected = "one line of at most 200 characters";
    let description = text(table, "description", expected)?;
    if description.chars().count() > DESCRIPTION_LENGTH_MAX || description.contains(char::is_control) {
        return refuse("description", format!("\"{}\"", shown(description)), expected);
    }
    Ok(description.into())
}

/// A list of names, each of `known` and once.
fn names<T: Copy + PartialEq>(table: &Table, key: &str, known: &[(&str, T)]) -> Read<Vec<T>> {
    let all = || known.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let expected = || format!("a list of {}", all().join(", "));
    let items = match table.get(key) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(other) => return refuse(key, describe(other), expected()),
    };
    let mut found = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let field = format!("{key}[{place}]");
        let Value::String(name) = item else { return refuse(field, describe(item), expected()) };
        let Some((_, value)) = known.iter().find(|(known, _)| known == name) else {
            let hint = nearest(name, &all()).map(|near| format!("did you mean \"{near}\"?"));
            return Err(InvalidManifest { field, found: describe(item), expected: expected(), hint });
        };
        if found.contains(value) {
            return refuse(field, format!("{} again", describe(item)), "each once");
        }
        found.push(*value);
    }
    Ok(found)
}

fn hooks(table: &Table) -> Read<Vec<Hook>> {
    let known = Hook::ALL.map(|hook| (hook.as_str(), hook));
    let hooks = names(table, "hooks", &known)?;
    if hooks.is_empty() {
        let found = if table.contains_key("hooks") { "empty" } else { "missing" };
        return refuse(
            "hooks",
            found,
            "a list with at least one of pricing, promotion, ranking, replenishment, reaction",
        );
    }
    Ok(hooks)
}

fn grants(table: &Table) -> Read<BTreeSet<Grant>> {
    Ok(names(table, "grants", &Grant::ALL.map(|grant| (grant.as_str(), grant)))?.into_iter().collect())
}

fn on_failure(table: &Table) -> Read<OnFailure> {
    if !table.contains_key("on_failure") {
        return Ok(OnFailure::default());
    }
    let expected = "\"skip\", \"deny\" or \"last-good\"";
    let name = text(table, "on_failure", expected)?;
    let found = OnFailure::ALL.into_iter().find(|known| known.as_str() == name);
    found.map_or_else(|| refuse("on_failure", format!("\"{}\"", shown(name)), expected), Ok)
}

fn order(table: &Table) -> Read<i32> {
    let Some(value) = table.get("order") else { return Ok(0) };
    let order = value.as_integer().and_then(|order| i32::try_from(order).ok());
    order.map_or_else(|| refuse("order", describe(value), "a whole number of at most 31 bits"), Ok)
}

fn limits(table: &Table) -> Read<Limits> {
    let mut limits = Limits::default();
    let given = match table.get("limits") {
        None => return Ok(limits),
        Some(Value::Table(given)) => given,
        Some(other) => return refuse("limits", describe(other), "a table"),
    };
    let ceilings = Limits::CEILING.named();
    known(given, "limits.", &ceilings.map(|(name, _)| name))?;
    for (name, max) in ceilings {
        let Some(value) = given.get(name) else { continue };
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
        let Some(number) = number.filter(|number| (1..=max).contains(number)) else {
            return refuse(
                format!("limits.{name}"),
                describe(value),
                format!("a whole number from 1 to {max}"),
            );
        };
        limits.set(name, number);
    }
    Ok(limits)
}

fn settings(table: &Table) -> Read<Vec<Setting>> {
    let mut settings = Vec::new();
    match table.get("settings") {
        None => {}
        Some(Value::Table(given)) => {
            for (key, value) in given {
                flatten(key.clone(), value, 1, &mut settings)?;
            }
        }
        Some(other) => return refuse("settings", describe(other), "a table"),
    }
    settings.sort_by(|one, other| one.key.cmp(&other.key));
    // `a.b = 1` and `"a.b" = 2` are two keys to TOML and one to the plugin.
    if let Some(pair) =
        settings.windows(2).find(|pair| pair.first().map(|one| &one.key) == pair.last().map(|one| &one.key))
    {
        let key = pair.first().map(|one| one.key.clone()).unwrap_or_default();
        return refuse(format!("settings.{}", shown(&key)), "given twice", "each key once");
    }
    Ok(settings)
}

fn flatten(key: String, value: &Value, depth: usize, settings: &mut Vec<Setting>) -> Read<()> {
    if depth > SETTINGS_DEPTH_MAX {
        return refuse(format!("settings.{}", shown(&key)), "nested too deeply", "at most 8 levels");
    }
    if key.len() > SETTING_KEY_BYTES_MAX {
        let expected = format!("a key of at most {SETTING_KEY_BYTES_MAX} bytes with its tables");
        return refuse(format!("settings.{}", shown(&key)), format!("{} bytes long", key.len()), expected);
    }
    let value = match value {
        Value::Table(entries) => {
            return entries
                .iter()
                .try_for_each(|(name, entry)| flatten(format!("{key}.{name}"), entry, depth + 1, settings));
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                let (field, before) = (format!("{key}.{place}"), settings.len());
                flatten(field.clone(), item, depth + 1, settings)?;
                // Plugins read a list up to the first place that has nothing.
                if settings.len() == before {
                    let expected = "a value in it: what follows it in the list would not be found";
                    return refuse(format!("settings.{}", shown(&field)), "empty", expected);
                }
            }
            return Ok(());
        }
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Datetime(time) => time.to_string(),
    };
    if settings.len() == SETTINGS_MAX {
        return refuse(
            "settings",
            format!("more than {SETTINGS_MAX} values"),
            format!("at most {SETTINGS_MAX}"),
        );
    }
    settings.push(Setting { key, value });
    Ok(())
}

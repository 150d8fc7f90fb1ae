//! One number out of a payload: where it stands, how it is calibrated, what it can be, what it counts.
//!
//! `value = raw * scale + offset`, held against the limits in the profile's unit, then converted. Not here: its stream.

use super::{
    ProfileError,
    payload::{Found, Payload, Wrong, is_pointer},
    section::Section,
    units::Foreign,
};
use crate::{
    heard::{Problem, possible},
    nearest::nearest,
};
use serde_json::Value;

/// A `map` has at most so many words.
pub const MAP_MAX: usize = 32;
/// The keys that a measure has in a profile.
pub(super) const KEYS: [&str; 6] = ["pointer", "unit", "calibration", "limits", "map", "optional"];

#[derive(Debug, Clone)]
pub(super) struct Measure {
    pub(super) pointer: Option<String>,
    pub(super) unit: Foreign,
    scale: f64,
    offset: f64,
    limits: Option<(f64, f64)>,
    map: Vec<(String, f64)>,
    is_optional: bool,
}

pub(super) fn pointer(section: &Section<'_>, key: &str) -> Result<Option<String>, ProfileError> {
    match section.text(key)? {
        Some(text) if is_pointer(text) => Ok(Some(text.to_owned())),
        Some(_) => Err(section.refuse_with(
            key,
            "a JSON pointer of at most 128 bytes",
            Some(
                "a pointer is like `/ENERGY/Power`; leave it out to take the whole payload as a text".into(),
            ),
        )),
        None => Ok(None),
    }
}

pub(super) fn unit(section: &Section<'_>) -> Result<Foreign, ProfileError> {
    let name = section.required("unit")?;
    Foreign::parse(name).ok_or_else(|| {
        let hint = match nearest(name, Foreign::names()) {
            Some(near) => format!("the nearest unit is `{near}`"),
            None => format!("units are {}", Foreign::names().collect::<Vec<_>>().join(", ")),
        };
        section.refuse_with("unit", "a unit", Some(hint))
    })
}

impl Measure {
    pub(super) fn parse(section: &Section<'_>) -> Result<Self, ProfileError> {
        let (mut scale, mut offset, mut limits, mut map) = (1.0, 0.0, None, Vec::new());
        if let Some(calibration) = section.section("calibration")? {
            calibration.only(&["scale", "offset"])?;
            let hint = || Some("a scale is units per count, e.g. 0.1".to_owned());
            scale = match calibration.number("scale") {
                Ok(Some(scale)) if scale != 0.0 => scale,
                Ok(None) => 1.0,
                _ => return Err(calibration.refuse_with("scale", "a number other than 0", hint())),
            };
            offset = calibration.number("offset")?.unwrap_or(0.0);
        }
        if let Some(section) = section.section("limits")? {
            section.only(&["min", "max"])?;
            let min = section.number("min")?.unwrap_or(f64::NEG_INFINITY);
            let max = section.number("max")?.unwrap_or(f64::INFINITY);
            if min > max {
                return Err(section.refuse("min", "no more than `max`"));
            }
            limits = Some((min, max));
        }
        if let Some(section) = section.section("map")? {
            if section.len() > MAP_MAX {
                return Err(section.refuse("", format!("at most {MAP_MAX} words")));
            }
            for (word, _) in section.entries() {
                let number = section.number(word)?.ok_or_else(|| section.refuse(word, "a number"))?;
                map.push((word.to_owned(), number));
            }
        }
        Ok(Self {
            pointer: pointer(section, "pointer")?,
            unit: unit(section)?,
            scale,
            offset,
            limits,
            map,
            is_optional: section.flag("optional")?.unwrap_or(false),
        })
    }

    /// The number in Aisle's unit; nothing when it is missing and may be.
    pub(super) fn read(&self, payload: &Payload<'_>) -> Result<Option<f64>, Wrong> {
        let path = self.pointer.as_deref().unwrap_or_default();
        let Some(found) = payload.find(self.pointer.as_deref())? else {
            return if self.is_optional {
                Ok(None)
            } else {
                Err(Wrong::new(path, "is missing", Problem::Payload))
            };
        };
        let wrong = |reason: String| Wrong::new(path, reason, Problem::Value);
        let value = self.raw(found, path)? * self.scale + self.offset;
        if let Some((min, max)) = self.limits.filter(|(min, max)| !(*min..=*max).contains(&value)) {
            let unit = self.unit.name;
            return Err(wrong(format!("is {value} {unit}, outside its limits of {min} to {max}")));
        }
        possible(self.unit.unit, self.unit.convert(value)).map(Some).map_err(wrong)
    }

    fn raw(&self, found: Found<'_>, path: &str) -> Result<f64, Wrong> {
        if !self.map.is_empty()
            && let Some(text) = found.text()
            && let Some((_, number)) = self.map.iter().find(|(word, _)| *word == text)
        {
            return Ok(*number);
        }
        let text = match found {
            Found::Json(Value::Number(number)) => {
                return number.as_f64().ok_or_else(|| Wrong::new(path, "is no number", Problem::Value));
            }
            Found::Json(Value::Bool(is)) if self.map.is_empty() => return Ok(f64::from(u8::from(*is))),
            Found::Json(Value::String(text)) => text.trim(),
            Found::Text(text) => text,
            Found::Json(value) => {
                let kind = match value {
                    Value::Array(_) => "is a list",
                    Value::Object(_) => "is an object",
                    _ => "is a word that its `map` does not have",
                };
                return Err(Wrong::new(path, format!("{kind}, expected a number"), Problem::Payload));
            }
        };
        let shown = || text.chars().take(40).collect::<String>();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => {
                let reason = format!("is `{}`, expected a finite number", shown());
                Err(Wrong::new(path, reason, Problem::Value))
            }
            Err(_) => {
                let reason = format!("is `{}`, expected a number", shown());
                let mut wrong = Wrong::new(path, reason, Problem::Payload);
                if !self.map.is_empty() {
                    let words: Vec<&str> = self.map.iter().map(|(word, _)| word.as_str()).collect();
                    wrong.hint = Some(format!("its `map` has `{}`", words.join("`, `")));
                }
                Err(wrong)
            }
        }
    }
}

//! A plugin's own settings, from `[settings]` of its `plugin.toml`: typed, with the key in every complaint.
//!
//! ```toml
//! [settings]
//! percent = 20
//! categories = ["bakery", "fruit"]
//! [[settings.offers]]
//! sku = "APPLE"
//! ```
//! come as `percent`, `categories.0`, `categories.1`, `offers.0.sku`.

use crate::{Context, Failure, Setting, day};
use std::str::FromStr;

impl Context {
    /// The plugin's own settings.
    pub fn settings(&self) -> Settings<'_> {
        Settings { all: &self.settings, prefix: String::new() }
    }
}

/// Settings, or the part of them below a key.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    all: &'a [Setting],
    /// Empty, or a key and a dot.
    prefix: String,
}

impl<'a> Settings<'a> {
    /// The value of a key as it stands.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        // What differs most is looked at first: a plugin reads all of its settings at each call.
        let length = self.prefix.len() + key.len();
        let is_it = |setting: &&Setting| {
            setting.key.len() == length && setting.key.ends_with(key) && setting.key.starts_with(&self.prefix)
        };
        self.all.iter().find(is_it).map(|setting| setting.value.as_str())
    }

    /// The value of a key, where it is set.
    ///
    /// # Errors
    /// When it is set to what is no `T`.
    pub fn optional<T: FromStr>(&self, key: &str) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.wrong(key, text))
    }

    /// The value of a key.
    ///
    /// # Errors
    /// When it is not set, or to what is no `T`.
    pub fn required<T: FromStr>(&self, key: &str) -> Result<T, Failure> {
        let missing = || Failure::new(["setting `", &self.prefix, key, "` is missing"].concat());
        self.optional(key)?.ok_or_else(missing)
    }

    /// The value of a key, or another where it is not set.
    ///
    /// # Errors
    /// When it is set to what is no `T`.
    pub fn or<T: FromStr>(&self, key: &str, default: T) -> Result<T, Failure> {
        Ok(self.optional(key)?.unwrap_or(default))
    }

    /// A date like `2026-11-21` as days since 1970, where it is set.
    ///
    /// # Errors
    /// When it is set to what is no date.
    pub fn day(&self, key: &str) -> Result<Option<i32>, Failure> {
        let Some(text) = self.text(key) else { return Ok(None) };
        day::parse(text).map(Some).ok_or_else(|| self.wrong(key, text))
    }

    /// The texts of a list, `categories = ["bakery", "fruit"]`, or the one text where there is no list: `categories = "bakery"`.
    pub fn texts(&self, key: &str) -> Vec<&'a str> {
        let list = self.below(key);
        let places = (0..).map_while(|place| list.text(&digits(place)));
        self.text(key).into_iter().chain(places).collect()
    }

    /// The tables of a list: `[[settings.offers]]`.
    pub fn list(&self, key: &str) -> Vec<Settings<'a>> {
        let list = self.below(key);
        let tables = (0..).map(|place| list.below(&digits(place)));
        tables.take_while(|table| !table.all.is_empty()).collect()
    }

    /// The table of a key.
    pub fn below(&self, key: &str) -> Settings<'a> {
        let prefix = [&self.prefix, key, "."].concat();
        // They come sorted, so what is below a key lies together. Were they not, nothing would be lost.
        let is_below = |setting: &Setting| {
            let (all, from) = (setting.key.as_bytes(), self.prefix.len());
            let own = all.get(from..).zip(prefix.as_bytes().get(from..));
            own.is_some_and(|(rest, own)| rest.starts_with(own)) && setting.key.starts_with(&self.prefix)
        };
        let first = self.all.iter().position(is_below);
        let last = self.all.iter().rposition(is_below);
        let range = first.zip(last).and_then(|(first, last)| self.all.get(first..=last));
        Settings { all: range.unwrap_or_default(), prefix }
    }

    /// A complaint about a value, for rules that a type cannot have.
    pub fn wrong(&self, key: &str, value: &str) -> Failure {
        Failure::new(["setting `", &self.prefix, key, "` cannot be `", value, "`"].concat())
    }
}

/// A place in a list as it stands in a key. Not by `to_string`, which is ten times the work.
fn digits(place: usize) -> String {
    let mut digits = if place < 10 { String::new() } else { digits(place / 10) };
    digits.extend(u32::try_from(place % 10).ok().and_then(|digit| char::from_digit(digit, 10)));
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(entries: &[(&str, &str)]) -> Vec<Setting> {
        entries.iter().map(|(key, value)| Setting { key: (*key).into(), value: (*value).into() }).collect()
    }

    fn all(entries: &[Setting]) -> Settings<'_> {
        Settings { all: entries, prefix: String::new() }
    }

    #[test]
    fn values_are_typed_and_complaints_name_the_key() {
        let entries = settings(&[("percent", "20"), ("word", "ten"), ("on", "true")]);
        let settings = all(&entries);
        assert_eq!(settings.required("percent"), Ok(20_i64));
        assert_eq!(settings.or("other", 7_u32), Ok(7));
        assert_eq!(settings.optional("on"), Ok(Some(true)));
        assert_eq!(settings.required::<i64>("word"), Err(Failure::new("setting `word` cannot be `ten`")));
        assert_eq!(settings.required::<i64>("other"), Err(Failure::new("setting `other` is missing")));
    }

    #[test]
    fn lists_of_texts_and_of_tables_are_read_in_order() {
        let entries = settings(&[
            ("categories.0", "bakery"),
            ("categories.1", "fruit"),
            ("offers.0.sku", "A"),
            ("offers.0.buy", "3"),
            ("offers.1.sku", "B"),
            ("offers.1.buy", "none"),
            ("offers.10.sku", "not reached: there is no 2"),
        ]);
        let settings = all(&entries);
        assert_eq!(settings.texts("categories"), ["bakery", "fruit"]);
        let offers = settings.list("offers");
        assert_eq!(offers.iter().map(|offer| offer.text("sku")).collect::<Vec<_>>(), [Some("A"), Some("B")]);
        let wrong = offers[1].required::<i64>("buy").unwrap_err();
        assert_eq!(wrong.reason, "setting `offers.1.buy` cannot be `none`");
        assert!(settings.list("none").is_empty() && settings.texts("none").is_empty());
    }

    #[test]
    fn one_text_is_a_list_of_one() {
        let entries = settings(&[("categories", "tobacco")]);
        assert_eq!(all(&entries).texts("categories"), ["tobacco"]);
    }

    #[test]
    fn the_order_of_settings_does_not_matter() {
        let entries =
            settings(&[("offers.1.sku", "B"), ("percent", "1"), ("offers.0.sku", "A"), ("offersx", "C")]);
        let offers = all(&entries).list("offers");
        assert_eq!(offers.iter().map(|offer| offer.text("sku")).collect::<Vec<_>>(), [Some("A"), Some("B")]);
        let long: Vec<(String, String)> = (0..120).map(|n| (format!("n.{n}"), n.to_string())).collect();
        let long: Vec<(&str, &str)> =
            long.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let entries = settings(&long);
        assert_eq!(all(&entries).texts("n").last(), Some(&"119"));
    }

    #[test]
    fn dates_are_read_as_days() {
        let entries = settings(&[("from", "2026-11-21"), ("to", "soon")]);
        assert_eq!(all(&entries).day("from"), Ok(Some(20_778)));
        assert_eq!(all(&entries).day("none"), Ok(None));
        assert!(all(&entries).day("to").is_err());
    }
}

//! Topic patterns: `tele/{device}/SENSOR`, `{device}/sensor/{name}_temperature/state`.
//!
//! Each level is compared once with one prefix and one suffix, so that no pattern is slow on any topic. Not here: what is done
//! with the places. Guards invariant 6 by [`PATTERN_BYTES_MAX`] and [`LEVELS_MAX`].

/// A pattern's length.
pub const PATTERN_BYTES_MAX: usize = 128;
/// A pattern's levels.
pub const LEVELS_MAX: usize = 8;
/// The place that every pattern has.
pub(super) const DEVICE: &str = "device";

/// A topic with named places and wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    levels: Vec<Level>,
    /// It ends in `#`.
    is_open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    Any,
    Template(Template),
}

impl Level {
    /// Whether some text is of both forms.
    fn meets(&self, other: &Self) -> bool {
        let (Self::Template(one), Self::Template(other)) = (self, other) else { return true };
        match (&one.place, &other.place) {
            (None, _) => other.find(&one.prefix).is_some(),
            (_, None) => one.find(&other.prefix).is_some(),
            // The place is as long as it must be; so the beginnings and the ends are all that can differ.
            _ => {
                let begins = one.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&one.prefix);
                begins && (one.suffix.ends_with(&other.suffix) || other.suffix.ends_with(&one.suffix))
            }
        }
    }
}

/// A text with at most one named place in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Template {
    prefix: String,
    place: Option<String>,
    suffix: String,
}

/// What stands in the places of a topic.
pub(super) type Places<'a> = Vec<(&'a str, &'a str)>;

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let Some((prefix, rest)) = text.split_once('{') else {
            return if text.contains('}') {
                Err("a `{` for each `}`")
            } else {
                Ok(Self { prefix: text.to_owned(), ..Self::default() })
            };
        };
        let (place, suffix) = rest.split_once('}').ok_or("a `}` for each `{`")?;
        if suffix.contains(['{', '}']) || prefix.contains('}') {
            return Err("one place in a level");
        }
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        if place.is_empty() || place.len() > 16 || !place.bytes().all(is_name) {
            return Err("names of places with 1 to 16 of a-z and _");
        }
        Ok(Self { prefix: prefix.to_owned(), place: Some(place.to_owned()), suffix: suffix.to_owned() })
    }

    pub(super) fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// What stands in the place, when the text is of this form.
    fn find<'a>(&self, text: &'a str) -> Option<&'a str> {
        match self.place {
            Some(_) => text.strip_prefix(self.prefix.as_str())?.strip_suffix(self.suffix.as_str()),
            None => (text == self.prefix).then_some(""),
        }
    }

    pub(super) fn fill(&self, places: &[(&str, &str)]) -> String {
        let of = |name: &str| places.iter().find(|(place, _)| *place == name).map_or("", |(_, text)| text);
        format!("{}{}{}", self.prefix, self.place().map_or("", of), self.suffix)
    }
}

impl Pattern {
    /// A pattern, or what was expected of it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err("at most 128 bytes");
        }
        if text.starts_with('$') || text.contains(char::is_control) {
            return Err("a topic that does not begin with `$` and has no control characters");
        }
        let (text, is_open) = match text.strip_suffix("/#") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let mut levels = Vec::new();
        for level in text.split('/') {
            levels.push(match level {
                "+" => Level::Any,
                level if level.contains(['+', '#']) => {
                    return Err("`+` as a whole level, and `#` as the last only");
                }
                level => Level::Template(Template::parse(level)?),
            });
        }
        if levels.len() + usize::from(is_open) > LEVELS_MAX {
            return Err("at most 8 levels");
        }
        let pattern = Self { levels, is_open };
        let places: Vec<&str> = pattern.places().collect();
        if places.iter().filter(|place| **place == DEVICE).count() != 1 {
            return Err("`{device}` in one level, where the device's name stands");
        }
        if places.iter().enumerate().any(|(at, place)| places.iter().skip(at + 1).any(|other| other == place))
        {
            return Err("each place once");
        }
        let is_literal = |level: &Level| matches!(level, Level::Template(it) if it.place.is_none() && !it.prefix.is_empty());
        if !pattern.levels.iter().any(is_literal) {
            return Err("a level that is a word, so that not every topic is meant");
        }
        Ok(pattern)
    }

    /// Its named places.
    pub(super) fn places(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().filter_map(|level| match level {
            Level::Template(template) => template.place(),
            Level::Any => None,
        })
    }

    /// What stands in its places, when the topic is of this form.
    pub(super) fn find<'a>(&'a self, topic: &'a str) -> Option<Places<'a>> {
        let mut levels = topic.split('/');
        let mut places = Places::new();
        for level in &self.levels {
            let text = levels.next()?;
            let Level::Template(template) = level else { continue };
            let found = template.find(text)?;
            if let Some(place) = template.place() {
                // A device without a name is none.
                if place == DEVICE && !crate::topic::is_name(found) {
                    return None;
                }
                places.push((place, found));
            }
        }
        (self.is_open || levels.next().is_none()).then_some(places)
    }

    /// Whether some topic is of this form and of the other one.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let fits = |open: &Self, levels: usize| {
            if open.is_open { open.levels.len() <= levels } else { open.levels.len() == levels }
        };
        let (ours, theirs) = (self.levels.len(), other.levels.len());
        // What one has beyond the other stands where that one takes anything.
        let is_as_long = fits(self, theirs) || fits(other, ours);
        is_as_long && self.levels.iter().zip(&other.levels).all(|(one, another)| one.meets(another))
    }

    /// The MQTT filter of the topics of this form.
    pub(super) fn filter(&self) -> String {
        let level = |level: &Level| match level {
            Level::Template(Template { prefix, place: None, .. }) => prefix.clone(),
            Level::Template(_) | Level::Any => "+".to_owned(),
        };
        let mut filter = self.levels.iter().map(level).collect::<Vec<_>>().join("/");
        if self.is_open {
            filter.push_str("/#");
        }
        filter
    }

    /// The topic with its places filled; nothing when it has wildcards or other places.
    pub(super) fn fill(&self, device: &str) -> Option<String> {
        let level = |level: &Level| match level {
            Level::Template(template) if template.place().is_none_or(|place| place == DEVICE) => {
                Some(template.fill(&[(DEVICE, device)]))
            }
            _ => None,
        };
        if self.is_open {
            return None;
        }
        Some(self.levels.iter().map(level).collect::<Option<Vec<_>>>()?.join("/"))
    }

    /// Some topic of this form.
    pub(super) fn example(&self) -> String {
        let level = |level: &Level| match level {
            Level::Template(template) => template
                .fill(&template.place().map(|place| (place, "device")).into_iter().collect::<Vec<_>>()),
            Level::Any => "any".to_owned(),
        };
        self.levels.iter().map(level).collect::<Vec<_>>().join("/")
    }
}

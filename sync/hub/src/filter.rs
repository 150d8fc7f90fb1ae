//! What somebody asks of the list of stores, in a line of text: `berlin is:away -region:eu runs:plugin/multi-buy@1.2.0 @small-and-old`.
//!
//! Words are looked for in the store's name; a word with a colon asks something else; a minus before it turns it round; what has spaces stands in
//! quotes; an `@` before it means what was saved under this name. All of it has to hold, but of several regions one. Not here: SQL ([`crate::database`]), what is saved
//! ([`crate::fleet::grid`]), the pages.
//! Guards: a filter has a bound in bytes and terms, and what cannot be understood is told and left out, never guessed.

use crate::people::who::Reach;
use aisle_protocol::Hash;
use data_encoding::HEXLOWER_PERMISSIVE;

/// The longest filter, in bytes; what is behind is left out.
pub const TEXT_BYTES_MAX: usize = 256;
/// The most terms; those behind are left out.
pub const TERMS_MAX: usize = 12;

/// What a store can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Is {
    /// A node of it is connected.
    Connected,
    /// It came before, and no node of it is connected.
    Away,
    /// It is registered and never came.
    Never,
    /// When it came last it had events that are not here.
    Behind,
    /// A log of it is in quarantine.
    Forked,
    /// It does not run what it is to run, for either of the next two reasons.
    Drifting,
    /// A node has not answered what it is to become.
    Waiting,
    /// A node says that something cannot run.
    Refused,
    /// A node applies a policy before the one that is wanted.
    OldPolicy,
    /// A node of it is banned.
    Banned,
    /// An erasure waits for its receipt.
    Erasing,
}

impl Is {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Connected,
        Self::Away,
        Self::Never,
        Self::Behind,
        Self::Forked,
        Self::Drifting,
        Self::Waiting,
        Self::Refused,
        Self::OldPolicy,
        Self::Banned,
        Self::Erasing,
    ];

    /// As it is written behind `is:`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Away => "away",
            Self::Never => "never",
            Self::Behind => "behind",
            Self::Forked => "forked",
            Self::Drifting => "drifting",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::OldPolicy => "old-policy",
            Self::Banned => "banned",
            Self::Erasing => "erasing",
        }
    }

    /// What it means.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Connected => "a node is connected",
            Self::Away => "it came before, and is not connected",
            Self::Never => "it is registered and never came",
            Self::Behind => "it had events that are not here when it came last",
            Self::Forked => "a log of it is in quarantine",
            Self::Drifting => "it does not run what it is to run",
            Self::Waiting => "a node has not answered what it is to become",
            Self::Refused => "a node says that something cannot run",
            Self::OldPolicy => "a node applies an older policy than the wanted one",
            Self::Banned => "a node of it is banned",
            Self::Erasing => "an erasure waits for the store's receipt",
        }
    }
}

/// What one term asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The store's name has this in it.
    Name(String),
    /// It lies in this region.
    Region(String),
    /// It is so.
    Is(Is),
    /// Something of this name runs in it, of a version where one is given.
    Runs {
        /// A kind, or a kind and a name.
        name: String,
        /// The version.
        version: Option<String>,
    },
    /// This content runs in it.
    Has(Hash),
    /// A node applies this version of the policy.
    Policy(u32),
    /// A node's program has this in its name.
    Software(String),
    /// People gave it this label; with this value, where one is given.
    Label {
        /// Its key.
        key: String,
        /// Its value.
        value: Option<String>,
    },
}

/// A saved filter that is asked for by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// True when it must not mean a node of the store.
    pub is_not: bool,
    /// Its name.
    pub name: String,
}

/// A part of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// True when it must not be so.
    pub is_not: bool,
    /// What.
    pub what: What,
}

/// What stores have to be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<Term>,
    saved: Vec<Saved>,
    reach: Option<Reach>,
}

impl Filter {
    /// Of one thing.
    #[must_use]
    pub fn of(what: What) -> Self {
        Self { terms: vec![Term { is_not: false, what }], ..Self::default() }
    }

    /// The same, and this.
    #[must_use]
    pub fn and(mut self, is_not: bool, what: What) -> Self {
        self.terms.push(Term { is_not, what });
        self
    }

    /// The same of the stores that somebody may see.
    #[must_use]
    pub fn within(self, reach: Reach) -> Self {
        Self { reach: Some(reach), ..self }
    }

    /// Where stores have to lie; anywhere, where nobody has said.
    #[must_use]
    pub const fn reach(&self) -> Option<&Reach> {
        self.reach.as_ref()
    }

    /// All that is asked.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Saved filters that are asked for. The database knows none of them: while one is here, no store is found.
    #[must_use]
    pub fn saved(&self) -> &[Saved] {
        &self.saved
    }

    /// Takes them out, for whoever looks them up.
    #[must_use]
    pub fn take_saved(&mut self) -> Vec<Saved> {
        std::mem::take(&mut self.saved)
    }

    /// Reads a line of text, and says of each part that cannot be understood why not.
    #[must_use]
    pub fn parse(text: &str) -> (Self, Vec<String>) {
        let mut faults = Vec::new();
        let whole = text.len() <= TEXT_BYTES_MAX;
        let end =
            (0..=TEXT_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let mut words = words(text.get(..end).unwrap_or_default());
        if !whole || words.len() > TERMS_MAX {
            faults.push(format!("only the first {TERMS_MAX} parts and {TEXT_BYTES_MAX} bytes count"));
        }
        words.truncate(TERMS_MAX);
        let (mut terms, mut saved) = (Vec::with_capacity(words.len()), Vec::new());
        for word in words {
            let is_not = word.is_not;
            match word.meaning() {
                Ok(Meaning::Asks(what)) => terms.push(Term { is_not, what }),
                Ok(Meaning::Saved(name)) => saved.push(Saved { is_not, name }),
                Err(fault) => faults.push(fault),
            }
        }
        (Self { terms, saved, reach: None }, faults)
    }
}

/// A part of the text as it was written, without quotes.
struct Word {
    is_not: bool,
    text: String,
    /// Where the first colon is that stands in no quotes.
    colon: Option<usize>,
    /// Whether it begins with an `@` that stands in no quotes.
    is_saved: bool,
}

/// What a part comes to.
enum Meaning {
    Asks(What),
    Saved(String),
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut is_quoted = false;
    for sign in text.chars() {
        if sign.is_whitespace() && !is_quoted {
            words.extend(word.take());
            continue;
        }
        let begun = word.is_some();
        let word = word.get_or_insert_with(|| Word {
            is_not: false,
            text: String::new(),
            colon: None,
            is_saved: false,
        });
        match sign {
            '"' => is_quoted = !is_quoted,
            '-' if !begun => word.is_not = true,
            '@' if !is_quoted && word.text.is_empty() => {
                word.is_saved = true;
                word.text.push('@');
            }
            ':' if !is_quoted && word.colon.is_none() => {
                word.colon = Some(word.text.len());
                word.text.push(':');
            }
            sign => word.text.push(sign),
        }
    }
    words.extend(word);
    words.retain(|word| !word.text.is_empty());
    words
}

/// What may stand before a colon.
const KEYS: [&str; 7] = ["region", "is", "runs", "has", "policy", "software", "label"];
/// The label that a store has of itself: where it lies.
const REGION: &str = "region";

impl Word {
    fn meaning(&self) -> Result<Meaning, String> {
        match self.text.strip_prefix('@').filter(|_| self.is_saved) {
            Some("") => Err("`@` names no saved filter".to_owned()),
            Some(name) => Ok(Meaning::Saved(name.to_owned())),
            None => self.asks().map(Meaning::Asks),
        }
    }

    fn asks(&self) -> Result<What, String> {
        let named = || Ok(What::Name(self.text.clone()));
        let Some((key, value)) = self.colon.and_then(|at| self.text.split_at_checked(at)) else {
            return named();
        };
        let value = value.strip_prefix(':').unwrap_or(value);
        if KEYS.contains(&key) && value.is_empty() {
            return Err(format!("`{key}:` says nothing"));
        }
        match key {
            "region" => Ok(What::Region(value.to_owned())),
            "is" => is(value),
            "runs" => {
                let (name, version) = value.split_once('@').map_or((value, None), |(name, version)| {
                    (name, Some(version.to_owned()).filter(|version| !version.is_empty()))
                });
                Ok(What::Runs { name: name.to_owned(), version })
            }
            "has" => {
                let bytes = HEXLOWER_PERMISSIVE.decode(value.as_bytes()).ok();
                let hash = bytes.and_then(|bytes| bytes.try_into().ok()).map(|bytes| What::Has(Hash(bytes)));
                hash.ok_or_else(|| format!("`has:{value}`: a content has 64 hexadecimal digits"))
            }
            "policy" => value
                .parse()
                .map(What::Policy)
                .map_err(|_| format!("`policy:{value}`: the version of a policy is a number")),
            "software" => Ok(What::Software(value.to_owned())),
            "label" => Ok(label(value)),
            // A store's name may have a colon.
            other => match nearest(other, KEYS.into_iter()) {
                Some(near) => Err(format!(
                    "`{other}:` asks nothing; did you mean `{near}:`? What is meant as it stands belongs in quotes"
                )),
                None => named(),
            },
        }
    }
}

fn label(text: &str) -> What {
    let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value)));
    match value {
        Some(region) if key == REGION => What::Region(region.to_owned()),
        value => What::Label { key: key.to_owned(), value: value.map(str::to_owned) },
    }
}

fn is(value: &str) -> Result<What, String> {
    if let Some(found) = Is::ALL.into_iter().find(|known| known.as_str() == value) {
        return Ok(What::Is(found));
    }
    let near = nearest(value, Is::ALL.into_iter().map(Is::as_str));
    let meant = near.map_or_else(String::new, |near| format!("; did you mean `is:{near}`?"));
    Err(format!("`is:{value}` is nothing that a store can be{meant}"))
}

/// The one that a misspelt word is nearest to, when one is near. A filter is bounded, so this is quick.
fn nearest(word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    known
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .min()
        .filter(|(apart, known)| *apart <= 1.max(known.len() / 3))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Term> {
        let (filter, faults) = Filter::parse(text);
        assert_eq!(faults, Vec::<String>::new(), "{text}");
        filter.terms
    }

    fn so(what: What) -> Term {
        Term { is_not: false, what }
    }

    #[test]
    fn words_and_questions_are_told_apart() {
        assert_eq!(read("   "), vec![]);
        let name = |name: &str| so(What::Name(name.into()));
        assert_eq!(read("Berlin 12"), vec![name("Berlin"), name("12")]);
        assert_eq!(
            read("\"New York\" shop:7 \"is:away\""),
            vec![name("New York"), name("shop:7"), name("is:away")]
        );
        let away = What::Is(Is::Away);
        let not_away = Term { is_not: true, what: away.clone() };
        assert_eq!(
            read("is:away -is:away region:eu"),
            vec![so(away), not_away, so(What::Region("eu".into()))]
        );
        let runs = |name: &str, version: Option<&str>| What::Runs {
            name: name.into(),
            version: version.map(Into::into),
        };
        assert_eq!(
            read("runs:plugin/a runs:plugin/a@1.2 runs:model@"),
            vec![so(runs("plugin/a", None)), so(runs("plugin/a", Some("1.2"))), so(runs("model", None))]
        );
        let hash = "Ab".repeat(32);
        assert_eq!(
            read(&format!("policy:3 has:{hash} software:aisle-node")),
            vec![
                so(What::Policy(3)),
                so(What::Has(Hash([0xab; 32]))),
                so(What::Software("aisle-node".into()))
            ]
        );
    }

    #[test]
    fn labels_and_saved_filters_are_asked_for() {
        let label = |key: &str, value: Option<&str>| {
            so(What::Label { key: key.into(), value: value.map(Into::into) })
        };
        assert_eq!(
            read("label:country=de label:pilot label:pilot= label:region=eu"),
            vec![
                label("country", Some("de")),
                label("pilot", None),
                label("pilot", Some("")),
                so(What::Region("eu".into()))
            ]
        );
        let (filter, faults) = Filter::parse("@small-and-old -@pilots \"@home\" berlin");
        let saved = |is_not, name: &str| Saved { is_not, name: name.into() };
        assert_eq!(
            (filter.saved(), faults.len()),
            (&[saved(false, "small-and-old"), saved(true, "pilots")][..], 0)
        );
        assert_eq!(filter.terms, vec![so(What::Name("@home".into())), so(What::Name("berlin".into()))]);
    }

    #[test]
    fn what_cannot_be_understood_is_told_and_left_out() {
        for (text, said) in [
            ("is:conected", "did you mean `is:connected`?"),
            ("is:open", "is nothing that a store can be"),
            ("is:", "`is:` says nothing"),
            ("regoin:eu", "did you mean `region:`?"),
            ("policy:new", "is a number"),
            ("has:abc", "64 hexadecimal digits"),
            ("label:", "`label:` says nothing"),
            ("@", "names no saved filter"),
        ] {
            let (filter, faults) = Filter::parse(&format!("berlin {text}"));
            assert_eq!(filter.terms, vec![so(What::Name("berlin".into()))], "{text}");
            assert!(faults.len() == 1 && faults[0].contains(said), "{text}: {faults:?}");
        }
    }

    #[test]
    fn a_filter_has_a_bound_and_any_text_is_read() {
        let (filter, faults) = Filter::parse(&"a ".repeat(1_000));
        assert_eq!((filter.terms.len(), faults.len()), (TERMS_MAX, 1));
        let (filter, faults) = Filter::parse(&"é".repeat(1_000));
        assert_eq!((filter.terms.len(), faults.len()), (1, 1));
        for text in ["-", "\"", ":", "-:", "::", "\"\"", "is:\"", "'; DROP TABLE stores; --", "%_\\"] {
            let _ = Filter::parse(text);
        }
    }

    #[test]
    fn everything_that_a_store_can_be_reads_back() {
        for is in Is::ALL {
            assert_eq!(read(&format!("is:{}", is.as_str())), vec![so(What::Is(is))]);
        }
    }
}

//! From what is written to what holds: every name exists, every field has one rule, every rule can be carried out.

use super::{
    Action, AggregateRule, Destination, Form, Noise, POLICY_BYTES_MAX, Policy, PolicyError, Problem,
    RULES_MAX, Rule,
    error::class_word,
    form::{CATEGORIES_MAX, PREFIX_CHARS_MAX},
    raw::{RawAggregate, RawDestination, RawForm, RawPolicy, RawRule, Word},
};
use crate::{
    name::{Purpose, Region},
    precision::Precision,
    shape::{Many, Shape},
    token,
    vocabulary::{self, Path},
};
use aisle_event::{Class, Event, EventType, Field, FieldClass};
use aisle_protocol::{Hash, PolicyId};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};
use toml::Spanned;

/// What is repeated of a name that a policy misspells.
const NAME_CHARS_MAX: usize = 128;

pub(super) fn read(bytes: &[u8]) -> Result<Policy, PolicyError> {
    let at_start = |problem| PolicyError { line: 1, problem };
    if bytes.len() > POLICY_BYTES_MAX {
        return Err(at_start(Problem::TooLarge { bytes: bytes.len(), bytes_max: POLICY_BYTES_MAX }));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| at_start(Problem::NotText))?;
    let reader = Reader { text };
    let raw: RawPolicy = toml::from_str(text).map_err(|error| {
        reader.refuse(error.span().unwrap_or(0..0), Problem::Syntax(error.message().trim_end().to_owned()))
    })?;
    reader.policy(&raw)
}

struct Reader<'a> {
    text: &'a str,
}

type Checked<T> = Result<T, PolicyError>;

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn refuse(&self, span: Range<usize>, problem: Problem) -> PolicyError {
        PolicyError { line: self.line(&span), problem }
    }

    fn region(&self, text: &Spanned<String>) -> Checked<Region> {
        Region::new(text.get_ref()).map_err(|error| self.refuse(text.span(), Problem::Name(error)))
    }

    fn policy(&self, raw: &RawPolicy) -> Checked<Policy> {
        if *raw.aisle_policy.get_ref() != 1 {
            return Err(
                self.refuse(raw.aisle_policy.span(), Problem::Format { found: *raw.aisle_policy.get_ref() })
            );
        }
        if *raw.version.get_ref() == 0 {
            return Err(self.refuse(raw.version.span(), Problem::Version));
        }
        for (what, count) in [
            ("destinations", raw.destination.len()),
            ("rules", raw.rule.len()),
            ("aggregates", raw.aggregate.len()),
        ] {
            if count > RULES_MAX {
                return Err(self.refuse(0..0, Problem::TooMany { what, max: RULES_MAX }));
            }
        }
        let name = self.region(&raw.name)?;
        let home = self.region(&raw.home)?;
        let mut destinations = BTreeMap::new();
        for RawDestination { region, clock } in &raw.destination {
            let empty = Destination { precision: *clock, rules: BTreeMap::new(), aggregates: Vec::new() };
            if destinations.insert(self.region(region)?, empty).is_some() {
                return Err(
                    self.refuse(region.span(), Problem::TwoDestinations { region: short(region.get_ref()) })
                );
            }
        }
        for rule in &raw.rule {
            self.rule(rule, &mut destinations)?;
        }
        let mut names = BTreeSet::new();
        for aggregate in &raw.aggregate {
            let to = self.destination(&aggregate.to, &mut destinations)?;
            let checked = self.aggregate(aggregate, to)?;
            if !names.insert(checked.name.clone()) {
                return Err(self.refuse(aggregate.name.span(), Problem::TwoAggregates { name: checked.name }));
            }
            to.aggregates.push(checked);
        }
        for (region, destination) in &destinations {
            self.every_aggregated_field_is_used(region, destination)?;
        }
        let hash = Hash(*blake3::hash(self.text.as_bytes()).as_bytes());
        let id = PolicyId { version: *raw.version.get_ref(), hash };
        Ok(Policy { name: name.as_str().into(), home, id, destinations })
    }

    fn destination<'d>(
        &self,
        region: &Spanned<String>,
        destinations: &'d mut BTreeMap<Region, Destination>,
    ) -> Checked<&'d mut Destination> {
        let name = self.region(region)?;
        let nearest =
            vocabulary::nearest(name.as_str(), destinations.keys().map(Region::as_str)).map(str::to_owned);
        destinations.get_mut(&name).ok_or_else(|| {
            self.refuse(region.span(), Problem::UnknownDestination { region: name.to_string(), nearest })
        })
    }

    fn rule(&self, raw: &RawRule, destinations: &mut BTreeMap<Region, Destination>) -> Checked<()> {
        self.only_what_it_needs(raw)?;
        for (key, is_empty) in [("to", raw.to.is_empty()), ("fields", raw.fields.is_empty())] {
            if is_empty {
                return Err(self.refuse(raw.action.span(), Problem::Empty { key }));
            }
        }
        let basis = raw
            .basis
            .as_ref()
            .map(|basis| basis.get_ref().trim().to_owned())
            .filter(|basis| !basis.is_empty());
        for field in &raw.fields {
            for path in self.paths(field, *raw.action.get_ref())? {
                let action = self.action(raw, path)?;
                let lets_content_out = matches!(action, Action::Pass | Action::Coarsen(_));
                if lets_content_out && path.class() >= Class::Personal && basis.is_none() {
                    return Err(
                        self.refuse(field.span(), Problem::NoBasis { path, class: class_word(path.class()) })
                    );
                }
                for region in &raw.to {
                    let destination = self.destination(region, destinations)?;
                    let line = self.line(&field.span());
                    let rule = Rule { action: action.clone(), basis: basis.clone(), line };
                    if let Some(first) = destination.rules.insert(path, rule) {
                        let region = region.get_ref().clone();
                        return Err(
                            self.refuse(field.span(), Problem::TwoRules { path, region, first: first.line })
                        );
                    }
                }
            }
        }
        Ok(())
    }

    /// A key that says nothing is a mistake about what the rule does.
    fn only_what_it_needs(&self, raw: &RawRule) -> Checked<()> {
        let word = *raw.action.get_ref();
        let action = word.word();
        let superfluous = |key, span| Err(self.refuse(span, Problem::Superfluous { key, action }));
        match &raw.by {
            Some(by) if word != Word::Coarsen => return superfluous("by", by.span()),
            None if word == Word::Coarsen => {
                return Err(self.refuse(raw.action.span(), Problem::Missing { key: "by", action }));
            }
            _ => {}
        }
        match &raw.purpose {
            Some(purpose) if word != Word::Token => return superfluous("purpose", purpose.span()),
            None if word == Word::Token => {
                return Err(self.refuse(raw.action.span(), Problem::Missing { key: "purpose", action }));
            }
            _ => {}
        }
        match &raw.bits {
            Some(bits) if word != Word::Token => superfluous("bits", bits.span()),
            _ => Ok(()),
        }
    }

    fn action(&self, raw: &RawRule, path: Path) -> Checked<Action> {
        Ok(match (*raw.action.get_ref(), &raw.by, &raw.purpose) {
            (Word::Pass, ..) => Action::Pass,
            (Word::Aggregate, ..) => Action::Aggregate,
            (Word::Coarsen, Some(by), _) => Action::Coarsen(self.form(by, path)?),
            (Word::Token, _, Some(purpose)) => Action::Token {
                purpose: Purpose::new(purpose.get_ref())
                    .map_err(|error| self.refuse(purpose.span(), Problem::Name(error)))?,
                bits: self.bits(raw.bits.as_ref())?,
            },
            _ => Action::Drop,
        })
    }

    fn bits(&self, raw: Option<&Spanned<i64>>) -> Checked<u16> {
        let Some(raw) = raw else { return Ok(token::BITS_MIN) };
        let found = *raw.get_ref();
        u16::try_from(found)
            .ok()
            .filter(|bits| (token::BITS_MIN..=token::BITS_MAX).contains(bits) && bits % 8 == 0)
            .ok_or_else(|| self.refuse(raw.span(), Problem::Bits { found }))
    }

    /// The fields that are meant: one, or the open ones that a wildcard stands for.
    fn paths(&self, field: &Spanned<String>, word: Word) -> Checked<Vec<Path>> {
        let text = field.get_ref().as_str();
        let (event, rest) = text.split_once('.').unwrap_or((text, ""));
        if rest.starts_with('*') {
            let path = || short(text);
            if !matches!(word, Word::Pass | Word::Drop) {
                return Err(self.refuse(field.span(), Problem::WildcardAction { path: path() }));
            }
            let (kind, name, fields) = self.event(event, field.span())?;
            let last = fields.last().map_or(0, |field| field.number);
            let Some(through) = rest.strip_prefix("*<=").and_then(|number| number.parse::<u64>().ok()) else {
                let problem = Problem::OpenWildcard { path: path(), event: name.into(), last };
                return Err(self.refuse(field.span(), problem));
            };
            if through == 0 || through > last {
                let problem = Problem::WildcardBeyond { path: path(), event: name.into(), last };
                return Err(self.refuse(field.span(), problem));
            }
            let open = fields
                .iter()
                .filter(|field| field.number <= through && field.class == FieldClass::Leaf(Class::Open));
            return Ok(open.filter_map(|field| Path::numbered(kind, &[field.number])).collect());
        }
        self.path(field).map(|path| vec![path])
    }

    fn event(&self, name: &str, span: Range<usize>) -> Checked<(EventType, &'static str, &'static [Field])> {
        vocabulary::event_named(name).ok_or_else(|| {
            let event = short(name);
            let nearest =
                vocabulary::nearest(&event, Event::TYPES.iter().map(|(_, name, _)| *name)).map(str::to_owned);
            self.refuse(span, Problem::UnknownEvent { event, nearest })
        })
    }

    fn path(&self, field: &Spanned<String>) -> Checked<Path> {
        let text = field.get_ref().as_str();
        if let Some(path) = Path::named(text) {
            return Ok(path);
        }
        self.event(text.split_once('.').map_or(text, |(event, _)| event), field.span())?;
        let path = short(text);
        let inside = format!("{path}.");
        let problem = match Path::all().find(|known| known.as_str().starts_with(&inside)) {
            Some(inner) => Problem::Record { path, inner: inner.to_string() },
            None => {
                Problem::UnknownField { nearest: vocabulary::nearest_path(&path).map(str::to_owned), path }
            }
        };
        Err(self.refuse(field.span(), problem))
    }

    fn form(&self, by: &Spanned<RawForm>, path: Path) -> Checked<Form> {
        let raw = by.get_ref();
        let shape = path.shape();
        let steps = [
            ("money_minor", raw.money_minor, Shape::Money, "money"),
            ("quantity_thousandths", raw.quantity_thousandths, Shape::Quantity, "quantities"),
            ("measure_millionths", raw.measure_millionths, Shape::Measure, "measures"),
            ("number", raw.number, Shape::Number, "numbers"),
            ("days", raw.days, Shape::Day, "days"),
        ];
        let said = steps.iter().filter(|(_, step, ..)| step.is_some()).count()
            + usize::from(raw.time.is_some())
            + usize::from(raw.prefix.is_some())
            + usize::from(raw.category.is_some());
        if said != 1 || (raw.other.is_some() && raw.category.is_none()) {
            return Err(self.refuse(by.span(), Problem::Form));
        }
        let fits = |key, of, wanted: Shape| {
            if shape == wanted {
                Ok(())
            } else {
                Err(self.refuse(by.span(), Problem::FormOf { path, shape, key, of }))
            }
        };
        let value = |key, found: String, expected| {
            Err(self.refuse(by.span(), Problem::Value { key, found, expected }))
        };
        for (key, step, wanted, of) in steps {
            if let Some(step) = step {
                fits(key, of, wanted)?;
                return if step >= 2 {
                    Ok(Form::Step(step))
                } else {
                    value(key, step.to_string(), "2 or more")
                };
            }
        }
        if let Some(precision) = raw.time {
            fits("time", "times", Shape::Time)?;
            return if precision == Precision::Exact {
                value("time", "exact".into(), "`second`, `minute`, `hour`, `day` or `week`")
            } else {
                Ok(Form::Time(precision))
            };
        }
        if let Some(chars) = raw.prefix {
            fits("prefix", "text", Shape::Text)?;
            return if (1..=PREFIX_CHARS_MAX).contains(&chars) {
                Ok(Form::Prefix(chars))
            } else {
                value("prefix", chars.to_string(), "1 to 16 characters")
            };
        }
        fits("category", "text", Shape::Text)?;
        let of: Vec<_> = raw.category.clone().unwrap_or_default().into_iter().collect();
        if of.is_empty() || of.len() > CATEGORIES_MAX {
            return value("category", format!("{} entries", of.len()), "1 to 1024 entries");
        }
        Ok(Form::Category { of, other: raw.other.clone().unwrap_or_else(|| "other".into()) })
    }

    fn aggregate(&self, raw: &RawAggregate, to: &Destination) -> Checked<AggregateRule> {
        let name = self.region(&raw.name)?.to_string();
        let (event, event_name, _) = self.event(raw.event.get_ref(), raw.event.span())?;
        let used = |field: &Spanned<String>| {
            let path = self.path(field)?;
            if path.event() != event {
                return Err(self.refuse(field.span(), Problem::OtherEvent { path, event: event_name.into() }));
            }
            if !to.rules.get(&path).is_some_and(|rule| rule.action == Action::Aggregate) {
                let region = raw.to.get_ref().clone();
                return Err(
                    self.refuse(field.span(), Problem::AggregateRule { name: name.clone(), path, region })
                );
            }
            if path.entry().holds.many == Many::List {
                return Err(self.role(field, path, "an aggregate is made of single values"));
            }
            Ok(path)
        };
        let time = used(&raw.time)?;
        if time.shape() != Shape::Time || time.numbers().len() != 1 {
            return Err(self.role(&raw.time, time, "a window needs a time directly in the event"));
        }
        if *raw.window.get_ref() < Precision::Hour {
            let found = raw.window.get_ref().word().into();
            let problem = Problem::Value { key: "window", found, expected: "`hour`, `day` or `week`" };
            return Err(self.refuse(raw.window.span(), problem));
        }
        let each = used(&raw.each)?;
        let mut keys = Vec::new();
        for key in &raw.keys {
            let path = used(&key.field)?;
            if path.class() > Class::Pseudonymous {
                return Err(
                    self.refuse(key.field.span(), Problem::Key { path, class: class_word(path.class()) })
                );
            }
            keys.push((path, key.by.as_ref().map(|by| self.form(by, path)).transpose()?));
        }
        let mut sums = Vec::new();
        for sum in &raw.sums {
            let path = used(&sum.field)?;
            if !matches!(path.shape(), Shape::Money | Shape::Quantity | Shape::Number | Shape::Measure) {
                return Err(self.role(&sum.field, path, "only amounts can be summed"));
            }
            // With `rows_max` and millionths of epsilon this stays below 2^63: noise is never cut short.
            sums.push((path, self.bounded("at_most", &sum.at_most, 1..=1 << 32)?));
        }
        self.one_list(
            raw,
            &name,
            keys.iter().map(|(path, _)| *path).chain(sums.iter().map(|(path, _)| *path)).chain([each]),
        )?;
        let k = self.bounded("k", &raw.k, 2..=1_000_000)?;
        let rows_max = self.bounded("rows_max", &raw.rows_max, 1..=1_000)?;
        let noise = raw.noise.as_ref().map(|noise| {
            let epsilon_micro = self.micro("epsilon", &noise.epsilon)?;
            let budget_micro = self.micro("budget", &noise.budget)?;
            let budget_days = self.bounded("budget_days", &noise.budget_days, 1..=3660)?;
            let measures = 1 + sums.len() as u64;
            if epsilon_micro < measures || budget_micro < epsilon_micro {
                let found = noise.budget.get_ref().clone();
                let problem = Problem::Value { key: "budget", found, expected: "at least one `epsilon`" };
                return Err(self.refuse(noise.budget.span(), problem));
            }
            Ok(Noise { epsilon_micro, budget_micro, budget_days })
        });
        let noise = noise.transpose()?;
        let window = *raw.window.get_ref();
        Ok(AggregateRule { name, event, time, window, keys, sums, each, k, rows_max, noise })
    }

    fn role(&self, field: &Spanned<String>, path: Path, role: &'static str) -> PolicyError {
        self.refuse(field.span(), Problem::Role { path, shape: path.shape(), role })
    }

    /// Rows come from one list at most, so that a row is one thing.
    fn one_list(&self, raw: &RawAggregate, name: &str, paths: impl Iterator<Item = Path>) -> Checked<()> {
        let mut list: Option<u64> = None;
        for path in paths {
            let [first, _, rest @ ..] = path.numbers() else { continue };
            if !rest.is_empty() || list.is_some_and(|list| list != *first) {
                return Err(self.refuse(raw.name.span(), Problem::TwoLists { name: name.into(), path }));
            }
            list = Some(*first);
        }
        Ok(())
    }

    fn bounded<T: TryFrom<i64>>(
        &self,
        key: &'static str,
        raw: &Spanned<i64>,
        range: std::ops::RangeInclusive<i64>,
    ) -> Checked<T> {
        let found = *raw.get_ref();
        let fits = range.contains(&found).then(|| T::try_from(found).ok()).flatten();
        fits.ok_or_else(|| {
            let expected = match key {
                "k" => "2 to 1000000",
                "rows_max" => "1 to 1000",
                "budget_days" => "1 to 3660",
                _ => "1 to 4294967296",
            };
            self.refuse(raw.span(), Problem::Value { key, found: found.to_string(), expected })
        })
    }

    /// A decimal such as `0.5`, in millionths: a float would say something else than what is written.
    fn micro(&self, key: &'static str, raw: &Spanned<String>) -> Checked<u64> {
        let text = raw.get_ref();
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits =
            |part: &str, most: usize| part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit());
        let micro = (!whole.is_empty() && digits(whole, 6) && digits(decimals, 6))
            .then(|| format!("{whole}{decimals:0<6}").parse::<u64>().ok())
            .flatten()
            .filter(|micro| *micro > 0);
        micro.ok_or_else(|| {
            let problem = Problem::Value {
                key,
                found: format!("{:?}", short(text)),
                expected: "a decimal above 0 such as \"0.5\"",
            };
            self.refuse(raw.span(), problem)
        })
    }

    fn every_aggregated_field_is_used(&self, region: &Region, destination: &Destination) -> Checked<()> {
        let used: BTreeSet<Path> = destination
            .aggregates
            .iter()
            .flat_map(|rule| {
                let keys = rule.keys.iter().map(|(path, _)| *path);
                keys.chain(rule.sums.iter().map(|(path, _)| *path)).chain([rule.time, rule.each])
            })
            .collect();
        let unused = destination
            .rules
            .iter()
            .find(|(path, rule)| rule.action == Action::Aggregate && !used.contains(path));
        unused.map_or(Ok(()), |(path, rule)| {
            let problem = Problem::NotAggregated { path: *path, region: region.to_string() };
            Err(PolicyError { line: rule.line, problem })
        })
    }
}

fn short(text: &str) -> String {
    text.chars().take(NAME_CHARS_MAX).collect()
}

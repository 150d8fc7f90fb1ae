//! Why a policy was refused: the line, the name, the cause and the next step.

use crate::{name::InvalidName, shape::Shape, vocabulary::Path};
use aisle_event::Class;

/// Why a policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct PolicyError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each message says what its fields are")]
pub enum Problem {
    #[error("the policy has {bytes} bytes; at most {bytes_max} are allowed")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("the policy is no UTF-8 text")]
    NotText,
    #[error("{0}")]
    Syntax(String),
    #[error("`aisle_policy` is {found}; this build reads format 1")]
    Format { found: i64 },
    #[error("`version` is 0\nhint: versions begin at 1 and only go up")]
    Version,
    #[error("{0}")]
    Name(InvalidName),
    #[error("`{region}` is described twice")]
    TwoDestinations { region: String },
    #[error("no `[[destination]]` describes `{region}`{}", hint(nearest.as_deref()))]
    UnknownDestination { region: String, nearest: Option<String> },
    #[error("there is no event `{event}`{}", hint(nearest.as_deref()))]
    UnknownEvent { event: String, nearest: Option<String> },
    #[error("there is no field `{path}`{}", hint(nearest.as_deref()))]
    UnknownField { path: String, nearest: Option<String> },
    #[error("`{path}` holds a record\nhint: name the fields in it, such as `{inner}`")]
    Record { path: String, inner: String },
    #[error(
        "`{path}` has no end\nhint: say up to which field number, so that a field which comes later stays denied: `{event}.*<={last}`"
    )]
    OpenWildcard { path: String, event: String, last: u64 },
    #[error("`{path}`: the highest field number of `{event}` is {last}\nhint: write `{event}.*<={last}`")]
    WildcardBeyond { path: String, event: String, last: u64 },
    #[error(
        "`{path}`: a wildcard stands for the open fields directly in an event, and can only be passed or dropped"
    )]
    WildcardAction { path: String },
    #[error("`{path}` has a rule for `{region}` already, in line {first}")]
    TwoRules { path: Path, region: String, first: usize },
    #[error(
        "`{path}` is {class}, and this rule lets its content out\nhint: say in `basis` what the law allows that by"
    )]
    NoBasis { path: Path, class: &'static str },
    #[error("`{key}` is empty: the rule is about nothing\nhint: leave the rule out, or say what it is about")]
    Empty { key: &'static str },
    #[error("`{key}` says nothing for `{action}`\nhint: leave it out")]
    Superfluous { key: &'static str, action: &'static str },
    #[error("`{action}` needs `{key}`")]
    Missing { key: &'static str, action: &'static str },
    #[error(
        "`bits` is {found}; a token has {} to {} bits, in whole bytes",
        crate::token::BITS_MIN,
        crate::token::BITS_MAX
    )]
    Bits { found: i64 },
    #[error(
        "`by` has to say one thing: `time`, `money_minor`, `quantity_thousandths`, `measure_millionths`, `number`, `days`, `prefix` or `category`"
    )]
    Form,
    #[error("`{path}` is {shape}; `{key}` makes {of} coarser{}", can(*shape))]
    FormOf { path: Path, shape: Shape, key: &'static str, of: &'static str },
    #[error("`{key}` is {found}, expected {expected}")]
    Value { key: &'static str, found: String, expected: &'static str },
    #[error("no `[[aggregate]]` for `{region}` uses `{path}`\nhint: name it in one, or write `drop`")]
    NotAggregated { path: Path, region: String },
    #[error("the aggregate `{name}` uses `{path}`, which has no rule `aggregate` for `{region}`")]
    AggregateRule { name: String, path: Path, region: String },
    #[error("`{name}` is the name of two aggregates")]
    TwoAggregates { name: String },
    #[error("`{path}` is {class}; groups are made of open and pseudonymous fields only")]
    Key { path: Path, class: &'static str },
    #[error("`{path}` is {shape}; {role}")]
    Role { path: Path, shape: Shape, role: &'static str },
    #[error("`{path}` is not a field of `{event}`, which the aggregate is of")]
    OtherEvent { path: Path, event: String },
    #[error("the aggregate `{name}` uses fields of two lists, `{path}` being one of them")]
    TwoLists { name: String, path: Path },
    #[error("there are more than {max} {what}")]
    TooMany { what: &'static str, max: usize },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("\nhint: did you mean `{name}`?"))
}

fn can(shape: Shape) -> &'static str {
    match shape {
        Shape::Time => "\nhint: write `by = { time = \"hour\" }`",
        Shape::Day => "\nhint: write `by = { days = 7 }`",
        Shape::Money => "\nhint: write `by = { money_minor = 100 }`",
        Shape::Quantity => "\nhint: write `by = { quantity_thousandths = 1000 }`",
        Shape::Measure => "\nhint: write `by = { measure_millionths = 1000000 }`",
        Shape::Number => "\nhint: write `by = { number = 10 }`",
        Shape::Text => "\nhint: write `by = { prefix = 2 }` or `by = { category = { … }, other = \"…\" }`",
        Shape::Flag | Shape::Code | Shape::Bytes | Shape::Unknown => {
            "\nhint: it has no coarser form; pass, token, aggregate or drop it"
        }
    }
}

pub(crate) const fn class_word(class: Class) -> &'static str {
    match class {
        Class::Open => "open",
        Class::Pseudonymous => "pseudonymous",
        Class::Personal => "personal",
        Class::Sensitive => "sensitive",
    }
}

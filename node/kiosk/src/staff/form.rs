//! What staff write into the forms of the board, and what is wrong with it.
//!
//! A form is read field by field, so that what is wrong is said beside the field that it is about, in the reader's language.

use super::{
    ActError,
    detail::{Field, FieldKind, SettingValue},
};
use crate::{
    amount::{Amount, InvalidAmount, NotSoldLikeThis, UNITS_MAX},
    http::problem::Problem,
    pages::form::Fields,
};
use aisle_event::{InvalidId, Name, Quantity, Unit, device::Place};
use axum::{
    extract::{FromRequest, Request},
    http::StatusCode,
};

/// How many fields a form has at most; more than any schema.
const FIELDS_MAX: usize = 64;
/// The longest sentence, in bytes: what a [`Name`] holds.
const SENTENCE_BYTES_MAX: usize = 256;

/// The field with the mark of a form.
pub(super) const MARK: &str = "mark";

/// The fields of a form, in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Sent(Vec<(String, String)>);

/// What is wrong with a form, or why it was not done.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) status: StatusCode,
    /// The field that it is about.
    pub(super) field: Option<String>,
    pub(super) reason: Reason,
}

/// A reason that there are words for in every language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    Missing,
    NotANumber,
    NotWhole,
    NotPieces,
    NotThousandths,
    Range(String, String),
    TooLong(usize),
    NotText,
    NoChoice,
    SamePlace,
    Nothing,
    Gone,
    Busy,
    Stopped,
    /// What another part of the store says, in English.
    Said(String),
}

impl Trouble {
    pub(super) fn new(field: impl Into<String>, reason: Reason) -> Self {
        Self { status: StatusCode::BAD_REQUEST, field: Some(field.into()), reason }
    }
}

impl From<ActError> for Trouble {
    fn from(error: ActError) -> Self {
        let (status, field, reason) = match error {
            ActError::Unknown { .. } => (StatusCode::NOT_FOUND, None, Reason::Gone),
            ActError::Field { field, reason } => (StatusCode::BAD_REQUEST, Some(field), Reason::Said(reason)),
            ActError::Conflict { reason } => (StatusCode::CONFLICT, None, Reason::Said(reason)),
            ActError::Busy => (StatusCode::SERVICE_UNAVAILABLE, None, Reason::Busy),
            ActError::Stopped => (StatusCode::SERVICE_UNAVAILABLE, None, Reason::Stopped),
        };
        Self { status, field, reason }
    }
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Fields::<Vec<(String, String)>>(fields) = Fields::from_request(request, state).await?;
        if fields.len() > FIELDS_MAX {
            return Err(Problem::field("body", format!("has more than {FIELDS_MAX} fields")));
        }
        Ok(Self(fields))
    }
}

impl Sent {
    /// What was written into a field, without white space around it; nothing when it is missing or empty.
    pub(super) fn get(&self, field: &str) -> Option<&str> {
        let text = self.0.iter().find(|(name, _)| name == field).map(|(_, text)| text.trim());
        text.filter(|text| !text.is_empty())
    }

    /// Something that every page sends by itself. A form without it is no page's.
    pub(super) fn must(&self, field: &'static str) -> Result<&str, Problem> {
        self.get(field).ok_or_else(|| Problem::field(field, "is missing"))
    }

    /// What tells this form from another one of the same content.
    pub(super) fn mark(&self) -> Option<&str> {
        self.get(MARK)
    }

    /// An id that a page put into a form.
    pub(super) fn id<T: std::str::FromStr<Err = InvalidId>>(
        &self,
        field: &'static str,
    ) -> Result<T, Problem> {
        crate::http::extract::id(field, self.must(field)?)
    }

    /// How much of something that is counted in a unit.
    pub(super) fn quantity(&self, field: &str, unit: Unit) -> Result<Option<Quantity>, Trouble> {
        let Some(text) = self.get(field) else { return Ok(None) };
        let refused = |reason| Trouble::new(field, reason);
        // A decimal comma is what many phones offer.
        let amount = Amount::parse(&text.replace(',', ".")).map_err(|error| match error {
            InvalidAmount::NotANumber => refused(Reason::NotANumber),
            InvalidAmount::Negative | InvalidAmount::TooLarge => {
                refused(Reason::Range("0".into(), UNITS_MAX.to_string()))
            }
        })?;
        amount.of(unit).map(Some).map_err(|error| match error {
            NotSoldLikeThis::Piece => refused(Reason::NotPieces),
            NotSoldLikeThis::Step => refused(Reason::NotThousandths),
        })
    }

    /// How much of something, which must be said.
    pub(super) fn must_quantity(&self, field: &str, unit: Unit) -> Result<Quantity, Trouble> {
        self.quantity(field, unit)?.ok_or_else(|| Trouble::new(field, Reason::Missing))
    }

    /// A part of the store.
    pub(super) fn place(&self, field: &str) -> Result<Place, Trouble> {
        let text = self.get(field).ok_or_else(|| Trouble::new(field, Reason::Missing))?;
        let place = Place::ALL.iter().find(|place| place.as_str() == text);
        place.copied().ok_or_else(|| Trouble::new(field, Reason::NoChoice))
    }

    /// A sentence.
    pub(super) fn sentence(&self, field: &str) -> Result<Option<Name>, Trouble> {
        let Some(text) = self.get(field) else { return Ok(None) };
        Name::new(text).map(Some).map_err(|error| {
            Trouble::new(
                field,
                match error {
                    InvalidId::TooLong { .. } => Reason::TooLong(SENTENCE_BYTES_MAX),
                    InvalidId::Empty | InvalidId::Character { .. } => Reason::NotText,
                },
            )
        })
    }

    /// The value of a setting, where the form has one.
    pub(super) fn setting(&self, field: &Field) -> Result<Option<SettingValue>, Trouble> {
        let name = setting_name(&field.name);
        let Some(text) = self.get(&name) else { return Ok(None) };
        read(field, text).map(Some).map_err(|reason| Trouble::new(name, reason))
    }
}

/// What a setting is called in a form, whatever the device calls it: no setting takes the place of another field.
pub(super) fn setting_name(name: &str) -> String {
    format!("v.{name}")
}

fn read(field: &Field, text: &str) -> Result<SettingValue, Reason> {
    match &field.kind {
        FieldKind::Bool => match text {
            "true" => Ok(SettingValue::Bool(true)),
            "false" => Ok(SettingValue::Bool(false)),
            _ => Err(Reason::NoChoice),
        },
        FieldKind::Integer { min, max } => {
            let number: i64 = text.parse().map_err(|_| Reason::NotWhole)?;
            let fits = (*min..=*max).contains(&number);
            fits.then_some(SettingValue::Integer(number)).ok_or_else(|| range(min, max))
        }
        FieldKind::Number { min, max } => {
            let number: f64 = text.replace(',', ".").parse().map_err(|_| Reason::NotANumber)?;
            if !number.is_finite() {
                return Err(Reason::NotANumber);
            }
            let fits = (*min..=*max).contains(&number);
            fits.then_some(SettingValue::Number(number)).ok_or_else(|| range(min, max))
        }
        FieldKind::Text { len_max } if text.len() > *len_max => Err(Reason::TooLong(*len_max)),
        FieldKind::Text { .. } if text.chars().any(char::is_control) => Err(Reason::NotText),
        FieldKind::Text { .. } => Ok(SettingValue::Text(text.to_owned())),
        FieldKind::Choice { of } if of.iter().any(|choice| choice == text) => {
            Ok(SettingValue::Text(text.to_owned()))
        }
        FieldKind::Choice { .. } => Err(Reason::NoChoice),
    }
}

fn range(least: &impl ToString, most: &impl ToString) -> Reason {
    Reason::Range(least.to_string(), most.to_string())
}

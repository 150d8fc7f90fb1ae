//! Why a position is as it is: reasons with their numbers, and how they are said in English. Other languages have the numbers too.

use super::{
    item::Item,
    scale::Scale,
    view::{Source, SourceKind},
};
use aisle_event::device::Place;
use serde::Serialize;
use std::fmt;

/// One reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Because {
    /// The scales say so.
    Weighed {
        /// How many pieces lie there by weight.
        pieces: f64,
        /// How old that is, in seconds.
        age_s: u64,
    },
    /// The scales are not believed: something is odd about them, or they are silent.
    ScaleNotBelieved {
        /// How many pieces they say.
        pieces: f64,
    },
    /// RFID says so.
    TagsSeen {
        /// Where.
        place: Place,
        /// How many pieces.
        pieces: i64,
        /// How old that is, in seconds.
        age_s: u64,
    },
    /// Somebody counted.
    Counted {
        /// Where.
        place: Place,
        /// How many pieces.
        pieces: i64,
        /// How old that is, in seconds.
        age_s: u64,
    },
    /// Nothing was sold, although this often something is.
    NoSale {
        /// Busy hours without a sale.
        hours: f64,
        /// Sales that would have been usual in that time.
        expected: f64,
    },
    /// Pieces left the shelf and nobody paid for them.
    Unpaid {
        /// How many.
        pieces: i64,
    },
    /// The records say something else.
    BookSays {
        /// How many pieces, by the records.
        pieces: i64,
        /// How many, by the belief.
        believed: i64,
    },
    /// There is probably something in the backroom.
    BackroomHas {
        /// How many pieces, about.
        pieces: i64,
    },
    /// So much goes without a sale.
    Loses {
        /// Pieces in thirty days.
        pieces_in_30_days: f64,
    },
}

/// The reasons for a product's position, the weightiest first.
pub(super) fn reasons(item: &Item, sources: &[Source]) -> Vec<Because> {
    let mut reasons = Vec::new();
    let mut said: Vec<&Source> = sources.iter().filter(|source| source.weight_percent >= 15.0).collect();
    said.sort_by(|a, b| b.weight_percent.total_cmp(&a.weight_percent));
    for source in said {
        let (place, age_s, pieces) = (source.place, source.age_s, source.pieces.round() as i64);
        match source.kind {
            SourceKind::Weight => reasons.push(Because::Weighed { pieces: source.pieces, age_s }),
            SourceKind::Tags => reasons.push(Because::TagsSeen { place, pieces, age_s }),
            SourceKind::Count => reasons.push(Because::Counted { place, pieces, age_s }),
            SourceKind::Book => {}
        }
    }
    let weight = sources.iter().find(|source| source.kind == SourceKind::Weight);
    if let Some(weight) =
        weight.filter(|weight| weight.weight_percent < 1.0 || item.scales.all.iter().any(Scale::is_odd))
    {
        reasons.push(Because::ScaleNotBelieved { pieces: weight.pieces });
    }
    let hours = f64::from(item.quiet_hours);
    let expected = hours * item.demand.mean();
    if expected >= 2.0 {
        reasons.push(Because::NoSale { hours, expected });
    }
    if let Some(lost) = item.unpaid_lost {
        reasons.push(Because::Unpaid { pieces: lost.pieces });
    }
    let Some(grid) = &item.grid else { return reasons };
    let believed = grid.total().plus(item.unpaid.sum()).quantile(0.5);
    if item.book.is_open && item.book.total() != believed {
        reasons.push(Because::BookSays { pieces: item.book.total(), believed });
    }
    let back = grid.back();
    if item.outlook.gap > 0.2 && back.quantile(0.5) > 0 {
        reasons.push(Because::BackroomHas { pieces: back.quantile(0.5) });
    }
    let pieces_in_30_days = item.loss.mean() * 24.0 * 30.0;
    if pieces_in_30_days >= 4.0 {
        reasons.push(Because::Loses { pieces_in_30_days });
    }
    reasons
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weighed { pieces, age_s } => {
                write!(f, "the scale shows {pieces:.1} pieces, {} ago", Age(*age_s))
            }
            Self::ScaleNotBelieved { pieces } => {
                write!(f, "the scale shows {pieces:.1} pieces, but it is odd or silent and is not believed")
            }
            Self::TagsSeen { place, pieces, age_s } => {
                write!(f, "{pieces} tags seen {}, {} ago", at(*place), Age(*age_s))
            }
            Self::Counted { place, pieces, age_s } => {
                write!(f, "{pieces} counted {}, {} ago", at(*place), Age(*age_s))
            }
            Self::NoSale { hours, expected } => {
                write!(f, "no sale for {hours:.0} busy hours, in which {expected:.1} would be usual")
            }
            Self::Unpaid { pieces } => write!(f, "{pieces} left the shelf and were not paid for"),
            Self::BookSays { pieces, believed } => {
                write!(f, "the book says {pieces}, the store believes {believed}")
            }
            Self::BackroomHas { pieces } => write!(f, "about {pieces} in the backroom"),
            Self::Loses { pieces_in_30_days } => {
                write!(f, "about {pieces_in_30_days:.0} pieces a month go without a sale")
            }
        }
    }
}

const fn at(place: Place) -> &'static str {
    match place {
        Place::Shelf => "on the shelf",
        Place::Backroom => "in the backroom",
    }
}

/// An age in the largest unit that says something.
struct Age(u64);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds @ 120..7_200 => write!(f, "{} min", seconds / 60),
            seconds @ 7_200..172_800 => write!(f, "{} h", seconds / 3_600),
            seconds => write!(f, "{} days", seconds / 86_400),
        }
    }
}

//! Windows as text: `daily 02:00-05:00`, `mon-fri,sun 22:00-04:00`.

use super::{DAY_MINUTES, Window};
use crate::text::{hint, nearest, shown, text_form};
use std::{fmt, str::FromStr};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const EVERY: u8 = 0b111_1111;

/// Why a text is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    /// It has not the form of one.
    #[error(
        "`{text}` is no window: write days and times, such as `mon-fri 22:00-04:00` or `daily 02:00-05:00`"
    )]
    Form {
        /// The text, cut where it is too long.
        text: String,
    },
    /// A day that is none.
    #[error("`{text}` is no day{}", hint(*nearest))]
    Day {
        /// What stands there.
        text: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A time that is none.
    #[error("`{text}` is no time: write hours and minutes, such as `22:00`")]
    Time {
        /// What stands there.
        text: String,
    },
}

fn day(text: &str) -> Result<u8, InvalidWindow> {
    let place = DAYS.iter().position(|day| *day == text);
    place.and_then(|place| u8::try_from(place).ok()).ok_or_else(|| {
        let text = shown(text, 16);
        let nearest = nearest(&text, DAYS).or_else(|| nearest(&text, ["daily"]));
        InvalidWindow::Day { text, nearest: nearest.and_then(known) }
    })
}

fn known(text: &str) -> Option<&'static str> {
    DAYS.into_iter().chain(["daily"]).find(|day| *day == text)
}

fn days(text: &str) -> Result<u8, InvalidWindow> {
    if text == "daily" {
        return Ok(EVERY);
    }
    let mut days = 0_u8;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut at, last) = (day(first)?, day(last)?);
        // `sat-mon` goes over the end of the week.
        loop {
            days |= 1 << at;
            if at == last {
                break;
            }
            at = (at + 1) % 7;
        }
    }
    Ok(days)
}

fn minute(text: &str, is_end: bool) -> Result<u16, InvalidWindow> {
    let told = || InvalidWindow::Time { text: shown(text, 16) };
    let (hours, minutes) = text.split_once(':').ok_or_else(told)?;
    let digits = |text: &str| (text.len() == 2).then(|| text.parse::<u16>().ok()).flatten();
    let (Some(hours), Some(minutes)) = (digits(hours), digits(minutes)) else { return Err(told()) };
    let minute = hours * 60 + minutes;
    if minutes > 59 || minute > DAY_MINUTES || (minute == DAY_MINUTES && !is_end) {
        return Err(told());
    }
    Ok(minute % DAY_MINUTES)
}

impl FromStr for Window {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Self, InvalidWindow> {
        let form = || InvalidWindow::Form { text: shown(text, 64) };
        let (on, times) = text.trim().split_once(' ').ok_or_else(form)?;
        let (from, until) = times.trim().split_once('-').ok_or_else(form)?;
        let days = days(on)?;
        Ok(Self { days, from_minute: minute(from, false)?, until_minute: minute(until, true)? })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days == EVERY {
            f.write_str("daily")?;
        } else {
            let on = DAYS.iter().enumerate().filter(|(place, _)| self.days & (1 << place) != 0);
            for (place, (_, day)) in on.enumerate() {
                write!(f, "{}{day}", if place == 0 { "" } else { "," })?;
            }
        }
        let time = |minute: u16| (minute / 60, minute % 60);
        let ((from_h, from_m), (until_h, until_m)) = (time(self.from_minute), time(self.until_minute));
        write!(f, " {from_h:02}:{from_m:02}-{until_h:02}:{until_m:02}")
    }
}

text_form!(Window);

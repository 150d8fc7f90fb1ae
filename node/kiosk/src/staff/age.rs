//! How long ago something was, as people say it.

use super::words::Words;
use crate::text::Rfc3339;
use aisle_event::Timestamp;
use maud::{Markup, html};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A time of so long ago; the script keeps it true while the page stands.
pub(super) fn ago(words: &Words, now: Timestamp, at: Timestamp) -> Markup {
    html! { time datetime=(Rfc3339(at)) data-ms=(at.0) { (text(words, now, at)) } }
}

/// In words. A time well ahead of the clock says so: one of the two clocks is wrong.
fn text(words: &Words, now: Timestamp, at: Timestamp) -> String {
    let ms = now.0.saturating_sub(at.0);
    let of = |template: &str, count: i64| template.replace("{}", &count.to_string());
    match ms {
        ms if ms <= -MINUTE_MS => words.ahead.to_owned(),
        ms if ms < MINUTE_MS => words.ago_now.to_owned(),
        ms if ms < HOUR_MS => of(words.ago_min, ms / MINUTE_MS),
        ms if ms < 2 * DAY_MS => of(words.ago_h, ms / HOUR_MS),
        ms => of(words.ago_d, ms / DAY_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{staff::words, strings::Language};

    #[test]
    fn ages_are_said_as_people_say_them() {
        let now = Timestamp(1_763_640_000_000);
        for (ms, english, chinese) in [
            (0, "just now", "刚刚"),
            (59_999, "just now", "刚刚"),
            (-59_999, "just now", "刚刚"),
            (-60_000, "time unclear: a clock is ahead", "时间不明：时钟偏快"),
            (60_000, "1 min ago", "1 分钟前"),
            (HOUR_MS - 1, "59 min ago", "59 分钟前"),
            (47 * HOUR_MS, "47 h ago", "47 小时前"),
            (48 * HOUR_MS, "2 days ago", "2 天前"),
        ] {
            let at = now.saturating_add_ms(-ms);
            assert_eq!(text(words::of(Language::English), now, at), english);
            assert_eq!(text(words::of(Language::Chinese), now, at), chinese);
        }
        text(words::of(Language::English), Timestamp(i64::MIN), Timestamp(i64::MAX));
    }
}

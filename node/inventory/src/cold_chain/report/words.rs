//! The words of a report in English and Chinese.

use super::{DayVerdict, Standing};
use aisle_event::cold_chain::{ColdGroup, ColdRule, ColdVerdict};

/// The language of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

impl Language {
    /// The tag in HTML.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-Hans",
        }
    }

    /// One of two texts.
    pub(super) const fn of(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    pub(super) const fn group(self, group: ColdGroup) -> &'static str {
        match group {
            ColdGroup::Chilled => {
                self.of("chilled (Food Code 3-501.16(A)(2))", "冷藏（食品法典 3-501.16(A)(2)）")
            }
            ColdGroup::Hot => {
                self.of("hot holding (Food Code 3-501.16(A)(1))", "热保温（食品法典 3-501.16(A)(1)）")
            }
            ColdGroup::Frozen => self.of("frozen (Food Code 3-501.11)", "冷冻（食品法典 3-501.11）"),
        }
    }

    pub(super) const fn rule(self, rule: ColdRule) -> &'static str {
        match rule {
            ColdRule::Limit => {
                self.of("outside the limit for longer than the grace", "超出限值且超过宽限时间")
            }
            ColdRule::Cumulative => {
                self.of("outside for too long in all (3-501.19)", "累计超限时间过长（3-501.19）")
            }
            ColdRule::Unknown => self.of("no readings", "没有读数"),
        }
    }

    pub(super) const fn verdict(self, verdict: ColdVerdict) -> &'static str {
        match verdict {
            ColdVerdict::Safe => self.of("safe", "安全"),
            ColdVerdict::Discard => self.of("discard", "丢弃"),
            ColdVerdict::Judge => self.of("a person has to judge", "需人工判断"),
        }
    }

    pub(super) const fn day(self, verdict: DayVerdict) -> &'static str {
        match verdict {
            DayVerdict::Kept => self.of(
                "Within the limit, or back within the grace, all the time; no readings are missing.",
                "全天在限值内（或在宽限时间内恢复），读数完整。",
            ),
            DayVerdict::Safe => self.of(
                "There were excursions; the food stayed within what time as a control allows.",
                "有超限事件；食品仍在时间控制允许范围内。",
            ),
            DayVerdict::Judge => self.of(
                "A person has to judge: readings are missing or in doubt, or food thawed.",
                "需人工判断：读数缺失或可疑，或食品已解冻。",
            ),
            DayVerdict::Discard => self.of(
                "Food was outside for too long and has to be thrown away.",
                "食品超限时间过长，必须丢弃。",
            ),
            DayVerdict::Open => self.of("An excursion has not ended.", "有超限事件尚未结束。"),
            DayVerdict::Nothing => self.of("There is nothing to judge by.", "没有可供判断的数据。"),
        }
    }

    pub(super) const fn standing(self, standing: Standing) -> Option<&'static str> {
        match standing {
            Standing::Over => None,
            Standing::Ongoing => Some(self.of(
                "This day is not over. The report shows it up to the time at which it was made.",
                "当天尚未结束，本报告截至生成时刻。",
            )),
            Standing::Future => Some(self.of("This day has not begun.", "这一天尚未开始。")),
            Standing::NoUnit => {
                Some(self.of(
                    "No unit of this name was ever defined in this store.",
                    "本店从未定义过该名称的设备。",
                ))
            }
        }
    }
}

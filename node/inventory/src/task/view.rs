//! What readers see of tasks, and what a task is called in English and Chinese.

use super::{Task, Tasks};
use aisle_event::{
    Timestamp,
    inventory::{TaskEnd, TaskKind},
};
use std::{cmp::Reverse, sync::Arc};

/// All that the board shows. A value: it does not change.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Open tasks, the most urgent first.
    pub open: Arc<[Arc<Task>]>,
    /// Closed tasks, the oldest first.
    pub closed: imbl::Vector<Arc<Task>>,
    /// Events that contradicted what is known.
    pub ignored: u64,
}

/// A language of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

impl Language {
    const fn of(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

impl Tasks {
    /// What is known, for readers.
    #[must_use]
    pub fn view(&self) -> View {
        let mut open: Vec<Arc<Task>> = self.known.open.values().cloned().collect();
        open.sort_by(|a, b| {
            let key =
                |task: &Task| (Reverse(self.worth(task.kind, task.confidence_permille)), task.opened_at);
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        View { open: open.into(), closed: self.known.closed.clone(), ignored: self.known.ignored }
    }
}

impl Task {
    /// What to do, without what it is about: that is a name of the shop, and stands beside it.
    #[must_use]
    pub const fn title(&self, language: Language) -> &'static str {
        match self.kind {
            TaskKind::FillShelf => language.of("Fill the shelf", "补货上架"),
            TaskKind::FindPhantom => language.of("Look for missing goods", "查找账面有但实际可能没有的商品"),
            TaskKind::Recount => language.of("Count again", "重新盘点"),
            TaskKind::CheckUnit => language.of("Check the cold chain unit", "检查冷链设备"),
            TaskKind::CheckDevice => language.of("Check the device", "检查设备"),
        }
    }

    /// How it ended; nothing when it is open.
    #[must_use]
    pub fn ending(&self, language: Language) -> Option<&'static str> {
        self.closed.as_ref().map(|closed| match closed.end {
            TaskEnd::Done => language.of("done", "已完成"),
            TaskEnd::Dismissed => language.of("dismissed", "已忽略"),
            TaskEnd::Obsolete => language.of("no longer needed", "已不需要"),
        })
    }

    /// How long it has been open, or was, in seconds.
    #[must_use]
    pub fn age_s(&self, now: Timestamp) -> u64 {
        self.closed.as_ref().map_or(now, |closed| closed.at).ms_since(self.opened_at) / 1000
    }
}

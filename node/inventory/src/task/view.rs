//! What readers see of tasks. Not here: what a task is called, which the board says in its languages.

use super::{
    About, Task, Tasks,
    said::{Rest, Said},
};
use aisle_event::{Timestamp, inventory::TaskKind};
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
    said: Said,
    rest: Rest,
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
        View {
            open: open.into(),
            closed: self.known.closed.clone(),
            ignored: self.known.ignored,
            said: self.known.said.clone(),
            rest: self.config.rest(),
        }
    }
}

impl View {
    /// A person has lately said that such a task is done, or is not to be done, and that still holds for one who is so sure that it is
    /// needed, in thousandths.
    #[must_use]
    pub fn is_settled(
        &self,
        kind: TaskKind,
        about: &About,
        confidence_permille: u16,
        now: Timestamp,
    ) -> bool {
        self.said.holds(&(kind, about.clone()), confidence_permille, now, self.rest)
    }

    /// Tasks of plugins that are open; to be held to [`PLUGIN_TASKS_OPEN_MAX`](super::PLUGIN_TASKS_OPEN_MAX) by what opens them.
    #[must_use]
    pub fn plugin_tasks_open(&self) -> usize {
        self.open.iter().filter(|task| task.kind == TaskKind::Plugin).count()
    }
}

impl Task {
    /// How long it has been open, or was, in seconds.
    #[must_use]
    pub fn age_s(&self, now: Timestamp) -> u64 {
        self.closed.as_ref().map_or(now, |closed| closed.at).ms_since(self.opened_at) / 1000
    }
}

//! What readers see of tasks. Not here: what a task is called, which the board says in its languages.

use super::{Task, Tasks};
use aisle_event::Timestamp;
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
    /// How long it has been open, or was, in seconds.
    #[must_use]
    pub fn age_s(&self, now: Timestamp) -> u64 {
        self.closed.as_ref().map_or(now, |closed| closed.at).ms_since(self.opened_at) / 1000
    }
}

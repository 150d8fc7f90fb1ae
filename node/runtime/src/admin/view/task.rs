//! What staff are asked to do, as administrators see it.

use aisle_event::{Timestamp, inventory::TaskKind};
use aisle_inventory::task::{About, Task};
use aisle_kiosk::staff::{self, Language};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskLine {
    /// Its name, unique in the store.
    pub task: String,
    /// What kind of thing.
    #[schema(value_type = String, example = "fill_shelf")]
    pub kind: TaskKind,
    /// What is to be done, in words.
    pub title: String,
    /// The product that it is about.
    pub sku: Option<String>,
    /// The cold chain unit that it is about.
    pub unit: Option<String>,
    /// The device that it is about.
    pub device: Option<String>,
    /// How much, where that is known, with its unit.
    pub quantity: Option<String>,
    /// How sure the store is that it is needed, in thousandths.
    #[schema(maximum = 1000)]
    pub confidence_permille: u16,
    /// Why, in words.
    pub why: String,
    /// Since when.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// How it ended: `done`, `dismissed` or `obsolete`; nothing while it is open.
    pub end: Option<String>,
    /// Who ended it; nobody when the store did.
    pub ended_by: Option<String>,
    /// When.
    #[serde(with = "aisle_devices::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}

/// Tasks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct TaskList {
    /// The most urgent first.
    pub open: Vec<TaskLine>,
    /// Those that ended last, the newest first.
    pub ended: Vec<TaskLine>,
}

/// How a person ends a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TaskEnd)]
pub(crate) enum End {
    /// It is done.
    Done,
    /// It is not needed; it comes back only when the store becomes much surer.
    Dismissed,
}

/// The end of a task.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaskEnding)]
pub(crate) struct EndBody {
    /// How it ends.
    pub end: End,
    /// What was counted on the shelf, where the task is about a product and is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9999)]
    pub count: Option<f64>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub by: Option<String>,
}

impl TaskLine {
    /// A task as it stands.
    pub(crate) fn of(task: &Task) -> Self {
        let about = task.about.as_str().to_owned();
        let (mut sku, mut unit, mut device) = (None, None, None);
        match task.about {
            About::Sku(_) => sku = Some(about),
            About::Unit(_) => unit = Some(about),
            About::Device(_) => device = Some(about),
        }
        let closed = task.closed.as_ref();
        Self {
            task: task.name.to_string(),
            kind: task.kind,
            title: staff::task_title(task.kind, Language::English).into(),
            sku,
            unit,
            device,
            quantity: task.quantity.map(|quantity| quantity.to_string()),
            confidence_permille: task.confidence_permille,
            why: task.why.to_string(),
            opened_at: task.opened_at,
            end: closed.map(|closed| closed.end.to_string()),
            ended_by: closed.and_then(|closed| closed.by.as_ref().map(ToString::to_string)),
            ended_at: closed.map(|closed| closed.at),
        }
    }
}

//! Plugins, as administrators see them.

use crate::plugin::report::{HookReport, PluginReport};
use aisle_event::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A plugin in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Plugin)]
pub(crate) struct PluginLine {
    /// Its id.
    pub plugin: String,
    /// The version that is installed.
    pub version: String,
    /// In one sentence, by its manifest.
    pub description: String,
    /// The hooks that it is asked at.
    pub hooks: Vec<String>,
    /// Its place among the plugins of a hook: the smaller the earlier.
    pub order: i32,
    /// `runs`; `failing` while it is left out at some hook for its failures; `left_out` when it cannot be loaded.
    #[schema(value_type = String, example = "runs")]
    pub state: PluginState,
    /// Why, when it cannot be loaded.
    pub problem: Option<String>,
    /// Since when this version is installed.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub installed_at: Timestamp,
    /// Who installed it.
    pub installed_by: Option<String>,
    /// Calls since the node was started.
    pub calls: u64,
    /// Those that failed.
    pub failed: u64,
}

/// How a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PluginState {
    /// It is asked.
    Runs,
    /// It is left out at some hook.
    Failing,
    /// It cannot be loaded.
    LeftOut,
}

/// All plugins.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct PluginList {
    /// By id.
    pub plugins: Vec<PluginLine>,
    /// Products that are kept from being sold.
    pub suppressed: Vec<SuppressedLine>,
    /// What staff are told, as the staff board shows it.
    pub alerts: Vec<PluginAlert>,
}

/// What a plugin tells staff, or what they are told of one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct PluginAlert {
    /// In words.
    pub text: String,
    /// The cold chain unit that it is about.
    pub unit: Option<String>,
    /// It cannot wait.
    pub urgent: bool,
    /// Since when.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// A product that is kept from being sold.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = SuppressedProduct)]
pub(crate) struct SuppressedLine {
    /// Which.
    pub sku: String,
    /// The plugin that wants it.
    pub plugin: String,
    /// Until when.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

/// A plugin in full.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct PluginDetail {
    /// What a list says of it.
    #[serde(flatten)]
    pub plugin: PluginLine,
    /// The version before, which takes over when this one fails, and which a rollback lets run again.
    pub previous: Option<VersionLine>,
    /// BLAKE3 of its component, in hexadecimal digits.
    pub hash: String,
    /// What it may ask beside its input.
    pub grants: Vec<String>,
    /// What becomes of an answer when a call fails.
    pub on_failure: Option<String>,
    /// What a call may use, by name.
    #[schema(value_type = Object)]
    pub limits: serde_json::Map<String, serde_json::Value>,
    /// Its settings, by dotted key.
    #[schema(value_type = Object)]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// What it does at each hook.
    pub at_hooks: Vec<HookLine>,
    /// Keys that it keeps something under.
    pub kept_keys: usize,
    /// Bytes that it keeps.
    pub kept_bytes: usize,
    /// Failures since the node was started, the newest first.
    pub failures: Vec<FailureLine>,
    /// When it was left out, and when it came back; the newest first.
    pub history: Vec<HistoryLine>,
}

/// A version of a plugin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = PluginVersion)]
pub(crate) struct VersionLine {
    /// Which.
    pub version: String,
    /// BLAKE3 of its component, in hexadecimal digits.
    pub hash: String,
    /// When it was installed.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub installed_at: Timestamp,
}

/// What a plugin does at one hook.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = PluginHook)]
pub(crate) struct HookLine {
    /// Which.
    pub hook: String,
    /// The version that is asked now; nothing when none is.
    pub asked: Option<String>,
    /// It failed too often and is not asked.
    pub open: bool,
    /// Failures in a row.
    pub failures_in_a_row: u32,
    /// When it is tried again, in milliseconds from now.
    pub next_trial_ms: Option<u64>,
    /// Calls since the node was started, by how they ended.
    #[schema(value_type = Object)]
    pub calls: serde_json::Map<String, serde_json::Value>,
    /// Half of the last calls took no longer, in microseconds.
    pub micros_p50: u64,
    /// 99 of 100 of the last calls took no longer, in microseconds.
    pub micros_p99: u64,
    /// Half of the last calls used no more fuel.
    pub fuel_p50: u64,
    /// 99 of 100 of the last calls used no more fuel.
    pub fuel_p99: u64,
    /// The largest memory of a call, in bytes.
    pub memory_bytes: u64,
}

/// A call that failed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = PluginFailure)]
pub(crate) struct FailureLine {
    /// When.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The version.
    pub version: String,
    /// The hook.
    pub hook: String,
    /// In a word.
    pub kind: String,
    /// In words.
    pub reason: String,
}

/// A plugin was left out, or came back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = PluginHistory)]
pub(crate) struct HistoryLine {
    /// When.
    #[serde(with = "aisle_devices::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The version.
    pub version: String,
    /// The hook.
    pub hook: String,
    /// Why it was left out; nothing when it came back.
    pub reason: Option<String>,
}

/// A version to install.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PluginPackage)]
pub(crate) struct PackageBody {
    /// The text of its `plugin.toml`.
    pub manifest: String,
    /// The component, in Base64.
    #[schema(format = "byte")]
    pub component: String,
    /// Who installs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub by: Option<String>,
}

impl PluginLine {
    /// A plugin as it stands.
    pub(crate) fn of(report: &PluginReport) -> Self {
        let (installed, manifest) = (&report.known.current, report.manifest.as_ref());
        let state = match &report.left_out {
            Some(_) => PluginState::LeftOut,
            None if report.hooks.iter().any(|hook| hook.stands.open) => PluginState::Failing,
            None => PluginState::Runs,
        };
        let calls = report.hooks.iter().map(|hook| hook.summary.calls).sum();
        let well = report.hooks.iter().flat_map(|hook| &hook.summary.outcomes);
        let well: u64 = well.filter(|(outcome, _)| *outcome == "ok").map(|(_, count)| count).sum();
        Self {
            plugin: report.id.to_string(),
            version: installed.version.to_string(),
            description: manifest.map(|manifest| manifest.description.clone()).unwrap_or_default(),
            hooks: report.hooks.iter().map(|hook| hook.hook.to_string()).collect(),
            order: manifest.map_or(0, |manifest| manifest.order),
            state,
            problem: report.left_out.clone(),
            installed_at: installed.at,
            installed_by: installed.by.as_ref().map(ToString::to_string),
            calls,
            failed: calls - well,
        }
    }
}

impl PluginDetail {
    /// A plugin as it stands.
    pub(crate) fn of(report: &PluginReport) -> Self {
        let manifest = report.manifest.as_ref();
        let limits = manifest.map(|manifest| manifest.limits.named().into_iter()).into_iter().flatten();
        let settings = manifest.map(|manifest| manifest.settings.iter()).into_iter().flatten();
        Self {
            plugin: PluginLine::of(report),
            previous: report.known.previous.as_ref().map(|previous| VersionLine {
                version: previous.version.to_string(),
                hash: previous.hash.to_string(),
                installed_at: previous.at,
            }),
            hash: report.known.current.hash.to_string(),
            grants: manifest.into_iter().flat_map(|it| &it.grants).map(ToString::to_string).collect(),
            on_failure: manifest.map(|manifest| manifest.on_failure.to_string()),
            limits: limits.map(|(name, value)| (name.to_owned(), value.into())).collect(),
            settings: settings.map(|it| (it.key.clone(), it.value.clone().into())).collect(),
            at_hooks: report.hooks.iter().map(HookLine::of).collect(),
            kept_keys: report.known.kept.0.len(),
            kept_bytes: report.known.kept.0.bytes(),
            failures: report
                .failures
                .iter()
                .rev()
                .map(|failed| FailureLine {
                    at: Timestamp(failed.at),
                    version: failed.version.clone(),
                    hook: failed.hook.to_string(),
                    kind: failed.kind.into(),
                    reason: failed.reason.clone(),
                })
                .collect(),
            history: report
                .known
                .history
                .iter()
                .rev()
                .map(|said| HistoryLine {
                    at: said.at,
                    version: said.version.to_string(),
                    hook: said.hook.to_string(),
                    reason: said.reason.as_ref().map(ToString::to_string),
                })
                .collect(),
        }
    }
}

impl HookLine {
    fn of(report: &HookReport) -> Self {
        let summary = &report.summary;
        Self {
            hook: report.hook.to_string(),
            asked: report.asked.as_ref().map(|installed| installed.version.to_string()),
            open: report.stands.open,
            failures_in_a_row: report.stands.failures,
            next_trial_ms: report.stands.next_trial_ms,
            calls: summary
                .outcomes
                .iter()
                .map(|(kind, count)| ((*kind).to_owned(), (*count).into()))
                .collect(),
            micros_p50: summary.micros_p50,
            micros_p99: summary.micros_p99,
            fuel_p50: summary.fuel_p50,
            fuel_p99: summary.fuel_p99,
            memory_bytes: summary.memory_bytes,
        }
    }
}

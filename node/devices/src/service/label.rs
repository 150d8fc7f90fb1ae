//! Labels: devices that show a text at the shelf, known by what they say that they can and not by what they are called.
//!
//! One that speaks the contract has a setting `text`; what it shows is the register's, and it takes it when it is there. A foreign one has
//! a command `show` in its profile, with an argument `text` or `note`; it is asked to, and whether it did may never be known.
//!
//! Not here: which product a label stands at (its placement), what it is to show.

use super::{control::Control, error::ControlError, settings};
use crate::registry::DeviceView;
use aisle_event::{DeviceId, device::CommandEnd};
use aisle_firmware_config::setting::{Field, FieldKind, Value};
use serde_json::Map;
use std::time::Duration;

/// The setting, or the argument of a command, that is the text.
const TEXT: &str = "text";
/// The argument that is the text of a label with more than one line.
const NOTE: &str = "note";
/// The command of a profile that has something shown.
const SHOW: &str = "show";
/// A foreign label that is away may be asked so much later; then it is too old to be shown.
const SHOW_WITHIN: Duration = Duration::from_secs(600);

/// What a label is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// The text.
    pub text: &'a str,
    /// The name of the product, for labels that are told all that they show; cut to what there is room for.
    pub title: &'a str,
    /// Its price, for them.
    pub price: &'a str,
}

impl Control {
    /// Whether a device has a text that can be set.
    #[must_use]
    pub fn is_label(&self, device: &DeviceView) -> bool {
        match &device.profile {
            Some(profile) => self.arguments_of_show(profile.as_str()).iter().any(is_text),
            None => settings::schema(device).is_some_and(|schema| schema.iter().any(is_text)),
        }
    }

    /// Has a label show something. What it shows already is not said again.
    ///
    /// # Errors
    /// When the device is unknown, not approved or retired, when it is no label, or has no room for the text.
    pub async fn show(
        &self,
        device: &DeviceId,
        shown: Shown<'_>,
        by: Option<&str>,
    ) -> Result<(), ControlError> {
        let Some(known) = self.view().get(device.as_str()).cloned() else {
            return Err(ControlError::Unknown { device: device.to_string() });
        };
        let Some(profile) = &known.profile else {
            let now = settings::current(&known);
            if now.get(TEXT).is_some_and(|now| matches!(now, Value::Text(now) if now == shown.text)) {
                return Ok(());
            }
            let patch = Map::from_iter([(TEXT.to_owned(), shown.text.into())]);
            return self.set(device.as_str(), &patch, by).await.map(drop);
        };
        let args = shown.as_arguments(&self.arguments_of_show(profile.as_str()));
        if is_shown(&known, &args) {
            return Ok(());
        }
        let within = SHOW_WITHIN.min(self.command_timeout_max());
        self.send(device.as_str(), SHOW, &args, within, by).await.map(drop)
    }

    fn arguments_of_show(&self, profile: &str) -> Vec<Field> {
        let profiles = self.profiles();
        let show = profiles.commands(profile).find(|(name, _)| *name == SHOW);
        show.map(|(_, arguments)| arguments.to_vec()).unwrap_or_default()
    }
}

impl Shown<'_> {
    /// As the arguments that a command has.
    fn as_arguments(&self, fields: &[Field]) -> Map<String, serde_json::Value> {
        let argument = |field: &Field| {
            let FieldKind::Text { len_max } = field.kind else { return None };
            let text = match field.name.as_str() {
                TEXT | NOTE => self.text,
                "title" => self.title.get(..self.title.floor_char_boundary(len_max.into()))?,
                "price" => self.price,
                _ => return None,
            };
            Some((field.name.as_str().to_owned(), text.into()))
        };
        fields.iter().filter_map(argument).collect()
    }
}

fn is_text(field: &Field) -> bool {
    matches!(field.name.as_str(), TEXT | NOTE) && matches!(field.kind, FieldKind::Text { .. })
}

/// A foreign label was last asked for just this, and is still to answer or did it.
fn is_shown(known: &DeviceView, args: &Map<String, serde_json::Value>) -> bool {
    let last = known.commands.iter().rev().find(|command| command.command.as_str() == SHOW);
    last.is_some_and(|last| {
        let is_open = last.ended.as_ref().is_none_or(|ended| ended.end == CommandEnd::Done);
        is_open && serde_json::from_str(&last.request.0).is_ok_and(|asked: Map<_, _>| asked == *args)
    })
}

//! Can the file of devices be read, and can anybody connect?

use super::{Finding, Subject};
use aisle_broker::access::{DEVICES_FILE, DevicesFile};

const ID: &str = "mqtt-devices";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let Ok(config) = subject.config else {
        return Finding::warn(
            ID,
            "not checked, as the configuration was refused",
            "correct the configuration first",
        );
    };
    let file = DevicesFile::at(subject.data.join(DEVICES_FILE), config.store.as_str());
    let listed = match file.list() {
        Ok(listed) => listed,
        Err(error) => {
            let text = error.to_string();
            let (found, fix) =
                text.split_once("\nhint: ").unwrap_or((&text, "mend it; until then no change to it counts"));
            return Finding::fail(ID, found, fix);
        }
    };
    let enabled = listed.iter().filter(|device| device.enabled).count();
    let others = if config.mqtt.anonymous.is_some() { "; others come in without credentials" } else { "" };
    match (listed.len(), others) {
        (0, "") => Finding::ok(ID, "none is listed; `aisle-node mqtt device add ID` lists one"),
        (all, others) => Finding::ok(ID, format!("{enabled} of {all} listed devices may connect{others}")),
    }
}

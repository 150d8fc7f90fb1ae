//! What became of ordered settings at devices: device by device for a store, added up by reason for a rollout.
//!
//! Not here: what a result means (`aisle_fleet::device`), adding up ([`crate::fleet::devices`]).

use super::parts::{
    NAME_CHARS_MAX, REASON_CHARS_MAX, SHORT_BYTES_MAX, empty, facts, fit, heading_id, rest, state, table,
};
use crate::{
    console::{say, visit::Visit},
    fleet::devices::{REASONS_OF_MAX, SlotTally},
};
use aisle_fleet::{
    Slot,
    device::{DeviceResult, DeviceStatus, DeviceTally, SlotDevices},
};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The most slots of one node or rollout that are shown.
const SLOTS_MAX: usize = 4;

const fn class(status: DeviceStatus) -> &'static str {
    match status {
        DeviceStatus::Applied => "good",
        DeviceStatus::Pending => "calm",
        DeviceStatus::Refused | DeviceStatus::WentBack => "bad",
        DeviceStatus::Unreachable | DeviceStatus::Other => "warn",
    }
}

fn stands(status: DeviceStatus) -> Markup {
    state(class(status), status.as_str())
}

/// How many devices stand how.
fn counts(counts: &BTreeMap<DeviceStatus, u64>) -> Markup {
    html! {
        @if counts.is_empty() { span.none { "no device" } }
        @for (place, (status, many)) in counts.iter().enumerate() {
            @if place > 0 { ", " } (say::number(*many)) " " (stands(*status))
        }
    }
}

fn why(path: Option<&str>, reason: Option<&str>) -> Markup {
    html! {
        @if let Some(path) = path { code { (say::cut(path, NAME_CHARS_MAX)) } " " }
        @match reason.filter(|reason| !reason.is_empty()) {
            Some(reason) => (say::name(reason, REASON_CHARS_MAX)),
            None if path.is_none() => span.none { "–" },
            None => "",
        }
    }
}

/// The devices of a node, by slot. Nothing where none of its slots means devices.
pub(super) fn of_node(visit: &Visit, node: &str, devices: &BTreeMap<Slot, SlotDevices>) -> Markup {
    html! {
        @for (slot, said) in devices.iter().take(SLOTS_MAX) { (of_slot(visit, node, slot, said)) }
        (rest(devices.len(), devices.len().min(SLOTS_MAX)))
    }
}

fn of_slot(visit: &Visit, node: &str, slot: &Slot, said: &SlotDevices) -> Markup {
    let hash = blake3::hash(format!("{node}\n{slot}").as_bytes()).to_hex();
    let id = format!("devices-{}", hash.get(..8).unwrap_or_default());
    let columns = [("", "Device"), ("", "Settings"), ("", "Why"), ("number", "Since")];
    let (rows, shown) = fit(&said.results, SHORT_BYTES_MAX, |result: &DeviceResult| {
        html! {
            tr {
                th scope="row" { (say::name(result.device.as_str(), NAME_CHARS_MAX)) }
                td { (stands(result.status)) }
                td { (why(result.path.as_deref(), result.reason.as_deref())) }
                td.number { (say::ago(visit.now_ms, result.since.0)) }
            }
        }
    });
    html! {
        h4 id=(heading_id(&id)) { "Devices of " (say::name(&slot.to_string(), NAME_CHARS_MAX)) " " (say::cut(&said.of.version.to_string(), 32)) }
        p { (counts(&said.counts)) }
        @if !said.results.is_empty() { (table(&heading_id(&id), &columns, &rows)) }
        (rest(usize::try_from(said.devices()).unwrap_or(usize::MAX), shown))
    }
}

/// What became of the settings of devices that a rollout brings.
pub(super) fn of_rollout(tallies: &[SlotTally]) -> Markup {
    html! {
        @for (place, one) in tallies.iter().take(SLOTS_MAX).enumerate() { (tally(place, one)) }
        (rest(tallies.len(), tallies.len().min(SLOTS_MAX)))
    }
}

fn tally(place: usize, one: &SlotTally) -> Markup {
    let SlotTally { slot, version, nodes, tally, reasons_unread } = one;
    let DeviceTally { stores, stores_whole, devices, reasons, left_out, untold } = tally;
    let id = format!("devices-{place}");
    let columns =
        [("number", "Devices"), ("number", "Stores"), ("", "Stand"), ("", "Why"), ("", "Some of them")];
    let (rows, shown) = fit(reasons, SHORT_BYTES_MAX, |reason| {
        html! {
            tr {
                th.number scope="row" { (say::number(reason.devices)) }
                td.number { (say::number(reason.stores)) }
                td { (stands(reason.status)) }
                td { (why(reason.path.as_deref(), Some(&reason.reason))) }
                td { div.things { @for (store, device) in &reason.examples {
                    span { (say::store(store.as_str())) " " (say::name(device.as_str(), NAME_CHARS_MAX)) }
                } } }
            }
        }
    });
    html! {
        h3 id=(heading_id(&id)) { (say::name(&slot.to_string(), NAME_CHARS_MAX)) " " (say::cut(version, 32)) }
        (facts(&[
            ("Devices", counts(devices)),
            ("Every device has them", html! { "in " (say::number(*stores_whole)) " of " (say::number(*nodes)) " stores" }),
            ("Have not told yet", html! { (say::count(nodes.saturating_sub(*stores), "store", "stores")) }),
        ]))
        @if reasons.is_empty() { (empty("No device is known that does not have them.")) }
        @else { (table(&heading_id(&id), &columns, &rows)) (rest(reasons.len(), shown)) }
        @if *reasons_unread > 0 {
            p.rest { "Reasons are of the first " (say::count(REASONS_OF_MAX as u64, "store", "stores")) " at which a device does not have them. Not read are those of "
                (say::count(*reasons_unread, "more store", "more stores")) "." }
        }
        @if *untold > 0 {
            p.rest { "Of " (say::count(*untold, "device", "devices")) " that do not have them no reason is shown"
                @if *left_out > 0 { "; " (say::count(*left_out, "reason is", "reasons are")) " left out" } "." }
        }
    }
}

//! Devices: looked at. What is done with them is in `device`.

use super::{Answer, Shared, answer, authorized::Authorized, page::PageParams};
use crate::admin::view::{
    Page, described_page,
    device::{DeviceDetail, DeviceLine, DeviceProfiles, ProfileLine},
    telemetry::StreamLine,
};
use crate::floor::{View, profiles_dir};
use aisle_devices::{
    alert,
    registry::{DeviceState, DeviceView},
    telemetry::StreamKey,
};
use aisle_event::{Name, Timestamp};
use aisle_firmware_config::profile::BUILTIN;
use aisle_kiosk::request::{Params, Problem, Segment, choice};
use serde::Deserialize;
use utoipa::IntoParams;

described_page!(DevicePage, Page_DeviceLine, DeviceLine);

const STATES: [(&str, DeviceState); 3] =
    [("heard", DeviceState::Heard), ("approved", DeviceState::Approved), ("retired", DeviceState::Retired)];

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StandingParams {
    /// Only devices that stand here.
    #[param(value_type = Option<DeviceState>, nullable = false)]
    state: Option<String>,
}

/// Lists devices in order of their ids, those that wait for approval and those that were retired too.
#[utoipa::path(
    get, path = "/v1/admin/devices", tag = "administration", operation_id = "listDevices",
    security(("token" = [])), params(PageParams, StandingParams),
    responses(
        (status = 200, description = "A page of devices.", body = DevicePage),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(
    admin: Authorized,
    Params(page): Params<PageParams>,
    Params(params): Params<StandingParams>,
) -> Result<Answer<Page<DeviceLine>>, Problem> {
    let asked = page.asked()?;
    let state = params.state.as_deref().map(|state| choice("state", state, &STATES)).transpose()?;
    let view = admin.floor.view();
    let found =
        view.devices.devices.iter().filter(|(id, device)| {
            id.as_str() > asked.after && state.is_none_or(|state| state == device.state)
        });
    let now = admin.floor.now();
    let lines = found.take(asked.find).map(|(_, device)| line(&view, device, now)).collect();
    Ok(answer(asked.page(lines, |line: &DeviceLine| &line.device)))
}

/// One device: what it is, what it is set to, what it was asked, what it measures, what is wrong with it.
#[utoipa::path(
    get, path = "/v1/admin/devices/{id}", tag = "administration", operation_id = "getDevice",
    security(("token" = [])), params(("id" = String, Path, description = "The device's id.", min_length = 1)),
    responses(
        (status = 200, description = "All that is known of it.", body = DeviceDetail),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such device was ever heard.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(admin: Authorized, Segment(id): Segment) -> Result<Answer<DeviceDetail>, Problem> {
    detail(&admin, &id).map(answer)
}

/// The profiles by which foreign devices are understood, and files of profiles that were refused.
#[utoipa::path(
    get, path = "/v1/admin/device-profiles", tag = "administration", operation_id = "listDeviceProfiles",
    security(("token" = [])),
    responses(
        (status = 200, description = "Those in force, and what was refused with its reason.", body = DeviceProfiles),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn profiles(admin: Authorized) -> Result<Answer<DeviceProfiles>, Problem> {
    let dir = profiles_dir(&admin.data);
    let of_store = super::refused::beside(move || named(&dir)).await?;
    let control = admin.floor.control();
    let profiles = control.profiles();
    let lines = profiles.names().map(|(name, model)| ProfileLine {
        profile: name.into(),
        model: model.into(),
        builtin: BUILTIN.iter().any(|(builtin, _)| *builtin == name)
            && !of_store.iter().any(|own| own == name),
        commands: profiles.commands(name).map(|(command, _)| command.into()).collect(),
    });
    Ok(answer(DeviceProfiles { profiles: lines.collect(), refused: control.refused_profiles().to_vec() }))
}

/// The names that the store's own files give their profiles: such a file goes before the built-in of its name.
fn named(dir: &std::path::Path) -> Vec<String> {
    #[derive(Deserialize)]
    struct Named {
        profile: String,
    }
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
    texts.filter_map(|text| toml::from_str::<Named>(&text).ok()).map(|named| named.profile).collect()
}

/// All that is known of a device.
pub(super) fn detail(admin: &Shared, id: &str) -> Result<DeviceDetail, Problem> {
    let view = admin.floor.view();
    let Some(device) = view.devices.get(id) else {
        let detail = format!(
            "device `{id}` was never heard\nhint: a device appears when it announces itself or matches a profile"
        );
        return Err(Problem::unknown_device(detail).with("id", "was never heard"));
    };
    let now = admin.floor.now();
    let streams =
        device.streams.iter().filter_map(|stream| view.telemetry.stream(&key(device, &stream.name)));
    let waiting = !device.is_trusted();
    let heard = waiting.then(|| admin.floor.control().preview().devices.get(id).cloned()).flatten();
    Ok(DeviceDetail {
        alert: alert(&view, device, now),
        telemetry: streams.map(|stream| StreamLine::of(stream, now)).collect(),
        preview: heard.map(|heard| (*heard).clone()),
        device: (**device).clone(),
    })
}

fn line(view: &View, device: &DeviceView, now: Timestamp) -> DeviceLine {
    DeviceLine {
        device: device.device.to_string(),
        model: device.model.to_string(),
        profile: device.profile.as_ref().map(ToString::to_string),
        state: device.state,
        online: device.online,
        last_heard: device.last_heard,
        in_sync: device.twin.in_sync,
        problems: device.problems.len() + view.telemetry.anomalies_of(&device.device).count(),
        alert: alert(view, device, now),
    }
}

/// What needs somebody first, in words.
fn alert(view: &View, device: &DeviceView, now: Timestamp) -> Option<String> {
    let alerts = alert::alerts(device, view.telemetry.anomalies_of(&device.device), now);
    alerts.into_iter().next().map(|alert| alert.words)
}

fn key(device: &DeviceView, stream: &Name) -> StreamKey {
    StreamKey { device: device.device.clone(), stream: stream.clone() }
}

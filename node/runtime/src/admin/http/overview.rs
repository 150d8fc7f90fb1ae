//! The broker in numbers.

use super::{Answer, answer, authorized::Authorized};
use crate::admin::view::MqttOverview;
use aisle_kiosk::request::Problem;

/// The broker: who is there, what waits, what it keeps.
#[utoipa::path(
    get, path = "/v1/admin/mqtt", tag = "administration", operation_id = "getMqtt", security(("token" = [])),
    responses(
        (status = 200, description = "The broker in numbers.", body = MqttOverview),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(admin: Authorized) -> Answer<MqttOverview> {
    answer(MqttOverview::of(&admin.mqtt))
}

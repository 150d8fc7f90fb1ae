//! Erasures: asked for, looked at.

use super::{Answer, answer, authorized::Authorized, refused::name};
use crate::{
    admin::view::erasure::{Begun, EraseBody, ErasureLine, ErasureList},
    erase::Ask,
};
use aisle_event::{CustomerRef, Timestamp};
use aisle_kiosk::request::{Json, Problem};

/// The longest name of a law, in bytes.
const BASIS_BYTES_MAX: usize = 256;

/// Lists erasures, oldest first, with what each waits for and its receipt.
#[utoipa::path(
    get, path = "/v1/admin/erasures", tag = "administration", operation_id = "listErasures", security(("token" = [])),
    responses(
        (status = 200, description = "The erasures.", body = ErasureList),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(admin: Authorized) -> Answer<ErasureList> {
    let now = (admin.now)();
    let erasures = admin.erasing.all();
    answer(ErasureList {
        erasures: erasures.iter().map(|progress| ErasureLine::of(progress, now)).collect(),
        problem: admin.erasing.problem(),
    })
}

/// A time in a request.
fn time(text: &str) -> Result<Timestamp, Problem> {
    match text.parse::<jiff::Timestamp>() {
        Ok(until) => Ok(Timestamp(until.as_millisecond())),
        Err(_) => Err(Problem::field("retain_until", "is no time such as `2036-01-01T00:00:00Z`")),
    }
}

/// Begins the erasure of a customer. Their keys are destroyed next; the rest takes its time, and `listErasures` shows it.
#[utoipa::path(
    post, path = "/v1/admin/erasures", tag = "administration", operation_id = "eraseCustomer",
    security(("token" = [])), request_body(content = EraseBody, content_type = "application/json"),
    responses(
        (status = 200, description = "It has begun; that is durable.", body = Begun),
        (status = 400, description = "A field is wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing can be recorded at the moment.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn begin(admin: Authorized, Json(body): Json<EraseBody>) -> Result<Answer<Begun>, Problem> {
    let customer =
        CustomerRef::new(&body.customer).map_err(|error| Problem::field("customer", error.to_string()))?;
    let reason = body.reason.as_deref().map(|reason| name("reason", reason)).transpose()?;
    if body.basis.as_ref().is_some_and(|basis| basis.len() > BASIS_BYTES_MAX) {
        return Err(Problem::field("basis", format!("has more than {BASIS_BYTES_MAX} bytes")));
    }
    let retain_until = body.retain_until.as_deref().map(time).transpose()?;
    let ask = Ask { customer, reason, retain_until, basis: body.basis };
    let erasure = admin.erasing.request(ask).await.map_err(|error| {
        tracing::error!(%error, "an erasure was not begun");
        Problem::stopped("the erasure cannot be recorded at the moment").retry_after_s(10)
    })?;
    Ok(answer(Begun { erasure }))
}

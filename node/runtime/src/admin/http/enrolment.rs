//! The node's enrolment: how it stands, a claim, certificates of its devices; and the survival horizon.

use super::{Answer, Shared, answer, authorized::Authorized, refused::wrong};
use crate::{
    admin::view::enrolment::{ClaimBody, CredentialBody, CredentialView, EnrolmentView},
    horizon::Horizon,
};
use aisle_enrolment::{Enrolment, Fault, hub_address, with_root};
use aisle_kiosk::request::{Json, Problem, Segment};
use aisle_provisioning::{
    claim::{ClaimInput, LinkError},
    code::Code,
    fingerprint::Fingerprint,
    identity::Device,
};
use axum::http::StatusCode;
use data_encoding::BASE64;

/// The largest request for a certificate, in bytes.
const CSR_BYTES_MAX: usize = 4_096;

fn problem(fault: &Fault) -> Problem {
    let detail = fault.to_string();
    match fault.code {
        Code::NotInThisState => Problem::conflict(detail),
        code if code.is_passing() => Problem::busy(detail).retry_after_s(10),
        code if code.status() == 400 => Problem::malformed(detail),
        _ => Problem::conflict(detail),
    }
}

fn enrolment(admin: &Shared) -> Result<&Enrolment, Problem> {
    let none = || Problem::conflict("the node's own keys cannot be read; `aisle-node doctor` says why");
    admin.enrolment.as_ref().ok_or_else(none)
}

/// How the node stands with its chain: the steps of its claim, its certificate, what headquarters thinks of it.
#[utoipa::path(
    get, path = "/v1/admin/enrolment", tag = "administration", operation_id = "getEnrolment", security(("token" = [])),
    responses(
        (status = 200, description = "How it stands.", body = EnrolmentView),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(admin: Authorized) -> Answer<EnrolmentView> {
    answer(EnrolmentView {
        status: admin.enrolment.as_ref().map(Enrolment::status),
        problem: admin.enrolment_problem.clone(),
        horizon: (*admin.horizon.latest()).clone(),
    })
}

/// Takes a claim. It is kept when this is answered; how it goes on, `getEnrolment` shows. Once it is through the node starts anew by itself.
#[utoipa::path(
    post, path = "/v1/admin/enrolment", tag = "administration", operation_id = "claimNode", security(("token" = [])),
    request_body(content = ClaimBody, content_type = "application/json"),
    responses(
        (status = 202, description = "The claim is kept and under way."),
        (status = 400, description = "The claim or another field is wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The box is claimed already, or busy with a claim.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The box cannot take it at the moment.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn claim(admin: Authorized, Json(body): Json<ClaimBody>) -> Result<StatusCode, Problem> {
    let enrolment = enrolment(&admin)?;
    if enrolment.status().is_claimed() && !body.anew {
        return Err(Problem::conflict(
            "the box is a node of its store already; say `anew` to claim it again",
        ));
    }
    let parsed = body.claim.parse::<ClaimInput>();
    let claim = parsed.map_err(|error: LinkError| {
        let fault = Fault::of(error.code(), &error);
        wrong("claim", format!("cannot be used: {}", fault.to_string().replace("\nhint: ", " ")))
    })?;
    let hub = body.hub.as_deref().map(hub_address).transpose().map_err(|fault| wrong("hub", fault.detail))?;
    let root = body.root.as_deref().map(str::parse::<Fingerprint>).transpose();
    let root = root.map_err(|error| wrong("root", error))?;
    let claim = with_root(claim, hub.as_ref(), root);
    enrolment.claim(claim, hub).await.map_err(|fault| problem(&fault))?;
    Ok(StatusCode::ACCEPTED)
}

/// Goes on with a claim or a renewal that waits, at once.
#[utoipa::path(
    post, path = "/v1/admin/enrolment/try", tag = "administration", operation_id = "tryEnrolment", security(("token" = [])),
    responses(
        (status = 202, description = "It is tried now."),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The box is busy.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn again(admin: Authorized) -> Result<StatusCode, Problem> {
    enrolment(&admin)?.again().map_err(|fault| problem(&fault))?;
    Ok(StatusCode::ACCEPTED)
}

/// What would hurt the store first without a line, with its days.
#[utoipa::path(
    get, path = "/v1/admin/horizon", tag = "administration", operation_id = "getHorizon", security(("token" = [])),
    responses(
        (status = 200, description = "The survival horizon, the first to run out first.", body = Horizon),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn horizon(admin: Authorized) -> Answer<Horizon> {
    answer((*admin.horizon.latest()).clone())
}

fn device(id: &str) -> Result<Device, Problem> {
    Device::new(id).map_err(|error| wrong("id", error.to_string().replace("\nhint: ", "; ")))
}

/// Has headquarters give a device of this store a certificate.
#[utoipa::path(
    post, path = "/v1/admin/devices/{id}/certificate", tag = "administration", operation_id = "certifyDevice",
    security(("token" = [])), params(("id" = String, Path, description = "The device's id.", min_length = 1)),
    request_body(content = CredentialBody, content_type = "application/json"),
    responses(
        (status = 200, description = "Its certificate, and whom it is to believe.", body = CredentialView),
        (status = 400, description = "The request is none.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The box is not claimed, or headquarters says no.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The hub is not reached.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn certify(
    admin: Authorized,
    Segment(id): Segment,
    Json(body): Json<CredentialBody>,
) -> Result<Answer<CredentialView>, Problem> {
    let csr = BASE64.decode(body.csr.trim().as_bytes()).ok().filter(|csr| csr.len() <= CSR_BYTES_MAX);
    let csr = csr.ok_or_else(|| wrong("csr", format!("is not base64 of at most {CSR_BYTES_MAX} bytes")))?;
    let papers = enrolment(&admin)?.device(device(&id)?, csr).await.map_err(|fault| problem(&fault))?;
    Ok(answer(CredentialView { chain_pem: papers.chain_pem, roots_pem: papers.roots_pem }))
}

/// Takes a device's certificates back, here and at headquarters.
#[utoipa::path(
    delete, path = "/v1/admin/devices/{id}/certificate", tag = "administration", operation_id = "revokeDeviceCertificate",
    security(("token" = [])), params(("id" = String, Path, description = "The device's id.", min_length = 1)),
    responses(
        (status = 204, description = "Headquarters has taken them back; the next list says so."),
        (status = 400, description = "It is no device's id.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The box is not claimed, or headquarters says no.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The hub is not reached.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn revoke(admin: Authorized, Segment(id): Segment) -> Result<StatusCode, Problem> {
    enrolment(&admin)?.ban_device(device(&id)?).await.map_err(|fault| problem(&fault))?;
    Ok(StatusCode::NO_CONTENT)
}

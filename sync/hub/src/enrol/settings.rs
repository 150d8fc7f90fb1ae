//! What a node is told once it is in: whom to call, which policies, receipts and artefacts to believe.

use super::{answer::Refused, office::Office};
use crate::config::RawUpstream;
use aisle_provisioning::identity::Identity;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::{BASE64, HEXLOWER};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Settings<'a> {
    chain: &'a str,
    store: &'a str,
    serial: &'a str,
    region: &'a str,
    hubs: Vec<Called<'a>>,
    policy_keys: Vec<String>,
    hub_receipt_keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artefact_root: Option<String>,
    policy: Option<Sealed>,
    revoked_number: u64,
}

/// Where a hub takes stores in. A port of 0 is none.
#[derive(Debug, Serialize)]
struct Called<'a> {
    name: &'a str,
    quic_port: u16,
    tls_port: u16,
}

impl<'a> Called<'a> {
    fn of(hub: &'a RawUpstream) -> Self {
        Self { name: &hub.name, quic_port: hub.quic_port, tls_port: hub.tls_port }
    }
}

/// A policy and who vouches for it.
#[derive(Debug, Serialize)]
struct Sealed {
    document: String,
    signature: String,
}

/// The settings of a node, or that nothing has changed since it last asked.
pub(super) async fn answer(
    office: &Office,
    identity: &Identity,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let config = office.config();
    let wanted = office.policy_wanted();
    let policy = match wanted {
        None => None,
        Some(id) => office.database().policy_document(id).await?,
    };
    // What it holds is what was published: canonical JSON.
    let root = crate::artefacts::first_root(office.database()).await?;
    let settings = Settings {
        chain: identity.chain().as_str(),
        store: identity.store().map_or("", |store| store.as_str()),
        serial: identity.last(),
        region: office.region(),
        hubs: config.hubs.iter().map(Called::of).collect(),
        policy_keys: office.policy_keys(),
        hub_receipt_keys: vec![office.receipt_key()],
        artefact_root: root.and_then(|root| String::from_utf8(root).ok()),
        policy: policy.map(|(document, signature)| Sealed {
            document: BASE64.encode(&document),
            signature: HEXLOWER.encode(&signature),
        }),
        revoked_number: office.board().get().number(),
    };
    // Texts and numbers always have a JSON form.
    let body = serde_json::to_vec(&settings).unwrap_or_default();
    let tag = format!("\"{}\"", blake3::hash(&body).to_hex());
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known == Some(tag.as_str()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

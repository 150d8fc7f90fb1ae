//! `Idempotency-Key`: a request that is sent again is answered again, and done once.
//!
//! For every route that changes something and wants to know who asks. The same key with another request is refused (422); while the first is being done,
//! and where nobody knows what came of it because the hub was killed in the middle, the answer is 409. What was refused for a passing reason
//! (401, 403, 429, 5xx) gives the key back. A request that has begun is finished though its caller has gone. Answers are kept sealed under the key
//! itself, of which the database has a hash: an answer may hold a token. So a key should be random, and has to be long enough to be. Not here: the table.

use super::{Api, Problem};
use crate::{
    database::Claim,
    people::{secret::NoRandomness, who::Who},
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::SecureRandom,
};
use serde::{Deserialize, Serialize};

/// The header.
const HEADER: &str = "idempotency-key";
/// The fewest and the most characters of a key.
const KEY_CHARS: std::ops::RangeInclusive<usize> = 16..=128;
/// The longest request with a key, in bytes.
const REQUEST_BYTES_MAX: usize = 2 << 20;
/// The longest answer that is kept, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// The headers that are kept with an answer.
const KEPT: [&str; 4] = ["content-type", "etag", "location", "cache-control"];

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    headers: Vec<(String, String)>,
    body: String,
}

/// The key of one caller, with what it is bound to.
struct Claimed {
    actor: String,
    key: [u8; 32],
    request: [u8; 32],
    seal: [u8; 32],
}

/// Does a request once.
pub(super) async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let who = request.extensions().get::<Who>().cloned();
    let (true, Some(who), Some(key)) = (changes, who, request.headers().get(HEADER).cloned()) else {
        return next.run(request).await;
    };
    done_once(api, &who, &key, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn done_once(
    api: Api,
    who: &Who,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key.to_str().ok().filter(|key| KEY_CHARS.contains(&key.len()));
    let key = key.ok_or_else(|| Problem::field("Idempotency-Key", "is not 16 to 128 visible characters"))?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, REQUEST_BYTES_MAX).await.map_err(|_| Problem::too_large(REQUEST_BYTES_MAX))?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let claimed = Claimed::new(&who.id, key, parts.method.as_str(), path, &parts.headers, &body);
    let database = &api.database;
    match database.claim_key(&claimed.actor, &claimed.key, &claimed.request, api.now_ms()).await? {
        Claim::New => {}
        Claim::Other => return Err(Problem::other_request()),
        Claim::Begun => return Err(Problem::begun()),
        Claim::Done { status, answer } => return again(&claimed, status, answer.as_deref()),
    }
    let request = Request::from_parts(parts, Body::from(body));
    // Who has sent it may go away; what has begun is finished and kept.
    let finished = tokio::spawn(async move { finish(&api, &claimed, next.run(request).await).await });
    finished.await.map_err(|_| Problem::failed())?
}

async fn finish(api: &Api, claimed: &Claimed, answer: Response) -> Result<Response, Problem> {
    let status = answer.status();
    let is_passing = status.is_server_error()
        || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS);
    if is_passing {
        api.database.release_key(&claimed.actor, &claimed.key).await?;
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| Problem::failed())?;
    let kept = (body.len() <= ANSWER_BYTES_MAX).then(|| claimed.seal(api, &parts.headers, &body)).transpose();
    let kept = kept.map_err(|_| Problem::failed())?;
    api.database.settle_key(&claimed.actor, &claimed.key, status.as_u16(), kept.as_deref()).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// The answer that was given before.
fn again(claimed: &Claimed, status: i32, answer: Option<&[u8]>) -> Result<Response, Problem> {
    let Some(kept) = answer.and_then(|answer| claimed.open(answer)) else {
        return Err(Problem::done_before());
    };
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let body = BASE64.decode(kept.body.as_bytes()).map_err(|_| Problem::failed())?;
    let mut response = (status.unwrap_or(StatusCode::OK), body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

impl Claimed {
    fn new(actor: &str, key: &str, method: &str, path: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("aisle 2026-11-22 request with an idempotency key");
        let header = |name: HeaderName| headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
        let what = [
            method.as_bytes(),
            path.as_bytes(),
            header(header::CONTENT_TYPE),
            header(header::IF_MATCH),
            body,
        ];
        for part in what {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let request = *hasher.finalize().as_bytes();
        let key_hash = blake3::derive_key("aisle 2026-11-22 idempotency key", key.as_bytes());
        let material = [actor.as_bytes(), &[0], &request, key.as_bytes()].concat();
        let seal = blake3::derive_key("aisle 2026-11-22 seal of an answer", &material);
        Self { actor: actor.to_owned(), key: key_hash, request, seal }
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, &self.seal).ok().map(LessSafeKey::new)
    }

    fn seal(&self, api: &Api, headers: &HeaderMap, body: &Bytes) -> Result<Vec<u8>, NoRandomness> {
        let header = |name: &str| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned()));
        let kept = Kept { headers: KEPT.into_iter().filter_map(header).collect(), body: BASE64.encode(body) };
        // Texts only: it always has a JSON form.
        let mut sealed = serde_json::to_vec(&kept).unwrap_or_default();
        let mut nonce = [0; NONCE_LEN];
        let random: &dyn SecureRandom = api.people.random();
        random.fill(&mut nonce).map_err(|_| NoRandomness)?;
        let cipher = self.cipher().ok_or(NoRandomness)?;
        cipher
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .map_err(|_| NoRandomness)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, answer: &[u8]) -> Option<Kept> {
        let (nonce, sealed) = answer.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.cipher()?.open_in_place(nonce, Aad::empty(), &mut sealed).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

//! What is asked of the hub: who it is, the time, a certificate, the line's settings, who may not come in.
//!
//! Not here: how it is reached ([`crate::hub`]), when it is asked ([`crate::worker`]). Guards: a claim's code goes only over a connection to a hub that has proved itself,
//! and nothing that a hub signed is believed by its connection alone.

use crate::{
    fault::Fault,
    hub::{Answer, Hub, refused},
    settings::LineSettings,
    tls,
};
use aisle_event::Timestamp;
use aisle_provisioning::device::RevocationBoard;
use aisle_provisioning::{
    certificate::Facts,
    claim::{
        ClaimInput, HubAddress, Introduction, Nonce,
        introduction::{ANSWER_HEADER, ASK_HEADER},
    },
    code::Code,
    device::RevocationList,
    entropy::Entropy,
    est::{self, Heard},
    fingerprint::Fingerprint,
    identity::{Chain, Serial, Store},
    key::PrivateKey,
    keyring::Offer,
    request,
    roots::Roots,
    time::{Floor, TimeStatement},
    verify::{FirstContact, HubVerifier},
};
use data_encoding::{BASE64, HEXLOWER};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use std::sync::Arc;

/// The header with the public half of the key that the node signs receipts with, in 64 hexadecimal digits.
const RECEIPT_KEY: &str = "aisle-receipt-key";
/// The header with the store that the box is set up for.
const STORE: &str = "aisle-store";

/// Whom the node believes, and at which time.
#[derive(Clone, Copy)]
pub(crate) struct Believed<'a> {
    pub(crate) roots: &'a Roots,
    pub(crate) chain: &'a Chain,
    pub(crate) floor: &'a Floor,
    pub(crate) banned: &'a RevocationBoard,
}

fn set_up(error: &dyn std::error::Error) -> Fault {
    Fault::of(Code::HubNotTrusted, error)
}

/// Finds out that this is the claim's hub: whom to believe from now on, and whose hub it says it is.
pub(crate) async fn introduce(
    address: &HubAddress,
    claim: &ClaimInput,
    entropy: &mut (dyn Entropy + Send),
    reached: impl FnOnce(),
) -> Result<(Roots, Chain), Fault> {
    let config = tls::config(Arc::new(FirstContact), None).map_err(|error| set_up(&error))?;
    let mut hub = Hub::connect(address, config).await?;
    let nonce = Nonce::draw(entropy).map_err(|error| Fault::of(Code::DiskUnwritable, &error))?;
    let ask = [(ASK_HEADER, nonce.ask(claim.code()))];
    let answer = hub.ask("GET", &format!("{}/cacerts", est::PATH), &ask, Vec::new()).await?;
    reached();
    // A proof that cannot be read proves nothing.
    let proof = answer.header(ANSWER_HEADER).and_then(|header| header.parse::<Introduction>().ok());
    let roots = Introduction::accept(claim, &nonce, &answer.body, proof.as_ref());
    let roots = roots.map_err(|error| Fault::of(error.code(), &error))?;
    // What it says of its chain counts once it has shown that it comes from these roots, with the next connection.
    let own = hub.shown.first().and_then(|own| Facts::read(own).ok());
    let chain = own.and_then(|own| own.identity.map(|identity| identity.chain().clone()));
    let chain = chain.ok_or_else(|| Fault::new(Code::NoHub, "its certificate names no hub of a chain"))?;
    Ok((roots, chain))
}

/// Connects to a hub of the chain, showing what is offered.
pub(crate) async fn connect(
    address: &HubAddress,
    believed: Believed<'_>,
    shows: Option<&Offer>,
) -> Result<Hub, Fault> {
    let Believed { roots, chain, floor, banned } = believed;
    let verifier = HubVerifier::new(roots, chain.clone(), floor.clone(), Arc::new(banned.clone()));
    let verifier = verifier.map_err(|error| set_up(&error))?;
    let config = tls::config(Arc::new(verifier), shows).map_err(|error| set_up(&error))?;
    Hub::connect(address, config).await
}

/// What a hub signed, as it comes: base64, or base64 in JSON.
fn signed_bytes(answer: &Answer) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Wrapped {
        #[serde(alias = "statement", alias = "list", alias = "bytes")]
        signed: String,
    }
    let wrapped: Option<Wrapped> = serde_json::from_slice(&answer.body).ok();
    let text = match &wrapped {
        Some(wrapped) => wrapped.signed.as_bytes(),
        None => &answer.body,
    };
    let packed: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&packed).ok()
}

fn unusable(what: &str) -> Fault {
    Fault::new(Code::AnswerUnusable, what)
}

/// The hub's signed time.
pub(crate) async fn time(
    hub: &mut Hub,
    believed: Believed<'_>,
    entropy: &mut (dyn Entropy + Send),
) -> Result<Timestamp, Fault> {
    let nonce = TimeStatement::nonce(entropy).map_err(|error| Fault::of(Code::DiskUnwritable, &error))?;
    let path = format!("/v1/enrol/time?nonce={}", HEXLOWER.encode(&nonce));
    let answer = hub.ask("GET", &path, &[], Vec::new()).await?;
    let bytes = signed_bytes(&answer).ok_or_else(|| unusable("the hub's time is no base64"))?;
    let statement = TimeStatement::open(&bytes, believed.roots, believed.chain, Some(&nonce));
    Ok(statement.map_err(|error| Fault::of(Code::HubNotTrusted, &error))?.at)
}

/// What a box shows with its claim.
pub(crate) struct Asking<'a> {
    pub(crate) claim: &'a ClaimInput,
    pub(crate) serial: &'a Serial,
    /// The store that it is set up for, where somebody said so.
    pub(crate) store: Option<&'a Store>,
    /// The public half of the key that it signs receipts with.
    pub(crate) receipt_key: [u8; 32],
}

async fn ask_for_certificate(
    hub: &mut Hub,
    call: &str,
    headers: Vec<(&str, String)>,
    csr: &[u8],
    key: &Fingerprint,
) -> Result<Heard, Fault> {
    let (name, value) = est::TRANSFER_ENCODING;
    let mut headers = headers;
    headers.extend([("content-type", est::PKCS10.to_owned()), (name, value.to_owned())]);
    let answer = hub.ask("POST", call, &headers, BASE64.encode(csr).into_bytes()).await?;
    let retry_after = answer.header("retry-after");
    match Heard::read(answer.status, retry_after, &answer.body, key) {
        // Its code, whether it is a problem or a text.
        Ok(Heard::Refused { .. }) => Err(refused(&answer)),
        Ok(heard) => Ok(heard),
        Err(error) => Err(Fault::of(error.code(), &error)),
    }
}

/// Asks for the first certificate, with a claim.
pub(crate) async fn enrol(hub: &mut Hub, asking: &Asking<'_>, key: &PrivateKey) -> Result<Heard, Fault> {
    let csr = request::make(key, asking.serial.as_str(), None);
    let csr = csr.map_err(|error| Fault::of(Code::RequestMalformed, &error))?;
    let mut headers = vec![
        ("authorization", est::basic(asking.claim.code()).to_string()),
        (RECEIPT_KEY, HEXLOWER.encode(&asking.receipt_key)),
    ];
    if let Some(store) = asking.store {
        headers.push((STORE, store.to_string()));
    }
    ask_for_certificate(hub, &format!("{}/simpleenroll", est::PATH), headers, &csr, &key.fingerprint()).await
}

/// Asks for the next certificate, over a connection that showed the one in use.
pub(crate) async fn renew(
    hub: &mut Hub,
    offer: &Offer,
    key: &PrivateKey,
    receipt_key: [u8; 32],
) -> Result<Heard, Fault> {
    let named = offer.facts.named();
    let identity = named.map_err(|error| Fault::of(Code::NameForeign, &error))?;
    let csr = request::make(key, identity.last(), Some(identity));
    let csr = csr.map_err(|error| Fault::of(Code::RequestMalformed, &error))?;
    let headers = vec![(RECEIPT_KEY, HEXLOWER.encode(&receipt_key))];
    ask_for_certificate(hub, &format!("{}/simplereenroll", est::PATH), headers, &csr, &key.fingerprint())
        .await
}

/// The line's settings, unless they are those of the tag that is known already; and their tag.
pub(crate) async fn settings(
    hub: &mut Hub,
    known: Option<&str>,
) -> Result<Option<(LineSettings, Option<String>)>, Fault> {
    let headers: Vec<_> = known.map(|tag| ("if-none-match", tag.to_owned())).into_iter().collect();
    let answer = hub.ask("GET", "/v1/enrol/settings", &headers, Vec::new()).await?;
    if answer.status == 304 {
        return Ok(None);
    }
    let tag = answer.header("etag").map(str::to_owned);
    Ok(Some((LineSettings::read(&answer.body)?, tag)))
}

/// The list of who may not come in, with the bytes that were signed.
pub(crate) async fn revoked(
    hub: &mut Hub,
    store: &Store,
    believed: Believed<'_>,
) -> Result<(RevocationList, Vec<u8>), Fault> {
    let answer = hub.ask("GET", &format!("/v1/enrol/revoked?store={store}"), &[], Vec::new()).await?;
    let bytes = signed_bytes(&answer).ok_or_else(|| unusable("the revocation list is no base64"))?;
    let current = believed.banned.get();
    let list = RevocationList::open(&bytes, believed.roots, believed.chain, &current);
    Ok((list.map_err(|error| Fault::of(Code::HubNotTrusted, &error))?, bytes))
}

/// A certificate for a device of this store, for a request in DER.
pub(crate) async fn device(
    hub: &mut Hub,
    device: &str,
    csr: &[u8],
) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let headers = [("content-type", est::PKCS10.to_owned())];
    let path = format!("/v1/enrol/devices/{device}");
    let answer = hub.ask("POST", &path, &headers, BASE64.encode(csr).into_bytes()).await?;
    est::read_certificates(&answer.body).map_err(|error| Fault::of(error.code(), &error))
}

/// Takes a device's certificates back.
pub(crate) async fn ban_device(hub: &mut Hub, device: &str) -> Result<(), Fault> {
    hub.ask("DELETE", &format!("/v1/enrol/devices/{device}"), &[], Vec::new()).await.map(drop)
}

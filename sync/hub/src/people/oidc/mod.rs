//! Signing in elsewhere: OpenID Connect, the authorisation code with PKCE.
//!
//! ```text
//! browser ─ /v1/oidc/start ─> cookie with a secret; state, nonce and challenge follow from it ─> provider ─ signs in ─> /v1/oidc/callback
//!    code ─ with the verifier ─> provider ─> identity token ─ keys, claims ─> groups ─ `[[oidc.role]]` ─> roles ─> session
//! ```
//!
//! Nothing is kept here between the two: what comes back has to fit the secret in the cookie of the same browser, so any hub may finish what another began, and
//! nobody can finish in a foreign browser. Roles are what the groups give, at every sign-in anew. A person of the provider is told by issuer and subject, never by
//! a name or address that somebody else may get. Who has a local account does not become another one. Not here: tokens' signatures ([`jwt`]), sockets ([`wire`]).

pub mod jwt;
pub mod wire;

use super::{
    People,
    audit::By,
    person::{Change, Person, check},
    persons::PersonsError,
    role::Grant,
    secret::{Purpose, Secret},
    sign_in::{SignInError, SignedIn},
    who::{Origin, Way, Who},
};
use crate::database::{DatabaseError, PersonError};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use form_urlencoded::{Serializer, byte_serialize};
use jwt::{Claims, Expected, JwtError, Keys};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};
use tokio::sync::Mutex;
use wire::{Wire, WireError};

/// How long what a provider says of itself is believed, in milliseconds.
const KNOWN_MS: i64 = 3_600_000;
/// How often its keys are fetched again for one that is not known, in milliseconds.
const KEYS_MS_MIN: i64 = 60_000;
/// The most groups of a person that are looked at.
const GROUPS_MAX: usize = 1_000;

/// Which provider, and what its groups are here.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// Its name: an address.
    pub issuer: String,
    /// What it calls us.
    pub client: String,
    /// What we show it, where it wants that.
    pub client_secret: Option<Secret>,
    /// Where it sends browsers back to.
    pub redirect: String,
    /// What is asked for, besides `openid`.
    pub scopes: Vec<String>,
    /// The claim with the groups.
    pub groups_claim: String,
    /// The claim with the name.
    pub name_claim: String,
    /// What groups are here.
    pub roles: Vec<(String, Grant)>,
    /// PEM file with the roots of its certificate; the system's, where there is none.
    pub roots: Option<PathBuf>,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider cannot be reached, or says what cannot be right.
    #[error("the identity provider cannot be asked")]
    Wire(#[from] WireError),
    /// What it says of itself is not what we expect.
    #[error("the identity provider says of itself what cannot be right: `{0}`")]
    Metadata(&'static str),
    /// The answer does not belong to what this browser began.
    #[error("this sign-in was not begun in this browser, or too long ago\nhint: begin again")]
    State,
    /// The provider has not signed them in.
    #[error("the identity provider has not signed you in: `{0}`")]
    Provider(String),
    /// Its token is not believed.
    #[error("the identity token is refused")]
    Token(#[from] JwtError),
    /// No group that means anything here.
    #[error("none of your groups has a role here\nhint: `[[oidc.role]]` in hub.toml says which have")]
    NoRole,
    /// They may not come.
    #[error("this person may not come any more")]
    Disabled,
    /// The person cannot be kept.
    #[error(transparent)]
    Person(#[from] PersonsError),
    /// No session can be begun.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl OidcError {
    /// True when somebody came whom we do not let in, which stands in the audit log.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::State | Self::Provider(_) | Self::Token(_) | Self::NoRole | Self::Disabled)
    }
}

/// What a provider says of itself.
#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Debug)]
struct Known {
    metadata: Metadata,
    keys: Keys,
    at_ms: i64,
    keys_at_ms: i64,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    id_token: String,
    #[serde(default)]
    access_token: Option<String>,
}

/// What came back with the browser.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// What the identity is fetched with.
    #[serde(default)]
    pub code: Option<String>,
    /// What was sent along.
    #[serde(default)]
    pub state: Option<String>,
    /// Who answers (RFC 9207).
    #[serde(default)]
    pub iss: Option<String>,
    /// Why there is no code.
    #[serde(default)]
    pub error: Option<String>,
}

/// A provider. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Oidc(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: OidcConfig,
    wire: Wire,
    known: Mutex<Option<Known>>,
}

impl Oidc {
    /// Nothing is asked yet: a provider that is away keeps no hub from starting.
    ///
    /// # Errors
    /// When its roots cannot be read or its address is not one to call.
    pub fn new(config: OidcConfig) -> Result<Self, WireError> {
        if !wire::is_fit(&config.issuer) {
            return Err(WireError::Address(config.issuer));
        }
        let wire = Wire::open(config.roots.as_deref())?;
        Ok(Self(Arc::new(Inner { config, wire, known: Mutex::new(None) })))
    }

    /// Where the browser is to go. The secret belongs into its cookie.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub async fn begin(&self, secret: &Secret, now_ms: i64) -> Result<String, OidcError> {
        let config = &self.0.config;
        let (metadata, _) = self.known(None, now_ms).await?;
        let verifier = secret.derived(Purpose::OidcVerifier);
        let challenge = BASE64URL_NOPAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref());
        let scope = std::iter::once("openid").chain(config.scopes.iter().map(String::as_str));
        let question = Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &config.client)
            .append_pair("redirect_uri", &config.redirect)
            .append_pair("scope", &scope.collect::<Vec<_>>().join(" "))
            .append_pair("state", &secret.derived(Purpose::OidcState))
            .append_pair("nonce", &secret.derived(Purpose::OidcNonce))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let between = if metadata.authorization_endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{}{between}{question}", metadata.authorization_endpoint))
    }

    /// Signs in whoever comes back. What is refused is written to the audit log.
    ///
    /// # Errors
    /// When the answer is not to what this browser asked, the provider's token is not believed, or the person has no role here.
    pub async fn finish(
        &self,
        people: &People,
        secret: &Secret,
        answer: &Answer,
        from: &Origin,
        now_ms: i64,
    ) -> Result<SignedIn, OidcError> {
        let done = self.finished(people, secret, answer, from, now_ms).await;
        match &done {
            Ok(_) => people.telemetry().sign_in("done"),
            Err(error) => {
                people.telemetry().sign_in("wrong");
                let causes =
                    std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
                tracing::warn!("nobody was signed in by the identity provider: {error}{causes}");
                if error.is_refusal() {
                    let by = By {
                        id: String::new(),
                        name: String::new(),
                        way: "oidc",
                        address: from.address.clone(),
                    };
                    people
                        .refused(people.line(by, "session.begin", "", now_ms), format!("{error}{causes}"))
                        .await?;
                }
            }
        }
        done
    }

    async fn finished(
        &self,
        people: &People,
        secret: &Secret,
        answer: &Answer,
        from: &Origin,
        now_ms: i64,
    ) -> Result<SignedIn, OidcError> {
        let config = &self.0.config;
        let state = answer.state.as_deref().unwrap_or_default();
        // Compared as hashes: in constant time.
        if blake3::hash(state.as_bytes()) != blake3::hash(secret.derived(Purpose::OidcState).as_bytes()) {
            return Err(OidcError::State);
        }
        if answer.iss.as_ref().is_some_and(|issuer| *issuer != config.issuer) {
            return Err(JwtError::Issuer.into());
        }
        if let Some(error) = &answer.error {
            return Err(OidcError::Provider(error.chars().take(64).collect()));
        }
        let code = answer.code.as_deref().ok_or(OidcError::State)?;
        let tokens = self.exchange(code, secret, now_ms).await?;
        let id = jwt::key_id(&tokens.id_token)?;
        let (metadata, keys) = self.known(Some(id), now_ms).await?;
        let nonce = secret.derived(Purpose::OidcNonce);
        let expected = Expected { issuer: &config.issuer, client: &config.client, nonce: &nonce, now_ms };
        let claims = jwt::verify(&tokens.id_token, &keys, &expected)?;
        let more = self.more(&metadata, &claims, tokens.access_token.as_deref()).await?;
        let grants = self.grants(&more);
        if grants.is_empty() {
            return Err(OidcError::NoRole);
        }
        let person = self.person(people, &claims.sub, &more, grants, from, now_ms).await?;
        Ok(people.begin_session(person, "oidc", from, now_ms).await?)
    }

    async fn exchange(&self, code: &str, secret: &Secret, now_ms: i64) -> Result<Tokens, OidcError> {
        let (metadata, _) = self.known(None, now_ms).await?;
        let (authorization, form) = self.form(&metadata, code, &secret.derived(Purpose::OidcVerifier));
        let answer = self.0.wire.post(&metadata.token_endpoint, authorization, form).await?;
        serde_json::from_slice(&answer).map_err(|_| OidcError::Metadata("the answer to a code"))
    }

    /// What a code is exchanged with: a header, where the provider wants the secret there, and a form.
    fn form(&self, metadata: &Metadata, code: &str, verifier: &str) -> (Option<String>, String) {
        let config = &self.0.config;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &config.redirect)
            .append_pair("client_id", &config.client)
            .append_pair("code_verifier", verifier);
        let Some(client_secret) = &config.client_secret else { return (None, form.finish()) };
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
        if methods.is_none_or(|methods| methods.iter().any(|taken| taken == "client_secret_basic")) {
            let quoted = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", quoted(&config.client), quoted(client_secret.reveal()));
            return (Some(format!("Basic {}", BASE64.encode(pair.as_bytes()))), form.finish());
        }
        form.append_pair("client_secret", client_secret.reveal());
        (None, form.finish())
    }

    /// The claims of the token, and where groups are not among them those of `userinfo`, about the same person.
    async fn more(
        &self,
        metadata: &Metadata,
        claims: &Claims,
        access_token: Option<&str>,
    ) -> Result<Map<String, Value>, OidcError> {
        let config = &self.0.config;
        let mut more = claims.more.clone();
        let (Some(url), Some(token)) = (&metadata.userinfo_endpoint, access_token) else { return Ok(more) };
        if more.contains_key(&config.groups_claim) {
            return Ok(more);
        }
        let answer = self.0.wire.get(url, Some(token)).await?;
        let told: Map<String, Value> =
            serde_json::from_slice(&answer).map_err(|_| OidcError::Metadata("userinfo"))?;
        if told.get("sub").and_then(Value::as_str) != Some(claims.sub.as_str()) {
            return Err(OidcError::Metadata("userinfo is about somebody else"));
        }
        for (claim, value) in told {
            more.entry(claim).or_insert(value);
        }
        Ok(more)
    }

    fn grants(&self, claims: &Map<String, Value>) -> Vec<Grant> {
        let config = &self.0.config;
        let groups: BTreeSet<&str> = match claims.get(&config.groups_claim) {
            Some(Value::String(one)) => std::iter::once(one.as_str()).collect(),
            Some(Value::Array(many)) => many.iter().take(GROUPS_MAX).filter_map(Value::as_str).collect(),
            _ => BTreeSet::new(),
        };
        let grants: BTreeSet<Grant> = config
            .roles
            .iter()
            .filter(|(group, _)| groups.contains(group.as_str()))
            .map(|(_, grant)| grant.clone())
            .collect();
        grants.into_iter().collect()
    }

    /// The person of a subject, with these roles: made where there is none.
    async fn person(
        &self,
        people: &People,
        subject: &str,
        claims: &Map<String, Value>,
        grants: Vec<Grant>,
        from: &Origin,
        now_ms: i64,
    ) -> Result<Person, OidcError> {
        let config = &self.0.config;
        let provider = Who {
            id: "oidc".into(),
            name: config.issuer.clone(),
            grants: Vec::new(),
            only: None,
            way: Way::Provider,
            address: from.address.clone(),
        };
        let subject = format!("{}|{subject}", config.issuer);
        if let Some(known) = people.database().person_of(&subject).await? {
            if known.is_disabled {
                return Err(OidcError::Disabled);
            }
            let (now, wanted): (BTreeSet<_>, BTreeSet<_>) =
                (known.grants.iter().collect(), grants.iter().collect());
            if now == wanted {
                return Ok(known);
            }
            let change = Change { grants: Some(grants), ..Change::default() };
            return Ok(people.change(&provider, &known.id, None, &change, now_ms).await?);
        }
        let claimed = claims.get(&config.name_claim).and_then(Value::as_str).map(str::trim);
        let name = claimed.filter(|name| check(name).is_ok()).unwrap_or("somebody").to_owned();
        let added =
            people.add_as(&provider, &name, Some(subject.clone()), grants.clone(), None, now_ms).await;
        match added {
            Err(PersonsError::Person(PersonError::NameTaken)) => {
                // Somebody else has the name: it says no more who this is, so it gets a mark.
                let mark = blake3::hash(subject.as_bytes()).to_hex();
                let short: String = name.chars().take(48).collect();
                let name = format!("{} ({})", short.trim(), mark.get(..8).unwrap_or_default());
                Ok(people.add_as(&provider, &name, Some(subject), grants, None, now_ms).await?)
            }
            added => Ok(added?),
        }
    }

    /// What the provider says of itself, and its keys; fetched again when they are old, or do not have the one that is asked for.
    async fn known(&self, key: Option<Option<String>>, now_ms: i64) -> Result<(Metadata, Keys), OidcError> {
        let mut known = self.0.known.lock().await;
        let age = |at_ms: i64| now_ms.saturating_sub(at_ms).unsigned_abs();
        if let Some(known) = known.as_mut()
            && age(known.at_ms) < KNOWN_MS.unsigned_abs()
        {
            let lacks = key.is_some_and(|id| !known.keys.has(id.as_deref()));
            if lacks && age(known.keys_at_ms) >= KEYS_MS_MIN.unsigned_abs() {
                known.keys = self.keys(&known.metadata).await?;
                known.keys_at_ms = now_ms;
            }
            return Ok((known.metadata.clone(), known.keys.clone()));
        }
        let issuer = &self.0.config.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let metadata = self.0.wire.get(&url, None).await?;
        let metadata: Metadata =
            serde_json::from_slice(&metadata).map_err(|_| OidcError::Metadata("openid-configuration"))?;
        if metadata.issuer != *issuer {
            return Err(OidcError::Metadata("issuer"));
        }
        if !wire::is_fit(&metadata.authorization_endpoint) {
            return Err(OidcError::Metadata("authorization_endpoint"));
        }
        let keys = self.keys(&metadata).await?;
        *known =
            Some(Known { metadata: metadata.clone(), keys: keys.clone(), at_ms: now_ms, keys_at_ms: now_ms });
        Ok((metadata, keys))
    }

    async fn keys(&self, metadata: &Metadata) -> Result<Keys, OidcError> {
        Ok(Keys::read(&self.0.wire.get(&metadata.jwks_uri, None).await?)?)
    }
}

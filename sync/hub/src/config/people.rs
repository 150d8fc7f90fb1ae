//! The settings about people, checked: where browsers find the hub, how long sessions last, the identity provider.

use super::{
    ConfigError, RawHttp, RawOidc, RawPeople,
    resolve::{positive, wrong},
};
use crate::{
    http::Site,
    people::{
        Settings,
        oidc::{OidcConfig, wire::is_fit},
    },
};
use std::path::Path;

/// The path that an identity provider leads back to.
const CALLBACK: &str = "/v1/oidc/callback";

pub(super) fn settings(raw: &RawPeople) -> Result<Settings, ConfigError> {
    let idle = positive("people.session_idle_minutes", raw.session_idle_minutes)?;
    let most = positive("people.session_hours_max", raw.session_hours_max)?;
    let setup = positive("people.setup_hours", raw.setup_hours)?;
    Ok(Settings {
        session_idle_ms: i64::from(idle) * 60_000,
        session_ms_max: i64::from(most) * 3_600_000,
        setup_ms: i64::from(setup) * 3_600_000,
        ..Settings::default()
    })
}

/// A scheme and a host, and a port where it is not the usual one: nothing behind it, as browsers write it.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    !host.is_empty() && host.bytes().all(is_plain) && !host.ends_with(":443")
}

pub(super) fn site(raw: &RawHttp) -> Result<Site, ConfigError> {
    let origin = Some(raw.origin.clone()).filter(|origin| !origin.is_empty());
    if let Some(origin) = origin.as_deref().filter(|origin| !is_origin(origin)) {
        return Err(wrong("http.origin", origin, "an origin in lower case, such as `https://hub.example`"));
    }
    let proxy = |(at, text): (usize, &String)| {
        text.parse()
            .map_err(|_| wrong(format!("http.proxies[{at}]"), text, "an address, such as `127.0.0.1`"))
    };
    let proxies = raw.proxies.iter().enumerate().map(proxy).collect::<Result<_, _>>()?;
    Ok(Site { origin, proxies })
}

pub(super) fn oidc(raw: &RawOidc, site: &Site, beside: &Path) -> Result<Option<OidcConfig>, ConfigError> {
    if raw.issuer.is_empty() {
        return Ok(None);
    }
    if !is_fit(&raw.issuer) {
        return Err(wrong("oidc.issuer", &raw.issuer, "an address that begins with `https://`"));
    }
    if raw.client_id.is_empty() {
        return Err(wrong("oidc.client_id", "", "what the provider calls this hub"));
    }
    let Some(origin) = &site.origin else {
        return Err(wrong("http.origin", "", "where browsers find the hub: a provider leads back to it"));
    };
    let role = |(at, raw): (usize, &super::RawOidcRole)| match raw.role.parse() {
        Ok(grant) => Ok((raw.group.clone(), grant)),
        Err(_) => Err(wrong(
            format!("oidc.role[{at}].role"),
            &raw.role,
            "a role, such as `viewer` or `operator@region:eu`",
        )),
    };
    Ok(Some(OidcConfig {
        issuer: raw.issuer.clone(),
        client: raw.client_id.clone(),
        client_secret: None,
        redirect: format!("{origin}{CALLBACK}"),
        scopes: raw.scopes.clone(),
        groups_claim: raw.groups_claim.clone(),
        name_claim: raw.name_claim.clone(),
        roles: raw.role.iter().enumerate().map(role).collect::<Result<_, _>>()?,
        roots: Some(&raw.roots).filter(|file| !file.is_empty()).map(|file| beside.join(file)),
    }))
}

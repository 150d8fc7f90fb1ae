//! Which hub is meant, and with which token: flags, then the environment, then profiles.
//!
//! Guards: the token of a profile goes to the hub of that profile and to no other; over plain HTTP a token goes to this machine only.

use super::{
    error::FleetError,
    hub::{Hub, Place},
    profile::{self, Profiles},
};
use std::{env, fs::File, io::Read, path::PathBuf};

/// So much of a token file is read, in bytes.
const TOKEN_BYTES_MAX: u64 = 1_024;
/// The variable with a token.
const TOKEN: &str = "AISLE_TOKEN";

/// Which hub, and what opens it.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Which hub")]
pub(crate) struct At {
    /// Address of the hub, such as `https://hub.example` [default: the profile's]
    #[arg(long, global = true, value_name = "URL", env = "AISLE_HUB")]
    pub(super) hub: Option<String>,
    /// File with a token [default: the variable `AISLE_TOKEN`, then the profile's]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Which profile of `~/.config/aisle/fleet.toml` [default: the one for the hub, else the default one]
    #[arg(long, global = true, value_name = "NAME", env = "AISLE_FLEET_PROFILE")]
    pub(super) profile: Option<String>,
    /// Certificates that the hub's comes from, in PEM [default: the profile's, then the system's]
    #[arg(long, global = true, value_name = "FILE", env = "AISLE_HUB_CA_FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Show each request as a line for `curl`, without the token, and go on
    #[arg(long, global = true)]
    pub(super) show_request: bool,
}

impl At {
    /// The hub, with a token.
    ///
    /// # Errors
    /// When none is named, or there is no token for it.
    pub(super) fn hub(&self) -> Result<Hub, FleetError> {
        let own = self.own_token()?;
        let asked = self.hub.as_deref().map(origin).transpose()?;
        // Who says both needs no file, and a broken one is in nobody's way.
        let needs_file = asked.is_none() || own.is_none() || self.profile.is_some();
        let profiles = if needs_file { Profiles::read(&profile::file()?)? } else { Profiles::default() };
        let profile = profiles.meant(self.profile.as_deref(), asked.as_deref())?;
        let origin = match (asked, profile) {
            (Some(asked), _) => asked,
            (None, Some(profile)) => origin(&profile.hub)?,
            (None, None) => return Err(FleetError::NoHub),
        };
        let of_profile = profile.filter(|profile| profile.hub == origin);
        let token = own.or_else(|| of_profile.map(|profile| profile.token.clone()));
        let token = token.ok_or_else(|| FleetError::NoToken { hub: origin.clone() })?;
        let ca_file = self.ca_file.clone().or_else(|| of_profile.and_then(|profile| profile.ca_file.clone()));
        Hub::at(Place { origin, token: Some(token), ca_file }, self.show_request)
    }

    fn own_token(&self) -> Result<Option<String>, FleetError> {
        let Some(file) = &self.token_file else {
            return env::var(TOKEN)
                .ok()
                .filter(|token| !token.is_empty())
                .map(|token| clean(&token, TOKEN.into()))
                .transpose();
        };
        let mut text = String::new();
        File::open(file)
            .and_then(|opened| opened.take(TOKEN_BYTES_MAX).read_to_string(&mut text))
            .map_err(|source| FleetError::File { what: "read", path: file.clone(), source })?;
        clean(&text, file.clone()).map(Some)
    }
}

fn clean(text: &str, path: PathBuf) -> Result<String, FleetError> {
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(FleetError::Content { path, why: "holds no token".to_owned() });
    }
    Ok(token.to_owned())
}

/// An address without what does not belong to it: `https://hub.example:8490`.
///
/// # Errors
/// When it is none, or a token would go over a line that others can read.
pub(super) fn origin(url: &str) -> Result<String, FleetError> {
    let wrong = |why| FleetError::Address { url: crate::output::plain(url), why };
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("`https://` is missing before it"))?;
    let authority = rest.trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]_".contains(&byte);
    if authority.is_empty() || !authority.bytes().all(is_plain) {
        return Err(wrong("only a name or an address and a port may stand in it"));
    }
    let authority = authority.to_ascii_lowercase();
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => &authority,
    };
    match scheme.to_ascii_lowercase().as_str() {
        "https" => Ok(format!("https://{authority}")),
        "http" if matches!(name, "127.0.0.1" | "localhost" | "[::1]") => Ok(format!("http://{authority}")),
        "http" => {
            Err(wrong("over `http://` a token would be read by others; only on this machine it is not"))
        }
        _ => Err(wrong("it begins with `https://`")),
    }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_machine() {
        assert_eq!(origin("https://Hub.example/").unwrap(), "https://hub.example");
        assert_eq!(origin("http://127.0.0.1:8490").unwrap(), "http://127.0.0.1:8490");
        assert_eq!(origin("http://[::1]:8490/").unwrap(), "http://[::1]:8490");
        for wrong in [
            "hub.example",
            "http://hub.example",
            "http://127.0.0.1.example",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://u@a",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}

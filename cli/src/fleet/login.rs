//! `fleet login`, `logout`, `profiles`, `me`: a person signs in once, and this machine keeps a token that may what fleets want and no more.
//!
//! ```text
//! password ─> session ─> token with scopes ─> ~/.config/aisle/fleet.toml (0600); the session ends
//! ```
//!
//! Guards: the password is asked for without showing it, goes to the hub and nowhere else, and stands in no error and no shown request.

use super::{
    ask::{Ask, Body, Method},
    at::{At, origin},
    desk::{Desk, lines},
    error::FleetError,
    hub::{Hub, Place, Session},
    profile::{self, DEFAULT, Profile, Profiles},
    view::{self, Column, Shape, fields, table},
};
use crate::{Ended, Usage, output};
use anyhow::Result;
use serde_json::{Value, json};
use std::io::{self, Read};

/// So much of a password is read from standard input, in bytes: more than hubs take.
const PASSWORD_BYTES_MAX: u64 = 4_096;
/// What a token of this machine may where nobody says otherwise, as far as the person may it: all that this command does but managing people and agreeing to what others ask.
const SCOPES: [&str; 14] = [
    "store.read",
    "store.label",
    "artefact.read",
    "desired.write",
    "rollout.read",
    "rollout.start",
    "rollout.approve",
    "enrolment.read",
    "enrolment.decide",
    "approval.read",
    "people.read",
    "audit.read",
    "policy.read",
    "hub.read",
];

const ME: [Column; 5] = [
    Column("name", &["/name"], Shape::Text),
    Column("person", &["/person"], Shape::Text),
    Column("by", &["/way"], Shape::Text),
    Column("roles", &["/roles"], Shape::List),
    Column("may", &["/permissions"], Shape::List),
];

const PROFILES: [Column; 5] = [
    Column("profile", &["/profile"], Shape::Text),
    Column("hub", &["/hub"], Shape::Text),
    Column("person", &["/person"], Shape::Text),
    Column("token", &["/token_id"], Shape::Text),
    Column("until", &["/ends_at_ms"], Shape::When),
];

/// `fleet login`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  aisle fleet login --hub https://hub.example --name ada\n  \
                        aisle fleet login --hub https://hub.example --name ada --profile hq --days 7 --scope store.read --scope rollout.read")]
pub(crate) struct Args {
    /// Your name at the hub
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// In how many days the token ends
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// What the token may; may be repeated [default: what fleets want, as far as you may it]
    #[arg(long, value_name = "PERMISSION")]
    scope: Vec<String>,
}

/// `fleet logout`
#[derive(Debug, clap::Args)]
pub(crate) struct LogoutArgs {}

/// Signs in, and keeps a token.
pub(super) fn run(args: &Args, at: &At, json: bool) -> Result<Ended> {
    let asked = at
        .hub
        .as_deref()
        .ok_or_else(|| Usage("no hub is named\nhint: `--hub https://hub.example`".to_owned()))?;
    let place = Place { origin: origin(asked)?, token: None, ca_file: at.ca_file.clone() };
    let password = password(args)?;
    let hub = Hub::at(place, at.show_request)?;
    let body = Body::Secret(json!({ "name": args.name, "password": password }));
    let signed_in = hub.ask(&Ask { body, ..Ask::new(Method::Post, "/v1/session") })?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let strange = |why: &str| FleetError::Strange { hub: hub.origin().to_owned(), why: why.to_owned() };
    let session = signed_in.cookie.zip(text(&signed_in.body, "csrf"));
    let (cookie, csrf) = session.ok_or_else(|| strange("it gives no session"))?;
    let permissions = scopes(args, &signed_in.body);
    let origin = hub.origin().to_owned();
    let hub = hub.with_session(Session { cookie, csrf });
    let wanted = json!({ "name": format!("aisle fleet on {}", machine()), "permissions": permissions, "days": args.days });
    let made = hub.ask(&Ask::post("/v1/me/tokens", wanted));
    // The session has done its work, whatever came of it.
    let ended = hub.ask(&Ask::delete("/v1/session"));
    let made = made?.body;
    ended?;
    let strange = |why: &str| FleetError::Strange { hub: origin.clone(), why: why.to_owned() };
    let token = text(&made, "secret").ok_or_else(|| strange("it gives no token"))?;
    let profile = Profile {
        hub: origin.clone(),
        token,
        token_id: text(&made, "token").unwrap_or_default(),
        person: args.name.clone(),
        ends_at_ms: made.get("ends_at_ms").and_then(Value::as_i64).unwrap_or_default(),
        ca_file: at.ca_file.as_ref().map(|file| file.canonicalize().unwrap_or_else(|_| file.clone())),
    };
    let name = at.profile.clone().unwrap_or_else(|| DEFAULT.to_owned());
    let path = profile::file()?;
    let mut profiles = Profiles::read(&path)?;
    let told = shown(&name, &profile);
    profiles.profile.insert(name.clone(), profile);
    profiles.default.get_or_insert(name);
    profiles.write(&path)?;
    if json {
        output::json(&told)?;
    } else {
        lines(fields(&PROFILES, &told))?;
        output::line(format!("it may {}", permissions.join(", ")))?;
    }
    Ok(Ended::Well)
}

fn scopes(args: &Args, me: &Value) -> Vec<String> {
    if !args.scope.is_empty() {
        return args.scope.clone();
    }
    let may = me.get("permissions").and_then(Value::as_array).into_iter().flatten();
    may.filter_map(Value::as_str).filter(|may| SCOPES.contains(may)).map(str::to_owned).collect()
}

fn password(args: &Args) -> Result<String> {
    let failed =
        |source| FleetError::File { what: "read the password from", path: "standard input".into(), source };
    if !args.password_stdin {
        return Ok(rpassword::prompt_password(format!("password of {}: ", output::plain(&args.name)))
            .map_err(failed)?);
    }
    let mut text = String::new();
    io::stdin().take(PASSWORD_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    // A line ends; a password may begin and end with spaces.
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// What this machine is called, for whoever sees the token in a list.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain: String = name
        .trim()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        .take(32)
        .collect();
    if plain.is_empty() { "a machine".to_owned() } else { plain }
}

fn shown(name: &str, profile: &Profile) -> Value {
    json!({ "profile": name, "hub": profile.hub, "person": profile.person, "token_id": profile.token_id, "ends_at_ms": profile.ends_at_ms })
}

/// Forgets a hub. The token itself ends by itself, or is revoked by somebody who may.
pub(super) fn forget(_args: &LogoutArgs, at: &At, json: bool) -> Result<Ended> {
    let path = profile::file()?;
    let mut profiles = Profiles::read(&path)?;
    let asked = at.hub.as_deref().map(origin).transpose()?;
    let of_hub = asked
        .and_then(|hub| profiles.profile.iter().find(|(_, profile)| profile.hub == hub))
        .map(|(name, _)| name.clone());
    let name = at
        .profile
        .clone()
        .or(of_hub)
        .or_else(|| profiles.default.clone())
        .unwrap_or_else(|| DEFAULT.to_owned());
    let gone = profiles.profile.remove(&name).ok_or_else(|| FleetError::NoProfile { name: name.clone() })?;
    if profiles.default.as_ref() == Some(&name) {
        profiles.default = profiles.profile.keys().next().cloned();
    }
    profiles.write(&path)?;
    if json {
        output::json(&shown(&name, &gone))?;
        return Ok(Ended::Well);
    }
    let until = view::when(gone.ends_at_ms).unwrap_or_default();
    output::line(format!("`{name}` is forgotten here"))?;
    output::aside(format!(
        "its token {} is good until {until}: revoke it on the console, or with `aisle fleet token revoke {0}`",
        gone.token_id
    ));
    Ok(Ended::Well)
}

/// Shows the hubs that this machine knows, without their tokens.
pub(super) fn profiles(json: bool) -> Result<Ended> {
    let profiles = Profiles::read(&profile::file()?)?;
    let rows: Vec<Value> = profiles.profile.iter().map(|(name, profile)| shown(name, profile)).collect();
    if json {
        output::json(&json!({ "items": rows, "default": profiles.default }))?;
    } else if rows.is_empty() {
        output::line("no hubs")?;
    } else {
        lines(table(&PROFILES, &rows))?;
    }
    Ok(Ended::Well)
}

/// Shows who one is.
pub(super) fn me(desk: &Desk) -> Result<Ended> {
    desk.done(&Ask::get("/v1/me"), |me| fields(&ME, me))
}

//! `fleet login`, `logout`, `profiles`: a person signs in once, and this machine keeps a token that may what fleets want and no more.
//!
//! ```text
//! password ─> session ─> token with scopes ─> ~/.config/aisle/fleet.toml (0600); the session ends
//! ```
//!
//! Not here: the session ([`super::sign_in`]). Guards: what is forgotten is revoked before; no secret stands in an error or a shown request.

use super::{
    ask::{Ask, path},
    at::{At, origin},
    desk::{Desk, Paging, lines},
    error::FleetError,
    hub::{Hub, Place},
    profile::{self, DEFAULT, Profile, Profiles},
    sign_in::{secret, sign_in},
    view::{self, Column, Shape, fields, table},
};
use crate::{Ended, Usage, output};
use anyhow::Result;
use serde_json::{Value, json};
use std::path::PathBuf;

/// What a token of this machine may, as far as the person may it: all that this command does but managing people, publishing, and agreeing to what others ask, which is named by
/// `--scope`.
const SCOPES: [&str; 16] = [
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
    "receipt.read",
    "erasure.read",
    "hub.read",
];

/// What a hub says that has revoked a token.
const REVOKED: u16 = 204;
/// What it says of a token that it does not take, and of one that it does not have any more.
const NOT_TAKEN: &str = "no-token";
const GONE: &str = "unknown";

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
                        aisle fleet login --hub https://hub.example --name ada --scope people.manage --scope policy.approve\n  \
                        aisle fleet login --hub https://hub.example --name ada --profile hq --days 7 --only --scope store.read\n  \
                        aisle fleet login --hub https://hub.example --token-stdin < token      # who comes by an identity provider makes one on the console")]
pub(crate) struct Args {
    /// Your name at the hub
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "token_stdin",
        conflicts_with = "token_stdin"
    )]
    name: Option<String>,
    /// Read the password from standard input
    #[arg(long, conflicts_with = "token_stdin")]
    password_stdin: bool,
    /// Keep a token that was made on the console: it is read from standard input
    #[arg(long, conflicts_with_all = ["days", "scope", "only"])]
    token_stdin: bool,
    /// In how many days the token ends
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// What the token may besides what fleets want every day, such as `people.manage`, `policy.approve`, `artefact.approve`; may be repeated
    #[arg(long, value_name = "PERMISSION")]
    scope: Vec<String>,
    /// Only what `--scope` names
    #[arg(long, requires = "scope")]
    only: bool,
}

/// `fleet logout`
#[derive(Debug, clap::Args)]
pub(crate) struct LogoutArgs {
    /// Forget it here and leave the token as it is, for a hub that is gone
    #[arg(long)]
    only_here: bool,
}

/// Signs in, and keeps a token.
pub(super) fn run(args: &Args, at: &At, json: bool) -> Result<Ended> {
    let asked = at
        .hub
        .as_deref()
        .ok_or_else(|| Usage("no hub is named\nhint: `--hub https://hub.example`".to_owned()))?;
    let place = Place { origin: origin(asked)?, token: None, ca_file: at.ca_file.clone() };
    let (profile, permissions) =
        if args.token_stdin { by_token(place, at)? } else { by_password(args, place, at)? };
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
        output::line(format!("it may {}", output::plain(&permissions.join(", "))))?;
    }
    Ok(Ended::Well)
}

/// Signs in with a password, and makes a token.
fn by_password(args: &Args, place: Place, at: &At) -> Result<(Profile, Vec<String>)> {
    let name = args.name.clone().unwrap_or_default();
    let password = secret(&format!("password of {name}"), args.password_stdin)?;
    let person = sign_in(Hub::at(place, at.show_request)?, &name, &password)?;
    let permissions = scopes(args, &person.me);
    let origin = person.hub.origin().to_owned();
    let wanted = json!({ "name": format!("aisle fleet on {}", machine()), "permissions": permissions, "days": args.days });
    let made = person.once(&Ask::post("/v1/me/tokens", wanted))?.body;
    let strange = |why: &str| FleetError::Strange { hub: origin.clone(), why: why.to_owned() };
    let text = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned);
    let profile = Profile {
        token: text("secret").ok_or_else(|| strange("it gives no token"))?,
        hub: origin.clone(),
        token_id: text("token").unwrap_or_default(),
        person: name,
        ends_at_ms: made.get("ends_at_ms").and_then(Value::as_i64).unwrap_or_default(),
        ca_file: kept(at),
    };
    Ok((profile, permissions))
}

/// Keeps a token that was made on the console, for people who come by an identity provider only and have no password here.
fn by_token(place: Place, at: &At) -> Result<(Profile, Vec<String>)> {
    let token = secret("", true)?.trim().to_owned();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Usage("standard input holds no token".to_owned()).into());
    }
    let hub = Hub::at(Place { token: Some(token.clone()), ..place }, at.show_request)?;
    let me = hub.ask(&Ask::get("/v1/me"))?.body;
    let permissions = me.get("permissions").and_then(Value::as_array).into_iter().flatten();
    let permissions = permissions.filter_map(Value::as_str).map(str::to_owned).collect();
    let desk = Desk { hub, json: false };
    let id = id_of(&token).unwrap_or_default().to_owned();
    let own = desk.rows(&Ask::get("/v1/me/tokens"), &Paging::whole())?.items;
    let row = own.iter().find(|row| row.get("token").and_then(Value::as_str) == Some(id.as_str()));
    let profile = Profile {
        hub: desk.hub.origin().to_owned(),
        token,
        ends_at_ms: row.and_then(|row| row.get("ends_at_ms")?.as_i64()).unwrap_or_default(),
        token_id: id,
        person: me.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        ca_file: kept(at),
    };
    Ok((profile, permissions))
}

/// The token's name, which stands in it: `aisle_NAME_…`. The machine's own token has none.
fn id_of(token: &str) -> Option<&str> {
    Some(token.strip_prefix("aisle_")?.split_once('_')?.0)
}

fn kept(at: &At) -> Option<PathBuf> {
    at.ca_file.as_ref().map(|file| file.canonicalize().unwrap_or_else(|_| file.clone()))
}

/// What the token is to may: what this command wants, as far as the person may it, and what is named besides.
fn scopes(args: &Args, me: &Value) -> Vec<String> {
    let may = me.get("permissions").and_then(Value::as_array).into_iter().flatten();
    let usual = may.filter_map(Value::as_str).filter(|may| !args.only && SCOPES.contains(may));
    let mut scopes: Vec<String> = usual.map(str::to_owned).collect();
    for scope in &args.scope {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    scopes
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

/// Revokes the token of this machine, then forgets the hub: what is forgotten opens nothing any more.
pub(super) fn forget(args: &LogoutArgs, at: &At, json: bool) -> Result<Ended> {
    let path = profile::file()?;
    let mut profiles = Profiles::read(&path)?;
    let asked = at.hub.as_deref().map(origin).transpose()?;
    let of_hub = asked
        .as_ref()
        .and_then(|hub| profiles.profile.iter().find(|(_, profile)| profile.hub == *hub))
        .map(|(name, _)| name.clone());
    if let (Some(hub), None, None) = (&asked, &at.profile, &of_hub) {
        // Another hub's token is nobody's to take away here.
        return Err(FleetError::NoProfile { name: hub.clone() }.into());
    }
    let name = at
        .profile
        .clone()
        .or(of_hub)
        .or_else(|| profiles.default.clone())
        .unwrap_or_else(|| DEFAULT.to_owned());
    let gone = profiles.profile.remove(&name).ok_or_else(|| FleetError::NoProfile { name: name.clone() })?;
    let is_revoked = !args.only_here && revoke(&gone, at)?;
    if profiles.default.as_ref() == Some(&name) {
        profiles.default = profiles.profile.keys().next().cloned();
    }
    profiles.write(&path)?;
    if json {
        output::json(&shown(&name, &gone))?;
        return Ok(Ended::Well);
    }
    if is_revoked {
        output::line(format!("its token is good for nothing any more, and `{name}` is forgotten here"))?;
        return Ok(Ended::Well);
    }
    output::line(format!("`{name}` is forgotten here"))?;
    output::aside(left(&gone));
    Ok(Ended::Well)
}

/// What is left of a token that was forgotten and not revoked.
fn left(gone: &Profile) -> String {
    if gone.token_id.is_empty() {
        return "its token is the one of the hub's own machine, which nothing from here revokes: it is as good as before"
            .to_owned();
    }
    let until = view::when(gone.ends_at_ms).map(|until| format!(" until {until}")).unwrap_or_default();
    format!(
        "unless somebody has revoked it, its token {} is good{until}: revoke it on the console, or with `aisle fleet me token revoke {0}`",
        gone.token_id
    )
}

/// True when the token is good no more, which only the hub itself can say; false where it has no name to be revoked by, as the machine's own has none.
fn revoke(gone: &Profile, at: &At) -> Result<bool> {
    if gone.token_id.is_empty() {
        return Ok(false);
    }
    let place =
        Place { origin: origin(&gone.hub)?, token: Some(gone.token.clone()), ca_file: gone.ca_file.clone() };
    let hub =
        Hub::at(Place { ca_file: at.ca_file.clone().or(place.ca_file.clone()), ..place }, at.show_request)?;
    let error = match hub.ask(&Ask::delete(path("/v1/me/tokens", &[&gone.token_id])?)) {
        Ok(answer) if answer.status == REVOKED => return Ok(true),
        Ok(answer) => FleetError::Strange {
            hub: gone.hub.clone(),
            why: format!("it says {}, and a hub that has revoked a token says {REVOKED}", answer.status),
        },
        // Over, or revoked by somebody before.
        Err(FleetError::Refused { problem: Some(problem), .. }) if problem == GONE => return Ok(true),
        // The hub does not say why: the token may be over, or its person be disabled, and with it good again once they are not.
        Err(FleetError::Refused { problem: Some(problem), .. }) if problem == NOT_TAKEN => {
            output::aside("the hub does not take its token now, and does not say for how long");
            return Ok(false);
        }
        Err(FleetError::Refused { status: status @ 400..=499, problem: None, .. }) => FleetError::Strange {
            hub: gone.hub.clone(),
            why: format!("it says {status} in another form, so this is not the hub"),
        },
        Err(error) => error,
    };
    output::aside(
        "nothing is forgotten, since the token may still be good; `--only-here` forgets it all the same",
    );
    Err(error.into())
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

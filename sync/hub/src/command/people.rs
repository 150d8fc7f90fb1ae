//! `person …`, `token …`, `audit`: what the owner of the machine does about people, and reads of what was done.
//!
//! No role bounds who runs commands here; what they do stands in the audit log under `machine`, with the user that the system names.

use super::{make, open};
use crate::{
    cli::{AuditArgs, Common, PersonCommand, TokenCommand},
    output,
};
use aisle_hub::{
    Config, Database,
    database::{AuditFilter, read::ROWS_MAX},
    people::{
        People,
        audit::Line,
        person::{Change, Person},
        role::{Grant, Permission, Role},
        telemetry::Telemetry,
        tokens::NewToken,
        who::Who,
    },
};
use anyhow::{Context, bail};
use serde_json::{Value, json};

/// Who runs this command, as the system says.
pub(super) fn owner() -> Who {
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| "not named".to_owned());
    Who::machine(format!("command line, user {user}"), "local")
}

pub(super) fn people_of(config: &Config, database: Database) -> People {
    People::new(database, config.hub.clone(), config.people, Telemetry::default())
}

/// A row of the audit log about what a command of the machine's owner does, to be written with it.
pub(super) fn line(config: &Config, database: &Database, action: &'static str, object: &str) -> Line {
    people_of(config, database.clone()).line(owner().by(), action, object, Database::now_ms())
}

/// Writes down what a command of the machine's owner did.
pub(super) async fn note(
    config: &Config,
    database: &Database,
    action: &'static str,
    object: &str,
    became: Value,
) -> anyhow::Result<()> {
    let people = people_of(config, database.clone());
    let line = people.line(owner().by(), action, object, Database::now_ms()).became(became);
    database.audit(&line).await?;
    Ok(())
}

/// The same with how it was before.
pub(super) async fn note_change(
    config: &Config,
    database: &Database,
    action: &'static str,
    object: &str,
    was: Value,
    became: Value,
) -> anyhow::Result<()> {
    let people = people_of(config, database.clone());
    let line = people.line(owner().by(), action, object, Database::now_ms()).was(was).became(became);
    database.audit(&line).await?;
    Ok(())
}

async fn named(people: &People, name: &str) -> anyhow::Result<Person> {
    match people.database().person_named(name).await? {
        Some(person) => Ok(person),
        None => bail!("nobody is called `{name}`\nhint: `aisle-hub person list`"),
    }
}

fn grants(roles: &[String]) -> anyhow::Result<Vec<Grant>> {
    roles.iter().map(|role| Ok(role.parse::<Grant>()?)).collect()
}

fn told(common: &Common, person: &Person, code: &str) -> anyhow::Result<()> {
    if common.json {
        output::json(
            &json!({ "person": person.id, "name": person.name, "roles": person.roles(), "code": code }),
        )?;
        return Ok(());
    }
    output::line(format!("{} {}", person.id, person.name))?;
    output::line(format!("code {code}"))?;
    output::line("the code is good once, to choose a password with; it is shown this once")?;
    Ok(())
}

fn time(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) if ms > 0 => format!("{at:.0}"),
        _ => "-".to_owned(),
    }
}

/// `person …`
pub(crate) async fn person(config: &Config, common: &Common, command: &PersonCommand) -> anyhow::Result<()> {
    if matches!(command, PersonCommand::Roles) {
        return roles(common);
    }
    let people = people_of(config, make(config).await?);
    let (who, now_ms) = (owner(), Database::now_ms());
    match command {
        PersonCommand::Roles => {}
        PersonCommand::Add { name, roles } => {
            let (person, code) = people.add(&who, name, grants(roles)?, now_ms).await?;
            told(common, &person, code.reveal())?;
        }
        PersonCommand::Reset { name } => {
            let person = named(&people, name).await?;
            let code = people.reset(&who, &person.id, now_ms).await?;
            told(common, &person, code.reveal())?;
        }
        PersonCommand::Role { name, roles } => {
            let person = named(&people, name).await?;
            let change = Change { grants: Some(grants(roles)?), ..Change::default() };
            let person = people.change(&who, &person.id, None, &change, now_ms).await?;
            output::line(format!("{}: {}", person.name, person.roles().join(", ")))?;
        }
        PersonCommand::Disable { name } | PersonCommand::Enable { name } => {
            let is_disabled = matches!(command, PersonCommand::Disable { .. });
            let person = named(&people, name).await?;
            let change = Change { is_disabled: Some(is_disabled), ..Change::default() };
            people.change(&who, &person.id, None, &change, now_ms).await?;
        }
        PersonCommand::List => {
            let (mut all, mut after) = (Vec::new(), String::new());
            loop {
                let page = people.database().people(&after, ROWS_MAX).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(&last.name);
                all.extend(page);
            }
            list(common, &all)?;
        }
    }
    Ok(())
}

fn list(common: &Common, people: &[Person]) -> anyhow::Result<()> {
    if common.json {
        let row = |person: &Person| {
            json!({
                "person": person.id, "name": person.name, "roles": person.roles(), "is_disabled": person.is_disabled,
                "has_password": person.has_password, "subject": person.subject, "signed_in_at_ms": person.signed_in_at_ms,
            })
        };
        output::json(&people.iter().map(row).collect::<Vec<_>>())?;
        return Ok(());
    }
    let row = |person: &Person| {
        let state = match person {
            Person { is_disabled: true, .. } => "disabled",
            Person { has_password: false, subject: None, .. } => "has not set themselves up",
            _ => "",
        };
        [person.name.clone(), person.roles().join(", "), time(person.signed_in_at_ms), state.to_owned()]
    };
    let rows: Vec<[String; 4]> = people.iter().map(row).collect();
    output::table(["NAME", "ROLES", "SIGNED IN", ""], &rows)?;
    Ok(())
}

fn roles(common: &Common) -> anyhow::Result<()> {
    let may = |permission: Permission| {
        Role::ALL.into_iter().filter(move |role| role.may(permission)).map(Role::as_str)
    };
    if common.json {
        let row = |permission: &Permission| {
            json!({
                "permission": permission.as_str(), "words": permission.words().trim(), "roles": may(*permission).collect::<Vec<_>>(),
            })
        };
        output::json(&Permission::ALL.iter().map(row).collect::<Vec<_>>())?;
        return Ok(());
    }
    let row = |permission: &Permission| {
        let roles: Vec<&str> = may(*permission).collect();
        [permission.to_string(), roles.join(", "), permission.words().trim().to_owned()]
    };
    let rows: Vec<[String; 3]> = Permission::ALL.iter().map(row).collect();
    output::table(["PERMISSION", "ROLES", ""], &rows)?;
    Ok(())
}

/// `token …`
pub(crate) async fn token(config: &Config, common: &Common, command: &TokenCommand) -> anyhow::Result<()> {
    let people = people_of(config, make(config).await?);
    let (who, now_ms) = (owner(), Database::now_ms());
    match command {
        TokenCommand::Add { person, name, permissions, days } => {
            let person = named(&people, person).await?;
            let permissions = permissions.iter().map(|name| Ok(name.parse::<Permission>()?));
            let permissions = permissions.collect::<anyhow::Result<_>>()?;
            let new = NewToken { name: name.clone(), permissions, days: *days };
            let (secret, row) = people.make_token(&who, &person, &new, now_ms).await?;
            if common.json {
                output::json(
                    &json!({ "token": row.token, "secret": secret.reveal(), "ends_at_ms": row.ends_at_ms }),
                )?;
            } else {
                output::line(secret.reveal())?;
            }
        }
        TokenCommand::Revoke { token } => {
            if !people.revoke_token(&who, None, token, now_ms).await? {
                bail!("there is no token `{token}` that is good\nhint: `aisle-hub token list`");
            }
        }
        TokenCommand::List { person } => {
            let person = match person {
                Some(name) => Some(named(&people, name).await?.id),
                None => None,
            };
            let rows = people.database().tokens(person.as_deref()).await?;
            if common.json {
                output::json(&rows)?;
                return Ok(());
            }
            let row = |row: aisle_hub::people::person::TokenRow| {
                let state = match row.revoked_at_ms {
                    Some(at_ms) => format!("revoked {}", time(at_ms)),
                    None if row.ends_at_ms <= now_ms => "over".to_owned(),
                    None => format!("until {}", time(row.ends_at_ms)),
                };
                [row.token, row.person, row.name, row.permissions.join(","), time(row.used_at_ms), state]
            };
            let rows: Vec<[String; 6]> = rows.into_iter().map(row).collect();
            output::table(["TOKEN", "PERSON", "NAME", "MAY", "USED", ""], &rows)?;
        }
    }
    Ok(())
}

/// `audit`
pub(crate) async fn audit(config: &Config, common: &Common, args: &AuditArgs) -> anyhow::Result<()> {
    let database = open(config).await?;
    let ms = |at: &jiff::Timestamp| at.as_millisecond();
    let filter = AuditFilter {
        actor: match &args.person {
            Some(name) if name == "machine" => name.clone(),
            Some(name) => database.person_named(name).await?.map(|person| person.id).with_context(|| {
                format!("nobody is called `{name}`\nhint: `aisle-hub person list`, or `machine` for commands like this one")
            })?,
            None => String::new(),
        },
        action: args.action.clone().unwrap_or_default(),
        outcome: args.outcome.clone().unwrap_or_default(),
        object: String::new(),
        from_ms: args.from.as_ref().map(ms),
        before_ms: args.before.as_ref().map(ms),
    };
    let (mut left, mut below, mut rows) = (args.limit, u64::MAX, Vec::new());
    while left > 0 {
        let page = database.audit_rows(&filter, below, left.min(ROWS_MAX)).await?;
        let Some(last) = page.last() else { break };
        below = last.seq;
        left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
        rows.extend(page);
    }
    // As a log is read: the latest last.
    rows.reverse();
    if common.json {
        for row in &rows {
            output::json(row)?;
        }
        return Ok(());
    }
    let cells = |row: aisle_hub::people::audit::AuditRow| {
        let what = if row.reason.is_empty() { row.became } else { row.reason };
        let what: String = what.chars().take(100).collect();
        // What people have written is shown on one line, and moves no cursor.
        let plain = |text: String| -> String {
            text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
        };
        [
            row.seq.to_string(),
            time(row.at_ms),
            plain(row.actor_name),
            row.way,
            plain(row.address),
            row.action,
            plain(row.object),
            row.outcome,
            plain(what),
        ]
    };
    let rows: Vec<[String; 9]> = rows.into_iter().map(cells).collect();
    output::table(["SEQ", "WHEN", "WHO", "BY", "FROM", "WHAT", "TO WHAT", "", ""], &rows)?;
    Ok(())
}

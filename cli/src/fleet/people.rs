//! `fleet people`: who may do what.

use super::{
    ask::{Ask, Body, Method, path},
    desk::{Desk, Paging},
    error::FleetError,
    view::{self, Column, Shape, fields},
};
use crate::Ended;
use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};

/// The most pages that are looked through for a name.
const PEOPLE_MAX: u32 = 100_000;

const PEOPLE: [Column; 6] = [
    Column("person", &["/person"], Shape::Text),
    Column("name", &["/name"], Shape::Text),
    Column("roles", &["/roles"], Shape::List),
    Column("disabled", &["/is_disabled"], Shape::Yes),
    Column("last came", &["/signed_in_at_ms"], Shape::When),
    Column("added", &["/created_at_ms"], Shape::When),
];

pub(super) const SESSIONS: [Column; 6] = [
    Column("session", &["/session"], Shape::Text),
    Column("by", &["/way"], Shape::Text),
    Column("from", &["/address"], Shape::Text),
    Column("with", &["/agent"], Shape::Words),
    Column("last used", &["/seen_at_ms"], Shape::When),
    Column("ends", &["/ends_at_ms"], Shape::When),
];

const ROLES: [Column; 3] = [
    Column("permission", &["/permission"], Shape::Text),
    Column("roles", &["/roles"], Shape::List),
    Column("what", &["/words"], Shape::Words),
];

/// What can be done with people.
#[derive(Debug, Subcommand)]
pub(crate) enum PeopleCommand {
    /// List people
    List(Paging),
    /// Show a person
    Show(One),
    /// Show which role may what
    Roles,
    /// Add a person, who sets themselves up with a code that is shown this once
    #[command(after_help = "Example:\n  aisle fleet people add ada --role operator --role viewer@region:eu")]
    Add(AddArgs),
    /// Change a person: name, roles
    Change(ChangeArgs),
    /// Let a person no longer come; their sessions end at once
    Disable(One),
    /// Let a person come again
    Enable(One),
    /// Take a person's password, sessions and tokens away, and give them a new code
    Reset(One),
    /// List a person's sessions
    Sessions(One),
    /// End one of a person's sessions
    EndSession(EndArgs),
}

/// One, by id or by name.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// The person, by id or by name
    #[arg(value_name = "PERSON")]
    person: String,
}

/// `fleet people add`
#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// Their name
    #[arg(value_name = "NAME")]
    name: String,
    /// A role: `viewer`, `operator@region:eu`, `viewer@label:country=de`; may be repeated
    #[arg(long, value_name = "ROLE", required = true)]
    role: Vec<String>,
}

/// `fleet people change`
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["name", "role", "no_role"]))]
pub(crate) struct ChangeArgs {
    /// The person, by id or by name
    #[arg(value_name = "PERSON")]
    person: String,
    /// Another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Roles from now on: all of them; may be repeated
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
    /// No role at all
    #[arg(long, conflicts_with = "role")]
    no_role: bool,
}

/// `fleet people end-session`
#[derive(Debug, clap::Args)]
pub(crate) struct EndArgs {
    /// The person, by id or by name
    #[arg(value_name = "PERSON")]
    person: String,
    /// The session, as `sessions` shows it
    #[arg(value_name = "SESSION")]
    session: String,
}

/// Does it.
pub(super) fn run(command: &PeopleCommand, desk: &Desk) -> Result<Ended> {
    use PeopleCommand as C;
    let told = |person: &Value| fields(&PEOPLE, person);
    match command {
        C::List(paging) => desk.list(&Ask::get("/v1/people"), paging, &PEOPLE, "nobody"),
        C::Show(One { person }) => desk.done(&Ask::get(place(desk, person)?), told),
        C::Roles => desk.list_whole(&Ask::get("/v1/roles"), &ROLES, "no roles"),
        C::Add(AddArgs { name, role }) => {
            desk.done(&Ask::post("/v1/people", json!({ "name": name, "roles": role })), with_code)
        }
        C::Change(args) => {
            let mut body = json!({});
            if let (Some(body), Some(name)) = (body.as_object_mut(), &args.name) {
                body.insert("name".into(), json!(name));
            }
            if let Some(body) = body.as_object_mut().filter(|_| args.no_role || !args.role.is_empty()) {
                body.insert("roles".into(), json!(args.role));
            }
            change(desk, &args.person, body)
        }
        C::Disable(One { person }) => change(desk, person, json!({ "is_disabled": true })),
        C::Enable(One { person }) => change(desk, person, json!({ "is_disabled": false })),
        C::Reset(One { person }) => {
            desk.done(&Ask::post(format!("{}/reset", place(desk, person)?), json!({})), with_code)
        }
        C::Sessions(One { person }) => {
            let path = format!("{}/sessions", place(desk, person)?);
            desk.list_whole(&Ask::get(path), &SESSIONS, "no sessions")
        }
        C::EndSession(EndArgs { person, session }) => {
            let of = place(desk, person)?;
            desk.done(&Ask::delete(path(&format!("{of}/sessions"), &[session])?), |_| {
                vec![format!("session `{session}` has ended")]
            })
        }
    }
}

/// What is changed is what was looked at just before.
fn change(desk: &Desk, person: &str, body: Value) -> Result<Ended> {
    let place = place(desk, person)?;
    let if_match = desk.hub.ask(&Ask::get(&place))?.etag;
    let ask = Ask { body: Body::Json(body), if_match, ..Ask::new(Method::Patch, place) };
    desk.done(&ask, |person| fields(&PEOPLE, person))
}

/// Where a person is, who may be given by name.
fn place(desk: &Desk, person: &str) -> Result<String> {
    let place = path("/v1/people", &[person])?;
    if desk.find(&place)?.is_some() {
        return Ok(place);
    }
    let all = desk.rows(&Ask::get("/v1/people"), &Paging::most(PEOPLE_MAX))?;
    let is_them = |row: &&Value| {
        row.get("name").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(person))
    };
    let id = all.items.iter().find(is_them).and_then(|row| row.get("person")?.as_str());
    let id = id.ok_or_else(|| FleetError::Refused {
        said: format!(
            "there is nobody called `{}`\nhint: `aisle fleet people list`",
            crate::output::plain(person)
        ),
        status: 404,
        problem: None,
    })?;
    Ok(path("/v1/people", &[id])?)
}

fn with_code(person: &Value) -> Vec<String> {
    let mut told = fields(&PEOPLE, person);
    if let Some(code) = person.get("code").map(view::text) {
        told.push(String::new());
        told.push(format!("code to set themselves up with: {code}"));
        told.push("It is shown this once: give it to them and to nobody else.".to_owned());
    }
    told
}

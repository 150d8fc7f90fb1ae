//! The commands about boxes that enrol: beginnings, claims, decisions, the authority.

use super::{
    open,
    people::{owner, people_of},
    store_id,
};
use crate::{
    cli::{CaCommand, ClaimCommand, Common, DecisionArgs, InitArgs, NodeCommand, NodeListArgs},
    output,
};
use aisle_event::Name;
use aisle_hub::{
    Config, Database,
    config::PassphraseSource,
    database::{EnrolmentRow, read::ROWS_MAX},
    enrol::{
        ceremony::{self, Made, Plan, Shown},
        claims::{self, Wanted},
        decide::{Verb, decide},
        now,
    },
};
use aisle_provisioning::{
    claim::Locator,
    enrolment::State,
    fingerprint::Fingerprint,
    identity::{Chain, HubName, Serial, Store},
    key::KeyCost,
};
use aisle_residency::Region;
use anyhow::{Context, bail};
use std::path::Path;

/// An hour in milliseconds.
const HOUR_MS: u64 = 3_600_000;

pub(super) fn time(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) if ms > 0 => format!("{at:.0}"),
        _ => "-".to_owned(),
    }
}

/// `init`
pub(crate) fn init(common: &Common, args: &InitArgs) -> anyhow::Result<()> {
    let folder = args.folder.clone();
    let safe = args.safe.clone().unwrap_or_else(|| folder.join("safe"));
    if PassphraseSource::from_text(&args.passphrase, &folder).is_none() {
        bail!("`--passphrase` is `{}`\nhint: `file:PATH`, `credential:NAME` or `prompt`", args.passphrase);
    }
    let plan = Plan {
        chain: Chain::new(&args.chain)?,
        name: HubName::new(&args.name)?,
        region: Region::new(&args.region)
            .with_context(|| format!("`{}` is not the name of a region", args.region))?,
        address: args.address.parse()?,
        passphrase: args.passphrase.clone(),
        root_passphrase: root_passphrase(&args.root_passphrase)?,
        domains: args.domains.clone(),
        cost: KeyCost::default(),
        folder,
        safe,
    };
    let made = ceremony::init(&plan, now())?;
    if common.json {
        return Ok(output::json(&made)?);
    }
    tell(&plan, &made)
}

fn root_passphrase(text: &str) -> anyhow::Result<PassphraseSource> {
    let source = PassphraseSource::from_text(text, Path::new(""));
    source.with_context(|| format!("`{text}` is no source of a passphrase\nhint: `prompt` or `file:PATH`"))
}

fn tell(plan: &Plan, made: &Made) -> anyhow::Result<()> {
    let fingerprint: Fingerprint = made.root.parse()?;
    output::line(format!("The hub `{}` of the chain `{}` is made.\n", plan.name, plan.chain))?;
    output::line(format!("1. Root: {}", fingerprint.short()))?;
    output::line("   Write it down. Installers compare it with what a box shows.")?;
    output::line("2. Carry these to a safe, on a medium of their own, twice, and remove them here:")?;
    for path in &made.to_be_carried_away {
        output::line(format!("     {}", path.display()))?;
    }
    output::line(
        "   Whoever has them and the root's passphrase can pass for every store. They are needed for `aisle-hub ca rotate`.",
    )?;
    output::line("3. Write the root's passphrase on paper, and put it into another safe.")?;
    if let PassphraseSource::File(path) = &plan.root_passphrase {
        output::line(format!("   It is in `{}`: remove that file then.", path.display()))?;
    }
    output::line(format!(
        "4. The hub opens its issuing key by `{}`. Back the folder `{}` up.",
        plan.passphrase,
        plan.folder.display()
    ))?;
    let config = made.config.display();
    output::line(format!("5. Start it:            aisle-hub --config {config} run"))?;
    output::line(format!("6. Sign a policy and:   aisle-hub --config {config} policy publish FILE"))?;
    output::line(format!("7. For the first store: aisle-hub --config {config} claim create STORE"))?;
    Ok(())
}

/// `claim …`
pub(crate) async fn claim(config: &Config, common: &Common, command: &ClaimCommand) -> anyhow::Result<()> {
    match command {
        ClaimCommand::Create { store, serial, hours, qr } => {
            let Some(enrolment) = &config.enrolment else {
                bail!(
                    "this hub takes no boxes in\nhint: `enrolment.listen` is empty; `aisle-hub init` makes a hub with an authority"
                );
            };
            let database = super::make(config).await?;
            let wanted = Wanted {
                store: Store::new(store)?,
                serial: serial.as_ref().map(Serial::new).transpose()?,
                holds_ms: hours.map(|hours| u64::from(hours).saturating_mul(HOUR_MS)),
            };
            let (people, who) = (people_of(config, database), owner());
            let slip = claims::create(&people, &who, enrolment, wanted, now()).await?;
            if let Some(file) = qr {
                std::fs::write(file, slip.to_svg()?.as_bytes())
                    .with_context(|| format!("cannot write `{}`", file.display()))?;
            }
            if common.json {
                return Ok(output::json(&serde_json::json!({
                    "locator": slip.link.code.locator().to_string(),
                    "store": slip.store.to_string(),
                    "serial": slip.serial.as_ref().map(ToString::to_string),
                    "expires_at_ms": slip.expires_at.0,
                    "code": *slip.link.code.to_groups(),
                    "link": *slip.link.to_uri(),
                }))?);
            }
            Ok(output::line(slip.to_text()?.trim_end())?)
        }
        ClaimCommand::List { store } => {
            let database = open(config).await?;
            let now = now();
            let found = database.claims(store.as_deref(), ("", ""), ROWS_MAX).await?;
            let rows: Vec<_> = found.iter().map(|kept| kept.row(now)).collect();
            if common.json {
                return Ok(output::json(&rows)?);
            }
            let row = |row: aisle_hub::database::ClaimRow| {
                let until = time(row.expires_at_ms);
                [row.locator, row.store, row.serial, row.state, until, row.made_by, row.used_by]
            };
            let rows: Vec<[String; 7]> = rows.into_iter().map(row).collect();
            Ok(output::table(["CLAIM", "STORE", "BOX", "STATE", "UNTIL", "MADE BY", "USED BY"], &rows)?)
        }
        ClaimCommand::Revoke { locator } => {
            let unknown = || format!("there is no claim `{locator}`\nhint: `aisle-hub claim list`");
            let wanted: Locator =
                locator.to_ascii_uppercase().parse().map_err(|_| anyhow::anyhow!(unknown()))?;
            let now = now();
            let people = people_of(config, open(config).await?);
            let row = claims::withdraw(&people, &owner(), &wanted, now).await?.with_context(unknown)?;
            if common.json {
                return Ok(output::json(&row)?);
            }
            Ok(output::line(format!("{} is {}", row.locator, row.state))?)
        }
    }
}

/// `node …`, but for `add`
pub(super) async fn node(
    config: &Config,
    database: Database,
    common: &Common,
    command: &NodeCommand,
) -> anyhow::Result<()> {
    let (verb, args, key) = match command {
        NodeCommand::Add { .. } => return Ok(()),
        NodeCommand::List(args) => return list(&database, common, args).await,
        NodeCommand::Show { store, node } => return show(&database, common, store, node).await,
        NodeCommand::Approve { store, node, key } => {
            let args = DecisionArgs { store: store.clone(), node: node.clone(), reason: None };
            (Verb::Approve, args, key.as_ref())
        }
        NodeCommand::Reject(args) => (Verb::Reject, args.of(), None),
        NodeCommand::Suspend(args) => (Verb::Suspend, args.of(), None),
        NodeCommand::Resume(args) => (Verb::Resume, args.of(), None),
        NodeCommand::Ban(args) => (Verb::Ban, args.of(), None),
    };
    let DecisionArgs { store, node, reason } = args;
    let reason = reason.map(Name::new).transpose().context("`--reason` cannot be kept")?;
    let key = key.map(|key| key.replace(' ', "").parse::<Fingerprint>()).transpose()?;
    let (people, who, store) = (people_of(config, database), owner(), store_id(&store)?);
    let about = (store.as_str(), node.as_str());
    let decided = decide(&people, &who, about, verb, reason, key.as_ref(), now()).await?;
    if common.json {
        return Ok(output::json(&decided)?);
    }
    let key = if decided.key_short.is_empty() {
        String::new()
    } else {
        format!(", with the key {}", decided.key_short)
    };
    Ok(output::line(format!("{}/{} is {}{key}", decided.store, decided.node, decided.state))?)
}

impl DecisionArgs {
    fn of(&self) -> Self {
        Self { store: self.store.clone(), node: self.node.clone(), reason: self.reason.clone() }
    }
}

/// Records of a store, or of all, up to a bound.
async fn records(database: &Database, store: &str, state: &str) -> anyhow::Result<Vec<EnrolmentRow>> {
    Ok(database.enrolments(store, state, ("", ""), ROWS_MAX).await?)
}

async fn list(database: &Database, common: &Common, args: &NodeListArgs) -> anyhow::Result<()> {
    let state = match &args.state {
        None => "",
        Some(text) => text.parse::<State>().with_context(|| format!("`{text}`"))?.as_str(),
    };
    let Some(store) = args.store.as_deref().filter(|_| state.is_empty()) else {
        let rows = records(database, args.store.as_deref().unwrap_or_default(), state).await?;
        if common.json {
            return Ok(output::json(&rows)?);
        }
        let row = |row: EnrolmentRow| {
            let end = time(row.not_after_ms);
            [
                row.store,
                row.node,
                row.state,
                row.key_short,
                row.address,
                time(row.asked_at_ms),
                end,
                row.reason,
            ]
        };
        let rows: Vec<[String; 8]> = rows.into_iter().map(row).collect();
        let headings = ["STORE", "NODE", "STATE", "KEY", "ADDRESS", "ASKED", "CERTIFICATE ENDS", "REASON"];
        return Ok(output::table(headings, &rows)?);
    };
    let nodes = database.nodes(&store_id(store)?).await?;
    if common.json {
        return Ok(output::json(&nodes)?);
    }
    let known: Vec<String> = nodes.iter().map(|row| row.node.clone()).collect();
    let row = |row: aisle_hub::database::read::NodeRow| {
        let there = if row.is_connected { format!("connected to {}", row.hub) } else { String::new() };
        [row.node, row.state, row.software, there]
    };
    let mut rows: Vec<[String; 4]> = nodes.into_iter().map(row).collect();
    // Those that were never let in are no nodes yet.
    let asking = records(database, store, "").await?.into_iter().filter(|row| !known.contains(&row.node));
    rows.extend(asking.map(|row| [row.node, row.state, String::new(), format!("key {}", row.key_short)]));
    Ok(output::table(["NODE", "STATE", "SOFTWARE", ""], &rows)?)
}

async fn show(database: &Database, common: &Common, store: &str, node: &str) -> anyhow::Result<()> {
    let Some(row) = database.enrolment_row(store, node).await? else {
        bail!(
            "no node `{node}` of store `{store}` has asked to come in\nhint: `aisle-hub node list {store}`"
        );
    };
    if common.json {
        return Ok(output::json(&row)?);
    }
    let by = if row.who.is_empty() { row.actor.clone() } else { format!("{} ({})", row.who, row.actor) };
    let lines = [
        ("state", row.state),
        ("since", time(row.since_ms)),
        ("through", row.through),
        ("by", by),
        ("reason", row.reason),
        ("key", row.key_short),
        ("", row.key),
        ("asked", format!("{} from {}", time(row.asked_at_ms), row.address)),
        ("claim", row.claim),
        ("certificate", row.certificate),
        ("ends", time(row.not_after_ms)),
        ("next ends", time(row.next_not_after_ms)),
    ];
    for (name, value) in lines {
        output::line(format!("{name:<12} {value}").trim_end())?;
    }
    Ok(())
}

/// `ca …`
pub(crate) fn ca(config: &Config, common: &Common, command: &CaCommand) -> anyhow::Result<()> {
    match command {
        CaCommand::Show => {
            let shown = ceremony::show(config)?;
            if common.json {
                return Ok(output::json(&shown)?);
            }
            let row = |row: Shown| {
                [row.role.to_owned(), row.key_short, time(row.not_before_ms), time(row.not_after_ms)]
            };
            let rows: Vec<[String; 4]> = shown.into_iter().map(row).collect();
            Ok(output::table(["", "KEY", "FROM", "UNTIL"], &rows)?)
        }
        CaCommand::Rotate { safe, root_passphrase: source, domains } => {
            let source = root_passphrase(source)?;
            let number = ceremony::rotate(config, safe, &source, domains, now())?;
            if common.json {
                return Ok(output::json(&serde_json::json!({ "issuing": number }))?);
            }
            Ok(output::line(format!(
                "issuing authority {number} is made; hubs that run take it within the hour, and what was issued before goes on holding"
            ))?)
        }
        CaCommand::Certify => {
            let facts = ceremony::certify(config, now())?;
            let named = facts.identity.as_ref().map(ToString::to_string).unwrap_or_default();
            if common.json {
                return Ok(output::json(
                    &serde_json::json!({ "identity": named, "not_after_ms": facts.validity.not_after.0 }),
                )?);
            }
            Ok(output::line(format!("{named} until {}; restart the hub", time(facts.validity.not_after.0)))?)
        }
    }
}

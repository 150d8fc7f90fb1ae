//! The commands besides `run`: each opens what it needs, does one thing, and says what came of it.

pub(crate) mod artefact;
pub(crate) mod bundle;
pub(crate) mod draft;
pub(crate) mod enrol;
pub(crate) mod people;

use crate::{
    cli::{Common, ContentCommand, DesiredCommand, ExportArgs, NodeCommand, PolicyCommand, RelayCommand},
    output,
};
use aisle_event::{StoreId, Timestamp};
use aisle_hub::{
    Config, Database,
    content::Contents,
    database::{
        Location, Published, RegisteredNode, RegisteredRelay, RelayRow,
        read::{ROWS_MAX, ReportRow},
        restore,
    },
    desk::TOKEN_BYTES_MAX,
    export::{Wanted, export},
    key::signing_key,
    objects::Place,
    policies,
    publish::{self, Desire, DesiredItem, Publisher},
    relay::Secrets,
    verify,
};
use aisle_protocol::Hash;
use aisle_residency::{Region, Verifier, erasure::Proof, seal::PersonId, signing::VerifyingKey};
use anyhow::{Context, bail};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::Serialize;
use std::{path::Path, sync::Arc};

/// Opens what a hub has made. A command that looks makes nothing.
async fn open(config: &Config) -> anyhow::Result<Database> {
    if let Location::Sqlite(path) = &config.database
        && !path.exists()
    {
        bail!("there is no database `{}`\nhint: `aisle-hub run` makes it", path.display());
    }
    make(config).await
}

async fn make(config: &Config) -> anyhow::Result<Database> {
    Ok(Database::open(&config.database, &config.bounds).await?)
}

/// `status`
pub(crate) async fn status(config: &Config, common: &Common) -> anyhow::Result<()> {
    let database = open(config).await?;
    let totals = database.totals().await?;
    let stores = database.stores(None, "", ROWS_MAX).await?;
    let relay = match &config.relay {
        Some(_) => Some(database.relay_rows("", ROWS_MAX).await?),
        None => None,
    };
    if common.json {
        #[derive(Serialize)]
        struct Status<'a> {
            totals: &'a aisle_hub::database::read::Totals,
            stores: &'a [aisle_hub::database::read::StoreRow],
            #[serde(skip_serializing_if = "Option::is_none")]
            relay: Option<&'a [RelayRow]>,
        }
        output::json(&Status { totals: &totals, stores: &stores, relay: relay.as_deref() })?;
        return Ok(());
    }
    output::line(format!(
        "{} stores, {} of {} nodes connected, {} logs ({} in quarantine), {} events",
        totals.stores, totals.connected, totals.nodes, totals.logs, totals.quarantined, totals.events
    ))?;
    let time = |ms: i64| match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) if ms > 0 => format!("{at:.0}"),
        _ => "-".to_owned(),
    };
    let rows: Vec<[String; 5]> = stores
        .iter()
        .map(|row| {
            let state = if row.quarantined > 0 { "quarantine" } else { "" };
            let nodes = format!("{}/{}", row.connected, row.nodes);
            [row.store.clone(), row.region.clone(), nodes, time(row.last_event_ms), state.to_owned()]
        })
        .collect();
    if !rows.is_empty() {
        output::table(["STORE", "REGION", "NODES", "LAST EVENT", ""], &rows)?;
    }
    if let (Some(relay), Some(to)) = (relay, &config.relay) {
        let waiting: i64 = relay.iter().map(|row| row.waiting.saturating_add(row.unacknowledged)).sum();
        output::line(format!("relay to {}: {waiting} events wait", to.region))?;
        let rows: Vec<[String; 6]> = relay
            .into_iter()
            .map(|row| {
                let holder = if row.is_held { row.holder } else { String::new() };
                let (waiting, open) = (row.waiting.to_string(), row.unacknowledged.to_string());
                [row.store, holder, waiting, open, time(row.acknowledged_at_ms), row.problem]
            })
            .collect();
        if !rows.is_empty() {
            output::table(["STORE", "RELAYED BY", "WAITING", "SENT", "LAST ACK", ""], &rows)?;
        }
    }
    Ok(())
}

/// `policy …`
pub(crate) async fn policy(config: &Config, command: &PolicyCommand) -> anyhow::Result<()> {
    let PolicyCommand::Publish { file } = command;
    let database = make(config).await?;
    let (id, Published { is_news, was }) = policies::publish(config, &database, file).await?;
    let became =
        serde_json::json!({ "version": id.version, "hash": id.hash.to_string(), "is_news": is_news });
    let was = serde_json::json!({ "version": was });
    let object = format!("version {}", id.version);
    people::note_change(config, &database, "policy.publish", &object, was, became).await?;
    let what = if is_news { "published" } else { "was published before" };
    output::line(format!("{id} {what}"))?;
    if let Some(pinned) = config.policy_wanted.filter(|pinned| *pinned != id.version) {
        output::line(format!(
            "stores are still wanted to apply version {pinned}: `policies.wanted` says so"
        ))?;
    }
    Ok(())
}

/// `relay …`
pub(crate) async fn relay(config: &Config, common: &Common, command: &RelayCommand) -> anyhow::Result<()> {
    match command {
        RelayCommand::Key => {
            let Some(relay) = &config.relay else {
                bail!("this hub relays nothing\nhint: set `region` and the rest of `[relay]`");
            };
            let secrets = Secrets::open(&relay.secret, relay.token_secret.as_deref())?;
            output::line(HEXLOWER.encode(&secrets.key.verifying_key().0))?;
        }
        RelayCommand::Allow { relay, receipt_key, regions } => {
            let regions = regions.iter().map(|name| {
                Region::new(name).with_context(|| format!("`{name}` is not the name of a region"))
            });
            let relay = RegisteredRelay {
                relay: relay.clone(),
                regions: regions.collect::<Result<_, _>>()?,
                receipt_key: verifying_key(receipt_key)?,
                is_banned: false,
            };
            let database = make(config).await?;
            database.register_relay(&relay).await?;
            let regions: Vec<_> = relay.regions.iter().map(ToString::to_string).collect();
            let became = serde_json::json!({ "regions": regions, "receipt_key": receipt_key });
            people::note(config, &database, "relay.allow", &relay.relay, became).await?;
        }
        RelayCommand::Ban { relay } => {
            let database = make(config).await?;
            let known = database.relays().await?.into_iter().find(|known| known.relay == *relay);
            let Some(known) = known else {
                bail!("there is no relay `{relay}`\nhint: `aisle-hub relay list`");
            };
            database.register_relay(&RegisteredRelay { is_banned: true, ..known }).await?;
            people::note(config, &database, "relay.ban", relay, serde_json::Value::Null).await?;
        }
        RelayCommand::List => {
            let relays = open(config).await?.relays().await?;
            let regions =
                |relay: &RegisteredRelay| relay.regions.iter().map(ToString::to_string).collect::<Vec<_>>();
            if common.json {
                let rows = relays.iter().map(|relay| {
                    serde_json::json!({
                        "relay": relay.relay, "regions": regions(relay), "is_banned": relay.is_banned,
                        "receipt_key": HEXLOWER.encode(&relay.receipt_key.0),
                    })
                });
                return Ok(output::json(&rows.collect::<Vec<_>>())?);
            }
            let rows: Vec<[String; 3]> = relays
                .iter()
                .map(|relay| {
                    let state = if relay.is_banned { "banned" } else { "active" };
                    [relay.relay.clone(), regions(relay).join(", "), state.to_owned()]
                })
                .collect();
            output::table(["RELAY", "REGIONS", "STATE"], &rows)?;
        }
    }
    Ok(())
}

fn verifying_key(text: &str) -> anyhow::Result<VerifyingKey> {
    let key = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok().and_then(|key| key.try_into().ok());
    key.map(VerifyingKey)
        .with_context(|| format!("`{text}` is no key\nhint: an Ed25519 key has 64 hexadecimal digits"))
}

/// `verify`. False when anything is wrong.
pub(crate) async fn verify(config: &Config, common: &Common) -> anyhow::Result<bool> {
    let database = open(config).await?;
    let policies = policies::read(config, &database).await?;
    let verifier = Arc::new(Verifier::new(config.region.clone(), policies));
    let checked = verify::verify(&database, &config.region, &verifier, |log, checked| {
        tracing::info!(log = %log.id(), events = checked.events, "checked");
    });
    let checked = checked.await?;
    if common.json {
        output::json(&checked)?;
    } else {
        output::line(format!(
            "{} logs, {} events, {} receipts checked",
            checked.logs, checked.events, checked.receipts
        ))?;
        if checked.receipts_in_part > 0 {
            output::line(format!("{} receipts cover a part that came before", checked.receipts_in_part))?;
        }
        output::line(format!("{} rows of the audit log checked", checked.audited))?;
        if checked.erased > 0 {
            output::line(format!("{} events had a person taken out of them", checked.erased))?;
        }
        for finding in &checked.findings {
            output::line(format!("WRONG {} after {}: {}", finding.log, finding.after, finding.what))?;
        }
        if checked.findings.is_empty() {
            output::line("all is as it was sent")?;
        }
    }
    Ok(checked.findings.is_empty())
}

/// `export`
pub(crate) async fn write(config: &Config, common: &Common, args: &ExportArgs) -> anyhow::Result<()> {
    let database = open(config).await?;
    let stores = args.stores.iter().map(|store| store_id(store)).collect::<Result<_, _>>()?;
    let ms = |at: jiff::Timestamp| u64::try_from(at.as_millisecond()).unwrap_or(0);
    let wanted = Wanted { stores, from_ms: args.from.map_or(0, ms), before_ms: args.before.map(ms) };
    let text = args.to.as_ref().or(args.place.as_ref()).map(String::as_str).unwrap_or_default();
    let to = Place::read(text, Path::new(""))?.open(args.endpoint.as_deref())?;
    let done = |file: &str, _: &aisle_hub::export::Exported| tracing::info!(file, "written");
    let exported = export(&database, to.as_ref(), &wanted, done).await?;
    if common.json {
        output::json(&exported)?;
    } else {
        output::line(format!(
            "{} events of {} stores in {} files, {} bytes",
            exported.events, exported.stores, exported.files, exported.bytes
        ))?;
    }
    Ok(())
}

/// `backup`
pub(crate) async fn backup(config: &Config, to: &Path) -> anyhow::Result<()> {
    open(config).await?.backup(to).await?;
    output::line(format!("`{}` is a good copy", to.display()))?;
    Ok(())
}

/// `restore`
pub(crate) async fn put_back(config: &Config, from: &Path) -> anyhow::Result<()> {
    restore(from, &config.database).await?;
    output::line(format!(
        "`{}` lies where the database belongs; stores send again what it lacks",
        from.display()
    ))?;
    Ok(())
}

/// `node …`
pub(crate) async fn node(config: &Config, common: &Common, command: &NodeCommand) -> anyhow::Result<()> {
    let database = make(config).await?;
    match command {
        NodeCommand::Add { store, node, receipt_key } => {
            let node = RegisteredNode {
                store: store_id(store)?,
                node: node.clone(),
                receipt_key: verifying_key(receipt_key)?,
                is_banned: false,
            };
            database.register(&node).await?;
            let became = serde_json::json!({ "node": node.node, "receipt_key": receipt_key });
            people::note(config, &database, "node.add", store, became).await?;
            Ok(())
        }
        command => enrol::node(config, database, common, command).await,
    }
}

/// `erase`
pub(crate) async fn erase(config: &Config, common: &Common, store: &str, token: &str) -> anyhow::Result<()> {
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
        bail!("`{token}` is no token\nhint: it stands in the store's events, as `t1.…`");
    }
    let (database, store) = (open(config).await?, store_id(store)?);
    let key = signing_key(&config.files.receipt_key)?;
    let requested_at = Database::now_ms();
    // Another request for the same token is another erasure: the person may have come back.
    let mut hasher = blake3::Hasher::new_derive_key("aisle 2026-11-22 number of an erasure");
    for part in [store.as_str().as_bytes(), &[0], token.as_bytes(), &[0], &requested_at.to_le_bytes()] {
        hasher.update(part);
    }
    let id = Hash(*hasher.finalize().as_bytes());
    // The store is asked first: whatever stops us, nobody is forgotten here and remembered there.
    database.request_erasure(&store, &id, token.as_bytes()).await?;
    let events = database.erase_token(&store, token).await?;
    let proof = Proof {
        erasure: format!("hub-{id}"),
        by: config.region.to_string(),
        person: PersonId([0; 16]),
        keys: Vec::new(),
        through: 0,
        rows: events,
        requested_at: Timestamp(requested_at),
        completed_at: Timestamp(Database::now_ms()),
        hubs: Vec::new(),
    };
    database.note_erased(&store, &id, events, Some(&proof.sign(&key))).await?;
    // By the number of the erasure: the token is what has to be forgotten.
    let became = serde_json::json!({ "erasure": id.to_string(), "events": events });
    people::note(config, &database, "erasure.request", store.as_str(), became).await?;
    if common.json {
        #[derive(Serialize)]
        struct Erased {
            id: String,
            events: u64,
        }
        output::json(&Erased { id: id.to_string(), events })?;
        return Ok(());
    }
    output::line(format!("{id}: taken out of {events} events; `{store}` is asked with its next connection"))?;
    output::line("exports that were written before still have the token: delete them and export again")?;
    Ok(())
}

/// `erasures`
pub(crate) async fn erasures(config: &Config, common: &Common, store: &str) -> anyhow::Result<()> {
    let rows = open(config).await?.erasures(&store_id(store)?).await?;
    if common.json {
        output::json(&rows)?;
        return Ok(());
    }
    let time = |ms: i64| {
        jiff::Timestamp::from_millisecond(ms).map_or_else(|_| "-".to_owned(), |at| format!("{at:.0}"))
    };
    let row = |row: aisle_hub::database::read::ErasureRow| {
        let done = row.done_at_ms.map_or_else(|| "the store is asked".to_owned(), time);
        [row.id, time(row.requested_at_ms), row.events.to_string(), done]
    };
    let rows: Vec<[String; 4]> = rows.into_iter().map(row).collect();
    output::table(["ERASURE", "ASKED FOR", "EVENTS HERE", "DONE IN THE STORE"], &rows)?;
    Ok(())
}

async fn publisher(config: &Config) -> anyhow::Result<Publisher> {
    Ok(Publisher {
        database: make(config).await?,
        contents: Contents::new(config.files.contents.open(None)?),
    })
}

/// `content …`
pub(crate) async fn content(config: &Config, command: &ContentCommand) -> anyhow::Result<()> {
    let ContentCommand::Add { file, deltas_from } = command;
    let bases: Vec<_> = deltas_from.iter().map(|text| publish::hash(text)).collect::<Result<_, _>>()?;
    let publisher = publisher(config).await?;
    let content = publisher.add(publish::bytes_of(file)?, &publish::name_of(file)).await?;
    output::line(content.hash.to_string())?;
    for base in bases {
        match publisher.fold(&base, &content.hash).await? {
            Some(delta) => output::line(format!(
                "from {base}: {} bytes instead of {}",
                delta.content.bytes, content.bytes
            ))?,
            None => output::line(format!("from {base}: no delta is shorter than the content"))?,
        }
    }
    Ok(())
}

/// `desired …`
pub(crate) async fn desired(
    config: &Config,
    common: &Common,
    command: &DesiredCommand,
) -> anyhow::Result<()> {
    let publisher = publisher(config).await?;
    match command {
        DesiredCommand::Set(args) => {
            let stores = if args.all {
                publisher.stores().await?
            } else {
                args.stores.iter().map(|store| store_id(store)).collect::<Result<_, _>>()?
            };
            if stores.is_empty() {
                bail!("no store has a node that may come\nhint: `aisle-hub node add`");
            }
            let items = publisher.items(&args.list).await?;
            for store in stores {
                let generation = publisher.set(&store, items.clone()).await?;
                let names: Vec<_> =
                    items.iter().map(|item| format!("{} {}", item.name, item.version)).collect();
                let became = serde_json::json!({ "generation": generation, "items": names });
                people::note(config, &publisher.database, "desired.write", store.as_str(), became).await?;
                output::line(format!("{store} generation {generation}"))?;
            }
        }
        DesiredCommand::Show { store } => {
            let store = store_id(store)?;
            let wanted = Desire::of(publisher.database.desired(&store).await?)?;
            let reports = publisher.database.reports(&store).await?;
            show(&wanted, &reports, common)?;
        }
    }
    Ok(())
}

fn show(wanted: &Desire, reports: &[ReportRow], common: &Common) -> anyhow::Result<()> {
    if common.json {
        #[derive(Serialize)]
        struct Shown<'a> {
            desired: &'a Desire,
            reports: &'a [ReportRow],
        }
        output::json(&Shown { desired: wanted, reports })?;
        return Ok(());
    }
    output::line(format!("generation {}", wanted.generation))?;
    let row = |item: &DesiredItem| {
        let mut said = reports.iter().filter(|row| row.name == item.name && row.hash == item.hash);
        let state = match said.next() {
            Some(report) if report.ok => "runs".to_owned(),
            Some(report) => report.reason.lines().next().unwrap_or("refused").to_owned(),
            None => "no word yet".to_owned(),
        };
        [item.name.clone(), item.version.clone(), item.bytes.to_string(), state]
    };
    let rows: Vec<[String; 4]> = wanted.items.iter().map(row).collect();
    if !rows.is_empty() {
        output::table(["ITEM", "VERSION", "BYTES", ""], &rows)?;
    }
    Ok(())
}

fn store_id(text: &str) -> anyhow::Result<StoreId> {
    StoreId::new(text).with_context(|| format!("`{text}` is not the id of a store"))
}

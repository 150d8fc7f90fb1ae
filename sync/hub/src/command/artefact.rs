//! The commands about signed artefacts that a hub is needed for: drafts, publishing, bringing something new.
//!
//! Not here: what holders of keys need ([`super::draft`]), which runs without a hub.

use super::{
    draft::{read, replace, write},
    enrol::time,
    make, open, people,
};
use crate::{
    cli::{AddArgs, ArtefactCommand, BeginArgs, Common, DraftCommand, DraftOut},
    output,
};
use aisle_artefact::{ArtefactId, Draft, Kind, PublicKey, repository::Keys};
use aisle_event::Timestamp;
use aisle_hub::{
    Config, Database,
    artefacts::{
        Artefacts, InForce,
        add::NewArtefact,
        ceremony::{Beginning, NextRoot, in_days, next_list, next_targets},
        keep::days_left,
        keys,
        online::OnlineKeys,
    },
    config::PassphraseSource,
    content::Contents,
    enrol::now,
    policies, publish,
};
use anyhow::{Context, bail};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How long a root is signed for, in days.
const ROOT_DAYS: u32 = 730;
/// How long targets and lists are signed for, in days.
const DAYS: u32 = 365;
/// Below so many days `artefact expiries` fails, for what people sign; for what the hub signs below [`ONLINE_DAYS_MIN`].
const DAYS_MIN: f64 = 30.0;
/// A timestamp is renewed when it has six left.
const ONLINE_DAYS_MIN: f64 = 5.0;
/// What the keys of `artefact quickstart` are called.
const QUICK: [&str; 3] = ["root.pem", "targets.pem", "artefacts.pem"];
/// The file with their passphrase, where none was given.
const QUICK_PASSPHRASE: &str = "passphrase";

fn artefacts(config: &Config, database: Database) -> anyhow::Result<Artefacts> {
    let contents = Contents::new(config.files.contents.open(None)?);
    Ok(Artefacts::new(database, contents, &config.files.online_keys))
}

async fn begun(artefacts: &Artefacts) -> anyhow::Result<Arc<InForce>> {
    let in_force = artefacts.in_force().await?;
    in_force.context("there is no repository of artefacts yet\nhint: `aisle-hub artefact init` begins one")
}

fn kind(text: &str) -> anyhow::Result<Kind> {
    let known = || Kind::ALL.map(Kind::as_str).join(", ");
    Kind::named(text).with_context(|| format!("`{text}` is no kind of artefact\nhint: {}", known()))
}

fn keys_of(given: &[String], threshold: u64) -> anyhow::Result<Keys> {
    let keys = given.iter().map(|text| keys::public(text)).collect::<Result<Vec<PublicKey>, _>>()?;
    Ok(Keys { keys, threshold })
}

/// `KIND=KEY`, several of a kind sign each alone; `all=KEY` is for every kind that is not named.
fn kind_keys(given: &[String]) -> anyhow::Result<BTreeMap<Kind, Keys>> {
    let (mut kinds, mut all): (BTreeMap<Kind, Keys>, Option<PublicKey>) = (BTreeMap::new(), None);
    for text in given {
        let (name, key) = text
            .split_once('=')
            .with_context(|| format!("`{text}` names no key\nhint: one looks like plugin=KEY"))?;
        let key = keys::public(key)?;
        if name == "all" {
            all = Some(key);
            continue;
        }
        let keys = kinds.entry(kind(name)?).or_insert_with(|| Keys { keys: Vec::new(), threshold: 1 });
        keys.keys.push(key);
    }
    if let Some(key) = all {
        for kind in Kind::ALL {
            kinds.entry(kind).or_insert_with(|| Keys::one(&key));
        }
    }
    Ok(kinds)
}

/// `artefact …`, but for what needs no hub. False when something runs out soon.
pub(crate) async fn artefact(
    config: &Config,
    common: &Common,
    command: &ArtefactCommand,
) -> anyhow::Result<bool> {
    match command {
        ArtefactCommand::Key(_) | ArtefactCommand::Show { .. } | ArtefactCommand::Sign { .. } => {}
        ArtefactCommand::Init(args) => begin(config, common, args).await?,
        ArtefactCommand::Draft(command) => {
            let artefacts = artefacts(config, open(config).await?)?;
            let in_force = begun(&artefacts).await?;
            let (drafts, out) = drafts(&in_force, command)?;
            told(common, &write(&out.out, &drafts)?)?;
        }
        ArtefactCommand::Publish { drafts: paths } => {
            let artefacts = artefacts(config, make(config).await?)?;
            let drafts = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
            published(config, common, &artefacts, drafts).await?;
        }
        ArtefactCommand::List { kind } => list(config, common, kind.as_deref()).await?,
        ArtefactCommand::Expiries => return expiries(config, common).await,
        ArtefactCommand::Add(args) => add(config, common, args).await?,
        ArtefactCommand::Root { out } => {
            let root = artefacts(config, open(config).await?)?.first_root().await?;
            let root = root.context(
                "there is no repository of artefacts yet\nhint: `aisle-hub artefact init` begins one",
            )?;
            match out {
                Some(path) => {
                    fs::write(path, &root).with_context(|| format!("cannot write `{}`", path.display()))?;
                    output::line(format!("SHA-256 {}", aisle_artefact::Digest::sha256(&root)))?;
                }
                None => output::line(String::from_utf8_lossy(&root))?,
            }
        }
        ArtefactCommand::Quickstart { keys, kinds } => quickstart(config, common, keys, kinds).await?,
    }
    Ok(true)
}

fn told(common: &Common, paths: &[PathBuf]) -> anyhow::Result<()> {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if common.json {
        return Ok(output::json(&json!({ "drafts": names }))?);
    }
    for name in &names {
        output::line(name)?;
    }
    output::line(
        "look at each with `artefact show`, sign with `artefact sign`, then `artefact publish` all of them together",
    )?;
    Ok(())
}

async fn begin(config: &Config, common: &Common, args: &BeginArgs) -> anyhow::Result<()> {
    let artefacts = artefacts(config, make(config).await?)?;
    if artefacts.in_force().await?.is_some() {
        bail!(
            "there is a repository of artefacts already\nhint: `aisle-hub artefact draft` makes the next drafts"
        );
    }
    let online = OnlineKeys::read_or_make(&config.files.online_keys)?;
    let now = now();
    let beginning = Beginning {
        root: keys_of(&args.root_keys, args.threshold)?,
        targets: keys_of(&args.targets_keys, args.targets_threshold)?,
        kinds: kind_keys(&args.kind_keys)?,
        online: online.public(),
        root_expires: in_days(now, args.root_days),
        expires: in_days(now, args.days),
    };
    told(common, &write(&args.out, &beginning.drafts()?)?)
}

fn drafts<'a>(in_force: &InForce, command: &'a DraftCommand) -> anyhow::Result<(Vec<Draft>, &'a DraftOut)> {
    let until = |out: &DraftOut, days| in_days(now(), out.days.unwrap_or(days));
    Ok(match command {
        DraftCommand::Root {
            root_keys,
            threshold,
            targets_keys,
            targets_threshold,
            online_key_file,
            out,
        } => {
            let named = |keys: &[String], threshold| {
                if keys.is_empty() { Ok(None) } else { keys_of(keys, threshold).map(Some) }
            };
            let online = online_key_file.as_deref().map(OnlineKeys::read).transpose()?;
            let next = NextRoot {
                root: named(root_keys, *threshold)?,
                targets: named(targets_keys, *targets_threshold)?,
                online: online.map(|online| online.public()),
            };
            (vec![next.draft(in_force, until(out, ROOT_DAYS))?], out)
        }
        DraftCommand::Targets { kind_keys: given, withdrawn, out } => {
            let withdrawn = withdrawn.iter().map(|name| kind(name)).collect::<Result<Vec<_>, _>>()?;
            (next_targets(in_force, &kind_keys(given)?, &withdrawn, until(out, DAYS))?, out)
        }
        DraftCommand::List { kind: name, remove, out } => {
            let paths = remove.iter().map(|path| path.parse::<ArtefactId>());
            let remove = paths.collect::<Result<Vec<_>, _>>()?;
            (vec![next_list(in_force, kind(name)?, remove, until(out, DAYS))?], out)
        }
    })
}

async fn published(
    config: &Config,
    common: &Common,
    artefacts: &Artefacts,
    drafts: Vec<Draft>,
) -> anyhow::Result<()> {
    let named: Vec<String> =
        drafts.iter().map(|draft| format!("{} {}", draft.role(), draft.version())).collect();
    let line = people::line(config, artefacts.database(), "artefact.publish", &named.join(", "));
    let published = artefacts.publish(drafts, Some(line), now()).await?;
    if common.json {
        return Ok(output::json(&json!({
            "published": named, "timestamp": published.timestamp, "snapshot": published.snapshot,
            "first_expiry_ms": published.first_expiry.0,
        }))?);
    }
    output::line(format!(
        "published: {}; snapshot {}, timestamp {}; the first runs out at {}",
        named.join(", "),
        published.snapshot,
        published.timestamp,
        time(published.first_expiry.0)
    ))?;
    Ok(())
}

async fn list(config: &Config, common: &Common, only: Option<&str>) -> anyhow::Result<()> {
    let only = only.map(kind).transpose()?;
    let in_force = begun(&artefacts(config, open(config).await?)?).await?;
    let mut found: Vec<_> = in_force.artefacts().into_values().collect();
    found.retain(|artefact| only.is_none_or(|kind| artefact.id.kind() == kind));
    if common.json {
        return Ok(output::json(&found)?);
    }
    let rows: Vec<[String; 4]> = found
        .into_iter()
        .map(|artefact| {
            let needs = artefact.needs.grants.join(", ");
            [artefact.id.to_string(), artefact.bytes.to_string(), artefact.blake3.to_string(), needs]
        })
        .collect();
    Ok(output::table(["ARTEFACT", "BYTES", "BLAKE3", "GRANTS"], &rows)?)
}

async fn expiries(config: &Config, common: &Common) -> anyhow::Result<bool> {
    let in_force = begun(&artefacts(config, open(config).await?)?).await?;
    let now = now();
    let mut is_soon = false;
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for expiry in in_force.expiries() {
        let days = days_left(expiry.expires, now);
        let is_online = matches!(expiry.role.to_string().as_str(), "snapshot" | "timestamp");
        let is_near = days < if is_online { ONLINE_DAYS_MIN } else { DAYS_MIN };
        is_soon |= is_near;
        values.push(json!({
            "role": expiry.role.to_string(), "version": expiry.version, "expires_at_ms": expiry.expires.0, "days": days,
            "is_near": is_near,
        }));
        let what = match (is_near, is_online) {
            (false, _) => String::new(),
            (true, true) => "no hub renews it".to_owned(),
            (true, false) => "sign the next version".to_owned(),
        };
        rows.push([
            expiry.role.to_string(),
            expiry.version.to_string(),
            time(expiry.expires.0),
            format!("{days:.1}"),
            what,
        ]);
    }
    if common.json {
        output::json(&values)?;
    } else {
        output::table(["ROLE", "VERSION", "UNTIL", "DAYS", ""], &rows)?;
    }
    Ok(!is_soon)
}

async fn add(config: &Config, common: &Common, args: &AddArgs) -> anyhow::Result<()> {
    let artefacts = artefacts(config, open(config).await?)?;
    let bytes = match kind(&args.kind)? {
        Kind::Policy => policy_bytes(config, args)?,
        _ => publish::bytes_of(&args.file)?,
    };
    let onto = args.onto.as_deref().map(read).transpose()?;
    let new = NewArtefact {
        kind: kind(&args.kind)?,
        name: args.name.clone(),
        version: args.version.clone(),
        node_min: args.node_min.clone(),
        disk_bytes: args.disk,
        grants: args.grants.clone(),
    };
    let until = in_days(now(), args.out.days.unwrap_or(DAYS));
    let added = artefacts.add(new, bytes, onto.as_ref(), until).await?;
    let became = json!({ "blake3": added.artefact.blake3.to_string(), "bytes": added.artefact.bytes });
    people::note(config, artefacts.database(), "artefact.bring", &added.artefact.id.to_string(), became)
        .await?;
    if let Some(folder) = &args.keys {
        let mut draft = added.draft;
        draft.sign(&quick_key(folder, QUICK[2])?);
        return published(config, common, &artefacts, vec![draft]).await;
    }
    if !common.json {
        output::line(format!("{} {}", added.artefact.id, added.artefact.blake3))?;
        if let Some((from, bytes)) = &added.delta {
            output::line(format!("from {from}: {bytes} bytes instead of {}", added.artefact.bytes))?;
        }
    }
    let file = match &args.onto {
        // What it lists is in the new one, so nothing is lost with its signatures.
        Some(path) => {
            replace(path, &added.draft)?;
            vec![path.clone()]
        }
        None => write(&args.out.out, &[added.draft])?,
    };
    told(common, &file)
}

/// A policy with the signature that lies beside it, which has to be there: no key of artefacts makes up for it.
fn policy_bytes(config: &Config, args: &AddArgs) -> anyhow::Result<bytes::Bytes> {
    let (id, bytes) = policies::sealed(config, &args.file)?;
    let expected = format!("{}.0.0", id.version);
    if args.version != expected {
        bail!(
            "the policy is of version {}, so its artefact is of version {expected}\nhint: add it as `{expected}`",
            id.version
        );
    }
    Ok(bytes.into())
}

fn quick_passphrase(folder: &Path) -> PassphraseSource {
    PassphraseSource::File(folder.join(QUICK_PASSPHRASE))
}

fn quick_key(folder: &Path, name: &str) -> anyhow::Result<aisle_artefact::SigningKey> {
    let source = quick_passphrase(folder);
    let file = folder.join(QUICK_PASSPHRASE);
    let source = file.exists().then_some(source);
    let passphrase = keys::passphrase(source.as_ref(), false, "passphrase of the keys")?;
    Ok(keys::open(&folder.join(name), &passphrase)?)
}

async fn quickstart(config: &Config, common: &Common, folder: &Path, kinds: &[String]) -> anyhow::Result<()> {
    let artefacts = artefacts(config, make(config).await?)?;
    if artefacts.in_force().await?.is_some() {
        bail!(
            "there is a repository of artefacts already\nhint: `aisle-hub artefact add … --keys FOLDER` brings something"
        );
    }
    let given = std::env::var_os(keys::PASSPHRASE_VARIABLE).is_some();
    let source = (!given).then(|| quick_passphrase(folder));
    let passphrase = keys::passphrase(source.as_ref(), true, "new passphrase for the keys")?;
    for name in QUICK {
        let path = folder.join(name);
        // A ceremony that was cut off goes on with the keys that it made.
        if !path.exists() {
            keys::make(&path, &passphrase)?;
        }
    }
    let [root, targets, kind_key] = QUICK.map(|name| keys::open(&folder.join(name), &passphrase));
    let (root, targets, kind_key) = (root?, targets?, kind_key?);
    let kinds = if kinds.is_empty() {
        Kind::ALL.to_vec()
    } else {
        kinds.iter().map(|name| kind(name)).collect::<Result<_, _>>()?
    };
    let now: Timestamp = now();
    let beginning = Beginning {
        root: Keys::one(root.public()),
        targets: Keys::one(targets.public()),
        kinds: kinds.into_iter().map(|kind| (kind, Keys::one(kind_key.public()))).collect(),
        online: OnlineKeys::read_or_make(&config.files.online_keys)?.public(),
        root_expires: in_days(now, ROOT_DAYS),
        expires: in_days(now, DAYS),
    };
    let mut drafts = beginning.drafts()?;
    for draft in &mut drafts {
        let key = match draft.role().as_str() {
            "root" => &root,
            "targets" => &targets,
            _ => &kind_key,
        };
        draft.sign(key);
    }
    published(config, common, &artefacts, drafts).await?;
    if !common.json {
        output::line(format!(
            "THIS IS FOR DEMONSTRATIONS AND TESTS: one person has every key, in `{}`, on the hub's own machine, and signs alone.",
            folder.display()
        ))?;
        output::line(
            "Whoever has that folder decides what runs in every store. For stores that sell: `aisle-hub artefact init`, with keys of several people.",
        )?;
    }
    Ok(())
}

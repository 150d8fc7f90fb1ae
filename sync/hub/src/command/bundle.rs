//! The commands about sticks: what a store would fetch, in one file; what it would have sent, brought in by hand.

use super::{enrol::time, open, people, store_id};
use crate::{
    cli::{BundleCommand, Common},
    output,
};
use aisle_artefact::bundle::{self, Direction, Limits};
use aisle_hub::{
    Config, Database,
    artefacts::{
        Artefacts,
        courier::{CarriedDown, CarriedUp, Intake},
    },
    content::Contents,
    policies,
};
use aisle_residency::Verifier;
use anyhow::Context;
use serde_json::json;
use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What needs no hub. False when the command needs one.
pub(crate) fn offline(common: &Common, command: &BundleCommand) -> anyhow::Result<bool> {
    let BundleCommand::Show { file } = command else { return Ok(false) };
    let opened = File::open(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let summary = bundle::inspect(BufReader::new(opened), &Limits::default())?;
    let direction = match summary.direction {
        Direction::Down => "down",
        Direction::Up => "up",
    };
    if common.json {
        let contents: Vec<_> =
            summary.contents.iter().map(|(hash, bytes)| json!({ "blake3": hash, "bytes": bytes })).collect();
        output::json(&json!({
            "direction": direction, "from": summary.from, "metadata": summary.metadata, "order_bytes": summary.order_bytes,
            "contents": contents, "carried": summary.carried,
        }))?;
        return Ok(true);
    }
    output::line(format!("goes {direction}, says that it is from `{}`", summary.from))?;
    if summary.direction == Direction::Up {
        output::line(format!("{} batches", summary.carried))?;
        return Ok(true);
    }
    let order =
        summary.order_bytes.map_or("no order".to_owned(), |bytes| format!("an order of {bytes} bytes"));
    output::line(format!(
        "{} files of metadata, {order}, {} contents",
        summary.metadata.len(),
        summary.contents.len()
    ))?;
    for (hash, bytes) in summary.contents {
        output::line(format!("{hash}  {bytes} bytes"))?;
    }
    Ok(true)
}

/// `bundle …`
pub(crate) async fn bundle(config: &Config, common: &Common, command: &BundleCommand) -> anyhow::Result<()> {
    match command {
        BundleCommand::Down { store, out } => down(config, common, store, out).await,
        BundleCommand::Up { files, store } => up(config, common, files, store.as_deref()).await,
        BundleCommand::Show { .. } => Ok(()),
    }
}

async fn down(config: &Config, common: &Common, store: &str, out: &Path) -> anyhow::Result<()> {
    let store = store_id(store)?;
    let contents = Contents::new(config.files.contents.open(None)?);
    let artefacts = Artefacts::new(open(config).await?, contents, &config.files.online_keys);
    let CarriedDown { timestamp, good_until_ms, has_order, contents, left_out } =
        artefacts.carry_down(&store, &config.hub, out).await?;
    let contents: Vec<String> = contents.iter().map(ToString::to_string).collect();
    if common.json {
        return Ok(output::json(&json!({
            "store": store.as_str(), "timestamp": timestamp, "good_until_ms": good_until_ms, "has_order": has_order,
            "contents": contents, "left_out": left_out,
        }))?);
    }
    let order = if has_order { "its order" } else { "no order" };
    output::line(format!(
        "metadata with timestamp {timestamp}, {order}, {} contents; it brings nothing new after {}",
        contents.len(),
        time(good_until_ms)
    ))?;
    for name in left_out {
        output::line(format!("NOT ON IT: `{name}`, which nobody has signed"))?;
    }
    Ok(())
}

/// What an error and what is behind it say.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn up(config: &Config, common: &Common, files: &[PathBuf], store: Option<&str>) -> anyhow::Result<()> {
    let store = store.map(store_id).transpose()?;
    let database = open(config).await?;
    let policies = policies::read(config, &database).await?;
    let verifier = Arc::new(Verifier::new(config.region.clone(), policies));
    let intake = Intake { database: database.clone(), region: config.region.clone(), verifier };
    for file in files {
        let CarriedUp { store, taken, had, events } = match intake.carry_up(file, store.clone()).await {
            Ok(carried) => carried,
            Err(error) => {
                // What came before the entry that is refused stays; who brought it, and what was wrong, has to be found later.
                let people = people::people_of(config, database);
                let object = store.map_or_else(|| file.display().to_string(), |store| store.to_string());
                let line = people.line(people::owner().by(), "bundle.up", &object, Database::now_ms());
                people.refused(line, causes(&error)).await?;
                return Err(anyhow::Error::new(error)
                    .context(format!("`{}` is not taken in to its end", file.display())));
            }
        };
        let became = json!({ "taken": taken, "had": had, "events": events });
        people::note(config, &database, "bundle.up", store.as_str(), became).await?;
        if common.json {
            output::json(&json!({ "store": store.as_str(), "taken": taken, "had": had, "events": events }))?;
            continue;
        }
        output::line(format!(
            "{store}: {events} events in {taken} batches taken in; {had} batches were here already"
        ))?;
    }
    Ok(())
}

//! `demo`: a store from nothing, a node on it, shoppers in it and a shop floor of sixty devices; beside it smaller stores, and a hub that
//! hears of all of them on lines that can be cut. Nothing is left when it ends.
//!
//! All of it lies in temporary directories and in this process and its children: a node for each store, and the hub. They are stopped in
//! order and the directories removed on Ctrl-C, on SIGTERM, at the end of the time and on every error.

use super::{
    browse, offers,
    outage::{self, Outage},
    region::{Lively, Region},
    releases, screen,
    signals::Signals,
    store,
};
use aisle_harness::{
    floor::{self, Floor, Home, Scene},
    node::{self, NodeOptions, NodeUnderTest},
    shop::Plan,
    shoppers::Crowd,
};
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    pin::pin,
    process::ExitCode,
    time::Duration,
};
use tokio::{net::TcpListener, process::Command, sync::watch};

/// A start on imported years of invoices replays them first.
const START_TIMEOUT: Duration = Duration::from_secs(300);

/// The store's id, which is in the topics of its devices.
const STORE: &str = "demo";
/// A broker for this machine only; the rest is what the floor needs.
const CONFIG: &str = r##"
[store]
id = "demo"
[mqtt]
tls_listen = "off"
tcp_listen = "127.0.0.1:0"
"##;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Import these invoices (the UCI Online Retail file, plain or gzipped) instead of generating a shop.
    #[arg(long = "data", value_name = "FILE")]
    invoices: Option<PathBuf>,
    /// Where everything random comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the node listens.
    #[arg(long, default_value = "127.0.0.1:8480")]
    listen: String,
    /// Where the page is that doors are opened from.
    #[arg(long, default_value = "127.0.0.1:8481")]
    floor: String,
    /// How many shoppers at the same time.
    #[arg(long, default_value_t = 20)]
    shoppers: usize,
    /// Stop after so many seconds, and fail if a request did; on Ctrl-C when not given.
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
    /// How many stores. All but the first are small; one alone has no hub.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    stores: u8,
    /// Cut the line between the stores and their hub after so many seconds, for so many (30 when not given). Where there is a terminal, the key
    /// `o` does it too.
    #[arg(long, value_name = "AFTER[:LENGTH]", value_parser = outage::parse)]
    outage: Option<Outage>,
}

/// The hub and the other stores: first the hub alone, since stores are told of it when they start, then all of them.
#[derive(Default)]
struct Around {
    region: Option<Region>,
    lively: Option<Lively>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let scratch = tempfile::Builder::new()
        .prefix("aisle-demo-")
        .tempdir()
        .context("cannot make a temporary directory for the demo")?;
    let outcome = show(arguments, scratch.path(), &mut signals).await;
    scratch.close().context("cannot remove the demo's temporary directory")?;
    if outcome.is_ok() {
        screen::line("stopped; the data is gone and nothing is left behind");
        // What was built to write plugins with stays. Without it there is nothing to say.
        if let Some(folder) = node::author_binary().ok().as_deref().and_then(Path::parent) {
            screen::line(format_args!(
                "to write a plugin of your own, as README.md has it:\n           export PATH=\"{}:$PATH\"",
                folder.display()
            ));
        }
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn show(arguments: &Arguments, data: &Path, signals: &mut Signals) -> Result<()> {
    let listener = listen(&arguments.floor).await?;
    let mut around = Around::default();
    if arguments.stores > 1 {
        let others = usize::from(arguments.stores - 1);
        around.region = Some(Region::start(STORE, others, arguments.seed).await?);
    } else if arguments.outage.is_some() {
        bail!("`--outage` cuts the line to a hub, and one store alone has none\nhint: give `--stores 2`");
    }
    let filled = match &arguments.invoices {
        Some(invoices) => import(invoices, data, signals).await?,
        None => generate(arguments.seed, data, signals).await?,
    };
    if !filled {
        return Ok(());
    }
    let scene = Scene::new()?;
    floor::write(data, &scene, store::now())?;

    if let Some(region) = &around.region {
        region.enrol(data).await?;
    }
    screen::line("starting the node");
    let options = NodeOptions {
        data: Some(data.into()),
        config: format!(
            "{CONFIG}{}{}{}",
            floor::CONFIG,
            around.region.as_ref().map_or("", Region::config),
            releases::CONFIG
        ),
        listen: arguments.listen.clone(),
        start_timeout: START_TIMEOUT,
        ..NodeOptions::default()
    };
    let mut node = {
        let mut starting = pin!(store::serve(options));
        tokio::select! {
            node = &mut starting => node?,
            () = signals.stop() => {
                // Stopped in order as soon as it is up: a node killed while it starts would look like a crash.
                starting.await?.stop()?;
                return Ok(());
            }
        }
    };
    let lived = live(&mut node, &mut around, scene, listener, arguments, data, signals).await;
    // In order whatever became of them: a node that is killed leaves its lock and its last words behind.
    let stopped = node.stop();
    let closed = around.lively.map_or(Ok(()), Lively::stop);
    lived?;
    let status = stopped?;
    closed?;
    if !status.success() {
        bail!("the node stopped with {status}; its last lines:\n{}", node.logs().join("\n"));
    }
    Ok(())
}

/// Shoppers and devices in a node that runs, until they are told to stop.
async fn live(
    node: &mut NodeUnderTest,
    around: &mut Around,
    scene: Scene,
    listener: TcpListener,
    arguments: &Arguments,
    data: &Path,
    signals: &mut Signals,
) -> Result<()> {
    let url = node.url().to_owned();
    let broker = node.mqtt().context("the node's broker does not listen")?;
    let home = Home::new(&url, broker, STORE, data)?;
    if let Some(region) = around.region.take() {
        around.lively = region.come_alive(&url, arguments.seed, arguments.outage, signals).await?;
        if around.lively.is_none() {
            return Ok(());
        }
    }
    let manifests = tempfile::Builder::new()
        .prefix("aisle-demo-plugins-")
        .tempdir()
        .context("cannot make a temporary directory for the demo's plugins")?;
    let at = offers::At { url: &url, data };
    let swap = tokio::select! {
        swap = offers::install(&at, manifests.path()) => swap?,
        () = signals.stop() => return Ok(()),
    };
    let page = listener.local_addr().context("cannot tell where the floor's page is")?;
    let (binary, data) = (node::binary().unwrap_or_default(), data.display());
    screen::line(format_args!(
        "\n  kiosk    {url}/\n  staff    {url}/staff  PIN {}\n  floor    http://{page}/  to open fridges and empty shelves\n  API      {url}/openapi.json\n  health   {url}/healthz\n  metrics  {url}/metrics\n  devices  mqtt://{broker}; to watch them:\n           {} mqtt watch '#' --data {data}\n",
        home.pin,
        binary.display(),
    ));
    if let Some(swap) = swap {
        screen::line(format_args!(
            "plugins give offers in the kiosk's baskets: bread, yogurt, crisps, tea, and whatever is best soon;\nto put another version of one in its place while shoppers are there, and to go back:\n           {}\n           {}\n",
            swap.there, swap.back
        ));
    }
    if let Some(lively) = &around.lively {
        lively.introduce();
    }
    screen::line("Ctrl-C stops everything");

    let floor = Floor::new(scene, home, arguments.seed);
    let floor = match &around.lively {
        Some(lively) => floor.beside(lively.sight()),
        None => floor,
    };
    let entered = floor.entered();
    let (stop, stopped) = watch::channel(false);
    let mut living = tokio::spawn(floor.live(listener, stopped));
    let crowd = Crowd::new(url, arguments.shoppers, arguments.seed);
    let check = || {
        node.check()?;
        if living.is_finished() {
            bail!("the floor came to an end");
        }
        around.lively.as_mut().map(Lively::check).transpose()
    };
    let shopped = browse::shop(crowd, arguments.seconds, signals, check).await;
    drop(stop);
    let lived = (&mut living).await.context("the floor came to a bad end")??;
    let counts = shopped?;
    screen::line(format_args!(
        "{} sessions, {} products viewed, {} recommendations followed, {} baskets paid, {} errors",
        counts.sessions, counts.views, counts.followed, counts.sales, counts.errors
    ));
    screen::line(format_args!(
        "{} messages of {} devices, {} sales, moves and counts of the floor entered, {} not",
        lived.progress.acknowledged,
        lived.progress.devices,
        entered.sales() + entered.notes(),
        entered.failed(),
    ));
    if let Some(lively) = &mut around.lively {
        tokio::select! {
            concluded = lively.conclude(counts.sales + entered.sales()) => concluded?,
            // Whoever asks twice waits for nothing more.
            () = signals.stop() => {}
        }
    }
    if arguments.seconds.is_some() && counts.errors > 0 {
        bail!("{} of {} requests failed", counts.errors, counts.requests);
    }
    Ok(())
}

/// The port of the page, before anything else takes long.
async fn listen(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on `{address}` for the floor's page\nhint: give another address with `--floor`"
        )
    })
}

/// Fills the store with a generated shop that trades until now; `false` when told to stop meanwhile.
async fn generate(seed: u64, data: &Path, signals: &mut Signals) -> Result<bool> {
    let mut filling = pin!(store::fill(data, Plan::usual(seed, store::now())));
    tokio::select! {
        filled = &mut filling => filled.map(|()| true),
        // The generator writes for a few seconds; the directory cannot go before it is done.
        () = signals.stop() => filling.await.map(|()| false),
    }
}

/// Fills the store with real invoices; `false` when told to stop meanwhile.
async fn import(invoices: &Path, data: &Path, signals: &mut Signals) -> Result<bool> {
    screen::line(format_args!("importing `{}`", invoices.display()));
    let mut command = Command::new(node::binary()?);
    command.args(["import", "--format", "online-retail"]).arg(invoices).arg("--data").arg(data);
    let mut child = command.kill_on_drop(true).process_group(0).spawn().context("cannot start the import")?;
    let status = tokio::select! {
        status = child.wait() => status.context("cannot wait for the import")?,
        () = signals.stop() => {
            child.kill().await.context("cannot stop the import")?;
            return Ok(false);
        }
    };
    if !status.success() {
        bail!("the import of `{}` failed: {status}", invoices.display());
    }
    Ok(true)
}

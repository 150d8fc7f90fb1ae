//! Plugins that mean harm, in a node that goes on serving its kiosks: it answers them as quickly as before, its clocks go on, its
//! memory stays bounded, and each of the plugins is left out and told of.
//!
//! What the sandbox makes of each of them is tested beside it (`aisle-plugin-host`). Guards invariant 4 from outside.

use super::{
    harm::{self, Harm},
    kiosks::{Kiosks, Phase},
    shop::{PluggedShop, manifest},
};
use crate::{
    admin::administrator::OPEN,
    support::{
        api::Api,
        command::{aisle, run},
        memory::{forget_peak, peak_kib},
        wait::eventually,
    },
};
use aisle_harness::mqtt::raw::{Connect, RawClient, Version};
use reqwest::Method;
use serde_json::Value;
use std::{
    fs::File,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinHandle, time::sleep};

const SOON: Duration = Duration::from_secs(30);
/// How long a part of the day without bad plugins is.
const CALM: Duration = Duration::from_secs(3);
/// Times that half of the requests may take longer than without them, on a machine that does other things too.
const SLOWER_MAX: u32 = 4;
/// How much more memory all of it together may take, in MiB: a few calls at once, each with all that a plugin may have.
const GROWTH_MIB_MAX: u64 = 160;
/// A component that is far too long, in bytes.
const HUGE_BYTES: usize = 100 << 20;
/// How much more memory refusing it may take, in MiB.
const HUGE_MIB_MAX: u64 = 24;

/// A client that promises to say something every second and does not: it is the broker's clock that sends it away.
async fn sent_away_after(address: SocketAddr) -> Duration {
    let connect = Connect { keep_alive_s: 1, ..Connect::clean(Version::V5, "silent") };
    let (mut client, _) = RawClient::connect(address, &connect).await.expect("it may come in");
    let begun = Instant::now();
    client.closed(SOON).await.expect("it is sent away");
    begun.elapsed()
}

/// The longest that one of them stayed, of those that came until this was told to stop.
fn watch_clock(address: SocketAddr) -> (watch::Sender<bool>, JoinHandle<Duration>) {
    let (stop, stopped) = watch::channel(false);
    let watching = tokio::spawn(async move {
        let mut longest = sent_away_after(address).await;
        while !*stopped.borrow() {
            longest = longest.max(sent_away_after(address).await);
        }
        longest
    });
    (stop, watching)
}

impl PluggedShop {
    /// Installs a plugin, lets the kiosks ask it until it is left out, and sees to it that everybody is told.
    async fn suffers(&self, harm: &Harm) {
        let Harm { id, manifest, component, fails } = harm;
        self.install(id, manifest, component).await;
        let left_out = async || {
            let plugin = self.plugin(id).await;
            let is_told = plugin["history"].as_array().is_some_and(|history| !history.is_empty());
            (plugin["state"] == "failing" && is_told).then_some(plugin)
        };
        let plugin = eventually(id, SOON, left_out).await;
        let (hook, history) = (&plugin["at_hooks"][0], &plugin["history"][0]);
        assert_eq!((&hook["open"], &hook["failures_in_a_row"]), (&true.into(), &5.into()), "{plugin}");
        assert!(plugin["failed"].as_u64().is_some_and(|failed| failed >= 5), "{plugin}");
        let kinds = plugin["failures"].as_array().expect("failures").iter();
        let kinds: Vec<&str> = kinds.filter_map(|failure| failure["kind"].as_str()).collect();
        assert!(kinds.iter().any(|kind| fails.contains(kind)), "{kinds:?} of {plugin}");
        // On a machine that has too much to do some calls run out of time, and some are not made.
        let is_known = |kind: &&str| fails.contains(kind) || ["timeout", "busy"].contains(kind);
        assert!(kinds.iter().all(is_known), "{kinds:?} of {plugin}");
        assert!(history["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{plugin}");
        let list = self.ask(Method::GET, "/v1/admin/plugins", None).await.json(200);
        assert_eq!(list["plugins"][0]["state"], "failing", "{list}");
        let words = format!("plugin `{id}` 1.0.0 fails");
        let alerts = list["alerts"].as_array().expect("alerts").iter();
        let mut told = alerts.filter_map(|alert| alert["text"].as_str());
        assert!(told.any(|text| text.starts_with(&words)), "{list}");
        let health = self.api().health().await;
        assert_eq!(health["plugins"]["installed"], 1, "{health}");
        self.removes(id).await;
    }

    async fn removes(&self, id: &str) {
        let gone = self.ask(Method::DELETE, &format!("/v1/admin/plugins/{id}"), None).await;
        assert_eq!(gone.status, 204, "{gone:#?}");
    }

    /// Tries to install what is none of ours, and finds that nothing came of it.
    async fn refuses_what_is_unfit(&self) {
        for unfit in harm::unfit() {
            let refused = self.try_install(unfit.id, &unfit.manifest, &unfit.component).await;
            let problem = refused.problem_with(400, "component");
            let detail = problem["detail"].as_str().expect("words");
            assert!(detail.contains(unfit.said) && detail.contains("`unfit`"), "`{}`: {detail}", unfit.said);
        }
        let of_flipped = manifest("flipped", "1.0.0", "pricing", "");
        for component in harm::flipped() {
            let answer = self.try_install("flipped", &of_flipped, &component).await;
            match answer.status {
                // A bit in a name or a number may leave it a plugin.
                200 => self.removes("flipped").await,
                _ => drop(answer.problem_with(400, "component")),
            }
        }
        let list = self.ask(Method::GET, "/v1/admin/plugins", None).await.json(200);
        assert_eq!(list["plugins"], Value::Array(Vec::new()), "{list}");
    }

    /// Sends a package of a hundred megabytes, which is refused by its length and read by nobody.
    async fn refuses_a_huge_one(&self) {
        forget_peak(&self.node);
        let before_kib = peak_kib(&self.node);
        let request = self.api().request(Method::PUT, "/v1/admin/plugins/huge").bearer_auth(self.token());
        let request = request.header("content-type", "application/json").body(vec![b' '; HUGE_BYTES]);
        // The connection may be cut while it still sends.
        if let Ok(answer) = Api::try_send(request).await {
            answer.problem(413);
        }
        let grown_mib = peak_kib(&self.node).saturating_sub(before_kib) >> 10;
        assert!(grown_mib <= HUGE_MIB_MAX, "the node took {grown_mib} MiB to refuse it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_plugins_do_the_node_answers_its_kiosks_as_on_a_calm_day() {
    let mut shop = PluggedShop::configured(&[], OPEN);
    let api = shop.api();
    api.ready().await;
    let mqtt = shop.node.mqtt().expect("it takes TCP");
    let kiosks = Kiosks::open(&api).await;
    let (stop, clock) = watch_clock(mqtt);
    sleep(CALM).await;
    kiosks.busy_for(CALM).await;
    // What waits from then is not a bad plugin's.
    sleep(CALM / 2).await;
    stop.send_replace(true);
    let calm_clock = clock.await.expect("clients are sent away");
    forget_peak(&shop.node);
    let calm_kib = peak_kib(&shop.node);

    let (stop, clock) = watch_clock(mqtt);
    kiosks.set(Phase::Baskets);
    for harm in harm::of_baskets() {
        shop.suffers(&harm).await;
    }
    shop.refuses_what_is_unfit().await;
    kiosks.set(Phase::Lists);
    shop.suffers(&harm::of_lists()).await;
    stop.send_replace(true);
    let clock = clock.await.expect("clients are sent away");
    let grown_mib = peak_kib(&shop.node).saturating_sub(calm_kib) >> 10;

    kiosks.set(Phase::Calm);
    sleep(CALM).await;
    let times = kiosks.close();
    times.all_were_answered();
    let (control, beside, through) = (times.control(), times.asking_nobody(), times.asking_plugins());
    eprintln!(
        "clients are sent away after {calm_clock:?} at most, {clock:?} while plugins do harm; {grown_mib} MiB more"
    );
    // What a plugin may take of those who ask it, by default.
    let limit = Duration::from_millis(50);
    assert!(beside <= control * SLOWER_MAX, "{beside:?} beside bad plugins, {control:?} without them");
    assert!(
        through <= control * SLOWER_MAX + limit,
        "{through:?} through bad plugins, {control:?} without them"
    );
    assert!(clock <= calm_clock * 2, "its clocks went on late: {clock:?}, {calm_clock:?} on a calm day");
    assert!(grown_mib <= GROWTH_MIB_MAX, "the node grew by {grown_mib} MiB");
    shop.node.check().expect("the node lives");

    let session = api.session().await;
    assert_eq!(api.set(&session, "TEA-1", 2).await.json(200)["total"]["minor"], 500);
    api.check_out(&session, "key-1").await.json(201);
    assert_eq!(api.health().await["status"], "ok");
}

#[tokio::test]
async fn a_component_of_a_hundred_megabytes_is_refused_by_its_length_and_not_kept() {
    let shop = PluggedShop::with(&[]);
    shop.refuses_a_huge_one().await;
    // And by the command, which says so.
    let file = shop.store.path("huge/plugin.wasm");
    shop.store.file("huge/plugin.toml", manifest("huge", "1.0.0", "pricing", ""));
    let sparse = File::create(&file).expect("a file can be made");
    sparse.set_len(HUGE_BYTES as u64).expect("a file with a hole");
    let arguments = ["plugin", "install", file.to_str().expect("a path")];
    let said = run(&mut aisle(shop.node.data(), arguments));
    assert_eq!(said.code(), 1, "{said:?}");
    said.complains_about(&["error: "]);
    let list = shop.ask(Method::GET, "/v1/admin/plugins", None).await.json(200);
    assert_eq!(list["plugins"], Value::Array(Vec::new()), "{list}");
}

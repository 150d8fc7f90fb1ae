//! Health, readiness, metrics: what an operator and a Prometheus server see.

use crate::support::{
    api::Api,
    command, need,
    store::Store,
    wait::{eventually, until},
};
use reqwest::Method;
use serde_json::Value;
use std::{
    fs,
    io::Write,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

#[tokio::test]
async fn a_new_store_is_healthy_and_ready() {
    let store = Store::empty();
    let node = store.start();
    let api = Api::new(node.url());
    let health = api.health().await;
    assert_eq!(health["status"], "ok", "{health}");
    assert_eq!(health["journal"]["quarantined"], serde_json::json!([]), "{health}");
    assert!(health["state"].get("rebuilt").is_none(), "a first start rebuilds nothing: {health}");
    api.ready().await;
    assert_eq!(api.metric("aisle_state_rebuilds_total").await, Some(0.0));
}

#[tokio::test]
async fn it_serves_pages_and_api_of_an_empty_shop() {
    let store = Store::empty();
    let node = store.start();
    let api = Api::new(node.url());
    assert_eq!(api.get("/").await.status, 200);
    let products = api.get("/v1/products").await.json(200);
    assert_eq!(products, serde_json::json!({ "products": [], "next": null }));
    let home = api.get("/v1/recommendations/home").await.json(200);
    assert_eq!(home["items"], serde_json::json!([]));
}

#[tokio::test]
async fn metrics_are_openmetrics_text_to_its_end() {
    let store = Store::small();
    let node = store.start();
    let api = Api::new(node.url());
    api.set(&api.session().await, "TEA-1", 2).await.json(200);
    let metrics = api.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"), "{metrics:?}");
    assert!(metrics.body.ends_with("# EOF\n"), "the text ends with its end mark");
    for line in metrics.body.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("aisle_") && !line.starts_with("aisle_aisle_"), "`{line}` is misnamed");
    }
    assert_eq!(api.metric("aisle_state_products").await, Some(8.0));
}

/// OpenMetrics as the older text format, which is all that promtool reads: there a counter's family has the name of its
/// sample, and units and the end mark do not exist.
fn as_prometheus_text(openmetrics: &str) -> String {
    let counters: Vec<&str> = openmetrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut text = String::new();
    for line in openmetrics.lines().filter(|line| !line.starts_with("# UNIT ") && *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(kind), Some(name), Some(rest)) if counters.contains(&name) => {
                text.push_str(&format!("# {kind} {name}_total {rest}\n"));
            }
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

#[tokio::test]
async fn promtool_has_nothing_to_say_about_the_metrics() {
    let promtool = need::program("promtool", "prometheus");
    let store = Store::small();
    let node = store.start();
    let text = as_prometheus_text(&Api::new(node.url()).get("/metrics").await.body);
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    child.stdin.take().expect("stdin is piped").write_all(text.as_bytes()).expect("promtool reads");
    let output = child.wait_with_output().expect("promtool ends");
    assert!(output.status.success(), "{output:?}");
}

/// A Prometheus server that scrapes the node every second.
struct Prometheus {
    child: Child,
    api: Api,
    _dir: tempfile::TempDir,
}

impl Prometheus {
    fn start(program: &std::path::Path, node: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let target = node.trim_start_matches("http://");
        let config = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
             scrape_configs: [{{ job_name: aisle, static_configs: [{{ targets: ['{target}'] }}] }}]\n"
        );
        let file = dir.path().join("prometheus.yml");
        fs::write(&file, config).expect("a file can be written");
        // Prometheus cannot take a port by itself; the one found free here is its own a moment later.
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let child = Command::new(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts");
        Self { child, api: Api::new(&format!("http://127.0.0.1:{port}")), _dir: dir }
    }

    async fn query(&self, expression: &str) -> Option<Value> {
        let request = self.api.request(Method::GET, "/api/v1/query").query(&[("query", expression)]);
        let answer = Api::try_send(request).await.ok().filter(|answer| answer.status == 200)?.json(200);
        answer["data"]["result"].get(0).map(|sample| sample["value"][1].clone())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn a_prometheus_server_scrapes_the_node() {
    let program = need::program("prometheus", "prometheus");
    let store = Store::small();
    let node = store.start();
    let prometheus = Prometheus::start(&program, node.url());
    let products = eventually("a scraped sample", Duration::from_secs(20), async || {
        prometheus.query("aisle_state_products").await
    })
    .await;
    assert_eq!(products, "8");
    assert_eq!(prometheus.query("up").await.expect("a sample"), "1");
}

#[test]
fn the_journal_can_be_read_while_the_node_runs() {
    let store = Store::small();
    let _node = store.start();
    until("the start in the journal", Duration::from_secs(5), || {
        let verify = command::run(&mut command::aisle(&store.data(), ["journal", "verify", "--json"]));
        assert_eq!(verify.exits(0).json()["whole"], true);
        let stats = crate::support::journal::stats(&store.data());
        (crate::support::journal::count(&stats, "NodeStarted") == 1).then_some(())
    });
}

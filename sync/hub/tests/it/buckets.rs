//! S3, as somebody else serves it: exports and contents in a bucket. `moto_server` is among what `cargo xtask test` installs;
//! `AISLE_MOTO_SERVER` names another one.

use crate::{
    running::{Region, Shelf, eventually},
    shop::Outbox,
};
use aisle_protocol::{Hash, Message, Stream, control::ChunkWanted};
use aisle_transport::client::{Heard, Phase};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

struct Bucket {
    process: Child,
    url: String,
}

fn program() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/python/bin/moto_server");
    let program = std::env::var_os("AISLE_MOTO_SERVER").map_or(beside, PathBuf::from);
    assert!(
        program.is_file(),
        "no moto: `{}` is missing\nhint: `cargo xtask test` installs it",
        program.display()
    );
    program
}

impl Bucket {
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(program())
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bucket = Self { process, url: format!("http://127.0.0.1:{port}") };
        eventually("the server makes a bucket", async || {
            let made = reqwest::Client::new().put(format!("{}/analysts", bucket.url)).send().await;
            made.is_ok_and(|made| made.status().is_success())
        })
        .await;
        bucket
    }

    async fn get(&self, path: &str) -> bytes::Bytes {
        let asked = reqwest::Client::new().get(format!("{}/analysts{path}", self.url));
        // It wants to be asked by somebody, and does not look closely by whom.
        let somebody = "AWS4-HMAC-SHA256 Credential=analyst/20260601/eu-central-1/s3/aws4_request, \
            SignedHeaders=host, Signature=00";
        let answer = asked.header("Authorization", somebody).send().await.unwrap();
        answer.error_for_status().unwrap().bytes().await.unwrap()
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn said(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn who() -> Vec<(&'static str, String)> {
    let named =
        [("AWS_ACCESS_KEY_ID", "aisle"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-central-1")];
    named.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_hub_holds_is_exported_to_a_bucket_and_read_back() {
    let bucket = Bucket::start().await;
    let shelf = Shelf::of(Outbox::new("store-1", 1));
    let mut region = Region::new("data/hub.db", &shelf.0.lock().unwrap().shop);
    region.environment = who();
    let hub = region.run();
    let client = region.call_with(&shelf, false, Box::new(|_| {}));
    shelf.sell(100);
    client.sealed();
    eventually("all is acknowledged", async || shelf.is_acked()).await;
    client.stop().await;
    let to = "s3://analysts/exports/eu";
    let out = region.ask(&["export", "--to", to, "--endpoint", &bucket.url, "--json"]);
    let exported: Value = serde_json::from_str(&said(out)).unwrap();
    assert_eq!((&exported["events"], &exported["files"]), (&100.into(), &1.into()));
    let file = bucket.get("/exports/eu/store%3Dstore-1/date%3D2026-06-01/events-0.parquet").await;
    let rows = SerializedFileReader::new(file).unwrap();
    assert_eq!(rows.get_row_iter(None).unwrap().count(), 100);
    let nowhere = region.ask(&["export", "--to", "s3://nobody/here", "--endpoint", &bucket.url]);
    assert_eq!(nowhere.status.code(), Some(1));
    let complaint = String::from_utf8(nowhere.stderr).unwrap();
    assert!(complaint.contains("NoSuchBucket"), "{complaint}");
    hub.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contents_in_a_bucket_reach_the_nodes() {
    let bucket = Bucket::start().await;
    let shelf = Shelf::of(Outbox::new("store-1", 1));
    let mut region = Region::new("data/hub.db", &shelf.0.lock().unwrap().shop);
    region.environment = who();
    region.environment.push(("AWS_ENDPOINT_URL", bucket.url.clone()));
    region.environment.push(("AWS_ALLOW_HTTP", "true".into()));
    let file = region.folder.path().join("hub.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("contents = \"s3://analysts/contents\"\n{text}")).unwrap();
    let plugin: Vec<u8> = (0..200_000_u32).map(|at| (at * 7 % 251) as u8).collect();
    let path = region.folder.path().join("plugin.wasm");
    fs::write(&path, &plugin).unwrap();
    let hash = said(region.ask(&["content", "add", &path.display().to_string()]));
    assert_eq!(bucket.get(&format!("/contents/{}", hash.trim())).await, plugin);

    let hub = region.run();
    let heard = Arc::new(Mutex::new(None));
    let hearing = heard.clone();
    let client = region.call_with(
        &shelf,
        false,
        Box::new(move |said| {
            if let Heard::Delivered { message: Message::ChunkPart(part), .. } = said {
                *hearing.lock().unwrap() = Some(part);
            }
        }),
    );
    eventually("the node is connected", async || client.status().borrow().phase == Phase::Connected).await;
    let hash = Hash(*blake3::hash(&plugin).as_bytes());
    let wanted = ChunkWanted { hash, offset: 100_000, bytes_max: 1_000 };
    client.tell(Stream::Chunk(hash), Message::ChunkWanted(wanted)).unwrap();
    eventually("the piece comes", async || heard.lock().unwrap().is_some()).await;
    let part = heard.lock().unwrap().take().unwrap();
    assert_eq!(
        (part.offset, part.bytes_total, &part.bytes.0[..]),
        (100_000, 200_000, &plugin[100_000..101_000])
    );
    client.stop().await;
    hub.end();
}

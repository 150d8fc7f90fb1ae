//! Boxes that get in: from the first call to a certificate that is looked at, several at once; beside signing certificates alone.

use super::{Arguments, Bench, boxes::Carton};
use crate::{
    client,
    rounds::Rounds,
    screen,
    table::{self, Table},
};
use aisle_event::Timestamp;
use aisle_harness::hub::{Approval, CHAIN, HubOptions, HubUnderTest};
use aisle_provisioning::Chain;
use anyhow::{Context, Result, bail};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, string::Ia5String};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Boxes in a second (issue 7).
const BAR: f64 = 50.0;
/// How often a store can have a claim: a store for each box is as it is.
const CLAIM_HOURS: u32 = 48;

/// Measures, and gives the table.
pub(super) fn measure(bench: &mut Bench, arguments: &Arguments) -> Result<String> {
    let runtime = crate::bench::sync::runtime()?;
    let mut hub =
        HubUnderTest::start(HubOptions { enrolment: Some(Approval::Auto), ..HubOptions::default() })?;
    let port = hub.enrolment().context("the hub takes no boxes in")?;
    let boxes = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (mut ours, mut theirs, mut calls) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..=bench.rounds {
        screen::progress(&format_args!("boxes that get in: round {round} of {}", bench.rounds));
        let cartons: Vec<Carton> = (0..arguments.boxes.max(1))
            .map(|place| carton(&hub, round * arguments.boxes.max(1) + place))
            .collect::<Result<_>>()?;
        bench.probe()?;
        let count = cartons.len() as f64;
        let began = Instant::now();
        let longest = runtime.block_on(all_in(cartons, boxes, arguments.together.max(1)))?;
        let elapsed = began.elapsed();
        let of_peer = signing(arguments.boxes.max(1))?;
        if round > 0 {
            ours.add(count / elapsed.as_secs_f64());
            theirs.add(count / of_peer.as_secs_f64());
            calls.add(longest.as_secs_f64());
        }
    }
    hub.stop()?;
    let mut table = Table::new(&[
        "boxes that get in",
        "in a second",
        "slowest box",
        "beside signing alone, each",
        "bar",
        "met",
    ]);
    table.row([
        format!("{} at once", arguments.together),
        table::count(ours.median()),
        table::time(calls.most()),
        table::ratio(theirs.ratio(&ours)),
        format!("≥ {BAR}"),
        table::met(ours.median() >= BAR),
    ]);
    table.row([
        "signing alone, one core".into(),
        table::count(theirs.median()),
        "–".into(),
        "1".into(),
        "–".into(),
        "–".into(),
    ]);
    Ok(format!(
        "{table}\n{} boxes a round, each with a claim and a store of its own, from an address of its own, at the real port of the real process with SQLite: a first connection over TLS 1.3 that finds out by \
         the claim whom to believe, a second one that believes it and asks for a certificate with a request that the box has signed; the certificate is looked at up to the root. The claim is used up and the \
         node's record is on the disk before it is answered. The hub lets in whom a claim lets in; the boxes' keys are made before. The boxes' half of TLS runs on the same cores. The peer is \
         `rcgen` that signs as many certificates of keys that are there, without a connection, a claim, a check or a disk. {} rounds.",
        arguments.boxes, bench.rounds,
    ))
}

/// A box with a claim, as headquarters makes it over the interface.
fn carton(hub: &HubUnderTest, number: usize) -> Result<Carton> {
    let headers = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", hub.token()?);
    let body = format!(r#"{{"store":"store-{number:06}","hours":{CLAIM_HOURS}}}"#);
    let answer = client::ask(client::address(&hub.url())?, "POST", "/v1/claims", &headers, &body)?;
    if answer.status != 201 {
        bail!("a claim was answered {}: {}", answer.status, answer.body);
    }
    let made: Value = serde_json::from_str(&answer.body)?;
    let link = made.get("link").and_then(Value::as_str).context("the claim has no link")?;
    Carton::new(number, link)
}

/// All of them, so many at once; how long the slowest took.
async fn all_in(cartons: Vec<Carton>, hub: SocketAddr, together: usize) -> Result<Duration> {
    let (places, chain) = (Arc::new(Semaphore::new(together)), Chain::new(CHAIN)?);
    let mut tasks = tokio::task::JoinSet::new();
    for carton in cartons {
        let (places, chain) = (Arc::clone(&places), chain.clone());
        tasks.spawn(async move {
            let _place = places.acquire_owned().await?;
            let began = Instant::now();
            let now = Timestamp(jiff::Timestamp::now().as_millisecond());
            carton.enrol(hub, &chain, now).await?;
            anyhow::Ok(began.elapsed())
        });
    }
    let mut longest = Duration::ZERO;
    while let Some(done) = tasks.join_next().await {
        longest = longest.max(done??);
    }
    Ok(longest)
}

/// The peer: so many certificates, signed one after the other.
fn signing(count: usize) -> Result<Duration> {
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(root, KeyPair::generate()?);
    let key = KeyPair::generate()?;
    let began = Instant::now();
    for number in 0..count {
        let mut params = CertificateParams::default();
        let name = format!("spiffe://{CHAIN}/store/store-{number:06}/node/BX{number:06}");
        params.subject_alt_names.push(SanType::URI(Ia5String::try_from(name)?));
        std::hint::black_box(params.signed_by(&key, &issuer)?.pem());
    }
    Ok(began.elapsed())
}

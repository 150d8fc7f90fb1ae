//! What waits for a hub goes out on a stick, and comes in there as it would have by the line.

use crate::{
    support::{
        api::Api,
        command::{aisle, run},
        store::Store,
        wait::eventually,
    },
    sync::{STORE, everything_is_there_once, region},
};
use aisle_artefact::bundle::{Limits, up};
use aisle_harness::hub::HubUnderTest;
use aisle_protocol::Batch;
use serde_json::Value;
use std::{collections::BTreeMap, fs, time::Duration};

#[tokio::test]
async fn what_waits_goes_out_on_a_stick_as_it_would_have_by_the_line() {
    let (mut hub, member) = region();
    hub.stop().expect("it stops");
    let store = Store::small();
    let mut node = store.start_with(&member.config);
    let api = Api::new(node.url());
    let session = api.session().await;
    api.set(&session, "TEA-1", 1).await.json(200);
    api.check_out(&session, "one").await.json(201);
    let config = store.file("aisle.toml", &member.config).display().to_string();
    let stick = store.path("up.aisle");
    let name = stick.display().to_string();
    let exported = eventually("batches that wait", Duration::from_secs(60), async || {
        let exported =
            run(&mut aisle(&store.data(), ["courier", "export", &name, "--config", &config, "--json"]));
        if exported.code() != 0 {
            return None;
        }
        let said = exported.json();
        // A sale has to be among them.
        let file = fs::File::open(&stick).ok()?;
        let has_sales = {
            let mut classes = Vec::new();
            let read = up::import(file, None, &Limits::default(), |entry| {
                classes.push(entry.name.split('/').next().unwrap_or_default().to_owned());
                Ok(())
            });
            read.is_ok() && classes.iter().any(|class| class == "sales")
        };
        if !has_sales {
            fs::remove_file(&stick).ok()?;
            return None;
        }
        Some(said)
    })
    .await;

    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let (mut batches, mut events) = (0, 0);
    let imported = up::import(fs::File::open(&stick).unwrap(), None, &Limits::default(), |entry| {
        let batch = Batch::parse(entry.bytes.into()).expect("a batch");
        let header = batch.header();
        let (log, range) = entry.name.rsplit_once('/').expect("a log and a range");
        assert_eq!(range, format!("{}-{}", header.first_seq, header.end().seq));
        assert!(log.starts_with(&format!("{}/", header.class)), "{log}");
        let before = ends.insert(log.to_owned(), header.end().seq);
        assert_eq!(header.first_seq, before.unwrap_or(0) + 1, "nothing is left out of {log}");
        batches += 1;
        events += u64::from(header.count);
        Ok(())
    })
    .expect("a good chain");
    assert_eq!((exported["batches"].as_u64(), exported["events"].as_u64()), (Some(batches), Some(events)));
    assert!(imported.from.starts_with("store-1"), "{imported:?}");

    // Nothing is written over.
    let again = run(&mut aisle(&store.data(), ["courier", "export", &name, "--config", &config]));
    again.exits(1).complains_about(&["is there already", "hint: "]);

    // Away from the store the hub takes it in, and has the sale before there is a line again.
    node.stop().expect("it stops");
    let taken = taken_in(&hub, &name);
    assert_eq!(
        (&taken["store"], &taken["taken"], &taken["had"]),
        (&STORE.into(), &batches.into(), &0.into())
    );
    assert_eq!(taken["events"], events, "{taken}");
    let twice = taken_in(&hub, &name);
    assert_eq!((&twice["taken"], &twice["had"]), (&0.into(), &batches.into()), "{twice}");
    hub.start_again().expect("it starts");
    everything_is_there_once(&hub, &store).await;
    // The line brings what came since, and nothing again.
    let node = store.start_with(&member.config);
    let api = Api::new(node.url());
    let session = api.session().await;
    api.set(&session, "TEA-1", 1).await.json(200);
    api.check_out(&session, "two").await.json(201);
    everything_is_there_once(&hub, &store).await;
}

fn taken_in(hub: &HubUnderTest, stick: &str) -> Value {
    let said = hub.ask(&["bundle", "up", stick, "--json"]).expect("the hub takes it in");
    serde_json::from_str(&said).expect("JSON")
}

//! What somebody changed in the database behind the hub's back is found by `verify`.

use crate::{
    courses::is_sound,
    shop::{Outbox, region, sqlite, verifier},
};
use aisle_hub::{Database, verify};
use sqlx::ConnectOptions as _;
use std::path::Path;

async fn say(folder: &Path, sql: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("hub.db"));
    let mut connection = options.connect().await.unwrap();
    assert!(sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected() > 0, "{sql}");
}

async fn findings(database: &Database) -> Vec<String> {
    let checked = verify::verify(database, &region("eu"), &verifier(), |_, _| {}).await.unwrap();
    checked.findings.into_iter().map(|finding| finding.what).collect()
}

#[tokio::test]
async fn anything_that_was_changed_in_the_database_is_found() {
    for (sql, words) in [
        ("UPDATE events SET payload = x'a0' WHERE seq = 25", "events 21 to 40 do not give the head"),
        ("UPDATE events SET hlc = hlc + 1 WHERE seq = 1", "events 1 to 20 do not give the head"),
        ("DELETE FROM events WHERE seq = 40", "events 21 to 40 do not give the head"),
        ("DELETE FROM receipts WHERE last_seq = 40", "does not follow the one before"),
        (
            "UPDATE receipts SET receipt = (SELECT receipt FROM receipts WHERE last_seq = 20) WHERE last_seq = 40",
            "does not hold",
        ),
        ("UPDATE receipts SET policy_version = 2 WHERE last_seq = 20", "does not hold"),
        ("UPDATE logs SET through_seq = 40", "the cursor is not where the batches end"),
        ("UPDATE logs SET through_head = zeroblob(32)", "the cursor is not where the batches end"),
        ("UPDATE logs SET mark = x''", "mark"),
    ] {
        let (folder, database) = sqlite().await;
        let mut shop = Outbox::new("store-1", 1);
        database.register(&shop.node()).await.unwrap();
        let batches = [shop.sales(0, 20), shop.sales(20, 40), shop.sales(40, 60)];
        shop.admit(&database, &[&batches[0], &batches[1], &batches[2]]).await.unwrap();
        is_sound(&database, 60, 3).await;
        say(folder.path(), sql).await;
        let found = findings(&database).await;
        assert!(found.iter().any(|what| what.contains(words)), "{sql}: {found:?}");
        // And what was changed is not built upon.
        database.close().await;
    }
}

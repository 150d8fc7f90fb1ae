//! Backup of a running SQLite database, and what happens after one was restored.

use crate::{
    courses::is_sound,
    shop::{Outbox, sqlite},
};
use aisle_hub::{
    Database,
    database::{BackupError, Bounds, Location, restore},
};

#[tokio::test]
async fn a_backup_is_taken_while_the_hub_runs_and_comes_back_whole() {
    let (folder, database) = sqlite().await;
    let mut shop = Outbox::new("store-1", 1);
    database.register(&shop.node()).await.unwrap();
    let (one, two) = (shop.sales(0, 50), shop.sales(50, 80));
    shop.admit(&database, &[&one]).await.unwrap();
    let copy = folder.path().join("it's a backup.db");
    database.backup(&copy).await.unwrap();
    assert!(matches!(database.backup(&copy).await, Err(BackupError::Exists(_))));
    shop.admit(&database, &[&two]).await.unwrap();
    is_sound(&database, 80, 2).await;

    let place = Location::Sqlite(folder.path().join("restored").join("hub.db"));
    restore(&copy, &place).await.unwrap();
    assert!(matches!(restore(&copy, &place).await, Err(BackupError::Exists(_))));
    let restored = Database::open(&place, &Bounds::default()).await.unwrap();
    is_sound(&restored, 50, 1).await;
    // The store is told the older cursor, and sends the rest once more.
    let cursor = restored.resume(&[shop.log.clone()]).await.unwrap().remove(0);
    assert_eq!(cursor.through, one.header().end());
    shop.admit(&restored, &[&two]).await.unwrap();
    is_sound(&restored, 80, 2).await;
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let (folder, database) = sqlite().await;
    let mut shop = Outbox::new("store-1", 1);
    let batch = shop.sales(0, 500);
    shop.admit(&database, &[&batch]).await.unwrap();
    let copy = folder.path().join("copy.db");
    database.backup(&copy).await.unwrap();
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xff);
    let damaged = folder.path().join("damaged.db");
    std::fs::write(&damaged, &bytes).unwrap();
    let place = folder.path().join("restored.db");
    let refused = restore(&damaged, &Location::Sqlite(place.clone())).await.unwrap_err();
    println!("{refused}");
    assert!(!place.exists());

    std::fs::write(&damaged, b"no database at all").unwrap();
    restore(&damaged, &Location::Sqlite(place.clone())).await.unwrap_err();
    assert!(!place.exists());
}

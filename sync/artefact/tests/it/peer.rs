//! Somebody else's client believes what our repository says, and our client what somebody else's repository says: both of the crate `tough`, which
//! serves and updates other fleets. (Its clock is this machine's, so whether something has run out is not asked here.)

use crate::world::*;
use aisle_artefact::{Client, Draft, Kind, Limits, files::DiskFiles};
use std::{
    fs,
    num::NonZeroU64,
    path::{Path, PathBuf},
};
use tough::{
    ExpirationEnforcement, FilesystemTransport, IntoVec as _, RepositoryLoader, TargetName, async_trait,
    editor::RepositoryEditor,
    key_source::KeySource,
    schema::Target,
    sign::{Sign, parse_keypair},
};
use url::Url;

fn url(path: &Path) -> Url {
    Url::from_directory_path(path).unwrap()
}

fn serve(dir: &Path, hub: &Hub) -> (PathBuf, PathBuf) {
    let (metadata, targets) = (dir.join("metadata"), dir.join("targets"));
    fs::create_dir_all(&metadata).unwrap();
    for (name, bytes) in hub.files() {
        fs::write(metadata.join(name), bytes).unwrap();
    }
    for artefact in hub.repository.artefacts().values() {
        // This client puts the hash before the whole path, where the specification puts it before its last part.
        let path = targets.join(format!("{}.{}", artefact.sha256, artefact.id));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content(&artefact.id, artefact.bytes as usize)).unwrap();
    }
    (metadata, targets)
}

#[tokio::test]
async fn the_client_of_tough_believes_our_repository_and_fetches_from_it() {
    let mut hub = Hub::new();
    let prices = artefact(Kind::Prices, "main", "2026.11.22");
    hub.add(Kind::Prices, &add(&[&prices]));
    // A root with other keys, to be followed.
    let mut plan = plan();
    plan.root = keys(&[1, 11, 12], 2);
    let root = signed(hub.repository.next_root(&plan, days(365)).unwrap(), &[1, 2, 11]);
    hub.publish(vec![root]).unwrap();

    let dir = tempfile::tempdir().unwrap();
    let (metadata, targets) = serve(dir.path(), &hub);
    let repository = RepositoryLoader::new(&hub.root(), url(&metadata), url(&targets))
        .transport(FilesystemTransport)
        .expiration_enforcement(ExpirationEnforcement::Unsafe)
        .load()
        .await
        .unwrap();
    assert_eq!(repository.root().signed.version.get(), 2);
    for artefact in [plugin("buy-two", "1.4.0"), prices] {
        let name = TargetName::new(artefact.id.to_string()).unwrap();
        let bytes = repository.read_target(&name).await.unwrap().unwrap().into_vec().await.unwrap();
        assert_eq!(bytes, content(&artefact.id, 3000), "{}", artefact.id);
    }
    let unknown = TargetName::new("plugins/evil/1.0.0.plugin").unwrap();
    assert!(repository.read_target(&unknown).await.unwrap().is_none());
}

#[derive(Debug)]
struct Holder(u8);

#[async_trait]
impl KeySource for Holder {
    async fn as_sign(&self) -> Result<Box<dyn Sign>, Box<dyn std::error::Error + Send + Sync>> {
        // PKCS#8 as we write it is what others read.
        let pem = key(self.0).to_pem()?;
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = data_encoding::BASE64.decode(base64.as_bytes())?;
        Ok(Box::new(parse_keypair(&der)?))
    }

    async fn write(&self, _: &str, _: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

#[tokio::test]
async fn our_client_believes_a_repository_that_tough_has_written() {
    let dir = tempfile::tempdir().unwrap();
    let draft = signed(Draft::root(1, &plan(), days(365)).unwrap(), &ROOTS);
    let file: serde_json::Value = serde_json::from_slice(&draft.write().unwrap()).unwrap();
    let root = serde_json::json!({ "signed": file["signed"], "signatures": file["signatures"] });
    let root_path = dir.path().join("root.json");
    fs::write(&root_path, serde_json::to_vec_pretty(&root).unwrap()).unwrap();

    let two = NonZeroU64::new(2).unwrap();
    let target: Target = serde_json::from_slice(&plugin("buy-two", "1.4.0").encode()).unwrap();
    let mut editor = RepositoryEditor::new(&root_path).await.unwrap();
    editor
        .targets_version(two)
        .unwrap()
        .targets_expires("2027-01-01T00:00:00Z".parse().unwrap())
        .unwrap()
        .snapshot_version(two)
        .snapshot_expires("2027-01-01T00:00:00Z".parse().unwrap())
        .timestamp_version(two)
        .timestamp_expires("2027-01-01T00:00:00Z".parse().unwrap())
        .add_target("plugins/buy-two/1.4.0.plugin", target)
        .unwrap();
    let holders: Vec<Box<dyn KeySource>> = [1, 2, 4, 5, SNAPSHOT, TIMESTAMP]
        .into_iter()
        .map(|number| Box::new(Holder(number)) as Box<dyn KeySource>)
        .collect();
    let metadata = dir.path().join("metadata");
    editor.sign(&holders).await.unwrap().write(&metadata).await.unwrap();

    let store = dir.path().join("store");
    let root = fs::read(metadata.join("1.root.json")).unwrap();
    let mut client = Client::init(&store, &root, Limits::default()).unwrap();
    let mut source = DiskFiles::open(&metadata).unwrap();
    client.update(&mut source, NOW).unwrap();
    let artefacts: Vec<_> = client.artefacts().cloned().collect();
    assert_eq!(artefacts, [plugin("buy-two", "1.4.0")]);
    let found = client.find("plugins/buy-two/1.4.0.plugin", &mut source, NOW).unwrap();
    assert_eq!(found.artefact().unwrap(), artefacts[0]);
}

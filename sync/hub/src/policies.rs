//! The policies that batches may name: read from files and from what was published to the database, checked against keys.
//!
//! A running hub looks again every few seconds ([`follow`]): what is new comes into force without a restart and is told to the nodes that are
//! connected. What was in force stays one that batches may name while this process runs, and the version that stores should apply
//! only goes up. Guards: nothing comes into force that no trusted key signed, wherever it was found.

use crate::{
    config::Config,
    database::{Database, DatabaseError, NewPolicy, PublishError, Published},
    desk,
};
use aisle_protocol::{PolicyId, control::Policy};
use aisle_residency::{
    Region, TrustedPolicy, Verifier,
    policy::{POLICY_BYTES_MAX, SuccessionError, TrustError},
    signing::{Signature, VerifyingKey},
};
use aisle_transport::{desk::Errand, server::Connections};
use data_encoding::HEXLOWER_PERMISSIVE;
use std::{
    collections::BTreeSet,
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;

/// How often a running hub looks whether there are others.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// It cannot be read.
    #[error("cannot read the policy `{path}`")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It has too many bytes.
    #[error("the policy `{path}` has more than {POLICY_BYTES_MAX} bytes")]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// The signature beside it is none.
    #[error("the signature `{path}` is not 128 hexadecimal digits")]
    Signature {
        /// Which file.
        path: PathBuf,
    },
    /// No trusted key signed it, or it cannot be used.
    #[error("the policy `{path}` was refused")]
    Refused {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: TrustError,
    },
    /// The version that stores should apply is in no file.
    #[error("`policies.wanted` is {version}, and no file of `policies.files` has this version")]
    Wanted {
        /// Which version.
        version: u32,
    },
    /// It may not follow those that are there.
    #[error("the policy `{path}` may not be published")]
    Succession {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: SuccessionError,
    },
    /// The database could not keep it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The policies in force.
#[derive(Debug, Clone)]
pub struct Policies {
    /// Checks batches by all of them.
    pub verifier: Arc<Verifier>,
    /// The one that stores should apply.
    pub wanted: Option<PolicyId>,
    all: Vec<TrustedPolicy>,
}

impl Policies {
    /// Of a region. Of those that stores should apply the highest is taken, or that of a version.
    ///
    /// # Errors
    /// When no policy has this version.
    pub fn new(
        region: Region,
        all: impl IntoIterator<Item = TrustedPolicy>,
        wanted: Option<u32>,
    ) -> Result<Self, PolicyFileError> {
        let mut all: Vec<TrustedPolicy> = all.into_iter().collect();
        all.sort_by_key(|policy| policy.id());
        all.dedup();
        let wanted = match wanted {
            Some(version) => {
                let found = all.iter().find(|policy| policy.id().version == version);
                Some(found.ok_or(PolicyFileError::Wanted { version })?.id())
            }
            None => all.last().map(|policy| policy.id()),
        };
        Ok(Self { verifier: Arc::new(Verifier::new(region, all.iter().cloned())), wanted, all })
    }

    /// The one that stores should apply.
    #[must_use]
    pub fn in_force(&self) -> Option<&TrustedPolicy> {
        self.all.iter().find(|policy| Some(policy.id()) == self.wanted)
    }

    /// True for one that batches may name.
    #[must_use]
    pub fn has(&self, id: PolicyId) -> bool {
        self.all.iter().any(|policy| policy.id() == id)
    }

    fn ids(&self) -> BTreeSet<PolicyId> {
        self.all.iter().map(|policy| policy.id()).collect()
    }
}

fn open(path: &Path, config: &Config) -> Result<(TrustedPolicy, Vec<u8>, Signature), PolicyFileError> {
    let document = bytes(path)?;
    let signature = signature(path)?;
    let policy = TrustedPolicy::open(&document, &signature, &config.policy_keys)
        .map_err(|source| PolicyFileError::Refused { path: path.to_owned(), source })?;
    Ok((policy, document, signature))
}

/// A policy as stores take it: 64 bytes of signature, then the document. Gives which it is.
///
/// # Errors
/// When it cannot be read, or is signed by no trusted key.
pub fn sealed(config: &Config, path: &Path) -> Result<(PolicyId, Vec<u8>), PolicyFileError> {
    let (policy, document, signature) = open(path, config)?;
    Ok((policy.id(), [signature.0.as_slice(), document.as_slice()].concat()))
}

/// Those of the files and those that were published. What was published and is signed by no key that is trusted now is left out.
///
/// # Errors
/// When a file cannot be read or was not signed by a trusted key, or the database cannot say.
pub async fn read(config: &Config, database: &Database) -> Result<Vec<TrustedPolicy>, PolicyFileError> {
    let files = config.files.policies.iter().map(|path| open(path, config).map(|(policy, ..)| policy));
    let mut all = files.collect::<Result<Vec<_>, _>>()?;
    for (document, signature) in database.published_policies().await? {
        match TrustedPolicy::open(&document, &signature, &config.policy_keys) {
            Ok(policy) => all.push(policy),
            Err(error) => tracing::warn!(%error, "a published policy is left out"),
        }
    }
    Ok(all)
}

/// Why a policy that came as a document is not published.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// No trusted key signed it, or it cannot be used.
    #[error("the policy was refused")]
    Refused(#[from] TrustError),
    /// It may not follow those that are there.
    #[error(transparent)]
    Succession(#[from] SuccessionError),
    /// The database could not keep it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Reads a policy that one of the keys has signed.
///
/// # Errors
/// When none has, or it cannot be used.
pub fn trusted(
    document: &[u8],
    signature: &Signature,
    keys: &[VerifyingKey],
) -> Result<TrustedPolicy, DocumentError> {
    Ok(TrustedPolicy::open(document, signature, keys)?)
}

/// Publishes a policy to all hubs on the database.
///
/// # Errors
/// When its version is not higher than all that are there, or the database could not.
pub async fn publish_document(
    database: &Database,
    policy: &TrustedPolicy,
    document: &[u8],
    signature: &Signature,
) -> Result<Published, DocumentError> {
    match database.publish_policy(&NewPolicy { policy, document, signature }).await {
        Ok(published) => Ok(published),
        Err(PublishError::Succession(error)) => Err(error.into()),
        Err(PublishError::Database(error)) => Err(error.into()),
    }
}

/// Publishes a policy to all hubs on the database. Gives its id, and what came of it.
///
/// # Errors
/// When it cannot be read, is signed by no trusted key, or its version is not higher than all that are there.
pub async fn publish(
    config: &Config,
    database: &Database,
    path: &Path,
) -> Result<(PolicyId, Published), PolicyFileError> {
    let (policy, document, signature) = open(path, config)?;
    match publish_document(database, &policy, &document, &signature).await {
        Ok(published) => Ok((policy.id(), published)),
        Err(DocumentError::Refused(source)) => {
            Err(PolicyFileError::Refused { path: path.to_owned(), source })
        }
        Err(DocumentError::Succession(source)) => {
            Err(PolicyFileError::Succession { path: path.to_owned(), source })
        }
        Err(DocumentError::Database(error)) => Err(error.into()),
    }
}

/// Brings what is new into force while the hub runs, and tells it to the nodes that are connected. Ends with the other future.
pub async fn follow(
    config: &Config,
    database: &Database,
    policies: &watch::Sender<Arc<Policies>>,
    connections: &Connections,
    down: impl Future<Output = ()>,
) {
    let mut down = std::pin::pin!(down);
    let mut said = String::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = &mut down => return,
        }
        let error = match renew(config, database, policies, connections).await {
            Ok(()) => String::new(),
            Err(error) => chain(&error),
        };
        if !error.is_empty() && error != said {
            tracing::warn!("the policies in force stay: {error}");
        }
        said = error;
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

async fn renew(
    config: &Config,
    database: &Database,
    policies: &watch::Sender<Arc<Policies>>,
    connections: &Connections,
) -> Result<(), PolicyFileError> {
    let now = policies.borrow().clone();
    let found = read(config, database).await?;
    let known = now.ids();
    if found.iter().all(|policy| known.contains(&policy.id())) {
        return Ok(());
    }
    keep(config, database, &known).await?;
    let all = now.all.iter().cloned().chain(found);
    let next = Arc::new(Policies::new(config.region.clone(), all, config.policy_wanted)?);
    let wanted = next.wanted;
    tracing::info!(policies = next.all.len(), wanted = ?wanted, "policies came into force");
    policies.send_replace(next);
    if wanted == now.wanted {
        return Ok(());
    }
    let Some(id) = wanted else { return Ok(()) };
    let Some((document, signature)) = database.policy_document(id).await? else { return Ok(()) };
    let errand = Errand::Policy(Policy { id, document: desk::sealed(&document, &signature) });
    let stores: BTreeSet<_> = connections.list().into_iter().map(|connected| connected.store).collect();
    let told: usize = stores.iter().map(|store| connections.tell(store, &errand)).sum();
    tracing::info!(%id, told, "connected nodes are told of a policy");
    Ok(())
}

/// Keeps those of the files that are new in the database, from where they are sent on.
async fn keep(
    config: &Config,
    database: &Database,
    known: &BTreeSet<PolicyId>,
) -> Result<(), PolicyFileError> {
    for path in &config.files.policies {
        let (policy, document, signature) = open(path, config)?;
        if !known.contains(&policy.id()) {
            let new = NewPolicy { policy: &policy, document: &document, signature: &signature };
            database.accept_policy(&new).await?;
        }
    }
    Ok(())
}

/// Puts the policies in force and keeps those of files in the database, from where they are sent on.
///
/// # Errors
/// When one cannot be read, is not signed, or cannot be kept.
pub async fn enforce(config: &Config, database: &Database) -> Result<Policies, PolicyFileError> {
    keep(config, database, &BTreeSet::new()).await?;
    Policies::new(config.region.clone(), read(config, database).await?, config.policy_wanted)
}

fn bytes(path: &Path) -> Result<Vec<u8>, PolicyFileError> {
    let bytes =
        std::fs::read(path).map_err(|source| PolicyFileError::Read { path: path.to_owned(), source })?;
    if bytes.len() > POLICY_BYTES_MAX {
        return Err(PolicyFileError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

fn signature(path: &Path) -> Result<Signature, PolicyFileError> {
    let mut beside = path.to_owned().into_os_string();
    beside.push(".sig");
    let beside = PathBuf::from(beside);
    let text = bytes(&beside)?;
    let decoded = HEXLOWER_PERMISSIVE.decode(text.trim_ascii());
    let signature = decoded.ok().and_then(|bytes| bytes.try_into().ok()).map(Signature);
    signature.ok_or(PolicyFileError::Signature { path: beside })
}

//! Which policy is in force: that of the file, or a newer one that the hub has sent.
//!
//! What was followed last is kept as one file, signature and document together, and is looked at before the configured one: versions only
//! go up, over restarts too. Not here: what a policy says and who follows it (`aisle-residency`, `aisle-outbox`).
//! Guards invariant 3: nothing is in force that no trusted key has signed.

use super::files::replace;
use aisle_event::CustomerRef;
use aisle_protocol::PolicyId;
use aisle_residency::{
    Policy, Region, TrustedPolicy,
    policy::{Action, POLICY_BYTES_MAX, SuccessionError, TrustError},
    signing::{Signature, VerifyingKey},
    token::TokenKeys,
    vocabulary::Path as Field,
};
use data_encoding::HEXLOWER_PERMISSIVE;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A signature's length.
const SIGNATURE_BYTES: usize = 64;
/// The number of the key that tokens are made with. It stands in them, for the day that there is a second one.
const TOKEN_KEY: u32 = 1;
/// Where customers stand in events.
const CUSTOMER_FIELDS: [&str; 3] =
    ["SaleRecorded.customer", "ReturnRecorded.customer", "CustomerNamed.customer"];

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    #[error("the policy `{path}` has more than {POLICY_BYTES_MAX} bytes")]
    TooLarge { path: PathBuf },
    #[error("the signature `{path}` is not 128 hexadecimal digits")]
    Signature { path: PathBuf },
    #[error("the policy `{path}` was refused")]
    Refused { path: PathBuf, source: TrustError },
    #[error("the policy `{path}` may not follow the one that was in force")]
    Succession { path: PathBuf, source: SuccessionError },
}

/// Why a policy that the hub has sent is not followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SentError {
    #[error(
        "it has {bytes} bytes, expected {SIGNATURE_BYTES} of signature and at most {POLICY_BYTES_MAX} of policy"
    )]
    Length { bytes: usize },
    #[error(transparent)]
    Refused(#[from] TrustError),
    #[error("it is for records of the region `{found}`, and those of this store are made in `{home}`")]
    Home { found: Region, home: Region },
    #[error("it was announced as {announced}, and is {found}")]
    Other { announced: PolicyId, found: PolicyId },
    #[error(transparent)]
    Succession(#[from] SuccessionError),
}

/// A policy with its signature, as the wire has it and as it is kept: 64 bytes of signature, then the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    bytes: Vec<u8>,
}

impl Signed {
    fn join(document: &[u8], signature: &Signature) -> Self {
        Self { bytes: [&signature.0[..], document].concat() }
    }

    fn parts(bytes: &[u8]) -> Option<(Signature, &[u8])> {
        let (signature, document) = bytes.split_first_chunk::<SIGNATURE_BYTES>()?;
        (!document.is_empty() && document.len() <= POLICY_BYTES_MAX)
            .then_some((Signature(*signature), document))
    }

    /// Keeps it in place of the one before. It is durable when this returns.
    pub(crate) fn keep(&self, path: &Path) -> Result<(), PolicyError> {
        replace(path, &self.bytes).map_err(|source| PolicyError::Write { path: path.to_owned(), source })
    }
}

/// The policy in force.
#[derive(Debug)]
pub(crate) struct InForce {
    /// The policy.
    pub policy: TrustedPolicy,
    /// Set when it is not what is kept: keep it before it is followed.
    pub fresh: Option<Signed>,
    /// What an operator should hear of.
    pub notice: Option<String>,
}

/// Finds out which policy is in force: the file's, unless what was followed last is newer or the file cannot be used.
///
/// # Errors
/// When neither can be used.
pub(crate) fn in_force(file: &Path, kept: &Path, trusted: &[VerifyingKey]) -> Result<InForce, PolicyError> {
    let kept = Kept::read(kept, trusted)?;
    let damaged =
        kept.is_damaged.then_some("the policy that was kept is damaged; that of the file takes its place");
    let of_file = read_file(file, trusted).and_then(|(policy, signed)| {
        let policy = policy.after(kept.id);
        let policy = policy.map_err(|source| PolicyError::Succession { path: file.to_owned(), source })?;
        let is_kept = kept.id == Some(policy.id());
        let fresh = (!is_kept).then_some(signed);
        Ok(InForce { policy, fresh, notice: damaged.map(Into::into) })
    });
    match (of_file, kept.policy) {
        (Ok(of_file), _) => Ok(of_file),
        (Err(error), None) => Err(error),
        // As it should be: the hub has sent a newer one.
        (Err(PolicyError::Succession { source: SuccessionError::Older { .. }, .. }), Some(policy)) => {
            Ok(InForce { policy, fresh: None, notice: None })
        }
        (Err(error), Some(policy)) => {
            let version = policy.id().version;
            let error = super::words(&error);
            let notice = Some(format!("version {version} of the policy stays in force: {error}"));
            Ok(InForce { policy, fresh: None, notice })
        }
    }
}

/// What was followed last.
struct Kept {
    /// Which it was, whoever is trusted today.
    id: Option<PolicyId>,
    policy: Option<TrustedPolicy>,
    is_damaged: bool,
}

impl Kept {
    fn read(path: &Path, trusted: &[VerifyingKey]) -> Result<Self, PolicyError> {
        let bytes = match read(path, SIGNATURE_BYTES + POLICY_BYTES_MAX) {
            Err(PolicyError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { id: None, policy: None, is_damaged: false });
            }
            Err(PolicyError::TooLarge { .. }) => Vec::new(),
            read => read?,
        };
        let parts = Signed::parts(&bytes);
        let policy =
            parts.and_then(|(signature, document)| TrustedPolicy::open(document, &signature, trusted).ok());
        let id = parts.and_then(|(_, document)| Some(Policy::draft(document).ok()?.id()));
        Ok(Self { id, policy, is_damaged: id.is_none() })
    }
}

/// Which policy has to be followed by what comes: that in force, or what was followed last by whoever signed it. Nothing where nothing ever was.
///
/// # Errors
/// When what is kept cannot be read.
pub(crate) fn current(
    file: &Path,
    kept: &Path,
    trusted: &[VerifyingKey],
) -> Result<(Option<PolicyId>, Option<TrustedPolicy>), PolicyError> {
    let of_kept = Kept::read(kept, trusted)?.id;
    let policy = in_force(file, kept, trusted).ok().map(|found| found.policy);
    let ids = [of_kept, policy.as_ref().map(|policy| policy.id())];
    Ok((ids.into_iter().flatten().max_by_key(|id| id.version), policy))
}

/// Checks a policy that has come, from the hub or as a signed artefact, against the one in force. `None` when it is that one.
///
/// # Errors
/// When it is not what was announced, no trusted key signed it, or it is older.
pub(crate) fn sent(
    document: &[u8],
    announced: Option<PolicyId>,
    current: Option<PolicyId>,
    trusted: &[VerifyingKey],
) -> Result<(PolicyId, Option<(TrustedPolicy, Signed)>), SentError> {
    let (signature, text) = Signed::parts(document).ok_or(SentError::Length { bytes: document.len() })?;
    let policy = TrustedPolicy::open(text, &signature, trusted)?;
    let found = policy.id();
    if let Some(announced) = announced.filter(|announced| *announced != found) {
        return Err(SentError::Other { announced, found });
    }
    let policy = policy.after(current)?;
    Ok((found, (Some(found) != current).then(|| (policy, Signed::join(text, &signature)))))
}

/// The keys that the gate to a region needs by a policy.
pub(crate) fn token_keys(
    policy: &Policy,
    region: &Region,
    store_secret: &[u8; 32],
    token_secret: &[u8; 32],
) -> TokenKeys {
    let rules = Field::all().filter_map(|field| policy.rule(region, field));
    rules.fold(TokenKeys::new(store_secret), |keys, rule| match &rule.action {
        Action::Token { purpose, .. } => keys.with_derived(region, purpose, TOKEN_KEY, token_secret),
        _ => keys,
    })
}

/// The tokens that a region has for a customer, by the rules of a policy.
pub(super) fn customer_tokens(
    policy: &Policy,
    region: &Region,
    keys: &TokenKeys,
    customer: &CustomerRef,
) -> Vec<String> {
    let fields = CUSTOMER_FIELDS.iter().filter_map(|name| Field::named(name));
    let rules = fields.filter_map(|field| policy.rule(region, field));
    let tokens = rules.flat_map(|rule| match &rule.action {
        Action::Token { purpose, bits } => {
            let all = keys.tokens_of(region, "CustomerRef", customer.as_str(), *bits);
            all.into_iter().filter(|(of, _)| of == purpose).map(|(_, token)| token).collect()
        }
        _ => Vec::new(),
    });
    let mut tokens: Vec<String> = tokens.collect();
    tokens.sort();
    tokens.dedup();
    tokens
}

fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, PolicyError> {
    let failed = |source| PolicyError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(failed)?.take(bound).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > bytes_max { Err(PolicyError::TooLarge { path: path.to_owned() }) } else { Ok(bytes) }
}

/// The policy in a file, with the signature beside it.
fn read_file(path: &Path, trusted: &[VerifyingKey]) -> Result<(TrustedPolicy, Signed), PolicyError> {
    let document = read(path, POLICY_BYTES_MAX)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".sig");
    let beside = PathBuf::from(beside);
    let text = read(&beside, 1_024)?;
    let signature = HEXLOWER_PERMISSIVE.decode(text.trim_ascii()).ok();
    let signature = signature.and_then(|bytes| <[u8; SIGNATURE_BYTES]>::try_from(bytes).ok());
    let signature = signature.map(Signature).ok_or(PolicyError::Signature { path: beside })?;
    let policy = TrustedPolicy::open(&document, &signature, trusted)
        .map_err(|source| PolicyError::Refused { path: path.to_owned(), source })?;
    Ok((policy, Signed::join(&document, &signature)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_residency::{Gate, signing::SigningKey};
    use data_encoding::HEXLOWER;
    use std::fs;
    use tempfile::TempDir;

    fn officer() -> SigningKey {
        SigningKey::from_seed(&[7; 32]).unwrap()
    }

    fn trusted() -> Vec<VerifyingKey> {
        vec![officer().verifying_key()]
    }

    fn text(version: u32, more: &str) -> String {
        format!(
            "aisle_policy = 1\nname = \"test\"\nversion = {version}\nhome = \"eu\"\n[[destination]]\nregion = \"eu\"\n\
             clock = \"second\"\n[[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.*<=4\"]\naction = \"pass\"\n{more}"
        )
    }

    /// A folder with a policy file of some version, and nothing kept.
    struct Place(TempDir);

    impl Place {
        fn with(version: u32) -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            place.write(&text(version, ""));
            place
        }

        fn write(&self, text: &str) {
            fs::write(self.file(), text).unwrap();
            let signature = HEXLOWER.encode(&officer().sign(text.as_bytes()).0);
            fs::write(self.0.path().join("eu.toml.sig"), format!("{signature}\n")).unwrap();
        }

        fn file(&self) -> PathBuf {
            self.0.path().join("eu.toml")
        }

        fn kept(&self) -> PathBuf {
            self.0.path().join("policy")
        }

        fn look(&self) -> Result<InForce, PolicyError> {
            in_force(&self.file(), &self.kept(), &trusted())
        }

        /// As a start does: what is new is kept.
        fn start(&self) -> TrustedPolicy {
            let InForce { policy, fresh, .. } = self.look().unwrap();
            if let Some(fresh) = fresh {
                fresh.keep(&self.kept()).unwrap();
            }
            policy
        }
    }

    fn wire(text: &str) -> Vec<u8> {
        [&officer().sign(text.as_bytes()).0[..], text.as_bytes()].concat()
    }

    fn id(text: &str) -> PolicyId {
        Policy::draft(text.as_bytes()).unwrap().id()
    }

    #[test]
    fn a_policy_that_was_sent_is_in_force_after_a_restart_though_the_file_is_older() {
        let place = Place::with(1);
        let first = place.start();
        let second = text(2, "");
        let (policy, signed) =
            sent(&wire(&second), Some(id(&second)), Some(first.id()), &trusted()).unwrap().1.unwrap();
        signed.keep(&place.kept()).unwrap();
        let found = place.look().unwrap();
        assert_eq!((found.policy, found.fresh, found.notice), (policy, None, None));
        place.write(&text(3, ""));
        assert_eq!(place.start().id().version, 3);
        assert_eq!(fs::read(place.kept()).unwrap(), wire(&text(3, "")));
    }

    #[test]
    fn what_was_sent_is_refused_unless_it_is_signed_newer_and_what_was_announced() {
        let current = id(&text(2, ""));
        let next = text(3, "");
        let ask = |document: &[u8], announced| sent(document, Some(announced), Some(current), &trusted());
        let mut forged = wire(&next);
        forged.push(b'#');
        assert!(matches!(ask(&forged, id(&next)), Err(SentError::Refused(TrustError::Signature { .. }))));
        assert!(matches!(ask(&wire(&next), current), Err(SentError::Other { .. })));
        assert!(matches!(ask(&[0; SIGNATURE_BYTES], current), Err(SentError::Length { bytes: 64 })));
        assert!(matches!(ask(&vec![0; 64 << 10], current), Err(SentError::Length { .. })));
        let older = text(1, "");
        assert!(matches!(
            ask(&wire(&older), id(&older)),
            Err(SentError::Succession(SuccessionError::Older { found: 1, current: 2 }))
        ));
        let same = text(2, "# another\n");
        assert!(matches!(
            ask(&wire(&same), id(&same)),
            Err(SentError::Succession(SuccessionError::Same { version: 2 }))
        ));
        assert!(ask(&wire(&text(2, "")), current).unwrap().1.is_none());
        assert_eq!(ask(&wire(&next), id(&next)).unwrap().1.unwrap().0.id().version, 3);
        // As an artefact it is announced by nothing, and held against the same.
        let bare = |document: &[u8]| sent(document, None, Some(current), &trusted());
        assert!(matches!(bare(&forged), Err(SentError::Refused(TrustError::Signature { .. }))));
        assert!(matches!(bare(&wire(&older)), Err(SentError::Succession(SuccessionError::Older { .. }))));
        assert_eq!(bare(&wire(&next)).unwrap().0, id(&next));
    }

    #[test]
    fn a_file_that_cannot_be_used_leaves_what_was_in_force_and_is_told() {
        let place = Place::with(4);
        place.start();
        fs::write(place.file(), text(5, "")).unwrap();
        let found = place.look().unwrap();
        assert_eq!(found.policy.id().version, 4);
        let notice = found.notice.unwrap();
        assert!(notice.contains("eu.toml") && notice.contains("version 4"), "{notice}");
        fs::remove_file(place.file()).unwrap();
        assert_eq!(place.look().unwrap().policy.id().version, 4);
        fs::remove_file(place.kept()).unwrap();
        assert!(matches!(place.look(), Err(PolicyError::Read { .. })));
    }

    #[test]
    fn who_signed_the_kept_one_may_be_trusted_no_more_and_its_version_still_counts() {
        let place = Place::with(2);
        place.start();
        let other = SigningKey::from_seed(&[8; 32]).unwrap();
        let by_other = |version| {
            let text = text(version, "");
            fs::write(place.file(), &text).unwrap();
            let signature = HEXLOWER.encode(&other.sign(text.as_bytes()).0);
            fs::write(place.0.path().join("eu.toml.sig"), signature).unwrap();
            in_force(&place.file(), &place.kept(), &[other.verifying_key()])
        };
        assert!(matches!(by_other(1), Err(PolicyError::Succession { .. })));
        assert_eq!(by_other(3).unwrap().policy.id().version, 3);
    }

    #[test]
    fn a_kept_policy_that_is_damaged_makes_room_for_the_files() {
        let place = Place::with(1);
        place.start();
        fs::write(place.kept(), [1, 2, 3]).unwrap();
        let found = place.look().unwrap();
        assert!(found.fresh.is_some() && found.notice.is_some());
    }

    #[test]
    fn every_purpose_of_a_policy_has_its_key() {
        let rule = "[[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"loyalty\"\n";
        let place = Place::with(1);
        place.write(&text(2, rule));
        let policy = place.start();
        let region = Region::new("eu").unwrap();
        Gate::new(&policy, &region, TokenKeys::new(&[1; 32])).unwrap_err();
        Gate::new(&policy, &region, token_keys(&policy, &region, &[1; 32], &[2; 32])).unwrap();
    }
}

//! Policies as files: reading one that need not be signed, and saying what it amounts to.

use super::place;
use crate::output;
use aisle_residency::{
    Policy, Region,
    policy::{Action, POLICY_BYTES_MAX, PolicyError},
    vocabulary::Path as Field,
};
use anyhow::bail;
use serde::Serialize;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PolicyFileError {
    #[error("cannot read the policy `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("the policy `{path}` has more than {POLICY_BYTES_MAX} bytes")]
    TooLarge { path: PathBuf },
    #[error("policy `{path}`")]
    Refused { path: PathBuf, source: PolicyError },
    #[error("the policy in force, `{path}`, is cut off\nhint: `--policy FILE` takes another one")]
    CutOff { path: PathBuf },
}

/// So long is the signature before a policy that is kept.
const SIGNATURE_BYTES: usize = 64;

/// Which policy it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Named {
    name: String,
    version: u32,
    hash: String,
}

impl Named {
    pub(super) fn of(policy: &Policy) -> Self {
        let id = policy.id();
        Self { name: policy.name().into(), version: id.version, hash: id.hash.to_string() }
    }

    pub(super) fn words(&self) -> String {
        // The hash begins with ASCII digits and is longer than this.
        let short = self.hash.get(..12).unwrap_or(&self.hash);
        format!("policy `{}`, version {} ({short}…)", self.name, self.version)
    }
}

/// Reads a policy from a file. Whether it is signed is not asked: nothing leaves by it.
pub(super) fn read(path: &Path) -> Result<Policy, PolicyFileError> {
    drafted(path, &bytes(path, POLICY_BYTES_MAX)?)
}

/// Reads the policy that the node keeps. Its signature was checked before it was kept.
fn read_kept(path: &Path) -> Result<Policy, PolicyFileError> {
    let kept = bytes(path, SIGNATURE_BYTES + POLICY_BYTES_MAX)?;
    match kept.split_first_chunk::<SIGNATURE_BYTES>() {
        Some((_, document)) => drafted(path, document),
        None => Err(PolicyFileError::CutOff { path: path.into() }),
    }
}

fn drafted(path: &Path, document: &[u8]) -> Result<Policy, PolicyFileError> {
    Policy::draft(document).map_err(|source| PolicyFileError::Refused { path: path.into(), source })
}

fn bytes(path: &Path, bytes_max: usize) -> Result<Vec<u8>, PolicyFileError> {
    let unreadable = |source| PolicyFileError::Read { path: path.into(), source };
    let mut bytes = Vec::new();
    let mut bounded = File::open(path).map_err(unreadable)?.take(bytes_max as u64 + 1);
    bounded.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > bytes_max {
        return Err(PolicyFileError::TooLarge { path: path.into() });
    }
    Ok(bytes)
}

/// The policy that somebody names, or the one in force.
pub(super) fn chosen(file: Option<&Path>, data: &Path) -> anyhow::Result<Policy> {
    if let Some(file) = file {
        return Ok(read(file)?);
    }
    let in_force = place::policy(data);
    if !in_force.is_file() {
        bail!(
            "no policy is in force in `{}`: nothing leaves the store\nhint: `--policy FILE` shows what one would let out",
            data.display()
        );
    }
    Ok(read_kept(&in_force)?)
}

/// The regions that are asked for, each of which the policy has to name; all of them when none is asked for.
pub(super) fn regions(policy: &Policy, wanted: &[Region]) -> anyhow::Result<Vec<Region>> {
    if wanted.is_empty() {
        return Ok(policy.regions().cloned().collect());
    }
    for region in wanted {
        if !policy.regions().any(|known| known == region) {
            let known: Vec<&str> = policy.regions().map(Region::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            bail!(
                "policy `{}` has no `[[destination]]` for `{region}`\nhint: its regions: {known}",
                policy.name()
            );
        }
    }
    Ok(wanted.to_vec())
}

#[derive(Serialize)]
struct Accepted {
    accepted: bool,
    #[serde(flatten)]
    policy: Named,
    home: String,
    regions: Vec<Counted>,
}

/// How many fields of all events come to what on the way to a region.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Counted {
    region: String,
    pass: usize,
    token: usize,
    coarsen: usize,
    aggregate: usize,
    drop: usize,
    no_rule: usize,
}

impl Counted {
    fn of(policy: &Policy, region: &Region) -> Self {
        let mut counted = Self { region: region.to_string(), ..Self::default() };
        for field in Field::all() {
            let count = match policy.rule(region, field).map(|rule| &rule.action) {
                Some(Action::Pass) => &mut counted.pass,
                Some(Action::Token { .. }) => &mut counted.token,
                Some(Action::Coarsen(_)) => &mut counted.coarsen,
                Some(Action::Aggregate) => &mut counted.aggregate,
                Some(Action::Drop) => &mut counted.drop,
                None => &mut counted.no_rule,
            };
            *count += 1;
        }
        counted
    }
}

/// Says whether a policy can be used.
pub(super) fn check(file: &Path, json: bool) -> anyhow::Result<()> {
    let policy = read(file)?;
    let regions = policy.regions().map(|region| Counted::of(&policy, region)).collect();
    let home = policy.home().to_string();
    let accepted = Accepted { accepted: true, policy: Named::of(&policy), home, regions };
    if json {
        return Ok(output::json(&accepted)?);
    }
    output::line(format!("accepted: {}, for stores in `{}`", accepted.policy.words(), accepted.home))?;
    if accepted.regions.is_empty() {
        output::line("it names no region: nothing leaves by it")?;
        return Ok(());
    }
    let rows = accepted.regions.iter().map(|counted| {
        let Counted { region, pass, token, coarsen, aggregate, drop, no_rule } = counted;
        let numbers = [pass, token, coarsen, aggregate, drop, no_rule].map(ToString::to_string);
        let [pass, token, coarsen, aggregate, drop, no_rule] = numbers;
        [region.clone(), pass, token, coarsen, aggregate, drop, no_rule]
    });
    let headings = ["FIELDS TO", "PASS", "TOKEN", "COARSEN", "AGGREGATE", "DROP", "NO RULE: STAY"];
    output::table(headings, &rows.collect::<Vec<_>>())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const HEAD: &str = "aisle_policy = 1\nname = \"test\"\nversion = 3\nhome = \"eu\"\n[[destination]]\nregion = \"eu\"\nclock = \"second\"\n";

    fn file(rules: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.toml");
        fs::write(&path, format!("{HEAD}{rules}")).unwrap();
        (dir, path)
    }

    fn refusal(path: &Path) -> String {
        let error = anyhow::Error::from(read(path).unwrap_err());
        error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }

    #[test]
    fn a_field_that_does_not_exist_is_refused_with_file_line_and_nearest_name() {
        let (_dir, path) = file("[[rule]]\nto = [\"eu\"]\nfields = [\"Searched.hit\"]\naction = \"pass\"\n");
        let refusal = refusal(&path);
        assert!(refusal.contains(&format!("policy `{}`: line 10: ", path.display())), "{refusal}");
        assert!(
            refusal.contains("`Searched.hit`") && refusal.ends_with("hint: did you mean `Searched.hits`?"),
            "{refusal}"
        );
    }

    #[test]
    fn a_file_that_is_missing_or_too_long_is_named() {
        let (dir, path) = file(&"# a long story\n".repeat(POLICY_BYTES_MAX / 8));
        assert!(refusal(&path).contains("has more than"), "{}", refusal(&path));
        let missing = dir.path().join("missing.toml");
        assert!(refusal(&missing).starts_with(&format!("cannot read the policy `{}`", missing.display())));
    }

    #[test]
    fn every_field_is_counted_once_for_a_region() {
        let (_dir, path) = file(
            "[[rule]]\nto = [\"eu\"]\nfields = [\"Searched.hits\", \"StockCounted.*<=3\"]\naction = \"pass\"\n\
             [[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"loyalty\"\n\
             [[rule]]\nto = [\"eu\"]\nfields = [\"Searched.terms\"]\naction = \"drop\"\n",
        );
        let policy = read(&path).unwrap();
        let eu = Region::new("eu").unwrap();
        let counted = Counted::of(&policy, &eu);
        assert_eq!((counted.token, counted.coarsen, counted.aggregate, counted.drop), (1, 0, 0, 1));
        assert!(counted.pass > 1);
        assert_eq!(counted.pass + 2 + counted.no_rule, Field::all().count());
        assert!(Named::of(&policy).words().starts_with("policy `test`, version 3 ("));
    }

    #[test]
    fn without_a_policy_in_force_nothing_is_explained_and_another_region_is_refused() {
        let (dir, path) = file("");
        let error = chosen(None, dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("no policy is in force") && error.contains("hint: `--policy FILE`"),
            "{error}"
        );
        let policy = chosen(Some(&path), dir.path()).unwrap();
        let (eu, cn) = (Region::new("eu").unwrap(), Region::new("cn").unwrap());
        assert_eq!(regions(&policy, &[]).unwrap(), std::slice::from_ref(&eu));
        assert_eq!(regions(&policy, std::slice::from_ref(&eu)).unwrap(), std::slice::from_ref(&eu));
        let error = regions(&policy, &[eu, cn]).unwrap_err().to_string();
        assert!(error.contains("`cn`") && error.ends_with("hint: its regions: eu"), "{error}");
        let kept = place::policy(dir.path());
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        let document = fs::read(&path).unwrap();
        fs::write(&kept, [&[7_u8; SIGNATURE_BYTES][..], &document[..]].concat()).unwrap();
        assert_eq!(chosen(None, dir.path()).unwrap().id(), policy.id());
        fs::write(&kept, [7_u8; 63]).unwrap();
        let error = chosen(None, dir.path()).unwrap_err().to_string();
        assert!(error.contains("is cut off") && error.contains("hint: `--policy FILE`"), "{error}");
    }
}

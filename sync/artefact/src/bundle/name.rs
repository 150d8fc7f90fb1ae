//! The names that entries of a bundle can have. There are no others, and none of them is ever used as a path.

use super::BundleError;
use crate::{digest::Digest, id::shown};

/// The most bytes of a name: what fits the field of a tar without a prefix.
const NAME_BYTES_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    Head,
    Metadata(String),
    Order,
    Content(Digest),
    CarriedHead(u64),
    Carried(u64),
    End,
}

impl Name {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let name = || shown(&String::from_utf8_lossy(bytes));
        let text = std::str::from_utf8(bytes).map_err(|_| BundleError::Name { name: name() })?;
        let has_drive = text.get(1..2) == Some(":");
        if text.starts_with(['/', '\\']) || has_drive {
            return Err(BundleError::Absolute { name: name() });
        }
        if text.split(['/', '\\']).any(|part| part == ".." || part == ".") {
            return Err(BundleError::Traversal { name: name() });
        }
        let read = if text.len() > NAME_BYTES_MAX { None } else { Self::of(text) };
        read.ok_or_else(|| BundleError::Name { name: name() })
    }

    fn of(text: &str) -> Option<Self> {
        let (folder, file) = match text {
            "bundle.json" => return Some(Self::Head),
            "end.json" => return Some(Self::End),
            "order" => return Some(Self::Order),
            text => text.split_once('/')?,
        };
        match folder {
            "metadata" => {
                let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.~%".contains(c);
                let is_file = file.ends_with(".json") && file.chars().all(is_good) && !file.starts_with('.');
                is_file.then(|| Self::Metadata(file.to_owned()))
            }
            "content" => {
                let digest: Digest = file.parse().ok()?;
                (digest.to_string() == file).then_some(Self::Content(digest))
            }
            "up" => match file.strip_suffix(".json") {
                Some(number) => Some(Self::CarriedHead(carried(number)?)),
                None => Some(Self::Carried(carried(file)?)),
            },
            _ => None,
        }
    }
}

/// Eight digits, from 1 on.
fn carried(text: &str) -> Option<u64> {
    let is_good = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| *number > 0)?;
    is_good.then_some(number)
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Head => f.write_str("bundle.json"),
            Self::Metadata(file) => write!(f, "metadata/{file}"),
            Self::Order => f.write_str("order"),
            Self::Content(digest) => write!(f, "content/{digest}"),
            Self::CarriedHead(number) => write!(f, "up/{number:08}.json"),
            Self::Carried(number) => write!(f, "up/{number:08}"),
            Self::End => f.write_str("end.json"),
        }
    }
}

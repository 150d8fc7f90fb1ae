//! Roles, permissions, and the one table of which role may do what.
//!
//! A permission is a noun and a verb. A role that is bounded to a scope may do it there only; what is of no store or region (people, policies, the
//! audit log) wants a role without bounds. Not here: which route wants which permission ([`crate::http::permits`]), who has which role
//! ([`super::person`]). Guards: what stands in no line of the table, nobody may do.

use aisle_residency::Region;
use std::{fmt, str::FromStr};

/// What a person is to the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Runs the fleet.
    Operator,
    /// Brings plugins and sees how they fare.
    PluginAuthor,
    /// Answers for what leaves stores, and for persons who want to be forgotten.
    PrivacyOfficer,
    /// Everything, also who may do what.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Viewer, Self::Operator, Self::PluginAuthor, Self::PrivacyOfficer, Self::Admin];

    /// Its name, as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::PluginAuthor => "plugin-author",
            Self::PrivacyOfficer => "privacy-officer",
            Self::Admin => "admin",
        }
    }

    /// Whether the table lets it. An admin may everything that is in it.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self == Self::Admin || permission.roles().contains(&self)
    }
}

/// The table: name, what it is, the roles that may besides the admin.
macro_rules! permissions {
    ($($(#[doc = $words:literal])+ $variant:ident = $name:literal: [$($role:ident),*];)*) => {
        /// Something that may be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $($(#[doc = $words])+ $variant,)*
        }

        impl Permission {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name, as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, in words.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => concat!($($words),+),)* }
            }

            /// The roles that have it, besides the admin.
            #[must_use]
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Self::$variant => &[$(Role::$role),*],)* }
            }
        }
    };
}

permissions! {
    /// See stores, nodes, how far they are, what they are to become and what they report.
    StoreRead = "store.read": [Viewer, Operator, PluginAuthor, PrivacyOfficer];
    /// Label stores and put them into groups.
    StoreLabel = "store.label": [Operator];
    /// Read what stores have sent, event by event.
    EventRead = "event.read": [Operator, PrivacyOfficer];
    /// Read receipts of batches.
    ReceiptRead = "receipt.read": [Viewer, Operator, PrivacyOfficer];
    /// Read which persons were to be forgotten, and the receipts of it.
    ErasureRead = "erasure.read": [PrivacyOfficer];
    /// Ask for a person to be forgotten.
    ErasureRequest = "erasure.request": [PrivacyOfficer];
    /// Read policies.
    PolicyRead = "policy.read": [Viewer, Operator, PluginAuthor, PrivacyOfficer];
    /// Ask for a policy to be published, and publish it when another person has agreed.
    PolicyPublish = "policy.publish": [PrivacyOfficer];
    /// Agree that a policy is published.
    PolicyApprove = "policy.approve": [PrivacyOfficer];
    /// See the hub's metrics and its relay.
    HubRead = "hub.read": [Viewer, Operator];
    /// See contents and signed artefacts.
    ArtefactRead = "artefact.read": [Viewer, Operator, PluginAuthor, PrivacyOfficer];
    /// Bring contents and artefacts to the hub.
    ArtefactPublish = "artefact.publish": [PluginAuthor];
    /// Agree that another root or other targets of signed artefacts are published.
    ArtefactApprove = "artefact.approve": [Operator];
    /// Say what a single store is to become.
    DesiredWrite = "desired.write": [Operator];
    /// See rollouts and how they go.
    RolloutRead = "rollout.read": [Viewer, Operator, PluginAuthor, PrivacyOfficer];
    /// Start, pause, resume, promote and abort rollouts.
    RolloutStart = "rollout.start": [Operator];
    /// Agree to a rollout that reaches the whole fleet.
    RolloutApprove = "rollout.approve": [Operator];
    /// Set what devices in stores are to be set to.
    DeviceWrite = "device.write": [Operator];
    /// See who wants to enrol.
    EnrolmentRead = "enrolment.read": [Viewer, Operator];
    /// Make claims, let nodes in, suspend and ban them.
    EnrolmentDecide = "enrolment.decide": [Operator];
    /// See requests that wait for another person.
    ApprovalRead = "approval.read": [Operator, PrivacyOfficer];
    /// See who may do what.
    PeopleRead = "people.read": [PrivacyOfficer];
    /// Add people, change their roles, disable and reset them, end their sessions, revoke their tokens.
    PeopleManage = "people.manage": [];
    /// Read the audit log.
    AuditRead = "audit.read": [PrivacyOfficer];
}

/// Where a role holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere.
    Everything,
    /// In the stores of a region.
    Region(Region),
    /// In the stores that have a label.
    Label {
        /// Which, such as `country`.
        key: String,
        /// With which value.
        value: String,
    },
}

/// What a store is, as scopes look at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traits {
    /// Its region.
    pub region: String,
    /// Its labels: keys with values.
    pub labels: Vec<(String, String)>,
}

impl Scope {
    /// Whether a store lies in it.
    #[must_use]
    pub fn covers(&self, store: &Traits) -> bool {
        match self {
            Self::Everything => true,
            Self::Region(region) => region.as_str() == store.region,
            Self::Label { key, value } => store.labels.iter().any(|(k, v)| k == key && v == value),
        }
    }
}

/// A role and where it holds: `operator`, `operator@region:eu`, `viewer@label:country=de`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

impl Grant {
    /// A role everywhere.
    #[must_use]
    pub const fn everywhere(role: Role) -> Self {
        Self { role, scope: Scope::Everything }
    }
}

/// The most characters of a label's key or value in a scope.
const LABEL_CHARS_MAX: usize = 64;

/// Text that is no role, permission or scope.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GrantError {
    /// No role.
    #[error(
        "`{0}` is no role\nhint: `viewer`, `operator`, `plugin-author`, `privacy-officer` or `admin`, and where it is bounded `@region:eu` or `@label:country=de` behind it"
    )]
    Role(String),
    /// No scope.
    #[error("`{0}` is no scope\nhint: `region:eu` or `label:country=de`")]
    Scope(String),
    /// No permission.
    #[error("`{0}` is no permission\nhint: one such as `store.read`; `aisle-hub person roles` lists them")]
    Permission(String),
}

fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

impl FromStr for Role {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| GrantError::Role(shown(text)))
    }
}

impl FromStr for Permission {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let found = Self::ALL.iter().find(|permission| permission.as_str() == text);
        found.copied().ok_or_else(|| GrantError::Permission(shown(text)))
    }
}

impl FromStr for Scope {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let wrong = || GrantError::Scope(shown(text));
        if text.is_empty() {
            return Ok(Self::Everything);
        }
        if let Some(region) = text.strip_prefix("region:") {
            return Region::new(region).map(Self::Region).map_err(|_| wrong());
        }
        let label = text.strip_prefix("label:").and_then(|label| label.split_once('='));
        let (key, value) = label.ok_or_else(wrong)?;
        let is_plain = |text: &str| {
            let count = text.chars().count();
            (1..=LABEL_CHARS_MAX).contains(&count) && !text.chars().any(char::is_control)
        };
        if !is_plain(key) || !is_plain(value) {
            return Err(wrong());
        }
        Ok(Self::Label { key: key.to_owned(), value: value.to_owned() })
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        match text.split_once('@') {
            None => Ok(Self::everywhere(text.parse()?)),
            // An empty scope would be everything, by a slip.
            Some((_, "")) => Err(GrantError::Scope(String::new())),
            Some((role, scope)) => Ok(Self { role: role.parse()?, scope: scope.parse()? }),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => Ok(()),
            Self::Region(region) => write!(f, "region:{region}"),
            Self::Label { key, value } => write!(f, "label:{key}={value}"),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Everything => write!(f, "{}", self.role),
            scope => write!(f, "{}@{scope}", self.role),
        }
    }
}

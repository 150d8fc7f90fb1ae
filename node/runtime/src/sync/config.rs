//! `[sync]`: which hub, who this node is to it, what may leave, what the line may cost. Left out, the node stands alone.
//!
//! Not here: whether the files are there and good; a node that sells starts without them and says what is missing
//! ([`super::files`], `doctor`). Guards that bounds leave room for work, and that what may leave is named by trusted keys only.

use aisle_enrolment::{LineSettings, files as enrolled, settings::HubPlace};
use aisle_protocol::{
    LinkKind, LogClass, PerClass,
    node::{Allowance, Budgets},
};
use aisle_residency::{Region, signing::VerifyingKey};
use aisle_transport::client;
use data_encoding::HEXLOWER_PERMISSIVE;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The hub, what leaves for it, and what the line to it may cost.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawSync {
    /// The region that the hub lies in, as the policy calls it.
    pub region: String,
    /// What the line costs: `metered`, `lte` or `fibre`. It says which budgets hold and how often an idle line is kept awake.
    pub link: Link,
    /// PEM file: the certificate that names this node, then those between it and the root. Another one is taken over while the node runs. Left out
    /// together with key and roots, they are those that the node was given when it was claimed, and what else is left out here is as the hub says.
    pub certificate_file: PathBuf,
    /// PEM file: its key.
    pub private_key_file: PathBuf,
    /// PEM file: the roots that the hub's certificate comes from.
    pub roots_file: PathBuf,
    /// What may leave. Its signature lies beside it, in a file with `.sig` behind its name: 128 hexadecimal digits. A newer one that the hub
    /// sends takes its place.
    pub policy_file: PathBuf,
    /// The Ed25519 keys that may sign policies: 64 hexadecimal digits each, at most 16.
    pub policy_keys: Vec<String>,
    /// The secret that tokens are made with, 64 hexadecimal digits: the same in all stores whose tokens are to be comparable. Left out, it is
    /// `sync/token.secret` below the data, made at the first start.
    pub token_secret_file: Option<PathBuf>,
    /// The seed of the key that receipts are signed with, 64 hexadecimal digits. Left out, it is `sync/receipt.key` below the data, made at the
    /// first start. The hub has to know its public half, which `/healthz` and `doctor` show.
    pub receipt_key_file: Option<PathBuf>,
    /// The Ed25519 keys that the hubs sign their receipts of erasures with: 64 hexadecimal digits each, at most 16. With none, a receipt is
    /// kept as it came over the line, and its signature is not looked at.
    pub hub_receipt_keys: Vec<String>,
    /// The hubs, called in turn: any of them takes any node.
    pub hub: Vec<RawHub>,
    /// How many bytes each class may send, by what the line costs.
    pub budgets: RawBudgets,
    /// How much is kept for the hub, and how it is put together.
    pub outbox: RawOutbox,
    /// How the line is used.
    pub line: RawLine,
    /// When sync gives way to the kiosk.
    pub kiosk: RawKiosk,
    /// What the hub wants the store to have.
    pub content: RawContent,
}

/// What the line costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Link {
    /// Every byte costs.
    #[default]
    Metered,
    /// A mobile line with a volume.
    Lte,
    /// A line without a volume.
    Fibre,
}

/// Where a hub is called.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawHub {
    /// Its DNS name or address; its certificate must have it among its names.
    pub name: String,
    /// Its UDP port for QUIC; 0 where it has none.
    pub quic_port: u16,
    /// Its TCP port for TLS, for lines that let no UDP through; 0 where it has none.
    pub tls_port: u16,
}

/// How many bytes each class may send, by what the line costs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawBudgets {
    /// On a line where every byte costs.
    pub metered: RawClasses,
    /// On a mobile line with a volume.
    pub lte: RawClasses,
    /// On a line without a volume.
    pub fibre: RawClasses,
}

/// The allowance of each class. What is left out is as it comes along: sales without a bound; for stock, telemetry and bulk 8, 4 and 1 MiB a
/// day on a metered line, 64, 64 and 32 on a mobile one, without a bound on fibre.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawClasses {
    /// Sales and audit.
    pub sales: Option<RawAllowance>,
    /// Stock, prices, tasks, aggregates.
    pub stock: Option<RawAllowance>,
    /// Devices and readings.
    pub telemetry: Option<RawAllowance>,
    /// What shoppers looked at, the broker's own records.
    pub bulk: Option<RawAllowance>,
}

/// So many bytes in so many days.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawAllowance {
    /// The most bytes; 0 is no bound. What is beyond waits for the next window.
    pub bytes_max: u64,
    /// How long a window is, in days, 1 to 366; 30 is a month.
    pub days: u32,
}

/// How much is kept for the hub, and how it is put together.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawOutbox {
    /// What all batches may take on disk. Beyond it acknowledged ones go first, then the older half of what waits in bulk, in telemetry, in
    /// stock; never sales.
    pub disk_bytes_max: u64,
    /// How long acknowledged batches are kept, in hours, for a hub that is restored from a backup.
    pub keep_h: u64,
    /// And no more of them than so many bytes in each class.
    pub keep_bytes_max: u64,
    /// A batch with so many events is sealed, 1 to 10,000.
    pub batch_events_max: usize,
    /// A batch whose events have so many bytes is sealed, 1 to 524,288.
    pub batch_bytes_max: usize,
    /// A batch of sales is sealed when its first event has waited so long.
    pub sales_age_ms_max: u64,
    /// The same for stock.
    pub stock_age_ms_max: u64,
    /// The same for telemetry.
    pub telemetry_age_ms_max: u64,
    /// The same for bulk.
    pub bulk_age_ms_max: u64,
    /// A window of an aggregate is told so long after its end, in seconds; what comes later is left out.
    pub aggregate_lag_s: u64,
}

/// How the line is used.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawLine {
    /// The longest wait before the hub is called again; each wait is drawn by chance. 1,000 to 86,400,000.
    pub reconnect_ms_max: u64,
    /// How long QUIC is tried before TLS is tried beside it.
    pub quic_head_start_ms: u64,
    /// How long TLS stays the first choice after QUIC has failed.
    pub tls_keep_ms: u64,
    /// How long one way to the hub may take to open, 100 to 60,000.
    pub path_timeout_ms: u64,
    /// The most bytes that are under way to the hub and not acknowledged, 1 to 64 MiB.
    pub in_flight_bytes_max: u32,
}

/// When sync gives way to the kiosk.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawKiosk {
    /// With so many requests being worked on batches go out one by one, at least 1.
    pub busy_requests: usize,
    /// With so many only now and then; no less than `busy_requests`.
    pub saturated_requests: usize,
}

/// What the hub wants the store to have.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawContent {
    /// What contents may take on disk, those that are being fetched with all that they will take; at least 1,048,576. What does not fit is
    /// reported and not fetched. However much this is, 64 MiB of the disk stay free for what the store records.
    pub disk_bytes_max: u64,
}

impl Default for RawContent {
    fn default() -> Self {
        Self { disk_bytes_max: 2 << 30 }
    }
}

impl Default for RawHub {
    fn default() -> Self {
        Self { name: String::new(), quic_port: 8443, tls_port: 8443 }
    }
}

impl Default for RawAllowance {
    fn default() -> Self {
        Self { bytes_max: 0, days: 30 }
    }
}

impl Default for RawOutbox {
    fn default() -> Self {
        let given = aisle_outbox::Config::default();
        Self {
            disk_bytes_max: given.disk_bytes_max,
            keep_h: given.keep_ms / HOUR_MS,
            keep_bytes_max: given.keep_bytes_max,
            batch_events_max: given.events_max,
            batch_bytes_max: given.bytes_max,
            sales_age_ms_max: given.age_ms_max.sales,
            stock_age_ms_max: given.age_ms_max.stock,
            telemetry_age_ms_max: given.age_ms_max.telemetry,
            bulk_age_ms_max: given.age_ms_max.bulk,
            aggregate_lag_s: given.aggregate_lag_ms / 1_000,
        }
    }
}

impl Default for RawLine {
    fn default() -> Self {
        Self {
            reconnect_ms_max: 300_000,
            quic_head_start_ms: 2_500,
            tls_keep_ms: 600_000,
            path_timeout_ms: 8_000,
            in_flight_bytes_max: 4 << 20,
        }
    }
}

impl Default for RawKiosk {
    fn default() -> Self {
        Self { busy_requests: 32, saturated_requests: 256 }
    }
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// The most hubs that are called in turn.
const HUBS_MAX: usize = 16;
/// The most keys that may sign policies.
const KEYS_MAX: usize = 16;
/// The least that contents must be given of the disk.
const CONTENT_BYTES_MIN: u64 = 1 << 20;
/// The fewest and the most bytes that may be under way.
const IN_FLIGHT_BYTES: std::ops::RangeInclusive<u32> = (1 << 20)..=(64 << 20);

/// The settings, checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where the hub lies.
    pub region: Region,
    /// What the line costs.
    pub link: LinkKind,
    /// Who is called.
    pub hubs: Vec<client::Hub>,
    /// What the node shows.
    pub certificate_file: PathBuf,
    /// The key to it.
    pub private_key_file: PathBuf,
    /// Whom it believes.
    pub roots_file: PathBuf,
    /// What may leave.
    pub policy_file: PathBuf,
    /// Who may say so.
    pub policy_keys: Vec<VerifyingKey>,
    /// Where the tokens' secret is, if elsewhere than usual.
    pub token_secret_file: Option<PathBuf>,
    /// Where the receipts' key is, if elsewhere than usual.
    pub receipt_key_file: Option<PathBuf>,
    /// Who may sign that a hub has forgotten somebody; anybody, where it is empty.
    pub hub_receipt_keys: Vec<VerifyingKey>,
    /// What each class may send.
    pub budgets: Budgets,
    /// The outbox's own settings.
    pub outbox: aisle_outbox::Config,
    /// How the line is used.
    pub line: RawLine,
    /// When sync gives way.
    pub kiosk: RawKiosk,
    /// How much of the disk contents may take.
    pub content: RawContent,
}

/// A setting that cannot be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidConfig {
    /// Which, below `sync`.
    pub field: String,
    /// Why not.
    pub reason: String,
}

fn invalid(field: impl Into<String>, reason: impl std::fmt::Display) -> InvalidConfig {
    InvalidConfig { field: field.into(), reason: reason.to_string() }
}

fn within(
    field: &str,
    found: u64,
    range: std::ops::RangeInclusive<u64>,
    expected: &str,
) -> Result<(), InvalidConfig> {
    let refuse = || invalid(field, format!("is {found}, expected {expected}"));
    if range.contains(&found) { Ok(()) } else { Err(refuse()) }
}

impl RawSync {
    /// Whether the node shows what it was given when it was claimed.
    pub(crate) fn is_of_identity(&self) -> bool {
        [&self.certificate_file, &self.private_key_file, &self.roots_file]
            .into_iter()
            .all(|file| file.as_os_str().is_empty())
    }

    /// What is left out filled in with what the hub says, and with the files that the claim has brought. What the line costs has a default,
    /// so the hub's word counts only where nothing of the line is written down.
    pub(crate) fn filled(mut self, said: &LineSettings, data: &Path, is_unwritten: bool) -> Self {
        let fill = |file: &mut PathBuf, with: PathBuf| {
            if file.as_os_str().is_empty() {
                *file = with;
            }
        };
        fill(&mut self.certificate_file, enrolled::certificate(data));
        fill(&mut self.private_key_file, enrolled::private_key(data));
        fill(&mut self.roots_file, enrolled::roots(data));
        fill(&mut self.policy_file, enrolled::policy(data));
        if self.region.is_empty() {
            self.region.clone_from(&said.region);
        }
        if self.policy_keys.is_empty() {
            self.policy_keys.clone_from(&said.policy_keys);
        }
        if self.hub_receipt_keys.is_empty() {
            self.hub_receipt_keys.clone_from(&said.hub_receipt_keys);
        }
        if self.hub.is_empty() {
            let place = |place: &HubPlace| RawHub {
                name: place.name.clone(),
                quic_port: place.quic_port,
                tls_port: place.tls_port,
            };
            self.hub = said.hubs.iter().map(place).collect();
        }
        match said.link.as_deref().filter(|_| is_unwritten) {
            Some("fibre") => self.link = Link::Fibre,
            Some("lte") => self.link = Link::Lte,
            _ => {}
        }
        self
    }

    /// Checks what is written down of a line whose other settings come with the claim.
    pub(crate) fn check_before_claim(&self) -> Result<(), InvalidConfig> {
        // Nobody signs with it; it stands for keys that are not known yet.
        const STANDS_FOR_KEYS: &str = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";
        let said = LineSettings {
            region: "unclaimed".into(),
            policy_keys: vec![STANDS_FOR_KEYS.into()],
            hubs: vec![HubPlace { name: "hub.invalid".into(), quic_port: 8443, tls_port: 8443 }],
            ..LineSettings::default()
        };
        self.clone().filled(&said, Path::new("."), false).resolve().map(drop)
    }

    /// Checks every value.
    pub(crate) fn resolve(&self) -> Result<Settings, InvalidConfig> {
        let region = Region::new(&self.region).map_err(|error| invalid("region", error))?;
        let named = |field: &str, file: &Path| {
            let is_named = !file.as_os_str().is_empty();
            if is_named { Ok(file.to_owned()) } else { Err(invalid(field, "is missing: name a file")) }
        };
        let line = &self.line;
        within("line.reconnect_ms_max", line.reconnect_ms_max, 1_000..=DAY_MS, "1000 to 86400000")?;
        within("line.path_timeout_ms", line.path_timeout_ms, 100..=60_000, "100 to 60000")?;
        if !IN_FLIGHT_BYTES.contains(&line.in_flight_bytes_max) {
            let reason = format!("is {}, expected 1048576 to 67108864", line.in_flight_bytes_max);
            return Err(invalid("line.in_flight_bytes_max", reason));
        }
        let RawKiosk { busy_requests, saturated_requests } = self.kiosk;
        if busy_requests == 0 {
            return Err(invalid("kiosk.busy_requests", "is 0, expected at least 1"));
        }
        if saturated_requests < busy_requests {
            let reason = format!("is {saturated_requests}, expected no less than `busy_requests`");
            return Err(invalid("kiosk.saturated_requests", reason));
        }
        let content_bytes = self.content.disk_bytes_max;
        within("content.disk_bytes_max", content_bytes, CONTENT_BYTES_MIN..=u64::MAX, "at least 1048576")?;
        Ok(Settings {
            region,
            link: match self.link {
                Link::Metered => LinkKind::Metered,
                Link::Lte => LinkKind::Lte,
                Link::Fibre => LinkKind::Fibre,
            },
            hubs: self.hubs()?,
            certificate_file: named("certificate_file", &self.certificate_file)?,
            private_key_file: named("private_key_file", &self.private_key_file)?,
            roots_file: named("roots_file", &self.roots_file)?,
            policy_file: named("policy_file", &self.policy_file)?,
            policy_keys: keys("policy_keys", 1, &self.policy_keys)?,
            hub_receipt_keys: keys("hub_receipt_keys", 0, &self.hub_receipt_keys)?,
            token_secret_file: self.token_secret_file.clone(),
            receipt_key_file: self.receipt_key_file.clone(),
            budgets: self.budgets.resolve()?,
            outbox: self.outbox.resolve()?,
            line: self.line,
            kiosk: self.kiosk,
            content: self.content,
        })
    }

    fn hubs(&self) -> Result<Vec<client::Hub>, InvalidConfig> {
        if self.hub.is_empty() || self.hub.len() > HUBS_MAX {
            let reason = format!("names {} hubs, expected 1 to {HUBS_MAX}", self.hub.len());
            return Err(invalid("hub", format!("{reason}\nhint: write `[[sync.hub]]` with its `name`")));
        }
        let port = |port: u16| (port != 0).then_some(port);
        let of = |(at, hub): (usize, &RawHub)| {
            let RawHub { name, quic_port, tls_port } = hub;
            if name.is_empty() || name.len() > 253 || name.contains(|c: char| c.is_whitespace() || c == '/') {
                let reason = format!("is `{name}`, expected a DNS name or an address, without a port");
                return Err(invalid(format!("hub[{at}].name"), reason));
            }
            if *quic_port == 0 && *tls_port == 0 {
                return Err(invalid(format!("hub[{at}]"), "has neither `quic_port` nor `tls_port`"));
            }
            Ok(client::Hub { name: name.clone(), quic_port: port(*quic_port), tls_port: port(*tls_port) })
        };
        self.hub.iter().enumerate().map(of).collect()
    }
}

fn keys(field: &'static str, at_least: usize, texts: &[String]) -> Result<Vec<VerifyingKey>, InvalidConfig> {
    if texts.len() < at_least || texts.len() > KEYS_MAX {
        let reason = format!("names {} keys, expected {at_least} to {KEYS_MAX}", texts.len());
        return Err(invalid(field, reason));
    }
    let of = |(at, text): (usize, &String)| {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(VerifyingKey);
        key.ok_or_else(|| invalid(format!("{field}[{at}]"), "is not 64 hexadecimal digits"))
    };
    texts.iter().enumerate().map(of).collect()
}

impl RawBudgets {
    fn resolve(&self) -> Result<Budgets, InvalidConfig> {
        let given = Budgets::default();
        Ok(Budgets {
            metered: self.metered.resolve("metered", &given.metered)?,
            lte: self.lte.resolve("lte", &given.lte)?,
            fibre: self.fibre.resolve("fibre", &given.fibre)?,
        })
    }
}

impl RawClasses {
    fn resolve(
        &self,
        link: &str,
        given: &PerClass<Option<Allowance>>,
    ) -> Result<PerClass<Option<Allowance>>, InvalidConfig> {
        let of = |class: LogClass, said: Option<RawAllowance>| match said {
            None => Ok(*given.get(class)),
            Some(said) => said.resolve(&format!("budgets.{link}.{class}.days")),
        };
        Ok(PerClass {
            sales: of(LogClass::Sales, self.sales)?,
            stock: of(LogClass::Stock, self.stock)?,
            telemetry: of(LogClass::Telemetry, self.telemetry)?,
            bulk: of(LogClass::Bulk, self.bulk)?,
        })
    }
}

impl RawAllowance {
    fn resolve(self, field: &str) -> Result<Option<Allowance>, InvalidConfig> {
        within(field, u64::from(self.days), 1..=366, "1 to 366")?;
        let window_ms = u64::from(self.days) * DAY_MS;
        Ok((self.bytes_max != 0).then_some(Allowance { bytes_max: self.bytes_max, window_ms }))
    }
}

impl RawOutbox {
    fn resolve(&self) -> Result<aisle_outbox::Config, InvalidConfig> {
        let config = aisle_outbox::Config {
            events_max: self.batch_events_max,
            bytes_max: self.batch_bytes_max,
            age_ms_max: PerClass {
                sales: self.sales_age_ms_max,
                stock: self.stock_age_ms_max,
                telemetry: self.telemetry_age_ms_max,
                bulk: self.bulk_age_ms_max,
            },
            keep_ms: self.keep_h.saturating_mul(HOUR_MS),
            keep_bytes_max: self.keep_bytes_max,
            disk_bytes_max: self.disk_bytes_max,
            aggregate_lag_ms: self.aggregate_lag_s.saturating_mul(1_000),
            ..aisle_outbox::Config::default()
        };
        config.validate().map_err(|error| {
            let field = match error.field {
                "events_max" => "batch_events_max",
                "bytes_max" => "batch_bytes_max",
                field => field,
            };
            let least = 4 * config.segment_bytes;
            let reason = match field {
                "disk_bytes_max" => format!("is {}, expected at least {least}", error.found),
                _ => format!("is {}, expected {}", error.found, error.expected),
            };
            invalid(format!("outbox.{field}"), reason)
        })?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "region = \"eu\"\nlink = \"lte\"\ncertificate_file = \"node.pem\"\n\
        private_key_file = \"node.key\"\nroots_file = \"roots.pem\"\npolicy_file = \"eu.toml\"\n\
        policy_keys = [\"d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737\"]\n\
        [[hub]]\nname = \"hub.example\"\ntls_port = 0\n";

    fn read(text: &str) -> RawSync {
        toml::from_str(text).unwrap()
    }

    fn complaint(text: &str) -> InvalidConfig {
        read(text).resolve().unwrap_err()
    }

    #[test]
    fn what_must_be_said_is_enough() {
        let settings = read(WHOLE).resolve().unwrap();
        assert_eq!(settings.region.as_str(), "eu");
        assert_eq!(settings.link, LinkKind::Lte);
        let hub = client::Hub { name: "hub.example".into(), quic_port: Some(8443), tls_port: None };
        assert_eq!(settings.hubs, [hub]);
        assert_eq!(settings.outbox, aisle_outbox::Config::default());
        assert_eq!(settings.budgets, Budgets::default());
    }

    #[test]
    fn a_budget_of_a_month_is_set_by_its_bytes_alone() {
        let settings = read(&format!("{WHOLE}[budgets.lte.sales]\nbytes_max = 1000\n")).resolve().unwrap();
        let month = Allowance { bytes_max: 1_000, window_ms: 30 * DAY_MS };
        assert_eq!(settings.budgets.lte.sales, Some(month));
        assert_eq!(settings.budgets.lte.bulk, Some(Allowance { bytes_max: 32 << 20, window_ms: DAY_MS }));
        let unbound = read(&format!("{WHOLE}[budgets.lte.bulk]\nbytes_max = 0\n")).resolve().unwrap();
        assert_eq!(unbound.budgets.lte.bulk, None);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        let changed = |from: &str, to: &str| {
            assert!(WHOLE.contains(from), "{from}");
            complaint(&WHOLE.replace(from, to)).field
        };
        assert_eq!(changed("\"eu\"", "\"EU\""), "region");
        assert_eq!(changed("\"node.pem\"", "\"\""), "certificate_file");
        assert_eq!(changed("\"eu.toml\"", "\"\""), "policy_file");
        assert_eq!(changed("\"d04a", "\"zz4a"), "policy_keys[0]");
        assert_eq!(changed("\"hub.example\"", "\"https://hub.example\""), "hub[0].name");
        assert_eq!(changed("tls_port = 0", "tls_port = 0\nquic_port = 0"), "hub[0]");
        assert_eq!(complaint("region = \"eu\"").field, "hub");
        let with = |more: &str| complaint(&format!("{WHOLE}{more}")).field;
        assert_eq!(with("[budgets.fibre.stock]\nbytes_max = 1\ndays = 0\n"), "budgets.fibre.stock.days");
        assert_eq!(with("[outbox]\nbatch_events_max = 0\n"), "outbox.batch_events_max");
        assert_eq!(with("[outbox]\ndisk_bytes_max = 1\n"), "outbox.disk_bytes_max");
        assert_eq!(with("[content]\ndisk_bytes_max = 1\n"), "content.disk_bytes_max");
        assert_eq!(with("[line]\nreconnect_ms_max = 1\n"), "line.reconnect_ms_max");
        assert_eq!(with("[kiosk]\nsaturated_requests = 1\n"), "kiosk.saturated_requests");
    }

    #[test]
    fn what_a_claim_brings_fills_what_is_left_out_and_nothing_that_is_written() {
        let said = LineSettings {
            region: "cn".into(),
            link: Some("fibre".into()),
            hubs: vec![HubPlace { name: "hub.example".into(), quic_port: 1, tls_port: 2 }],
            policy_keys: vec!["d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737".into()],
            ..LineSettings::default()
        };
        let data = Path::new("/data");
        let settings = RawSync::default().filled(&said, data, true).resolve().unwrap();
        assert_eq!((settings.region.as_str(), settings.link), ("cn", LinkKind::Fibre));
        assert_eq!(settings.certificate_file, data.join("identity/node.pem"));
        let hub = client::Hub { name: "hub.example".into(), quic_port: Some(1), tls_port: Some(2) };
        assert_eq!(settings.hubs, [hub]);
        let written = read("region = \"eu\"\n[budgets.lte.sales]\nbytes_max = 1\n");
        assert!(written.is_of_identity() && written.check_before_claim().is_ok());
        let settings = written.filled(&said, data, false).resolve().unwrap();
        assert_eq!((settings.region.as_str(), settings.link), ("eu", LinkKind::Metered));
        let wrong = read("[line]\nreconnect_ms_max = 1\n");
        assert_eq!(wrong.check_before_claim().unwrap_err().field, "line.reconnect_ms_max");
        assert!(!read(WHOLE).is_of_identity());
    }

    #[test]
    fn an_unknown_key_is_refused() {
        for text in
            ["regon = \"eu\"", "[[hub]]\nport = 1", "[budgets.lte.sales]\nbytes = 1", "[outbox]\nx = 1"]
        {
            toml::from_str::<RawSync>(text).unwrap_err();
        }
    }
}

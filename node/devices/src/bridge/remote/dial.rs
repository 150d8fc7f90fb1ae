//! Everything that a connection is made with, gathered anew for each attempt: so a changed password or certificate is used
//! without a restart, and a missing one is told like any other failure.

use super::{
    super::{
        config::{Config, Version},
        endpoint::Endpoint,
    },
    Limits, Line, Sender, tls, v5, v311,
};
use rumqttc::{TlsConfiguration, Transport};
use std::path::Path;

/// Why there is nothing to connect with.
#[derive(Debug, thiserror::Error)]
pub(in crate::bridge) enum DialError {
    #[error("`url`: {0}")]
    Url(String),
    #[error(
        "`password_file`: cannot read `{path}`: {reason}\nhint: it is one line of text, readable by the node"
    )]
    Password { path: String, reason: String },
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    #[error("the node is stopping")]
    Stopping,
}

/// What a connection is made with.
pub(in crate::bridge) struct Dial {
    pub(super) endpoint: Endpoint,
    pub(super) client_id: String,
    pub(super) login: Option<(String, String)>,
    pub(super) transport: Transport,
    pub(super) keep_alive_s: u16,
    pub(super) session_expiry_s: u32,
    pub(super) receive_max: u16,
    pub(super) packet_bytes_max: u32,
    pub(super) limits: Limits,
    version: Version,
}

impl Dial {
    /// Reads the files that the configuration names. Blocks.
    pub(in crate::bridge) fn prepare(config: &Config, store: &str) -> Result<Self, DialError> {
        let endpoint = Endpoint::parse(&config.url).map_err(DialError::Url)?;
        let transport = if endpoint.tls {
            Transport::tls_with_config(TlsConfiguration::Rustls(tls::client(config)?))
        } else {
            Transport::tcp()
        };
        let password = config.password_file.as_deref().map(password).transpose()?;
        Ok(Self {
            endpoint,
            client_id: config.client_id(store),
            login: config.username.clone().map(|name| (name, password.unwrap_or_default())),
            transport,
            keep_alive_s: config.keep_alive_s,
            session_expiry_s: config.session_expiry_s,
            receive_max: config.in_flight_max,
            packet_bytes_max: config.packet_bytes_max,
            limits: Limits::new(config.in_flight_max),
            version: config.version,
        })
    }

    /// The two ends of a connection that is made when the line is first asked what happened.
    pub(in crate::bridge) fn open(self) -> (Sender, Line) {
        match self.version {
            Version::V311 => {
                let (sender, line) = v311::open(self);
                (Sender::V311(sender), Line::V311(Box::new(line)))
            }
            Version::V5 => {
                let (sender, line) = v5::open(self);
                (Sender::V5(sender), Line::V5(Box::new(line)))
            }
        }
    }

    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.endpoint.host, self.endpoint.port)
    }
}

fn password(path: &Path) -> Result<String, DialError> {
    let text = std::fs::read_to_string(path).map_err(|error| DialError::Password {
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    Ok(text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line)).into())
}

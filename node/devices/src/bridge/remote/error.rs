//! Why there is no connection, in words that say what to do.

use super::DialError;
use aisle_broker::packet::Reason;

/// Why a connection ended or did not come about.
#[derive(Debug, thiserror::Error)]
pub(in crate::bridge) enum LinkError {
    #[error("cannot prepare the connection: {0}")]
    Dial(#[from] DialError),
    #[error("cannot reach `{address}`: {reason}{hint}")]
    Unreachable { address: String, reason: String, hint: &'static str },
    #[error("no secure connection to `{address}`: {reason}\nhint: {hint}")]
    Tls { address: String, reason: String, hint: &'static str },
    #[error("the broker refused the bridge: {reason}\nhint: {hint}")]
    Refused { reason: String, hint: &'static str },
    #[error("the broker ended the connection: {0}")]
    Ended(String),
    #[error("the broker did not answer within {0} ms")]
    Silent(u64),
    #[error("the broker does not answer although its connection stands")]
    NoPing,
    #[error("the broker closed the connection")]
    Closed,
    #[error("the broker broke the protocol: {0}")]
    Protocol(String),
    #[error("the broker is over its quota (reason code 0x{:02x})", .0.0)]
    OverQuota(Reason),
    #[error(
        "too much waits for the journal; the broker keeps the rest until there is room\nhint: when this goes on, look at \
         the disk, or raise `held_bytes_max`"
    )]
    Held,
    #[error("the client library lost count; the bridge begins a new connection")]
    Renew,
}

impl LinkError {
    pub(super) fn io(error: &std::io::Error, address: &str) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "\nhint: nobody listens there; is the broker running?",
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::BrokenPipe => {
                return Self::Closed;
            }
            _ if error.to_string().contains("lookup") => "\nhint: the name is not known; check `url` and the name server",
            _ => "",
        };
        Self::Unreachable { address: address.into(), reason: error.to_string(), hint }
    }

    pub(super) fn tls(error: &rumqttc::TlsError, address: &str) -> Self {
        let reason = match error {
            rumqttc::TlsError::Io(error) => error.to_string(),
            other => other.to_string(),
        };
        let hint = if reason.contains("UnknownIssuer") {
            "name the authority that signed the broker's certificate in `ca_file`"
        } else if reason.contains("NotValidForName") {
            "`url` must have the name that the broker's certificate is for"
        } else if reason.contains("CertificateRequired") || reason.contains("HandshakeFailure") {
            "the broker may ask for a certificate: `certificate_file` and `private_key_file`"
        } else if reason.contains("Expired") || reason.contains("NotValidYet") {
            "renew the broker's certificate, and check the clock of this computer"
        } else {
            "check that the broker speaks TLS on that port"
        };
        Self::Tls { address: address.into(), reason, hint }
    }

    /// CONNACK with a reason, by its name in `rumqttc`.
    pub(super) fn refused(code: &str) -> Self {
        let (reason, hint) = match code {
            "BadUserNamePassword" | "NotAuthorized" => {
                ("it does not take the name and password", "check `username` and `password_file`")
            }
            "BadClientId" | "ClientIdentifierNotValid" => {
                ("it does not take the client id", "set `client_id` to one that it allows")
            }
            "RefusedProtocolVersion" | "UnsupportedProtocolVersion" => {
                ("it does not speak this version of MQTT", "set `version` to the other one")
            }
            "ServiceUnavailable" | "ServerUnavailable" | "ServerBusy" | "ConnectionRateExceeded" => {
                ("it is too busy", "the bridge tries again")
            }
            "Banned" => ("the bridge is banned", "ask who runs the broker"),
            other => return Self::Refused { reason: other.into(), hint: "the broker's log may say more" },
        };
        Self::Refused { reason: reason.into(), hint }
    }
}

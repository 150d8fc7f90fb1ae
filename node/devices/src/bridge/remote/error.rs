//! Why there is no connection, in words that say what to do.

use super::DialError;
use aisle_broker::packet::Reason;
use std::io;

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
    #[error("the broker cannot take a message now (reason code 0x{:02x}); it is sent again", .0.0)]
    Later(Reason),
    #[error(
        "more came than can wait for the journal; the broker is asked to send the rest again\nhint: when this goes on, look \
         at the disk, raise `held_bytes_max`, or let the broker have fewer messages in flight"
    )]
    Held,
    #[error("the client library lost count; the bridge begins a new connection")]
    Renew,
}

impl LinkError {
    /// The bridge itself wants another connection, and nothing speaks against it.
    pub(in crate::bridge) const fn is_wanted(&self) -> bool {
        matches!(self, Self::Held | Self::Renew)
    }

    pub(super) fn io(error: &io::Error, address: &str) -> Self {
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::insecure(error, address);
        }
        let hint = match error.kind() {
            io::ErrorKind::ConnectionRefused => "\nhint: nobody listens there; is the broker running?",
            io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => {
                return Self::Closed;
            }
            _ if error.to_string().contains("lookup") => {
                "\nhint: the name is not known; check `url` and the name server"
            }
            _ => "",
        };
        Self::Unreachable { address: address.into(), reason: error.to_string(), hint }
    }

    pub(super) fn tls(error: &rumqttc::TlsError, address: &str) -> Self {
        match error {
            rumqttc::TlsError::Io(error) => Self::io(error, address),
            rumqttc::TlsError::TLS(error) => Self::insecure(error, address),
            other => {
                let hint = "check the name in `url`";
                Self::Tls { address: address.into(), reason: other.to_string(), hint }
            }
        }
    }

    fn insecure(error: &rustls::Error, address: &str) -> Self {
        use rustls::{AlertDescription as Alert, CertificateError as Certificate, Error};
        let hint = match error {
            Error::InvalidCertificate(Certificate::UnknownIssuer) => {
                "name the authority that signed the broker's certificate in `ca_file`"
            }
            Error::InvalidCertificate(
                Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
            ) => "`url` must have the name that the broker's certificate is for",
            Error::InvalidCertificate(
                Certificate::Expired
                | Certificate::ExpiredContext { .. }
                | Certificate::NotValidYet
                | Certificate::NotValidYetContext { .. },
            ) => "renew the broker's certificate, and check the clock of this computer",
            Error::InvalidCertificate(_) => "the broker's certificate cannot be used; ask who runs it",
            Error::AlertReceived(
                Alert::CertificateRequired
                | Alert::HandshakeFailure
                | Alert::BadCertificate
                | Alert::UnknownCA
                | Alert::CertificateUnknown
                | Alert::CertificateExpired,
            ) => {
                "the broker wants a certificate that it knows: check `certificate_file` and `private_key_file`"
            }
            _ => "check that the broker speaks TLS on that port",
        };
        Self::Tls { address: address.into(), reason: error.to_string(), hint }
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

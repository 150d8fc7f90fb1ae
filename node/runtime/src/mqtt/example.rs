//! A command line that a new device can be tried with.

use aisle_broker::transport::{Listen, TransportConfig, private_addresses, system_addresses};
use serde::Serialize;
use std::{net::SocketAddr, path::Path};

/// How the device shows who it is.
pub(super) enum Proof<'a> {
    Password(&'a str),
    Certificate,
}

/// Where clients reach the broker.
struct Way {
    host: String,
    port: u16,
    encrypted: bool,
    /// This machine's address for others.
    elsewhere: Option<String>,
}

/// What can be typed to publish as the device, and the host to put there on another machine.
#[derive(Serialize)]
pub(super) struct Example {
    #[serde(rename = "try")]
    pub(super) command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) elsewhere: Option<String>,
    /// The file to trust is not there yet.
    #[serde(skip)]
    pub(super) not_yet: bool,
}

/// `None` when nothing listens for MQTT over TCP.
pub(super) fn example(
    transport: &TransportConfig,
    data: &Path,
    store: &str,
    device: &str,
    pattern: Option<&str>,
    proof: &Proof<'_>,
) -> Option<Example> {
    let way = way(&transport.tls_listen, true).or_else(|| way(&transport.tcp_listen, false))?;
    let mut words: Vec<String> =
        ["mosquitto_pub", "-h", &way.host, "-p", &way.port.to_string()].map(str::to_owned).into();
    let mut not_yet = false;
    if way.encrypted {
        let made = data.join(aisle_broker::transport::CERTIFICATE_FILE);
        let trusted = transport.certificate_file.as_ref().unwrap_or(&made);
        not_yet = !trusted.exists();
        words.extend(["--cafile".into(), trusted.display().to_string()]);
    }
    match proof {
        Proof::Password(password) => words.extend(["-u", device, "-P", password].map(str::to_owned)),
        Proof::Certificate => {
            words.extend([
                "--cert".into(),
                format!("{device}.pem"),
                "--key".into(),
                format!("{device}-key.pem"),
            ]);
        }
    }
    let topic = topic(pattern.unwrap_or(aisle_broker::access::OWN_TOPICS), store, device);
    words.extend(["-i", device, "-q", "1", "-t", &topic, "-m", r#"{"celsius":3.9}"#].map(str::to_owned));
    let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    Some(Example { command, elsewhere: way.elsewhere, not_yet })
}

fn way(listen: &str, encrypted: bool) -> Option<Way> {
    let (host, port, elsewhere) = match Listen::parse(listen)? {
        Listen::Off => return None,
        Listen::Store(port) => {
            let addresses = private_addresses(&system_addresses().unwrap_or_default(), port);
            let others = addresses.iter().map(SocketAddr::ip).filter(|ip| !ip.is_loopback());
            // IPv4 before IPv6: it is what small devices speak.
            ("localhost".to_owned(), port, others.min().map(|ip| ip.to_string()))
        }
        Listen::At(address) if address.ip().is_unspecified() => {
            ("localhost".to_owned(), address.port(), None)
        }
        Listen::At(address) => (address.ip().to_string(), address.port(), None),
    };
    Some(Way { host, port, encrypted, elsewhere })
}

/// A topic that the pattern stands for.
fn topic(pattern: &str, store: &str, device: &str) -> String {
    let levels = pattern.split('/').map(|level| match level {
        "%store%" => store,
        "%device%" => device,
        "+" => "test",
        "#" => "telemetry/temperature",
        level => level,
    });
    levels.collect::<Vec<_>>().join("/")
}

/// A word as a shell has to see it.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-./:=@,+".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Proof, TransportConfig, example};
    use std::path::Path;

    fn line(transport: &TransportConfig, pattern: Option<&str>, proof: &Proof<'_>) -> Option<String> {
        let example = example(transport, Path::new("aisle data"), "store-1", "fridge-7", pattern, proof);
        example.map(|example| example.command)
    }

    #[test]
    fn the_line_fits_how_the_broker_listens_and_what_the_device_may_do() {
        let mut transport = TransportConfig::default();
        let password = Proof::Password("it's");
        assert_eq!(
            line(&transport, None, &password).as_deref(),
            Some(
                r#"mosquitto_pub -h localhost -p 8883 --cafile 'aisle data/mqtt/certificate.pem' -u fridge-7 -P 'it'\''s' -i fridge-7 -q 1 -t aisle/v1/store-1/fridge-7/telemetry/temperature -m '{"celsius":3.9}'"#
            )
        );
        transport.tls_listen = "off".into();
        transport.tcp_listen = "10.0.0.1:1883".into();
        assert_eq!(
            line(&transport, Some("a/+/%device%"), &Proof::Certificate).as_deref(),
            Some(
                r#"mosquitto_pub -h 10.0.0.1 -p 1883 --cert fridge-7.pem --key fridge-7-key.pem -i fridge-7 -q 1 -t a/test/fridge-7 -m '{"celsius":3.9}'"#
            )
        );
        transport.tcp_listen = "off".into();
        assert_eq!(line(&transport, None, &password), None);
    }
}

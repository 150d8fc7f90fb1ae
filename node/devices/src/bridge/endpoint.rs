//! Where a broker is, out of its URL.

/// A broker's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// With TLS.
    pub tls: bool,
    /// A name or an address; an IPv6 address keeps its brackets.
    pub host: String,
    pub port: u16,
}

impl Endpoint {
    /// `mqtt://HOST[:PORT]` or `mqtts://HOST[:PORT]`, and nothing after it but one `/`.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let (tls, rest) = match url.split_once("://") {
            Some(("mqtt", rest)) => (false, rest),
            Some(("mqtts", rest)) => (true, rest),
            Some((scheme, _)) => return Err(format!("`{scheme}` is neither `mqtt` nor `mqtts`")),
            None => return Err("it does not begin with `mqtt://` or `mqtts://`".into()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err("there is a name or a password in it".into());
        }
        if authority.contains(['/', '?', '#']) || authority.contains(char::is_whitespace) {
            return Err("there is more in it than a host and a port".into());
        }
        let after_brackets = authority.rfind(']').map_or(0, |at| at + 1);
        let colon =
            authority.get(after_brackets..).and_then(|tail| tail.rfind(':')).map(|at| at + after_brackets);
        let (host, port) = match colon.and_then(|at| authority.split_at_checked(at)) {
            None => (authority, if tls { 8883 } else { 1883 }),
            Some((host, port)) => {
                let digits = port.trim_start_matches(':');
                let port = digits.parse().ok().filter(|&port| port != 0);
                (host, port.ok_or_else(|| format!("`{digits}` is no port"))?)
            }
        };
        if host.is_empty() || (host.contains(':') && !host.starts_with('[')) {
            return Err(format!("`{host}` is no host"));
        }
        if tls && host.starts_with('[') {
            return Err("TLS needs a host name or an IPv4 address".into());
        }
        Ok(Self { tls, host: host.into(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn a_url_says_host_port_and_whether_tls_is_used() {
        let parse = |url| Endpoint::parse(url).map(|it| (it.tls, it.host, it.port));
        assert_eq!(parse("mqtt://hall.local"), Ok((false, "hall.local".into(), 1883)));
        assert_eq!(parse("mqtts://10.0.0.5/"), Ok((true, "10.0.0.5".into(), 8883)));
        assert_eq!(parse("mqtt://[::1]:1999"), Ok((false, "[::1]".into(), 1999)));
        assert_eq!(parse("mqtt://[::1]"), Ok((false, "[::1]".into(), 1883)));
    }

    #[test]
    fn a_url_that_is_more_or_less_than_an_address_is_refused() {
        let refused = [
            "hall",
            "http://hall",
            "mqtt://",
            "mqtt://u:p@hall",
            "mqtt://hall/x",
            "mqtt://hall:0",
            "mqtt://::1",
        ];
        for url in refused {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
    }
}

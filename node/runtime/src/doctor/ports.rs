//! Can the node listen where it is told to, or does it listen there already?

use super::{Finding, Subject};
use std::{
    io::ErrorKind,
    net::{TcpListener, TcpStream},
    time::Duration,
};

const ID: &str = "ports";
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let Ok(config) = subject.config else {
        return Finding::warn(
            ID,
            "not checked, as the configuration was refused",
            "correct the configuration first",
        );
    };
    let address = config.listen;
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(ID, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let answers = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).is_ok();
            let found = format!("{address} is taken{}", if answers { " and answers" } else { "" });
            Finding::warn(
                ID,
                found,
                "fine if that is this node; otherwise set `http.listen` or stop the other program",
            )
        }
        Err(error) => Finding::fail(
            ID,
            format!("{address} cannot be used: {error}"),
            "set `http.listen` to an address of this machine",
        ),
    }
}

//! The addresses of this machine, to see that the line has moved: from the cable to the mobile modem, say.

use std::{collections::BTreeSet, net::IpAddr};

/// All but the machine's own loop; nothing when the system does not say.
pub(super) fn now() -> BTreeSet<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.iter().filter(|interface| !interface.is_loopback()).map(if_addrs::Interface::ip).collect()
}

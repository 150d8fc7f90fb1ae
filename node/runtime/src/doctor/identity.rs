//! Does the box have an identity of its chain, whole, and the node's alone to read?

use super::{Finding, Subject};
use crate::{enrol, sync::words};
use aisle_enrolment::files;
use aisle_provisioning::{disk::is_private, identity::Identity};

const ID: &str = "identity";
const CLAIM: &str = "claim it: `aisle-node claim CODE`, or the page `/first-boot`";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let Ok(config) = subject.config else {
        return Finding::warn(
            ID,
            "not checked, as the configuration was refused",
            "correct the configuration first",
        );
    };
    if let Some(problem) = &config.enrolment.problem {
        let (found, fix) = problem.split_once("\nhint: ").unwrap_or((problem, CLAIM));
        return Finding::fail(ID, found, fix);
    }
    let facts = match aisle_enrolment::identity_on_disk(subject.data) {
        Ok(Some(facts)) => facts,
        Ok(None) if config.sync.is_some() => {
            return Finding::ok(ID, "not used: `[sync]` names its certificate itself");
        }
        Ok(None) => {
            let serial = enrol::setup(subject.data, config).serial;
            let serial = serial.map_or_else(|| "has no serial".to_owned(), |serial| format!("is `{serial}`"));
            return Finding::ok(ID, format!("none: nobody has claimed this box, which {serial}"));
        }
        Err(error) => return Finding::fail(ID, words(&error), CLAIM),
    };
    let key = files::private_key(subject.data);
    match is_private(&key) {
        Ok(true) => {}
        Ok(false) => {
            let shown = key.display();
            return Finding::warn(
                ID,
                format!("others on this machine may use `{shown}`"),
                format!("`chmod 600 {shown}`"),
            );
        }
        Err(error) => {
            let found = format!("`{}` cannot be looked at: {error}", key.display());
            return Finding::fail(ID, found, "start the node, which writes it anew, or claim the box anew");
        }
    }
    let Some(Identity::Node { store, .. }) = &facts.identity else {
        return Finding::fail(ID, "the certificate names no node", CLAIM);
    };
    if *store.id() != config.store {
        let found = format!("the certificate is for store `{store}`, and this is store `{}`", config.store);
        return Finding::fail(ID, found, "set `store.id`, or claim the box anew for this store");
    }
    let name = facts.identity.as_ref().map(ToString::to_string).unwrap_or_default();
    Finding::ok(ID, format!("this is `{name}`, key {}", facts.key.short()))
}

//! The trail of a message: the user property `aisle-bridge` with every bridge that it crossed, oldest first, as
//! `STORE/NAME,STORE/NAME`.
//!
//! Guards against loops by MQTT 5: what was in this store before is not brought in again, what crossed this bridge is not
//! brought back, and nothing crosses more bridges than the bound.

use aisle_broker::packet::MessageProperties;
use bytestring::ByteString;

/// The name of the user property.
pub(super) const PROPERTY: &str = "aisle-bridge";

/// What this bridge writes into trails.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// `STORE/`.
    store: String,
    /// `STORE/NAME`.
    bridge: String,
    hops_max: usize,
}

/// Why a message does not cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Circle {
    /// It was here before.
    Seen,
    /// It crossed too many bridges.
    TooManyHops,
}

impl Mark {
    pub(super) fn new(store: &str, name: &str, hops_max: usize) -> Self {
        let store = store.replace([',', '/'], "_");
        Self { store: format!("{store}/"), bridge: format!("{store}/{name}"), hops_max }
    }

    /// Adds this bridge to the trail of a message that comes from the other broker.
    pub(super) fn inward(&self, properties: &mut MessageProperties) -> Result<(), Circle> {
        self.add(properties, |hop| hop.starts_with(&self.store))
    }

    /// Adds this bridge to the trail of a message that goes to the other broker.
    pub(super) fn outward(&self, properties: &mut MessageProperties) -> Result<(), Circle> {
        self.add(properties, |hop| hop == self.bridge)
    }

    fn add(&self, properties: &mut MessageProperties, seen: impl Fn(&str) -> bool) -> Result<(), Circle> {
        let values = properties.0.get_or_insert_default();
        let is_trail = |(name, _): &(ByteString, ByteString)| &**name == PROPERTY;
        let mut trail = String::new();
        let mut hops = 0;
        for (_, value) in values.user.iter().filter(|property| is_trail(property)) {
            for hop in value.split(',').filter(|hop| !hop.is_empty()) {
                if seen(hop) {
                    return Err(Circle::Seen);
                }
                hops += 1;
                trail.push_str(hop);
                trail.push(',');
            }
        }
        if hops >= self.hops_max {
            return Err(Circle::TooManyHops);
        }
        trail.push_str(&self.bridge);
        values.user.retain(|property| !is_trail(property));
        values.user.push((ByteString::from_static(PROPERTY), trail.into()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Circle, Mark, PROPERTY};
    use aisle_broker::packet::{MessageProperties, MessagePropertyValues};

    fn with(trail: &str) -> MessageProperties {
        let user = vec![("a".into(), "1".into()), (PROPERTY.into(), trail.into())];
        MessageProperties(Some(Box::new(MessagePropertyValues { user, ..MessagePropertyValues::default() })))
    }

    #[test]
    fn each_bridge_adds_itself_and_leaves_other_properties_alone() {
        let mut properties = with("york/hall");
        Mark::new("leeds", "hq", 4).inward(&mut properties).expect("crosses");
        let user = properties.0.expect("has properties").user;
        assert_eq!(user, [("a".into(), "1".into()), (PROPERTY.into(), "york/hall,leeds/hq".into())]);
    }

    #[test]
    fn a_message_does_not_come_into_a_store_that_it_was_in() {
        let mark = Mark::new("leeds", "hq", 4);
        assert_eq!(mark.inward(&mut with("leeds/hall,york/hq")), Err(Circle::Seen));
        assert_eq!(mark.inward(&mut with("leeds2/hall")), Ok(()));
    }

    #[test]
    fn a_message_goes_on_through_another_bridge_but_not_back_through_the_same() {
        let mark = Mark::new("leeds", "hq", 4);
        assert_eq!(mark.outward(&mut with("leeds/hall")), Ok(()));
        assert_eq!(mark.outward(&mut with("leeds/hq")), Err(Circle::Seen));
    }

    #[test]
    fn a_message_crosses_no_more_bridges_than_the_bound() {
        assert_eq!(Mark::new("leeds", "hq", 2).outward(&mut with("a/b,c/d")), Err(Circle::TooManyHops));
        assert_eq!(Mark::new("leeds", "hq", 3).outward(&mut with("a/b,c/d")), Ok(()));
    }
}

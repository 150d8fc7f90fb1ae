//! Topics of the contract are read as they are written, and nothing else is one.

use aisle_firmware_config::topic::{Channel, Topic, is_name};
use proptest::prelude::*;

#[test]
fn every_topic_reads_as_it_is_written() {
    for (channel, end) in [
        (Channel::Announce, "announce"),
        (Channel::Status, "status"),
        (Channel::Telemetry("weight"), "telemetry/weight"),
        (Channel::ConfigDesired, "config/desired"),
        (Channel::ConfigReported, "config/reported"),
        (Channel::CommandRequest("tare"), "cmd/tare/req"),
        (Channel::CommandResponse("tare"), "cmd/tare/res"),
    ] {
        let topic = Topic { store: "berlin-1", device: "scale-7", channel };
        assert_eq!(topic.to_string(), format!("aisle/v1/berlin-1/scale-7/{end}"));
        assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
    }
}

#[test]
fn what_is_not_of_the_contract_is_nobodys() {
    for topic in [
        "",
        "aisle",
        "aisle/v1",
        "aisle/v1/s/d",
        "aisle/v1/s/d/",
        "aisle/v1/s/d/announce/",
        "aisle/v1/s/d/announce/x",
        "aisle/v1/s//announce",
        "aisle/v1//d/announce",
        "aisle/v1/s/d/telemetry",
        "aisle/v1/s/d/telemetry/",
        "aisle/v1/s/d/telemetry/a/b",
        "aisle/v1/s/d/config/other",
        "aisle/v1/s/d/cmd/tare",
        "aisle/v1/s/d/cmd//req",
        "aisle/v1/s/d/cmd/tare/req/x",
        "aisle/v2/s/d/announce",
        "aisle/v1x/s/d/announce",
        "/aisle/v1/s/d/announce",
        "aisle/v1/+/d/announce",
        "aisle/v1/s/#/announce",
        "aisle/v1/s/$d/announce",
    ] {
        assert_eq!(Topic::parse(topic), None, "{topic}");
    }
    assert!(!is_name(&"x".repeat(65)) && is_name(&"x".repeat(64)));
}

proptest! {
    #[test]
    fn any_text_is_a_topic_that_reads_the_same_or_none(text in "(aisle/v1/)?[a-z+#$/]{0,30}(req|res|announce)?") {
        if let Some(topic) = Topic::parse(&text) {
            prop_assert_eq!(topic.to_string(), text);
        }
    }
}

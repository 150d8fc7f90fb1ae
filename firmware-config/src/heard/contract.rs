//! Devices of the contract: a topic and a payload as what was said.
//!
//! Not here: foreign devices. A telemetry topic carries numbers, tags or codes; which, its keys say.

use super::{Code, Heard, Number, Problem, Refusal, Tags, What, goods, possible};
use crate::{
    fault::Fault,
    message::{self, Announce, Reported, Response, Status, StreamKind, Telemetry, decode},
    setting::check_schema,
    topic::{Channel, PREFIX, Topic},
    unit::Unit,
    wire::{INFINITE, NAN},
};
use serde::{Deserialize, de::IgnoredAny};

/// The filters of all that devices of the contract say in a store.
pub(crate) fn filters(store: &str) -> [String; 5] {
    ["announce", "status", "telemetry/+", "config/reported", "cmd/+/res"]
        .map(|end| format!("{PREFIX}/{store}/+/{end}"))
}

/// Nothing when the topic is another store's, or one that the node itself writes to.
pub(crate) fn hear(store: &str, topic: &str, payload: &[u8]) -> Option<Result<Vec<Heard>, Refusal>> {
    let Topic { device, channel, .. } = Topic::parse(topic).filter(|topic| topic.store == store)?;
    let heard = match channel {
        Channel::ConfigDesired | Channel::CommandRequest(_) => return None,
        Channel::Announce => announce(payload),
        Channel::Status => read::<Status>(payload).map(|Status { online, boots, reason }| {
            let reason = reason.map(|reason| reason.as_str().to_owned());
            vec![What::Status { online, boots: Some(boots), reason }]
        }),
        Channel::Telemetry(stream) => telemetry(stream, payload),
        Channel::ConfigReported => {
            read::<Reported>(payload).map(|reported| vec![What::Reported(Box::new(reported))])
        }
        Channel::CommandResponse(command) => read::<Response>(payload).map(|response| {
            vec![What::Response { command: command.to_owned(), response: Box::new(response) }]
        }),
    };
    let heard = heard.map(|whats| {
        whats.into_iter().map(|what| Heard { device: device.to_owned(), what }).collect::<Vec<_>>()
    });
    Some(heard.map_err(|refusal| Refusal { device: Some(device.to_owned()), ..refusal }))
}

fn read<'de, T: Deserialize<'de>>(payload: &'de [u8]) -> Result<T, Refusal> {
    decode(payload).map(|(value, _)| value).map_err(refusal)
}

fn refusal(fault: Fault) -> Refusal {
    let Fault { path, reason } = fault;
    let problem = match reason.as_str() {
        NAN | INFINITE => Problem::Value,
        _ if path.as_str() == "unit" || path.ends_with("].unit") => Problem::Unit,
        _ => Problem::Payload,
    };
    let hint = match problem {
        Problem::Unit => Some(format!(
            "units are {}",
            Unit::ALL.iter().map(|unit| unit.as_str()).collect::<Vec<_>>().join(", ")
        )),
        Problem::Value => Some("a device that cannot measure sends nothing".to_owned()),
        Problem::Payload => None,
    };
    Refusal { device: None, path: path.as_str().into(), reason: reason.as_str().into(), hint, problem }
}

fn wrong(path: String, reason: impl Into<String>, problem: Problem) -> Refusal {
    Refusal { device: None, path, reason: reason.into(), hint: None, problem }
}

fn announce(payload: &[u8]) -> Result<Vec<What>, Refusal> {
    let (announce, encoding) = decode::<Announce>(payload).map_err(refusal)?;
    check_schema(&announce.settings).map_err(refusal)?;
    for (index, stream) in announce.streams.iter().enumerate() {
        let at = |key: &str| format!("streams[{index}].{key}");
        if !crate::topic::is_name(&stream.name) {
            return Err(wrong(at("name"), "is no name of a stream", Problem::Payload));
        }
        if announce.streams.iter().take(index).any(|other| other.name == stream.name) {
            return Err(wrong(at("name"), format!("is `{}` a second time", stream.name), Problem::Payload));
        }
        match (stream.kind, stream.unit) {
            (StreamKind::Number, None) => {
                return Err(wrong(at("unit"), "is missing for a stream of numbers", Problem::Unit));
            }
            (StreamKind::Tags | StreamKind::Code, Some(_)) => {
                return Err(wrong(at("unit"), "stands at a stream that has no numbers", Problem::Unit));
            }
            _ => {}
        }
    }
    Ok(vec![What::Announce(Box::new(announce), encoding)])
}

fn telemetry(stream: &str, payload: &[u8]) -> Result<Vec<What>, Refusal> {
    #[derive(Deserialize)]
    struct Keys {
        samples: Option<IgnoredAny>,
        tags: Option<IgnoredAny>,
        code: Option<IgnoredAny>,
    }
    let stream = stream.to_owned();
    match read::<Keys>(payload)? {
        Keys { samples: Some(_), .. } => numbers(&stream, payload),
        Keys { tags: Some(_), .. } => {
            let message::Tags { boot, n, at_ms, complete, tags } = read(payload)?;
            let (tags, others) = goods(tags.iter().map(heapless::String::as_str));
            let (boot, n) = (Some(boot), Some(n));
            Ok(vec![What::Tags(Tags { stream, tags, others, complete, at_ms, boot, n })])
        }
        Keys { code: Some(_), .. } => {
            let message::Code { boot, n, at_ms, code, weight_g } = read(payload)?;
            if code.is_empty() || code.contains(char::is_control) {
                let reason = "is empty or has a control character, expected a code";
                return Err(wrong("code".into(), reason, Problem::Value));
            }
            if let Some(weight) = weight_g {
                possible(Unit::Gram, weight)
                    .map_err(|reason| wrong("weight_g".into(), reason, Problem::Value))?;
            }
            let (code, boot, n) = (code.as_str().to_owned(), Some(boot), Some(n));
            Ok(vec![What::Code(Code { stream, code, weight_g, at_ms, boot, n })])
        }
        Keys { samples: None, tags: None, code: None } => {
            Err(wrong(String::new(), "has none of `samples`, `tags` and `code`", Problem::Payload))
        }
    }
}

fn numbers(stream: &str, payload: &[u8]) -> Result<Vec<What>, Refusal> {
    let Telemetry { boot, unit, samples } = read(payload)?;
    let number = |(index, sample): (usize, &message::Sample)| {
        let value = possible(unit, sample.v)
            .map_err(|reason| wrong(format!("samples[{index}].v"), reason, Problem::Value))?;
        Ok(What::Number(Number {
            stream: stream.to_owned(),
            unit,
            value,
            at_ms: sample.at_ms,
            boot: Some(boot),
            n: Some(sample.n),
        }))
    };
    samples.iter().enumerate().map(number).collect()
}

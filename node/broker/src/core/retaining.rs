//! [`Retaining`]: room that is promised to messages on their way to the disk, which will be retained once they are there.
//!
//! Guards invariant 6: many messages that are judged before the first of them is applied do not all get the last place.

use super::Core;
use crate::op::Op;
use bytestring::ByteString;
use rustc_hash::FxHashMap;

/// What is promised. As many topics at most as messages are on their way.
#[derive(Debug, Default)]
pub(super) struct Retaining {
    topics: FxHashMap<ByteString, Promise>,
    /// How many of the topics have no retained message yet.
    new: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Promise {
    /// Messages to the topic that are on their way.
    messages: usize,
    /// By how much the longest of them is longer than what is retained now.
    bytes: usize,
    new: bool,
}

impl Core {
    /// True when a message may become the retained one of its topic.
    pub(crate) fn may_retain(&self, topic: &str, bytes: usize) -> bool {
        self.growth(topic, bytes).is_some()
    }

    /// The same, and keeps the room until the message is done or given up.
    pub(crate) fn reserve(&mut self, topic: &str, bytes: usize) -> bool {
        let Some((new, more)) = self.growth(topic, bytes) else { return false };
        let promise = self.retaining.topics.entry(topic.into()).or_default();
        promise.messages += 1;
        promise.bytes += more;
        promise.new |= new;
        self.retaining.new += usize::from(new);
        self.retaining.bytes += more;
        true
    }

    /// A message that room was kept for is done or given up.
    pub(super) fn release(&mut self, op: &Op) {
        let Op::Published { message, will: false, .. } = op else { return };
        if !message.retain || message.payload.is_empty() {
            return;
        }
        let Some(promise) = self.retaining.topics.get_mut(&message.topic) else { return };
        promise.messages = promise.messages.saturating_sub(1);
        if promise.messages == 0
            && let Some(promise) = self.retaining.topics.remove(&message.topic)
        {
            self.retaining.new -= usize::from(promise.new);
            self.retaining.bytes -= promise.bytes;
        }
    }

    /// Whether a topic, and how many bytes, would come to what is retained and promised; `None` when that is too much.
    fn growth(&self, topic: &str, bytes: usize) -> Option<(bool, usize)> {
        let (retained, promised) = (&self.store.retained, self.retaining.topics.get(topic));
        let old = retained.get(topic).map(|(_, message)| message.bytes());
        let new = old.is_none() && promised.is_none_or(|promise| !promise.new);
        let more = bytes.saturating_sub(old.unwrap_or(0) + promised.map_or(0, |promise| promise.bytes));
        let messages = retained.len() + self.retaining.new + usize::from(new);
        let bytes = self.store.retained_bytes + self.retaining.bytes + more;
        let fits = (!new || messages <= self.limits.retained_messages_max)
            && (more == 0 || bytes <= self.limits.retained_bytes_max);
        fits.then_some((new, more))
    }
}

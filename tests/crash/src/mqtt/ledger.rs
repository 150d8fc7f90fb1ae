//! What became of each message: how often it was sent, whether it was taken, and where it arrived how often.

use anyhow::{Context, Result, bail, ensure};
use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Bytes of a message: as long as a reading with its name and time.
const PAYLOAD_BYTES: usize = 64;

/// Which message: whose, and that client's how-many-th, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) client: u16,
    pub(super) number: u32,
}

impl Id {
    /// Every second message is QoS 2.
    pub(super) const fn qos(self) -> u8 {
        if self.number.is_multiple_of(2) { 1 } else { 2 }
    }

    pub(super) fn topic(self) -> String {
        format!("crash/{}/{}", self.qos(), self.client)
    }

    pub(super) fn payload(self) -> Vec<u8> {
        let mut payload = self.client.to_le_bytes().to_vec();
        payload.extend_from_slice(&self.number.to_le_bytes());
        payload.resize(PAYLOAD_BYTES, self.number as u8);
        payload
    }

    /// Reads a payload, every byte of it.
    pub(super) fn read(payload: &[u8]) -> Result<Self> {
        let id = payload.split_first_chunk().and_then(|(client, rest)| {
            let (number, _) = rest.split_first_chunk()?;
            Some(Self { client: u16::from_le_bytes(*client), number: u32::from_le_bytes(*number) })
        });
        let id = id.context("a message is too short")?;
        ensure!(payload == id.payload(), "{id} is not what was sent");
        Ok(id)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {} of client {} (QoS {})", self.number, self.client, self.qos())
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Message {
    sent: u8,
    /// PUBACK or PUBREC came: it must be in the journal.
    taken: bool,
    /// PUBACK or PUBCOMP came.
    acknowledged: bool,
    in_journal: u8,
    /// How often it came to the subscriber of QoS 1, and to that of QoS 2.
    delivered: [u8; 2],
}

/// Sums over all messages.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) messages: u64,
    pub(super) sent_again: u64,
    pub(super) acknowledged: u64,
    pub(super) in_journal_again: u64,
    pub(super) deliveries: u64,
    pub(super) delivered_again: u64,
    /// Messages that both subscribers have.
    pub(super) delivered_to_all: u64,
}

#[derive(Debug)]
pub(super) struct Ledger(Mutex<Pages>);

#[derive(Debug)]
struct Pages {
    /// By client, then by number.
    messages: Vec<Vec<Message>>,
    totals: Totals,
}

impl Ledger {
    pub(super) fn new(clients: u16) -> Self {
        Self(Mutex::new(Pages { messages: vec![Vec::new(); clients.into()], totals: Totals::default() }))
    }

    pub(super) fn totals(&self) -> Totals {
        self.lock().totals
    }

    /// It is sent, for the first time or again.
    pub(super) fn sent(&self, id: Id) -> Result<()> {
        let pages = &mut *self.lock();
        let page = pages.messages.get_mut(usize::from(id.client)).context("nobody has that number")?;
        if page.len() == id.number as usize {
            page.push(Message::default());
            pages.totals.messages += 1;
        }
        let message = page.get_mut(id.number as usize).context("messages are numbered in order")?;
        message.sent = message.sent.saturating_add(1);
        pages.totals.sent_again += u64::from(message.sent > 1);
        Ok(())
    }

    pub(super) fn taken(&self, id: Id) -> Result<()> {
        self.change(id, |message, _| message.taken = true)
    }

    pub(super) fn acknowledged(&self, id: Id) -> Result<()> {
        self.change(id, |message, totals| {
            message.taken = true;
            message.acknowledged = true;
            totals.acknowledged += 1;
        })
    }

    pub(super) fn in_journal(&self, id: Id) -> Result<()> {
        self.change(id, |message, totals| {
            message.in_journal = message.in_journal.saturating_add(1);
            totals.in_journal_again += u64::from(message.in_journal > 1);
        })
    }

    /// It came to the subscriber of a QoS.
    pub(super) fn delivered(&self, id: Id, subscriber_qos: u8) -> Result<()> {
        self.change(id, |message, totals| {
            let had_all = message.delivered.iter().all(|times| *times > 0);
            let [one, two] = &mut message.delivered;
            let times = if subscriber_qos == 2 { two } else { one };
            *times = times.saturating_add(1);
            totals.deliveries += 1;
            totals.delivered_again += u64::from(*times > 1);
            let has_all = message.delivered.iter().all(|times| *times > 0);
            totals.delivered_to_all += u64::from(has_all && !had_all);
        })
    }

    /// What was taken is in the journal; what was sent once is there once, and QoS 2 is there once however often it was sent.
    pub(super) fn check_journal(&self) -> Result<()> {
        self.check(|message, qos| {
            if message.taken && message.in_journal == 0 {
                return Some("was acknowledged and is not in the journal".into());
            }
            let most = if qos == 2 { 1 } else { message.sent };
            (message.in_journal > most).then(|| {
                format!("was sent {} times and is {} times in the journal", message.sent, message.in_journal)
            })
        })
    }

    /// What was QoS 2 from end to end came once.
    pub(super) fn check_deliveries(&self) -> Result<()> {
        self.check(|message, qos| {
            let [_, times] = message.delivered;
            (qos == 2 && times > 1).then(|| format!("came {times} times to the subscriber of QoS 2"))
        })
    }

    /// True when every message was acknowledged, is in the journal and came to both subscribers.
    pub(super) fn is_complete(&self) -> bool {
        self.lock().messages.iter().flatten().all(Message::is_complete)
    }

    /// The first message that is not where it should be, in words.
    pub(super) fn missing(&self) -> String {
        let found =
            self.check(|message, _| (!message.is_complete()).then(|| format!("is incomplete: {message:?}")));
        found.err().map_or_else(|| "every message is complete".into(), |error| error.to_string())
    }

    fn check(&self, wrong: impl Fn(&Message, u8) -> Option<String>) -> Result<()> {
        let pages = self.lock();
        for (client, page) in (0..).zip(&pages.messages) {
            for (number, message) in (0..).zip(page) {
                let id = Id { client, number };
                if let Some(wrong) = wrong(message, id.qos()) {
                    bail!("{id} {wrong}");
                }
            }
        }
        Ok(())
    }

    fn change(&self, id: Id, change: impl FnOnce(&mut Message, &mut Totals)) -> Result<()> {
        let pages = &mut *self.lock();
        let message = pages
            .messages
            .get_mut(usize::from(id.client))
            .and_then(|page| page.get_mut(id.number as usize))
            .with_context(|| format!("nobody has sent {id}"))?;
        change(message, &mut pages.totals);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Message {
    fn is_complete(&self) -> bool {
        self.acknowledged && self.in_journal > 0 && self.delivered.iter().all(|times| *times > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, Ledger};

    const QOS_1: Id = Id { client: 1, number: 0 };
    const QOS_2: Id = Id { client: 1, number: 1 };

    /// Both messages sent, acknowledged, in the journal and delivered, once each.
    fn kept() -> Ledger {
        let ledger = Ledger::new(2);
        for id in [QOS_1, QOS_2] {
            ledger.sent(id).unwrap();
            ledger.acknowledged(id).unwrap();
            ledger.in_journal(id).unwrap();
            ledger.delivered(id, 1).unwrap();
            ledger.delivered(id, 2).unwrap();
        }
        ledger
    }

    #[test]
    fn promises_that_were_kept_pass() {
        let ledger = kept();
        ledger.check_journal().unwrap();
        ledger.check_deliveries().unwrap();
        assert!(ledger.is_complete());
        assert_eq!(ledger.totals().delivered_to_all, 2);
    }

    #[test]
    fn an_acknowledged_message_that_is_not_in_the_journal_is_named() {
        let ledger = Ledger::new(2);
        ledger.sent(QOS_1).unwrap();
        ledger.check_journal().unwrap();
        ledger.taken(QOS_1).unwrap();
        let error = ledger.check_journal().unwrap_err().to_string();
        assert!(error.starts_with("message 0 of client 1 (QoS 1) was acknowledged"), "{error}");
        assert!(!ledger.is_complete());
    }

    #[test]
    fn only_qos_1_that_was_sent_again_may_be_in_the_journal_again() {
        let ledger = kept();
        ledger.sent(QOS_1).unwrap();
        ledger.sent(QOS_2).unwrap();
        ledger.in_journal(QOS_1).unwrap();
        ledger.check_journal().unwrap();
        ledger.in_journal(QOS_2).unwrap();
        assert!(ledger.check_journal().unwrap_err().to_string().starts_with("message 1 of client 1 (QoS 2)"));
        let ledger = kept();
        ledger.in_journal(QOS_1).unwrap();
        assert!(ledger.check_journal().is_err());
    }

    #[test]
    fn only_qos_2_from_end_to_end_must_not_come_again() {
        let ledger = kept();
        ledger.delivered(QOS_1, 1).unwrap();
        ledger.delivered(QOS_1, 2).unwrap();
        ledger.delivered(QOS_2, 1).unwrap();
        ledger.check_deliveries().unwrap();
        ledger.delivered(QOS_2, 2).unwrap();
        assert!(ledger.check_deliveries().is_err());
    }

    #[test]
    fn a_payload_says_whose_it_is_and_no_byte_of_it_may_change() {
        let mut payload = QOS_2.payload();
        assert_eq!(Id::read(&payload).unwrap(), QOS_2);
        payload[63] ^= 1;
        assert!(Id::read(&payload).is_err());
    }
}

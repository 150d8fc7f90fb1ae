#![allow(
    missing_docs,
    clippy::all,
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "stands in"
)]
//! Stands in for the in-process broker.
use self::local::*;
use aisle_broker::access::Rights;
use aisle_broker::packet::*;
use aisle_broker::topic::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

#[derive(Debug, Clone, Default)]
pub struct Broker(Arc<Mutex<Core>>);
#[derive(Debug, Default)]
pub struct Core {
    sessions: Vec<Session>,
    pub published: Vec<Publication>,
    pub busy: u32,
}
#[derive(Debug)]
struct Session {
    id: String,
    filters: Vec<(Filter, SubscribeOptions)>,
    queue: Vec<(u64, Publish)>,
    tx: Option<mpsc::UnboundedSender<Delivery>>,
    next: u64,
}
impl Broker {
    pub fn core(&self) -> std::sync::MutexGuard<'_, Core> {
        self.0.lock().unwrap()
    }
    pub async fn local(&self, options: LocalOptions) -> Result<(LocalClient, LocalReceiver), LocalError> {
        let (tx, rx) = mpsc::unbounded_channel();
        let mut core = self.core();
        if !core.sessions.iter().any(|s| s.id == options.client_id) {
            core.sessions.push(Session {
                id: options.client_id.clone(),
                filters: vec![],
                queue: vec![],
                tx: None,
                next: 0,
            });
        }
        let session = core.sessions.iter_mut().find(|s| s.id == options.client_id).unwrap();
        for (n, publish) in &session.queue {
            let _ = tx.send(Delivery {
                publish: publish.clone(),
                n: *n,
                id: options.client_id.clone(),
                broker: self.clone(),
            });
        }
        session.tx = Some(tx);
        Ok((LocalClient { broker: self.clone(), id: options.client_id }, LocalReceiver(rx)))
    }
    fn publish(&self, from: &str, p: Publication) -> Result<(), PublishError> {
        let mut core = self.core();
        if core.busy > 0 {
            core.busy -= 1;
            return Err(PublishError::Busy);
        }
        if check_name(&p.topic, &Limits::default()).is_err() {
            return Err(PublishError::Refused(Reason::TOPIC_NAME_INVALID));
        }
        core.published.push(p.clone());
        for s in &mut core.sessions {
            for (f, o) in s.filters.clone() {
                if f.matches(&p.topic) && !(o.no_local && s.id == from) {
                    s.next += 1;
                    let publish = Publish {
                        topic: p.topic.clone(),
                        payload: p.payload.clone(),
                        qos: p.qos.min(o.qos),
                        retain: p.retain && o.retain_as_published,
                        properties: p.properties.clone(),
                        packet_id: PacketId::new(s.next as u16),
                        ..Publish::default()
                    };
                    if publish.qos != QoS::AtMostOnce {
                        s.queue.push((s.next, publish.clone()));
                    }
                    if let Some(tx) = &s.tx {
                        let _ =
                            tx.send(Delivery { publish, n: s.next, id: s.id.clone(), broker: self.clone() });
                    }
                }
            }
        }
        Ok(())
    }
}
pub mod local {
    use super::*;
    use bytes::Bytes;
    use bytestring::ByteString;
    pub struct LocalOptions {
        pub client_id: String,
        pub session: Option<Duration>,
        pub rights: Rights,
        pub queue_max: usize,
    }
    #[derive(Debug, thiserror::Error)]
    #[error("no")]
    pub struct LocalError;
    #[derive(Debug, thiserror::Error)]
    pub enum PublishError {
        #[error("refused")]
        Refused(Reason),
        #[error("busy")]
        Busy,
    }
    #[derive(Debug, Clone)]
    pub struct Publication {
        pub topic: ByteString,
        pub payload: Bytes,
        pub qos: QoS,
        pub retain: bool,
        pub properties: MessageProperties,
    }
    #[derive(Debug, Clone)]
    pub struct LocalClient {
        pub(super) broker: Broker,
        pub(super) id: String,
    }
    #[derive(Debug)]
    pub struct LocalReceiver(pub(super) mpsc::UnboundedReceiver<Delivery>);
    #[derive(Debug)]
    pub struct Delivery {
        pub publish: Publish,
        pub(super) n: u64,
        pub(super) id: String,
        pub(super) broker: Broker,
    }
    impl LocalClient {
        pub async fn publish(&self, p: Publication) -> Result<(), PublishError> {
            let r = self.broker.publish(&self.id, p);
            tokio::time::sleep(Duration::from_millis(2)).await;
            r
        }
        pub async fn subscribe(&self, filter: &str, o: SubscribeOptions) -> Result<QoS, LocalError> {
            let f = Filter::parse(filter, &Limits::default()).map_err(|_| LocalError)?;
            let mut core = self.broker.core();
            let s = core.sessions.iter_mut().find(|s| s.id == self.id).unwrap();
            s.filters.retain(|(g, _)| *g != f);
            s.filters.push((f, o));
            Ok(o.qos)
        }
    }
    impl LocalReceiver {
        pub async fn recv(&mut self) -> Option<Delivery> {
            self.0.recv().await
        }
    }
    impl Delivery {
        pub fn ack(self) {
            let mut core = self.broker.core();
            if let Some(s) = core.sessions.iter_mut().find(|s| s.id == self.id) {
                s.queue.retain(|(n, _)| *n != self.n);
            }
        }
    }
}

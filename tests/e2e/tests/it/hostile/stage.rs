//! [`Stage`]: a node under attack, those who go on working with it, and what must hold at the end.

use super::regulars::{Regulars, Report};
use crate::support::{api::Api, memory::peak_kib, store::Store, wait::eventually};
use aisle_harness::node::NodeUnderTest;
use std::{net::SocketAddr, time::Duration};

/// How much more memory an attack may take, unless a test says otherwise.
pub(super) const GROWTH_MIB_MAX: u64 = 64;
/// How long what an attack has done may take to show.
const SETTLE: Duration = Duration::from_secs(10);

/// A node under attack.
pub(super) struct Stage {
    node: NodeUnderTest,
    regulars: Regulars,
    calm_kib: u64,
    _store: Store,
}

impl Stage {
    /// A node with these bounds in `[mqtt.limits]`, and the regulars at work for long enough to know their pace.
    pub(super) async fn open(limits: &str) -> Self {
        Self::with("", limits).await
    }

    /// The same with more keys in `[mqtt]`.
    pub(super) async fn with(keys: &str, limits: &str) -> Self {
        let store = Store::small();
        let node = store.start_with(&format!(
            "[mqtt]\ntcp_listen = \"127.0.0.1:0\"\ntls_listen = \"off\"\n{keys}\n\
             [mqtt.anonymous]\npublish = [\"#\"]\nsubscribe = [\"#\"]\n[mqtt.limits]\n{limits}\n"
        ));
        Api::new(node.url()).ready().await;
        let regulars = Regulars::start(node.mqtt().expect("it takes TCP"), node.url());
        regulars.calm().await;
        let calm_kib = peak_kib(&node);
        Self { node, regulars, calm_kib, _store: store }
    }

    pub(super) fn node(&self) -> &NodeUnderTest {
        &self.node
    }

    /// Where it takes TCP.
    pub(super) fn tcp(&self) -> SocketAddr {
        self.node.mqtt().expect("it takes TCP")
    }

    /// A metric of the broker; 0 when there is none of that name yet.
    pub(super) async fn metric(&self, name: &str) -> u64 {
        let value = Api::new(self.node.url()).metric(&format!("aisle_mqtt_{name}")).await;
        value.unwrap_or_default() as u64
    }

    /// Waits until a metric is as it should be.
    pub(super) async fn until(&self, name: &str, is_so: impl Fn(u64) -> bool) {
        eventually(name, SETTLE, async || is_so(self.metric(name).await).then_some(())).await;
    }

    /// The end: nobody who behaved was harmed, and the node lives.
    pub(super) async fn close(self) {
        self.close_within(GROWTH_MIB_MAX).await;
    }

    /// The same where the attack may take so much memory.
    pub(super) async fn close_within(mut self, growth_mib_max: u64) {
        let grown_mib = peak_kib(&self.node).saturating_sub(self.calm_kib) >> 10;
        let reports = self.regulars.stop();
        self.node.check().expect("the node lives");
        for Report { what, before, during } in &reports {
            eprintln!("{what}: p99 {before:?} before, {during:?} during the attack");
        }
        eprintln!("the node grew by {grown_mib} MiB at most");
        assert!(grown_mib <= growth_mib_max, "the node grew by {grown_mib} MiB");
    }
}

//! Asking the port: beside the runtime, a bounded number at once, within a time, and whatever happens there.
//!
//! A call that never returns keeps its permit and its thread, and nothing else. When all permits of a kind are kept, baskets of that
//! kind go on without plugins once their time is over.

use crate::{
    app::App,
    plugins::{Basket, Denied, Offers, Plugins, Selling},
    pricing::check,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

/// How long a basket that is shown waits for its offers, in milliseconds.
const SHOW_WITHIN_MS: u64 = 500;
/// How long a basket that is paid waits for its offers, in milliseconds: others may have to be paid first.
const SELL_WITHIN_MS: u64 = 4_000;
/// How many baskets are priced at once to be shown.
const SHOWING_MAX: usize = 64;
/// How many baskets are priced at once to be paid.
const SELLING_MAX: usize = 64;

/// The port, and how many may be asking.
pub(crate) struct Pricing {
    plugins: Option<Arc<dyn Plugins>>,
    showing: Arc<Semaphore>,
    selling: Arc<Semaphore>,
}

/// What plugins say of a basket.
pub(crate) enum Said {
    /// There are none that price baskets.
    Nothing,
    /// What they make of it.
    Offers(Offers),
    /// It must not be paid.
    Denied(Denied),
    /// They did not answer, or not so that it can be used: the catalogue's prices stand.
    Lost {
        /// It may be paid all the same.
        payable: bool,
    },
}

/// What plugins say of a basket that is about to be paid.
pub(crate) enum Asked {
    /// It is paid at the catalogue's prices: there are no plugins, or they did not answer and need not.
    Plain,
    /// It is paid like this.
    Selling(Selling),
    /// It must not be paid.
    Denied(Denied),
    /// They did not answer, and it must not be paid without.
    Silent,
}

impl Pricing {
    pub(crate) fn new(plugins: Option<Arc<dyn Plugins>>) -> Self {
        Self {
            plugins,
            showing: Arc::new(Semaphore::new(SHOWING_MAX)),
            selling: Arc::new(Semaphore::new(SELLING_MAX)),
        }
    }

    fn plugins(&self) -> Option<&Arc<dyn Plugins>> {
        self.plugins.as_ref().filter(|plugins| plugins.prices())
    }

    /// True while there are plugins that price baskets.
    pub(crate) fn wanted(&self) -> bool {
        self.plugins().is_some()
    }

    /// What a basket costs, to be shown.
    pub(crate) async fn show(&self, app: &App, basket: Basket) -> Said {
        let Some(plugins) = self.plugins() else { return Said::Nothing };
        let asked = plugins.clone();
        let call = move || {
            let answer = asked.price(&basket);
            let fault = answer.as_ref().ok().and_then(|offers| check::offers(&basket, offers).err());
            (answer, fault)
        };
        match within(SHOW_WITHIN_MS, &self.showing, call).await {
            Ok((Ok(offers), None)) => Said::Offers(offers),
            Ok((Err(denied), None)) => Said::Denied(denied),
            Ok((_, Some(fault))) | Err(fault) => {
                app.telemetry.pricing_lost(&fault);
                Said::Lost { payable: !plugins.denies() }
            }
        }
    }

    /// What a basket costs, to be paid now, with what is held until it is.
    pub(crate) async fn sell(&self, app: &App, basket: Basket) -> Asked {
        let Some(plugins) = self.plugins() else { return Asked::Plain };
        let (asked, runtime) = (plugins.clone(), Handle::current());
        let call = move || {
            let answer = runtime.block_on(asked.sell(&basket));
            let fault =
                answer.as_ref().ok().and_then(|selling| check::offers(&basket, &selling.offers).err());
            (answer, fault)
        };
        let fault = match within(SELL_WITHIN_MS, &self.selling, call).await {
            Ok((_, Some(fault))) | Err(fault) => fault,
            Ok((Ok(selling), None)) => return Asked::Selling(selling),
            Ok((Err(denied), None)) => return Asked::Denied(denied),
        };
        app.telemetry.pricing_lost(&fault);
        if plugins.denies() { Asked::Silent } else { Asked::Plain }
    }
}

/// Runs a call that may block, beside the runtime, once there is room. What comes back too late is dropped there.
pub(crate) async fn within<T: Send + 'static>(
    ms: u64,
    room: &Arc<Semaphore>,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let deadline = Instant::now() + Duration::from_millis(ms);
    let Ok(Ok(permit)) = timeout_at(deadline, room.clone().acquire_owned()).await else {
        return Err(format!("no call of those that run ended within {ms} ms"));
    };
    let call = spawn_blocking(move || {
        let _permit = permit;
        call()
    });
    match timeout_at(deadline, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(panic)) => Err(panic.to_string()),
        Err(_) => Err(format!("no answer within {ms} ms")),
    }
}

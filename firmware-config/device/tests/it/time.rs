//! A time that stands still until everybody sleeps, then leaps to whoever wakes up first.

use aisle_device::clock::Clock;
use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

#[derive(Clone, Default)]
pub struct Time(Rc<Inner>);

#[derive(Default)]
struct Inner {
    now_ms: Cell<u64>,
    started_ms: Cell<u64>,
    /// What the wall clock shows when the world begins; nothing before somebody sets it.
    wall_ms: Cell<Option<i64>>,
    sleepers: RefCell<Vec<(u64, Waker)>>,
    woken: Arc<Woken>,
}

impl Time {
    pub fn now_ms(&self) -> u64 {
        self.0.now_ms.get()
    }

    pub fn set_wall_ms(&self, at_zero: Option<i64>) {
        self.0.wall_ms.set(at_zero);
    }

    /// The device starts: its uptime begins anew.
    pub fn start(&self) {
        self.0.started_ms.set(self.now_ms());
        self.0.sleepers.borrow_mut().clear();
    }

    /// Runs it for so long, or until it is ready. Panics when it is busy without end in one instant.
    pub fn run_for<T>(&self, mut future: Pin<&mut impl Future<Output = T>>, ms: u64) -> Option<T> {
        let until_ms = self.now_ms() + ms;
        let woken = &self.0.woken;
        let waker = Waker::from(Arc::clone(woken));
        woken.0.store(true, SeqCst);
        let mut polls = 0;
        loop {
            while woken.0.swap(false, SeqCst) {
                polls += 1;
                assert!(polls < 100_000, "it is busy without end at {} ms", self.now_ms());
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Some(output);
                }
            }
            polls = 0;
            let first_ms = self.0.sleepers.borrow().iter().map(|(at, _)| *at).min();
            let Some(first_ms) = first_ms.filter(|first| *first <= until_ms) else {
                self.0.now_ms.set(until_ms);
                return None;
            };
            self.0.now_ms.set(first_ms.max(self.now_ms()));
            self.0.sleepers.borrow_mut().retain(|(at, waker)| {
                let sleeps = *at > first_ms;
                if !sleeps {
                    waker.wake_by_ref();
                }
                sleeps
            });
        }
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Clock for Time {
    fn uptime_ms(&self) -> u64 {
        self.now_ms() - self.0.started_ms.get()
    }

    fn wall_ms(&self) -> Option<i64> {
        Some(self.0.wall_ms.get()? + i64::try_from(self.now_ms()).unwrap())
    }

    async fn sleep_until(&self, uptime_ms: u64) {
        let at = self.0.started_ms.get() + uptime_ms;
        let mut listed = false;
        poll_fn(|context| {
            if self.now_ms() >= at {
                return Poll::Ready(());
            }
            if !listed {
                listed = true;
                self.0.sleepers.borrow_mut().push((at, context.waker().clone()));
            }
            Poll::Pending
        })
        .await;
    }
}

//! When a plugin is no longer asked.

use aisle_plugin_host::{Breaker, BreakerConfig, Change, Permit};

const CONFIG: BreakerConfig = BreakerConfig { failures_max: 5, wait_ms_min: 100, wait_ms_max: 350 };

/// One that has just opened, at 1000.
fn opened() -> Breaker {
    let mut breaker = Breaker::new(CONFIG);
    for _ in 0..4 {
        assert_eq!(breaker.failed(1000), None);
        assert_eq!(breaker.permit(1000), Permit::Call);
    }
    assert_eq!(breaker.failed(1000), Some(Change::Opened { wait_ms: 100 }));
    breaker
}

#[test]
fn it_opens_after_five_failures_in_a_row() {
    let mut breaker = opened();
    assert!(breaker.is_open());
    assert_eq!(breaker.permit(1099), Permit::Leave);
    assert_eq!(breaker.next_trial_ms(), Some(1100));
}

#[test]
fn a_good_call_begins_the_count_again() {
    let mut breaker = Breaker::new(CONFIG);
    for round in 0..100 {
        assert_eq!(breaker.failed(round), None);
        if round % 4 == 3 {
            assert_eq!(breaker.succeeded(), None);
            assert_eq!(breaker.failures(), 0);
        }
    }
    assert!(!breaker.is_open());
}

#[test]
fn one_trial_decides_and_only_one_is_made() {
    let mut breaker = opened();
    assert_eq!(breaker.permit(1100), Permit::Trial);
    assert_eq!(breaker.permit(1100), Permit::Leave);
    assert_eq!(breaker.succeeded(), Some(Change::Closed));
    assert_eq!(breaker.permit(1100), Permit::Call);
    assert_eq!(breaker.failures(), 0);
}

#[test]
fn a_trial_that_fails_doubles_the_wait_up_to_its_bound() {
    let mut breaker = opened();
    let mut now = 1100;
    for wait_ms in [200, 350, 350] {
        assert_eq!(breaker.permit(now), Permit::Trial);
        assert_eq!(breaker.failed(now), Some(Change::Opened { wait_ms }));
        assert_eq!(breaker.permit(now + wait_ms - 1), Permit::Leave);
        now += wait_ms;
    }
}

#[test]
fn a_trial_that_nobody_hears_of_again_gives_way_to_another() {
    let mut breaker = opened();
    assert_eq!(breaker.permit(1100), Permit::Trial);
    assert_eq!(breaker.permit(1199), Permit::Leave);
    assert_eq!(breaker.permit(1200), Permit::Trial);
}

#[test]
fn a_trial_that_was_not_made_may_be_had_again_at_once() {
    let mut breaker = opened();
    breaker.not_made(1050);
    assert_eq!(breaker.permit(1050), Permit::Leave, "there was no trial yet");
    assert_eq!(breaker.permit(1100), Permit::Trial);
    breaker.not_made(1110);
    assert!(breaker.is_open());
    assert_eq!(breaker.permit(1110), Permit::Trial);
    assert_eq!(breaker.failed(1120), Some(Change::Opened { wait_ms: 200 }), "doubled once");
    let mut closed = Breaker::new(CONFIG);
    closed.failed(1000);
    closed.not_made(1001);
    assert_eq!((closed.failures(), closed.permit(1002)), (1, Permit::Call));
}

#[test]
fn answers_to_calls_from_before_it_opened_change_nothing() {
    let mut breaker = opened();
    assert_eq!(breaker.succeeded(), None);
    assert_eq!(breaker.failed(1050), None);
    assert_eq!(breaker.next_trial_ms(), Some(1100));
}

#[test]
fn a_clock_at_its_end_does_no_harm() {
    let mut breaker = Breaker::new(CONFIG);
    for _ in 0..5 {
        breaker.failed(u64::MAX);
    }
    assert_eq!(breaker.permit(u64::MAX), Permit::Trial);
}

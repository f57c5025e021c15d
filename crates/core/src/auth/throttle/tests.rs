use std::task::{Context, Poll, Waker};

use super::*;
use crate::secret::SecretKey;
use crate::session::MemoryStore;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// Nothing here waits: the store is memory.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store in memory does not wait"),
    }
}

fn secrets() -> Secrets {
    Secrets::new(SecretKey::insecure_new("k").unwrap())
}

fn alone() -> Throttle {
    Throttle::new(&secrets(), Limits::default())
}

/// Two servers of one site.
fn two() -> [Throttle; 2] {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(10_000));
    [0, 1].map(|_| alone().shared_by(Arc::clone(&store), &secrets()))
}

fn address(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([203, 0, 113, last]))
}

/// Whether a try is let through; it is counted then.
fn tried(throttle: &Throttle, track: &Track, at: Timestamp) -> bool {
    throttle.count(track, at).is_ok() && now(throttle.count_shared(track, at)).unwrap().is_ok()
}

#[test]
fn a_stranger_delays_himself_and_not_the_owner() {
    let throttle = alone();
    let (stranger, owner) = (
        throttle.track("ann", address(1)),
        throttle.track("ann", address(2)),
    );
    let passed = (0..1000)
        .filter(|_| tried(&throttle, &stranger, NOW))
        .count();
    assert_eq!(passed, 5);
    assert!(
        tried(&throttle, &owner, NOW),
        "another address is another matter"
    );
    assert!(throttle.check(&stranger, NOW.plus_seconds(29)).is_err());
    assert!(throttle.check(&stranger, NOW.plus_seconds(30)).is_ok());
}

/// T5: whoever changes addresses is stopped by the account, whoever changes accounts by the address.
#[test]
fn changing_addresses_or_accounts_does_not_help() {
    let throttle = alone();
    let passed = (0..=255).filter(|last| {
        let track = throttle.track("ann", address(*last));
        tried(&throttle, &track, NOW)
    });
    assert_eq!(passed.count(), 10);
    let throttle = alone();
    let passed = (0..1000).filter(|number| {
        let track = throttle.track(&format!("user{number}"), address(1));
        tried(&throttle, &track, NOW)
    });
    assert_eq!(passed.count(), 50);
}

#[test]
fn an_owner_who_is_known_by_other_means_is_forgiven_and_the_address_is_not() {
    let throttle = alone();
    let ann = throttle.track("ann", address(1));
    while tried(&throttle, &ann, NOW) {}
    now(throttle.succeeded(&throttle.track_owner("ann", address(1)), NOW)).unwrap();
    assert!(tried(&throttle, &ann, NOW));
    let passed = (0..1000).filter(|number| {
        let track = throttle.track(&format!("user{number}"), address(1));
        tried(&throttle, &track, NOW)
    });
    assert_eq!(passed.count(), 50 - 6);
}

/// CVE-2026-47203, CVE-2025-6004.
/// CVE-2025-24806 and the like: one account has one count however its name is spelt.
#[test]
fn every_spelling_of_a_name_is_one_account() {
    let throttle = alone();
    let spellings = ["ann", "Ann", " ANN ", "ann\u{a0}", "\u{ff41}nn", "aNN"];
    let passed = (0..60).filter(|number| {
        let typed = spellings[number % spellings.len()];
        tried(&throttle, &throttle.track(typed, None), NOW)
    });
    assert_eq!(passed.count(), 10);
    // What only the database takes for the same is counted for the name that it keeps.
    assert!(
        throttle
            .track_spelling("änn", "ann")
            .is_some_and(|track| !tried(&throttle, &track, NOW))
    );
    assert!(throttle.track_spelling(" Ann", "ann").is_none());
}

/// T3: one's own login forgives one's own failures, and nothing that was done to others.
#[test]
fn a_success_forgives_the_account_and_not_the_address() {
    for throttle in [alone(), two().into_iter().next().unwrap()] {
        for number in 0..49 {
            let victim = throttle.track(&format!("victim{number}"), address(1));
            assert!(tried(&throttle, &victim, NOW));
            let own = throttle.track("mallory", address(1));
            assert!(tried(&throttle, &own, NOW), "{number}");
            now(throttle.succeeded(&own, NOW)).unwrap();
        }
        let last = throttle.track("victim", address(1));
        assert!(tried(&throttle, &last, NOW));
        assert!(!tried(
            &throttle,
            &throttle.track("another", address(1)),
            NOW
        ));
        let own = throttle.track("mallory", address(2));
        assert!(
            (0..5).all(|_| tried(&throttle, &own, NOW)),
            "they are all forgiven"
        );
    }
}

#[test]
fn a_try_that_was_none_is_taken_back() {
    for throttle in [alone(), two().into_iter().next().unwrap()] {
        let track = throttle.track("ann", address(1));
        for _ in 0..1000 {
            assert!(tried(&throttle, &track, NOW));
            now(throttle.take_back(&track, NOW)).unwrap();
        }
    }
}

/// T4 between servers: what one has counted holds at the other.
#[test]
fn servers_count_together() {
    let [one, other] = two();
    let passed = (0..1000).filter(|number| {
        let server = if number % 2 == 0 { &one } else { &other };
        tried(server, &server.track("ann", address(1)), NOW)
    });
    assert_eq!(passed.count(), 5);
    let [one, other] = two();
    for last in 0..10 {
        assert!(tried(&one, &one.track("ann", address(last)), NOW));
    }
    for last in 10..200 {
        assert!(!tried(&other, &other.track("ann", address(last)), NOW));
    }
    // What waits for the account is not counted for its address.
    assert!(tried(&other, &other.track("bob", address(10)), NOW));
    let later = NOW.plus_seconds(30);
    assert!(tried(&other, &other.track("ann", address(200)), later));
    assert!(!tried(&one, &one.track("ann", address(201)), later));
    let track = other.track("ann", address(202));
    now(other.succeeded(&track, later)).unwrap();
    let passed = (0..100).filter(|last| tried(&other, &other.track("ann", address(*last)), later));
    assert_eq!(passed.count(), 10, "forgiven everywhere");
}

#[test]
fn what_has_expired_in_the_store_and_is_not_cleared_is_counted_anew() {
    let [one, other] = two();
    let track = one.track("ann", None);
    for _ in 0..10 {
        assert!(tried(&one, &track, NOW));
    }
    let days_later = NOW.plus_seconds(3 * 86_400);
    let passed = (0..100)
        .filter(|_| tried(&other, &track, days_later))
        .count();
    assert_eq!(passed, 10);
}

/// D1: ten failures each; the eleventh try from such a browser is one like any other.
#[test]
fn a_known_browser_may_fail_ten_times_whatever_others_do() {
    let throttle = alone();
    let devices = Devices::new(&secrets());
    let user = super::super::User::new("7", "ann", NOW);
    let cookie = devices.issue("ann", &user, NOW).unwrap();
    for last in 0..=255 {
        let _ = tried(&throttle, &throttle.track("ann", address(last)), NOW);
    }
    assert!(
        throttle
            .check(&throttle.track("ann", address(9)), NOW)
            .is_err()
    );
    let device = devices.read(&cookie, "ann", NOW).unwrap();
    for _ in 0..10 {
        let track = throttle.track_device(&device, NOW).unwrap();
        assert!(tried(&throttle, &track, NOW));
    }
    assert!(throttle.track_device(&device, NOW).is_none());
}

#[test]
fn neither_the_log_nor_the_store_learns_names_or_addresses() {
    let throttle = alone();
    let track = throttle.track("ann", address(7));
    let shown = format!("{track:?} {throttle:?}");
    assert!(
        !shown.contains("ann") && !shown.contains("203.0.113"),
        "{shown}"
    );
    // What the store gets is a MAC's digits and nothing else.
    for place in &track.0 {
        let key = place.key.as_str();
        assert_eq!(key.len(), 40);
        assert!(
            key.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "not a MAC alone"
        );
    }
    let other = Throttle::new(
        &Secrets::new(SecretKey::insecure_new("another").unwrap()),
        Limits::default(),
    );
    let elsewhere = other.track("ann", address(7));
    for (here, there) in track.0.iter().zip(&elsewhere.0) {
        assert!(here.key != there.key, "anybody could compute it");
    }
}

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::super::super::{Codec, Lifetime, MemoryStore, Store as _};
use super::*;
use crate::secret::{SecretKey, Secrets};
use crate::signing::{Compression, ObjectSigner};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// What a request does to a session.
type End = fn(&mut SessionState);

/// What a future brings that never waits, as those of the store in memory.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the store in memory waits for nothing"),
    }
}

fn key(text: &str) -> SecretKey {
    SecretKey::insecure_new(text).unwrap()
}

fn with_secrets(secrets: &Secrets, list: &MemoryStore, age: i64) -> RevocableCookies {
    let lifetime = Lifetime {
        age,
        ..Lifetime::DJANGO
    };
    let codec = Codec::new(secrets, Codec::DJANGO_SALT, Compression::Never);
    RevocableCookies::new(
        SignedCookieEngine::new(secrets, lifetime),
        Revocations::new(Arc::new(list.clone()), secrets, codec, age),
    )
}

fn cookies(list: &MemoryStore) -> RevocableCookies {
    with_secrets(&Secrets::new(key("k")), list, Lifetime::DJANGO.age)
}

fn commit(cookies: &RevocableCookies, state: &mut SessionState) -> Result<String, CommitError> {
    match ready(cookies.commit(state, "sessionid", false, NOW))? {
        WrittenCookie::Saved { value, .. } => Ok(value),
        other => Ok(format!("{other:?}")),
    }
}

fn load(cookies: &RevocableCookies, value: &str) -> SessionState {
    ready(cookies.load(value, NOW)).unwrap()
}

/// The cookie after `name` was set in the session of this one.
fn set(cookies: &RevocableCookies, value: &str, name: &str) -> String {
    let mut session = load(cookies, value);
    session.set(name, &1).unwrap();
    commit(cookies, &mut session).unwrap()
}

fn is_alive(cookies: &RevocableCookies, value: &str) -> bool {
    !load(cookies, value).is_empty()
}

/// What a Django writes.
fn django_s(json: &str) -> String {
    let secrets = Secrets::new(key("k"));
    let salt = SignedCookieEngine::SALT;
    ObjectSigner::new(&secrets, salt, Compression::Always).dumps(json, NOW)
}

#[test]
fn what_ends_a_session_ends_every_earlier_copy_of_its_cookie() {
    let ends: [(&str, End); 4] = [
        ("flush", SessionState::flush),
        ("cycle_key", SessionState::cycle_key),
        ("found invalid", SessionState::drop_invalid),
        ("flush, and something new", |session| {
            session.flush();
            session.set("b", &2).unwrap();
        }),
    ];
    for (what, end) in ends {
        let cookies = cookies(&MemoryStore::new(100));
        let first = set(&cookies, "", "a");
        let second = set(&cookies, &first, "b");
        let other = set(&cookies, "", "a");
        let mut session = load(&cookies, &second);
        end(&mut session);
        let last = commit(&cookies, &mut session).unwrap();
        for dead in [&first, &second] {
            assert!(!is_alive(&cookies, dead), "{what}");
        }
        assert!(is_alive(&cookies, &other), "{what}: another session");
        assert_eq!(is_alive(&cookies, &last), last != "Deleted", "{what}");
    }
}

#[test]
fn a_session_looks_as_without_a_list() {
    let cookies = cookies(&MemoryStore::new(100));
    let value = set(&cookies, "", "a");
    let mut session = load(&cookies, &value);
    assert_eq!(session.names().collect::<Vec<_>>(), ["a"]);
    session.clear();
    let cleared = commit(&cookies, &mut session).unwrap();
    let session = load(&cookies, &cleared);
    assert!(session.names().next().is_none() && !session.is_empty());
    load(&cookies, &cleared).flush();
    assert!(is_alive(&cookies, &value), "flushed, and not committed");
    let mut session = load(&cookies, &cleared);
    session.flush();
    assert_eq!(commit(&cookies, &mut session).unwrap(), "Deleted");
    assert!(!is_alive(&cookies, &value), "clearing keeps the id");
}

#[test]
fn reading_writes_nothing() {
    let list = MemoryStore::new(100);
    let cookies = cookies(&list);
    let value = set(&cookies, "", "a");
    let mut session = load(&cookies, &value);
    assert_eq!(commit(&cookies, &mut session).unwrap(), "Untouched");
    let mut nobody = load(&cookies, "garbage");
    nobody.flush();
    assert_eq!(commit(&cookies, &mut nobody).unwrap(), "Untouched");
    let later = NOW.plus_seconds(1_000_000_000);
    assert_eq!(ready(list.clear_expired(later, 100)).unwrap(), 0);
}

#[test]
fn of_two_requests_that_end_a_session_one_is_interrupted() {
    let ends: [End; 2] = [SessionState::flush, SessionState::cycle_key];
    for first in ends {
        for second in ends {
            let cookies = cookies(&MemoryStore::new(100));
            let value = set(&cookies, "", "a");
            let (mut one, mut other) = (load(&cookies, &value), load(&cookies, &value));
            first(&mut one);
            second(&mut other);
            assert!(commit(&cookies, &mut one).is_ok());
            for _ in 0..2 {
                let interrupted = commit(&cookies, &mut other);
                assert!(matches!(interrupted, Err(CommitError::Interrupted)));
            }
        }
    }
}

#[test]
fn a_slow_request_does_not_bring_back_what_was_logged_out() {
    let cookies = cookies(&MemoryStore::new(100));
    let value = set(&cookies, "", "a");
    let mut slow = load(&cookies, &value);
    slow.set("b", &2).unwrap();
    let mut logout = load(&cookies, &value);
    logout.flush();
    let _ = commit(&cookies, &mut logout).unwrap();
    let interrupted = commit(&cookies, &mut slow);
    assert!(matches!(interrupted, Err(CommitError::Interrupted)));
}

#[test]
fn what_is_only_found_and_was_done_by_another_request_passes() {
    let finds: [End; 2] = [SessionState::drop_invalid, |session| {
        session.upgrade_key("h", "new");
    }];
    for find in finds {
        let cookies = cookies(&MemoryStore::new(100));
        let value = set(&cookies, "", "a");
        let mut found = load(&cookies, &value);
        find(&mut found);
        let mut logout = load(&cookies, &value);
        logout.flush();
        let _ = commit(&cookies, &mut logout).unwrap();
        assert_eq!(commit(&cookies, &mut found).unwrap(), "Untouched");
    }
}

#[test]
fn what_follows_a_session_found_invalid_is_kept_even_if_another_request_ended_it_first() {
    let cookies = cookies(&MemoryStore::new(100));
    let value = set(&cookies, "", "a");
    let mut found = load(&cookies, &value);
    found.drop_invalid();
    found.set("b", &2).unwrap();
    let mut logout = load(&cookies, &value);
    logout.flush();
    let _ = commit(&cookies, &mut logout).unwrap();
    let kept = commit(&cookies, &mut found).unwrap();
    assert_eq!(load(&cookies, &kept).names().collect::<Vec<_>>(), ["b"]);
    assert_eq!(found.names().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_hash_under_a_new_secret_ends_nothing() {
    // The other requests of the same page still have the old cookie.
    let cookies = cookies(&MemoryStore::new(100));
    let value = set(&cookies, "", "a");
    let mut session = load(&cookies, &value);
    session.upgrade_key("h", "new");
    let upgraded = commit(&cookies, &mut session).unwrap();
    assert!(is_alive(&cookies, &value) && is_alive(&cookies, &upgraded));
    let mut session = load(&cookies, &upgraded);
    session.flush();
    let _ = commit(&cookies, &mut session).unwrap();
    assert!(!is_alive(&cookies, &value) && !is_alive(&cookies, &upgraded));
}

#[test]
fn a_django_s_cookie_ends_with_those_that_we_write_after_it() {
    let cookies = cookies(&MemoryStore::new(100));
    let theirs = django_s(r#"{"a": 1, "b": 2}"#);
    let other = django_s(r#"{"a": 1, "b": 3}"#);
    let ours = set(&cookies, &theirs, "c");
    let ours_again = set(&cookies, &theirs, "d");
    let mut session = load(&cookies, &ours);
    session.flush();
    let _ = commit(&cookies, &mut session).unwrap();
    for dead in [&theirs, &ours, &ours_again] {
        assert!(!is_alive(&cookies, dead));
    }
    assert!(is_alive(&cookies, &other));
}

#[test]
fn what_ended_under_a_former_secret_has_ended() {
    let list = MemoryStore::new(100);
    let before = cookies(&list);
    let value = set(&before, "", "a");
    let alive = set(&before, "", "a");
    let mut session = load(&before, &value);
    session.flush();
    let _ = commit(&before, &mut session).unwrap();
    let secrets = Secrets::new(key("new")).with_fallbacks(vec![key("k")]);
    let after = with_secrets(&secrets, &list, Lifetime::DJANGO.age);
    assert!(!is_alive(&after, &value) && is_alive(&after, &alive));
    // Loaded before the other server has ended it under its key.
    let mut slow = load(&after, &alive);
    slow.cycle_key();
    let mut logout = load(&before, &alive);
    logout.flush();
    let _ = commit(&before, &mut logout).unwrap();
    let interrupted = commit(&after, &mut slow);
    assert!(matches!(interrupted, Err(CommitError::Interrupted)));
}

#[test]
fn the_list_holds_until_no_cookie_can_be_valid() {
    let list = MemoryStore::new(100);
    let cookies = cookies(&list);
    let value = set(&cookies, "", "a");
    let mut session = load(&cookies, &value);
    session.flush();
    let _ = commit(&cookies, &mut session).unwrap();
    let last = NOW.plus_seconds(Lifetime::DJANGO.age);
    assert_eq!(ready(list.clear_expired(last, 100)).unwrap(), 0);
    assert!(ready(cookies.load(&value, last)).unwrap().is_empty());
    let later = NOW.plus_seconds(Lifetime::DJANGO.age + 3601);
    assert_eq!(ready(list.clear_expired(later, 100)).unwrap(), 1);
}

#[test]
fn a_session_that_a_longer_age_brought_back_can_end_again() {
    let list = MemoryStore::new(100);
    let secrets = Secrets::new(key("k"));
    let short = with_secrets(&secrets, &list, 60);
    let value = set(&short, "", "a");
    let mut session = load(&short, &value);
    session.flush();
    let _ = commit(&short, &mut session).unwrap();
    let later = NOW.plus_seconds(60 + 3601);
    let long = with_secrets(&secrets, &list, 10_000);
    let mut session = ready(long.load(&value, later)).unwrap();
    assert!(!session.is_empty());
    session.flush();
    let ended = ready(long.commit(&mut session, "sessionid", false, later)).unwrap();
    assert!(ended == WrittenCookie::Deleted);
    assert!(ready(long.load(&value, later)).unwrap().is_empty());
}

#[test]
fn a_list_that_fails_is_an_error_and_no_end() {
    // There is no place on it.
    let cookies = cookies(&MemoryStore::new(0));
    let value = set(&cookies, "", "a");
    for end in [SessionState::flush, SessionState::cycle_key] {
        let mut session = load(&cookies, &value);
        end(&mut session);
        assert!(matches!(
            commit(&cookies, &mut session),
            Err(CommitError::Store(_))
        ));
        assert!(matches!(
            commit(&cookies, &mut session),
            Err(CommitError::Interrupted)
        ));
        assert!(is_alive(&cookies, &value));
    }
}

#[test]
fn a_session_too_large_for_a_cookie_ends_nothing() {
    let cookies = cookies(&MemoryStore::new(100));
    let value = set(&cookies, "", "a");
    let mut session = load(&cookies, &value);
    session.cycle_key();
    let noise = crate::random::text(b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH", 5_000);
    session.set("b", &noise.unwrap()).unwrap();
    let error = commit(&cookies, &mut session).unwrap_err();
    assert!(error.to_string().contains("browsers keep 4096"));
    assert!(matches!(error, CommitError::TooLarge(_)));
    assert!(is_alive(&cookies, &value));
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", cookies(&MemoryStore::new(100)));
    assert!(
        shown.contains("Revocations { store: MemoryStore"),
        "{shown}"
    );
    assert!(!shown.contains("hashers"), "{shown}");
}

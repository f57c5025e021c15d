//! One commit after the other. How they go at the same time is told by the races of `crates/testing`.

use std::error::Error as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::secret::{SecretKey, Secrets};
use crate::session::{Expiry, MemoryStore};
use crate::signing::Compression;
use crate::time::Zone;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

fn rules() -> SaveRules {
    let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
    SaveRules {
        codec: Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never),
        lifetime: Lifetime::DJANGO,
        guarded_names: vec!["cart".to_owned(), "role".to_owned()],
        save_every_request: false,
        key_length: SessionKey::LENGTH,
    }
}

/// What a future brings that never waits, as those of the store in memory.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the store in memory waits for nothing"),
    }
}

fn commit(session: &mut SessionState, store: &MemoryStore) -> Result<Committed, CommitError> {
    ready(session.commit(store, &rules(), NOW))
}

fn load(store: &MemoryStore, key: &SessionKey) -> SessionState {
    let stored = ready(store.load(key, NOW)).unwrap().unwrap();
    SessionState::from_stored(key.clone(), stored, &rules().codec)
}

/// A session that is kept in the store, and its key.
fn kept(store: &MemoryStore) -> SessionKey {
    let mut session = SessionState::new();
    session.set("a", &1).unwrap();
    assert!(matches!(
        commit(&mut session, store),
        Ok(Committed::Saved(_))
    ));
    session.key().cloned().unwrap()
}

#[test]
fn the_cookie_lasts_as_long_as_the_session() {
    let store = MemoryStore::new(1);
    let mut session = load(&store, &kept(&store));
    for (expiry, max_age) in [
        (Expiry::Seconds(300), Some(300)),
        (Expiry::AtBrowserClose, None),
        (Expiry::SiteDefault, Some(1_209_600)),
    ] {
        session.set_expiry(expiry, Zone::UTC, NOW);
        let Ok(Committed::Saved(cookie)) = commit(&mut session, &store) else {
            panic!("a change is saved");
        };
        assert_eq!(cookie.max_age, max_age);
    }
}

#[test]
fn what_is_touched_lives_on_from_now() {
    let store = MemoryStore::new(1);
    let key = kept(&store);
    let mut session = load(&store, &key);
    assert!(matches!(
        commit(&mut session, &store),
        Ok(Committed::Untouched)
    ));
    session.touch();
    assert!(matches!(
        commit(&mut session, &store),
        Ok(Committed::Saved(_))
    ));
    assert!(!session.is_modified() && session.was_saved());
    assert_eq!(load(&store, &key).get("a"), Ok(Some(1)));
    // A visitor without a session does not get one.
    let mut session = SessionState::new();
    session.touch();
    assert!(matches!(
        commit(&mut session, &store),
        Ok(Committed::Untouched)
    ));
}

#[test]
fn what_is_found_invalid_is_deleted_unless_another_knew_better() {
    let store = MemoryStore::new(1);
    let key = kept(&store);
    let mut late = load(&store, &key);
    late.drop_invalid();
    let mut first = load(&store, &key);
    first.set("a", &2).unwrap();
    assert!(matches!(
        commit(&mut first, &store),
        Ok(Committed::Saved(_))
    ));
    assert!(matches!(
        commit(&mut late, &store),
        Ok(Committed::Untouched)
    ));
    assert_eq!(load(&store, &key).get("a"), Ok(Some(2)));
    let mut late = load(&store, &key);
    late.drop_invalid();
    let mut first = load(&store, &key);
    first.drop_invalid();
    assert!(matches!(commit(&mut first, &store), Ok(Committed::Deleted)));
    assert!(matches!(
        commit(&mut late, &store),
        Ok(Committed::Untouched)
    ));
}

#[test]
fn a_logout_of_what_is_gone_is_not_acknowledged() {
    let store = MemoryStore::new(1);
    let key = kept(&store);
    let mut late = load(&store, &key);
    let mut first = load(&store, &key);
    first.flush();
    assert!(matches!(commit(&mut first, &store), Ok(Committed::Deleted)));
    late.flush();
    assert!(matches!(
        commit(&mut late, &store),
        Err(CommitError::Interrupted)
    ));
}

#[test]
fn names_that_django_s_logic_reads_are_guarded_and_so_are_the_site_s() {
    let rules = rules();
    for name in ["_auth_user_id", "_", "__messages", "cart", "role"] {
        assert!(rules.guards(name), "{name}");
    }
    for name in ["_messages", "_csrftoken", "messages", "carts", "a_", ""] {
        assert!(!rules.guards(name), "{name}");
    }
}

#[test]
fn an_error_leads_to_what_caused_it() {
    let failed = CommitError::from(StoreError::new("the disk is full"));
    assert_eq!(failed.to_string(), "the session store failed");
    assert_eq!(failed.source().unwrap().to_string(), "the disk is full");
    assert!(CommitError::Interrupted.to_string().contains("was deleted"));
    assert!(CommitError::Interrupted.source().is_none());
    assert!(CommitError::Busy.source().is_none());
}

fn record(json: &str) -> Record {
    Record::new(json.into(), NOW.plus_seconds(60), rules().codec, NOW)
}

fn key() -> SessionKey {
    SessionKey::parse("abcdefgh").unwrap()
}

/// What is kept under that key.
fn text(store: &MemoryStore) -> Option<String> {
    let stored = ready(store.load(&key(), NOW)).unwrap()?;
    let Form::Json(text) = stored.form else {
        panic!("the memory store keeps JSON")
    };
    Some(text.to_string())
}

/// Two requests load a session; one of them leaves `theirs` before the other one, which did `ours`, commits.
fn commit_after(
    theirs: &str,
    ours: impl FnOnce(&mut SessionState),
) -> (MemoryStore, Result<Committed, CommitError>) {
    let store = MemoryStore::new(9);
    let Created::Created(version) =
        ready(store.create(&key(), &record(r#"{"a":1,"b":1}"#))).unwrap()
    else {
        panic!("the key is free")
    };
    let stored = ready(store.load(&key(), NOW)).unwrap().unwrap();
    let mut session = SessionState::from_stored(key(), stored, &rules().codec);
    ours(&mut session);
    let replaced = ready(store.replace(&key(), &version, &record(theirs), NOW)).unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    let committed = ready(session.commit(&store, &rules(), NOW));
    (store, committed)
}

#[test]
fn another_s_record_that_cannot_be_read_is_never_written_over() {
    let changes: [fn(&mut SessionState); 3] = [
        |session| session.set("a", &2).unwrap(),
        SessionState::clear,
        SessionState::cycle_key,
    ];
    for ours in changes {
        for theirs in ["garbage", "[]", r#"{"a":1"#] {
            let (store, committed) = commit_after(theirs, ours);
            assert!(matches!(committed, Err(CommitError::Interrupted)));
            assert_eq!(text(&store).as_deref(), Some(theirs));
        }
        let (store, committed) = commit_after(r#"{"a":1,"c":3}"#, ours);
        assert!(matches!(committed, Ok(Committed::Saved(_))));
        assert_ne!(text(&store).as_deref(), Some(r#"{"a":1,"c":3}"#));
    }
}

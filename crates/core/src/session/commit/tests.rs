use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::secret::{SecretKey, Secrets};
use crate::session::MemoryStore;
use crate::signing::Compression;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// What the future comes to, in a store that lets nobody wait.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store waits for nothing"),
    }
}

fn rules() -> SaveRules {
    let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
    SaveRules {
        codec: Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never),
        lifetime: Lifetime::DJANGO,
        guarded_names: Vec::new(),
        save_every_request: false,
    }
}

fn record(json: &str) -> Record {
    Record::new(json.into(), NOW.plus_seconds(60), rules().codec, NOW)
}

fn key() -> SessionKey {
    SessionKey::parse("abcdefgh").unwrap()
}

/// What is kept under that key.
fn kept(store: &MemoryStore) -> Option<String> {
    let stored = at_once(store.load(&key(), NOW)).unwrap()?;
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
        at_once(store.create(&key(), &record(r#"{"a":1,"b":1}"#))).unwrap()
    else {
        panic!("the key is free")
    };
    let stored = at_once(store.load(&key(), NOW)).unwrap().unwrap();
    let mut session = SessionState::from_stored(key(), stored, &rules().codec);
    ours(&mut session);
    let replaced = at_once(store.replace(&key(), &version, &record(theirs), NOW)).unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    let committed = at_once(session.commit(&store, &rules(), NOW));
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
            assert_eq!(kept(&store).as_deref(), Some(theirs));
        }
        let (store, committed) = commit_after(r#"{"a":1,"c":3}"#, ours);
        assert!(matches!(committed, Ok(Committed::Saved(_))));
        assert_ne!(kept(&store).as_deref(), Some(r#"{"a":1,"c":3}"#));
    }
}

//! What stands in Redis: keys and values as Django has them, and what others have put there.

use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::session::Lifetime;
use cloakroom_core::session::{
    Codec, Created, Deleted, Replaced, SaveRules, SessionKey, SessionState, Store as _,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{RedisOptions, RedisStore};
use cloakroom_testing::record;
use cloakroom_testing::servers::Redis;
use redis::Commands as _;

use crate::{create, in_an_hour, new_key};

fn open() -> (RedisStore, redis::Connection) {
    let url = Redis::shared().url();
    let connection = redis::Client::open(url.as_str()).unwrap().get_connection();
    (RedisStore::open(&url).unwrap(), connection.unwrap())
}

fn django_s(key: &SessionKey) -> String {
    format!(":1:django.contrib.sessions.cache{}", key.as_str())
}

fn rules() -> SaveRules {
    let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
    SaveRules {
        codec: Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never),
        lifetime: Lifetime::DJANGO,
        guarded_names: Vec::new(),
        save_every_request: false,
        key_length: SessionKey::LENGTH,
    }
}

async fn load(store: &RedisStore, key: &SessionKey) -> SessionState {
    let stored = store.load(key, Timestamp::now()).await.unwrap().unwrap();
    SessionState::from_stored(key.clone(), stored, &rules().codec)
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn keys_and_lifetimes_are_django_s() {
    let (store, mut redis) = open();
    let key = new_key();
    let _ = create(&store, &key, r#"{"a":1}"#).await;
    let value: Vec<u8> = redis.get(django_s(&key)).unwrap();
    assert_eq!(value, b"\x80\x04}(\x8c\x01aK\x01u.");
    let left: i64 = redis.ttl(django_s(&key)).unwrap();
    assert!((3595..=3600).contains(&left), "{left}");
    let options = RedisOptions {
        key_prefix: "site".to_owned(),
        version: 7,
        cache_key_prefix: "own".to_owned(),
        ..RedisOptions::default()
    };
    let store = RedisStore::open_with(&Redis::shared().url(), options).unwrap();
    let _ = create(&store, &key, "{}").await;
    let there: bool = redis.exists(format!("site:7:own{}", key.as_str())).unwrap();
    assert!(there);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn what_is_not_touched_stays_as_django_pickled_it() {
    let (store, mut redis) = open();
    let key = new_key();
    // {"t": (1, 2), 5: "five", "n": 1}
    let theirs: &[u8] = b"\x80\x04}(\x8c\x01tK\x01K\x02\x86K\x05\x8c\x04five\x8c\x01nK\x01u.";
    let () = redis.set(django_s(&key), theirs).unwrap();
    let mut session = load(&store, &key).await;
    assert_eq!(session.get::<[i32; 2]>("t"), Ok(Some([1, 2])));
    // Two requests at the same time: the second merges, and the tuple is still one.
    let mut other = load(&store, &key).await;
    for (session, name) in [(&mut session, "n"), (&mut other, "m")] {
        session.set(name, &2).unwrap();
        let _ = session
            .commit(&store, &rules(), Timestamp::now())
            .await
            .unwrap();
    }
    let value: Vec<u8> = redis.get(django_s(&key)).unwrap();
    let ours: &[u8] =
        b"\x80\x04}(\x8c\x01t(K\x01K\x02tK\x05\x8c\x04five\x8c\x01nK\x02\x8c\x01mK\x02u.";
    assert_eq!(
        value.escape_ascii().to_string(),
        ours.escape_ascii().to_string()
    );
    // And under a new key.
    session = load(&store, &key).await;
    session.cycle_key();
    let _ = session
        .commit(&store, &rules(), Timestamp::now())
        .await
        .unwrap();
    let value: Vec<u8> = redis.get(django_s(session.key().unwrap())).unwrap();
    assert_eq!(value, ours);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn what_we_cannot_read_is_never_written_over() {
    let (store, mut redis) = open();
    let rows: [&[u8]; 5] = [
        b"5",
        b"x\x9c\x03\x00\x00\x00\x00\x01",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"\x80\x04}\x8c\x01aC\x01bs.",
        b"",
    ];
    for value in rows {
        let key = new_key();
        let () = redis.set_ex(django_s(&key), value, 60).unwrap();
        let mut session = load(&store, &key).await;
        assert!(session.is_unreadable(), "{}", value.escape_ascii());
        session.set("a", &1).unwrap();
        let _ = session
            .commit(&store, &rules(), Timestamp::now())
            .await
            .unwrap();
        assert_ne!(session.key(), Some(&key), "it has a key of its own");
        let after: Vec<u8> = redis.get(django_s(&key)).unwrap();
        assert_eq!(after, value);
    }
    let key = new_key();
    let () = redis.lpush(django_s(&key), "x").unwrap();
    let error = store.load(&key, Timestamp::now()).await.unwrap_err();
    assert!(error.to_string().contains("other than a string"), "{error}");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_pickled_none_is_nothing() {
    let (store, mut redis) = open();
    let now = Timestamp::now();
    let seen = create(&store, &new_key(), "{}").await;
    for none in [&b"\x80\x05N."[..], b"\x80\x04\x8c\x03abc0N."] {
        let key = new_key();
        let () = redis.set(django_s(&key), none).unwrap();
        assert!(store.load(&key, now).await.unwrap().is_none());
        let record = record("{}", in_an_hour());
        assert_eq!(
            store.create(&key, &record).await.unwrap(),
            Created::KeyTaken
        );
        let replaced = store.replace(&key, &seen, &record, now).await.unwrap();
        assert!(matches!(replaced, Replaced::Gone));
        for seen in [None, Some(&seen)] {
            let deleted = store.delete(&key, seen, now).await.unwrap();
            assert!(matches!(deleted, Deleted::Gone));
        }
        let after: Vec<u8> = redis.get(django_s(&key)).unwrap();
        assert_eq!(after, none, "it goes on blocking who would fill it");
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_session_without_an_end_stays_until_it_is_saved() {
    let (store, mut redis) = open();
    let key = new_key();
    let () = redis.set(django_s(&key), b"\x80\x05}.").unwrap();
    let stored = store.load(&key, Timestamp::now()).await.unwrap().unwrap();
    assert_eq!(stored.expire_date, Timestamp::MAX);
    let mut session = load(&store, &key).await;
    session.set("a", &1).unwrap();
    let _ = session
        .commit(&store, &rules(), Timestamp::now())
        .await
        .unwrap();
    let left: i64 = redis.ttl(django_s(&key)).unwrap();
    assert!((1_209_590..=1_209_600).contains(&left), "{left}");
}

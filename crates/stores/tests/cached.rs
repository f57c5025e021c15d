//! Redis in front of a database: the contract, requests at the same time, and what goes on inside of one call.
#![cfg(feature = "redis")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::session::{
    Codec, Created, Deleted, MemoryStore, Record, Replaced, SessionKey, Store, StoreError, Stored,
    Version,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{CachedStore, RedisOptions, RedisStore};
use cloakroom_testing::servers::{Fault, Proxy, Redis};
use cloakroom_testing::{record, store_contract_without_clearing};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The one that [`record`] signs with.
fn codec() -> Codec {
    let key = SecretKey::new(*b"a key for tests, of 32 bytes and more").unwrap();
    Codec::new(&Secrets::new(key), Codec::DJANGO_SALT, Compression::Never)
}

fn cached(url: &str, site: &str, database: Arc<dyn Store>) -> CachedStore {
    let options = RedisOptions {
        key_prefix: site.to_owned(),
        cache_key_prefix: RedisOptions::CACHED_DB.to_owned(),
        deadline: Duration::from_millis(500),
        ..RedisOptions::default()
    };
    CachedStore::new(
        RedisStore::open_with(url, options).unwrap(),
        database,
        codec(),
    )
}

/// Some tests use the same keys before different databases.
fn cached_apart(database: Arc<dyn Store>) -> Arc<dyn Store> {
    let site = SessionKey::generate().unwrap();
    Arc::new(cached(&Redis::shared().url(), site.as_str(), database))
}

async fn open() -> (Arc<dyn Store>, ()) {
    (cached_apart(Arc::new(MemoryStore::new(usize::MAX))), ())
}

mod races {
    use super::open;

    cloakroom_testing::race_tests!(
        #[ignore = "needs redis-server"]
        open
    );
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn sessions_in_a_cache_keep_the_contract() {
    store_contract_without_clearing(|| async { open().await.0 }).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
#[ignore = "needs redis-server"]
async fn sessions_in_a_cache_before_sqlite_keep_the_contract() {
    use cloakroom_stores::SqliteStore;

    let folder = tempfile::TempDir::new().unwrap();
    let database = SqliteStore::create(folder.path().join("cached.db"))
        .await
        .unwrap();
    let _ = database.migrate(Timestamp::now()).await.unwrap();
    store_contract_without_clearing(|| async { cached_apart(Arc::new(database.clone())) }).await;
}

/// A place in the database's calls at which one of them can be held.
#[derive(Debug, Default)]
struct Gate {
    shut: AtomicBool,
    arrived: Notify,
    go: Notify,
}

impl Gate {
    async fn pass(&self) {
        if self.shut.swap(false, Ordering::SeqCst) {
            self.arrived.notify_one();
            self.go.notified().await;
        }
    }

    /// Begins a call and waits until it is held here.
    async fn hold<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Held<'_, T> {
        self.shut.store(true, Ordering::SeqCst);
        let call = tokio::spawn(call);
        self.arrived.notified().await;
        Held { gate: self, call }
    }
}

struct Held<'a, T> {
    gate: &'a Gate,
    call: JoinHandle<T>,
}

impl<T> Held<'_, T> {
    /// What came of the call after it was let go on.
    async fn released(self) -> T {
        self.gate.go.notify_one();
        self.call.await.unwrap()
    }
}

/// A database with gates.
#[derive(Debug)]
struct Gated {
    database: MemoryStore,
    loads: AtomicUsize,
    after_load: Gate,
    after_replace: Gate,
    before_delete: Gate,
}

impl Gated {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            database: MemoryStore::new(usize::MAX),
            loads: AtomicUsize::new(0),
            after_load: Gate::default(),
            after_replace: Gate::default(),
            before_delete: Gate::default(),
        })
    }
}

#[async_trait]
impl Store for Gated {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let answer = self.database.load(key, now).await;
        self.after_load.pass().await;
        answer
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        self.database.create(key, record).await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let answer = self.database.replace(key, seen, record, now).await;
        self.after_replace.pass().await;
        answer
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        self.before_delete.pass().await;
        self.database.delete(key, seen, now).await
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.database.clear_expired(now, at_most).await
    }
}

/// Two processes before one database and one cache, and a session that both may use.
struct Site {
    database: Arc<Gated>,
    redis: Redis,
    one: CachedStore,
    other: CachedStore,
    key: SessionKey,
}

impl Site {
    async fn new() -> Self {
        let (database, redis) = (Gated::new(), Redis::start(&[]));
        let store = || cached(&redis.url(), "", Arc::clone(&database) as Arc<dyn Store>);
        let (one, other) = (store(), store());
        let key = SessionKey::generate().unwrap();
        assert!(
            one.create(&key, &json(0))
                .await
                .is_ok_and(|made| made != Created::KeyTaken)
        );
        Self {
            database,
            redis,
            one,
            other,
            key,
        }
    }

    /// As if the cache had forgotten it.
    fn evict(&self) {
        self.redis.execute("FLUSHALL");
    }

    async fn version(&self) -> Version {
        self.load().await.expect("it is there").version
    }

    async fn load(&self) -> Option<Stored> {
        self.one.load(&self.key, Timestamp::now()).await.unwrap()
    }

    // Calls of the other process, which may be held.

    fn loads(&self) -> impl Future<Output = Option<Stored>> + Send + 'static {
        let (store, key) = (self.other.clone(), self.key.clone());
        async move { store.load(&key, Timestamp::now()).await.unwrap() }
    }

    fn replaces(
        &self,
        seen: &Version,
        with: u32,
    ) -> impl Future<Output = Replaced> + Send + 'static {
        let (store, key, seen) = (self.other.clone(), self.key.clone(), seen.clone());
        async move {
            let replaced = store
                .replace(&key, &seen, &json(with), Timestamp::now())
                .await;
            replaced.unwrap()
        }
    }

    fn deletes(&self) -> impl Future<Output = Deleted> + Send + 'static {
        let (store, key) = (self.other.clone(), self.key.clone());
        async move { store.delete(&key, None, Timestamp::now()).await.unwrap() }
    }

    // Calls of this process, from their beginning to their end.

    async fn logs_out(&self) {
        let deleted = self
            .one
            .delete(&self.key, None, Timestamp::now())
            .await
            .unwrap();
        assert!(matches!(deleted, Deleted::Deleted), "{deleted:?}");
    }

    async fn writes(&self, seen: &Version, with: u32) {
        let replaced = self
            .one
            .replace(&self.key, seen, &json(with), Timestamp::now())
            .await;
        assert!(
            matches!(replaced, Ok(Replaced::Replaced(_))),
            "{replaced:?}"
        );
    }

    /// Both processes find what the database has.
    async fn holds(&self, number: Option<u32>) {
        let version = number.map(|number| Version::of_bytes(json(number).plain_pickle()));
        for _ in 0..2 {
            let [one, other] = [self.load().await, self.loads().await];
            assert_eq!(one.map(|stored| stored.version), version);
            assert_eq!(other.map(|stored| stored.version), version);
        }
    }
}

fn json(number: u32) -> Record {
    record(
        &format!(r#"{{"a":{number}}}"#),
        Timestamp::now().plus_seconds(3600),
    )
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn what_is_in_the_cache_costs_no_read_of_the_database() {
    let site = Site::new().await;
    let loads = || site.database.loads.load(Ordering::SeqCst);
    site.holds(Some(0)).await;
    assert_eq!(loads(), 0, "a new one is there");
    site.evict();
    site.holds(Some(0)).await;
    assert_eq!(loads(), 1, "the first to read fills it again");
    let seen = site.version().await;
    site.writes(&seen, 1).await;
    let before = loads();
    site.holds(Some(1)).await;
    assert_eq!(loads(), before, "a write fills it too");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_slow_read_brings_nothing_back() {
    let site = Site::new().await;
    site.evict();
    let slow = site.database.after_load.hold(site.loads()).await;
    site.logs_out().await;
    assert!(slow.released().await.is_some(), "it read before the logout");
    site.holds(None).await;

    let site = Site::new().await;
    let seen = site.version().await;
    site.evict();
    let slow = site.database.after_load.hold(site.loads()).await;
    site.writes(&seen, 1).await;
    slow.released().await;
    site.holds(Some(1)).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_slow_write_does_not_bring_back_what_was_logged_out() {
    let site = Site::new().await;
    let seen = site.version().await;
    let slow = site.database.after_load.hold(site.replaces(&seen, 1)).await;
    site.logs_out().await;
    assert!(matches!(slow.released().await, Replaced::Gone));
    site.holds(None).await;

    let site = Site::new().await;
    let slow = site
        .database
        .after_replace
        .hold(site.replaces(&seen, 1))
        .await;
    site.logs_out().await;
    assert!(matches!(slow.released().await, Replaced::Replaced(_)));
    site.holds(None).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_write_that_begins_within_a_slow_logout_brings_nothing_back() {
    // Whoever ends first.
    for write_first in [true, false] {
        let site = Site::new().await;
        let seen = site.version().await;
        let delete = site.database.before_delete.hold(site.deletes()).await;
        let write = site
            .database
            .after_replace
            .hold(site.replaces(&seen, 1))
            .await;
        let (deleted, replaced) = if write_first {
            let replaced = write.released().await;
            (delete.released().await, replaced)
        } else {
            (delete.released().await, write.released().await)
        };
        assert!(matches!(deleted, Deleted::Deleted), "{deleted:?}");
        assert!(matches!(replaced, Replaced::Replaced(_)), "{replaced:?}");
        site.holds(None).await;
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn slow_writes_leave_what_the_database_has() {
    let site = Site::new().await;
    let seen = site.version().await;
    let slow = site.database.after_load.hold(site.replaces(&seen, 1)).await;
    site.writes(&seen, 2).await;
    assert!(matches!(slow.released().await, Replaced::Changed(_)));
    site.holds(Some(2)).await;

    let seen = site.version().await;
    let slow = site
        .database
        .after_replace
        .hold(site.replaces(&seen, 3))
        .await;
    let seen = Version::of_bytes(json(3).plain_pickle());
    site.writes(&seen, 4).await;
    assert!(matches!(slow.released().await, Replaced::Replaced(_)));
    site.holds(Some(4)).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_cache_that_fails_leaves_the_work_to_the_database_and_logouts_undone() {
    let (database, redis) = (Gated::new(), Redis::start(&[]));
    let proxy = Proxy::to(redis.port());
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let store = cached(&url, "", Arc::clone(&database) as Arc<dyn Store>);
    let key = SessionKey::generate().unwrap();
    let now = Timestamp::now();
    let _ = store.create(&key, &json(0)).await.unwrap();
    let seen = store.load(&key, now).await.unwrap().unwrap().version;
    for fault in [Fault::Hangs, Fault::Refuses] {
        proxy.set(fault);
        let began = Instant::now();
        for _ in 0..20 {
            assert_eq!(store.load(&key, now).await.unwrap().unwrap().version, seen);
        }
        // One of them waited for the cache's deadline; the others left it alone.
        assert!(
            began.elapsed() < Duration::from_millis(1500),
            "{:?}",
            began.elapsed()
        );
        let error = store.delete(&key, None, now).await.unwrap_err();
        assert!(error.to_string().contains("Redis"), "{error}");
        assert!(
            store.load(&key, now).await.unwrap().is_some(),
            "nothing is deleted"
        );
    }
    let replaced = store.replace(&key, &seen, &json(1), now).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)), "{replaced:?}");
    proxy.set(Fault::None);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let deleted = store.delete(&key, None, now).await.unwrap();
    assert!(matches!(deleted, Deleted::Deleted), "{deleted:?}");
    assert!(store.load(&key, now).await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn what_the_cache_has_and_we_cannot_read_the_database_has() {
    let site = Site::new().await;
    let seen = site.version().await;
    let name = format!(":1:django.contrib.sessions.cached_db{}", site.key.as_str());
    site.redis.execute(&format!("SET {name} 5"));
    assert_eq!(site.version().await, seen);
}

//! Stores that count, fail and wait when told to.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cloakroom::auth::{CreateUser, UserChanged, UserCreated, UserRow, UserStore};
use cloakroom::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom::time::Timestamp;
use tokio::sync::Semaphore;

/// A session store under supervision.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: Box<dyn Store>,
    calls: Mutex<Vec<&'static str>>,
    failing: Mutex<Failing>,
    /// Writes pass one by one while it has permits; it has many unless it is held.
    gate: Semaphore,
    waiting: Semaphore,
}

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failing {
    Nothing,
    Everything,
    Writes,
    /// Writes happen, but their answers are lost.
    Answers,
}

const MANY: u32 = 1_000_000;

impl Watched {
    pub(crate) fn new(inner: impl Store + 'static) -> Self {
        Self {
            inner: Box::new(inner),
            calls: Mutex::default(),
            failing: Mutex::new(Failing::Nothing),
            gate: Semaphore::new(MANY as usize),
            waiting: Semaphore::new(0),
        }
    }

    /// The calls since the last look.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    pub(crate) fn fail(&self, failing: Failing) {
        *self.failing.lock().unwrap() = failing;
    }

    /// Holds back the writes that begin from now on.
    pub(crate) fn hold_writes(&self) {
        self.gate.forget_permits(MANY as usize);
    }

    pub(crate) fn release_writes(&self) {
        self.gate.add_permits(MANY as usize);
    }

    /// Until a write waits at the gate.
    pub(crate) async fn write_waits(&self) {
        self.waiting.acquire().await.unwrap().forget();
    }

    async fn call<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.calls.lock().unwrap().push(name);
        let writes = name != "load";
        if writes && self.gate.available_permits() == 0 {
            self.waiting.add_permits(1);
        }
        if writes {
            self.gate.acquire().await.unwrap().forget();
            self.gate.add_permits(1);
        }
        let failing = *self.failing.lock().unwrap();
        let error = || Err(StoreError::new("the test's store fails"));
        match failing {
            Failing::Everything => error(),
            Failing::Writes if writes => error(),
            Failing::Answers if writes => call.await.and_then(|_| error()),
            _ => call.await,
        }
    }
}

#[async_trait]
impl Store for Watched {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        self.call("load", self.inner.load(key, now)).await
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        self.call("create", self.inner.create(key, record)).await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let call = self.inner.replace(key, seen, record, now);
        self.call("replace", call).await
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let call = self.inner.delete(key, seen, now);
        self.call("delete", call).await
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let call = self.inner.clear_expired(now, at_most);
        self.call("clear_expired", call).await
    }
}

/// A user store that fails when told to, and that compares names as some databases do when told to.
#[derive(Debug)]
pub(crate) struct WatchedUsers {
    inner: Box<dyn UserStore>,
    calls: Mutex<Vec<&'static str>>,
    failing: AtomicBool,
    ignoring_accents: AtomicBool,
}

impl WatchedUsers {
    pub(crate) fn new(inner: impl UserStore + 'static) -> Self {
        Self {
            inner: Box::new(inner),
            calls: Mutex::default(),
            failing: AtomicBool::new(false),
            ignoring_accents: AtomicBool::new(false),
        }
    }

    pub(crate) fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    /// From now on it finds `ann` by `ánn`, as a column of MySQL's does.
    pub(crate) fn ignore_accents(&self) {
        self.ignoring_accents.store(true, Ordering::SeqCst);
    }

    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn note(&self, name: &'static str) -> Result<&dyn UserStore, StoreError> {
        self.calls.lock().unwrap().push(name);
        if self.failing.load(Ordering::SeqCst) {
            return Err(StoreError::new("the test's user store fails"));
        }
        Ok(&*self.inner)
    }
}

#[async_trait]
impl UserStore for WatchedUsers {
    async fn by_id(&self, id: &str) -> Result<Option<UserRow>, StoreError> {
        self.note("by_id")?.by_id(id).await
    }

    async fn by_username(&self, username: &str) -> Result<Option<UserRow>, StoreError> {
        let users = self.note("by_username")?;
        if self.ignoring_accents.load(Ordering::SeqCst) {
            let accents = ['à', 'á', 'â', 'ã', 'ä', 'å', 'ā', 'ă', 'ą', 'ǎ', 'ạ', 'ả'];
            return users.by_username(&username.replace(accents, "a")).await;
        }
        users.by_username(username).await
    }

    async fn by_email(&self, typed: &str) -> Result<Vec<UserRow>, StoreError> {
        self.note("by_email")?.by_email(typed).await
    }

    async fn permissions(&self, id: &str) -> Result<HashSet<String>, StoreError> {
        self.note("permissions")?.permissions(id).await
    }

    async fn groups(&self, id: &str) -> Result<Vec<String>, StoreError> {
        self.note("groups")?.groups(id).await
    }

    async fn second_factor(&self, id: &str) -> Result<bool, StoreError> {
        self.note("second_factor")?.second_factor(id).await
    }

    async fn any_user(&self) -> Result<bool, StoreError> {
        self.note("any_user")?.any_user().await
    }

    async fn create_user(
        &self,
        user: &UserRow,
        condition: CreateUser,
    ) -> Result<UserCreated, StoreError> {
        self.note("create_user")?.create_user(user, condition).await
    }

    async fn set_password(
        &self,
        id: &str,
        seen: Option<&str>,
        encoded: &str,
    ) -> Result<UserChanged, StoreError> {
        self.note("set_password")?
            .set_password(id, seen, encoded)
            .await
    }

    async fn set_last_login(&self, id: &str, at: Timestamp) -> Result<UserChanged, StoreError> {
        self.note("set_last_login")?.set_last_login(id, at).await
    }
}

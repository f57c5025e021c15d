//! Stores with one fault each, as they are found in the wild: contract and random schedules must refuse them all.

use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::session::{
    Created, Deleted, MemoryStore, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::Timestamp;
use cloakroom_testing::{races, store_contract};

/// A good store behind one fault.
#[derive(Debug)]
struct Bad {
    store: MemoryStore,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// What is to be replaced and is gone is inserted: a logout is undone.
    Upsert,
    /// Whatever is there is replaced: another request's change is lost.
    NoComparison,
    /// A record that has expired is loaded and replaced.
    ExpiryIgnored,
    /// Whatever is there is deleted: a write between copy and delete is lost.
    UnconditionalDelete,
    /// It is compared first and replaced a moment later.
    ComparesBefore,
}

#[async_trait]
impl Store for Bad {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        self.store.load(key, self.clock(now)).await
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        self.store.create(key, record).await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let now = self.clock(now);
        let mut seen = seen.clone();
        if self.fault == Fault::ComparesBefore {
            match self.store.load(key, now).await? {
                None => return Ok(Replaced::Gone),
                Some(stored) if stored.version != seen => return Ok(Replaced::Changed(stored)),
                Some(_) => tokio::task::yield_now().await,
            }
            if let Some(stored) = self.store.load(key, now).await? {
                seen = stored.version;
            }
        }
        let seen = &seen;
        let replaced = self.store.replace(key, seen, record, now).await?;
        match (self.fault, replaced) {
            (Fault::Upsert, Replaced::Gone) => Ok(match self.store.create(key, record).await? {
                Created::Created(version) => Replaced::Replaced(version),
                Created::KeyTaken => Replaced::Gone,
            }),
            (Fault::NoComparison, Replaced::Changed(stored)) => {
                self.store.replace(key, &stored.version, record, now).await
            }
            (_, replaced) => Ok(replaced),
        }
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let seen = seen.filter(|_| self.fault != Fault::UnconditionalDelete);
        self.store.delete(key, seen, self.clock(now)).await
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.store.clear_expired(now, at_most).await
    }
}

impl Bad {
    fn clock(&self, now: Timestamp) -> Timestamp {
        match self.fault {
            Fault::ExpiryIgnored => Timestamp::from_unix_seconds(0),
            _ => now,
        }
    }
}

fn bad(fault: Fault) -> Arc<dyn Store> {
    let store = MemoryStore::new(usize::MAX);
    Arc::new(Bad { store, fault })
}

/// Two calls at once are beyond schedules, which make one call after the other.
#[tokio::test]
async fn a_store_that_compares_first_and_replaces_later_is_refused() {
    assert!(contract_refuses(Fault::ComparesBefore).await);
    let histories = tokio::spawn(async {
        races::histories_are_linearizable(&bad(Fault::ComparesBefore)).await;
    });
    let refused = histories.await.is_err_and(|error| error.is_panic());
    assert!(refused, "the histories have an order");
}

#[tokio::test]
async fn the_store_behind_the_faults_is_good() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(usize::MAX));
    races::histories_are_linearizable(&store).await;
}

async fn contract_refuses(fault: Fault) -> bool {
    let contract = tokio::spawn(async move { store_contract(|| async { bad(fault) }).await });
    contract.await.is_err_and(|error| error.is_panic())
}

/// Each way of testing must end in a failed assertion, not in one of this file's own.
async fn is_refused(fault: Fault) {
    assert!(
        contract_refuses(fault).await,
        "the contract takes {fault:?}"
    );
    let schedules = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let store = bad(fault);
        runtime
            .expect("a runtime")
            .block_on(races::random_schedules_keep_the_invariants(&store));
    });
    assert!(schedules.join().is_err(), "no schedule shows {fault:?}");
}

/// CVE-2025-46336, CVE-2025-32441.
#[tokio::test]
async fn a_store_that_inserts_what_is_gone_is_refused() {
    is_refused(Fault::Upsert).await;
}

#[tokio::test]
async fn a_store_that_does_not_compare_is_refused() {
    is_refused(Fault::NoComparison).await;
}

/// S13.
#[tokio::test]
async fn a_store_that_ignores_the_expiry_is_refused() {
    is_refused(Fault::ExpiryIgnored).await;
}

#[tokio::test]
async fn a_store_that_deletes_what_it_has_not_seen_is_refused() {
    is_refused(Fault::UnconditionalDelete).await;
}

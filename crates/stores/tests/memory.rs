//! The store in this process's memory against the contract of all stores.

use std::sync::Arc;

use cloakroom_core::session::{Created, MemoryStore, Replaced, SessionKey, Store};
use cloakroom_core::time::Timestamp;
use cloakroom_testing::{record, store_contract};

#[tokio::test]
async fn sessions_in_memory_keep_the_contract() {
    store_contract(|| async { Arc::new(MemoryStore::new(usize::MAX)) as Arc<dyn Store> }).await;
}

#[tokio::test]
async fn a_full_store_in_memory_refuses_what_is_new_and_nothing_else() {
    let store = MemoryStore::new(1);
    assert_eq!(format!("{store:?}"), "MemoryStore { capacity: 1, .. }");
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    let record = record("{}", now.plus_seconds(60));
    let [first, second] = ["abcdefgh", "ijklmnop"].map(|text| SessionKey::parse(text).unwrap());
    let Created::Created(version) = store.create(&first, &record).await.unwrap() else {
        panic!("nobody else uses this key");
    };
    assert!(store.create(&second, &record).await.is_err());
    let replaced = store.replace(&first, &version, &record, now).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    assert_eq!(
        store.clear_expired(now.plus_seconds(61), 1).await.unwrap(),
        1
    );
    assert!(matches!(
        store.create(&second, &record).await.unwrap(),
        Created::Created(_)
    ));
}

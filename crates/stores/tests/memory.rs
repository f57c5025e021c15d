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

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// Creates a session that ends so many seconds from now; whether there was a place for it.
async fn fits(store: &MemoryStore, key: &SessionKey, json: &str, seconds: i64) -> bool {
    let record = record(json, NOW.plus_seconds(seconds));
    match store.create(key, &record).await {
        Ok(Created::Created(_)) => true,
        Ok(Created::KeyTaken) => panic!("nobody else uses this key"),
        Err(_) => false,
    }
}

async fn is_there(store: &MemoryStore, key: &SessionKey) -> bool {
    store.load(key, NOW).await.unwrap().is_some()
}

fn keys<const COUNT: usize>() -> [SessionKey; COUNT] {
    std::array::from_fn(|_| SessionKey::generate().unwrap())
}

const ANONYMOUS: &str = r#"{"a":1}"#;
const USER: &str = r#"{"_auth_user_id":"1"}"#;

#[tokio::test]
async fn a_full_store_refuses_visitors_and_lets_users_take_their_places() {
    let store = MemoryStore::new(3);
    let [first, second, third, refused, ann, bob] = keys();
    assert!(fits(&store, &first, ANONYMOUS, 300).await);
    assert!(fits(&store, &second, ANONYMOUS, 100).await);
    assert!(fits(&store, &third, USER, 50).await);
    assert!(!fits(&store, &refused, ANONYMOUS, 900).await);
    assert!(fits(&store, &ann, USER, 10).await);
    assert!(!is_there(&store, &second).await, "it ended soonest");
    assert!(is_there(&store, &first).await);
    assert!(fits(&store, &bob, USER, 10).await);
    assert!(!is_there(&store, &first).await);
    for user in [&third, &ann, &bob] {
        assert!(is_there(&store, user).await, "users are never dropped");
    }
    let [late] = keys();
    assert!(!fits(&store, &late, USER, 10).await);
    assert!(!fits(&store, &late, ANONYMOUS, 10).await);
}

#[tokio::test]
async fn what_has_expired_gives_up_its_place_first() {
    let store = MemoryStore::new(2);
    let [user, visitor, next] = keys();
    assert!(fits(&store, &user, USER, -1).await);
    assert!(fits(&store, &visitor, ANONYMOUS, 100).await);
    assert!(fits(&store, &next, ANONYMOUS, 100).await);
    assert!(is_there(&store, &visitor).await && is_there(&store, &next).await);
    assert_eq!(
        store.clear_expired(NOW.plus_seconds(101), 9).await.unwrap(),
        2
    );
}

#[tokio::test]
async fn a_visitor_comes_where_enough_has_expired_that_the_users_keep_their_tenth() {
    let store = MemoryStore::new(20);
    let users: [SessionKey; 20] = keys();
    for user in &users {
        assert!(fits(&store, user, USER, -1).await);
    }
    let [visitor] = keys();
    assert!(fits(&store, &visitor, ANONYMOUS, 100).await);
    let left = store.clear_expired(NOW, u32::MAX).await.unwrap();
    assert_eq!(left, 17, "no more have gone than had to");
}

#[tokio::test]
async fn who_signs_in_where_the_session_is_is_a_user_from_then_on() {
    let store = MemoryStore::new(1);
    let [key, other] = keys();
    let before = record(ANONYMOUS, NOW.plus_seconds(60));
    let Created::Created(version) = store.create(&key, &before).await.unwrap() else {
        panic!("nobody else uses this key");
    };
    let after = record(USER, NOW.plus_seconds(60));
    let replaced = store.replace(&key, &version, &after, NOW).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)));
    assert!(!fits(&store, &other, USER, 60).await);
    assert!(is_there(&store, &key).await);
}

/// CVE-2026-77050, CVE-2026-15337.
#[tokio::test]
async fn a_flood_of_visitors_stays_within_the_bound_and_costs_users_nothing() {
    let store = MemoryStore::new(1_000);
    let users: [SessionKey; 50] = keys();
    for user in &users {
        assert!(fits(&store, user, USER, 60).await);
    }
    let mut taken = 0;
    for _ in 0..100_000 {
        let [visitor] = keys();
        taken += u32::from(fits(&store, &visitor, ANONYMOUS, 60).await);
    }
    assert_eq!(taken, 850, "a tenth of the places is for users");
    let more: [SessionKey; 150] = keys();
    for user in &more {
        assert!(fits(&store, user, USER, 60).await);
    }
    for user in users.iter().chain(&more) {
        assert!(is_there(&store, user).await);
    }
    let all = store.clear_expired(NOW.plus_seconds(61), u32::MAX).await;
    assert_eq!(all.unwrap(), 1_000);
}

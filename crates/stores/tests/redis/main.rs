//! Sessions in Redis: the contract, requests at the same time, failures, and replies that find their requests.
#![cfg(feature = "redis")]

mod apart;
mod contract;
mod failures;
mod replies;
mod values;

use cloakroom_core::session::{Created, SessionKey, Store, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::RedisStore;
use cloakroom_testing::record;

fn new_key() -> SessionKey {
    SessionKey::generate().unwrap()
}

fn in_an_hour() -> Timestamp {
    Timestamp::now().plus_seconds(3600)
}

async fn create(store: &RedisStore, key: &SessionKey, json: &str) -> Version {
    match store
        .create(key, &record(json, in_an_hour()))
        .await
        .unwrap()
    {
        Created::Created(version) => version,
        Created::KeyTaken => panic!("nobody else uses this key"),
    }
}

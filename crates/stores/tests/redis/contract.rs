//! The contract of all stores, and requests at the same time, on one Redis.

use std::sync::Arc;

use cloakroom_core::session::Store;
use cloakroom_stores::RedisStore;
use cloakroom_testing::servers::Redis;
use cloakroom_testing::store_contract_without_clearing;

/// Sessions never share a key, so the tests may share a server.
async fn open() -> (Arc<dyn Store>, ()) {
    let store = RedisStore::open(&Redis::shared().url()).unwrap();
    (Arc::new(store), ())
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn sessions_in_redis_keep_the_contract() {
    store_contract_without_clearing(|| async { open().await.0 }).await;
}

mod races {
    use super::open;

    cloakroom_testing::race_tests!(
        #[ignore = "needs redis-server"]
        open
    );
}

//! The store in memory keeps the contract of those on disk.

use std::sync::Arc;

use cloakroom_core::session::{MemoryStore, Store};
use cloakroom_testing::store_contract;

#[tokio::test(flavor = "multi_thread")]
async fn sessions_in_memory_keep_the_contract() {
    store_contract(|| async { Arc::new(MemoryStore::new(usize::MAX)) as Arc<dyn Store> }).await;
}

//! PostgreSQL: the contract, Django's tables, and every way to fail.
#![cfg(feature = "postgres")]

#[path = "../shared/session_list.rs"]
mod allauth;
mod database;
mod encrypted;
mod failures;
mod killed;
mod own_users;
mod pgbouncer;
mod replies;
mod schema;
mod session_list;
#[path = "../shared/own_users.rs"]
mod shared;
mod table;

use std::sync::Arc;

use cloakroom_core::auth::UserStore;
use cloakroom_core::session::Store;
use cloakroom_testing::{store_contract, user_store_contract};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_database_of_ours_keeps_the_contract() {
    store_contract(|| async { Arc::new(database::ours().await) as Arc<dyn Store> }).await;
    user_store_contract(|| async { Arc::new(database::ours().await) as Arc<dyn UserStore> }).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_contract_holds_on_one_thread() {
    store_contract(|| async { Arc::new(database::ours().await) as Arc<dyn Store> }).await;
    user_store_contract(|| async { Arc::new(database::ours().await) as Arc<dyn UserStore> }).await;
}

mod races {
    use std::sync::Arc;

    use cloakroom_core::session::Store;

    async fn open() -> (Arc<dyn Store>, ()) {
        (Arc::new(crate::database::ours().await), ())
    }

    cloakroom_testing::race_tests!(
        #[ignore = "needs PostgreSQL"]
        open
    );
}

//! SQLite: the contract in each journal mode, Django's tables, and every way to fail.
#![cfg(feature = "sqlite")]

#[path = "../shared/session_list.rs"]
mod allauth;
mod failures;
mod folder;
mod killed;
mod local_time;
mod own_users;
mod permissions;
mod schema;
mod session_list;
#[path = "../shared/own_users.rs"]
mod shared;
mod table;

use std::sync::Arc;

use cloakroom_core::auth::UserStore;
use cloakroom_core::session::Store;
use cloakroom_testing::{store_contract, user_store_contract};

use folder::Folder;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_ours_keeps_the_contract() {
    let folder = Folder::new();
    store_contract(|| async { Arc::new(folder.ours().await) as Arc<dyn Store> }).await;
    user_store_contract(|| async { Arc::new(folder.ours().await) as Arc<dyn UserStore> }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_django_s_journal_mode_keeps_the_contract() {
    let folder = Folder::new();
    store_contract(|| async { Arc::new(folder.django().await) as Arc<dyn Store> }).await;
    user_store_contract(|| async { Arc::new(folder.django().await) as Arc<dyn UserStore> }).await;
}

#[tokio::test]
async fn the_contract_holds_on_one_thread() {
    let folder = Folder::new();
    store_contract(|| async { Arc::new(folder.ours().await) as Arc<dyn Store> }).await;
}

//! Files: the contract, other processes, a Django beside us, and every way to fail.
#![cfg(all(feature = "file", unix))]

mod beside;
mod child;
mod clearing;
mod django;
mod expiry;
#[cfg(target_os = "linux")]
mod failing_calls;
mod failures;
mod folder;
mod processes;

use std::sync::Arc;

use cloakroom_core::session::Store;
use cloakroom_testing::store_contract;

use folder::Folder;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_the_contract() {
    let folders = std::sync::Mutex::new(Vec::new());
    let open = || async {
        let folder = Folder::new();
        let store = Arc::new(folder.store());
        folders.lock().unwrap().push(folder);
        store as Arc<dyn Store>
    };
    store_contract(open).await;
    for folder in folders.into_inner().unwrap() {
        assert_eq!(folder.unfinished(), 0);
    }
}

#[tokio::test]
async fn the_contract_holds_on_one_thread() {
    let folders = std::sync::Mutex::new(Vec::new());
    let open = || async {
        let folder = Folder::new();
        let store = Arc::new(folder.store());
        folders.lock().unwrap().push(folder);
        store as Arc<dyn Store>
    };
    store_contract(open).await;
}

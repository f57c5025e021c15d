//! The list of sessions, in a table of ours and in allauth's.

use std::sync::Arc;

use cloakroom_core::auth::SessionList as _;
use cloakroom_testing::session_list_contract;

use crate::allauth::allauth_s_table;
use crate::folder::{Folder, edit};

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_sessions_keeps_the_contract_in_both_tables() {
    let folder = Folder::new();
    let ours = async || {
        let store = folder.ours().await;
        assert!(store.make_session_list().await.unwrap());
        assert!(!store.make_session_list().await.unwrap());
        Arc::new(store)
    };
    session_list_contract(ours, true).await;
    let allauth_s = async || {
        let store = folder.django().await;
        let id = "integer NOT NULL PRIMARY KEY AUTOINCREMENT";
        edit(
            store.path(),
            &allauth_s_table(id, "datetime", "char(39)", "text"),
        );
        assert!(!store.make_session_list().await.unwrap(), "there is one");
        Arc::new(store)
    };
    session_list_contract(allauth_s, false).await;
}

#[tokio::test]
async fn without_a_table_nothing_is_listed_and_nothing_fails() {
    let folder = Folder::new();
    let store = folder.ours().await;
    assert!(!store.is_kept().await.unwrap());
    assert_eq!(store.of_user("7", 9).await.unwrap(), []);
}

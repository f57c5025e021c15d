//! The list of sessions, in a table of ours and in allauth's.

use std::sync::Arc;

use cloakroom_testing::session_list_contract;

use crate::allauth::allauth_s_table;
use crate::databases::{edit, ours};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn the_list_of_sessions_keeps_the_contract_in_both_tables() {
    let ours_s = async || {
        let (_, store) = ours().await;
        assert!(store.make_session_list().await.unwrap());
        assert!(!store.make_session_list().await.unwrap());
        Arc::new(store)
    };
    session_list_contract(ours_s, true).await;
    let allauth_s = async || {
        let (name, store) = ours().await;
        let id = "integer NOT NULL AUTO_INCREMENT PRIMARY KEY";
        edit(
            &name,
            &allauth_s_table(id, "datetime(6)", "char(39)", "json"),
        );
        assert!(!store.make_session_list().await.unwrap(), "there is one");
        Arc::new(store)
    };
    session_list_contract(allauth_s, false).await;
}

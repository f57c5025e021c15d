//! A table of users that is a site's own.

use std::sync::Arc;

use cloakroom_core::auth::UserStore;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Migrated, Problem, SqliteOptions, SqliteStore, UserTable};

use crate::folder::{Folder, edit};
use crate::shared::{Types, of_a_site};

const TYPES: Types = Types {
    number: "integer",
    uuid: "char(32)",
    moment: "datetime",
    text: "varchar(150)",
    json: "text",
};

async fn open(folder: &Folder, sql: &str, users: UserTable) -> SqliteStore {
    let path = folder.ours().await.path().to_owned();
    edit(&path, sql);
    let options = SqliteOptions {
        users,
        ..SqliteOptions::default()
    };
    SqliteStore::open_with(path, options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_users_of_the_site_s_own_keeps_the_contract() {
    let folder = Folder::new();
    of_a_site(TYPES, async |sql, users| {
        Arc::new(open(&folder, &sql, users).await) as Arc<dyn UserStore>
    })
    .await;
}

#[tokio::test]
async fn a_table_of_users_is_never_made_and_what_it_lacks_is_named() {
    let folder = Folder::new();
    let customers = UserTable {
        columns: vec!["tenant".into()],
        ..UserTable::of_model("shop.customer").unwrap()
    };
    let store = open(&folder, "SELECT 1", customers.clone()).await;
    let missing = ["", "_groups", "_user_permissions"].map(|end| format!("shop_customer{end}"));
    let left = Migrated::LeftToDjango {
        missing: missing.to_vec(),
    };
    assert_eq!(store.migrate(Timestamp::now()).await.unwrap(), left);
    let problems = missing.map(|table| Problem::MissingTable { table });
    assert_eq!(store.check().await.unwrap(), problems);
    let sql = "CREATE TABLE shop_customer (id integer, username text, password text, last_login datetime, \
               is_superuser bool, first_name text, last_name text, email text, is_staff bool, date_joined datetime);
               CREATE TABLE shop_customer_groups (user_id integer, group_id integer);
               CREATE TABLE shop_customer_user_permissions (customer_id integer, permission_id integer)";
    let store = open(&folder, sql, customers).await;
    let lacks = [
        ("shop_customer", "is_active"),
        ("shop_customer", "tenant"),
        ("shop_customer_groups", "customer_id"),
    ];
    let problems = lacks.map(|(table, column)| Problem::MissingColumn {
        table: table.into(),
        column: column.into(),
    });
    assert_eq!(store.check().await.unwrap(), problems);
}

#[tokio::test]
async fn a_table_of_second_factors_that_appears_later_is_seen_at_the_next_start() {
    let folder = Folder::new();
    let store = folder.ours().await;
    assert_eq!(store.second_factor_tables().await.unwrap(), [""; 0]);
    assert!(!store.second_factor("1").await.unwrap());
    edit(
        store.path(),
        "CREATE TABLE otp_static_staticdevice (id integer, user_id integer, confirmed bool);
         INSERT INTO otp_static_staticdevice VALUES (1, 1, 1)",
    );
    assert!(!store.second_factor("1").await.unwrap(), "looked for once");
    assert_eq!(
        store.second_factor_tables().await.unwrap(),
        ["otp_static_staticdevice"]
    );
    let again = SqliteStore::open(store.path()).await.unwrap();
    assert!(again.second_factor("1").await.unwrap());
    assert!(!again.second_factor("2").await.unwrap());
}

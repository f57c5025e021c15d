//! A table of users that is a site's own.

use std::sync::Arc;

use cloakroom_core::auth::UserStore;
use cloakroom_stores::{MySqlOptions, UserTable};

use crate::databases::{edit, open, ours};
use crate::shared::{Types, of_a_site};

/// As Django makes UUIDs on MySQL and on MariaDB before 10.7.
const HEXADECIMAL: Types = Types {
    number: "bigint AUTO_INCREMENT",
    uuid: "char(32)",
    moment: "datetime(6)",
    text: "varchar(150)",
    json: "json",
};

/// As it does on MariaDB from 10.7 on.
const NATIVE: Types = Types {
    uuid: "uuid",
    ..HEXADECIMAL
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_table_of_users_of_the_site_s_own_keeps_the_contract() {
    for types in [HEXADECIMAL, NATIVE] {
        of_a_site(types, async |sql, users| {
            let (name, _) = ours().await;
            edit(&name, &sql);
            let options = MySqlOptions {
                users,
                ..MySqlOptions::default()
            };
            Arc::new(open(&name, options)) as Arc<dyn UserStore>
        })
        .await;
    }
}

/// A key is bound in the type of its column, or the server would look at every row.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn users_are_found_by_the_index_of_their_keys() {
    for kind in ["char(32)", "uuid"] {
        let (name, _) = ours().await;
        let plan = edit(
            &name,
            &format!(
                "CREATE TABLE people (pk {kind} PRIMARY KEY);
                 INSERT INTO people WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
                 SELECT replace(uuid(), '-', '') FROM n;
                 EXPLAIN SELECT * FROM people WHERE pk = '{}'",
                "0b2f8a5e7c1d4e6f9a3b5d7e9f1a2b3c"
            ),
        );
        assert!(!plan.contains("ALL"), "{plan}");
    }
    let customers = UserTable::of_model("shop.customer").unwrap();
    let (name, _) = ours().await;
    let options = MySqlOptions {
        users: customers,
        ..MySqlOptions::default()
    };
    assert_eq!(open(&name, options).check().await.unwrap().len(), 3);
}

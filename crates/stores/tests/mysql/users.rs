//! Names that a collation takes for equal: one account, whatever the spelling, as for a Django beside us.

use cloakroom_core::auth::{CreateUser, User, UserChanged, UserCreated, UserStore as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::MySqlStore;

use crate::databases::{edit, ours, says};

async fn create(store: &MySqlStore, name: &str) -> UserCreated {
    let user = User::new("", name, Timestamp::now());
    store.create_user(&user, CreateUser::Always).await.unwrap()
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn no_two_spellings_are_two_accounts() {
    let (name, store) = ours().await;
    let UserCreated::Created(ada) = create(&store, "ada").await else {
        panic!("she is the first");
    };
    for twin in ["ADA", "Ada", "àda", "ada "] {
        assert_eq!(create(&store, twin).await, UserCreated::UsernameTaken);
        // What Django finds here is found.
        let found = store.by_username(twin).await.unwrap().unwrap();
        assert_eq!(found.id, ada.id, "{twin}");
        assert_eq!(found.username, "ada", "in the form in which it is kept");
    }
    assert_eq!(edit(&name, "SELECT count(*) FROM auth_user"), "1\n");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_name_that_the_column_cannot_hold_is_nobody_s() {
    for charset in ["latin1", "utf8mb3", "utf8mb4"] {
        let (name, store) = ours().await;
        edit(
            &name,
            &format!("ALTER TABLE auth_user CONVERT TO CHARACTER SET {charset}"),
        );
        assert!(matches!(
            create(&store, "ada").await,
            UserCreated::Created(_)
        ));
        for nobody in [
            "日本\u{1f9e5}",
            "a\0da",
            &"x".repeat(151),
            &"x".repeat(100_000),
            "0",
            "' OR ''='",
        ] {
            let found = store.by_username(nobody).await.unwrap();
            assert!(found.is_none(), "{charset} {found:?}");
        }
        let long = User::new("", "x".repeat(151), Timestamp::now());
        let error = store
            .create_user(&long, CreateUser::Always)
            .await
            .unwrap_err();
        says(&error, "too long");
    }
}

/// H6.
/// They lock the same empty table and wait for each other, so most of them are undone and made again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_crowd_of_first_users_is_one_user() {
    for _ in 0..20 {
        let (_, store) = ours().await;
        let racers: Vec<_> = (0..8)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let user = User::new("", format!("user{number}"), Timestamp::now());
                    store.create_user(&user, CreateUser::OnlyTheFirst).await
                })
            })
            .collect();
        let mut first = 0;
        for racer in racers {
            match racer.await.unwrap().unwrap() {
                UserCreated::Created(_) => first += 1,
                other => assert_eq!(other, UserCreated::NotTheFirst),
            }
        }
        assert_eq!(first, 1);
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_row_that_is_not_readable_is_an_error() {
    let (name, store) = ours().await;
    assert!(matches!(
        create(&store, "ada").await,
        UserCreated::Created(_)
    ));
    edit(
        &name,
        "SET sql_mode = ''; UPDATE auth_user SET last_login = '0000-00-00'",
    );
    says(&store.by_username("ada").await.unwrap_err(), "auth_user");
    let changed = store.set_last_login("1", Timestamp::now()).await.unwrap();
    assert_eq!(changed, UserChanged::Changed);
    assert!(store.by_username("ada").await.unwrap().is_some());
}

//! Every sentence of the user store's contract.

use std::sync::Arc;

use cloakroom_core::auth::{CreateUser, User, UserChanged, UserCreated, UserStore};
use cloakroom_core::time::Timestamp;

/// Holds a store to the contract written at [`UserStore`]; `make` opens a new, empty one at every call.
///
/// # Panics
/// The store breaks the contract.
pub async fn user_store_contract<F: Future<Output = Arc<dyn UserStore>>>(make: impl Fn() -> F) {
    what_was_created_is_found(&*make().await).await;
    a_name_is_taken_once(&*make().await).await;
    a_text_that_is_no_id_finds_nobody(&*make().await).await;
    only_one_is_the_first(make().await).await;
    the_password_seen_is_changed(&*make().await).await;
    the_last_login_is_one_column(&*make().await).await;
    an_address_is_found_whatever_its_case(&*make().await).await;
    who_was_granted_nothing_has_nothing(&*make().await).await;
}

async fn what_was_created_is_found(store: &dyn UserStore) {
    assert!(!store.any_user().await.unwrap());
    let mut full = User::new("17", "ada.lovelace@+-_é", moment(0));
    full.password = "pbkdf2_sha256$1$salt$hash".into();
    full.last_login = Some(moment(1));
    full.is_superuser = true;
    full.first_name = "Ada".into();
    full.last_name = "King'); DROP TABLE auth_user; --".into();
    full.email = "ada@example.com".into();
    full.is_staff = true;
    full.is_active = false;
    let plain = User::new("", "plain", moment(2));
    for user in [&full, &plain] {
        let made = create(store, user).await;
        let mut expected = user.clone();
        expected.id.clone_from(&made.id);
        assert!(made == expected, "{made:?}");
        let found = store.by_id(&made.id).await.unwrap().unwrap();
        assert!(found == made, "{found:?}");
        let found = store.by_username(&user.username).await.unwrap().unwrap();
        assert!(found == made, "{found:?}");
    }
    assert!(store.any_user().await.unwrap());
    assert!(store.by_username("nobody").await.unwrap().is_none());
    assert!(store.by_username("").await.unwrap().is_none());
}

async fn a_name_is_taken_once(store: &dyn UserStore) {
    let first = create(store, &User::new("", "ada", moment(0))).await;
    let mut second = User::new("", "ada", moment(1));
    second.email = "other@example.com".into();
    let made = store
        .create_user(&second, CreateUser::Always)
        .await
        .unwrap();
    assert_eq!(made, UserCreated::UsernameTaken);
    let found = store.by_username("ada").await.unwrap().unwrap();
    assert!(found == first, "{found:?}");
}

async fn a_text_that_is_no_id_finds_nobody(store: &dyn UserStore) {
    let user = create(store, &User::new("", "ada", moment(0))).await;
    for id in [
        "",
        "x",
        "1 OR 1=1",
        "1.0",
        "0",
        "-1",
        "99999999999999999999999999",
        "\0",
        "1\0",
        "１",
    ] {
        assert!(store.by_id(id).await.unwrap().is_none(), "{id:?}");
        let changed = store.set_password(id, None, "!").await.unwrap();
        assert_eq!(changed, UserChanged::NotChanged, "{id:?}");
        let changed = store.set_last_login(id, moment(5)).await.unwrap();
        assert_eq!(changed, UserChanged::NotChanged, "{id:?}");
        assert!(store.permissions(id).await.unwrap().is_empty(), "{id:?}");
        assert!(store.groups(id).await.unwrap().is_empty(), "{id:?}");
        assert!(!store.second_factor(id).await.unwrap(), "{id:?}");
    }
    let found = store.by_id(&user.id).await.unwrap().unwrap();
    assert!(found == user, "{found:?}");
}

async fn only_one_is_the_first(store: Arc<dyn UserStore>) {
    let racers: Vec<_> = (0..8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let user = User::new("", format!("user{number}"), moment(0));
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
    let _ = create(&*store, &User::new("", "later", moment(0))).await;
}

async fn the_password_seen_is_changed(store: &dyn UserStore) {
    let mut user = User::new("", "ada", moment(0));
    user.password = "first".into();
    let mut user = create(store, &user).await;
    let bystander = create(store, &User::new("", "bystander", moment(0))).await;
    let cases = [
        (Some("another"), "x", UserChanged::NotChanged, "first"),
        (Some("First"), "x", UserChanged::NotChanged, "first"),
        (Some("first"), "second", UserChanged::Changed, "second"),
        (Some("second"), "second", UserChanged::Changed, "second"),
        (None, "third", UserChanged::Changed, "third"),
    ];
    for (seen, encoded, outcome, now) in cases {
        let changed = store.set_password(&user.id, seen, encoded).await.unwrap();
        assert_eq!(changed, outcome, "{seen:?} {encoded}");
        user.password = now.into();
        let found = store.by_id(&user.id).await.unwrap().unwrap();
        assert!(found == user, "{seen:?} {encoded}");
    }
    let found = store.by_id(&bystander.id).await.unwrap().unwrap();
    assert!(found == bystander, "{found:?}");
}

async fn the_last_login_is_one_column(store: &dyn UserStore) {
    let mut user = create(store, &User::new("", "ada", moment(0))).await;
    let at = moment(9);
    let changed = store.set_last_login(&user.id, at).await.unwrap();
    assert_eq!(changed, UserChanged::Changed);
    user.last_login = Some(at);
    let found = store.by_id(&user.id).await.unwrap().unwrap();
    assert!(found == user, "{found:?}");
}

async fn an_address_is_found_whatever_its_case(store: &dyn UserStore) {
    let mut made = Vec::new();
    for (name, email, is_active) in [
        ("mike", "Mike@Example.org", true),
        ("twin", "mike@example.ORG", false),
        ("other", "mike_@example.org", true),
        ("none", "", true),
    ] {
        let mut user = User::new("", name, moment(0));
        user.email = email.into();
        user.is_active = is_active;
        made.push(create(store, &user).await);
    }
    let found = async |typed: &str| {
        let mut names: Vec<_> = store
            .by_email(typed)
            .await
            .unwrap()
            .into_iter()
            .map(|user| (user.username, user.email))
            .collect();
        names.sort_unstable();
        names
    };
    let both = [
        ("mike".to_owned(), "Mike@Example.org".to_owned()),
        ("twin".to_owned(), "mike@example.ORG".to_owned()),
    ];
    for typed in ["mike@example.org", "MIKE@EXAMPLE.ORG", "Mike@Example.org"] {
        assert_eq!(
            found(typed).await,
            both,
            "{typed}: in the form in which it is stored"
        );
    }
    let one = [("other".to_owned(), "mike_@example.org".to_owned())];
    assert_eq!(found("MIKE_@example.org").await, one);
    for nobody in [
        // A dotless i: databases take it for an i whose case they ignore (CVE-2019-19844).
        "m\u{131}ke@example.org",
        "M\u{130}KE@example.org",
        "m%@example.org",
        "mike%",
        "_ike@example.org",
        "mike@example.org ",
        " mike@example.org",
        "mike@example.org\0",
        "mike",
        "mike!_@example.org",
        "mike\\_@example.org",
        "\u{1f9e5}@example.org",
        "' OR ''='",
        &"m".repeat(100_000),
    ] {
        assert_eq!(found(nobody).await, [], "{nobody:?}");
    }
    let by_id = store.by_id(&made[0].id).await.unwrap().unwrap();
    assert!(by_id == made[0], "{by_id:?}");
}

async fn who_was_granted_nothing_has_nothing(store: &dyn UserStore) {
    let user = create(store, &User::new("", "ada", moment(0))).await;
    assert!(store.permissions(&user.id).await.unwrap().is_empty());
    assert!(store.groups(&user.id).await.unwrap().is_empty());
    // There are no tables of second factors.
    assert!(!store.second_factor(&user.id).await.unwrap());
}

async fn create(store: &dyn UserStore, user: &User) -> User {
    match store.create_user(user, CreateUser::Always).await.unwrap() {
        UserCreated::Created(user) => user,
        other => panic!("the name was free: {other:?}"),
    }
}

/// A moment with a fraction, so that one that gets lost is seen.
fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(1_700_000_000_123_456).plus_seconds(seconds)
}

//! Tables of users that are a site's own, the same on every SQL engine.

use std::sync::Arc;

use cloakroom_core::auth::{CreateUser, Permissions, User, UserChanged, UserCreated, UserStore};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{KeyType, LinkTable, NameRule, UserTable};
use cloakroom_testing::user_store_contract;

/// How an engine calls what the tables are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Types {
    pub(crate) number: &'static str,
    pub(crate) uuid: &'static str,
    pub(crate) moment: &'static str,
    pub(crate) text: &'static str,
    pub(crate) json: &'static str,
}

/// Everything that holds of such tables. `open` makes a database with Django's tables, does what the text says in it,
/// and opens it with this table of users.
pub(crate) async fn of_a_site(
    types: Types,
    open: impl AsyncFn(String, UserTable) -> Arc<dyn UserStore>,
) {
    for key in [KeyType::Integer, KeyType::Uuid, KeyType::UuidText] {
        user_store_contract(|| open(schema(types, key), table(key))).await;
        grants(&*open(schema(types, key), table(key)).await).await;
    }
    let rows = format!("{};{}", schema(types, KeyType::Uuid), ROWS);
    columns(&*open(rows.clone(), table(KeyType::Uuid)).await).await;
    what_is_null(&*open(rows, table(KeyType::Uuid)).await).await;
    texts_as_keys(types, &open).await;
    names(types, &open).await;
    a_short_table(types, &open).await;
    what_every_row_must_fill(types, &open).await;
    second_factors(types, &open).await;
}

const ANN: &str = "0b2f8a5e-7c1d-4e6f-9a3b-5d7e9f1a2b3c";
const BEN: &str = "1b2f8a5e-7c1d-4e6f-9a3b-5d7e9f1a2b3c";

const ROWS: &str = "
    INSERT INTO people (pk, login, secret, mail, active, staff, boss, given, family, seen, joined, tenant, plan, ratio,
        price, prefs, score) VALUES
    ('0b2f8a5e7c1d4e6f9a3b5d7e9f1a2b3c', 'Ann@example.org', 'hash', 'Ann@example.org', TRUE, FALSE, FALSE, 'Ann', 'A', NULL,
        NULL, 7, 'it''s', 1.5, 12.50, '{\"dark\": true}', NULL),
    ('1b2f8a5e7c1d4e6f9a3b5d7e9f1a2b3c', 'ben', 'hash', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 8, 'b', 2, 1,
        '{}', 3)";

fn schema(types: Types, key: KeyType) -> String {
    let Types {
        number,
        uuid,
        moment,
        text,
        json,
    } = types;
    let link = match key {
        KeyType::Integer => "bigint",
        KeyType::Uuid => uuid,
        KeyType::UuidText => "char(36)",
        KeyType::Text => "varchar(50)",
    };
    let own = if key == KeyType::Integer {
        number
    } else {
        link
    };
    format!(
        "CREATE TABLE people (pk {own} PRIMARY KEY, login varchar(150) NOT NULL UNIQUE, secret varchar(128) NOT NULL, \
         mail varchar(254), active boolean, staff boolean, boss boolean, given {text}, family {text}, seen {moment} NULL, \
         joined {moment} NULL, tenant integer NOT NULL, plan varchar(20) NOT NULL, ratio double precision, \
         price decimal(10, 2), prefs {json}, score integer);
         CREATE TABLE memberships (person_id {link} NOT NULL, group_id integer NOT NULL);
         CREATE TABLE grants (person_id {link} NOT NULL, permission_id integer NOT NULL)"
    )
}

fn table(key: KeyType) -> UserTable {
    let link = |name: &str| {
        Some(LinkTable {
            name: name.into(),
            user: "person_id".into(),
        })
    };
    UserTable {
        name: "people".into(),
        id: "pk".into(),
        key,
        username: "login".into(),
        names: NameRule::AsTheDatabase,
        password: "secret".into(),
        email: Some("mail".into()),
        is_active: Some("active".into()),
        is_staff: Some("staff".into()),
        is_superuser: Some("boss".into()),
        first_name: Some("given".into()),
        last_name: Some("family".into()),
        last_login: Some("seen".into()),
        date_joined: Some("joined".into()),
        groups: link("memberships"),
        permissions: link("grants"),
        columns: Vec::new(),
        extra: vec![
            ("tenant".into(), "7".into()),
            ("plan".into(), "it's".into()),
        ],
    }
}

/// The contract has seen that nobody has anything; here somebody is in no group of a person's who is another.
async fn grants(store: &dyn UserStore) {
    let ann = create(store, "ann").await;
    let permissions = Permissions::load(store, &ann).await.unwrap();
    assert!(!permissions.has("auth.view_user"));
    assert!(store.groups(&ann.id).await.unwrap().is_empty());
}

async fn columns(store: &dyn UserStore) {
    let ann = store.by_id(ANN).await.unwrap().unwrap();
    assert_eq!(ann.id, ANN, "with hyphens, as Django's sessions have it");
    assert!(ann.is_active && ann.columns.names().next().is_none());
    for spelling in [ANN.to_uppercase(), ANN.replace('-', "")] {
        let same = store.by_id(&spelling).await.unwrap().unwrap();
        assert_eq!(same.id, ANN);
    }
    for nobody in [
        "7",
        "0",
        "",
        "0b2f8a5e-7c1d-4e6f-9a3b-5d7e9f1a2b3d",
        // MariaDB keeps none of this variant.
        "eccbc87e-4b5c-e2fe-2830-8fd9f2a7baf3",
        "0b2f8a5e",
        "x",
        "\0",
    ] {
        assert!(store.by_id(nobody).await.unwrap().is_none(), "{nobody:?}");
    }
}

/// A site's columns may be null where Django's own are not.
async fn what_is_null(store: &dyn UserStore) {
    let ben = store.by_id(BEN).await.unwrap().unwrap();
    assert_eq!((ben.email.as_str(), ben.first_name.as_str()), ("", ""));
    assert!(!ben.is_active, "nobody said that this user is");
    assert!(!ben.is_superuser && !ben.is_staff);
    assert_eq!((ben.last_login, ben.date_joined), (None, None));
}

/// A column's collation may take `ANN` for `ann`: MySQL's does.
async fn texts_as_keys(types: Types, open: &impl AsyncFn(String, UserTable) -> Arc<dyn UserStore>) {
    let rows = "INSERT INTO people (pk, login, secret, tenant, plan) VALUES ('ann', 'ann', 'hash', 1, 'a'), \
                ('0', 'zero', 'hash', 1, 'a')";
    let schema = schema(types, KeyType::Text);
    let store = open(format!("{schema}; {rows}"), table(KeyType::Text)).await;
    for (id, name) in [("ann", "ann"), ("0", "zero")] {
        assert_eq!(store.by_id(id).await.unwrap().unwrap().username, name);
        let changed = store.set_password(id, Some("hash"), "hash").await.unwrap();
        assert_eq!(changed, UserChanged::Changed);
    }
    for id in ["ANN", "ann ", "\u{e0}nn", "0e0", "00", ""] {
        assert!(store.by_id(id).await.unwrap().is_none(), "{id:?}");
        let changed = store.set_password(id, None, "!").await.unwrap();
        assert_eq!(changed, UserChanged::NotChanged, "{id:?}");
        let changed = store.set_last_login(id, Timestamp::now()).await.unwrap();
        assert_eq!(changed, UserChanged::NotChanged, "{id:?}");
    }
    let new = User::new("ben", "ben", Timestamp::now());
    let made = store.create_user(&new, CreateUser::Always).await.unwrap();
    assert!(matches!(made, UserCreated::Created(user) if user.id == "ben"));
    let nameless = User::new("", "eve", Timestamp::now());
    assert!(
        store
            .create_user(&nameless, CreateUser::Always)
            .await
            .is_err()
    );
}

async fn names(types: Types, open: &impl AsyncFn(String, UserTable) -> Arc<dyn UserStore>) {
    let rows = format!("{};{ROWS}", schema(types, KeyType::Uuid));
    for (rule, typed, found) in [
        (NameRule::Exact, "Ann@example.org", true),
        (NameRule::Exact, "ann@example.org", false),
        (NameRule::IgnoringCase, "Ann@example.org", true),
        (NameRule::IgnoringCase, "ANN@EXAMPLE.ORG", true),
        (NameRule::IgnoringCase, "Ann@example_org", false),
        (NameRule::IgnoringCase, "%@example.org", false),
        (NameRule::IgnoringCase, "\u{e0}nn@example.org", false),
    ] {
        let table = UserTable {
            names: rule,
            columns: [
                "tenant", "plan", "ratio", "price", "active", "prefs", "score",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..table(KeyType::Uuid)
        };
        let store = open(rows.clone(), table).await;
        let user = store.by_username(typed).await.unwrap();
        assert_eq!(user.is_some(), found, "{rule:?} {typed}");
        let Some(user) = user else { continue };
        assert_eq!(user.column("tenant"), Ok(7));
        assert_eq!(user.column("plan"), Ok("it's".to_owned()));
        assert_eq!(user.column("ratio"), Ok(1.5));
        assert_eq!(user.column("active"), Ok(true));
        assert_eq!(user.column("score"), Ok(None::<i32>));
        // A decimal is a text or a float, as the database has it.
        let price = user.column::<f64>("price");
        assert_eq!(
            price.map(|price| format!("{price:.2}")),
            Ok("12.50".to_owned())
        );
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Preferences {
            dark: bool,
        }
        assert_eq!(user.column("prefs"), Ok(Preferences { dark: true }));
        assert!(
            user.column::<String>("secret").is_err(),
            "only what was asked for"
        );
    }
}

/// As `AbstractBaseUser` makes it: a login by e-mail and a password, no flags, no names, no groups.
async fn a_short_table(types: Types, open: &impl AsyncFn(String, UserTable) -> Arc<dyn UserStore>) {
    let uuid = types.uuid;
    let sql = format!(
        "CREATE TABLE people (pk {uuid} PRIMARY KEY, mail varchar(254) NOT NULL UNIQUE, secret varchar(128) NOT NULL)"
    );
    let short = UserTable {
        username: "mail".into(),
        names: NameRule::IgnoringCase,
        is_active: None,
        is_staff: None,
        is_superuser: None,
        first_name: None,
        last_name: None,
        last_login: None,
        date_joined: None,
        groups: None,
        permissions: None,
        extra: Vec::new(),
        ..table(KeyType::Uuid)
    };
    let store = open(sql, short).await;
    let ann = create(&*store, "ann@example.org").await;
    assert_eq!(ann.email, "ann@example.org");
    let found = store.by_id(&ann.id).await.unwrap().unwrap();
    assert!(found.is_active && !found.is_superuser && !found.is_staff);
    assert_eq!((found.last_login, found.date_joined), (None, None));
    assert_eq!(store.by_email("ANN@example.org").await.unwrap().len(), 1);
    assert!(
        store
            .by_username("ANN@example.org")
            .await
            .unwrap()
            .is_some()
    );
    assert!(store.permissions(&ann.id).await.unwrap().is_empty());
    assert!(store.groups(&ann.id).await.unwrap().is_empty());
    let changed = store
        .set_last_login(&ann.id, Timestamp::now())
        .await
        .unwrap();
    assert_eq!(changed, UserChanged::Changed);
    let changed = store.set_last_login(BEN, Timestamp::now()).await.unwrap();
    assert_eq!(changed, UserChanged::NotChanged);
    let mut boss = User::new("", "boss@example.org", Timestamp::now());
    boss.is_superuser = true;
    let error = store
        .create_user(&boss, CreateUser::Always)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("superusers"), "{error}");
}

async fn what_every_row_must_fill(
    types: Types,
    open: &impl AsyncFn(String, UserTable) -> Arc<dyn UserStore>,
) {
    let table = UserTable {
        extra: Vec::new(),
        ..table(KeyType::Integer)
    };
    let store = open(schema(types, KeyType::Integer), table).await;
    let user = User::new("", "ann", Timestamp::now());
    let error = store
        .create_user(&user, CreateUser::Always)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("extra columns"), "{error}");
}

async fn second_factors(
    types: Types,
    open: &impl AsyncFn(String, UserTable) -> Arc<dyn UserStore>,
) {
    let uuid = types.uuid;
    let sql = format!(
        "{}; {ROWS};
         CREATE TABLE mfa_authenticator (id integer PRIMARY KEY, user_id {uuid} NOT NULL, type varchar(20) NOT NULL);
         CREATE TABLE otp_totp_totpdevice (id integer PRIMARY KEY, user_id {uuid} NOT NULL, confirmed boolean NOT NULL)",
        schema(types, KeyType::Uuid)
    );
    for (row, has) in [
        ("SELECT 1", false),
        (
            "INSERT INTO otp_totp_totpdevice VALUES (1, '0b2f8a5e7c1d4e6f9a3b5d7e9f1a2b3c', TRUE)",
            true,
        ),
        (
            "INSERT INTO otp_totp_totpdevice VALUES (1, '0b2f8a5e7c1d4e6f9a3b5d7e9f1a2b3c', FALSE)",
            false,
        ),
        (
            "INSERT INTO otp_totp_totpdevice VALUES (1, '1b2f8a5e7c1d4e6f9a3b5d7e9f1a2b3c', TRUE)",
            false,
        ),
        (
            "INSERT INTO mfa_authenticator VALUES (1, '0b2f8a5e7c1d4e6f9a3b5d7e9f1a2b3c', 'webauthn')",
            true,
        ),
        (
            "INSERT INTO mfa_authenticator VALUES (1, '1b2f8a5e7c1d4e6f9a3b5d7e9f1a2b3c', 'totp')",
            false,
        ),
    ] {
        let store = open(format!("{sql}; {row}"), table(KeyType::Uuid)).await;
        assert_eq!(store.second_factor(ANN).await.unwrap(), has, "{row}");
        assert!(!store.second_factor("7").await.unwrap());
    }
}

async fn create(store: &dyn UserStore, name: &str) -> User {
    let user = User::new("", name, Timestamp::now());
    match store.create_user(&user, CreateUser::Always).await.unwrap() {
        UserCreated::Created(user) => user,
        other => panic!("{other:?}"),
    }
}

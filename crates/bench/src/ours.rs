//! The pages as a user of Cloakroom writes them.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use cloakroom::session::{Codec, Created, MemoryStore, Record, SessionKey, Store, StoreError};
use cloakroom::signing::Compression;
use cloakroom::time::Timestamp;
use cloakroom::{
    Auth, Cloakroom, CloakroomLayer, Config, CsrfToken, Error, HostPattern, Session, SqliteStore,
    User, auth,
};

use cloakroom_stores::redis::RedisOptions;
use cloakroom_stores::{PostgresStore, RedisStore};

use crate::case::Engine;
use crate::servers;
use crate::visitors::{ENCODED_PASSWORD, Visitor, secrets};

/// The name of the site.
pub(crate) const HOST: &str = "www.example.com";

pub(crate) async fn app(
    engine: Engine,
    visitors: &[Visitor],
    folder: &Path,
) -> (Router, CloakroomLayer) {
    let mut config = Config::strict(secrets());
    config.hosts.allowed = vec![HostPattern::new(HOST)];
    let cloakroom = match engine {
        Engine::Cookie => Cloakroom::with_signed_cookies(config, Arc::new(NoUsers)),
        Engine::Memory => {
            let store = MemoryStore::new(usize::MAX);
            fill(&store, visitors).await;
            Cloakroom::new(config, store, NoUsers)
        }
        Engine::Sqlite => {
            let store = database(visitors, &folder.join("ours.db")).await;
            Cloakroom::new(config, store, NoUsers)
        }
        Engine::Postgres => {
            let url = servers::postgres().database();
            Cloakroom::new(config, postgres(visitors, &url).await, NoUsers)
        }
        Engine::Redis => {
            let store = redis(visitors, &servers::new_prefix()).await;
            Cloakroom::new(config, store, NoUsers)
        }
    };
    let mut user = auth::UserRow::new("1", "somebody", Timestamp::now());
    user.password = ENCODED_PASSWORD.into();
    let router = Router::new()
        .route("/hello", get(hello))
        .route("/me", get(me))
        .route("/form", get(form))
        .route("/login", get(login))
        .route("/write", get(write))
        .with_state(User::from(user));
    (router, cloakroom.layer())
}

async fn hello() -> &'static str {
    "hello"
}

async fn me(session: Session) -> Result<String, Error> {
    Ok(session.get("_auth_user_id")?.unwrap_or_default())
}

async fn form(session: Session, csrf: CsrfToken) -> Result<Html<String>, Error> {
    let user: String = session.get("_auth_user_id")?.unwrap_or_default();
    let input = csrf.input()?;
    Ok(Html(format!(
        "<p>{user}</p><form method=\"post\">{input}<button>Go</button></form>"
    )))
}

async fn login(State(user): State<User>, auth: Auth) -> Result<&'static str, Error> {
    auth.login(&user)?;
    Ok("signed in")
}

async fn write(session: Session) -> Result<String, Error> {
    Ok(session.add("visits", 1)?.to_string())
}

/// A database with the visitors' sessions. The limit has one of its own.
pub(crate) async fn database(visitors: &[Visitor], path: &Path) -> SqliteStore {
    let store = SqliteStore::create(path)
        .await
        .expect("the folder is new and writable");
    let _ = store
        .migrate(Timestamp::now())
        .await
        .expect("the database is new");
    fill(&store, visitors).await;
    store
}

/// The same in a new PostgreSQL database.
pub(crate) async fn postgres(visitors: &[Visitor], url: &str) -> PostgresStore {
    let store = PostgresStore::open(url).expect("it is the server's URL");
    let _ = store
        .migrate(Timestamp::now())
        .await
        .expect("the database is new");
    fill(&store, visitors).await;
    store
}

/// The same in Redis, under a prefix of its own.
pub(crate) async fn redis(visitors: &[Visitor], key_prefix: &str) -> RedisStore {
    let options = RedisOptions {
        key_prefix: key_prefix.to_owned(),
        ..RedisOptions::default()
    };
    let store = RedisStore::open_with(&servers::redis().url(), options);
    let store = store.expect("it is the server's URL");
    fill(&store, visitors).await;
    store
}

async fn fill(store: &dyn Store, visitors: &[Visitor]) {
    let codec = Codec::new(&secrets(), Codec::DJANGO_SALT, Compression::Above(1024));
    let now = Timestamp::now();
    for visitor in visitors {
        let record = Record::new(
            visitor.json.as_str().into(),
            now.plus_seconds(1_209_600),
            codec.clone(),
            now,
        );
        let key = SessionKey::parse(&visitor.key).expect("it is long enough");
        let created = store.create(&key, &record).await;
        assert!(
            matches!(created, Ok(Created::Created(_))),
            "a session was not kept"
        );
    }
}

/// Nobody: no page here asks for a user's row, and a login's `last_login` goes nowhere.
#[derive(Debug)]
pub(crate) struct NoUsers;

#[async_trait]
impl auth::UserStore for NoUsers {
    async fn by_id(&self, _: &str) -> Result<Option<auth::UserRow>, StoreError> {
        Ok(None)
    }

    async fn by_username(&self, _: &str) -> Result<Option<auth::UserRow>, StoreError> {
        Ok(None)
    }

    async fn by_email(&self, _: &str) -> Result<Vec<auth::UserRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn permissions(&self, _: &str) -> Result<HashSet<String>, StoreError> {
        Ok(HashSet::new())
    }

    async fn groups(&self, _: &str) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn second_factor(&self, _: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn any_user(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn create_user(
        &self,
        _: &auth::UserRow,
        _: auth::CreateUser,
    ) -> Result<auth::UserCreated, StoreError> {
        Ok(auth::UserCreated::UsernameTaken)
    }

    async fn set_password(
        &self,
        _: &str,
        _: Option<&str>,
        _: &str,
    ) -> Result<auth::UserChanged, StoreError> {
        Ok(auth::UserChanged::NotChanged)
    }

    async fn set_last_login(&self, _: &str, _: Timestamp) -> Result<auth::UserChanged, StoreError> {
        Ok(auth::UserChanged::Changed)
    }
}

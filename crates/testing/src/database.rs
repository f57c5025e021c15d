//! A database for one test.

use cloakroom::SqliteStore;
use cloakroom::auth::{CreateUser, UserCreated, UserRow, UserStore as _};
use cloakroom::password::Hashers;
use cloakroom::time::Timestamp;
use cloakroom::version::DjangoVersion;
use tempfile::TempDir;

/// A SQLite database with Django's tables, in a temporary folder that goes with it.
#[derive(Debug)]
pub struct TestDatabase {
    store: SqliteStore,
    _folder: TempDir,
}

impl TestDatabase {
    /// A new one without users.
    ///
    /// # Panics
    /// It cannot be made.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let store = SqliteStore::create(folder.path().join("test.db")).await;
        let store = store.expect("the folder is new");
        let _ = store
            .migrate(Timestamp::now())
            .await
            .expect("the database is new");
        Self {
            store,
            _folder: folder,
        }
    }

    /// Its sessions and its users. It must not outlive the database.
    #[must_use]
    pub fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    /// Adds an active user without a password, for [`force_login`](crate::Client::force_login).
    ///
    /// # Panics
    /// There is one of this name.
    pub async fn add_user(&self, username: &str) -> UserRow {
        self.add(UserRow::new("", username, Timestamp::now())).await
    }

    /// Adds an active user who may sign in with this password. It is hashed in one round: quickly, and badly.
    ///
    /// # Panics
    /// There is one of this name.
    pub async fn add_user_with_password(&self, username: &str, password: &str) -> UserRow {
        let hashers =
            Hashers::new(DjangoVersion::LATEST).with_iterations(std::num::NonZeroU32::MIN);
        let mut user = UserRow::new("", username, Timestamp::now());
        let encoded = hashers.make(password.as_bytes());
        user.password = encoded.expect("the operating system has random numbers");
        self.add(user).await
    }

    /// Adds a user as they are: staff, say, or a superuser.
    ///
    /// # Panics
    /// There is one of this name.
    pub async fn add(&self, user: UserRow) -> UserRow {
        match self.store.create_user(&user, CreateUser::Always).await {
            Ok(UserCreated::Created(user)) => user,
            other => panic!("the user {:?} is not added: {other:?}", user.username),
        }
    }
}

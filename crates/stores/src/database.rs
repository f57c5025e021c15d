//! A database that keeps both sessions and users, whichever it is.

use std::fmt;

use async_trait::async_trait;
use cloakroom_core::auth::{SessionList, UserStore};
use cloakroom_core::session::{Store, StoreError, Stored};
use cloakroom_core::time::Timestamp;

use crate::django::{Migrated, Problem};
use crate::durability::DurabilityAdvice;

/// What a site's operator asks of a database beside the contracts of sessions, their list, and users.
#[async_trait]
pub trait Database: Store + SessionList + UserStore + fmt::Debug {
    /// Makes the tables that Django's own migrations make, where no other app is recorded.
    async fn migrate(&self, now: Timestamp) -> Result<Migrated, StoreError>;

    /// Looks for the tables and columns that sessions and users need.
    async fn check(&self) -> Result<Vec<Problem>, StoreError>;

    /// Looks for settings of the server under which it may lose what it has answered for.
    async fn advice(&self) -> Result<Vec<DurabilityAdvice>, StoreError>;

    /// The apps in `django_migrations` that are not ours: then a Django works beside us.
    async fn foreign_apps(&self) -> Result<Vec<String>, StoreError>;

    /// Whether the database itself, not only its tables, was made by us.
    async fn made_by_us(&self) -> Result<bool, StoreError>;

    /// The session that ends last, expired or not. Its signature tells whether the secret key fits.
    async fn newest_session(&self) -> Result<Option<Stored>, StoreError>;

    /// The tables of second factors that are there now. Whoever has one in them cannot sign in here.
    async fn second_factor_tables(&self) -> Result<Vec<String>, StoreError>;

    /// Makes the table that lists the sessions of users, where there is none of ours or allauth's; whether it did.
    async fn make_session_list(&self) -> Result<bool, StoreError>;
}

/// The methods of the same names that each database has by itself, so that its users need not know this trait.
macro_rules! is_database {
    ($store:ty, $advice:expr) => {
        #[async_trait]
        impl Database for $store {
            async fn migrate(&self, now: Timestamp) -> Result<Migrated, StoreError> {
                <$store>::migrate(self, now).await
            }

            async fn check(&self) -> Result<Vec<Problem>, StoreError> {
                <$store>::check(self).await
            }

            async fn advice(&self) -> Result<Vec<DurabilityAdvice>, StoreError> {
                ($advice)(self).await
            }

            async fn foreign_apps(&self) -> Result<Vec<String>, StoreError> {
                <$store>::foreign_apps(self).await
            }

            async fn made_by_us(&self) -> Result<bool, StoreError> {
                <$store>::made_by_us(self).await
            }

            async fn newest_session(&self) -> Result<Option<Stored>, StoreError> {
                <$store>::newest_session(self).await
            }

            async fn second_factor_tables(&self) -> Result<Vec<String>, StoreError> {
                <$store>::second_factor_tables(self).await
            }

            async fn make_session_list(&self) -> Result<bool, StoreError> {
                <$store>::make_session_list(self).await
            }
        }
    };
}

#[cfg(feature = "mysql")]
is_database!(crate::MySqlStore, crate::MySqlStore::advice);
#[cfg(feature = "postgres")]
is_database!(crate::PostgresStore, crate::PostgresStore::advice);
#[cfg(feature = "sqlite")]
is_database!(crate::SqliteStore, |_| {
    // How it flushes, each connection says for itself, and ours say it.
    std::future::ready(Ok(Vec::new()))
});

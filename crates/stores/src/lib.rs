//! The databases that keep Cloakroom's sessions and users.
//!
//! One file and one feature per backend. Each implements [`cloakroom_core::session::Store`] and, where it
//! keeps users, [`cloakroom_core::auth::UserStore`], and passes the contract in `cloakroom-testing`.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::panic, clippy::unwrap_used))]

#[cfg(feature = "redis")]
pub mod cached;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod database;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod dialect;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod django;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod durability;
#[cfg(all(feature = "file", unix))]
pub mod file;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod second_factor;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod session_list;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod session_table;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod user_key;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod user_sql;
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod user_table;

#[cfg(all(feature = "file", unix))]
pub use file::{FileOptions, FileStore};
#[cfg(feature = "mysql")]
pub use mysql::{MySqlOptions, MySqlStore};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
#[cfg(feature = "redis")]
pub use {
    cached::CachedStore,
    redis::{RedisAdvice, RedisOptions, RedisStore},
};
#[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
pub use {
    database::Database,
    django::{Contents, Migrated, Problem},
    durability::DurabilityAdvice,
    session_table::SessionTable,
    user_key::KeyType,
    user_table::{LinkTable, NameRule, UserTable},
};

//! MariaDB: the contract under each collation, Django's tables, and every way to fail.
#![cfg(feature = "mysql")]

mod collations;
mod contract;
mod databases;
mod failures;
mod half_an_answer;
mod killed;
mod own_users;
mod permissions;
mod replies;
mod schema;
#[path = "../shared/own_users.rs"]
mod shared;
mod tls;
mod users;

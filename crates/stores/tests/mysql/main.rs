//! MariaDB: the contract under each collation, Django's tables, and every way to fail.
#![cfg(feature = "mysql")]

mod collations;
mod contract;
mod databases;
mod failures;
mod half_an_answer;
mod killed;
mod permissions;
mod replies;
mod schema;
mod tls;
mod users;

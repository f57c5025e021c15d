//! MariaDB: the contract under each collation, Django's tables, and every way to fail.
#![cfg(feature = "mysql")]

#[path = "../shared/session_list.rs"]
mod allauth;
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
mod session_list;
#[path = "../shared/own_users.rs"]
mod shared;
mod tls;
mod users;

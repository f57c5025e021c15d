//! For tests of sites with Cloakroom: a browser with a cookie jar that signs in without a password and whose forms have
//! their tokens ([`Client`]), a database with Django's tables for one test ([`TestDatabase`]), and a clock that a test moves
//! ([`TestClock`]).
//!
//! It belongs into `[dev-dependencies]`. The feature `internal` is what Cloakroom's own tests share: the contract every store
//! passes, the races it survives, and real database servers. Nothing in it is kept stable.

#![forbid(unsafe_code)]

#[cfg(feature = "browser")]
mod browser;
#[cfg(feature = "client")]
mod client;
mod clock;
#[cfg(feature = "client")]
mod database;
#[cfg(feature = "internal")]
mod figures;
#[cfg(feature = "internal")]
mod history;
#[cfg(feature = "internal")]
mod leaks;
#[cfg(feature = "internal")]
pub mod races;
#[cfg(feature = "internal")]
mod schedule;
#[cfg(feature = "internal")]
pub mod servers;
#[cfg(feature = "internal")]
mod session_list;
#[cfg(feature = "internal")]
mod sessions;
#[cfg(feature = "internal")]
mod users;

#[cfg(feature = "browser")]
pub use browser::{Browser, Page};
#[cfg(feature = "client")]
pub use client::Client;
pub use clock::TestClock;
#[cfg(feature = "client")]
pub use database::TestDatabase;
#[cfg(feature = "internal")]
pub use leaks::leaked;
#[cfg(feature = "internal")]
pub use session_list::session_list_contract;
#[cfg(feature = "internal")]
pub use sessions::{record, store_contract, store_contract_without_clearing};
#[cfg(feature = "internal")]
pub use users::user_store_contract;

//! What Cloakroom's own tests share: the contract every store passes, and the races it survives.

#![forbid(unsafe_code)]

pub mod races;
mod schedule;
mod sessions;
mod users;

pub use sessions::{record, store_contract};
pub use users::user_store_contract;

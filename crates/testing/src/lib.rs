//! What Cloakroom's own tests share: the contract every store passes.

#![forbid(unsafe_code)]

mod sessions;
mod users;

pub use sessions::{record, store_contract};
pub use users::user_store_contract;

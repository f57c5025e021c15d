//! What Cloakroom's own tests share: the contract every store passes, the races it survives, and a browser.

#![forbid(unsafe_code)]

#[cfg(feature = "browser")]
mod browser;
mod figures;
mod history;
pub mod races;
mod schedule;
pub mod servers;
mod session_list;
mod sessions;
mod users;

#[cfg(feature = "browser")]
pub use browser::{Browser, Page};
pub use session_list::session_list_contract;
pub use sessions::{record, store_contract, store_contract_without_clearing};
pub use users::user_store_contract;

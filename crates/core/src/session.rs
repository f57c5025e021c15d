//! Sessions: what a browser's key opens, and the rules by which it is kept.
//!
//! A [`SessionState`] is what one request holds: the data as they were loaded and its changes, name by name.
//! [`SessionState::commit`] carries the changes out against a [`Store`], which compares and swaps, so that
//! requests at the same time lose nothing of each other's and bring nothing back that has ended.

mod change;
mod codec;
mod commit;
mod data;
mod expiry;
mod key;
mod memory;
mod pickle;
mod response;
mod signed_cookie;
mod state;
mod store;

pub use codec::Codec;
pub use commit::{CommitError, Committed, CookieValue, SaveRules};
pub use data::{DataError, SessionData, ValueError};
pub(crate) use expiry::SIGNED_IN_AT_NAME;
pub use expiry::{Expiry, Lifetime};
pub use key::SessionKey;
pub use memory::MemoryStore;
pub use pickle::{PickleError, is_pickled_none};
pub use response::{AtResponse, Due, Found, ResponseRules, failed};
pub use signed_cookie::{
    CookieTooLarge, RevocableCookies, Revocations, SignedCookieEngine, WrittenCookie,
};
pub use state::SessionState;
pub use store::{Created, Deleted, Form, Record, Replaced, Store, StoreError, Stored, Version};

/// The name under which a session keeps the primary key of the user who signed in, as text.
pub(crate) const USER_ID_NAME: &str = "_auth_user_id";
/// The name under which a session keeps what ties tokens to its login.
pub(crate) const TOKEN_LOGIN_NAME: &str = "_auth_token_login";

//! Sessions: what a browser's key opens, and the rules by which it is kept.

mod codec;
mod key;
mod store;

pub use codec::Codec;
pub use key::SessionKey;
pub use store::{Created, Deleted, Form, Record, Replaced, Store, StoreError, Stored, Version};

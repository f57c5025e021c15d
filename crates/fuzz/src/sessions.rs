//! Sessions: what stands in a store, in a browser's cookie, and in a request's hands.

pub(crate) mod data;
pub(crate) mod expiry;
pub(crate) mod key;
pub(crate) mod merge;
pub(crate) mod pickle;
pub(crate) mod rows;

//! The lessons, one file each: its routes, its handlers, and between two comments the lines that its page shows.

pub(crate) mod cart;
pub(crate) mod cookie_login;
pub(crate) mod cookies;
mod credentials;
pub(crate) mod csrf;
pub(crate) mod preferences;
pub(crate) mod scores;
pub(crate) mod session;
pub(crate) mod session_login;
pub(crate) mod signed;
pub(crate) mod token;
pub(crate) mod tracking;
pub(crate) mod users;

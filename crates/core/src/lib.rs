//! The rules of Django's cookies, signing, sessions, CSRF protection and login.
//!
//! Nothing here reads a clock, opens a connection or knows a web framework: every rule is a function of
//! what it is given. The modules stand in an order, and each uses only those before it.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::panic, clippy::unwrap_used))]

// From the ground up; blank lines keep the formatter from sorting.

pub mod time;

pub mod version;

pub mod random;

mod url;

pub mod html;

pub mod secret;

pub mod signing;

pub mod cookie;

pub mod session;

pub mod csrf;

pub mod password;

pub mod auth;

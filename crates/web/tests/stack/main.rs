//! Cloakroom's whole stack, from a browser's cookie jar to the database, without a network.

#![forbid(unsafe_code)]

mod bearer;
mod cookies;
mod csrf;
mod csrf_bodies;
mod csrf_multipart;
mod csrf_origins;
mod csrf_places;
mod failure;
mod guard_only;
mod guards;
mod hosts;
mod log;
mod login;
#[cfg(feature = "pages")]
mod login_pages;
mod newcomers;
mod pages;
mod passwords;
mod permissions;
mod purposes;
mod races;
mod refusals;
mod revoked;
mod rows;
mod session;
mod session_list;
mod site;
mod stores;
#[cfg(feature = "templates")]
mod templates;
mod throttle;
mod tickets;
mod tokens;
mod vary;

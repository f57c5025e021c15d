//! Cloakroom's whole stack, from a browser's cookie jar to the database, without a network.

#![forbid(unsafe_code)]

mod cookies;
mod csrf;
mod csrf_bodies;
mod failure;
mod guards;
mod hosts;
mod log;
mod login;
mod pages;
mod passwords;
mod races;
mod rows;
mod session;
mod site;
mod stores;
mod vary;

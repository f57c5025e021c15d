//! What the `cloakroom` command is made of; a library only so that its tests and the benchmarks can reach it.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::panic, clippy::unwrap_used))]

pub mod accept;
mod app;
mod assets;
pub mod clearing;
pub mod cli;
pub mod commands;
pub mod database_url;
pub mod first_start;
pub mod logging;
mod new_user;
mod output;
mod pages;
pub mod session_table;
pub mod sessions_url;
pub mod settings;
pub mod setup_link;
pub mod stores;
mod templates;
pub mod user_table;

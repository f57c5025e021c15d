//! A login site that runs from one command and shares its login with Django.

#![forbid(unsafe_code)]

#[allow(dead_code, reason = "the router names them")]
mod assets;
#[allow(dead_code, reason = "the router fills them in")]
mod pages;
#[allow(dead_code, reason = "the router renders with them")]
mod templates;

fn main() {}

//! A login site that runs from one command and shares its login with Django.

#![forbid(unsafe_code)]

fn main() {}

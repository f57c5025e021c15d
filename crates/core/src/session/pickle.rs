//! A session as Python's pickle of a dict: what Django's `cache` engine keeps.

mod integer;
mod writer;

pub(super) use writer::write;

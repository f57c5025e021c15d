//! A session as Python's pickle of a dict: what Django's `cache` engine keeps.
//!
//! A pickle is a program for a small machine, and Python's can be told to call anything. This reader knows only the
//! instructions that make None, booleans, numbers, texts, lists, tuples and dicts; at any other the record cannot
//! be read, as with Django at a class that is no longer there. What a pickle becomes here is what Python's JSON
//! writer makes of it:
//!
//! - Tuples are lists; keys that are numbers, booleans or None are names (`1` is `"1"`). Rust sees them so. Who
//!   saves the session gives every top-level value that is still the same back as it was, tuples and all.
//! - Two keys of a session that would be one name (`1` and `"1"`) make it unreadable: one of them would get lost.
//! - Values for which JSON has nothing (bytes, sets, dates, objects of any class) make it unreadable.
//! - Where a dict is given a name twice, the last value stands in the first place, as in Python.
//! - A list that stands in two places is written as two lists.
//!
//! Depth, integers and the text that comes out are bounded (see [`PickleError`]), so that no short pickle becomes a
//! long text: a list of two lists of two lists … is read in Python without a thought and written never.

mod integer;
mod machine;
mod opcode;
mod tree;
mod writer;

use std::fmt;

use super::data::{DataError, SessionData};
pub(super) use writer::{write, write_over};

/// The session in a pickle.
///
/// # Errors
/// See [`PickleError`].
pub(super) fn read(pickle: &[u8]) -> Result<SessionData, PickleError> {
    let text = machine::run(pickle)?.session_text(most_text(pickle))?;
    SessionData::from_ascii(text).map_err(PickleError::Data)
}

/// True for the pickle of `None`, however it is made: what Django's caches take for nothing at all.
#[must_use]
pub fn is_pickled_none(pickle: &[u8]) -> bool {
    pickle.ends_with(&[opcode::NONE, opcode::STOP])
        && machine::run(pickle).is_ok_and(|tree| tree.is_none())
}

/// Texts that repeat take two bytes each but for the first; a pickle that gains more than this by it is none of a
/// session.
fn most_text(pickle: &[u8]) -> usize {
    pickle.len().saturating_mul(64).max(256 << 10)
}

/// A pickle is no session that we can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PickleError {
    /// Python would not read it either.
    Malformed,
    /// It holds what JSON has not, or an instruction that could run code.
    Unsupported,
    /// A pickle, but of no dict.
    NotADict,
    /// Two of its keys are one name in JSON.
    SameName,
    /// Its text would be 64 times as long as itself, and longer than 256 KiB.
    TooLong,
    /// Its text is none that Python would read: too deep, or an integer too long.
    Data(DataError),
}

impl fmt::Display for PickleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => formatter.write_str("no pickle"),
            Self::Unsupported => formatter.write_str("a pickle of more than JSON has"),
            Self::NotADict => formatter.write_str("a pickle of no dict"),
            Self::SameName => formatter.write_str("a pickle with two keys of one name"),
            Self::TooLong => formatter.write_str("a pickle that would become a far longer text"),
            Self::Data(error) => {
                write!(formatter, "a pickle of what Python could not keep: {error}")
            }
        }
    }
}

impl std::error::Error for PickleError {}

#[cfg(test)]
mod tests;

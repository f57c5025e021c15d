//! Sessions as Python pickles them.

use cloakroom_core::session::{SessionData, is_pickled_none};

use super::data::spans_are_the_values;

/// A pickle.
pub fn pickle(input: &[u8]) {
    let Ok(data) = SessionData::from_pickle(input) else {
        return;
    };
    assert!(!is_pickled_none(input));
    spans_are_the_values(&data);
    // A short pickle is no long text.
    assert!(data.text().len() <= input.len() * 64 + (300 << 10));
    // What is written of it is read as the same, and written as the same.
    let written = data.to_pickle();
    let again = SessionData::from_pickle(&written).unwrap();
    assert_eq!(once(&again), once(&data));
    assert_eq!(again.to_pickle(), written);
}

/// The names and values that count.
fn once(data: &SessionData) -> Vec<(String, String)> {
    let names = data.names().map(std::borrow::Cow::into_owned);
    names
        .map(|name| {
            let value = data.raw(&name).unwrap_or_default().to_owned();
            (name, value)
        })
        .collect()
}

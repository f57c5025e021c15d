//! The scanner of session data against serde_json, which reads the same grammar with other code.

use std::fmt;

use cloakroom_core::session::{DataError, SessionData};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The bytes of a session, with nothing around them.
pub fn session_data(input: &[u8]) {
    let text: String = input.iter().copied().map(char::from).collect();
    let is_json = |text: &str| serde_json::from_str::<IgnoredAny>(text).is_ok();
    match SessionData::from_bytes(input.to_vec()) {
        Ok(data) => {
            assert!(is_json(&without_python_s_words(&text)), "no JSON");
            assert!(deepest(&text) <= 900, "deeper than Python reads");
            spans_are_the_values(&data);
            if let Ok(Ordered(entries)) = serde_json::from_str(&text) {
                holds(&data, &as_a_dict(entries));
            }
            let written = SessionData::from_bytes(data.text().as_bytes().to_vec()).unwrap();
            assert_eq!(
                written.text(),
                data.text(),
                "what is ASCII is not rewritten"
            );
            assert!(written.names().eq(data.names()));
        }
        Err(DataError::Syntax) => assert!(!is_json(&text), "JSON was refused"),
        Err(DataError::NotAnObject) => {
            let text = text.trim_start_matches([' ', '\t', '\n', '\r']);
            assert!(!text.starts_with('{') && is_json(&without_python_s_words(text)));
        }
        Err(DataError::TooDeep) => assert!(deepest(&text) > 900),
        Err(DataError::LongInteger) => assert!(has_long_digits(&text)),
        Err(error) => panic!("unknown error {error}"),
    }
}

/// Each value stands in the text, is JSON by itself, and nothing stands around it.
pub(crate) fn spans_are_the_values(data: &SessionData) {
    let range = data.text().as_bytes().as_ptr_range();
    let mut found = 0;
    for name in data.names() {
        let Some(raw) = data.raw(&name) else {
            assert!(name.contains('\u{FFFD}'), "a name without a value");
            continue;
        };
        found += 1;
        let inside = raw.as_bytes().as_ptr_range();
        assert!(
            range.start <= inside.start && inside.end <= range.end,
            "not a part of the text"
        );
        assert_eq!(raw, raw.trim(), "blanks around a value");
        let plain = without_python_s_words(raw);
        assert!(
            serde_json::from_str::<IgnoredAny>(&plain).is_ok(),
            "not one value"
        );
    }
    assert!(found <= data.len() && data.names().count() == data.len());
    assert_eq!(data.is_empty(), data.names().next().is_none());
}

/// The data's names and values, in their order, are these.
fn holds(data: &SessionData, entries: &[(String, Value)]) {
    let names = entries.iter().map(|(name, _)| name.as_str());
    assert!(data.names().eq(names), "other names, or another order");
    for (name, value) in entries {
        assert_eq!(
            data.get::<Value>(name).unwrap().as_ref(),
            Some(value),
            "another value"
        );
    }
}

/// Of names that occur twice a Python dict keeps the first place and the last value.
fn as_a_dict(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut kept: Vec<(String, Value)> = Vec::new();
    for (name, value) in entries {
        match kept.iter_mut().find(|(known, _)| *known == name) {
            Some((_, before)) => *before = value,
            None => kept.push((name, value)),
        }
    }
    kept
}

/// `NaN` and `Infinity`, which Python reads and JSON does not know, become numbers outside of strings.
pub(crate) fn without_python_s_words(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    outside_strings(text, |rest, in_string| {
        let word = ["NaN", "Infinity"]
            .into_iter()
            .find(|word| !in_string && rest.starts_with(*word));
        match word {
            Some(word) => {
                plain.push('0');
                word.len()
            }
            None => {
                let character = rest.chars().next().expect("there is a rest");
                plain.push(character);
                character.len_utf8()
            }
        }
    });
    plain
}

/// Calls `look` at each place with the rest of the text and whether a string is open; it says how far to go.
fn outside_strings(text: &str, mut look: impl FnMut(&str, bool) -> usize) {
    let (mut at, mut in_string, mut escaped) = (0, false, false);
    while at < text.len() {
        let rest = &text[at..];
        let step = look(rest, in_string);
        if escaped {
            escaped = false;
        } else if rest.starts_with('"') {
            in_string = !in_string;
        } else if in_string && rest.starts_with('\\') {
            escaped = true;
        }
        at += step;
    }
}

/// How many containers are open at once, at most.
fn deepest(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    outside_strings(text, |rest, in_string| {
        let character = rest.chars().next().expect("there is a rest");
        if !in_string {
            match character {
                '{' | '[' => open += 1,
                '}' | ']' => open = open.saturating_sub(1),
                _ => {}
            }
        }
        deepest = deepest.max(open);
        character.len_utf8()
    });
    deepest
}

/// Whether so many digits follow each other as no integer of Python's may have.
fn has_long_digits(text: &str) -> bool {
    let mut runs = text.split(|character: char| !character.is_ascii_digit());
    runs.any(|run| run.len() > 4300)
}

/// An object's entries in their order, those of one name too.
struct Ordered(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Ordered;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Ordered, M::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Ordered(entries))
    }
}

//! A session's data: a JSON object's text and an index of its top-level names.
//!
//! Values are not parsed until asked for, and one that nobody touches is written back byte for byte. So
//! what Python writes and Rust's number and string types cannot hold (NaN, lone surrogates, integers of
//! thousands of digits) survives next to what we change.

pub(crate) mod ascii;
mod scan;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use serde::de::DeserializeOwned;

use super::pickle::PickleError;
use scan::Scanner;
pub(crate) use scan::{DEEPEST, LONGEST_INTEGER, check_value, trimmed};

/// An immutable JSON object with its top-level names found. Clones share the text.
#[derive(Clone)]
pub struct SessionData {
    text: Arc<str>,
    entries: Arc<[Entry]>,
}

/// One top-level name and where its value stands in the text.
#[derive(Clone, Debug)]
struct Entry {
    name: Name,
    value: Range<usize>,
}

#[derive(Clone, Debug)]
enum Name {
    /// Stands in the text in the form in which Django writes it.
    Here(Range<usize>),
    /// Was written in another form (`\u0061` for `a`); this is Django's.
    Normal(Box<str>),
}

impl SessionData {
    /// Sizes from which duplicate names are looked for by hashing.
    const MANY: usize = 32;
    /// Names for which there is room from the start: a login has four.
    const USUAL: usize = 8;

    /// `{}`.
    #[must_use]
    pub fn empty() -> Self {
        // Every visitor without a session has it, so it is made once.
        static EMPTY: LazyLock<SessionData> = LazyLock::new(|| SessionData {
            text: "{}".into(),
            entries: Arc::default(),
        });
        EMPTY.clone()
    }

    /// Reads what Python's JSON reader reads from these bytes, taken as Latin-1 as Django takes them.
    ///
    /// # Errors
    /// Not JSON, or JSON that is no object, or deeper or with longer integers than Python reads.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, DataError> {
        let text = match String::from_utf8(bytes) {
            Ok(text) if text.is_ascii() => text,
            // Django never writes these bytes. As escapes they mean what Django reads in them, except after a
            // backslash, with which they would make another escape: so the bytes themselves are checked first.
            Ok(text) => from_latin1(text.as_bytes())?,
            Err(error) => from_latin1(error.as_bytes())?,
        };
        Self::from_ascii(text)
    }

    /// Reads Python's pickle of a dict, as Django's `cache` engine keeps it. No code can run.
    ///
    /// # Errors
    /// It holds what JSON has not, or is too large; see [`PickleError`].
    pub fn from_pickle(pickle: &[u8]) -> Result<Self, PickleError> {
        super::pickle::read(pickle)
    }

    /// Python's pickle of the data, the same for the same data whatever they were read from.
    #[must_use]
    pub fn to_pickle(&self) -> Vec<u8> {
        super::pickle::write(&self.text)
    }

    /// Reads a JSON object's text, which is ASCII.
    pub(crate) fn from_ascii(text: impl Into<Arc<str>>) -> Result<Self, DataError> {
        let text = text.into();
        let mut entries = Vec::with_capacity(Self::USUAL);
        Scanner::new(text.as_bytes()).object(|name, value| {
            let name = if name.literal {
                Name::Here(name.range)
            } else {
                match ascii::normal_form(&text[name.range.clone()]) {
                    Cow::Borrowed(_) => Name::Here(name.range),
                    Cow::Owned(normal) => Name::Normal(normal.into()),
                }
            };
            entries.push(Entry { name, value });
        })?;
        let mut data = Self {
            text,
            entries: Arc::default(),
        };
        data.entries = data.without_duplicates(entries).into();
        Ok(data)
    }

    /// Python keeps a name where it first stood, with the value that came last.
    fn without_duplicates(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let many = entries.len() > Self::MANY;
        let mut kept = 0;
        // One bit for some of the names: where it is not set, the name is new.
        let mut met = 0_u64;
        for next in 0..entries.len() {
            let name = self.name_of(&entries[next]);
            let ends = name.first().zip(name.last());
            let (first, last) = ends.map_or((0, 0), |(first, last)| (*first, *last));
            let bit = 1 << ((name.len() ^ usize::from(first) ^ (8 * usize::from(last))) % 64);
            let new = met & bit == 0;
            met |= bit;
            let place = if new {
                None
            } else if many {
                places.get(name).copied()
            } else {
                entries[..kept]
                    .iter()
                    .position(|other| self.name_of(other) == name)
            };
            match place {
                Some(place) => entries[place].value = entries[next].value.clone(),
                None => {
                    if many {
                        places.insert(name.to_owned(), kept);
                    }
                    entries.swap(kept, next);
                    kept += 1;
                }
            }
        }
        entries.truncate(kept);
        entries
    }

    /// The object's text.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// True if the object has no names.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many names the object has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The JSON text of a name's value.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.raw_by_normal(&ascii::escaped(name))
    }

    /// A name's value, parsed.
    ///
    /// # Errors
    /// There is a value, but it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ValueError> {
        self.raw(name).map(parse).transpose()
    }

    /// The names in their order; a lone surrogate in one becomes U+FFFD.
    pub fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.raw_entries().map(|(name, _)| ascii::unescaped(name))
    }

    /// Names in Django's escaped form and values as JSON text, in their order.
    pub(crate) fn raw_entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| {
            let name = match &entry.name {
                Name::Here(range) => &self.text[range.clone()],
                Name::Normal(name) => name,
            };
            (name, &self.text[entry.value.clone()])
        })
    }

    /// The same as [`raw`](Self::raw) for a name in its escaped form.
    pub(crate) fn raw_by_normal(&self, name: &str) -> Option<&str> {
        let entry = self
            .entries
            .iter()
            .find(|entry| self.name_of(entry) == name.as_bytes())?;
        Some(&self.text[entry.value.clone()])
    }

    fn name_of<'a>(&'a self, entry: &'a Entry) -> &'a [u8] {
        match &entry.name {
            Name::Here(range) => &self.text.as_bytes()[range.clone()],
            Name::Normal(name) => name.as_bytes(),
        }
    }
}

/// Puts data together from names and values that were checked when they came in.
pub(super) struct Assembly {
    text: String,
    entries: Vec<Entry>,
}

impl Assembly {
    /// Begins with room for some more names than `like` has, and for so many more bytes.
    pub(super) fn like(like: &SessionData, more: usize) -> Self {
        let mut text = String::with_capacity(like.text.len() + more);
        text.push('{');
        let entries = Vec::with_capacity(like.entries.len() + SessionData::USUAL);
        Self { text, entries }
    }

    /// Adds a name in its escaped form, which must not be there yet, and its value.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        if !self.entries.is_empty() {
            self.text.push(',');
        }
        self.text.push('"');
        let name = Name::Here(self.append(name));
        self.text.push_str("\":");
        let value = self.append(value);
        self.entries.push(Entry { name, value });
    }

    fn append(&mut self, part: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(part);
        start..self.text.len()
    }

    pub(super) fn finish(mut self) -> SessionData {
        self.text.push('}');
        let data = SessionData {
            text: self.text.into(),
            entries: self.entries.into(),
        };
        debug_assert!(
            SessionData::from_ascii(Arc::clone(&data.text))
                .is_ok_and(|read| read.raw_entries().eq(data.raw_entries())),
            "the parts are not what they were checked to be"
        );
        data
    }
}

impl fmt::Debug for SessionData {
    /// The values are their user's: only their number is shown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SessionData")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

fn from_latin1(bytes: &[u8]) -> Result<String, DataError> {
    Scanner::new(bytes).object(|_, _| {})?;
    Ok(ascii::from_latin1(bytes))
}

pub(crate) fn parse<T: DeserializeOwned>(raw: &str) -> Result<T, ValueError> {
    serde_json::from_str(raw).map_err(|_| ValueError::OtherType)
}

/// A text is no JSON object that Python would read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataError {
    /// Not JSON.
    Syntax,
    /// JSON, but a list or a plain value.
    NotAnObject,
    /// Nested more than 900 levels deep. Python refuses at 994 to 1,497, by its version.
    TooDeep,
    /// An integer of more than 4,300 digits, which Python refuses.
    LongInteger,
}

impl fmt::Display for DataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Syntax => "not JSON",
            Self::NotAnObject => "no JSON object",
            Self::TooDeep => "nested more than 900 levels deep",
            Self::LongInteger => "an integer of more than 4300 digits",
        })
    }
}

impl std::error::Error for DataError {}

/// A session's value is not what was asked for, or cannot be what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueError {
    /// The value there has another type than the one asked for.
    OtherType,
    /// The value given cannot be written as JSON: its serializer failed, or a map's key is no text.
    Unwritable,
    /// The value given is nested deeper or has longer integers than Python reads.
    Unreadable(DataError),
    /// The counter would leave 64 bits.
    Overflow,
}

impl fmt::Display for ValueError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherType => formatter.write_str("the session's value has another type"),
            Self::Unwritable => formatter.write_str("the value cannot be written as JSON"),
            Self::Unreadable(error) => {
                write!(formatter, "Django could not read the value: {error}")
            }
            Self::Overflow => formatter.write_str("the counter would leave 64 bits"),
        }
    }
}

impl std::error::Error for ValueError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> SessionData {
        SessionData::from_ascii(text).unwrap()
    }

    #[test]
    fn values_are_found_by_name() {
        let data = data(r#" { "a" : 1 , "b":[1,{"a":2}], "\u00e9":"x" } "#);
        assert_eq!(data.raw("a"), Some("1"));
        assert_eq!(data.raw("b"), Some(r#"[1,{"a":2}]"#));
        assert_eq!(data.get::<String>("é").unwrap().as_deref(), Some("x"));
        assert_eq!(data.raw("c"), None);
        assert_eq!(data.names().collect::<Vec<_>>(), ["a", "b", "é"]);
        assert!(!data.is_empty() && SessionData::empty().is_empty());
    }

    #[test]
    fn a_name_is_the_same_however_it_is_escaped() {
        let data = data(r#"{"\u0061":1,"\/":2,"\u00E9":3}"#);
        assert_eq!(data.raw("a"), Some("1"));
        assert_eq!(data.raw("/"), Some("2"));
        assert_eq!(data.raw("é"), Some("3"));
    }

    #[test]
    fn of_duplicates_the_last_value_stands_in_the_first_place() {
        let few = data(r#"{"a":1,"b":2,"\u0061":3}"#);
        assert_eq!(
            few.raw_entries().collect::<Vec<_>>(),
            [("a", "3"), ("b", "2")]
        );
        let two = data(r#"{"a":1,"a":2}"#);
        assert_eq!(two.raw_entries().collect::<Vec<_>>(), [("a", "2")]);
        // Names that begin, end and are as long as each other; and the shortest and a long one.
        let long = "l".repeat(5_000);
        let alike = data(&format!(
            r#"{{"a1z":1,"a2z":2,"":3,"{long}":4,"a1z":5,"":6}}"#
        ));
        assert_eq!(
            alike.raw_entries().collect::<Vec<_>>(),
            [("a1z", "5"), ("a2z", "2"), ("", "6"), (long.as_str(), "4")]
        );
        let many: Vec<String> = (0..100).map(|n| format!(r#""n{}":{n}"#, n % 50)).collect();
        let many = data(&format!("{{{}}}", many.join(",")));
        assert_eq!(many.len(), 50);
        assert_eq!(many.raw("n7"), Some("57"));
    }

    #[test]
    fn raw_utf8_is_read_as_latin1_as_django_does() {
        let data = SessionData::from_bytes(r#"{"é":"é"}"#.as_bytes().to_vec()).unwrap();
        assert_eq!(data.get::<String>("Ã©").unwrap().as_deref(), Some("Ã©"));
        assert!(data.text().is_ascii());
        assert!(SessionData::from_bytes(b"{\"\xff\":1}".to_vec()).is_ok());
        assert_eq!(
            SessionData::from_bytes(b"\xef\xbb\xbf{}".to_vec()).unwrap_err(),
            DataError::Syntax
        );
        // `\` and a byte beyond ASCII is no escape, and must not turn into `\\u00..`.
        for text in [
            &b"{\"\\\xc3\":1}"[..],
            b"{\"a\":\"\\\x80\"}",
            b"{\"a\":\"\\\xc3\xa9\"}",
        ] {
            let read = SessionData::from_bytes(text.to_vec());
            assert_eq!(
                read.unwrap_err(),
                DataError::Syntax,
                "{}",
                text.escape_ascii()
            );
        }
        assert!(SessionData::from_bytes(b"{\"a\":\"\\\\\x80\"}".to_vec()).is_ok());
    }

    #[test]
    fn a_backslash_before_what_is_not_ascii_escapes_nothing() {
        for text in [&b"{\"a\":\"\\\xec\"}"[..], b"{\"\\\\\\\xec\":1}"] {
            let read = SessionData::from_bytes(text.to_vec());
            assert_eq!(
                read.unwrap_err(),
                DataError::Syntax,
                "{}",
                text.escape_ascii()
            );
        }
        let data = SessionData::from_bytes(b"{\"a\":\"\\\\\xec\"}".to_vec()).unwrap();
        assert_eq!(data.get::<String>("a").unwrap().as_deref(), Some("\\ì"));
    }

    #[test]
    fn a_value_of_another_type_is_an_error_of_that_name_only() {
        let data =
            data(r#"{"nan":NaN,"lone":"\ud800","long":123456789012345678901234567890,"a":1}"#);
        assert_eq!(data.get::<f64>("nan"), Err(ValueError::OtherType));
        assert_eq!(data.get::<String>("lone"), Err(ValueError::OtherType));
        assert_eq!(data.get::<i64>("long"), Err(ValueError::OtherType));
        assert_eq!(data.get::<i64>("a"), Ok(Some(1)));
    }

    #[test]
    fn debug_shows_how_many_names_and_no_value() {
        let debug = format!("{:?}", data(r#"{"a":"secret","b":2}"#));
        assert_eq!(debug, "SessionData { len: 2, .. }");
    }

    #[test]
    fn an_error_says_what_is_wrong_with_the_value() {
        let deep = ValueError::Unreadable(DataError::TooDeep);
        let rows = [
            (
                ValueError::OtherType,
                "the session's value has another type",
            ),
            (
                ValueError::Unwritable,
                "the value cannot be written as JSON",
            ),
            (
                deep,
                "Django could not read the value: nested more than 900 levels deep",
            ),
            (ValueError::Overflow, "the counter would leave 64 bits"),
        ];
        for (error, text) in rows {
            assert_eq!(error.to_string(), text);
        }
    }

    /// Counts nothing and times nothing: comparing each name with every other would take minutes.
    #[test]
    fn many_names_cost_no_more_than_their_number() {
        let names: Vec<String> = (0..100_000).map(|n| format!(r#""{n}":0"#)).collect();
        assert_eq!(data(&format!("{{{}}}", names.join(","))).len(), 100_000);
    }
}

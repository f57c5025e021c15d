//! How one input carries several texts.

use std::borrow::Cow;

/// The fields of an input. Between two of them stands the byte `0xFF`, which no UTF-8 text has: so the files of
/// the corpus can be read, and a field holds any text, line ends included.
pub(crate) struct Parts<'a>(std::slice::Split<'a, u8, fn(&u8) -> bool>);

impl<'a> Parts<'a> {
    pub(crate) fn of(input: &'a [u8]) -> Self {
        Self(input.split(|byte| *byte == 0xFF))
    }

    /// The next field; an empty one where the input has no more.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        self.0.next().unwrap_or_default()
    }

    /// The next field as text; what is not UTF-8 becomes U+FFFD.
    pub(crate) fn text(&mut self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// The next field as text, if it says anything.
    pub(crate) fn maybe_text(&mut self) -> Option<Cow<'a, str>> {
        Some(self.text()).filter(|text| !text.is_empty())
    }

    /// The next field as a decimal number; 0 for what is none.
    pub(crate) fn number(&mut self) -> i64 {
        self.text().parse().unwrap_or_default()
    }

    /// The next field as letters that each switch something on.
    pub(crate) fn flags(&mut self) -> Flags<'a> {
        Flags(self.bytes())
    }

    /// The fields that are left.
    pub(crate) fn rest(self) -> impl Iterator<Item = Cow<'a, str>> {
        self.0.map(String::from_utf8_lossy)
    }
}

/// A field of letters.
#[derive(Clone, Copy)]
pub(crate) struct Flags<'a>(&'a [u8]);

impl Flags<'_> {
    pub(crate) fn has(self, letter: u8) -> bool {
        self.0.contains(&letter)
    }
}

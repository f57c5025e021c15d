//! `UserAttributeSimilarityValidator`.

use std::collections::HashMap;

use serde_json::{Map, Value};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use super::{Attribute, BadValidators, Problem};

/// Which attributes are looked at, and how like one a password may be.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Similarity {
    attributes: Vec<String>,
    /// From 0.1; a password that reaches it is refused.
    most: f64,
}

impl Default for Similarity {
    fn default() -> Self {
        Self {
            attributes: ["username", "first_name", "last_name", "email"]
                .map(String::from)
                .to_vec(),
            most: 0.7,
        }
    }
}

impl Similarity {
    /// Takes its options out of these.
    pub(super) fn of(options: &mut Map<String, Value>) -> Result<Self, BadValidators> {
        let mut similarity = Self::default();
        if let Some(value) = options.remove("user_attributes") {
            let wanted = "user_attributes wants a list of texts";
            similarity.attributes =
                serde_json::from_value(value).map_err(|_| BadValidators::Option(wanted))?;
        }
        if let Some(value) = options.remove("max_similarity") {
            let most = value.as_f64().filter(|most| *most >= 0.1);
            let wanted = "max_similarity wants a number of at least 0.1";
            similarity.most = most.ok_or(BadValidators::Option(wanted))?;
        }
        Ok(similarity)
    }

    /// The first attribute that the password is too like, as a whole or in one of its words.
    pub(super) fn problem(&self, password: &str, user: &[Attribute<'_>]) -> Option<Problem> {
        let password = Letters::of(&password.to_lowercase());
        let known = self
            .attributes
            .iter()
            .filter_map(|name| user.iter().find(|attribute| attribute.name == name));
        let mut filled = known.filter(|attribute| !attribute.value.is_empty());
        let alike = filled.find(|attribute| {
            let value = attribute.value.to_lowercase();
            let words = words(&value);
            words
                .into_iter()
                .chain([value.as_str()])
                .any(|part| self.is_too_like(&password, part))
        })?;
        Some(Problem {
            code: "password_too_similar",
            message: format!("The password is too similar to the {}.", alike.verbose_name),
        })
    }

    fn is_too_like(&self, password: &Letters, part: &str) -> bool {
        let length = part.chars().count();
        // A long password that has a short word in it is not like that word.
        #[expect(clippy::cast_precision_loss, reason = "no password is that long")]
        let short = (length as f64) < self.most / 2.0 * password.length as f64;
        if password.length >= 10 * length && short {
            return false;
        }
        password.ratio(part, length) >= self.most
    }
}

/// How often each character is in a text.
struct Letters {
    counts: HashMap<char, usize>,
    length: usize,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut counts = HashMap::new();
        let mut length = 0;
        for character in text.chars() {
            *counts.entry(character).or_default() += 1;
            length += 1;
        }
        Self { counts, length }
    }

    /// `SequenceMatcher.quick_ratio`: how much of both texts the other has too, in any order.
    #[expect(clippy::cast_precision_loss, reason = "no password is that long")]
    fn ratio(&self, other: &str, length: usize) -> f64 {
        if self.length + length == 0 {
            return 1.0;
        }
        let other = Self::of(other);
        let common = other.counts.iter().map(|(character, count)| {
            let own = self.counts.get(character).copied().unwrap_or_default();
            own.min(*count)
        });
        2.0 * common.sum::<usize>() as f64 / (self.length + length) as f64
    }
}

/// What stands between runs of characters that belong to no word (`\W+`), the empty ends included.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut within) = (0, true);
    for (place, character) in text.char_indices() {
        if is_word(character) != within {
            if within {
                words.push(&text[start..place]);
            }
            start = place;
            within = !within;
        }
    }
    words.push(if within { &text[start..] } else { "" });
    words
}

fn is_word(character: char) -> bool {
    let group = character.general_category_group();
    matches!(
        group,
        GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number
    ) || character == '_'
}

pub(super) const HELP: &str =
    "Your password can’t be too similar to your other personal information.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_by_python() {
        let rows: [(&str, &[&str]); 8] = [
            ("", &[""]),
            ("ann", &["ann"]),
            ("ann@example.org", &["ann", "example", "org"]),
            ("@", &["", ""]),
            ("--a--b--", &["", "a", "b", ""]),
            ("a_1é²", &["a_1é²"]),
            ("a\u{301}b", &["a", "b"]),
            ("日本 語", &["日本", "語"]),
        ];
        for (text, expected) in rows {
            assert_eq!(words(text), expected, "{text}");
        }
    }
}

//! `CommonPasswordValidator`, with Django's own list.
//!
//! `common-passwords.txt.gz` is Django's file, byte for byte, under Django's licence (`common-passwords.LICENSE`):
//! 19,640 passwords in lower case, put together by Royce Williams.

use std::collections::HashSet;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

use super::Problem;

/// Upper case and blanks around it do not make a password less common.
pub(super) fn problem(password: &str) -> Option<Problem> {
    let lower = password.to_lowercase();
    LIST.contains(lower.trim_matches(is_space))
        .then(|| Problem {
            code: "password_too_common",
            message: "This password is too common.".to_owned(),
        })
}

pub(super) const HELP: &str = "Your password can’t be a commonly used password.";

/// Python's blanks, which are Unicode's and four separators of ASCII.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

static LIST: LazyLock<HashSet<Box<str>>> = LazyLock::new(|| {
    let mut text = String::new();
    GzDecoder::new(FILE)
        .read_to_string(&mut text)
        .expect("the file is the one that a test reads");
    text.lines().map(|line| line.trim().into()).collect()
});
const FILE: &[u8] = include_bytes!("common-passwords.txt.gz");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::validation::{Validator, Validators};

    /// P2.
    #[test]
    fn the_list_is_the_whole_of_django_s() {
        assert_eq!(LIST.len(), 19_640);
        assert!(LIST.iter().all(|password| problem(password).is_some()));
    }

    /// P2: the first 3,000 that are long enough for Django's own rule, and all that are long enough for ours.
    #[test]
    fn the_most_common_passwords_of_every_allowed_length_are_refused_with_the_reason() {
        let mut text = String::new();
        GzDecoder::new(FILE).read_to_string(&mut text).unwrap();
        for (least, tried) in [(8, 3000), (12, 190)] {
            let validators = Validators(vec![Validator::MinimumLength(least), Validator::Common]);
            let allowed = text.lines().filter(|line| line.chars().count() >= least);
            let mut refused = 0;
            for password in allowed.take(3000) {
                for typed in [
                    password.to_owned(),
                    password.to_ascii_uppercase(),
                    format!(" {password} "),
                ] {
                    let problems = validators.validate(&typed, &[]);
                    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
                    assert_eq!(codes, ["password_too_common"], "{typed}");
                }
                refused += 1;
            }
            assert_eq!(refused, tried, "of at least {least} characters");
        }
    }
}

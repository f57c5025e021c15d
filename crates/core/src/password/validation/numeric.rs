//! `NumericPasswordValidator`.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::Problem;

/// Digits of any script count, also superscript and circled ones.
pub(super) fn problem(password: &str) -> Option<Problem> {
    let numeric = !password.is_empty() && password.chars().all(is_digit);
    numeric.then(|| Problem {
        code: "password_entirely_numeric",
        message: "This password is entirely numeric.".to_owned(),
    })
}

pub(super) const HELP: &str = "Your password can’t be entirely numeric.";

/// Python's `isdigit`: decimal digits, and what Unicode gives a digit's value without being one.
fn is_digit(character: char) -> bool {
    character.general_category() == GeneralCategory::DecimalNumber
        || LIKE_DIGITS
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&character))
}

/// `Numeric_Type=Digit` in Unicode's `DerivedNumericType.txt`. Unicode gives it to no new characters.
const LIKE_DIGITS: [(char, char); 20] = [
    ('\u{b2}', '\u{b3}'),
    ('\u{b9}', '\u{b9}'),
    ('\u{1369}', '\u{1371}'),
    ('\u{19da}', '\u{19da}'),
    ('\u{2070}', '\u{2070}'),
    ('\u{2074}', '\u{2079}'),
    ('\u{2080}', '\u{2089}'),
    ('\u{2460}', '\u{2468}'),
    ('\u{2474}', '\u{247c}'),
    ('\u{2488}', '\u{2490}'),
    ('\u{24ea}', '\u{24ea}'),
    ('\u{24f5}', '\u{24fd}'),
    ('\u{24ff}', '\u{24ff}'),
    ('\u{2776}', '\u{277e}'),
    ('\u{2780}', '\u{2788}'),
    ('\u{278a}', '\u{2792}'),
    ('\u{10a40}', '\u{10a43}'),
    ('\u{10e60}', '\u{10e68}'),
    ('\u{11052}', '\u{1105a}'),
    ('\u{1f100}', '\u{1f10a}'),
];

//! `MinimumLengthValidator`.

use super::Problem;

/// Counts code points, as Python does.
pub(super) fn problem(password: &str, least: usize) -> Option<Problem> {
    (password.chars().count() < least).then(|| Problem {
        code: "password_too_short",
        message: format!(
            "This password is too short. It must contain at least {}.",
            characters(least)
        ),
    })
}

pub(super) fn help(least: usize) -> String {
    format!("Your password must contain at least {}.", characters(least))
}

fn characters(number: usize) -> String {
    let noun = if number == 1 {
        "character"
    } else {
        "characters"
    };
    format!("{number} {noun}")
}

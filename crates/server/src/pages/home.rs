//! `/home/`: for those who are logged in.

use cloakroom_core::auth::User;
use cloakroom_core::time::Timestamp;
use serde::Serialize;

use super::View;

/// One's own page.
#[derive(Debug, Serialize)]
pub(crate) struct Home<'a> {
    name: String,
    username: &'a str,
    last_login: Option<Moment>,
}

impl<'a> Home<'a> {
    /// The page of `user`.
    pub(crate) fn new(user: &'a User) -> Self {
        Self {
            name: user.display_name(),
            username: &user.username,
            last_login: user.last_login.map(Moment::new),
        }
    }
}

impl View for Home<'_> {
    const TEMPLATE: &'static str = "home.html";
}

/// A moment for a `time` element.
#[derive(Debug, Serialize)]
struct Moment {
    iso: String,
    words: String,
}

impl Moment {
    fn new(moment: Timestamp) -> Self {
        let date = moment.http_date();
        // `Sat, 25 Jul 2026 14:03:09 GMT`: neither the day of the week nor the second matters here.
        let words = match (date.get(5..16), date.get(17..22)) {
            (Some(day), Some(time)) => format!("{day}, {time} UTC"),
            _ => date,
        };
        Self {
            iso: moment.iso_text(),
            words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_to_the_minute() {
        let moment = Moment::new(Timestamp::from_unix_seconds(1_785_000_189));
        assert_eq!(moment.words, "25 Jul 2026, 17:23 UTC");
        assert_eq!(moment.iso, "2026-07-25T17:23:09+00:00");
    }
}

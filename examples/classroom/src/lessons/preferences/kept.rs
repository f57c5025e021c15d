//! Preferences as a cookie, a form and a table have them.

use std::collections::HashMap;
use std::fmt;

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::{Deserialize, Deserializer, Serialize};

/// The first of each is what somebody has who has not chosen, or who sends what is not known.
const THEMES: [&str; 3] = ["system", "light", "dark"];
const LANGUAGES: [&str; 3] = ["en", "de", "fr"];
const PAGE_SIZES: [u8; 3] = [2, 3, 5];

#[derive(Clone, Copy, Serialize)]
pub(super) struct Preferences {
    theme: &'static str,
    language: &'static str,
    pub(super) page_size: u8,
}

impl Preferences {
    fn new(theme: &str, language: &str, page_size: &str) -> Self {
        Self {
            theme: known(&THEMES, theme),
            language: known(&LANGUAGES, language),
            page_size: known(&PAGE_SIZES, page_size),
        }
    }

    /// Reads a cookie's text, `dark.de.5`. Anybody can write it, so it is not believed.
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = text.split('.');
        let mut next = || parts.next().unwrap_or_default();
        Self::new(next(), next(), next())
    }

    /// The user's own, or else those of the cookie, which become the user's.
    pub(super) fn of_user(
        tables: &mut Connection,
        user: &str,
        in_cookie: Option<Self>,
    ) -> rusqlite::Result<Self> {
        if let Some(visitor) = in_cookie {
            tables.execute(
                "INSERT OR IGNORE INTO classroom_preference (user_id, theme, language, page_size) VALUES (?1, ?2, ?3, ?4)",
                (user, visitor.theme, visitor.language, visitor.page_size),
            )?;
        }
        let row = |row: &Row<'_>| {
            let (theme, language): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(Self::new(
                &theme,
                &language,
                &row.get::<_, i64>(2)?.to_string(),
            ))
        };
        let select =
            "SELECT theme, language, page_size FROM classroom_preference WHERE user_id = ?1";
        let kept = tables.query_row(select, [user], row).optional()?;
        Ok(kept.unwrap_or_default())
    }

    /// Keeps them with the account.
    pub(super) fn keep(self, tables: &mut Connection, user: &str) -> rusqlite::Result<()> {
        tables.execute(
            "INSERT OR REPLACE INTO classroom_preference (user_id, theme, language, page_size) VALUES (?1, ?2, ?3, ?4)",
            (user, self.theme, self.language, self.page_size),
        )?;
        Ok(())
    }
}

impl Default for Preferences {
    fn default() -> Self {
        Self::new("", "", "")
    }
}

/// The cookie's text.
impl fmt::Display for Preferences {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}.{}.{}",
            self.theme, self.language, self.page_size
        )
    }
}

/// Reads what the form sent.
impl<'de> Deserialize<'de> for Preferences {
    fn deserialize<D: Deserializer<'de>>(form: D) -> Result<Self, D::Error> {
        let fields = HashMap::<String, String>::deserialize(form)?;
        let field = |name| fields.get(name).map_or("", String::as_str);
        Ok(Self::new(
            field("theme"),
            field("language"),
            field("page_size"),
        ))
    }
}

fn known<T: Copy + ToString>(known: &[T; 3], text: &str) -> T {
    let found = known.iter().find(|one| one.to_string() == text);
    *found.unwrap_or(&known[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_falls_back_value_by_value() {
        for (text, expected) in [
            ("dark.de.5", "dark.de.5"),
            ("", "system.en.2"),
            ("dark", "dark.en.2"),
            ("pink.fr.5", "system.fr.5"),
            ("dark.xx.-1", "dark.en.2"),
            ("dark.de.5.more", "dark.de.5"),
            ("<script>.de.5000", "system.de.2"),
        ] {
            assert_eq!(Preferences::parse(text).to_string(), expected, "{text}");
        }
    }
}

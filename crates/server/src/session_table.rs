//! Which table keeps sessions, and which database, by the settings.

use cloakroom_stores::{Contents, SessionTable};

use crate::commands::Failure;
use crate::database_url::DatabaseUrl;
use crate::sessions_url::SessionsUrl;
use crate::settings::Settings;

/// The table that the settings `SESSION_TABLE` and `SESSION_…_COLUMN` name.
///
/// # Errors
/// A name is none, or two columns have the same; the message says which setting.
pub fn session_table(settings: &Settings) -> Result<SessionTable, Failure> {
    let mut table = SessionTable::default();
    let names = [
        ("SESSION_TABLE", &mut table.name),
        ("SESSION_KEY_COLUMN", &mut table.session_key),
        ("SESSION_DATA_COLUMN", &mut table.session_data),
        ("SESSION_EXPIRE_COLUMN", &mut table.expire_date),
    ];
    for (setting, name) in names {
        if let Some(text) = settings.text(setting) {
            *name = identifier(setting, text)?;
        }
    }
    for text in settings.texts("SESSION_EXTRA_COLUMNS").unwrap_or_default() {
        let (column, value) = text.split_once('=').ok_or_else(|| {
            Failure::new(
                "SESSION_EXTRA_COLUMNS should be a list such as [\"site=1\", \"note=new\"]",
            )
        })?;
        let column = identifier("SESSION_EXTRA_COLUMNS", column)?;
        if value.contains('\0') {
            return Err(Failure::new(
                "SESSION_EXTRA_COLUMNS has a value with a NUL, which no column of text takes",
            ));
        }
        table.extra.push((column, value.to_owned()));
    }
    // Databases do not tell them apart by case.
    let own = [&table.session_key, &table.session_data, &table.expire_date];
    let extra = table.extra.iter().map(|(column, _)| column);
    let mut columns: Vec<_> = own
        .into_iter()
        .chain(extra)
        .map(|column| column.to_ascii_lowercase())
        .collect();
    columns.sort_unstable();
    if let Some(twice) = columns.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::new(format!(
            "the settings name the column {} of the table of sessions twice",
            twice[0]
        )));
    }
    Ok(table)
}

/// A name that means the same in each database: quoted it may be anything, but what is mistyped should not wait for the
/// first visitor.
pub(crate) fn identifier(setting: &str, text: &str) -> Result<String, Failure> {
    let first = text.bytes().next();
    let fits = first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && text.len() <= LONGEST_NAME
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Failure::new(format!(
            "{setting} should name a table or a column: letters, digits and _, at most {LONGEST_NAME}, and no digit in \
             front"
        )))
    }
}

/// Which database has the table of sessions, and what else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Apart {
    /// None but the users': or no database at all.
    No,
    /// This one, which keeps nothing else.
    Database(DatabaseUrl),
}

impl Apart {
    /// The database that `SESSIONS`, or for sessions in cookies `SESSION_REVOCATIONS`, names beside the users'.
    ///
    /// # Errors
    /// `SESSIONS` names no place for sessions.
    pub fn of(settings: &Settings) -> Result<Self, Failure> {
        let sessions = settings.text("SESSIONS").map(SessionsUrl::parse);
        let url = match sessions.transpose()? {
            Some(SessionsUrl::Cookie) => settings
                .text("SESSION_REVOCATIONS")
                .and_then(|text| SessionsUrl::parse(text).ok()),
            other => other,
        };
        Ok(match url {
            Some(SessionsUrl::Database(url)) => Self::Database(url),
            _ => Self::No,
        })
    }

    /// The table of sessions in a database with these contents. One of another name is where the sessions are.
    pub(crate) fn table(
        &self,
        contents: Contents,
        settings: &Settings,
    ) -> Result<SessionTable, Failure> {
        let table = session_table(settings)?;
        Ok(match (self, contents) {
            (Self::Database(_), Contents::SessionsAndUsers) => SessionTable::default(),
            _ => table,
        })
    }
}

/// PostgreSQL cuts longer ones off without a word.
const LONGEST_NAME: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(values: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in values {
            settings.set(name, value).unwrap();
        }
        settings
    }

    #[test]
    fn the_table_is_django_s_unless_the_settings_name_another() {
        assert!(session_table(&settings(&[])).unwrap().is_django_s());
        let table = session_table(&settings(&[
            ("SESSION_TABLE", "shop_ticket"),
            ("SESSION_KEY_COLUMN", "ticket"),
            ("SESSION_DATA_COLUMN", "data"),
            ("SESSION_EXPIRE_COLUMN", "until"),
            ("SESSION_EXTRA_COLUMNS", r#"["site=1", "note=a=b"]"#),
        ]));
        let expected = SessionTable {
            name: "shop_ticket".into(),
            session_key: "ticket".into(),
            session_data: "data".into(),
            expire_date: "until".into(),
            extra: vec![("site".into(), "1".into()), ("note".into(), "a=b".into())],
        };
        assert_eq!(table.unwrap(), expected);
    }

    #[test]
    fn what_is_no_name_is_refused_by_its_setting() {
        let long = "a".repeat(64);
        for name in [
            "", "a b", "a\"b", "a;b", "a.b", "1a", "é", "a`", "a'", &long,
        ] {
            for setting in [
                "SESSION_TABLE",
                "SESSION_KEY_COLUMN",
                "SESSION_DATA_COLUMN",
                "SESSION_EXPIRE_COLUMN",
            ] {
                let error = session_table(&settings(&[(setting, name)])).unwrap_err();
                assert!(error.to_string().starts_with(setting), "{name}: {error}");
            }
        }
        for list in [
            r#"["site"]"#,
            r#"["=1"]"#,
            r#"["a b=1"]"#,
            r#"["a=\u0000"]"#,
        ] {
            let error = session_table(&settings(&[("SESSION_EXTRA_COLUMNS", list)])).unwrap_err();
            assert!(error.to_string().contains("SESSION_EXTRA_COLUMNS"));
        }
    }

    #[test]
    fn no_two_columns_have_one_name() {
        for values in [
            [
                ("SESSION_KEY_COLUMN", "Expire_Date"),
                ("SESSION_TABLE", "a"),
            ],
            [
                ("SESSION_EXTRA_COLUMNS", r#"["a=1", "A=2"]"#),
                ("SESSION_TABLE", "a"),
            ],
            [
                ("SESSION_EXTRA_COLUMNS", r#"["session_key=1"]"#),
                ("SESSION_TABLE", "a"),
            ],
        ] {
            let error = session_table(&settings(&values)).unwrap_err().to_string();
            assert!(error.ends_with("twice"), "{error}");
        }
        // A table may be called as a column is.
        assert!(session_table(&settings(&[("SESSION_TABLE", "session_key")])).is_ok());
    }

    #[test]
    fn another_database_is_where_the_sessions_or_their_list_are() {
        let apart = |values: &[_]| Apart::of(&settings(values)).unwrap();
        let file = Apart::Database(DatabaseUrl::Sqlite("s.db".into()));
        assert_eq!(apart(&[]), Apart::No);
        assert_eq!(apart(&[("SESSIONS", "cached")]), Apart::No);
        assert_eq!(apart(&[("SESSIONS", "sqlite:s.db")]), file);
        let cookie = ("SESSIONS", "cookie:");
        assert_eq!(apart(&[cookie]), Apart::No);
        assert_eq!(
            apart(&[cookie, ("SESSION_REVOCATIONS", "database")]),
            Apart::No
        );
        assert_eq!(
            apart(&[cookie, ("SESSION_REVOCATIONS", "sqlite:s.db")]),
            file
        );
        assert_eq!(apart(&[("SESSION_REVOCATIONS", "sqlite:s.db")]), Apart::No);
    }
}

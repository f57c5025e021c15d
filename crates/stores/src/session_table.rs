//! The table that keeps sessions, under whatever names a site gave it.

use crate::dialect::Dialect;

/// Which table keeps sessions, and what its columns are called. The default is Django's `django_session`.
///
/// A site whose session model is its own (a subclass of Django's `AbstractBaseSession`) names its table here.
/// That table is never made by us: the site's own migrations make it.
///
/// Names are quoted, so they are compared as the database compares quoted names; a name that a database
/// cannot have (an empty one, one with a NUL) is refused by the database when it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a table has these parts; callers name the ones that differ and take the rest from the default"
)]
pub struct SessionTable {
    /// The table. Default `django_session`.
    pub name: String,
    /// The column of the session key, which must be unique. Default `session_key`.
    pub session_key: String,
    /// The column of the signed text. Default `session_data`.
    pub session_data: String,
    /// The column of the moment at which the session ends. Default `expire_date`.
    pub expire_date: String,
    /// Columns that a new row needs besides, each with the text of its value; the database makes a number, a
    /// truth value or a date of it where the column is one. Nothing ever changes them. Default none.
    pub extra: Vec<(String, String)>,
}

impl SessionTable {
    /// True if this is the table that Django's own `sessions` app makes.
    #[must_use]
    pub fn is_django_s(&self) -> bool {
        *self == Self::default()
    }

    /// The columns that every row has, in no order that means something.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let own = [&self.session_key, &self.session_data, &self.expire_date];
        let extra = self.extra.iter().map(|(column, _)| column);
        own.into_iter().chain(extra).map(String::as_str)
    }

    /// A statement on this table. In `template`, `{table}`, `{session_key}`, `{session_data}` and `{expire_date}`
    /// stand for the quoted names; `{extra_columns}` and `{extra_values}` go on with a list of columns and of values.
    ///
    /// # Panics
    /// The template, which is one of ours, has another word in braces.
    pub(crate) fn sql(&self, dialect: Dialect, template: &str) -> String {
        let mut sql = String::with_capacity(template.len());
        let mut rest = template;
        // In one pass, so that a name that holds braces is not taken for a part of the template.
        while let Some((before, after)) = rest.split_once('{') {
            sql.push_str(before);
            let (word, after) = after.split_once('}').expect("a brace is closed");
            match word {
                "table" => sql.push_str(&dialect.name(&self.name)),
                "session_key" => sql.push_str(&dialect.name(&self.session_key)),
                "session_data" => sql.push_str(&dialect.name(&self.session_data)),
                "expire_date" => sql.push_str(&dialect.name(&self.expire_date)),
                "extra_columns" => self.extra.iter().for_each(|(column, _)| {
                    sql.push_str(", ");
                    sql.push_str(&dialect.name(column));
                }),
                "extra_values" => self.extra.iter().for_each(|(_, value)| {
                    sql.push_str(", ");
                    sql.push_str(&dialect.text(value));
                }),
                _ => unreachable!("a template names only parts of the table"),
            }
            rest = after;
        }
        sql.push_str(rest);
        sql
    }
}

impl Default for SessionTable {
    fn default() -> Self {
        Self {
            name: "django_session".into(),
            session_key: "session_key".into(),
            session_data: "session_data".into(),
            expire_date: "expire_date".into(),
            extra: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_django_s_table() {
        let table = SessionTable::default();
        assert!(table.is_django_s());
        let columns: Vec<_> = table.columns().collect();
        assert_eq!(columns, ["session_key", "session_data", "expire_date"]);
        assert_eq!(
            table.sql(
                Dialect::Sqlite,
                "INSERT INTO {table} ({session_key}, {session_data}, {expire_date}{extra_columns}) \
                 VALUES (?1, ?2, ?3{extra_values})"
            ),
            "INSERT INTO `django_session` (`session_key`, `session_data`, `expire_date`) VALUES (?1, ?2, ?3)"
        );
    }

    #[test]
    fn extra_columns_are_named_and_filled() {
        let table = SessionTable {
            extra: vec![("site".into(), "1".into()), ("note".into(), "it's".into())],
            ..SessionTable::default()
        };
        assert!(!table.is_django_s());
        assert_eq!(table.columns().last(), Some("note"));
        assert_eq!(
            table.sql(Dialect::Postgres, "(a{extra_columns}) (b{extra_values})"),
            r#"(a, "site", "note") (b, '1', 'it''s')"#
        );
    }

    #[test]
    fn no_name_and_no_text_leaves_its_quotes() {
        let table = SessionTable {
            name: "a\"`{session_key}".into(),
            ..SessionTable::default()
        };
        let named = |dialect| table.sql(dialect, "{table}");
        assert_eq!(named(Dialect::Sqlite), "`a\"``{session_key}`");
        assert_eq!(named(Dialect::Postgres), "\"a\"\"`{session_key}\"");
        assert_eq!(named(Dialect::MySql), "`a\"``{session_key}`");
    }
}

//! How each database wants names, texts and comparisons to be written.

/// How a database wants names and texts to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code))]
    Sqlite,
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    Postgres,
    #[cfg_attr(not(feature = "mysql"), allow(dead_code))]
    MySql,
}

impl Dialect {
    /// A quoted name of a table or a column.
    pub(crate) fn name(self, name: &str) -> String {
        match self {
            Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            // SQLite takes what stands in double quotes for a text where no column has that name.
            Self::Sqlite | Self::MySql => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// The place of a statement's parameter; the first one is 1. MySQL counts them as they stand, so in a statement for
    /// all databases they stand in their order, and none twice.
    pub(crate) fn parameter(self, number: usize) -> String {
        match self {
            Self::Sqlite => format!("?{number}"),
            Self::Postgres => format!("${number}"),
            Self::MySql => "?".to_owned(),
        }
    }

    /// A condition: a column of text holds the very bytes of a parameter, whatever its collation.
    pub(crate) fn same_bytes(self, column: &str, parameter: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} = {parameter} COLLATE BINARY"),
            Self::Postgres => format!("{column} COLLATE \"C\" = {parameter}"),
            // The column's character set may be another one, in which the same text has other bytes.
            Self::MySql => format!(
                "CAST(CONVERT({column} USING utf8mb4) AS BINARY) = CAST({parameter} AS BINARY)"
            ),
        }
    }

    /// A condition: Django's `iexact`, by the means of each database. On MySQL the parameter is a
    /// [`pattern`].
    pub(crate) fn ignoring_case(self, column: &str, parameter: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} = {parameter} COLLATE NOCASE"),
            Self::Postgres => format!("UPPER({column}::text) = UPPER({parameter})"),
            Self::MySql => format!("{column} LIKE {parameter} ESCAPE '!'"),
        }
    }

    /// A quoted text.
    pub(crate) fn text(self, text: &str) -> String {
        // Whether a backslash escapes is a setting of the server in PostgreSQL and in MySQL, so no text that has
        // one is written as it is.
        let doubled = text.replace('\'', "''");
        match self {
            Self::Sqlite => format!("'{doubled}'"),
            _ if !text.contains('\\') => format!("'{doubled}'"),
            Self::Postgres => format!("E'{}'", doubled.replace('\\', "\\\\")),
            Self::MySql => {
                let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                format!("_utf8mb4 0x{hex}")
            }
        }
    }
}

/// A text as a pattern of `LIKE` that nothing else matches.
#[cfg_attr(not(feature = "mysql"), allow(dead_code))]
pub(crate) fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_quotes() {
        let rows = [
            (Dialect::Sqlite, r"\' x", r"'\'' x'"),
            (Dialect::Postgres, r"\' x", r"E'\\'' x'"),
            (Dialect::MySql, r"\' x", r"_utf8mb4 0x5c272078"),
            (Dialect::MySql, "é'", "'é'''"),
        ];
        for (dialect, text, quoted) in rows {
            assert_eq!(dialect.text(text), quoted, "{dialect:?}");
        }
    }

    #[test]
    fn a_pattern_matches_its_text_alone() {
        assert_eq!(pattern("a_b%c!d\\"), "a!_b!%c!!d\\");
    }
}

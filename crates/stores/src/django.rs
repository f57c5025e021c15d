//! What Django's apps make of a database, and whose a database is: the same for every SQL engine.

use std::collections::BTreeSet;
use std::fmt;

use cloakroom_core::session::StoreError;

use crate::session_table::SessionTable;
use crate::user_table::UserTable;

/// What a database keeps, and so which of Django's tables it must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers choose one")]
pub enum Contents {
    /// Sessions and users: a whole site.
    #[default]
    SessionsAndUsers,
    /// Sessions alone; the users are elsewhere.
    Sessions,
}

impl Contents {
    /// The tables that are made.
    fn tables(self) -> &'static [&'static str] {
        match self {
            Self::SessionsAndUsers => &TABLES,
            Self::Sessions => &SESSION_TABLES,
        }
    }

    /// The migrations that make them, in the order in which Django applies them.
    pub(crate) fn migrations(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::SessionsAndUsers => &MIGRATIONS,
            Self::Sessions => &SESSION_MIGRATIONS,
        }
    }

    /// The statements of a schema that make them. Each stands in a line.
    pub(crate) fn statements(self, schema: &str) -> impl Iterator<Item = &str> {
        schema.lines().filter(move |line| match self {
            _ if line.starts_with("--") => false,
            Self::SessionsAndUsers => true,
            Self::Sessions => {
                !line.starts_with("INSERT")
                    && SESSION_TABLES.iter().any(|table| line.contains(table))
            }
        })
    }
}

/// What a store's `migrate` did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Migrated {
    /// The database was empty and has Django's tables now.
    Created,
    /// All tables were there.
    NothingToDo,
    /// A Django site's database: its own `manage.py migrate` makes what is missing, we make nothing.
    LeftToDjango {
        /// The tables without which we cannot keep sessions or users.
        missing: Vec<String>,
    },
}

/// Something that a store's `check` found; its text says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The table is not there.
    MissingTable {
        /// Its name.
        table: String,
    },
    /// The table is there without this column.
    MissingColumn {
        /// The table's name.
        table: String,
        /// The column's name.
        column: String,
    },
    /// A trial write failed; the text is the error's.
    NotWritable(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingTable { table } => write!(
                formatter,
                "the table {table} is missing; run `cloakroom migrate`, or `manage.py migrate` if the database is Django's"
            ),
            Self::MissingColumn { table, column } => write!(
                formatter,
                "the table {table} has no column {column}; run `manage.py migrate` of the Django that made it"
            ),
            Self::NotWritable(error) => formatter.write_str(error),
        }
    }
}

/// What of Django's is in a database.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    /// The names of all tables and views.
    pub(crate) tables: BTreeSet<String>,
    /// App and name of each row of `django_migrations`.
    pub(crate) recorded: BTreeSet<(String, String)>,
}

/// What is to be done with a database.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Survey {
    Empty,
    Complete,
    Foreign {
        missing: Vec<String>,
    },
    /// Some of the tables or records are there and some are not; the text says how many.
    Partial(String),
}

impl Inventory {
    /// Whose this database is, and what it lacks.
    ///
    /// Where sessions or users are kept in another table than Django's own, the schema is a site's, whatever is recorded.
    pub(crate) fn survey(
        &self,
        contents: Contents,
        sessions: &SessionTable,
        users: &UserTable,
    ) -> Survey {
        let missing = |tables: &[&str]| -> Vec<String> {
            let missing = tables.iter().filter(|table| !self.tables.contains(**table));
            missing.map(|table| (*table).to_owned()).collect()
        };
        let own = sessions.is_django_s() && (contents == Contents::Sessions || users.is_django_s());
        if !self.foreign_apps().is_empty() || !own {
            let needed = needed(contents, sessions, users);
            let tables: Vec<&str> = needed.into_iter().map(|(table, _)| table).collect();
            return Survey::Foreign {
                missing: missing(&tables),
            };
        }
        let (tables, migrations) = (contents.tables(), contents.migrations());
        let unrecorded = migrations
            .iter()
            .filter(|(app, name)| {
                !self
                    .recorded
                    .contains(&((*app).to_owned(), (*name).to_owned()))
            })
            .count();
        let missing = missing(tables);
        if unrecorded == 0 && missing.is_empty() {
            Survey::Complete
        } else if self.recorded.is_empty() && missing.len() == tables.len() {
            Survey::Empty
        } else {
            Survey::Partial(format!(
                "{} of {} tables are missing, {unrecorded} of {} migrations are not recorded",
                missing.len(),
                tables.len(),
                migrations.len()
            ))
        }
    }

    /// The apps with recorded migrations that are neither ours nor one of the three whose tables we use.
    pub(crate) fn foreign_apps(&self) -> Vec<String> {
        let apps: BTreeSet<&String> = self.recorded.iter().map(|(app, _)| app).collect();
        let foreign = apps
            .into_iter()
            .filter(|app| !OWN_APPS.contains(&app.as_str()));
        foreign.cloned().collect()
    }
}

/// The error of a database that is neither empty nor complete.
pub(crate) fn only_a_part(
    database: impl fmt::Display,
    url: impl fmt::Display,
    what: &str,
) -> StoreError {
    StoreError::new(format!(
        "the database {database} has only a part of Django's tables ({what}); run `manage.py migrate` of the Django \
         that made them, or name an empty database with `cloakroom migrate --database {url}`"
    ))
}

/// The tables and columns without which we can do nothing.
pub(crate) fn needed<'a>(
    contents: Contents,
    sessions: &'a SessionTable,
    users: &'a UserTable,
) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut needed = vec![(sessions.name.as_str(), sessions.columns().collect())];
    if contents == Contents::SessionsAndUsers {
        needed.push((users.name.as_str(), users.needed()));
        // Those of Django's own table come with it.
        if !users.is_django_s() {
            let links = users.links();
            needed.extend(
                links.map(|(link, other)| (link.name.as_str(), vec![link.user.as_str(), other])),
            );
        }
    }
    needed
}

/// What one of the [`needed`] tables lacks, given the columns that were found; none, if there is no such table.
pub(crate) fn lacks(table: &str, columns: &[&str], found: &[String]) -> Vec<Problem> {
    if found.is_empty() {
        return vec![Problem::MissingTable {
            table: table.to_owned(),
        }];
    }
    let missing = columns
        .iter()
        .filter(|column| !found.iter().any(|name| name == *column));
    let problem = |column: &&str| Problem::MissingColumn {
        table: table.to_owned(),
        column: (*column).to_owned(),
    };
    missing.map(problem).collect()
}

const OWN_APPS: [&str; 4] = ["contenttypes", "auth", "sessions", "cloakroom"];

pub(crate) const TABLES: [&str; 9] = [
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "auth_user",
    "auth_user_groups",
    "auth_user_user_permissions",
    "django_session",
];

/// The tables of a database that keeps sessions alone.
const SESSION_TABLES: [&str; 2] = ["django_migrations", "django_session"];

const SESSION_MIGRATIONS: [(&str, &str); 1] = [("sessions", "0001_initial")];

/// In the order in which Django applies them; the same from 4.2 to 6.1.
pub(crate) const MIGRATIONS: [(&str, &str); 15] = [
    ("contenttypes", "0001_initial"),
    ("contenttypes", "0002_remove_content_type_name"),
    ("auth", "0001_initial"),
    ("auth", "0002_alter_permission_name_max_length"),
    ("auth", "0003_alter_user_email_max_length"),
    ("auth", "0004_alter_user_username_opts"),
    ("auth", "0005_alter_user_last_login_null"),
    ("auth", "0006_require_contenttypes_0002"),
    ("auth", "0007_alter_validators_add_error_messages"),
    ("auth", "0008_alter_user_username_max_length"),
    ("auth", "0009_alter_user_last_name_max_length"),
    ("auth", "0010_alter_group_name_max_length"),
    ("auth", "0011_update_proxy_permissions"),
    ("auth", "0012_alter_user_first_name_max_length"),
    ("sessions", "0001_initial"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> UserTable {
        UserTable::default()
    }

    fn complete() -> Inventory {
        let owned = |(app, name): (&str, &str)| (app.to_owned(), name.to_owned());
        Inventory {
            tables: TABLES.iter().map(|table| (*table).to_owned()).collect(),
            recorded: MIGRATIONS.into_iter().map(owned).collect(),
        }
    }

    #[test]
    fn a_database_is_empty_complete_or_neither() {
        let django_s = SessionTable::default();
        let whole = Contents::SessionsAndUsers;
        let empty = Inventory::default();
        for contents in [whole, Contents::Sessions] {
            assert_eq!(empty.survey(contents, &django_s, &users()), Survey::Empty);
            assert_eq!(
                complete().survey(contents, &django_s, &users()),
                Survey::Complete
            );
        }
        let mut partial = complete();
        partial.tables.remove("django_session");
        let Survey::Partial(what) = partial.survey(whole, &django_s, &users()) else {
            panic!("a table is missing");
        };
        assert_eq!(
            what,
            "1 of 9 tables are missing, 0 of 15 migrations are not recorded"
        );
        let Survey::Partial(what) = partial.survey(Contents::Sessions, &django_s, &users()) else {
            panic!("the table is missing");
        };
        assert_eq!(
            what,
            "1 of 2 tables are missing, 0 of 1 migrations are not recorded"
        );
    }

    #[test]
    fn a_database_of_sessions_alone_is_complete_without_users() {
        let mut sessions = complete();
        sessions
            .tables
            .retain(|table| table.starts_with("django_se") || table == "django_migrations");
        sessions.recorded.retain(|(app, _)| app == "sessions");
        let django_s = SessionTable::default();
        assert_eq!(
            sessions.survey(Contents::Sessions, &django_s, &users()),
            Survey::Complete
        );
        let whole = sessions.survey(Contents::SessionsAndUsers, &django_s, &users());
        assert!(matches!(whole, Survey::Partial(_)));
        let users = users();
        let tables: Vec<_> = needed(Contents::Sessions, &django_s, &users)
            .into_iter()
            .map(|(table, _)| table)
            .collect();
        assert_eq!(tables, ["django_session"]);
        let schema = "-- django_session\nCREATE TABLE django_session;\nCREATE TABLE auth_user;\n\
                      INSERT INTO auth_permission VALUES ('django_session');";
        let made: Vec<_> = Contents::Sessions.statements(schema).collect();
        assert_eq!(made, ["CREATE TABLE django_session;"]);
        let made = Contents::SessionsAndUsers.statements(schema);
        assert_eq!(made.count(), 3);
    }

    #[test]
    fn a_foreign_app_or_a_table_of_the_site_leaves_the_schema_to_django() {
        let mut foreign = complete();
        foreign
            .recorded
            .insert(("shop".to_owned(), "0001_initial".to_owned()));
        foreign.tables.remove("auth_user");
        assert_eq!(foreign.foreign_apps(), ["shop"]);
        let missing = vec!["auth_user".to_owned()];
        let django_s = SessionTable::default();
        let whole = Contents::SessionsAndUsers;
        assert_eq!(
            foreign.survey(whole, &django_s, &users()),
            Survey::Foreign { missing }
        );
        assert_eq!(
            foreign.survey(Contents::Sessions, &django_s, &users()),
            Survey::Foreign { missing: vec![] }
        );
        let own = SessionTable {
            name: "tickets".into(),
            ..SessionTable::default()
        };
        let missing = vec!["tickets".to_owned()];
        assert_eq!(
            complete().survey(whole, &own, &users()),
            Survey::Foreign { missing }
        );
        let customers = UserTable::of_model("shop.Customer").unwrap();
        let missing = ["", "_groups", "_user_permissions"].map(|end| format!("shop_customer{end}"));
        let missing = missing.to_vec();
        assert_eq!(
            complete().survey(whole, &django_s, &customers),
            Survey::Foreign { missing }
        );
        let alone = complete().survey(Contents::Sessions, &django_s, &customers);
        assert_eq!(alone, Survey::Complete, "the users are elsewhere");
    }

    #[test]
    fn what_a_table_lacks_is_named() {
        let found = ["session_key".to_owned()];
        let problems = lacks("t", &["session_key", "expire_date"], &found);
        let column = Problem::MissingColumn {
            table: "t".into(),
            column: "expire_date".into(),
        };
        assert_eq!(problems, [column]);
        let table = Problem::MissingTable { table: "t".into() };
        assert_eq!(lacks("t", &["session_key"], &[]), [table]);
    }
}

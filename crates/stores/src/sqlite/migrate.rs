//! Django's tables, made as Django's own migrations make them, and whose database this is.

use std::collections::BTreeSet;

use cloakroom_core::session::StoreError;
use cloakroom_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::SqliteStore;

/// What [`SqliteStore::migrate`] did.
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
        missing: Vec<&'static str>,
    },
}

impl SqliteStore {
    /// Makes the tables of Django's `contenttypes`, `auth` and `sessions` apps and records their migrations.
    ///
    /// A Django (4.2 to 6.1) with these apps that is pointed at the database afterwards finds nothing left
    /// to migrate. All is done in one transaction, so that it may be repeated at any time. Where an app that is
    /// not one of these has migrations, Django owns the schema, and nothing is made.
    ///
    /// # Errors
    /// Some of the tables or records are there and some are not, or the database does not answer.
    pub async fn migrate(&self, now: Timestamp) -> Result<Migrated, StoreError> {
        let path = self.path().display().to_string();
        self.write(move |connection| match survey(connection)? {
            Survey::Empty => {
                connection.execute_batch(SCHEMA)?;
                let mut record = connection
                    .prepare("INSERT INTO django_migrations (app, name, applied) VALUES (?1, ?2, ?3)")?;
                for (app, name) in MIGRATIONS {
                    record.execute([app, name, &now.sql_text()])?;
                }
                Ok(Ok(Migrated::Created))
            }
            Survey::Complete => Ok(Ok(Migrated::NothingToDo)),
            Survey::Foreign { missing } => Ok(Ok(Migrated::LeftToDjango { missing })),
            // Nothing was changed on this path, so the transaction may commit.
            Survey::Partial(what) => Ok(Err(StoreError::new(format!(
                "the database {path} has only a part of Django's tables ({what}); run `manage.py migrate` of the \
                 Django that made them, or name an empty database with `cloakroom migrate --database sqlite:PATH`"
            )))),
        })
        .await?
    }

    /// The apps with recorded migrations that are neither ours nor one of the three whose tables we use.
    ///
    /// If there are any, a Django site uses this database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn foreign_apps(&self) -> Result<Vec<String>, StoreError> {
        self.read(foreign_apps).await
    }

    /// True if [`create`](Self::create) made this database.
    ///
    /// The mark is SQLite's `application_id`, four bytes in the file's header that Django neither reads nor
    /// writes. A table or a recorded migration would be in Django's sight; a file beside the database gets lost
    /// when it is moved.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn made_by_us(&self) -> Result<bool, StoreError> {
        self.read(|connection| {
            let id: i32 =
                connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            Ok(id == APPLICATION_ID)
        })
        .await
    }
}

/// "Cloa" in the file's header.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"Cloa");

/// The tables without which we can do nothing.
pub(super) const NEEDED: [&str; 2] = ["django_session", "auth_user"];

/// What is there of Django's tables.
enum Survey {
    Empty,
    Complete,
    Foreign { missing: Vec<&'static str> },
    Partial(String),
}

fn survey(connection: &Connection) -> rusqlite::Result<Survey> {
    let missing = |tables: &[&'static str]| -> rusqlite::Result<Vec<&'static str>> {
        let mut missing = Vec::new();
        for table in tables {
            if !table_exists(connection, table)? {
                missing.push(*table);
            }
        }
        Ok(missing)
    };
    if !foreign_apps(connection)?.is_empty() {
        let missing = missing(&NEEDED)?;
        return Ok(Survey::Foreign { missing });
    }
    let recorded = recorded(connection)?;
    let unrecorded = MIGRATIONS
        .iter()
        .filter(|(app, name)| !recorded.contains(&((*app).to_owned(), (*name).to_owned())))
        .count();
    let missing = missing(&TABLES)?;
    Ok(if unrecorded == 0 && missing.is_empty() {
        Survey::Complete
    } else if recorded.is_empty() && missing.len() == TABLES.len() {
        Survey::Empty
    } else {
        Survey::Partial(format!(
            "{} of {} tables are missing, {unrecorded} of {} migrations are not recorded",
            missing.len(),
            TABLES.len(),
            MIGRATIONS.len()
        ))
    })
}

fn foreign_apps(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let apps: BTreeSet<String> = recorded(connection)?
        .into_iter()
        .map(|(app, _)| app)
        .filter(|app| !OWN_APPS.contains(&app.as_str()))
        .collect();
    Ok(apps.into_iter().collect())
}

fn recorded(connection: &Connection) -> rusqlite::Result<BTreeSet<(String, String)>> {
    if !table_exists(connection, "django_migrations")? {
        return Ok(BTreeSet::new());
    }
    connection
        .prepare_cached("SELECT app, name FROM django_migrations")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

pub(super) fn table_exists(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    let found = connection
        .prepare_cached(
            "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?1",
        )?
        .query_row([table], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

const OWN_APPS: [&str; 4] = ["contenttypes", "auth", "sessions", "cloakroom"];

const SCHEMA: &str = include_str!("schema.sql");

const TABLES: [&str; 9] = [
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

/// In the order in which Django applies them; the same from 4.2 to 6.1.
const MIGRATIONS: [(&str, &str); 15] = [
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

//! Django's tables, made as Django's own migrations make them, and whose database this is.

use std::collections::BTreeSet;

use cloakroom_core::session::StoreError;
use cloakroom_core::time::Timestamp;

use super::PostgresStore;
use super::statement::Statement;
use crate::django::{Inventory, Migrated, Survey, only_a_part};

impl PostgresStore {
    /// Makes the tables of Django's `contenttypes`, `auth` and `sessions` apps and records their migrations.
    ///
    /// A Django (4.2 to 6.1) with these apps that is pointed at the database afterwards finds nothing left
    /// to migrate. Where the database keeps sessions alone, it is only their table and its migration. All is done in
    /// one transaction, so that it may be repeated at any time. Where an app that is
    /// not one of these has migrations, or sessions or users are kept in a table of the site's own, Django owns the schema,
    /// and nothing is made. The database itself must be there.
    ///
    /// # Errors
    /// Some of the tables or records are there and some are not, or the database does not answer.
    pub async fn migrate(&self, now: Timestamp) -> Result<Migrated, StoreError> {
        match self.survey().await? {
            Survey::Empty => {}
            Survey::Complete => return Ok(Migrated::NothingToDo),
            Survey::Foreign { missing } => return Ok(Migrated::LeftToDjango { missing }),
            Survey::Partial(what) => {
                let url = "postgres://USER:PASSWORD@HOST/DATABASE";
                return Err(only_a_part(self.name(), url, &what));
            }
        }
        let contents = self.0.contents;
        let tables: Vec<_> = contents.statements(SCHEMA).collect();
        let mut sql = format!("BEGIN; {} {MARK}", tables.join("\n"));
        for (app, name) in contents.migrations() {
            let applied = now.iso_text();
            sql += &format!(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('{app}', '{name}', '{applied}');"
            );
        }
        sql += "COMMIT";
        let Err(error) = self.call().batch(&sql).await else {
            return Ok(Migrated::Created);
        };
        // Somebody else may have made them at the same moment.
        match self.survey().await? {
            Survey::Complete => Ok(Migrated::NothingToDo),
            _ => Err(error),
        }
    }

    /// The apps with recorded migrations that are neither ours nor one of the three whose tables we use.
    ///
    /// If there are any, a Django site uses this database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn foreign_apps(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.inventory().await?.foreign_apps())
    }

    /// True if [`migrate`](Self::migrate) made the tables of this database.
    ///
    /// The mark is a comment on the primary key of `django_session`, where Django neither reads nor writes, and
    /// which a dump of the database keeps.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn made_by_us(&self) -> Result<bool, StoreError> {
        let call = self.call();
        let statement = Statement::once(
            "SELECT obj_description(oid, 'pg_constraint') IS NOT DISTINCT FROM 'made by Cloakroom' \
             FROM pg_constraint \
             WHERE conrelid = to_regclass('django_session') AND conname = 'django_session_pkey'",
            &[],
        );
        let rows = call.read(&statement, &[]).await?;
        rows.first().map_or(Ok(false), |row| call.column(row, 0))
    }

    async fn survey(&self) -> Result<Survey, StoreError> {
        Ok(self
            .inventory()
            .await?
            .survey(self.0.contents, &self.0.sessions, &self.0.users.table))
    }

    async fn inventory(&self) -> Result<Inventory, StoreError> {
        let call = self.call();
        let statement = Statement::once(
            "SELECT relname::text FROM pg_class \
             WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_table_is_visible(oid)",
            &[],
        );
        let rows = call.read(&statement, &[]).await?;
        let tables = rows.iter().map(|row| call.column(row, 0));
        let tables: BTreeSet<String> = tables.collect::<Result<_, _>>()?;
        let mut recorded = BTreeSet::new();
        if tables.contains("django_migrations") {
            let statement = Statement::once("SELECT app, name FROM django_migrations", &[]);
            for row in call.read(&statement, &[]).await? {
                recorded.insert((call.column(&row, 0)?, call.column(&row, 1)?));
            }
        }
        Ok(Inventory { tables, recorded })
    }
}

const SCHEMA: &str = include_str!("schema.sql");

const MARK: &str =
    "COMMENT ON CONSTRAINT django_session_pkey ON django_session IS 'made by Cloakroom';";

//! Django's tables, made as Django's own migrations make them, and whose database this is.

use std::collections::BTreeSet;
use std::time::Duration;

use cloakroom_core::session::StoreError;
use cloakroom_core::time::{Timestamp, Zone};

use super::pool::{Access, Lease};
use super::sessions::text;
use super::{MySqlStore, moment};
use crate::django::{Contents, Inventory, Migrated, Survey, only_a_part};

impl MySqlStore {
    /// Makes the tables of Django's `contenttypes`, `auth` and `sessions` apps and records their migrations.
    ///
    /// A Django (4.2 to 6.1) with these apps that is pointed at the database afterwards finds nothing left
    /// to migrate. Where the database keeps sessions alone, it is only their table and its migration. It may be repeated at any time: MySQL makes each table in a transaction of its own, and what a
    /// run that was interrupted has left is completed. Where an app that is not one of these has migrations,
    /// Django owns the schema, and nothing is made.
    ///
    /// # Errors
    /// Some of the tables or records are there and some are not, or the database does not answer.
    pub async fn migrate(&self, now: Timestamp) -> Result<Migrated, StoreError> {
        self.within_time(PATIENCE, async {
            let mut lease = self.lease(Access::Write).await?;
            // The lock is the connection's, and goes with it.
            lease.for_once();
            let locked = lease.row(LOCK, &[PATIENCE.as_secs().into()]).await?;
            if locked.and_then(|row| row.get_opt(0)?.ok()) != Some(1) {
                return Err(StoreError::new(format!(
                    "the database {} is being migrated by another program; try again when that has ended",
                    self.name()
                )));
            }
            let inventory = inventory(&mut lease).await?;
            match inventory.survey(self.0.contents, &self.0.sessions, &self.0.users.table) {
                Survey::Complete => Ok(Migrated::NothingToDo),
                Survey::Foreign { missing } => Ok(Migrated::LeftToDjango { missing }),
                Survey::Partial(what)
                    if !inventory.recorded.is_empty() || !has_our_mark(&mut lease).await? =>
                {
                    let url = "mysql://USER:PASSWORD@HOST/DATABASE";
                    Err(only_a_part(self.name(), url, &what))
                }
                Survey::Partial(_) | Survey::Empty => {
                    make(&mut lease, self.0.contents, now).await?;
                    Ok(Migrated::Created)
                }
            }
        })
        .await
    }

    /// The apps with recorded migrations that are neither ours nor one of the three whose tables we use.
    ///
    /// If there are any, a Django site uses this database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn foreign_apps(&self) -> Result<Vec<String>, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            Ok(inventory(&mut lease).await?.foreign_apps())
        })
        .await
    }

    /// True if [`migrate`](Self::migrate) made this database's tables.
    ///
    /// The mark is the comment of the table `django_migrations`, which Django neither reads nor writes.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn made_by_us(&self) -> Result<bool, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            has_our_mark(&mut lease).await
        })
        .await
    }
}

async fn inventory(lease: &mut Lease<'_>) -> Result<Inventory, StoreError> {
    let rows = lease.rows(TABLES, &[]).await?;
    let tables: BTreeSet<String> = rows.iter().filter_map(|row| row.get_opt(0)?.ok()).collect();
    let recorded = if tables.contains("django_migrations") {
        let rows = lease
            .rows("SELECT app, name FROM django_migrations", &[])
            .await?;
        let pairs = rows
            .iter()
            .filter_map(|row| Some((row.get_opt(0)?.ok()?, row.get_opt(1)?.ok()?)));
        pairs.collect()
    } else {
        BTreeSet::new()
    };
    Ok(Inventory { tables, recorded })
}

async fn has_our_mark(lease: &mut Lease<'_>) -> Result<bool, StoreError> {
    let row = lease.row(COMMENT, &[]).await?;
    let comment: Option<String> = row.and_then(|row| row.get_opt(0)?.ok());
    Ok(comment.as_deref() == Some(MARK))
}

/// Makes what is not there yet. The mark comes with the first table and the records last, all in one transaction:
/// a database that has the one and none of the others was left half made.
async fn make(lease: &mut Lease<'_>, contents: Contents, now: Timestamp) -> Result<(), StoreError> {
    let (tables, rows): (Vec<&str>, Vec<&str>) = contents
        .statements(SCHEMA)
        .partition(|line| line.starts_with("CREATE TABLE"));
    for (number, table) in tables.iter().enumerate() {
        let table = table.trim_end_matches(';');
        let mark = if number == 0 { MARK } else { "" };
        lease
            .command(&format!("{table} COMMENT = '{mark}'"))
            .await?;
    }
    lease.command("START TRANSACTION").await?;
    for row in rows {
        lease.command(row).await?;
    }
    for (app, name) in contents.migrations() {
        let params = [text(app), text(name), moment::param(Zone::UTC, now)];
        lease.execute(RECORD, &params).await?;
    }
    lease.command("COMMIT").await
}

/// No migration takes longer, and none waits longer for another one.
const PATIENCE: Duration = Duration::from_secs(60);

const SCHEMA: &str = include_str!("schema.sql");

const MARK: &str = "made by cloakroom";

/// A name of at most 64 characters that each database of the server has for itself.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('cloakroom.migrate.', MD5(DATABASE())), ?)";

const TABLES: &str =
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()";

const COMMENT: &str = "SELECT table_comment FROM information_schema.tables \
                       WHERE table_schema = DATABASE() AND table_name = 'django_migrations'";

const RECORD: &str = "INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, ?)";

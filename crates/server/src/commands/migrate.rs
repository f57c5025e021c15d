//! `migrate`: makes the database and its tables.

use std::sync::Arc;

use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Database, Migrated, SqliteStore};

use super::Failure;
use crate::database_url::DatabaseUrl;
use crate::output;
use crate::settings::Settings;
use crate::stores::open_database;

pub(crate) async fn run(url: &DatabaseUrl, settings: &Settings) -> Result<(), Failure> {
    // Asked for by name, so this is where a database may appear anywhere.
    let store: Arc<dyn Database> = match url.file() {
        Some(file) if !file.try_exists()? => Arc::new(SqliteStore::create(file).await?),
        _ => open_database(url, settings).await?,
    };
    match store.migrate(Timestamp::now()).await? {
        Migrated::Created => output::result(format_args!(
            "Made the tables of contenttypes, auth and sessions in {url}."
        )),
        Migrated::LeftToDjango { missing } if !missing.is_empty() => {
            return Err(Failure::new(format!(
                "the database {url} is a Django site's and lacks {}; run the site's `manage.py migrate`",
                missing.join(", ")
            )));
        }
        _ => output::result("No migrations to apply."),
    }
    Ok(())
}

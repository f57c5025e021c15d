//! `migrate`: makes the database and its tables.

use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Migrated, SqliteStore};

use super::Failure;
use crate::database_url::DatabaseUrl;
use crate::output;

pub(crate) async fn run(url: &DatabaseUrl) -> Result<(), Failure> {
    // Asked for by name, so this is where a database may appear anywhere.
    let store = if url.file().try_exists()? {
        SqliteStore::open(url.file()).await?
    } else {
        SqliteStore::create(url.file()).await?
    };
    let file = url.file().display();
    match store.migrate(Timestamp::now()).await? {
        Migrated::Created => output::result(format_args!(
            "Made the tables of contenttypes, auth and sessions in {file}."
        )),
        Migrated::LeftToDjango { missing } if !missing.is_empty() => {
            return Err(Failure::new(format!(
                "the database {file} is a Django site's and lacks {}; run the site's `manage.py migrate`",
                missing.join(", ")
            )));
        }
        _ => output::result("No migrations to apply."),
    }
    Ok(())
}

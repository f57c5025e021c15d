//! `migrate`: makes the databases and their tables.

use std::sync::Arc;

use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Contents, Database, Migrated, SqliteStore};

use super::Failure;
use crate::database_url::DatabaseUrl;
use crate::output;
use crate::session_table::Apart;
use crate::settings::Settings;
use crate::stores::{open_contents, sqlite_options};

/// In a Django site's database the list of sessions is made only if it is asked for.
pub(crate) async fn run(
    url: &DatabaseUrl,
    settings: &Settings,
    session_list: bool,
) -> Result<(), Failure> {
    // Before anything is made.
    let apart = Apart::of(settings)?;
    let mut made = migrate(url, settings, Contents::SessionsAndUsers, session_list).await?;
    if let Apart::Database(url) = &apart {
        made |= migrate(url, settings, Contents::Sessions, false).await?;
    }
    if !made {
        output::result("No migrations to apply.");
    }
    Ok(())
}

/// Whether anything was made.
async fn migrate(
    url: &DatabaseUrl,
    settings: &Settings,
    contents: Contents,
    session_list: bool,
) -> Result<bool, Failure> {
    // Asked for by name, so this is where a database may appear anywhere.
    let store: Arc<dyn Database> = match url.file() {
        Some(file) if !file.try_exists()? => {
            let options = sqlite_options(settings, contents)?;
            Arc::new(SqliteStore::create_with(file, options).await?)
        }
        _ => open_contents(url, settings, contents).await?,
    };
    let migrated = store.migrate(Timestamp::now()).await?;
    let ours = matches!(migrated, Migrated::Created | Migrated::NothingToDo);
    let list = contents == Contents::SessionsAndUsers
        && (ours || session_list)
        && store.make_session_list().await?;
    match migrated {
        Migrated::Created => {
            let what = match contents {
                Contents::SessionsAndUsers => "the tables of contenttypes, auth and sessions",
                Contents::Sessions => "the table of sessions",
            };
            output::result(format_args!("Made {what} in {url}."));
            Ok(true)
        }
        Migrated::LeftToDjango { missing } if !missing.is_empty() => Err(Failure::new(format!(
            "the database {url} is a Django site's and lacks {}; run the site's `manage.py migrate`",
            missing.join(", ")
        ))),
        _ if list => {
            output::result(format_args!("Made the list of sessions in {url}."));
            Ok(true)
        }
        _ => Ok(false),
    }
}

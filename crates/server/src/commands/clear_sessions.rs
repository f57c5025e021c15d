//! `clearsessions`: deletes sessions that have expired.

use std::sync::Arc;

use cloakroom_core::session::Store;

use super::Failure;
use super::serve::{profile, without_secrets};
use crate::clearing::{clear, clear_list};
use crate::database_url::DatabaseUrl;
use crate::output;
use crate::settings::{Settings, WeakKeys};
use crate::stores::{Stores, open_database};

/// Silent when it succeeds, as in Django: it is run by cron, which mails what it says.
pub(crate) async fn run(url: &DatabaseUrl, settings: &Settings) -> Result<(), Failure> {
    let database = open_database(url, settings).await?;
    let list = Arc::clone(&database);
    let store: Arc<dyn Store> = if settings.text("SESSIONS").is_none() {
        database
    } else {
        // Where sessions are files, when one ends is in what the key has signed.
        let secrets = settings.secrets(WeakKeys::Pass)?.ok_or_else(|| {
            Failure::new("sessions apart from the database need the site's key; give SECRET_KEY_FILE or SECRET_KEY")
        })?;
        let config = super::serve::config(settings, &secrets, None)?;
        let profile = profile(settings, &*database).await?;
        let stores = Stores::open(database, settings, &config).await?;
        let Some(store) = stores.records(profile) else {
            // The browsers keep them: nothing is noted of those that have ended, nor of who is signed in.
            return Ok(());
        };
        store
    };
    let cleared = clear(&*store, |total| {
        output::progress(format_args!("{total} expired sessions deleted"));
    })
    .await;
    output::progress_ends();
    cleared?;
    let age = without_secrets(settings, None)?.session.lifetime.age;
    Ok(clear_list(&*list, age).await?)
}

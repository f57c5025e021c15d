//! `clearsessions`: deletes sessions that have expired.

use cloakroom_core::time::Timestamp;

use super::Failure;
use crate::database_url::DatabaseUrl;
use crate::output;
use crate::stores::open_database;

/// Silent when it succeeds, as in Django: it is run by cron, which mails what it says.
pub(crate) async fn run(url: &DatabaseUrl) -> Result<(), Failure> {
    let store = open_database(url).await?;
    // One moment for all of them, so that this ends however fast sessions expire.
    let now = Timestamp::now();
    let mut total = 0;
    loop {
        let removed = store.clear_expired(now, BATCH).await?;
        total += removed;
        if removed < u64::from(BATCH) {
            break;
        }
        output::progress(format_args!("{total} expired sessions deleted so far"));
    }
    output::progress(format_args!("{total} expired sessions deleted"));
    output::progress_ends();
    Ok(())
}

/// Few enough that those who wait for the database to write do not notice.
const BATCH: u32 = 1000;

//! The classroom's own tables, beside Django's in one SQLite file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::session::StoreError;
use rusqlite::Connection;

use crate::Failure;

/// One connection that the handlers share.
#[derive(Clone)]
pub(crate) struct Database(Arc<Mutex<Connection>>);

impl Database {
    /// Opens the file, and makes the tables that are not there yet.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.execute_batch(include_str!("database.sql"))?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Does some work with the database, on a thread that may wait for a disk.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let shared = Arc::clone(&self.0);
        let work = move || work(&mut shared.lock().unwrap_or_else(PoisonError::into_inner));
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| Unavailable)?.map_err(|error| {
            tracing::error!(%error, "the classroom's tables");
            Unavailable
        })
    }
}

/// The database does not answer: 503. Why stands in the log.
#[derive(Debug)]
pub(crate) struct Unavailable;

impl axum::response::IntoResponse for Unavailable {
    fn into_response(self) -> axum::response::Response {
        let words = "The classroom's database does not answer. Please try again.\n";
        (http::StatusCode::SERVICE_UNAVAILABLE, words).into_response()
    }
}

impl From<Unavailable> for cloakroom::Error {
    /// The same answer as of sessions that cannot be read: a handler needs but one type of error.
    fn from(_: Unavailable) -> Self {
        StoreError::new("the classroom's tables do not answer").into()
    }
}

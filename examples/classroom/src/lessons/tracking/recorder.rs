//! A bounded queue that requests put into, and one task that takes out of it and writes in batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::time::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::Counts;
use super::counts::{self, Overview};
use crate::database::{Database, Unavailable};

/// How long anything of a visitor is kept, from the first visit on.
pub(crate) const DAYS: u32 = 30;

/// Notes that may wait. More are dropped and counted: a flood of visitors costs numbers in a chart, and nothing else.
const LONGEST_QUEUE: usize = 4096;
/// The task sleeps so long after each batch: what comes meanwhile is the next.
const PAUSE: Duration = Duration::from_millis(500);
/// How long somebody who waits for the queue waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// The oldest records go at this time at the latest, even if nobody visits.
const HOUR: Duration = Duration::from_secs(3600);

/// What is recorded of a visitor.
#[derive(Debug)]
pub(super) enum What {
    /// Of a page, by its route.
    Visit(String),
    SignIn,
    Failure,
}

/// What waits in the queue.
#[derive(Debug)]
pub(super) enum Note {
    Newcomer {
        visitor: String,
        at: Timestamp,
    },
    Seen {
        visitor: String,
        what: What,
        at: Timestamp,
    },
    Forget {
        visitor: String,
    },
    /// Somebody waits until all that came before is written.
    Written(oneshot::Sender<()>),
}

/// The end of the queue that requests have. Clones are the same queue.
#[derive(Clone)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<Note>,
    dropped: Arc<AtomicU64>,
    database: Database,
}

impl Recorder {
    /// Starts the task, which runs as long as there is a recorder.
    pub(crate) fn start(database: Database) -> Self {
        let (queue, notes) = mpsc::channel(LONGEST_QUEUE);
        let dropped = Arc::default();
        tokio::spawn(write(database.clone(), notes, Arc::clone(&dropped)));
        Self {
            queue,
            dropped,
            database,
        }
    }

    /// The number of a visitor whom we have not seen before; `None` if there is no room to record one.
    pub(super) fn newcomer(&self) -> Option<String> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        let visitor = format!("{:032x}", u128::from_be_bytes(bytes));
        let note = Note::Newcomer {
            visitor: visitor.clone(),
            at: Timestamp::now(),
        };
        self.put(note).then_some(visitor)
    }

    pub(super) fn record(&self, visitor: String, what: What) {
        let at = Timestamp::now();
        self.put(Note::Seen { visitor, what, at });
    }

    /// Whether there was room. Nobody waits for it.
    fn put(&self, note: Note) -> bool {
        let has_room = self.queue.try_send(note).is_ok();
        if !has_room {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    /// Deletes all that is kept of a visitor, behind all that was recorded before.
    pub(super) async fn forget(&self, visitor: Option<String>) -> Result<(), Unavailable> {
        let Some(visitor) = visitor else {
            return Ok(());
        };
        let sent = timeout(PATIENCE, self.queue.send(Note::Forget { visitor })).await;
        sent.map_err(|_| Unavailable)?.map_err(|_| Unavailable)?;
        self.flush().await
    }

    /// Returns when all that was recorded before is written.
    pub(crate) async fn flush(&self) -> Result<(), Unavailable> {
        let (told, written) = oneshot::channel();
        let whole = async {
            self.queue
                .send(Note::Written(told))
                .await
                .map_err(|_| Unavailable)?;
            written.await.map_err(|_| Unavailable)
        };
        timeout(PATIENCE, whole).await.map_err(|_| Unavailable)?
    }

    /// What the page shows: of everybody in numbers, and of this visitor.
    pub(super) async fn overview_for(
        &self,
        visitor: Option<String>,
    ) -> Result<Overview, Unavailable> {
        let dropped = self.dropped.load(Ordering::Relaxed);
        let now = Timestamp::now();
        let read = move |connection: &mut _| {
            counts::overview(connection, visitor.as_deref(), dropped, now)
        };
        self.database.with(read).await
    }

    /// What is kept of a visitor, for spreadsheets.
    pub(super) async fn csv_of(&self, visitor: Option<String>) -> Result<String, Unavailable> {
        let read = move |connection: &mut _| {
            counts::csv(connection, visitor.as_deref().unwrap_or_default())
        };
        self.database.with(read).await
    }
}

/// Writes what is in the queue, one transaction each time.
async fn write(database: Database, mut queue: mpsc::Receiver<Note>, dropped: Arc<AtomicU64>) {
    let mut notes = Vec::new();
    loop {
        if let Ok(0) = timeout(HOUR, queue.recv_many(&mut notes, LONGEST_QUEUE)).await {
            return; // the site has ended
        }
        let (waiting, batch) = Counts::of(std::mem::take(&mut notes));
        let size = batch.size();
        let now = Timestamp::now();
        match database
            .with(move |connection| batch.write(connection, now))
            .await
        {
            Ok(()) => waiting.into_iter().for_each(|told| {
                // Who waited too long has gone.
                let _ = told.send(());
            }),
            Err(Unavailable) => {
                dropped.fetch_add(size, Ordering::Relaxed);
            }
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Database {
        Database::open(":memory:".as_ref()).unwrap()
    }

    #[tokio::test]
    async fn what_finds_no_room_is_dropped_and_counted() {
        let recorder = Recorder::start(database());
        // The task has no turn before this test waits for something.
        for _ in 0..LONGEST_QUEUE {
            assert!(recorder.newcomer().is_some());
        }
        assert!(recorder.newcomer().is_none(), "and so gets no cookie");
        recorder.record("somebody".into(), What::SignIn);
        recorder.flush().await.unwrap();
        let seen = recorder.overview_for(None).await.unwrap();
        assert_eq!((seen.visitors, seen.dropped), (4096, 2));
    }

    #[tokio::test]
    async fn who_is_forgotten_is_not_brought_back_by_a_page_that_was_under_way() {
        let recorder = Recorder::start(database());
        let ann = recorder.newcomer().unwrap();
        let ben = recorder.newcomer().unwrap();
        for visitor in [&ann, &ben] {
            recorder.record(visitor.clone(), What::Visit("/scores/".into()));
        }
        recorder.forget(Some(ann.clone())).await.unwrap();
        recorder.record(ann.clone(), What::Visit("/late/".into()));
        recorder.flush().await.unwrap();
        assert_eq!(
            recorder.csv_of(Some(ann)).await.unwrap(),
            counts::CSV_HEADER
        );
        assert!(
            recorder
                .csv_of(Some(ben))
                .await
                .unwrap()
                .contains(",visit,/scores/,1")
        );
        assert_eq!(recorder.overview_for(None).await.unwrap().visitors, 1);
    }
}

//! Sessions in a folder, one file each, beside Django's `file` engine or without it.

mod clear;
mod errors;
mod lock;
mod names;
mod sessions;
mod write;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cloakroom_core::session::{Codec, Lifetime, SessionData, StoreError, Stored};
use cloakroom_core::time::Timestamp;
use tokio::sync::Semaphore;

use clear::Sweep;
use errors::explain;
use names::Names;

/// Keeps sessions as files in a folder, named and written as by Django's `file` engine.
///
/// Clones share one limit of files that are worked on at once.
///
/// A file is called after the session cookie and the key, has mode 0600 and holds Django's signed text. It is
/// written whole under another name, flushed to the disk and then moved into its place; the folder is flushed
/// too, so what was acknowledged survives a power cut. Whoever changes a file holds a lock on it (`flock`),
/// which counts between processes.
///
/// Django's engine takes no locks. So that we never write over its change and never bring back what it has
/// deleted, the new file changes places with the old one in one step, and what comes out is looked at: if it
/// is not the file that was compared, it is put back. That needs a file system that can exchange two names
/// (Linux's own can, macOS's too; NFS cannot: there a window of microseconds remains). What Django does is
/// not in our hands: its save looks for the file and then renames, so a slow one brings back a session that
/// was logged out in between, and writes over whatever was saved since it loaded.
///
/// A session ends when Django ends it: at the date in `_session_expiry`, otherwise `SESSION_COOKIE_AGE` after
/// the file's time of modification. One exception: Django lets a session whose expiry is a number of seconds
/// live for ever on the server; here it ends that long after it was saved.
///
/// An empty mount point looks like a folder without sessions. If the folder is a mount of its own, let the
/// server start after it.
///
/// It must be used within a Tokio runtime that has its timer.
///
/// ```
/// use cloakroom_core::secret::{SecretKey, Secrets};
/// use cloakroom_core::session::{Codec, Lifetime, SessionKey, Store};
/// use cloakroom_core::signing::Compression;
/// use cloakroom_core::time::Timestamp;
/// use cloakroom_stores::FileStore;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path();
/// let key = SecretKey::new("fifty random characters that nobody else knows, say").unwrap();
/// let codec = Codec::new(&Secrets::new(key), Codec::DJANGO_SALT, Compression::Always);
/// let store = FileStore::open(path, "sessionid", codec, Lifetime::DJANGO)?;
/// let unknown = SessionKey::parse("nosuchsession").unwrap();
/// assert!(store.load(&unknown, Timestamp::now()).await?.is_none());
/// # Ok::<(), cloakroom_core::session::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct FileStore(Arc<Shared>);

/// How a [`FileStore`] works, where the defaults do not fit.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// No call but clearing takes longer, whoever holds a lock. Default 5 s, as for the other stores.
    pub deadline: Duration,
    /// The same for one call that clears. Default 60 s: it has to read every file there is, some ten thousand
    /// a second. What it has looked at when the time is over it does not look at again.
    pub clearing_deadline: Duration,
    /// Files that are worked on at once; each takes a thread. Default 64: more do not make a disk faster, and
    /// a hung one holds no more threads than these.
    pub at_once: usize,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            clearing_deadline: Duration::from_secs(60),
            at_once: 64,
        }
    }
}

#[derive(Debug)]
struct Shared {
    files: Arc<Files>,
    options: FileOptions,
    free: Arc<Semaphore>,
}

/// What the threads work on.
#[derive(Debug)]
struct Files {
    names: Names,
    codec: Codec,
    lifetime: Lifetime,
    /// Where the last call that cleared stopped.
    sweep: Mutex<Option<Sweep>>,
}

impl FileStore {
    /// Opens the folder, which must be there: Django's `SESSION_FILE_PATH`.
    ///
    /// `cookie_name` is `SESSION_COOKIE_NAME`; `codec` and `lifetime` are those by which the sessions are
    /// saved. They tell when a file ends that Django wrote.
    ///
    /// # Errors
    /// There is no such folder, or no file can be named after the cookie.
    pub fn open(
        folder: impl AsRef<Path>,
        cookie_name: &str,
        codec: Codec,
        lifetime: Lifetime,
    ) -> Result<Self, StoreError> {
        Self::open_with(folder, cookie_name, codec, lifetime, FileOptions::default())
    }

    /// [`open`](Self::open) with other options.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with(
        folder: impl AsRef<Path>,
        cookie_name: &str,
        codec: Codec,
        lifetime: Lifetime,
        options: FileOptions,
    ) -> Result<Self, StoreError> {
        let names = Names::new(folder.as_ref(), cookie_name)?;
        names
            .check_folder()
            .map_err(|error| explain(names.folder(), &error))?;
        Ok(Self(Arc::new(Shared {
            files: Arc::new(Files {
                names,
                codec,
                lifetime,
                sweep: Mutex::default(),
            }),
            free: Arc::new(Semaphore::new(options.at_once.max(1))),
            options,
        })))
    }

    /// The folder, as a whole path.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.0.files.names.folder()
    }

    /// Has `work` done on a thread for work that blocks. Past the deadline the caller gets an error; the thread
    /// keeps its place until it is through, so that a hung disk cannot take ever more of them.
    async fn run<T: Send + 'static>(
        &self,
        deadline: Duration,
        work: impl FnOnce(&Files, Patience) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = &self.0;
        let files = Arc::clone(&shared.files);
        let patience = Patience::of(deadline);
        let done = tokio::time::timeout(deadline, async {
            let place = Arc::clone(&shared.free).acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let _place = place;
                patience.check()?;
                work(&files, patience)
            })
            .await
        });
        match done.await {
            Ok(Ok(result)) => result.map_err(|error| explain(self.folder(), &error)),
            Ok(Err(panic)) => {
                Err(StoreError::new("a thread of the file store has panicked").with_source(panic))
            }
            Err(_) => Err(explain(self.folder(), &errors::too_late())),
        }
    }
}

impl Files {
    /// A file's text as what the contract knows. A text that no key reads ends as one without an expiry: it is
    /// not the store's to judge.
    fn stored(&self, text: String, modified: Timestamp) -> Stored {
        let expire_date = self.expire_date(&text, modified);
        Stored::signed(text, expire_date)
    }

    fn expire_date(&self, text: &str, modified: Timestamp) -> Timestamp {
        let bytes = self.codec.decode(text).ok();
        let data = bytes.and_then(|bytes| SessionData::from_bytes(bytes).ok());
        let data = data.unwrap_or_else(SessionData::empty);
        self.lifetime.expiry_date(&data, modified)
    }
}

/// Until when a thread may wait and begin anything.
#[derive(Clone, Copy, Debug)]
struct Patience(Instant);

impl Patience {
    /// Somewhat less than the deadline, so that what the thread says of it still arrives.
    fn of(deadline: Duration) -> Self {
        Self(Instant::now() + deadline.mul_f64(0.8))
    }

    /// An error once the time is over.
    fn check(self) -> io::Result<()> {
        if Instant::now() < self.0 {
            Ok(())
        } else {
            Err(errors::too_late())
        }
    }
}

//! A session's file, open and locked.
//!
//! The lock is on the file itself, so nothing lies about for each session. Since a change puts another file in
//! its place, who has waited for a lock looks whether the file is still the one that stands under its name.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use cloakroom_core::time::Timestamp;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::Patience;

/// A file that nobody else who takes locks is changing.
#[derive(Debug)]
pub(super) struct Locked {
    file: File,
    identity: Identity,
}

/// Which file it is, whatever its name. Nobody else can get the same one while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

/// What a change of the file under a name came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It is done.
    Done,
    /// Nothing has this name any more, and nothing was given it.
    Gone,
    /// Another file than the one that was looked at has it, and keeps it.
    Changed,
}

impl Identity {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    pub(super) fn of_file(file: &File) -> io::Result<Self> {
        Ok(Self::of(&file.metadata()?))
    }

    /// The one that has this name now.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(Self::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Locked {
    /// Locks the file under this name; `None` if there is none.
    pub(super) fn at(path: &Path, patience: Patience) -> io::Result<Option<Self>> {
        loop {
            // To be written to, although it never is: over NFS only such a file can be locked.
            let Some(file) = open(path, OFlags::RDWR)? else {
                return Ok(None);
            };
            wait(&file, patience)?;
            let identity = Identity::of_file(&file)?;
            match Identity::at(path)? {
                Some(found) if found == identity => return Ok(Some(Self { file, identity })),
                Some(_) => patience.check()?,
                None => return Ok(None),
            }
        }
    }

    pub(super) const fn identity(&self) -> Identity {
        self.identity
    }

    /// The text and when it was saved.
    pub(super) fn read(&self) -> io::Result<Option<(String, Timestamp)>> {
        read(&self.file)
    }

    /// Whether it still has its name.
    pub(super) fn placed_at(&self, path: &Path) -> io::Result<Moved> {
        Ok(match Identity::at(path)? {
            None => Moved::Gone,
            Some(found) if found == self.identity => Moved::Done,
            Some(_) => Moved::Changed,
        })
    }

    /// Moves the time of saving alone, and waits until that is on the disk.
    pub(super) fn touch(&self, saved_at: Timestamp) -> io::Result<()> {
        self.file.set_modified(saved_at.into())?;
        self.file.sync_all()
    }
}

/// Opens a session's file; `None` if there is none. A link, a pipe or a folder of its name is none: in a folder
/// that others may write to they would lead elsewhere or wait for ever.
pub(super) fn open(path: &Path, access: OFlags) -> io::Result<Option<File>> {
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => {
            let file = File::from(descriptor);
            Ok(file.metadata()?.is_file().then_some(file))
        }
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::ISDIR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// The text and when it was saved. `None` if it is empty, which is how Django keeps a new session's name until
/// it has written the file, or if it is no text.
pub(super) fn read(mut file: &File) -> io::Result<Option<(String, Timestamp)>> {
    let metadata = file.metadata()?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.read_to_end(&mut bytes)?;
    let Ok(text) = String::from_utf8(bytes) else {
        tracing::warn!("a session's file is not readable and counts as missing");
        return Ok(None);
    };
    let micros = metadata.mtime().saturating_mul(1_000_000) + metadata.mtime_nsec() / 1_000;
    Ok((!text.is_empty()).then(|| (text, Timestamp::from_unix_micros(micros))))
}

/// Waits for the lock in small steps: the system's own waiting has no deadline.
fn wait(file: &File, patience: Patience) -> io::Result<()> {
    let mut pause = Duration::from_micros(100);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => patience.check()?,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

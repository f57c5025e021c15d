//! Removing what has expired, some files at a call.

use std::fs::{self, DirEntry, ReadDir};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cloakroom_core::time::Timestamp;

use super::lock::Locked;
use super::names::Kind;
use super::{Files, Patience};

/// One walk through the folder. The next call with the same `now` goes on where the last one stopped, so that
/// clearing a million sessions in batches looks at each of them once.
#[derive(Debug)]
pub(super) struct Sweep {
    now: Timestamp,
    files: ReadDir,
}

impl Files {
    pub(super) fn clear_expired(
        &self,
        now: Timestamp,
        at_most: u32,
        patience: Patience,
    ) -> io::Result<u64> {
        if at_most == 0 {
            return Ok(0);
        }
        let mut sweep = match self.take_sweep().filter(|sweep| sweep.now == now) {
            Some(sweep) => sweep,
            None => Sweep {
                now,
                files: fs::read_dir(self.names.folder())?,
            },
        };
        let mut removed = 0;
        while let Some(file) = sweep.files.next() {
            removed += u64::from(self.clear(&file?, now)?);
            if removed == u64::from(at_most) {
                self.keep_sweep(sweep);
                break;
            }
            if let Err(error) = patience.check() {
                self.keep_sweep(sweep);
                return Err(error);
            }
        }
        Ok(removed)
    }

    /// Removes one file if it has expired; whether that was a session.
    fn clear(&self, file: &DirEntry, now: Timestamp) -> io::Result<bool> {
        let name = file.file_name();
        match name
            .to_str()
            .map_or(Kind::Foreign, |name| self.names.kind(name))
        {
            Kind::Session => self.clear_session(&file.path(), now),
            Kind::Unfinished => clear_unfinished(&file.path(), LEFT_BEHIND).map(|()| false),
            Kind::Foreign => Ok(false),
        }
    }

    fn clear_session(&self, path: &Path, now: Timestamp) -> io::Result<bool> {
        // Whoever holds the lock is using it.
        let locked = match Locked::at(path, Patience(Instant::now())) {
            Err(error) if error.kind() == ErrorKind::TimedOut => return Ok(false),
            locked => locked?,
        };
        let Some(locked) = locked else {
            return Ok(false);
        };
        let Some((text, modified)) = locked.read()? else {
            return Ok(false);
        };
        if self.expire_date(&text, modified) >= now {
            return Ok(false);
        }
        removed(path)
    }

    fn take_sweep(&self) -> Option<Sweep> {
        let mut kept = self.sweep.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take()
    }

    fn keep_sweep(&self, sweep: Sweep) {
        *self.sweep.lock().unwrap_or_else(PoisonError::into_inner) = Some(sweep);
    }
}

/// A file that is being written gets its name within seconds; after this long its writer is dead. Django's
/// own command leaves such files for ever.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

fn clear_unfinished(path: &Path, age: Duration) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    // When it was last renamed or written to: its time of modification is the session's.
    let touched = UNIX_EPOCH + Duration::from_secs(metadata.ctime().try_into().unwrap_or(0));
    if SystemTime::now()
        .duration_since(touched)
        .unwrap_or_default()
        >= age
    {
        removed(path)?;
    }
    Ok(())
}

fn removed(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        result => result.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_written_is_left_until_its_writer_must_be_dead() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessionidabcdefgh_out_123456");
        fs::write(&path, "half").unwrap();
        clear_unfinished(&path, LEFT_BEHIND).unwrap();
        assert!(path.exists());
        clear_unfinished(&path, Duration::ZERO).unwrap();
        assert!(!path.exists());
        clear_unfinished(&path, Duration::ZERO).unwrap();
    }
}

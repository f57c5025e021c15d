//! A new file in the place of an old one, in one step, and on the disk when that is done.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use cloakroom_core::time::Timestamp;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::lock::{Identity, Locked, Moved};
use super::names::Names;
use super::{Files, Patience};

/// A file that is whole, locked and on the disk, but has not its name yet. Dropped, it is removed.
#[derive(Debug)]
pub(super) struct Finished(NamedTempFile);

impl Files {
    /// Writes a file that is to be at `path`, in the same folder and for this user alone (0600).
    pub(super) fn finished(
        &self,
        path: &Path,
        text: &str,
        saved_at: Timestamp,
    ) -> io::Result<Finished> {
        let file = self.unnamed(path)?;
        file.as_file().write_all(text.as_bytes())?;
        file.as_file().set_modified(saved_at.into())?;
        file.as_file().sync_all()?;
        // Whoever finds it in its place waits until we are through.
        file.as_file().lock()?;
        Ok(Finished(file))
    }

    fn unnamed(&self, path: &Path) -> io::Result<NamedTempFile> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        tempfile::Builder::new()
            .prefix(&Names::unfinished(path))
            // Its own way of opening hides which error it was.
            .make_in(self.names.folder(), |path| options.open(path))
    }

    /// Removes the file that was looked at, and nothing else that may stand there by now.
    pub(super) fn remove_same(
        &self,
        path: &Path,
        seen: &Locked,
        patience: Patience,
    ) -> io::Result<Moved> {
        patience.check()?;
        let away = self.unnamed(path)?;
        match fs::rename(path, away.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Moved::Gone),
            result => result?,
        }
        if Identity::at(away.path())? == Some(seen.identity()) {
            away.close()?;
            self.flush_folder()?;
            return Ok(Moved::Done);
        }
        // Unless a newer one stands there already.
        match away.into_temp_path().persist_noclobber(path) {
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
            _ => Ok(Moved::Changed),
        }
    }

    /// Removes whatever stands there; whether anything did.
    pub(super) fn remove(&self, path: &Path) -> io::Result<bool> {
        match fs::remove_file(path) {
            Ok(()) => self.flush_folder().map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Which names there are is on the disk only after this.
    pub(super) fn flush_folder(&self) -> io::Result<()> {
        File::open(self.names.folder())?.sync_all()
    }
}

impl Finished {
    /// Gives it its name; false if that is taken.
    pub(super) fn place_new(self, files: &Files, path: &Path) -> io::Result<bool> {
        match self.0.persist_noclobber(path) {
            // Until now its lock is held.
            Ok(_file) => files.flush_folder().map(|()| true),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    }

    /// Puts it in the place of the file that was looked at.
    pub(super) fn place(
        self,
        files: &Files,
        path: &Path,
        seen: &Locked,
        patience: Patience,
    ) -> io::Result<Moved> {
        patience.check()?;
        let mut placed = Identity::of_file(self.0.as_file())?;
        let Self(file) = self;
        match exchange(file.path(), path)? {
            Exchanged::Done => {}
            Exchanged::Gone => return Ok(Moved::Gone),
            Exchanged::Impossible => return replace(file, files, path, seen),
        }
        let mut taken = Identity::at(file.path())?;
        if taken == Some(seen.identity()) {
            // Our lock on the new one is held until the end.
            let (_locked, old) = file.into_parts();
            old.close()?;
            files.flush_folder()?;
            return Ok(Moved::Done);
        }
        // Someone without a lock was between: a Django. Theirs goes back to its place; and if another was put
        // over ours meanwhile, that one.
        loop {
            match exchange(file.path(), path)? {
                Exchanged::Done => {}
                Exchanged::Gone | Exchanged::Impossible => return Ok(Moved::Gone),
            }
            let out = Identity::at(file.path())?;
            if out == Some(placed) {
                return Ok(Moved::Changed);
            }
            patience.check()?;
            let Some(before) = taken else {
                return Ok(Moved::Changed);
            };
            placed = before;
            taken = out;
        }
    }
}

/// Where names cannot be exchanged: a look, then the rename. Between the two a Django can still be lost.
fn replace(file: NamedTempFile, files: &Files, path: &Path, seen: &Locked) -> io::Result<Moved> {
    match Identity::at(path)? {
        None => return Ok(Moved::Gone),
        Some(found) if found != seen.identity() => return Ok(Moved::Changed),
        Some(_) => {}
    }
    let _locked = file.persist(path).map_err(|error| error.error)?;
    files.flush_folder()?;
    Ok(Moved::Done)
}

enum Exchanged {
    Done,
    /// One of the two is missing, and it is not the one that we made.
    Gone,
    Impossible,
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> io::Result<Exchanged> {
    match rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(Exchanged::Done),
        Err(Errno::NOENT) => Ok(Exchanged::Gone),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(Exchanged::Impossible),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> io::Result<Exchanged> {
    Ok(Exchanged::Impossible)
}

//! What the operating system says, in words that name what to do. Never a file's name: a session's key is in it.

use std::io::{self, ErrorKind};
use std::path::Path;

use cloakroom_core::session::StoreError;

/// The time for a call is over.
pub(super) fn too_late() -> io::Error {
    ErrorKind::TimedOut.into()
}

pub(super) fn explain(folder: &Path, error: &io::Error) -> StoreError {
    let error = bare(error);
    let folder = folder.display();
    let message = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            format!(
                "the folder {folder} is not there; make it, or set SESSION_FILE_PATH to another"
            )
        }
        ErrorKind::PermissionDenied => format!(
            "the folder {folder} or a session in it belongs to another user; run this server and Django as the same one"
        ),
        ErrorKind::ReadOnlyFilesystem => {
            format!(
                "the folder {folder} cannot be written to; its file system is mounted read-only"
            )
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!(
                "the disk of the folder {folder} is full; run `cloakroom clearsessions`, or make room"
            )
        }
        ErrorKind::FileTooLarge => {
            "a session is larger than this process's files may be; raise the limit (ulimit -f)"
                .to_owned()
        }
        ErrorKind::TimedOut => format!(
            "a session in the folder {folder} was not read or written within the deadline: its lock is held, or the disk is slow"
        ),
        _ if is_too_many_files(&error) => {
            "too many files are open; raise the limit (ulimit -n)".to_owned()
        }
        _ => format!("a session in the folder {folder} could not be read or written"),
    };
    StoreError::new(message).with_source(error)
}

/// What the system said, without the words that were put around it: they name a whole path, and so a
/// session's key.
fn bare(error: &io::Error) -> io::Error {
    let code = error.raw_os_error();
    code.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

fn is_too_many_files(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE]
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn an_error_names_what_to_do_and_no_file() {
        let named = io::Error::new(ErrorKind::PermissionDenied, "/sessions/sessionidsecretkey");
        for (error, text) in [
            (named, "the same one"),
            (io::Error::from_raw_os_error(28), "make room"),
            (io::Error::from_raw_os_error(24), "ulimit -n"),
            (io::Error::from_raw_os_error(27), "ulimit -f"),
            (io::Error::from_raw_os_error(2), "make it"),
            (io::Error::from_raw_os_error(30), "read-only"),
            (
                io::Error::from_raw_os_error(5),
                "could not be read or written",
            ),
            (too_late(), "deadline"),
        ] {
            let error = explain(Path::new("/sessions"), &error);
            assert!(error.to_string().contains(text), "{error}");
            let source = error.source().unwrap().to_string();
            assert!(!source.contains("secretkey"), "{source}");
        }
    }
}

//! Which file belongs to which session: the cookie's name and the key, with nothing in between.

use std::fs;
use std::io;
use std::path::{Path, PathBuf, absolute};

use cloakroom_core::session::{SessionKey, StoreError};

/// The folder and what its files' names begin with.
#[derive(Debug)]
pub(super) struct Names {
    folder: PathBuf,
    prefix: String,
}

/// What a file in the folder is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A session's own file.
    Session,
    /// A file that is being written, ours or Django's; or one that somebody who died has left.
    Unfinished,
    /// Nothing of this site's.
    Foreign,
}

impl Names {
    pub(super) fn new(folder: &Path, cookie_name: &str) -> Result<Self, StoreError> {
        if cookie_name.is_empty() || cookie_name.contains(['/', '\\', '\0']) {
            return Err(StoreError::new(
                "no file can be named after this session cookie; give SESSION_COOKIE_NAME another value",
            ));
        }
        let folder = absolute(folder).map_err(|error| {
            StoreError::new(
                "the folder for sessions has no name; set SESSION_FILE_PATH to one that is there",
            )
            .with_source(error)
        })?;
        Ok(Self {
            folder,
            prefix: cookie_name.to_owned(),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the session with this key is; `None` if no file can have its name. Only `a-z0-9` are in keys, as
    /// in Django: anything else could lead out of the folder.
    pub(super) fn path(&self, key: &SessionKey) -> Option<PathBuf> {
        let key = key.as_str();
        let name = format!("{}{key}", self.prefix);
        (is_key(key) && name.len() + UNFINISHED.len() + MARK <= LONGEST_NAME)
            .then(|| self.folder.join(name))
    }

    /// How names begin under which `path` is written before it is moved into its place. Django knows them by
    /// this shape, and its `clearsessions` passes over them.
    pub(super) fn unfinished(path: &Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!("{name}{UNFINISHED}")
    }

    pub(super) fn kind(&self, name: &str) -> Kind {
        let Some(rest) = name.strip_prefix(&self.prefix) else {
            return Kind::Foreign;
        };
        match rest.split_once(UNFINISHED) {
            None if is_key(rest) => Kind::Session,
            Some((key, _)) if is_key(key) => Kind::Unfinished,
            _ => Kind::Foreign,
        }
    }

    /// An error if the folder is not there: where it is missing, so is every file in it, and none of them is
    /// "no such session".
    pub(super) fn check_folder(&self) -> io::Result<()> {
        if fs::metadata(&self.folder)?.is_dir() {
            Ok(())
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }
}

/// Between a file's name and the random characters of the one that is to take its place.
const UNFINISHED: &str = "_out_";
/// Random characters that we or Django append.
const MARK: usize = 8;
/// Bytes of a file's name on nearly every file system.
const LONGEST_NAME: usize = 255;

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(Path::new("/sessions"), "sessionid").unwrap()
    }

    fn path(key: &str) -> Option<PathBuf> {
        names().path(&SessionKey::parse(key).unwrap())
    }

    #[test]
    fn a_file_is_called_after_the_cookie_and_the_key() {
        assert_eq!(
            path("abcdefgh12345678").unwrap(),
            Path::new("/sessions/sessionidabcdefgh12345678")
        );
    }

    #[test]
    fn a_key_that_could_lead_elsewhere_has_no_file() {
        for key in [
            "../../../etc/passwd",
            "ABCDEFGH",
            "abcdefg_",
            "abcd/efgh",
            "àbcdefgh",
            "abcdefgh ",
        ] {
            assert_eq!(path(key), None, "{key}");
        }
        assert!(path(&"a".repeat(233)).is_some());
        assert_eq!(path(&"a".repeat(234)), None, "its file could not be made");
    }

    #[test]
    fn a_cookie_s_name_stays_in_the_folder() {
        for name in ["", "a/b", "../a", "a\0"] {
            assert!(Names::new(Path::new("/sessions"), name).is_err(), "{name}");
        }
    }

    #[test]
    fn sessions_are_told_from_what_is_being_written_and_from_the_rest() {
        for (name, kind) in [
            ("sessionidabcdefgh", Kind::Session),
            ("sessionidabcdefgh_out_x1Y_2", Kind::Unfinished),
            ("sessionid", Kind::Foreign),
            ("sessionid_out_abc", Kind::Foreign),
            ("sessionidABC", Kind::Foreign),
            ("csrftokenabcdefgh", Kind::Foreign),
        ] {
            assert_eq!(names().kind(name), kind, "{name}");
        }
        let unfinished = format!("{}Ab12cd", Names::unfinished(&path("abcdefgh").unwrap()));
        assert_eq!(names().kind(&unfinished), Kind::Unfinished);
    }
}

//! Reading a site's own templates from a folder.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The files below `folder` by their names, which have `/` between their parts on every system.
///
/// # Errors
/// Something there cannot be read, is no UTF-8 text, or may be written by others than its owner.
pub(super) fn read(folder: &Path) -> Result<BTreeMap<String, String>, FolderError> {
    let mut sources = BTreeMap::new();
    read_into(&mut sources, folder, "", 0)?;
    Ok(sources)
}

fn read_into(
    sources: &mut BTreeMap<String, String>,
    folder: &Path,
    prefix: &str,
    depth: u32,
) -> Result<(), FolderError> {
    if depth > DEEPEST {
        return Err(FolderError::new(folder, Trouble::TooDeep));
    }
    let unreadable = |error| FolderError::new(folder, Trouble::Unreadable(error));
    refuse_if_others_may_write(folder, &fs::metadata(folder).map_err(unreadable)?)?;
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(FolderError::new(&path, Trouble::NotText));
        };
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        let metadata = fs::metadata(&path)
            .map_err(|error| FolderError::new(&path, Trouble::Unreadable(error)))?;
        if metadata.is_dir() {
            read_into(sources, &path, &format!("{name}/"), depth + 1)?;
        } else if metadata.is_file() {
            sources.insert(name, read_file(&path)?);
        }
    }
    Ok(())
}

/// The permissions are those of the file that was opened, so nobody can swap it between look and read.
fn read_file(path: &Path) -> Result<String, FolderError> {
    let unreadable = |error| FolderError::new(path, Trouble::Unreadable(error));
    let mut file = File::open(path).map_err(unreadable)?;
    refuse_if_others_may_write(path, &file.metadata().map_err(unreadable)?)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| FolderError::new(path, Trouble::NotText))
}

/// Who may write a login page may read every password that is typed there.
#[cfg(unix)]
fn refuse_if_others_may_write(path: &Path, metadata: &Metadata) -> Result<(), FolderError> {
    use std::os::unix::fs::PermissionsExt;

    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(FolderError::new(path, Trouble::OthersMayWrite));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_if_others_may_write(_: &Path, _: &Metadata) -> Result<(), FolderError> {
    Ok(())
}

/// A template folder that cannot be used.
#[derive(Debug)]
pub(super) struct FolderError {
    path: PathBuf,
    trouble: Trouble,
}

impl FolderError {
    fn new(path: &Path, trouble: Trouble) -> Self {
        Self {
            path: path.to_owned(),
            trouble,
        }
    }
}

impl fmt::Display for FolderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.trouble {
            Trouble::Unreadable(error) => write!(formatter, "template {path}: {error}"),
            Trouble::OthersMayWrite => write!(
                formatter,
                "template {path} may be written by others than its owner; mend it with: chmod go-w '{path}'"
            ),
            Trouble::NotText => write!(
                formatter,
                "template {path} is not UTF-8; only templates belong into their folder"
            ),
            Trouble::TooDeep => write!(formatter, "template {path} lies too deep"),
        }
    }
}

impl std::error::Error for FolderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.trouble {
            Trouble::Unreadable(error) => Some(error),
            Trouble::OthersMayWrite | Trouble::NotText | Trouble::TooDeep => None,
        }
    }
}

#[derive(Debug)]
enum Trouble {
    Unreadable(io::Error),
    OthersMayWrite,
    NotText,
    TooDeep,
}

/// Deeper than anyone sorts templates; a symbolic link to a folder above itself ends here.
const DEEPEST: u32 = 8;

/// A folder with these files, which only their owner may write whatever the tester's umask.
#[cfg(test)]
pub(super) fn with_files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    only_the_owner_writes(folder.path(), 0o755);
    for (name, source) in files {
        let path = folder.path().join(name);
        let parent = path.parent().unwrap();
        fs::create_dir_all(parent).unwrap();
        only_the_owner_writes(parent, 0o755);
        fs::write(&path, source).unwrap();
        only_the_owner_writes(&path, 0o644);
    }
    folder
}

#[cfg(all(test, unix))]
fn only_the_owner_writes(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(all(test, not(unix)))]
fn only_the_owner_writes(_: &Path, _: u32) {}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn files_are_named_by_their_place_below_the_folder() {
        let folder = with_files(&[("registration/login.html", "a"), ("404.html", "b")]);
        fs::write(folder.path().join(".404.html.swp"), [0xff]).unwrap();
        let sources = read(folder.path()).unwrap();
        let expected = [("404.html", "b"), ("registration/login.html", "a")];
        assert_eq!(
            sources,
            BTreeMap::from(expected.map(|(name, text)| (name.to_owned(), text.to_owned())))
        );
    }

    /// O1.
    #[test]
    fn a_folder_or_file_that_others_may_write_is_refused_and_the_message_names_chmod() {
        for (mode, fine) in [
            (0o755, true),
            (0o700, true),
            (0o775, false),
            (0o757, false),
            (0o1777, false),
        ] {
            for place in ["", "inner", "inner/x.html"] {
                let folder = with_files(&[("inner/x.html", "")]);
                let path = match place {
                    "" => folder.path().to_owned(),
                    place => folder.path().join(place),
                };
                set_mode(&path, mode);
                let result = read(folder.path());
                assert_eq!(result.is_ok(), fine, "{place} {mode:o}");
                if let Err(error) = result {
                    let advice = format!("chmod go-w '{}'", path.display());
                    assert!(error.to_string().ends_with(&advice), "{error}");
                }
            }
        }
    }

    #[test]
    fn the_file_behind_a_link_is_the_one_that_counts() {
        let folder = with_files(&[]);
        let elsewhere = with_files(&[("login.html", "text")]);
        let target = elsewhere.path().join("login.html");
        symlink(&target, folder.path().join("x.html")).unwrap();
        assert_eq!(read(folder.path()).unwrap()["x.html"], "text");
        set_mode(&target, 0o666);
        assert!(read(folder.path()).is_err());
    }

    #[test]
    fn a_link_in_a_circle_ends() {
        let folder = with_files(&[]);
        symlink(folder.path(), folder.path().join("again")).unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(error.to_string().ends_with("too deep"), "{error}");
    }

    #[test]
    fn what_is_not_text_or_not_there_is_an_error_that_names_it() {
        let folder = with_files(&[("logo.png", "")]);
        fs::write(folder.path().join("logo.png"), [0x89, 0xff]).unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(
            error.to_string().contains("logo.png is not UTF-8"),
            "{error}"
        );
        let error = read(&folder.path().join("nowhere")).unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}

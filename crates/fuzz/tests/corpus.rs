//! Puts every kept input to its target, and keeps the lists of targets the same everywhere.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use cloakroom_fuzz::TARGETS;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The names in a folder, without their endings.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    entries.map(|entry| name(entry.unwrap().path())).collect()
}

#[test]
fn every_kept_input_holds() {
    let mut failures = Vec::new();
    for (name, target) in TARGETS {
        let inputs = names(&here("corpus").join(name));
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            let path = here("corpus").join(name).join(&input);
            let bytes = fs::read(path).unwrap();
            // The message stands before this line; a test's output is shown only if it fails.
            if catch_unwind(|| target(&bytes)).is_err() {
                eprintln!("this was corpus/{name}/{input}: {}", bytes.escape_ascii());
                failures.push(format!("{name}/{input}"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn targets_folders_and_binaries_are_the_same() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&here("corpus")), targets);
    assert_eq!(names(&here("fuzz/targets")), targets);
    let manifest = fs::read_to_string(here("fuzz/Cargo.toml")).unwrap();
    let binaries = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("name = \""));
    let binaries = binaries.filter_map(|rest| rest.strip_suffix('"'));
    let package = "cloakroom-fuzz-targets".to_owned();
    let binaries: BTreeSet<String> = binaries
        .map(str::to_owned)
        .filter(|name| *name != package)
        .collect();
    assert_eq!(binaries, targets);
    for (name, _) in TARGETS {
        let source = fs::read_to_string(here("fuzz/targets").join(format!("{name}.rs"))).unwrap();
        assert!(
            source.contains(&format!("cloakroom_fuzz::{name}(input)")),
            "{name} calls another target"
        );
    }
}

#[test]
fn the_corpus_is_small() {
    let mut all = 0;
    for (name, _) in TARGETS {
        let folder = here("corpus").join(name);
        let files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap())
            .collect();
        assert!(
            files.len() <= 500,
            "{name} has {} files: some of them reach what others reach",
            files.len()
        );
        all += files
            .iter()
            .map(|file| file.metadata().unwrap().len())
            .sum::<u64>();
    }
    assert!(
        all < 3 << 20,
        "{all} bytes: some of them reach what others reach"
    );
}

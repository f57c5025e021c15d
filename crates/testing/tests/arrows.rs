//! Keeps the arrows between the crates: server → web and stores → core, and nothing the other way.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names in a crate's `[dependencies]`; what its tests use does not count.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
    let (_, after) = manifest.split_once("\n[dependencies]\n").unwrap();
    let section = after.split("\n[").next().unwrap();
    let names = section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'));
    names.map(str::to_owned).collect()
}

fn ours(name: &str) -> Vec<String> {
    let dependencies = dependencies(name).into_iter();
    dependencies
        .filter(|name| name.starts_with("cloakroom"))
        .collect()
}

#[test]
fn arrows_point_one_way() {
    assert_eq!(ours("core"), [""; 0]);
    assert_eq!(ours("stores"), ["cloakroom-core"]);
    assert_eq!(ours("web"), ["cloakroom-core", "cloakroom-stores"]);
    assert_eq!(
        ours("server"),
        ["cloakroom", "cloakroom-core", "cloakroom-stores"]
    );
    assert_eq!(ours("testing"), ["cloakroom", "cloakroom-core"]);
    assert_eq!(ours("judge"), ["cloakroom-core"]);
    assert_eq!(ours("fuzz"), ["cloakroom-core"]);
}

#[test]
fn nothing_that_is_shipped_has_the_tools_of_tests_in_it() {
    let tree = |package: &str| {
        let ran = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--all-features", "--prefix", "none"])
            .args(["--edges", "normal,build", "--package", package])
            .current_dir(crates())
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8(ran.stdout).unwrap()
    };
    for package in [
        "cloakroom-server",
        "cloakroom",
        "cloakroom-stores",
        "cloakroom-core",
    ] {
        let tree = tree(package);
        assert!(tree.starts_with(&format!("{package} v")), "{tree}");
        assert!(!tree.contains("cloakroom-testing"), "{package}");
    }
    // The tree does show what is there.
    assert!(tree("cloakroom-testing").contains("\ncloakroom v"));
}

#[test]
fn core_knows_no_runtime_and_no_web_framework() {
    let known = dependencies("core");
    assert!(known.len() > 5, "the manifest is read: {known:?}");
    for name in ["axum", "http", "hyper", "tokio", "tower", "rusqlite"] {
        assert!(!known.contains(&name.to_owned()), "core depends on {name}");
    }
    for name in ["axum", "http", "hyper", "tower"] {
        let stores = dependencies("stores");
        assert!(
            !stores.contains(&name.to_owned()),
            "stores depends on {name}"
        );
    }
}

#[test]
fn web_names_the_stores_only_to_hand_them_on() {
    let mut named = 0;
    each_source("web/src", |path, text| {
        for line in text
            .lines()
            .filter(|line| line.contains("cloakroom_stores"))
        {
            let handed_on = line.starts_with("pub use cloakroom_stores::");
            assert!(handed_on, "{}: {line}", path.display());
            named += 1;
        }
    });
    assert!(named > 0, "the sources are read");
}

/// A site may have a clock of its own ([`TestClock`](cloakroom_testing::TestClock)), and then goes by no other.
#[test]
fn a_site_s_time_is_read_in_one_place() {
    let mut readers = Vec::new();
    each_source("web/src", |path, text| {
        if text.lines().any(|line| line.contains("Timestamp::now()")) {
            readers.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    });
    readers.sort();
    // The other two ask whether browsers would keep a cookie at all, and name a file.
    assert_eq!(readers, ["clock.rs", "config.rs", "folder.rs"]);
}

/// Every file of Rust below a folder.
fn each_source(folder: &str, mut look: impl FnMut(&Path, &str)) {
    let mut paths = vec![crates().join(folder)];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(path).unwrap();
            paths.extend(entries.map(|entry| entry.unwrap().path()));
        } else {
            look(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

//! Keeps the order of core's modules: each uses only those that stand before it in `lib.rs`.

use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The top-level modules that a source text names after `crate::`, outside its tests and comments.
fn used_modules(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or(source);
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.collect::<Vec<_>>().join("\n");
    let mut modules = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let word = |text: &str| -> String {
            text.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        };
        assert!(
            !rest.starts_with('{'),
            "name the module after crate::, one line each"
        );
        modules.push(word(rest));
    }
    modules
}

#[test]
fn a_module_uses_only_those_before_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let library = fs::read_to_string(source.join("lib.rs")).unwrap();
    let declared = library.lines().filter_map(|line| {
        line.strip_prefix("pub ")
            .or(Some(line))?
            .strip_prefix("mod ")
    });
    let order: Vec<&str> = declared.filter_map(|name| name.strip_suffix(';')).collect();
    let wanted = [
        "secret", "signing", "cookie", "session", "csrf", "password", "auth",
    ];
    let known: Vec<&str> = order
        .iter()
        .copied()
        .filter(|name| wanted.contains(name))
        .collect();
    assert_eq!(known, wanted, "the order that ARCHITECTURE.md gives");

    let mut uses = 0;
    for (place, module) in order.iter().enumerate() {
        let mut files = vec![source.join(format!("{module}.rs"))];
        let folder = source.join(module);
        if folder.is_dir() {
            files.extend(rust_files(&folder));
        }
        for file in files {
            // Files of tests only may use what they like.
            if file.file_name().is_some_and(|name| name == "tests.rs") {
                continue;
            }
            for used in used_modules(&fs::read_to_string(&file).unwrap()) {
                let found = order.iter().position(|name| *name == used);
                let found =
                    found.unwrap_or_else(|| panic!("{} uses unknown {used}", file.display()));
                assert!(
                    found <= place,
                    "{} uses {used}, which stands after {module}",
                    file.display()
                );
                uses += 1;
            }
        }
    }
    assert!(uses > 20, "the test reads the sources: {uses} uses found");
}

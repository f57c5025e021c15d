//! The project's documents: that they leave nothing out, and name nothing that is not there.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 13] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/settings.md",
    "docs/django.md",
    "docs/cookies.md",
    "docs/csrf.md",
    "docs/login.md",
    "docs/permissions.md",
    "docs/tokens.md",
    "tests/README.md",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between single backticks outside code blocks.
fn code_spans(text: &str) -> Vec<String> {
    let mut in_block = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        !fence && !in_block
    });
    let spans = lines.flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.map(str::to_owned).collect()
}

/// The names in quotation marks at the beginning of a table's rows, outside tests.
fn names_in(source: &str) -> Vec<&str> {
    let source = source.split("#[cfg(test)]").next().unwrap_or(source);
    let rows = source.lines().filter_map(|line| {
        let row = line.trim().trim_start_matches('(');
        row.strip_prefix('"')?.split('"').next()
    });
    rows.filter(|name| {
        let setting = |byte: u8| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit();
        name.len() > 5 && name.bytes().all(setting)
    })
    .collect()
}

#[test]
fn every_setting_has_its_row_with_form_default_and_reason() {
    let settings = read("docs/settings.md");
    let rows: Vec<Vec<&str>> = settings
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let sources = [
        read("crates/server/src/settings/names.rs"),
        read("crates/web/src/config/settings.rs"),
    ];
    let names: HashSet<&str> = sources.iter().flat_map(|source| names_in(source)).collect();
    assert!(names.len() > 40, "the test reads the sources: {names:?}");
    for name in names {
        let of_this_name = |row: &&Vec<&str>| row[0] == format!("`{name}`");
        let row = rows.iter().find(of_this_name);
        let row = row.unwrap_or_else(|| panic!("docs/settings.md has no row for {name}"));
        let complete = row.len() == 4 && row.iter().all(|cell| !cell.is_empty());
        assert!(complete, "{name}: {row:?}");
    }
}

#[test]
fn links_lead_to_files_and_headings() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = root().join(document).parent().unwrap().to_owned();
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let images = ["src=\"", "srcset=\""].into_iter().flat_map(|attribute| {
            let rest = text.split(attribute).skip(1);
            rest.filter_map(|rest| rest.split('"').next())
        });
        for link in links.chain(images) {
            if link.contains("://") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let file = if path.is_empty() {
                root().join(document)
            } else {
                folder.join(path)
            };
            assert!(file.exists(), "{document}: {link}");
            if !heading.is_empty() {
                let target = fs::read_to_string(&file).unwrap();
                let mut headings = target.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor(line) == heading),
                    "{document}: {link}"
                );
            }
        }
    }
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let title = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = title
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn the_files_and_tests_that_are_named_are_there() {
    let mut sources = String::new();
    collect(&root().join("crates"), &mut sources);
    collect(&root().join("tests"), &mut sources);
    let mut named = 0;
    for document in DOCUMENTS {
        for span in code_spans(&read(document)) {
            let ours = ["crates/", "tests/", "docs/"];
            let pattern = span.contains(['*', ' ', '<']) || span.contains("X.Y");
            if ours.iter().any(|folder| span.starts_with(folder)) && !pattern {
                assert!(root().join(&span).exists(), "{document}: {span}");
                named += 1;
            }
        }
    }
    for document in ["SECURITY.md", "ARCHITECTURE.md"] {
        // The last column of the tables that end in tests.
        let text = read(document);
        let rows = text.lines().filter(|line| line.starts_with("| "));
        let last_cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit("| ").next());
        for name in last_cells.flat_map(code_spans_of_a_line) {
            let sentence = name.bytes().filter(|byte| *byte == b'_').count() >= 2
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if sentence {
                let call = format!("fn {name}(");
                let python = format!("def {name}(");
                assert!(
                    sources.contains(&call) || sources.contains(&python),
                    "{document}: there is no test {name}"
                );
                named += 1;
            }
        }
    }
    assert!(named > 100, "the test reads the documents: {named}");
}

fn code_spans_of_a_line(line: &str) -> Vec<String> {
    line.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn collect(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rs" || extension == "py")
        {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

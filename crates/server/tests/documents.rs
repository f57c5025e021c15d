//! The project's documents: that they leave nothing out, and name nothing that is not there.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 14] = [
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
    "docs/security.md",
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
                // What stands behind is a test, which the table of threats answers for.
                let file = span.split("::").next().unwrap_or_default();
                assert!(root().join(file).exists(), "{document}: {span}");
                named += 1;
            }
        }
    }
    // The last column of the tables that end in tests.
    let text = read("ARCHITECTURE.md");
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let last_cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit("| ").next());
    for name in last_cells.flat_map(code_spans_of_a_line) {
        let sentence = name.bytes().filter(|byte| *byte == b'_').count() >= 2
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if sentence {
            assert!(
                place_of(&name, &sources).is_some(),
                "there is no test {name}"
            );
            named += 1;
        }
    }
    assert!(named > 100, "the test reads the documents: {named}");
}

/// Where a test is in the sources.
fn place_of(name: &str, sources: &str) -> Option<usize> {
    let place = |keyword: &str| sources.find(&format!("{keyword} {name}("));
    place("fn").or_else(|| place("def"))
}

/// A row of `docs/security.md`: the ids in it, its tests, and why there is none or what is not promised.
struct Threat {
    ids: Vec<String>,
    tests: Vec<String>,
    reason: String,
}

fn threats() -> Vec<Threat> {
    let text = read("docs/security.md");
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| id |"));
    rows.map(|row| {
        let row = row.trim_start_matches("| ").trim_end_matches(" |");
        let cells: Vec<&str> = row.split(" | ").collect();
        let [ids, asked, tests, reason] = cells[..] else {
            panic!("four cells: {row}");
        };
        assert!(!asked.is_empty(), "{row}");
        Threat {
            ids: ids.split(", ").map(str::to_owned).collect(),
            tests: code_spans_of_a_line(tests),
            reason: reason.to_owned(),
        }
    })
    .collect()
}

#[test]
fn every_threat_has_a_test_that_names_it_or_a_reason() {
    let mut tests = 0;
    for threat in threats() {
        assert!(
            !threat.tests.is_empty() || threat.reason.len() > 20,
            "{:?} has neither a test nor a reason",
            threat.ids
        );
        for test in &threat.tests {
            let (file, name) = test.split_once("::").expect("a file and a test");
            let source = read(file);
            let place = place_of(name, &source).unwrap_or_else(|| panic!("there is no {test}"));
            // From the comment in front of it to the next one.
            let begin = source[..place].rfind("\n\n").unwrap_or(0);
            let rest = &source[place + 4..];
            let ends = ["#[test]", "#[tokio::test", "\ndef ", "\nfn ", "\nasync fn "];
            let end = ends.iter().filter_map(|end| rest.find(end)).min();
            let text = &source[begin..place + 4 + end.unwrap_or(rest.len())];
            for id in threat.ids.iter().filter(|id| *id != "–") {
                assert!(
                    has_word(text, id),
                    "{test} does not say that it is for {id}"
                );
            }
            tests += 1;
        }
    }
    assert!(tests > 200, "the test reads the table: {tests}");
}

fn has_word(text: &str, word: &str) -> bool {
    let part_of_a_word = |character: char| character.is_alphanumeric() || character == '-';
    text.match_indices(word).any(|(place, _)| {
        !text[..place].ends_with(part_of_a_word)
            && !text[place + word.len()..].starts_with(part_of_a_word)
    })
}

#[test]
fn every_id_in_front_of_a_test_stands_in_the_table_of_threats() {
    let known: HashSet<String> = threats()
        .into_iter()
        .flat_map(|threat| threat.ids)
        .collect();
    let mut sources = String::new();
    collect(&root().join("crates"), &mut sources);
    collect(&root().join("tests"), &mut sources);
    let mut named = 0;
    for line in sources.lines() {
        let line = line.trim_start();
        let comments = ["/// ", "// ", "# "];
        let Some(comment) = comments.iter().find_map(|mark| line.strip_prefix(mark)) else {
            continue;
        };
        for word in comment.split_inclusive([',', '.', ':', ' ']) {
            let id = word.trim_end_matches([',', '.', ':', ' ']);
            if !is_id(id) {
                break;
            }
            assert!(
                known.contains(id),
                "docs/security.md has no row for {id}: {line}"
            );
            named += 1;
        }
    }
    assert!(named > 200, "the test reads the sources: {named}");
}

/// Such as `S7`, or the number of an advisory.
fn is_id(word: &str) -> bool {
    let ours = word.len() >= 2
        && word.starts_with(|letter: char| letter.is_ascii_uppercase())
        && word.len() <= 3
        && word[1..].bytes().all(|byte| byte.is_ascii_digit());
    ours || ["CVE-", "GHSA-", "RUSTSEC-"]
        .iter()
        .any(|list| word.starts_with(list) && word.len() > list.len())
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

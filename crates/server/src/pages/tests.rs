use std::fs;

use super::*;

const HOSTILE: &str = "\"'><script>alert(1)</script><b onclick=x style=y>{{ 1234 * 1001 }}&amp;";

fn pages(text: &str) -> Vec<(&'static str, String)> {
    samples::render_all(&templates::embedded(), text).unwrap()
}

fn page(name: &str) -> String {
    let mut pages = pages("alice").into_iter();
    pages.find(|(other, _)| *other == name).expect(name).1
}

/// A tag with its attributes, as a browser would see them in HTML that quotes every value.
#[derive(Debug)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(other, _)| other == name)?;
        Some(&found.1)
    }
}

/// The opening tags of a page, in their order.
fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if !rest.starts_with(|character: char| character.is_ascii_alphabetic()) {
            continue;
        }
        let end = rest.find([' ', '>', '\n']).unwrap();
        let mut tag = Tag {
            name: rest[..end].to_owned(),
            attributes: Vec::new(),
        };
        rest = rest[end..].trim_start();
        while !rest.starts_with('>') {
            let end = rest.find(['=', ' ', '>', '\n']).unwrap();
            let name = rest[..end].to_owned();
            rest = &rest[end..];
            let mut value = "";
            if let Some(quoted) = rest.strip_prefix("=\"") {
                (value, rest) = quoted.split_once('"').unwrap();
            }
            assert!(
                !rest.starts_with('='),
                "an unquoted value of {name} in {page}"
            );
            tag.attributes.push((name, value.to_owned()));
            rest = rest.trim_start();
        }
        tags.push(tag);
    }
    tags
}

/// A folder with these templates, which only their owner may write whatever the tester's umask.
fn with_files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = folder.path().join(name);
        fs::write(&path, source).unwrap();
        only_the_owner_writes(&path, 0o644);
    }
    only_the_owner_writes(folder.path(), 0o755);
    folder
}

#[cfg(unix)]
fn only_the_owner_writes(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn only_the_owner_writes(_: &Path, _: u32) {}

fn title(page: &str) -> &str {
    let (_, rest) = page.split_once("<title>").unwrap();
    rest.split_once("</title>").unwrap().0
}

/// O1.
#[test]
fn no_value_becomes_markup() {
    let names = |pages: Vec<(&'static str, String)>| -> Vec<Vec<String>> {
        let page = |(_, page): (_, String)| tags(&page).into_iter().map(|tag| tag.name).collect();
        pages.into_iter().map(page).collect()
    };
    for (name, page) in pages(HOSTILE) {
        assert!(!page.contains("<script"), "{name}: {page}");
        assert!(
            !page.contains("1235234"),
            "{name}: a value was taken for a template"
        );
    }
    assert_eq!(names(pages(HOSTILE)), names(pages("alice")));
}

#[test]
fn what_was_typed_comes_back_as_it_was() {
    let (_, page) = pages(HOSTILE)
        .into_iter()
        .find(|(name, _)| *name == "login refused")
        .unwrap();
    let tags = tags(&page);
    let username = tags.iter().find(|tag| tag.get("name") == Some("username"));
    let typed = username.unwrap().get("value").unwrap();
    let escaped = Templates::from_sources([("x", "{{ v }}")]).unwrap();
    let escaped = escaped.render("x", cloakroom::context! { v => HOSTILE });
    assert_eq!(typed, escaped.unwrap());
}

#[test]
fn a_page_holds_no_script_no_style_and_nothing_of_another_site() {
    for (name, page) in pages(HOSTILE) {
        for tag in tags(&page) {
            assert!(
                !["script", "style", "iframe", "object", "embed", "base"].contains(&&*tag.name),
                "{name}: {tag:?}"
            );
            for (attribute, value) in &tag.attributes {
                assert!(attribute != "style", "{name}: {tag:?}");
                assert!(!attribute.starts_with("on"), "{name}: {tag:?}");
                if ["href", "src", "action"].contains(&&**attribute) {
                    assert!(
                        value.starts_with('#')
                            || (value.starts_with('/') && !value.starts_with("//")),
                        "{name}: {tag:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_page_is_named_has_one_heading_and_one_main_part() {
    for (name, page) in pages("alice") {
        let tags = tags(&page);
        let count = |wanted: &str| tags.iter().filter(|tag| tag.name == wanted).count();
        assert!(!title(&page).trim().is_empty(), "{name}");
        assert_eq!(
            (count("title"), count("h1"), count("main")),
            (1, 1, 1),
            "{name}"
        );
        assert_eq!(tags[0].get("lang"), Some("en"), "{name}");
    }
}

#[test]
fn every_field_has_a_label_and_every_reference_a_target() {
    for (name, page) in pages("alice") {
        let tags = tags(&page);
        let mut ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        for tag in &tags {
            let described = tag.get("aria-describedby").unwrap_or_default();
            for id in described.split_whitespace().chain(tag.get("for")) {
                assert!(ids.contains(&id), "{name}: {tag:?}");
            }
            if let Some(id) = tag.get("href").and_then(|href| href.strip_prefix('#')) {
                assert!(ids.contains(&id), "{name}: {tag:?}");
            }
            if tag.name == "input" && tag.get("type") != Some("hidden") {
                let labelled = tags
                    .iter()
                    .any(|label| label.name == "label" && label.get("for") == tag.get("id"));
                assert!(labelled, "{name}: {tag:?}");
            }
            if tag.name == "img" {
                assert!(tag.get("alt").is_some(), "{name}: {tag:?}");
            }
        }
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}: an id is there twice");
    }
}

#[test]
fn a_form_that_changes_something_carries_the_token() {
    for (name, page) in pages("alice") {
        let tags = tags(&page);
        let forms = tags.iter().filter(|tag| tag.name == "form");
        let tokens = tags.iter().filter(|tag| {
            tag.get("name") == Some("csrfmiddlewaretoken")
                && tag.get("value") == Some(samples::TOKEN)
        });
        assert_eq!(forms.count(), tokens.count(), "{name}");
    }
}

#[test]
fn a_failed_login_says_so_first_and_keeps_the_name_but_not_the_password() {
    let page = page("login refused");
    assert_eq!(title(&page), "Error: Log in | Cloakroom");
    assert!(page.contains(
        "Please enter a correct username and password. Note that both fields may be case-sensitive."
    ));
    let tags = tags(&page);
    let alert = tags.iter().find(|tag| tag.get("role") == Some("alert"));
    assert_eq!(alert.unwrap().get("id"), Some("errors"));
    let field = |name| {
        tags.iter()
            .find(|tag| tag.get("name") == Some(name))
            .unwrap()
    };
    for name in ["username", "password"] {
        assert_eq!(field(name).get("aria-invalid"), Some("true"));
        assert_eq!(field(name).get("aria-describedby"), Some("errors"));
    }
    assert_eq!(field("username").get("value"), Some("alice"));
    assert_eq!(field("password").get("value"), None);
    assert_eq!(field("password").get("autofocus"), Some(""));
    assert_eq!(field("next").get("value"), Some("alice"));
}

#[test]
fn the_first_login_form_blames_nothing() {
    let page = page("login");
    assert_eq!(title(&page), "Log in | Cloakroom");
    for word in ["aria-invalid", "role=\"alert\"", "name=\"next\""] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("autocomplete=\"username\""));
    assert!(page.contains("autocomplete=\"current-password\""));
}

#[test]
fn no_password_is_ever_sent_back() {
    for (name, page) in pages("alice") {
        for tag in tags(&page) {
            if tag.get("type") == Some("password") {
                assert_eq!(tag.get("value"), None, "{name}");
            }
        }
    }
}

#[test]
fn the_errors_keep_djangos_phrases() {
    for (name, phrases) in [
        ("400", &["Bad Request (400)"][..]),
        ("403", &["403 Forbidden"]),
        (
            "403 csrf",
            &[
                "<title>403 Forbidden</title>",
                "Forbidden (403)",
                "CSRF verification failed. Request aborted.",
                "href=\"/alice\"",
            ],
        ),
        (
            "403 csrf no cookie",
            &["CSRF verification failed.", "cookie"],
        ),
        (
            "403 csrf no referer",
            &["CSRF verification failed.", "“Referer header”"],
        ),
        (
            "404",
            &[
                "Not Found",
                "The requested resource was not found on this server.",
            ],
        ),
        ("500", &["Server Error (500)"]),
        ("503", &["Nothing is lost", "try again", "href=\"/alice\""]),
    ] {
        for phrase in phrases {
            assert!(page(name).contains(phrase), "{name}: {phrase}");
        }
    }
}

#[test]
fn a_sites_template_that_cannot_make_its_page_is_found_at_the_start() {
    let folder = with_files(&[("home.html", "<p>\n{{ usrname }}")]);
    let message = load(Some(folder.path())).unwrap_err().to_string();
    assert!(
        message.starts_with("template home.html, line 2: "),
        "{message}"
    );
    let folder = with_files(&[("home.html", "{{ username }} {% csrf_token %}")]);
    load(Some(folder.path())).unwrap();
}

#[test]
fn a_sites_base_dresses_the_embedded_pages() {
    let base = "<main>{% block heading %}{% endblock %}</main>";
    let folder = with_files(&[("base.html", base)]);
    let templates = load(Some(folder.path())).unwrap();
    let page = error::NotFound {}.render(&templates).unwrap();
    assert_eq!(page, "<main>Not Found</main>");
}

#[test]
fn the_pages_name_the_files_that_are_served() {
    let page = page("login");
    for asset in crate::assets::all() {
        assert!(
            page.contains(&format!("\"{}\"", asset.path)),
            "{}",
            asset.path
        );
    }
}

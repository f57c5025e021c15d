"""Pages made of templates, the token in them, and refusals for programs."""

from bug import Bug, stack, web

CSRF = "crates/web/src/csrf.rs"
FOLDER = "crates/web/src/templates/folder.rs"
JSON = "crates/web/src/error/json.rs"
PAGE = "crates/web/src/templates/page.rs"
TAG = "crates/web/src/templates/csrf_tag.rs"
TEMPLATES = "crates/web/src/templates.rs"
TEMPLATE_ERROR = "crates/web/src/templates/error.rs"

LAZY = web("templates::page::tests::a_token_is_made_when_it_is_written_and_not_before")

BUGS = [
    Bug(
        "a token is made though no template writes it",
        PAGE,
        "(name, Value::from_object(CsrfWord { make, failed }))",
        "(name, Value::from_safe_string(CsrfWord { make, failed }.html()))",
        LAZY,
    ),
    Bug(
        "a handler's value takes the place of the token",
        PAGE,
        "merge_maps([values, Value::from_pairs(words)])",
        "merge_maps([Value::from_pairs(words), values])",
        LAZY,
    ),
    Bug(
        "a page whose token cannot be made goes without",
        PAGE,
        "Some(error) => Err(error),",
        "Some(_) => Ok(html?),",
        web("templates::page::tests::a_page_whose_token_cannot_be_made_is_no_page"),
    ),
    Bug(
        "the files of a group's members are read as templates",
        FOLDER,
        "mode() & 0o022 != 0",
        "mode() & 0o002 != 0",
        web("templates::folder::tests::a_folder_or_file_that_others_may_write_is_refused_and_the_message_names_chmod"),
    ),
    Bug(
        "a template is escaped only if its name says HTML",
        TEMPLATES,
        "environment.set_auto_escape_callback(|_| AutoEscape::Html);",
        """environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
            true => AutoEscape::Html,
            false => AutoEscape::None,
        });""",
        web("templates::tests::every_file_is_escaped_whatever_its_name_ends_in"),
    ),
    Bug(
        "an error in a page quotes its values",
        TEMPLATE_ERROR,
        ".filter(|_| names_no_value(kind))",
        "",
        web("templates::tests::an_error_tells_no_value"),
    ),
    Bug(
        "Django's tag is one inside a quotation too",
        TAG,
        '"raw" => quoted = true,',
        '"raw" => quoted = false,',
        web("templates::csrf_tag::tests::what_only_looks_like_the_tag_stays"),
    ),
    Bug(
        "a browser that sends JSON is refused in JSON",
        JSON,
        "return false;",
        "continue;",
        web("error::json::tests::json_is_for_those_who_name_it_and_not_html"),
    ),
    Bug(
        "a site's own page of an error is replaced by JSON",
        JSON,
        "response.headers().get(CONTENT_TYPE) != Some(&TEXT)",
        "response.headers().get(CONTENT_TYPE).is_none()",
        web("error::json::tests::what_a_site_has_written_itself_stays"),
    ),
    Bug(
        "a refused form forgets where it was to lead",
        CSRF,
        "state.form_next = fields.next;",
        "",
        stack("refusals::a_refused_form_keeps_its_next_if_it_was_read"),
    ),
]

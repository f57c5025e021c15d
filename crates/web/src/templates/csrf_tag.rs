//! Django's tag `{% csrf_token %}`, which is no word of Jinja's.

use std::borrow::Cow;

/// `source` with `{{ csrf_input }}` for each of Django's tags, whatever blanks are in it.
///
/// What is quoted (`raw`), a comment or inside an expression stays. No line break comes or goes, so the lines that
/// errors name are those of the file.
pub(super) fn as_expression(source: &str) -> Cow<'_, str> {
    let mut written = String::new();
    // What is before it is in `written`, if there was any tag.
    let mut copied = 0;
    let mut quoted = false;
    let mut at = 0;
    while let Some(found) = source[at..].find('{') {
        let begin = at + found;
        let rest = &source[begin..];
        let end = match rest.as_bytes().get(1) {
            Some(b'%') => "%}",
            Some(b'{') if !quoted => "}}",
            Some(b'#') if !quoted => "#}",
            _ => {
                at = begin + 1;
                continue;
            }
        };
        let Some(length) = rest[2..].find(end) else {
            break;
        };
        let inner = &rest[2..2 + length];
        at = begin + 2 + length + 2;
        if end != "%}" {
            continue;
        }
        let word = inner.strip_prefix(['-', '+']).unwrap_or(inner);
        let word = word.strip_suffix(['-', '+']).unwrap_or(word).trim();
        match word {
            "endraw" => quoted = false,
            _ if quoted => at = begin + 2,
            "raw" => quoted = true,
            "csrf_token" => {
                written.push_str(&source[copied..begin]);
                written.push_str("{{");
                // An expression keeps the blanks around it without being told.
                written.push_str(
                    &inner
                        .replace('+', " ")
                        .replace("csrf_token", " csrf_input "),
                );
                written.push_str("}}");
                copied = at;
            }
            _ => {}
        }
    }
    if copied == 0 {
        return Cow::Borrowed(source);
    }
    written.push_str(&source[copied..]);
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_django_s_with_any_blanks_and_jinja_s_marks() {
        for (tag, expression) in [
            ("{% csrf_token %}", "{{  csrf_input  }}"),
            ("{%csrf_token%}", "{{ csrf_input }}"),
            ("{%  csrf_token\t%}", "{{   csrf_input \t}}"),
            ("{%- csrf_token -%}", "{{-  csrf_input  -}}"),
            ("{%-csrf_token-%}", "{{- csrf_input -}}"),
            ("{%+ csrf_token +%}", "{{   csrf_input   }}"),
            ("{%\ncsrf_token\r\n%}", "{{\n csrf_input \r\n}}"),
        ] {
            let source = format!("a {tag} b{tag}");
            let expected = format!("a {expression} b{expression}");
            assert_eq!(as_expression(&source), expected);
        }
    }

    #[test]
    fn what_only_looks_like_the_tag_stays() {
        for source in [
            "",
            "{",
            "{%",
            "{% csrf_token",
            "{% csrf_token }}",
            "{% csrf_tokens %}",
            "{% csrf token %}",
            "{% csrf_token x %}",
            "{ % csrf_token %}",
            "{# {% csrf_token %} #}",
            "{{ '{% csrf_token %}' }}",
            "{% raw %}{% csrf_token %}{{ {% csrf_token %} {% endraw %}",
            "{%-raw-%} {% raw %}{% csrf_token %} {%- endraw %}",
            "é{é{% é %}é",
        ] {
            assert_eq!(as_expression(source), source);
        }
        let after =
            as_expression("{% raw %}{% csrf_token %}{% endraw %}{# #}{{ x }}{% csrf_token %}");
        assert_eq!(
            after,
            "{% raw %}{% csrf_token %}{% endraw %}{# #}{{ x }}{{  csrf_input  }}"
        );
    }
}

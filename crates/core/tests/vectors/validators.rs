//! Password validators (`vectors/validators.py`).

use cloakroom_core::auth::User;
use cloakroom_core::password::Validators;
use serde_json::json;

use crate::rows::{Answer, NOW, Release, Row};

pub(crate) fn validate(row: &Row, release: &Release) -> Answer {
    let number = usize::try_from(row.integer("setting")).unwrap();
    let settings = release.rows("password_help");
    let validators = Validators::parse(settings[number].value("setting")).unwrap();
    let password = row.text("password");
    let user = row.value("user").as_object().map(|attributes| {
        let text = |name: &str| attributes[name].as_str().unwrap().to_owned();
        let mut user = User::new("", text("username"), NOW);
        user.first_name = text("first_name");
        user.last_name = text("last_name");
        user.email = text("email");
        user
    });
    let attributes = user.as_ref().map(User::attributes);
    let attributes = attributes.as_ref().map_or(&[][..], |attributes| attributes);
    let problems = validators.validate(password, attributes).into_iter();
    let ours = problems.map(|problem| format!("{}: {}", problem.code, problem.message));
    Answer::new(
        format!("{number} {password} {}", row.value("user")),
        row.texts("problems").join("\n"),
        ours.collect::<Vec<_>>().join("\n"),
    )
}

pub(crate) fn help(row: &Row, _: &Release) -> Answer {
    let setting = row.value("setting");
    let ours = Validators::parse(setting).unwrap().help_texts();
    Answer::new(
        setting.to_string(),
        row.texts("texts").join("\n"),
        ours.join("\n"),
    )
}

/// Both ends of a run are digits, and what stands beside them is none.
pub(crate) fn digits(row: &Row, _: &Release) -> Answer {
    let name = "django.contrib.auth.password_validation.NumericPasswordValidator";
    let validators = Validators::parse(&json!([{"NAME": name}])).unwrap();
    let is_digit = |number: i64| {
        let character = u32::try_from(number).ok().and_then(char::from_u32);
        character.map_or("none", |character| {
            let problems = validators.validate(&character.to_string(), &[]);
            if problems.is_empty() { "none" } else { "digit" }
        })
    };
    let (first, last) = (row.integer("first"), row.integer("last"));
    let runs = (first..=last).map(is_digit).collect::<Vec<_>>();
    let ours = [is_digit(first - 1), is_digit(last + 1)];
    Answer::new(
        format!("{first:x}"),
        format!("{:?} [\"none\", \"none\"]", vec!["digit"; runs.len()]),
        format!("{runs:?} {ours:?}"),
    )
}

use serde_json::json;

use super::*;

fn class(name: &str) -> String {
    format!("{MODULE}{name}")
}

fn one(name: &str, options: impl Into<Value>) -> Validators {
    let options: Value = options.into();
    Validators::parse(&json!([{"NAME": class(name), "OPTIONS": options}])).unwrap()
}

fn ann() -> [Attribute<'static>; 4] {
    let attribute = |name, verbose_name, value| Attribute {
        name,
        verbose_name,
        value,
    };
    [
        attribute("username", "username", "ann.miller"),
        attribute("first_name", "first name", "Ann"),
        attribute("last_name", "last name", "Miller"),
        attribute("email", "email address", "ann@garden-shop.example"),
    ]
}

#[test]
fn every_problem_is_told_in_order() {
    let codes = |password: &str| {
        let problems = Validators::strict().validate(password, &ann());
        problems
            .iter()
            .map(|problem| problem.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        codes("123456"),
        [
            "password_too_short",
            "password_too_common",
            "password_entirely_numeric"
        ]
    );
    assert_eq!(
        codes("miller"),
        [
            "password_too_similar",
            "password_too_short",
            "password_too_common"
        ]
    );
    assert_eq!(codes("a coat for every peg"), [""; 0]);
    assert!(Validators::default().validate("", &ann()).is_empty());
}

#[test]
fn messages_are_django_s_in_the_singular_and_the_plural() {
    let message = |validators: Validators, password: &str| {
        let problems = validators.validate(password, &ann());
        problems.into_iter().map(|problem| problem.message).next()
    };
    let length = |least: u32| one("MinimumLengthValidator", json!({"min_length": least}));
    let rows = [
        (
            length(2),
            "a",
            "This password is too short. It must contain at least 2 characters.",
        ),
        (
            length(1),
            "",
            "This password is too short. It must contain at least 1 character.",
        ),
        (
            one("UserAttributeSimilarityValidator", json!({})),
            "garden-shop",
            "The password is too similar to the email address.",
        ),
        (
            one("CommonPasswordValidator", json!({})),
            " PassWord\u{1f}",
            "This password is too common.",
        ),
        (
            one("NumericPasswordValidator", json!({})),
            "1²③٤",
            "This password is entirely numeric.",
        ),
    ];
    for (validators, password, expected) in rows {
        assert_eq!(message(validators, password).as_deref(), Some(expected));
    }
    assert_eq!(message(length(2), "éé"), None);
    assert_eq!(
        message(one("NumericPasswordValidator", json!({})), ""),
        None
    );
    assert_eq!(
        length(1).help_texts(),
        ["Your password must contain at least 1 character."]
    );
    assert_eq!(
        Validators::strict().help_texts(),
        [
            "Your password can’t be too similar to your other personal information.",
            "Your password must contain at least 12 characters.",
            "Your password can’t be a commonly used password.",
            "Your password can’t be entirely numeric.",
        ]
    );
}

#[test]
fn the_setting_is_django_s_and_what_is_not_known_is_refused() {
    let default = Validators::parse(&json!([{"NAME": class("MinimumLengthValidator")}]));
    assert_eq!(
        default,
        Ok(one("MinimumLengthValidator", json!({"min_length": 8})))
    );
    assert_eq!(Validators::parse(&json!([])), Ok(Validators::default()));
    let options = json!({"user_attributes": ["email"], "max_similarity": 0.1});
    let email = one("UserAttributeSimilarityValidator", options);
    assert!(email.validate("ann.miller", &ann()[..1]).is_empty());
    assert_eq!(email.validate("xyz.shop.xyz", &ann()).len(), 1);
    for wrong in [
        json!("MinimumLengthValidator"),
        json!(["MinimumLengthValidator"]),
        json!([{"OPTIONS": {}}]),
        json!([{"NAME": "MinimumLengthValidator"}]),
        json!([{"NAME": "shop.validators.MinimumLengthValidator"}]),
        json!([{"NAME": class("MinimumLengthValidator"), "OPTIONS": {"min_length": "8"}}]),
        json!([{"NAME": class("MinimumLengthValidator"), "OPTIONS": {"max_length": 8}}]),
        json!([{"NAME": class("NumericPasswordValidator"), "OPTIONS": {"min_length": 8}}]),
        json!([{"NAME": class("CommonPasswordValidator"), "OPTIONS": {"password_list_path": "x"}}]),
        json!([{"NAME": class("UserAttributeSimilarityValidator"), "OPTIONS": {"max_similarity": 0.09}}]),
        json!([{"NAME": class("UserAttributeSimilarityValidator"), "OPTIONS": {"user_attributes": "email"}}]),
    ] {
        assert!(Validators::parse(&wrong).is_err(), "{wrong}");
    }
    let unknown = Validators::parse(&json!([{"NAME": "shop.Mine"}])).unwrap_err();
    for known in CLASSES {
        assert!(unknown.to_string().contains(&class(known)));
        assert!(Validators::parse(&json!([{"NAME": class(known)}])).is_ok());
    }
}

//! Which table keeps users, by the settings, and which setting names what it lacks.

use cloakroom_stores::{KeyType, LinkTable, NameRule, Problem, SessionTable, UserTable};
use serde_json::Value;

use crate::commands::Failure;
use crate::session_table::{identifier, session_table};
use crate::settings::Settings;

/// The table that `AUTH_USER_MODEL`, `USERNAME_FIELD`, `EMAIL_FIELD` and the settings `USER_…` describe.
///
/// # Errors
/// A name is none, or a setting has a value that it cannot have; the message says which one.
pub fn user_table(settings: &Settings) -> Result<UserTable, Failure> {
    let model = settings.text("AUTH_USER_MODEL").unwrap_or("auth.User");
    let mut table = model
        .split('.')
        .try_for_each(|part| identifier("AUTH_USER_MODEL", part).map(drop))
        .ok()
        .and_then(|()| UserTable::of_model(model))
        .ok_or_else(|| {
            Failure::new("AUTH_USER_MODEL should name an app and its model, such as shop.Customer")
        })?;
    let link_column = match settings.text("USER_LINK_COLUMN") {
        Some(text) => Some(identifier("USER_LINK_COLUMN", text)?),
        None => None,
    };
    if let Some(name) = settings.text("USER_TABLE") {
        table.name = identifier("USER_TABLE", name)?;
        // Django names them after the table, whatever that is called.
        let tables = [
            (&mut table.groups, "groups"),
            (&mut table.permissions, "user_permissions"),
        ];
        for (link, field) in tables {
            if let Some(link) = link {
                link.name = format!("{}_{field}", table.name);
            }
        }
    }
    for (setting, name) in [
        ("USER_ID_COLUMN", &mut table.id),
        ("USERNAME_FIELD", &mut table.username),
        ("USER_PASSWORD_COLUMN", &mut table.password),
    ] {
        if let Some(text) = settings.text(setting) {
            *name = identifier(setting, text)?;
        }
    }
    for (setting, place) in OPTIONAL {
        match settings.get(setting) {
            None => {}
            Some(Value::String(text)) => *place(&mut table) = Some(identifier(setting, text)?),
            Some(_) => *place(&mut table) = None,
        }
    }
    for (setting, link) in [
        ("USER_GROUPS_TABLE", &mut table.groups),
        ("USER_PERMISSIONS_TABLE", &mut table.permissions),
    ] {
        match (settings.get(setting), link.as_mut()) {
            (None, _) => {}
            (Some(Value::String(text)), Some(link)) => link.name = identifier(setting, text)?,
            _ => *link = None,
        }
        if let (Some(LinkTable { user, .. }), Some(column)) = (link, &link_column) {
            user.clone_from(column);
        }
    }
    table.key = match settings.text("USER_ID_TYPE") {
        None | Some("integer") => KeyType::Integer,
        Some("uuid") => KeyType::Uuid,
        Some("uuid-text") => KeyType::UuidText,
        Some("text") => KeyType::Text,
        Some(_) => {
            return Err(Failure::new(
                "USER_ID_TYPE should be integer, uuid, uuid-text or text",
            ));
        }
    };
    table.names = match settings.text("USERNAME_CASE") {
        None | Some("database") => NameRule::AsTheDatabase,
        Some("exact") => NameRule::Exact,
        Some("ignore") => NameRule::IgnoringCase,
        Some(_) => {
            return Err(Failure::new(
                "USERNAME_CASE should be database, exact or ignore",
            ));
        }
    };
    for setting in ["USER_COLUMNS", "USER_HASH_COLUMNS"] {
        for text in settings.texts(setting).unwrap_or_default() {
            let column = identifier(setting, text)?;
            if !table.columns.contains(&column) {
                table.columns.push(column);
            }
        }
    }
    for text in settings.texts("USER_EXTRA_COLUMNS").unwrap_or_default() {
        let (column, value) = text
            .split_once('=')
            .filter(|(_, value)| !value.contains('\0'))
            .ok_or_else(|| {
                Failure::new(
                    "USER_EXTRA_COLUMNS should be a list such as [\"tenant_id=1\", \"plan=free\"]",
                )
            })?;
        table
            .extra
            .push((identifier("USER_EXTRA_COLUMNS", column)?, value.to_owned()));
    }
    no_column_twice(&table)?;
    Ok(table)
}

/// Only the login column and the e-mail address may be one.
fn no_column_twice(table: &UserTable) -> Result<(), Failure> {
    let email = table.email.iter().filter(|email| **email != table.username);
    let optional = OPTIONAL
        .iter()
        .filter(|(setting, _)| *setting != "EMAIL_FIELD");
    let mut whole = table.clone();
    let mut columns: Vec<String> = [&table.id, &table.username, &table.password]
        .into_iter()
        .chain(email)
        .cloned()
        .chain(optional.filter_map(|(_, place)| place(&mut whole).clone()))
        .map(|column| column.to_ascii_lowercase())
        .collect();
    columns.sort_unstable();
    match columns.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(twice) => Err(Failure::new(format!(
            "the settings name the column {} of the table of users twice",
            twice[0]
        ))),
    }
}

/// What a problem says, with the setting that names the table or the column where that is a site's own.
pub(crate) fn explained(problem: &Problem, settings: &Settings) -> String {
    let setting = match problem {
        Problem::MissingTable { table } => setting_of(settings, table, None),
        Problem::MissingColumn { table, column } => setting_of(settings, table, Some(column)),
        _ => None,
    };
    match setting {
        Some(setting) => format!("{problem} (the setting {setting} names it)"),
        None => problem.to_string(),
    }
}

fn setting_of(settings: &Settings, table: &str, column: Option<&str>) -> Option<String> {
    let sessions = session_table(settings).unwrap_or_default();
    let users = user_table(settings).unwrap_or_default();
    if table == users.name && !(users.is_django_s() && users.columns.is_empty()) {
        return Some(setting_of_users(settings, &users, column).to_owned());
    }
    let links = [
        ("USER_GROUPS_TABLE", &users.groups),
        ("USER_PERMISSIONS_TABLE", &users.permissions),
    ];
    for (setting, link) in links {
        let Some(link) = link.as_ref().filter(|link| link.name == table) else {
            continue;
        };
        return (!users.is_django_s()).then(|| match column {
            Some(column) if column == link.user => "USER_LINK_COLUMN".to_owned(),
            _ => setting.to_owned(),
        });
    }
    let of_sessions = (table == sessions.name && !sessions.is_django_s()).then_some(sessions);
    of_sessions.map(|sessions| setting_of_sessions(&sessions, column).to_owned())
}

fn setting_of_sessions(sessions: &SessionTable, column: Option<&str>) -> &'static str {
    match column {
        None => "SESSION_TABLE",
        Some(column) if column == sessions.session_key => "SESSION_KEY_COLUMN",
        Some(column) if column == sessions.session_data => "SESSION_DATA_COLUMN",
        Some(column) if column == sessions.expire_date => "SESSION_EXPIRE_COLUMN",
        Some(_) => "SESSION_EXTRA_COLUMNS",
    }
}

fn setting_of_users(settings: &Settings, users: &UserTable, column: Option<&str>) -> &'static str {
    let Some(column) = column else {
        return if settings.get("USER_TABLE").is_some() {
            "USER_TABLE"
        } else {
            "AUTH_USER_MODEL"
        };
    };
    let mut whole = users.clone();
    let optional = OPTIONAL
        .iter()
        .find(|(_, place)| place(&mut whole).as_deref() == Some(column));
    match column {
        _ if column == users.id => "USER_ID_COLUMN",
        _ if column == users.username => "USERNAME_FIELD",
        _ if column == users.password => "USER_PASSWORD_COLUMN",
        _ if optional.is_some() => optional.map_or("USER_TABLE", |(setting, _)| setting),
        _ if settings
            .texts("USER_HASH_COLUMNS")
            .is_some_and(|columns| columns.contains(&column)) =>
        {
            "USER_HASH_COLUMNS"
        }
        _ if users.columns.iter().any(|read| read == column) => "USER_COLUMNS",
        _ => "USER_EXTRA_COLUMNS",
    }
}

type PlaceOf = fn(&mut UserTable) -> &mut Option<String>;

/// The settings of columns that a table may lack.
const OPTIONAL: [(&str, PlaceOf); 8] = [
    ("EMAIL_FIELD", |table| &mut table.email),
    ("USER_ACTIVE_COLUMN", |table| &mut table.is_active),
    ("USER_STAFF_COLUMN", |table| &mut table.is_staff),
    ("USER_SUPERUSER_COLUMN", |table| &mut table.is_superuser),
    ("USER_FIRST_NAME_COLUMN", |table| &mut table.first_name),
    ("USER_LAST_NAME_COLUMN", |table| &mut table.last_name),
    ("USER_LAST_LOGIN_COLUMN", |table| &mut table.last_login),
    ("USER_JOINED_COLUMN", |table| &mut table.date_joined),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(values: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in values {
            settings.set(name, value).unwrap();
        }
        settings
    }

    #[test]
    fn the_table_is_django_s_unless_the_settings_name_another() {
        assert_eq!(user_table(&settings(&[])).unwrap(), UserTable::default());
        let own = user_table(&settings(&[
            ("AUTH_USER_MODEL", "shop.Customer"),
            ("USER_ID_TYPE", "uuid"),
            ("USERNAME_FIELD", "email"),
            ("USERNAME_CASE", "ignore"),
            ("USER_STAFF_COLUMN", "null"),
            ("USER_ACTIVE_COLUMN", "enabled"),
            ("USER_PERMISSIONS_TABLE", "null"),
            ("USER_COLUMNS", r#"["tenant_id", "stamp"]"#),
            ("USER_HASH_COLUMNS", r#"["stamp"]"#),
            ("USER_EXTRA_COLUMNS", r#"["tenant_id=3"]"#),
        ]));
        let expected = UserTable {
            key: KeyType::Uuid,
            username: "email".into(),
            names: NameRule::IgnoringCase,
            is_staff: None,
            is_active: Some("enabled".into()),
            permissions: None,
            columns: vec!["tenant_id".into(), "stamp".into()],
            extra: vec![("tenant_id".into(), "3".into())],
            ..UserTable::of_model("shop.Customer").unwrap()
        };
        assert_eq!(own.unwrap(), expected);
    }

    #[test]
    fn tables_of_groups_are_named_after_the_table() {
        let table = user_table(&settings(&[
            ("AUTH_USER_MODEL", "shop.Customer"),
            ("USER_TABLE", "people"),
        ]));
        let groups = table.unwrap().groups.unwrap();
        assert_eq!(
            (groups.name.as_str(), groups.user.as_str()),
            ("people_groups", "customer_id")
        );
        let table = user_table(&settings(&[
            ("USER_GROUPS_TABLE", "memberships"),
            ("USER_LINK_COLUMN", "member"),
        ]));
        let groups = table.unwrap().groups.unwrap();
        assert_eq!(
            (groups.name.as_str(), groups.user.as_str()),
            ("memberships", "member")
        );
    }

    #[test]
    fn what_is_no_name_is_refused_by_its_setting() {
        let named = [
            "USER_TABLE",
            "USER_ID_COLUMN",
            "USERNAME_FIELD",
            "USER_PASSWORD_COLUMN",
        ]
        .into_iter()
        .chain([
            "USER_GROUPS_TABLE",
            "USER_PERMISSIONS_TABLE",
            "USER_LINK_COLUMN",
        ])
        .chain(OPTIONAL.map(|(setting, _)| setting));
        for setting in named {
            for name in ["", "a b", "a\"b", "a;b", "a.b", "1a", "é"] {
                let error = user_table(&settings(&[(setting, name)])).unwrap_err();
                assert!(error.to_string().starts_with(setting), "{name}: {error}");
            }
        }
        for (setting, value) in [
            ("AUTH_USER_MODEL", "User"),
            ("AUTH_USER_MODEL", "shop.Us er"),
            ("AUTH_USER_MODEL", "a.b.c"),
            ("USER_ID_TYPE", "serial"),
            ("USERNAME_CASE", "lower"),
            ("USER_COLUMNS", r#"["a b"]"#),
            ("USER_HASH_COLUMNS", r#"[""]"#),
            ("USER_EXTRA_COLUMNS", r#"["tenant"]"#),
            ("USER_EXTRA_COLUMNS", r#"["a b=1"]"#),
            ("USER_EXTRA_COLUMNS", r#"["a=\u0000"]"#),
        ] {
            let error = user_table(&settings(&[(setting, value)])).unwrap_err();
            assert!(error.to_string().starts_with(setting), "{value}: {error}");
        }
    }

    #[test]
    fn no_two_columns_have_one_name_but_login_and_address() {
        assert!(user_table(&settings(&[("USERNAME_FIELD", "email")])).is_ok());
        for values in [
            [("USERNAME_FIELD", "password")],
            [("USER_ACTIVE_COLUMN", "Is_Staff")],
            [("EMAIL_FIELD", "id")],
        ] {
            let error = user_table(&settings(&values)).unwrap_err().to_string();
            assert!(error.ends_with("twice"), "{error}");
        }
    }

    #[test]
    fn a_problem_names_the_setting_that_names_the_table_or_the_column() {
        let own = settings(&[
            ("AUTH_USER_MODEL", "shop.Customer"),
            ("USER_ACTIVE_COLUMN", "enabled"),
            ("USER_HASH_COLUMNS", r#"["stamp"]"#),
            ("USER_COLUMNS", r#"["tenant"]"#),
            ("USER_EXTRA_COLUMNS", r#"["plan=free"]"#),
            ("SESSION_TABLE", "tickets"),
        ]);
        let rows = [
            ("shop_customer", None, "AUTH_USER_MODEL"),
            ("shop_customer", Some("enabled"), "USER_ACTIVE_COLUMN"),
            ("shop_customer", Some("username"), "USERNAME_FIELD"),
            ("shop_customer", Some("stamp"), "USER_HASH_COLUMNS"),
            ("shop_customer", Some("tenant"), "USER_COLUMNS"),
            ("shop_customer", Some("plan"), "USER_EXTRA_COLUMNS"),
            ("shop_customer_groups", None, "USER_GROUPS_TABLE"),
            (
                "shop_customer_groups",
                Some("customer_id"),
                "USER_LINK_COLUMN",
            ),
            ("tickets", None, "SESSION_TABLE"),
            ("tickets", Some("session_key"), "SESSION_KEY_COLUMN"),
        ];
        for (table, column, setting) in rows {
            let table = table.to_owned();
            let problem = match column {
                None => Problem::MissingTable { table },
                Some(column) => Problem::MissingColumn {
                    table,
                    column: column.to_owned(),
                },
            };
            let text = explained(&problem, &own);
            assert!(
                text.contains(&format!("the setting {setting} names it")),
                "{text}"
            );
        }
        let plain = Problem::MissingTable {
            table: "auth_user".into(),
        };
        assert_eq!(explained(&plain, &settings(&[])), plain.to_string());
    }
}

//! The statements on the table of users, the same for every SQL engine.

use crate::dialect::Dialect;
use crate::user_key::KeyType;
use crate::user_table::{NameRule, UserTable};

/// Every statement of the contract. Parameters stand in the order of their numbers, and a user's key once, unless
/// [`key_twice`](Self::key_twice).
#[derive(Debug)]
pub(crate) struct UserSql {
    pub(crate) table: UserTable,
    /// Key. What it selects is what [`by_name`](Self::by_name) and the others do, and stands in the order of
    /// [`Place`], the site's own columns last.
    pub(crate) by_id: String,
    /// Name.
    pub(crate) by_name: String,
    /// Address.
    pub(crate) by_email: Option<String>,
    pub(crate) any: String,
    /// The values of [`fields`](Self::fields).
    pub(crate) create: String,
    /// The same, and inserts nothing if there is a user.
    #[cfg_attr(not(any(feature = "mysql", feature = "postgres")), allow(dead_code))]
    pub(crate) create_first: String,
    /// Password, key.
    pub(crate) set_password: String,
    /// Password, key, the password that was seen.
    pub(crate) replace_password: String,
    /// Moment, key.
    pub(crate) set_last_login: Option<String>,
    /// Key: the permissions that were granted. On MySQL once for each of [`granted_keys`](Self::granted_keys).
    pub(crate) granted: Option<String>,
    #[cfg_attr(not(feature = "mysql"), allow(dead_code))]
    pub(crate) granted_keys: usize,
    /// Key: the names of groups.
    pub(crate) groups: Option<String>,
    /// What a new row is given, in this order.
    pub(crate) fields: Vec<Field>,
    /// Whether MySQL's statements want a user's key twice, to compare its bytes.
    #[cfg_attr(not(feature = "mysql"), allow(dead_code))]
    pub(crate) key_twice: bool,
}

/// A part of a new row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    Username,
    Password,
    LastLogin,
    IsSuperuser,
    FirstName,
    LastName,
    Email,
    IsStaff,
    IsActive,
    DateJoined,
}

/// Where a user's columns stand in what is selected; those of the site's own follow from [`EXTRA`](Self::EXTRA) on.
pub(crate) struct Place;

impl Place {
    pub(crate) const ID: usize = 0;
    pub(crate) const USERNAME: usize = 1;
    pub(crate) const PASSWORD: usize = 2;
    pub(crate) const LAST_LOGIN: usize = 3;
    pub(crate) const IS_SUPERUSER: usize = 4;
    pub(crate) const FIRST_NAME: usize = 5;
    pub(crate) const LAST_NAME: usize = 6;
    pub(crate) const EMAIL: usize = 7;
    pub(crate) const IS_STAFF: usize = 8;
    pub(crate) const IS_ACTIVE: usize = 9;
    pub(crate) const DATE_JOINED: usize = 10;
    pub(crate) const EXTRA: usize = 11;
}

impl UserSql {
    pub(crate) fn new(dialect: Dialect, table: &UserTable) -> Self {
        let name = |name: &str| dialect.name(name);
        let parameter = |number| dialect.parameter(number);
        let from = name(&table.name);
        let id = name(&table.id);
        let this_user = |number| this_user(dialect, table, number);
        let select = select(dialect, table);
        let typed = name(&table.username);
        let by_name = match table.names {
            NameRule::AsTheDatabase => format!("{select} WHERE {typed} = {}", parameter(1)),
            NameRule::Exact => {
                format!("{select} WHERE {typed} = {} LIMIT {MOST}", parameter(1))
            }
            NameRule::IgnoringCase => format!(
                "{select} WHERE {} ORDER BY {id} LIMIT {MOST}",
                dialect.ignoring_case(&typed, &parameter(1))
            ),
        };
        let by_email = table.email.as_deref().map(|email| {
            let same = dialect.ignoring_case(&name(email), &parameter(1));
            format!("{select} WHERE {same} ORDER BY {id} LIMIT {MOST}")
        });
        let fields = fields(table);
        let columns = fields.iter().map(|field| name(field.column(table)));
        let columns: Vec<String> = columns
            .chain(table.extra.iter().map(|(column, _)| name(column)))
            .collect();
        let values = (1..=fields.len()).map(parameter);
        let values: Vec<String> = values
            .chain(table.extra.iter().map(|(_, value)| dialect.text(value)))
            .collect();
        let insert = format!("INSERT INTO {from} ({})", columns.join(", "));
        let values = values.join(", ");
        // A site's own table may have other columns that are unique.
        let conflict = match dialect {
            Dialect::MySql => String::new(),
            _ if table.is_django_s() => format!(" ON CONFLICT ({typed}) DO NOTHING"),
            _ => " ON CONFLICT DO NOTHING".to_owned(),
        };
        let returning = match dialect {
            Dialect::Postgres => format!(" RETURNING {}", selected_id(dialect, table)),
            _ => String::new(),
        };
        let nothing = match dialect {
            Dialect::MySql => " FROM DUAL",
            _ => "",
        };
        let password = name(&table.password);
        let set_password = format!(
            "UPDATE {from} SET {password} = {} WHERE {}",
            parameter(1),
            this_user(2)
        );
        let (granted, granted_keys) = granted(dialect, table);
        Self {
            by_id: format!("{select} WHERE {}", this_user(1)),
            by_name,
            by_email,
            any: format!("SELECT 1 FROM {from} LIMIT 1"),
            create: format!("{insert} VALUES ({values}){conflict}{returning}"),
            create_first: format!(
                "{insert} SELECT {values}{nothing} WHERE NOT EXISTS (SELECT 1 FROM {from}){returning}"
            ),
            replace_password: format!(
                "{set_password} AND {}",
                dialect.same_bytes(&password, &parameter(3))
            ),
            set_password,
            set_last_login: table.last_login.as_deref().map(|last_login| {
                let last_login = name(last_login);
                format!("UPDATE {from} SET {last_login} = {} WHERE {}", parameter(1), this_user(2))
            }),
            granted,
            granted_keys,
            groups: table.groups.as_ref().map(|link| {
                let (link, user) = (name(&link.name), name(&link.user));
                format!(
                    "SELECT auth_group.name FROM auth_group JOIN {link} ON {link}.group_id = auth_group.id \
                     WHERE {link}.{user} = {}",
                    parameter(1)
                )
            }),
            fields,
            key_twice: dialect == Dialect::MySql && table.key == KeyType::Text,
            table: table.clone(),
        }
    }
}

/// The beginning of every question for users. Each column is named: their order differs between databases and between
/// Django's releases. What the table lacks is a constant, so that all rows look alike.
fn select(dialect: Dialect, table: &UserTable) -> String {
    let django_s = table.is_django_s();
    // In Django's own table these are never null.
    let text = |column: Option<&str>| match column.map(|column| dialect.name(column)) {
        Some(column) if django_s => column,
        Some(column) if dialect == Dialect::Postgres => format!("COALESCE({column}::text, '')"),
        Some(column) => format!("COALESCE({column}, '')"),
        None if dialect == Dialect::Postgres => "''::text".to_owned(),
        None => "''".to_owned(),
    };
    let flag = |column: &Option<String>, absent: &str| match column.as_deref() {
        Some(column) if django_s => dialect.name(column),
        Some(column) => format!("COALESCE({}, FALSE)", dialect.name(column)),
        None => absent.to_owned(),
    };
    let moment = |column: &Option<String>| match column.as_deref() {
        Some(column) => dialect.name(column),
        None if dialect == Dialect::Postgres => "NULL::timestamptz".to_owned(),
        None => "NULL".to_owned(),
    };
    let mut columns = vec![
        selected_id(dialect, table),
        text(Some(&table.username)),
        text(Some(&table.password)),
        moment(&table.last_login),
        flag(&table.is_superuser, "FALSE"),
        text(table.first_name.as_deref()),
        text(table.last_name.as_deref()),
        text(table.email.as_deref()),
        flag(&table.is_staff, "FALSE"),
        flag(&table.is_active, "TRUE"),
        moment(&table.date_joined),
    ];
    columns.extend(table.columns.iter().map(|column| {
        let column = dialect.name(column);
        match dialect {
            Dialect::Postgres => as_json(&column),
            _ => column,
        }
    }));
    format!(
        "SELECT {} FROM {}",
        columns.join(", "),
        dialect.name(&table.name)
    )
}

fn selected_id(dialect: Dialect, table: &UserTable) -> String {
    let id = dialect.name(&table.id);
    match (dialect, table.key) {
        (Dialect::Postgres, KeyType::Integer) => format!("{id}::bigint"),
        (Dialect::Postgres, _) => format!("{id}::text"),
        _ => id,
    }
}

/// A column of a type that is not known, in PostgreSQL: truth values and numbers as such, whatever else as text. A
/// decimal is a text too, which keeps its digits.
fn as_json(column: &str) -> String {
    format!(
        "(CASE WHEN pg_typeof({column})::text IN ('boolean', 'smallint', 'integer', 'bigint', 'real', \
         'double precision') THEN to_json({column}) ELSE to_json({column}::text) END)::text"
    )
}

/// A condition: this row is the user's whose key is this parameter. Texts are compared byte for byte besides, as a
/// collation may take `a` for `A`; of numbers and of hexadecimal digits there are no other spellings.
fn this_user(dialect: Dialect, table: &UserTable, number: usize) -> String {
    let id = dialect.name(&table.id);
    let parameter = dialect.parameter(number);
    match (table.key, dialect) {
        (KeyType::Text, Dialect::Sqlite) => dialect.same_bytes(&id, &parameter),
        (KeyType::Text, _) => {
            let same = dialect.same_bytes(&id, &parameter);
            format!("{id} = {parameter} AND {same}")
        }
        _ => format!("{id} = {parameter}"),
    }
}

/// What a new row of the table is given.
fn fields(table: &UserTable) -> Vec<Field> {
    let optional = [
        (Field::Id, table.key != KeyType::Integer),
        (Field::Username, true),
        (Field::Password, true),
        (Field::LastLogin, table.last_login.is_some()),
        (Field::IsSuperuser, table.is_superuser.is_some()),
        (Field::FirstName, table.first_name.is_some()),
        (Field::LastName, table.last_name.is_some()),
        (
            Field::Email,
            table.email.is_some() && !table.signs_in_by_email(),
        ),
        (Field::IsStaff, table.is_staff.is_some()),
        (Field::IsActive, table.is_active.is_some()),
        (Field::DateJoined, table.date_joined.is_some()),
    ];
    // A value that the settings give a column counts.
    let free = |field: Field| {
        let column = field.column(table);
        !table.extra.iter().any(|(extra, _)| extra == column)
    };
    let there = optional
        .into_iter()
        .filter(|(field, there)| *there && free(*field));
    there.map(|(field, _)| field).collect()
}

impl Field {
    /// The field's column. The table has it where it is asked for.
    fn column(self, table: &UserTable) -> &str {
        let optional = match self {
            Self::Id => return &table.id,
            Self::Username => return &table.username,
            Self::Password => return &table.password,
            Self::LastLogin => &table.last_login,
            Self::IsSuperuser => &table.is_superuser,
            Self::FirstName => &table.first_name,
            Self::LastName => &table.last_name,
            Self::Email => &table.email,
            Self::IsStaff => &table.is_staff,
            Self::IsActive => &table.is_active,
            Self::DateJoined => &table.date_joined,
        };
        optional.as_deref().unwrap_or_default()
    }
}

/// What was granted to a user and to their groups, and how often the key stands in it. Each branch begins at the index
/// of a table by its user.
fn granted(dialect: Dialect, table: &UserTable) -> (Option<String>, usize) {
    let parameter = dialect.parameter(1);
    let mut branches = Vec::new();
    if let Some(link) = &table.permissions {
        let (link, user) = (dialect.name(&link.name), dialect.name(&link.user));
        branches.push(format!(
            "SELECT {link}.permission_id FROM {link} WHERE {link}.{user} = {parameter}"
        ));
    }
    if let Some(link) = &table.groups {
        let (link, user) = (dialect.name(&link.name), dialect.name(&link.user));
        branches.push(format!(
            "SELECT auth_group_permissions.permission_id FROM auth_group_permissions \
             JOIN {link} ON {link}.group_id = auth_group_permissions.group_id WHERE {link}.{user} = {parameter}"
        ));
    }
    let whole = match dialect {
        Dialect::MySql => "CONCAT(django_content_type.app_label, '.', auth_permission.codename)",
        _ => "django_content_type.app_label || '.' || auth_permission.codename",
    };
    let sql = (!branches.is_empty()).then(|| {
        format!(
            "SELECT {whole} FROM auth_permission \
             JOIN django_content_type ON django_content_type.id = auth_permission.content_type_id \
             WHERE auth_permission.id IN ({})",
            branches.join(" UNION ")
        )
    });
    (sql, branches.len())
}

/// The most users that are found by one address, or by one name where case is of no regard.
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_on_django_s_table_are_as_short_as_they_can_be() {
        let sql = UserSql::new(Dialect::Sqlite, &UserTable::default());
        assert_eq!(
            sql.by_id,
            "SELECT `id`, `username`, `password`, `last_login`, `is_superuser`, `first_name`, `last_name`, `email`, `is_staff`, `is_active`, `date_joined` FROM `auth_user` WHERE `id` = ?1"
        );
        assert_eq!(sql.fields.len(), 10);
        assert_eq!(sql.fields[0], Field::Username);
        assert!(
            sql.create.ends_with("ON CONFLICT (`username`) DO NOTHING"),
            "{}",
            sql.create
        );
    }

    #[test]
    fn what_a_table_lacks_is_a_constant_in_its_place() {
        let table = UserTable {
            key: KeyType::Uuid,
            username: "email".into(),
            is_active: None,
            is_staff: None,
            first_name: None,
            date_joined: None,
            groups: None,
            permissions: None,
            columns: vec!["tenant".into()],
            extra: vec![("tenant".into(), "it's".into())],
            ..UserTable::default()
        };
        let sql = UserSql::new(Dialect::Postgres, &table);
        for part in [
            r#"SELECT "id"::text, COALESCE("email"::text, ''), "#,
            r#", ''::text, COALESCE("last_name"::text, ''), COALESCE("email"::text, ''), FALSE, TRUE, NULL::timestamptz, "#,
            r#"WHERE "id" = $1"#,
        ] {
            assert!(sql.by_id.contains(part), "{part} in {}", sql.by_id);
        }
        assert_eq!(sql.granted, None);
        assert_eq!(sql.groups, None);
        assert_eq!(
            sql.create,
            r#"INSERT INTO "auth_user" ("id", "email", "password", "last_login", "is_superuser", "last_name", "tenant") VALUES ($1, $2, $3, $4, $5, $6, 'it''s') ON CONFLICT DO NOTHING RETURNING "id"::text"#
        );
        let mysql = UserSql::new(Dialect::MySql, &table);
        assert!(
            mysql
                .by_id
                .starts_with("SELECT `id`, COALESCE(`email`, ''), "),
            "{}",
            mysql.by_id
        );
    }

    /// CVE-2014-0474.
    #[test]
    fn texts_that_are_keys_are_compared_byte_for_byte() {
        let table = UserTable {
            key: KeyType::Text,
            ..UserTable::default()
        };
        let sqlite = UserSql::new(Dialect::Sqlite, &table);
        assert!(sqlite.by_id.ends_with("WHERE `id` = ?1 COLLATE BINARY"));
        let mysql = UserSql::new(Dialect::MySql, &table);
        assert!(mysql.key_twice);
        assert_eq!(mysql.by_id.matches('?').count(), 2);
        assert_eq!(mysql.replace_password.matches('?').count(), 4);
        let postgres = UserSql::new(Dialect::Postgres, &table);
        assert!(
            postgres
                .by_id
                .ends_with(r#""id" = $1 AND "id" COLLATE "C" = $1"#)
        );
    }
}

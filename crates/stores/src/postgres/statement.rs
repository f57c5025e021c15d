//! Every statement that is asked often, made once for a store.

use tokio_postgres::types::Type;

use crate::session_table::{Dialect, SessionTable};

/// A statement and the types of its parameters.
#[derive(Debug)]
pub(super) struct Statement {
    /// Its place among those that a connection has prepared; none if it is asked too seldom for that.
    pub(super) place: Option<usize>,
    pub(super) sql: String,
    pub(super) types: &'static [Type],
}

impl Statement {
    /// One that is not worth preparing.
    pub(super) fn once(sql: &str, types: &'static [Type]) -> Self {
        Self {
            place: None,
            sql: sql.to_owned(),
            types,
        }
    }
}

/// The statements of the contracts. Each connection prepares those that it is asked for.
///
/// The session key is compared twice: by the column's own rules, which the index is made for, and byte for byte,
/// because the column of a site may have a collation that takes different keys for the same.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) load: Statement,
    pub(super) create: Statement,
    pub(super) replace: Statement,
    pub(super) extend: Statement,
    pub(super) delete: Statement,
    pub(super) delete_seen: Statement,
    pub(super) delete_expired: Statement,
    pub(super) clear_expired: Statement,
    pub(super) newest: Statement,
    pub(super) user_by_id: Statement,
    pub(super) user_by_name: Statement,
    pub(super) any_user: Statement,
    pub(super) create_user: Statement,
    pub(super) create_first_user: Statement,
    pub(super) set_password: Statement,
    pub(super) set_last_login: Statement,
    pub(super) granted: Statement,
}

impl Statements {
    /// How many there are.
    pub(super) const COUNT: usize = 17;

    pub(super) fn new(table: &SessionTable) -> Self {
        let mut place = 0;
        let mut statement = |types, template: &str| {
            let sql = table.sql(Dialect::Postgres, template);
            place += 1;
            Statement {
                place: Some(place - 1),
                sql,
                types,
            }
        };
        Self {
            load: statement(
                &[Type::TEXT, Type::TIMESTAMPTZ],
                "SELECT {session_data}, {expire_date} FROM {table} \
                 WHERE {session_key} = $1 AND {session_key} COLLATE \"C\" = $1 AND {expire_date} > $2",
            ),
            create: statement(
                &[Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ],
                "INSERT INTO {table} ({session_key}, {session_data}, {expire_date}{extra_columns}) \
                 VALUES ($1, $2, $3{extra_values}) ON CONFLICT ({session_key}) DO NOTHING",
            ),
            replace: statement(
                &[
                    Type::TEXT,
                    Type::TEXT,
                    Type::TIMESTAMPTZ,
                    Type::TIMESTAMPTZ,
                    Type::TEXT,
                ],
                "UPDATE {table} SET {session_data} = $5, {expire_date} = $4 \
                 WHERE {session_key} = $1 AND {session_key} COLLATE \"C\" = $1 \
                 AND {session_data} COLLATE \"C\" = $2 AND {expire_date} > $3",
            ),
            // A long text that is not named stays where it is, apart from the row.
            extend: statement(
                &[Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ],
                "UPDATE {table} SET {expire_date} = $4 \
                 WHERE {session_key} = $1 AND {session_key} COLLATE \"C\" = $1 \
                 AND {session_data} COLLATE \"C\" = $2 AND {expire_date} > $3",
            ),
            delete: statement(
                &[Type::TEXT],
                "DELETE FROM {table} WHERE {session_key} = $1 AND {session_key} COLLATE \"C\" = $1",
            ),
            delete_seen: statement(
                &[Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ],
                "DELETE FROM {table} WHERE {session_key} = $1 AND {session_key} COLLATE \"C\" = $1 \
                 AND {session_data} COLLATE \"C\" = $2 AND {expire_date} > $3",
            ),
            delete_expired: statement(
                &[Type::TEXT, Type::TIMESTAMPTZ],
                "DELETE FROM {table} WHERE {session_key} = $1 AND {session_key} COLLATE \"C\" = $1 \
                 AND {expire_date} <= $2",
            ),
            // An array is made once, whatever the plan; a subquery may be asked again and find other rows. Rows
            // that somebody has locked are left for the next time.
            clear_expired: statement(
                &[Type::TIMESTAMPTZ, Type::INT8],
                "DELETE FROM {table} WHERE {expire_date} < $1 AND {session_key} = ANY (ARRAY( \
                 SELECT {session_key} FROM {table} WHERE {expire_date} < $1 \
                 ORDER BY {expire_date} LIMIT $2 FOR UPDATE SKIP LOCKED))",
            ),
            newest: statement(
                &[],
                "SELECT {session_data}, {expire_date} FROM {table} ORDER BY {expire_date} DESC LIMIT 1",
            ),
            user_by_id: statement(
                &[Type::INT8],
                "SELECT id::bigint, username, password, last_login, is_superuser, first_name, last_name, email, \
                 is_staff, is_active, date_joined FROM auth_user WHERE id = $1",
            ),
            user_by_name: statement(
                &[Type::TEXT],
                "SELECT id::bigint, username, password, last_login, is_superuser, first_name, last_name, email, \
                 is_staff, is_active, date_joined FROM auth_user WHERE username = $1",
            ),
            any_user: statement(&[], "SELECT EXISTS (SELECT 1 FROM auth_user)"),
            create_user: statement(
                USER,
                "INSERT INTO auth_user (username, password, last_login, is_superuser, first_name, last_name, \
                 email, is_staff, is_active, date_joined) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                 ON CONFLICT (username) DO NOTHING RETURNING id::bigint",
            ),
            create_first_user: statement(
                USER,
                "INSERT INTO auth_user (username, password, last_login, is_superuser, first_name, last_name, \
                 email, is_staff, is_active, date_joined) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 \
                 WHERE NOT EXISTS (SELECT 1 FROM auth_user) RETURNING id::bigint",
            ),
            set_password: statement(
                &[Type::INT8, Type::TEXT, Type::TEXT],
                "UPDATE auth_user SET password = $2 WHERE id = $1 \
                 AND ($3 IS NULL OR password COLLATE \"C\" = $3)",
            ),
            set_last_login: statement(
                &[Type::INT8, Type::TIMESTAMPTZ],
                "UPDATE auth_user SET last_login = $2 WHERE id = $1",
            ),
            // Each branch begins at the index of a table by its user.
            granted: statement(
                &[Type::INT8],
                "SELECT django_content_type.app_label || '.' || auth_permission.codename \
                 FROM auth_permission \
                 JOIN django_content_type ON django_content_type.id = auth_permission.content_type_id \
                 WHERE auth_permission.id IN ( \
                     SELECT auth_user_user_permissions.permission_id FROM auth_user_user_permissions \
                     WHERE auth_user_user_permissions.user_id = $1 \
                     UNION \
                     SELECT auth_group_permissions.permission_id FROM auth_group_permissions \
                     JOIN auth_user_groups ON auth_user_groups.group_id = auth_group_permissions.group_id \
                     WHERE auth_user_groups.user_id = $1)",
            ),
        }
    }
}

/// The columns of a new user.
const USER: &[Type] = &[
    Type::TEXT,
    Type::TEXT,
    Type::TIMESTAMPTZ,
    Type::BOOL,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::BOOL,
    Type::BOOL,
    Type::TIMESTAMPTZ,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_has_a_place_of_its_own() {
        let statements = Statements::new(&SessionTable::default());
        assert_eq!(statements.load.place, Some(0));
        assert_eq!(statements.granted.place, Some(Statements::COUNT - 1));
    }
}

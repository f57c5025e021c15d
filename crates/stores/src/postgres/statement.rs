//! Every statement that is asked often, made once for a store.

use std::borrow::Cow;
use std::cell::Cell;

use tokio_postgres::types::Type;

use crate::dialect::Dialect;
use crate::session_table::SessionTable;
use crate::user_key::KeyType;
use crate::user_sql::{Field, UserSql};
use crate::user_table::UserTable;

/// A statement and the types of its parameters.
#[derive(Debug)]
pub(super) struct Statement {
    /// Its place among those that a connection has prepared; none if it is asked too seldom for that.
    pub(super) place: Option<usize>,
    pub(super) sql: String,
    pub(super) types: Cow<'static, [Type]>,
}

impl Statement {
    /// One that is not worth preparing.
    pub(super) fn once(sql: &str, types: &'static [Type]) -> Self {
        Self {
            place: None,
            sql: sql.to_owned(),
            types: types.into(),
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
    pub(super) user_by_email: Option<Statement>,
    pub(super) any_user: Statement,
    pub(super) create_user: Statement,
    pub(super) create_first_user: Statement,
    pub(super) set_password: Statement,
    pub(super) replace_password: Statement,
    pub(super) set_last_login: Option<Statement>,
    pub(super) granted: Option<Statement>,
    pub(super) groups: Option<Statement>,
}

impl Statements {
    /// How many there are at most.
    pub(super) const COUNT: usize = 20;

    pub(super) fn new(table: &SessionTable, sql: &UserSql) -> Self {
        let place = Cell::new(0);
        let next = |sql: String, types: Cow<'static, [Type]>| {
            place.set(place.get() + 1);
            Statement {
                place: Some(place.get() - 1),
                sql,
                types,
            }
        };
        let statement = |types: &'static [Type], template: &str| {
            next(table.sql(Dialect::Postgres, template), types.into())
        };
        let of_users = |sql: &str, types: Vec<Type>| next(sql.to_owned(), types.into());
        let key = key_type(&sql.table);
        let fields = sql
            .fields
            .iter()
            .map(|field| field_type(*field, &sql.table));
        let fields: Vec<Type> = fields.collect();
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
            user_by_id: of_users(&sql.by_id, vec![key.clone()]),
            user_by_name: of_users(&sql.by_name, vec![Type::TEXT]),
            user_by_email: sql
                .by_email
                .as_deref()
                .map(|sql| of_users(sql, vec![Type::TEXT])),
            any_user: of_users(&sql.any, Vec::new()),
            create_user: of_users(&sql.create, fields.clone()),
            create_first_user: of_users(&sql.create_first, fields),
            set_password: of_users(&sql.set_password, vec![Type::TEXT, key.clone()]),
            replace_password: of_users(
                &sql.replace_password,
                vec![Type::TEXT, key.clone(), Type::TEXT],
            ),
            set_last_login: sql
                .set_last_login
                .as_deref()
                .map(|sql| of_users(sql, vec![Type::TIMESTAMPTZ, key.clone()])),
            granted: sql
                .granted
                .as_deref()
                .map(|sql| of_users(sql, vec![key.clone()])),
            groups: sql
                .groups
                .as_deref()
                .map(|sql| of_users(sql, vec![key.clone()])),
        }
    }
}

/// The type of a key as a parameter.
pub(super) const fn key_type(table: &UserTable) -> Type {
    match table.key {
        KeyType::Integer => Type::INT8,
        KeyType::Uuid => Type::UUID,
        KeyType::UuidText | KeyType::Text => Type::TEXT,
    }
}

/// The type of a new row's field as a parameter.
const fn field_type(field: Field, table: &UserTable) -> Type {
    match field {
        Field::Id => key_type(table),
        Field::LastLogin | Field::DateJoined => Type::TIMESTAMPTZ,
        Field::IsSuperuser | Field::IsStaff | Field::IsActive => Type::BOOL,
        Field::Username | Field::Password | Field::FirstName | Field::LastName | Field::Email => {
            Type::TEXT
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_has_a_place_of_its_own() {
        let users = UserSql::new(Dialect::Postgres, &UserTable::default());
        let statements = Statements::new(&SessionTable::default(), &users);
        assert_eq!(statements.load.place, Some(0));
        assert_eq!(
            statements.groups.unwrap().place,
            Some(Statements::COUNT - 1)
        );
    }
}

//! The table that keeps users, under whatever names and with whatever columns a site gave it.

use cloakroom_core::auth::{LONGEST_EMAIL, User, same_email};
use cloakroom_core::session::StoreError;

use crate::user_key::KeyType;

/// Which table keeps users, and what its columns are called. The default is Django's `auth_user`.
///
/// A site whose `AUTH_USER_MODEL` is its own describes that model's table here. Such a table is never made by us: the
/// site's own migrations make it. A column that is `None` is not there; [`User`] says what its users have instead.
///
/// Names are quoted, so they are compared as the database compares quoted names.
///
/// ```
/// use cloakroom_stores::{KeyType, UserTable};
///
/// let table = UserTable {
///     key: KeyType::Uuid,
///     username: "email".into(),
///     columns: vec!["tenant_id".into()],
///     ..UserTable::of_model("shop.Customer").unwrap()
/// };
/// assert_eq!(table.name, "shop_customer");
/// assert_eq!(table.groups.unwrap().user, "customer_id");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a table has these parts; callers name the ones that differ and take the rest from the default"
)]
pub struct UserTable {
    /// The table. Default `auth_user`.
    pub name: String,
    /// The column of the primary key. Default `id`.
    pub id: String,
    /// What the primary keys are. Default: whole numbers.
    pub key: KeyType,
    /// The column of the name that is typed at the login page (`USERNAME_FIELD`), which may be that of the e-mail
    /// address. Default `username`.
    pub username: String,
    /// How a typed name is compared with that column. Default: as the database does.
    pub names: NameRule,
    /// The column of the encoded password. Default `password`.
    pub password: String,
    /// The column of the e-mail address (`EMAIL_FIELD`). Default `email`.
    pub email: Option<String>,
    /// The column that is false for a user who was disabled. Without it everybody is active. Default `is_active`.
    pub is_active: Option<String>,
    /// The column that is true for who may enter Django's admin site. Default `is_staff`.
    pub is_staff: Option<String>,
    /// The column that is true for who may do everything. Default `is_superuser`.
    pub is_superuser: Option<String>,
    /// The column of the given name. Default `first_name`.
    pub first_name: Option<String>,
    /// The column of the family name. Default `last_name`.
    pub last_name: Option<String>,
    /// The column of the last login. Default `last_login`.
    pub last_login: Option<String>,
    /// The column of the moment at which the row was made. Default `date_joined`.
    pub date_joined: Option<String>,
    /// The table of a user's groups. Default `auth_user_groups`.
    pub groups: Option<LinkTable>,
    /// The table of a user's own permissions. Default `auth_user_user_permissions`.
    pub permissions: Option<LinkTable>,
    /// Columns of the site's own that are read with each user, for [`User::column`]. Default none.
    pub columns: Vec<String>,
    /// Columns that a new row needs besides, each with the text of its value; the database makes a number, a truth
    /// value or a date of it where the column is one. Default none.
    pub extra: Vec<(String, String)>,
}

/// A table of pairs: of users, and of what they have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "Django makes such tables with these parts"
)]
pub struct LinkTable {
    /// The table.
    pub name: String,
    /// Its column of the user's primary key. The other one is `group_id` or `permission_id`.
    pub user: String,
}

/// How the name that somebody types is compared with those in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers choose one")]
pub enum NameRule {
    /// As the database compares, and so as Django's `ModelBackend`: on MySQL usually without regard to case.
    #[default]
    AsTheDatabase,
    /// Byte for byte, whatever the column's collation.
    Exact,
    /// Without regard to case, as allauth compares e-mail addresses: the database's `iexact`, then [`same_email`]. If
    /// several users differ only in case, the one that is spelled as it was typed, or else nobody.
    IgnoringCase,
}

impl UserTable {
    /// The table of a site's `AUTH_USER_MODEL`, such as `shop.Customer`, with the names that Django derives from it;
    /// `None` if that is no such text.
    #[must_use]
    pub fn of_model(model: &str) -> Option<Self> {
        let (app, model) = model.split_once('.')?;
        if app.is_empty() || model.is_empty() || model.contains('.') {
            return None;
        }
        let model = model.to_lowercase();
        let table = format!("{app}_{model}");
        Some(Self {
            groups: Some(LinkTable::of(&table, "groups", &model)),
            permissions: Some(LinkTable::of(&table, "user_permissions", &model)),
            name: table,
            ..Self::default()
        })
    }

    /// True if this is the table that Django's own `auth` app makes, whatever is read of it besides.
    #[must_use]
    pub fn is_django_s(&self) -> bool {
        let plain = Self {
            names: NameRule::default(),
            columns: Vec::new(),
            extra: Vec::new(),
            ..self.clone()
        };
        plain == Self::default()
    }

    /// The columns that the table must have, each once.
    pub(crate) fn needed(&self) -> Vec<&str> {
        let mut needed: Vec<&str> = vec![&self.id, &self.username, &self.password];
        let optional = [
            &self.last_login,
            &self.is_superuser,
            &self.first_name,
            &self.last_name,
            &self.email,
            &self.is_staff,
            &self.is_active,
            &self.date_joined,
        ];
        needed.extend(optional.into_iter().flatten().map(String::as_str));
        needed.extend(self.columns.iter().map(String::as_str));
        needed.extend(self.extra.iter().map(|(column, _)| column.as_str()));
        let mut once: Vec<&str> = Vec::with_capacity(needed.len());
        for column in needed {
            if !once.contains(&column) {
                once.push(column);
            }
        }
        once
    }

    /// The tables of groups and permissions that this one has, and the columns that each must have.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&LinkTable, &'static str)> {
        let groups = self.groups.iter().map(|table| (table, "group_id"));
        let permissions = self.permissions.iter();
        groups.chain(permissions.map(|table| (table, "permission_id")))
    }

    /// True if people sign in by their e-mail addresses.
    pub(crate) fn signs_in_by_email(&self) -> bool {
        self.email.as_deref() == Some(&self.username)
    }

    /// An error if a new row could not keep what this user is to be.
    pub(crate) fn check_new(&self, user: &User) -> Result<(), StoreError> {
        let other_email = if self.signs_in_by_email() {
            !user.email.is_empty() && !same_email(&user.email, &user.username)
        } else {
            self.email.is_none() && !user.email.is_empty()
        };
        let lacks = [
            (
                self.is_superuser.is_none() && user.is_superuser,
                "superusers",
            ),
            // Only the admin site asks a superuser for it.
            (
                self.is_staff.is_none() && user.is_staff && !user.is_superuser,
                "staff",
            ),
            (
                self.is_active.is_none() && !user.is_active,
                "users who are not active",
            ),
            (
                self.first_name.is_none() && !user.first_name.is_empty(),
                "given names",
            ),
            (
                self.last_name.is_none() && !user.last_name.is_empty(),
                "family names",
            ),
            (other_email, "this e-mail address"),
        ];
        match lacks.into_iter().find(|(lacks, _)| *lacks) {
            None => Ok(()),
            Some((_, what)) => Err(StoreError::new(format!(
                "the table {} has no column for {what}",
                self.name
            ))),
        }
    }
}

impl Default for UserTable {
    fn default() -> Self {
        Self {
            name: "auth_user".into(),
            id: "id".into(),
            key: KeyType::Integer,
            username: "username".into(),
            names: NameRule::AsTheDatabase,
            password: "password".into(),
            email: Some("email".into()),
            is_active: Some("is_active".into()),
            is_staff: Some("is_staff".into()),
            is_superuser: Some("is_superuser".into()),
            first_name: Some("first_name".into()),
            last_name: Some("last_name".into()),
            last_login: Some("last_login".into()),
            date_joined: Some("date_joined".into()),
            groups: Some(LinkTable::of("auth_user", "groups", "user")),
            permissions: Some(LinkTable::of("auth_user", "user_permissions", "user")),
            columns: Vec::new(),
            extra: Vec::new(),
        }
    }
}

impl LinkTable {
    /// The table that Django makes for the field `field` of the model `model` in `table`.
    #[must_use]
    pub fn of(table: &str, field: &str, model: &str) -> Self {
        Self {
            name: format!("{table}_{field}"),
            user: format!("{model}_id"),
        }
    }
}

/// Whether an address may be in the table at all. A database's means of comparing must not be tried with what is too
/// long for them, and no address has a NUL.
pub(crate) fn may_be_stored(address: &str) -> bool {
    !address.contains('\0') && address.chars().nth(LONGEST_EMAIL).is_none()
}

impl NameRule {
    /// Who was meant, of those whom the database found.
    pub(crate) fn choose(self, typed: &str, mut found: Vec<User>) -> Option<User> {
        let exact = |user: &User| user.username == typed;
        match self {
            Self::AsTheDatabase => found.into_iter().next(),
            Self::Exact => found.into_iter().find(exact),
            Self::IgnoringCase => {
                found.retain(|user| same_email(typed, &user.username));
                match found.iter().position(exact) {
                    Some(place) => Some(found.swap_remove(place)),
                    None if found.len() == 1 => found.pop(),
                    None => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::time::Timestamp;

    #[test]
    fn names_are_derived_from_the_model_as_django_derives_them() {
        let table = UserTable::of_model("auth.User").unwrap();
        assert!(table.is_django_s() && table == UserTable::default());
        let table = UserTable::of_model("shop.BigCustomer").unwrap();
        assert!(!table.is_django_s());
        assert_eq!(table.name, "shop_bigcustomer");
        let links: Vec<_> = table.links().collect();
        let groups = LinkTable {
            name: "shop_bigcustomer_groups".into(),
            user: "bigcustomer_id".into(),
        };
        let permissions = LinkTable {
            name: "shop_bigcustomer_user_permissions".into(),
            user: "bigcustomer_id".into(),
        };
        assert_eq!(
            links,
            [(&groups, "group_id"), (&permissions, "permission_id")]
        );
        for model in ["", "User", ".User", "shop.", "a.b.c"] {
            assert_eq!(UserTable::of_model(model), None, "{model}");
        }
    }

    #[test]
    fn what_is_read_besides_leaves_the_table_django_s() {
        let table = UserTable {
            columns: vec!["tenant_id".into()],
            names: NameRule::Exact,
            ..UserTable::default()
        };
        assert!(table.is_django_s());
        assert_eq!(table.needed().last(), Some(&"tenant_id"));
        let table = UserTable {
            username: "email".into(),
            date_joined: None,
            ..UserTable::default()
        };
        assert!(!table.is_django_s());
        let needed = table.needed();
        assert_eq!(
            needed.iter().filter(|column| **column == "email").count(),
            1
        );
        assert!(!needed.contains(&"date_joined") && !needed.contains(&"username"));
    }

    #[test]
    fn of_several_spellings_the_typed_one_is_meant_or_none() {
        let user = |name: &str| User::new(name, name, Timestamp::MIN);
        let chosen = |rule: NameRule, typed: &str, found: &[&str]| {
            let found = found.iter().map(|name| user(name)).collect();
            rule.choose(typed, found).map(|user| user.username)
        };
        let both = ["Ann@x", "ann@x"];
        assert_eq!(
            chosen(NameRule::AsTheDatabase, "ANN@x", &both).as_deref(),
            Some("Ann@x")
        );
        assert_eq!(
            chosen(NameRule::Exact, "ann@x", &both).as_deref(),
            Some("ann@x")
        );
        assert_eq!(chosen(NameRule::Exact, "ANN@x", &both), None);
        assert_eq!(
            chosen(NameRule::IgnoringCase, "ann@x", &both).as_deref(),
            Some("ann@x")
        );
        assert_eq!(chosen(NameRule::IgnoringCase, "ANN@x", &both), None);
        assert_eq!(
            chosen(NameRule::IgnoringCase, "ANN@x", &["Ann@x"]).as_deref(),
            Some("Ann@x")
        );
        assert_eq!(chosen(NameRule::IgnoringCase, "mıke@x", &["mike@x"]), None);
    }

    #[test]
    fn what_a_table_cannot_keep_is_an_error() {
        let mut ann = User::new("", "ann@x", Timestamp::MIN);
        let plain = UserTable {
            is_superuser: None,
            username: "email".into(),
            ..UserTable::default()
        };
        assert!(plain.check_new(&ann).is_ok());
        ann.email = "ann@x".into();
        assert!(plain.check_new(&ann).is_ok());
        ann.email = "other@x".into();
        assert!(plain.check_new(&ann).is_err());
        ann.email = String::new();
        ann.is_superuser = true;
        let error = plain.check_new(&ann).unwrap_err().to_string();
        assert!(
            error.contains("auth_user") && error.contains("superusers"),
            "{error}"
        );
    }
}

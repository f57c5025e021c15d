//! Users as Django's `auth_user` keeps them, and the calls that find and change them.

use std::collections::HashSet;
use std::fmt;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use unicase::UniCase;
use unicode_normalization::UnicodeNormalization as _;

use super::column::{ColumnError, Columns};
use super::next::is_python_space;
use crate::password::Attribute;
use crate::session::StoreError;
use crate::time::Timestamp;

/// One row of `auth_user`, or of the table that a site has instead.
///
/// What such a table lacks has the value that gives nothing away: an empty text, `false`, `None`. Only
/// [`is_active`](Self::is_active) is true where there is no such column, as in Django.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The primary key as text, as the session keeps it: `7`, or a hyphenated UUID.
    pub id: String,
    /// The name typed at the login page (`USERNAME_FIELD`, which may be the e-mail address); at most 150 code points
    /// in Django's own table.
    pub username: String,
    /// The encoded password, such as `pbkdf2_sha256$…`. Never shown by `Debug`.
    pub password: String,
    /// When this user last signed in.
    pub last_login: Option<Timestamp>,
    /// Has every permission.
    pub is_superuser: bool,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail address, or the empty text.
    pub email: String,
    /// May enter Django's admin site.
    pub is_staff: bool,
    /// False instead of deleting: such a user is nobody, unless a backend of the site lets them in
    /// ([`AuthRules::may_authenticate`](super::AuthRules::may_authenticate)).
    pub is_active: bool,
    /// When the row was made.
    pub date_joined: Option<Timestamp>,
    /// Columns of the site's own, those that the store was told to read.
    pub columns: Columns,
}

impl User {
    /// An active user without rights, password or e-mail address, to fill in.
    pub fn new(id: impl Into<String>, username: impl Into<String>, date_joined: Timestamp) -> Self {
        Self {
            id: id.into(),
            username: username.into(),
            password: String::new(),
            last_login: None,
            is_superuser: false,
            first_name: String::new(),
            last_name: String::new(),
            email: String::new(),
            is_staff: false,
            is_active: true,
            date_joined: Some(date_joined),
            columns: Columns::default(),
        }
    }

    /// What to call the user: the full name if there is one (Django's `get_full_name`), otherwise the username.
    ///
    /// ```
    /// use cloakroom_core::auth::User;
    /// use cloakroom_core::time::Timestamp;
    ///
    /// let mut user = User::new("7", "ann", Timestamp::now());
    /// assert_eq!(user.display_name(), "ann");
    /// user.last_name = "Lee".into();
    /// assert_eq!(user.display_name(), "Lee");
    /// user.first_name = "Ann".into();
    /// assert_eq!(user.display_name(), "Ann Lee");
    /// ```
    #[must_use]
    pub fn display_name(&self) -> String {
        let full = format!("{} {}", self.first_name, self.last_name);
        match full.trim() {
            "" => self.username.clone(),
            full => full.to_owned(),
        }
    }

    /// What password validators compare with, under the names that Django's model gives.
    #[must_use]
    pub fn attributes(&self) -> [Attribute<'_>; 4] {
        let attribute = |name, verbose_name, value| Attribute {
            name,
            verbose_name,
            value,
        };
        [
            attribute("username", "username", self.username.as_str()),
            attribute("first_name", "first name", &self.first_name),
            attribute("last_name", "last name", &self.last_name),
            attribute("email", "email address", &self.email),
        ]
    }

    /// The value of a column of the site's own.
    ///
    /// ```
    /// use cloakroom_core::auth::User;
    /// use cloakroom_core::time::Timestamp;
    ///
    /// let mut user = User::new("7", "ann", Timestamp::now());
    /// user.columns.set("tenant_id", 3);
    /// user.columns.set("nickname", None::<String>);
    /// assert_eq!(user.column::<u32>("tenant_id")?, 3);
    /// assert_eq!(user.column::<Option<String>>("nickname")?, None);
    /// assert!(user.column::<u32>("shoe_size").is_err());
    /// # Ok::<(), cloakroom_core::auth::ColumnError>(())
    /// ```
    ///
    /// # Errors
    /// The store was not told to read this column, or its value is no `T`.
    pub fn column<T: DeserializeOwned>(&self, name: &str) -> Result<T, ColumnError> {
        self.columns.get(name)
    }
}

impl fmt::Debug for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("User")
            .field("id", &self.id)
            .field("username", &self.username)
            .field("is_active", &self.is_active)
            .finish_non_exhaustive()
    }
}

/// The most code points of a username (`auth_user.username` is a varchar of this length).
pub const LONGEST_USERNAME: usize = 150;

/// What somebody typed as their name, as Django's login form hands it on: without outer white space, and in
/// Unicode's form NFKC, in which names are kept (`UsernameField`).
///
/// `None` for a name with a NUL, which no database looks for. Longer names than there are stay as they are:
/// normalising them would cost something and find nobody.
#[must_use]
pub fn normalize_username(typed: &str) -> Option<String> {
    let name = typed.trim_matches(is_python_space);
    if name.contains('\0') {
        return None;
    }
    let short = name.chars().nth(LONGEST_USERNAME).is_none();
    Some(if short {
        name.nfkc().collect()
    } else {
        name.to_owned()
    })
}

/// One form for every spelling of a login name, to count by: white space, case and Unicode's forms do not matter.
///
/// It is not for looking users up: how a database compares names is its own rule.
#[must_use]
pub fn canonical_login(typed: &str) -> String {
    let name = typed.trim_matches(is_python_space);
    let lower: String = name.nfkc().flat_map(char::to_lowercase).collect();
    lower.nfkc().collect()
}

/// Whether two e-mail addresses are one, as Django's password reset compares them: in Unicode's form NFKC, and with
/// the differences of case folded away (CVE-2019-19844).
///
/// Databases go further than that: in PostgreSQL `mıke@` with a dotless i is `mike@` in upper case.
#[must_use]
pub fn same_email(typed: &str, stored: &str) -> bool {
    let normal = |text: &str| UniCase::unicode(text.nfkc().collect::<String>());
    typed == stored || normal(typed) == normal(stored)
}

/// The most characters of an address that is looked for. Django's column has room for 254.
pub const LONGEST_EMAIL: usize = 320;

/// Finds and changes users. Each call is atomic, durable when it returns `Ok`, and has its own deadline.
#[async_trait]
pub trait UserStore: Send + Sync + fmt::Debug {
    /// The user with this primary key as text; `None` too for a text that is no key of this table.
    async fn by_id(&self, id: &str) -> Result<Option<User>, StoreError>;

    /// The user with exactly this name, compared as the database compares, unless the store was told otherwise.
    async fn by_username(&self, username: &str) -> Result<Option<User>, StoreError>;

    /// The users who have this e-mail address, whatever its case; at most 100, active or not.
    ///
    /// Django's password reset (`PasswordResetForm.get_users`) asks the database for `iexact`, drops the addresses that
    /// [`same_email`] tells apart, and then the users who are not active or have no usable password: that last step is
    /// the caller's. Mail goes to the address that is stored, never to the one that was typed. On SQLite only ASCII
    /// letters have a case, as in Django.
    async fn by_email(&self, typed: &str) -> Result<Vec<User>, StoreError>;

    /// What was granted to this user and to their groups, each as `app_label.codename`, by one read.
    ///
    /// Whether they are active or a superuser is not looked at: [`Permissions::load`](super::Permissions::load) is
    /// the whole answer. Empty for a text that is no key of this table.
    async fn permissions(&self, id: &str) -> Result<HashSet<String>, StoreError>;

    /// The names of this user's groups, in order. Empty for a text that is no key of this table.
    async fn groups(&self, id: &str) -> Result<Vec<String>, StoreError>;

    /// Whether this user has a second factor in the tables of a Django package: any authenticator of allauth's, or a
    /// confirmed device of django-otp's. A password alone must not let such a user in here: Django would ask for more.
    ///
    /// Which tables there are is looked up at the first call; one that is made later is seen at the next start.
    async fn second_factor(&self, id: &str) -> Result<bool, StoreError>;

    /// True if the table has a row.
    async fn any_user(&self) -> Result<bool, StoreError>;

    /// Inserts a row; `user.id` is ignored, the database numbers it. A UUID is drawn; only where keys are texts of the
    /// site's own it is `user.id`.
    ///
    /// An error if the table lacks a column that `user` needs (no `is_superuser` for a superuser), or has one that
    /// every row must fill and nobody told the store of.
    async fn create_user(
        &self,
        user: &User,
        condition: CreateUser,
    ) -> Result<UserCreated, StoreError>;

    /// Sets the password column; with `seen`, only if it still holds that encoded password.
    async fn set_password(
        &self,
        id: &str,
        seen: Option<&str>,
        encoded: &str,
    ) -> Result<UserChanged, StoreError>;

    /// Sets `last_login` and no other column. A table without it is left alone, and what is told is whether there is
    /// such a user.
    async fn set_last_login(&self, id: &str, at: Timestamp) -> Result<UserChanged, StoreError>;
}

/// When a user may be inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "these are all the cases of the contract"
)]
pub enum CreateUser {
    /// Whoever else is there.
    Always,
    /// Only while the table is empty, decided in the transaction that inserts.
    OnlyTheFirst,
}

/// What [`UserStore::create_user`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "these are all the outcomes of the contract"
)]
pub enum UserCreated {
    /// The row as it is now, with its id.
    Created(User),
    /// Another user has this name.
    UsernameTaken,
    /// It was to be the first, and there is one.
    NotTheFirst,
}

/// What a change of a user's column did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "these are all the outcomes of the contract"
)]
pub enum UserChanged {
    /// The column has the new value.
    Changed,
    /// There is no such user, or the column no longer holds what was seen.
    NotChanged,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_names_are_looked_for_in_the_form_in_which_they_are_kept() {
        assert_eq!(normalize_username(" ann\u{a0}").as_deref(), Some("ann"));
        assert_eq!(
            normalize_username("\u{1c}ann\u{1f}").as_deref(),
            Some("ann")
        );
        assert_eq!(normalize_username("\u{ff41}nn").as_deref(), Some("ann"));
        assert_eq!(normalize_username("ﬁ").as_deref(), Some("fi"));
        assert_eq!(normalize_username("a\0b"), None);
        let long = "\u{ff41}".repeat(151);
        assert_eq!(normalize_username(&long), Some(long));
    }

    #[test]
    fn addresses_are_compared_as_django_s_reset_compares_them() {
        for (typed, stored) in [
            ("Mike@Example.ORG", "mike@example.org"),
            ("JOSÉ@example.org", "jose\u{301}@example.org"),
            ("STRASSE@example.org", "straße@example.org"),
            ("\u{ff41}nn@example.org", "ann@example.org"),
        ] {
            assert!(same_email(typed, stored), "{typed} {stored}");
        }
        for (typed, stored) in [
            ("mıke@example.org", "mike@example.org"),
            ("MIKE@example.org", "mıke@example.org"),
            ("MİKE@example.org", "mike@example.org"),
            ("mike@example.org ", "mike@example.org"),
            ("", "mike@example.org"),
        ] {
            assert!(!same_email(typed, stored), "{typed} {stored}");
        }
    }

    /// S11.
    #[test]
    fn debug_shows_no_password() {
        let mut user = User::new("7", "ann", Timestamp::MIN);
        user.password = "pbkdf2_sha256$1$s$h".into();
        user.columns.set("stamp", "pbkdf2");
        assert!(!format!("{user:?}").contains("pbkdf2"));
    }
}

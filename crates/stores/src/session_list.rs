//! The table that lists the sessions of users, and the statements on it: allauth's, or one of our own.

use cloakroom_core::auth::SessionEntry;
use cloakroom_core::session::SessionKey;
use cloakroom_core::time::Timestamp;

use crate::dialect::Dialect;
use crate::session_table::SessionTable;
use crate::user_key::UserKey;

/// The names of both tables, for who looks which of them is there.
pub(crate) const KNOWN: [&str; 2] = [ALLAUTH_S, OURS];

/// That of `allauth.usersessions`.
const ALLAUTH_S: &str = "usersessions_usersession";
/// Ours.
const OURS: &str = "cloakroom_session_list";

/// The name under which our id stands in a row of allauth's, in the column that it leaves to others.
const ID_NAME: &str = "cloakroom_id";

/// Keys that one statement notes as seen, on MySQL.
#[cfg_attr(not(feature = "mysql"), allow(dead_code))]
pub(crate) const SEEN_AT_ONCE: usize = 64;

/// Whose table it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    Ours,
    Allauth,
}

/// The statements of the contract. Their parameters stand in their order.
#[derive(Debug)]
pub(crate) struct ListSql {
    pub(crate) keeper: Keeper,
    /// What [`ListSql::id_column`] makes, user, key, created, last seen, address, browser.
    pub(crate) add: String,
    /// User, how many. The columns are those of [`Columns`].
    pub(crate) of_user: String,
    /// User, key.
    pub(crate) by_key: String,
    /// Key.
    pub(crate) remove: String,
    /// When, key or keys, when.
    pub(crate) seen: String,
    /// Before, now, how many. `None` where another package clears.
    pub(crate) clear: Option<String>,
    /// Behind this key, now, how many: key, data, expiry.
    pub(crate) records: String,
}

/// What a row of the list says, as every database reads it.
pub(crate) struct Columns {
    /// In our table; empty in allauth's.
    pub(crate) id: String,
    /// JSON, in allauth's table.
    pub(crate) data: String,
    pub(crate) key: String,
    pub(crate) created: Timestamp,
    pub(crate) last_seen: Timestamp,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: String,
}

impl ListSql {
    /// The statements on the table that is there: allauth's before ours, so that both sites show one list. `None` without
    /// any.
    pub(crate) fn new(dialect: Dialect, found: &[String], sessions: &SessionTable) -> Option<Self> {
        let found = |table: &str| found.iter().any(|name| name == table);
        let keeper = match (found(ALLAUTH_S), found(OURS)) {
            (true, _) => Keeper::Allauth,
            (false, true) => Keeper::Ours,
            (false, false) => return None,
        };
        let table = dialect.name(keeper.table());
        let [first, second, third, fourth, fifth, sixth, seventh] =
            std::array::from_fn(|place| dialect.parameter(place + 1));
        let (id, id_value, shown_id, address, shown_address) = match (keeper, dialect) {
            (Keeper::Ours, _) => ("public_id", first.clone(), "public_id, ''", sixth, "ip"),
            (Keeper::Allauth, Dialect::Sqlite) => ("data", first.clone(), "'', data", sixth, "ip"),
            (Keeper::Allauth, Dialect::Postgres) => (
                "data",
                format!("{first}::jsonb"),
                "'', data::text",
                format!("{sixth}::inet"),
                "host(ip)",
            ),
            (Keeper::Allauth, Dialect::MySql) => (
                "data",
                format!("CONVERT({first} USING utf8mb4)"),
                "'', data",
                sixth,
                "ip",
            ),
        };
        let columns = format!(
            "{shown_id}, session_key, created_at, last_seen_at, {shown_address}, user_agent"
        );
        let renewed = ["user_id", "last_seen_at", "ip", "user_agent"];
        let renewed = match dialect {
            Dialect::Sqlite | Dialect::Postgres => {
                let set = renewed.map(|column| format!("{column} = excluded.{column}"));
                format!("ON CONFLICT (session_key) DO UPDATE SET {}", set.join(", "))
            }
            Dialect::MySql => {
                let set = renewed.map(|column| format!("{column} = VALUES({column})"));
                format!("ON DUPLICATE KEY UPDATE {}", set.join(", "))
            }
        };
        let keys = match dialect {
            Dialect::Sqlite => format!("= {second}"),
            Dialect::Postgres => format!("= ANY ({second})"),
            Dialect::MySql => format!("IN ({})", vec!["?"; SEEN_AT_ONCE].join(", ")),
        };
        let lives = sessions.sql(
            dialect,
            "FROM {table} s WHERE s.{session_key} = l.session_key AND s.{expire_date}",
        );
        let behind = sessions.sql(
            dialect,
            "SELECT {session_key}, {session_data}, {expire_date} FROM {table} WHERE {session_key}",
        );
        let (expires, ordered) = (
            sessions.sql(dialect, "{expire_date}"),
            sessions.sql(dialect, "ORDER BY {session_key}"),
        );
        Some(Self {
            keeper,
            add: format!(
                "INSERT INTO {table} ({id}, user_id, session_key, created_at, last_seen_at, ip, user_agent) \
                 VALUES ({id_value}, {second}, {third}, {fourth}, {fifth}, {address}, {seventh}) {renewed}"
            ),
            of_user: format!(
                "SELECT {columns} FROM {table} WHERE user_id = {first} \
                 ORDER BY last_seen_at DESC LIMIT {second}"
            ),
            by_key: format!(
                "SELECT {columns} FROM {table} WHERE user_id = {first} AND session_key = {second}"
            ),
            remove: format!("DELETE FROM {table} WHERE session_key = {first}"),
            seen: format!(
                "UPDATE {table} SET last_seen_at = {first} \
                 WHERE session_key {keys} AND last_seen_at < {third}"
            ),
            // Through a table of its own: MySQL takes no limit within `IN`, and reads no table that it changes.
            clear: (keeper == Keeper::Ours).then(|| {
                format!(
                    "DELETE FROM {table} WHERE session_key IN (SELECT session_key FROM \
                     (SELECT l.session_key FROM {table} l WHERE l.last_seen_at < {first} \
                     AND NOT EXISTS (SELECT 1 {lives} > {second}) LIMIT {third}) unseen)"
                )
            }),
            records: format!("{behind} > {first} AND {expires} > {second} {ordered} LIMIT {third}"),
        })
    }

    /// The statements that make a table of our own, where there is none.
    pub(crate) fn schema(dialect: Dialect) -> Vec<String> {
        let (key, text, moment) = match dialect {
            Dialect::Sqlite => ("varchar(255)", "varchar(255)", "datetime"),
            Dialect::Postgres => ("varchar(255)", "varchar(255)", "timestamp with time zone"),
            // Keys and ids are compared as bytes.
            Dialect::MySql => (
                "varchar(255) CHARACTER SET ascii COLLATE ascii_bin",
                "varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                "datetime(6)",
            ),
        };
        let columns = format!(
            "session_key {key} NOT NULL PRIMARY KEY, public_id varchar(64) NOT NULL, user_id {text} NOT NULL, \
             created_at {moment} NOT NULL, last_seen_at {moment} NOT NULL, ip varchar(39) NULL, \
             user_agent varchar(200) NOT NULL"
        );
        let index = format!("{OURS}_user");
        if dialect == Dialect::MySql {
            return vec![format!(
                "CREATE TABLE IF NOT EXISTS {OURS} ({columns}, KEY {index} (user_id)) ENGINE=InnoDB"
            )];
        }
        vec![
            format!("CREATE TABLE IF NOT EXISTS {OURS} ({columns})"),
            format!("CREATE INDEX IF NOT EXISTS {index} ON {OURS} (user_id)"),
        ]
    }

    /// What stands in the table for an id.
    pub(crate) fn id_column(&self, id: &str) -> String {
        match self.keeper {
            Keeper::Ours => id.to_owned(),
            Keeper::Allauth => serde_json::json!({ ID_NAME: id }).to_string(),
        }
    }

    /// What stands in the table for an address.
    pub(crate) fn address_column(&self, entry: &SessionEntry) -> Option<String> {
        match (entry.address, self.keeper) {
            (Some(address), _) => Some(address.to_canonical().to_string()),
            (None, Keeper::Ours) => None,
            // The column is `NOT NULL`.
            (None, Keeper::Allauth) => Some(UNKNOWN.to_owned()),
        }
    }
}

/// A user's key, if this is its text: `07` is not user 7.
pub(crate) fn listed_key(key: Option<UserKey>, id: &str) -> Option<UserKey> {
    key.filter(|key| key.to_session_text() == id)
}

impl Keeper {
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Ours => OURS,
            Self::Allauth => ALLAUTH_S,
        }
    }
}

impl Columns {
    /// The row; `None` if its key is none, which opens nothing.
    pub(crate) fn entry(self, user_id: &str) -> Option<SessionEntry> {
        let data: Option<serde_json::Value> = serde_json::from_str(&self.data).ok();
        let ours = data.and_then(|data| Some(data.get(ID_NAME)?.as_str()?.to_owned()));
        let address = self.address.filter(|address| address != UNKNOWN);
        let key = SessionKey::parse(&self.key)?;
        Some(SessionEntry {
            // A row that allauth has written has only a number, which anybody can count to.
            id: match (ours, self.id) {
                (Some(id), _) => id,
                (None, id) if !id.is_empty() => id,
                (None, _) => SessionEntry::id_of(&key),
            },
            user_id: user_id.to_owned(),
            key,
            created: self.created,
            last_seen: self.last_seen,
            address: address.and_then(|address| address.parse().ok()),
            user_agent: self.user_agent,
        })
    }
}

/// The address of nobody: in allauth's table, of those whom we do not know.
const UNKNOWN: &str = "0.0.0.0";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(found: &[&str]) -> Option<ListSql> {
        let found: Vec<String> = found.iter().map(|name| (*name).to_owned()).collect();
        ListSql::new(Dialect::Postgres, &found, &SessionTable::default())
    }

    #[test]
    fn allauth_s_table_comes_before_ours() {
        assert!(of(&["auth_user"]).is_none());
        assert_eq!(of(&[OURS]).unwrap().keeper, Keeper::Ours);
        assert_eq!(of(&[OURS, ALLAUTH_S]).unwrap().keeper, Keeper::Allauth);
    }

    #[test]
    fn a_row_of_allauth_s_keeps_our_id_where_it_has_one() {
        let row = |data: &str| Columns {
            id: String::new(),
            data: data.into(),
            key: "a-session-key".into(),
            created: Timestamp::MIN,
            last_seen: Timestamp::MIN,
            address: Some(UNKNOWN.into()),
            user_agent: String::new(),
        };
        let written = of(&[ALLAUTH_S]).unwrap().id_column("abc");
        assert_eq!(row(&written).entry("7").unwrap().id, "abc");
        for data in ["{}", "", "[]", r#"{"cloakroom_id": 5}"#] {
            let entry = row(data).entry("7").unwrap();
            assert_eq!(entry.id, SessionEntry::id_of(&entry.key), "{data}");
        }
        assert_eq!(row("").entry("7").unwrap().address, None);
    }
}

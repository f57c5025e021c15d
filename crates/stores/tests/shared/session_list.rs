//! allauth's table of sessions, as its migrations make it on each database, but for the key of another table.

pub(crate) fn allauth_s_table(id: &str, moment: &str, address: &str, json: &str) -> String {
    format!(
        "CREATE TABLE usersessions_usersession (id {id}, created_at {moment} NOT NULL, ip {address} NOT NULL, \
         last_seen_at {moment} NOT NULL, session_key varchar(40) NOT NULL UNIQUE, \
         user_agent varchar(200) NOT NULL, data {json} NOT NULL, user_id integer NOT NULL)"
    )
}

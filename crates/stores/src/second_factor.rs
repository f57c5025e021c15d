//! The tables in which Django packages keep second factors: who has one there must not get in by a password alone.

use std::collections::BTreeMap;

use crate::dialect::Dialect;

/// The tables of a database that tell of second factors, as they were when it was looked at.
#[derive(Debug, Default)]
pub(crate) struct SecondFactors {
    /// Their names, in order.
    pub(crate) tables: Vec<String>,
    /// The key, on MySQL once for each table: a row, if the user has one. `None` without such tables.
    pub(crate) sql: Option<String>,
}

impl SecondFactors {
    /// Of the tables and columns that were found, those of [`KNOWN`] that belong to users.
    pub(crate) fn new(dialect: Dialect, found: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (table, column) in found {
            tables.entry(table).or_default().push(column);
        }
        let has = |columns: &[String], name: &str| columns.iter().any(|column| column == name);
        tables.retain(|table, columns| KNOWN.contains(&table.as_str()) && has(columns, "user_id"));
        let parameter = dialect.parameter(1);
        let branches: Vec<String> = tables
            .iter()
            .map(|(table, columns)| {
                // Who began to set a device up and never confirmed it has none, as in django-otp.
                let confirmed = if has(columns, "confirmed") {
                    " AND confirmed"
                } else {
                    ""
                };
                let table = dialect.name(table);
                format!("SELECT 1 FROM {table} WHERE user_id = {parameter}{confirmed}")
            })
            .collect();
        Self {
            sql: (!branches.is_empty())
                .then(|| format!("{} LIMIT 1", branches.join(" UNION ALL "))),
            tables: tables.into_keys().collect(),
        }
    }
}

/// allauth's table, those of django-otp's own plugins, and those of django-two-factor-auth and other plugins.
pub(crate) const KNOWN: [&str; 10] = [
    "mfa_authenticator",
    "otp_email_emaildevice",
    "otp_hotp_hotpdevice",
    "otp_static_staticdevice",
    "otp_totp_totpdevice",
    "otp_twilio_twiliosmsdevice",
    "otp_yubikey_remoteyubikeydevice",
    "otp_yubikey_yubikeydevice",
    "two_factor_phonedevice",
    "two_factor_webauthn_webauthndevice",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(columns: &[(&str, &str)]) -> SecondFactors {
        let owned = columns
            .iter()
            .map(|(table, column)| ((*table).into(), (*column).into()));
        SecondFactors::new(Dialect::Postgres, owned)
    }

    #[test]
    fn only_known_tables_of_users_are_asked_and_confirmed_devices_count() {
        let factors = found(&[
            ("otp_totp_totpdevice", "user_id"),
            ("otp_totp_totpdevice", "confirmed"),
            ("mfa_authenticator", "type"),
            ("mfa_authenticator", "user_id"),
            ("otp_static_staticdevice", "id"),
            ("shop_order", "user_id"),
        ]);
        assert_eq!(factors.tables, ["mfa_authenticator", "otp_totp_totpdevice"]);
        assert_eq!(
            factors.sql.as_deref(),
            Some(
                "SELECT 1 FROM \"mfa_authenticator\" WHERE user_id = $1 UNION ALL \
                 SELECT 1 FROM \"otp_totp_totpdevice\" WHERE user_id = $1 AND confirmed LIMIT 1"
            )
        );
        assert!(found(&[("shop_order", "user_id")]).sql.is_none());
    }
}

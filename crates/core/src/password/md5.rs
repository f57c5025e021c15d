//! Salted MD5 as old Django sites keep it (`MD5PasswordHasher`): verified where a site asks for it, never made.

use crate::secret::same;
use md5::{Digest as _, Md5};

/// Whether this is the password whose text, `md5$salt$hash`, was kept. Django has no hasher any more for the form
/// without a salt.
pub(super) fn verifies(password: &[u8], encoded: &str) -> bool {
    let parts = encoded
        .strip_prefix("md5$")
        .and_then(|rest| rest.split_once('$'));
    let Some((salt, stored)) = parts.filter(|(salt, _)| super::is_salt(salt)) else {
        return false;
    };
    let digest = Md5::new().chain_update(salt).chain_update(password);
    let hash: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    same(hash.as_bytes(), stored.as_bytes())
}

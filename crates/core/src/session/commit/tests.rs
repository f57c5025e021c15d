//! What needs no store. How commits go is told by the races of `crates/testing`.

use std::error::Error as _;

use super::*;
use crate::secret::{SecretKey, Secrets};
use crate::signing::Compression;

#[test]
fn names_that_django_s_logic_reads_are_guarded_and_so_are_the_site_s() {
    let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
    let rules = SaveRules {
        codec: Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never),
        lifetime: Lifetime::DJANGO,
        guarded_names: vec!["cart".to_owned(), "role".to_owned()],
        save_every_request: false,
    };
    for name in ["_auth_user_id", "_", "__messages", "cart", "role"] {
        assert!(rules.guards(name), "{name}");
    }
    for name in ["_messages", "messages", "carts", "a_", ""] {
        assert!(!rules.guards(name), "{name}");
    }
}

#[test]
fn an_error_leads_to_what_caused_it() {
    let failed = CommitError::from(StoreError::new("the disk is full"));
    assert_eq!(failed.to_string(), "the session store failed");
    assert_eq!(failed.source().unwrap().to_string(), "the disk is full");
    assert!(CommitError::Interrupted.to_string().contains("was deleted"));
    assert!(CommitError::Interrupted.source().is_none());
    assert!(CommitError::Busy.source().is_none());
}

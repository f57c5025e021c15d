//! What a new user's name and address may be, in Django's words.

use cloakroom_core::auth::LONGEST_USERNAME;
use unicode_normalization::UnicodeNormalization as _;

/// The name in the form in which it is kept (NFKC).
pub(crate) fn username(typed: &str) -> Result<String, String> {
    let name: String = typed.nfkc().collect();
    let allowed = |character: char| character.is_alphanumeric() || "_.@+-".contains(character);
    let length = name.chars().count();
    if name.is_empty() {
        Err("This field cannot be blank.".to_owned())
    } else if !name.chars().all(allowed) {
        let rule = "This value may contain only letters, numbers, and @/./+/-/_ characters.";
        Err(format!("Enter a valid username. {rule}"))
    } else if length > LONGEST_USERNAME {
        Err(format!(
            "Ensure this value has at most {LONGEST_USERNAME} characters (it has {length})."
        ))
    } else {
        Ok(name)
    }
}

/// The address with its domain in lower case; none at all is allowed.
pub(crate) fn email(typed: &str) -> Result<String, String> {
    let address = typed.trim();
    if address.is_empty() {
        return Ok(String::new());
    }
    let plain = |character: char| !character.is_whitespace() && !character.is_control();
    let short = address.chars().count() <= 254;
    let parts = address.rsplit_once('@').filter(|(name, domain)| {
        !name.is_empty() && !domain.is_empty() && short && address.chars().all(plain)
    });
    let (name, domain) = parts.ok_or("Enter a valid email address.")?;
    Ok(format!("{name}@{}", domain.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_with_a_lower_case_domain() {
        assert_eq!(email(" Ann@Example.ORG ").unwrap(), "Ann@example.org");
        assert_eq!(email("").unwrap(), "");
        for wrong in [
            "ann",
            "@b",
            "a@",
            "a b@c",
            "a@b\u{1b}",
            &format!("{}@b", "a".repeat(254)),
        ] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_normalised_and_checked() {
        assert_eq!(username("\u{ff41}nn").unwrap(), "ann");
        for wrong in ["", "a b", "a\0", "<a>", &"a".repeat(151)] {
            assert!(username(wrong).is_err(), "{wrong}");
        }
    }
}

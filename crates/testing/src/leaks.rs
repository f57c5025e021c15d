//! What must not be in a log.

/// The names of those secrets that stand in this log: as they are, or as bytes, in a form or between quotes.
///
/// ```
/// use cloakroom_testing::leaked;
///
/// let secrets = [("the password", "correct horse".to_owned()), ("the key", "0123456789".to_owned())];
/// assert_eq!(leaked("POST /login/ password=correct+horse", &secrets), ["the password"]);
/// assert!(leaked("POST /login/ 302", &secrets).is_empty());
/// ```
///
/// # Panics
/// A secret is so short that it may stand there by chance.
#[must_use]
pub fn leaked<'a>(log: &str, secrets: &[(&'a str, String)]) -> Vec<&'a str> {
    let found = secrets.iter().filter(|(name, secret)| {
        assert!(secret.len() >= 8, "{name} is too short to be told");
        forms(secret).iter().any(|form| log.contains(form))
    });
    let mut names: Vec<&str> = found.map(|(name, _)| *name).collect();
    names.dedup();
    names
}

/// What a log may make of a text.
fn forms(secret: &str) -> [String; 4] {
    let numbers: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    [
        secret.to_owned(),
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        secret.escape_debug().to_string(),
        numbers.join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form_that_a_log_has_it_in() {
        let secrets = [("it", "sp\u{e4}t, \"quoted\"\t& long".to_owned())];
        let (_, secret) = &secrets[0];
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for line in [
            format!("password={secret}"),
            format!("password={secret:?}"),
            format!("body={:?}", secret.as_bytes()),
            format!("body=a=b&password={form}&c=d"),
        ] {
            assert_eq!(leaked(&line, &secrets), ["it"], "{line}");
        }
        assert!(leaked("password=other", &secrets).is_empty());
    }
}

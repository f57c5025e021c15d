//! Secret keys as the environment and files carry them. What a key is shows in what it signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use cloakroom_core::secret::{
    SecretError, SecretKey, Secrets, parse_key_file, parse_list, parse_list_file,
};
use cloakroom_core::signing::Signer;

use crate::parts::Parts;

/// One text, read as a key, a list, and both kinds of file.
pub fn secret_keys(input: &[u8]) {
    let text = Parts::of(input).text();
    let (weak, strong): (Parse, Parse) = (SecretKey::insecure_parse, SecretKey::parse);
    for (parse, is_strong) in [(weak, false), (strong, true)] {
        same(
            parse(&text).map(|key| vec![key]),
            expected([&*text], is_strong),
        );
        same(
            parse_list_file(&text, parse),
            expected(text.lines(), is_strong),
        );
        let only: Vec<&str> = text.lines().collect();
        let file = parse_key_file(&text, parse).map(|key| vec![key]);
        match only[..] {
            [] => same(file, Err(SecretError::Empty)),
            [line] => same(file, expected([line], is_strong)),
            [first, ..] => {
                let first = expected([first], is_strong);
                same(file, first.and(Err(SecretError::SeveralLines)));
            }
        }
        let list = parse_list(&text, parse);
        if text.starts_with('[') {
            match serde_json::from_str::<Vec<String>>(&text) {
                Ok(items) => same(list, expected(items.iter().map(String::as_str), is_strong)),
                Err(_) => same(list, Err(SecretError::NotAList)),
            }
        } else {
            same(list, expected(text.split(','), is_strong));
        }
    }
}

type Parse = fn(&str) -> Result<SecretKey, SecretError>;

/// The bytes of these keys, or what is wrong with the first that is refused.
fn expected<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    strong: bool,
) -> Result<Vec<Vec<u8>>, SecretError> {
    let bytes = |text: &str| match text.strip_prefix("base64:") {
        None => Ok(text.as_bytes().to_vec()),
        Some(text) => {
            // The padding may be left out, in part too.
            let bare = text.trim_end_matches('=');
            let padding = text.len() - bare.len();
            let bare = bare.as_bytes().to_vec();
            let fits = padding <= (4 - bare.len() % 4) % 4;
            let decoded = STANDARD_NO_PAD.decode(bare).ok().filter(|_| fits);
            decoded.ok_or(SecretError::NotBase64)
        }
    };
    let judge = |text| match bytes(text)? {
        bytes if bytes.is_empty() => Err(SecretError::Empty),
        bytes if strong && bytes.starts_with(b"django-insecure-") => {
            Err(SecretError::DjangoInsecure)
        }
        bytes if strong && bytes.len() < 32 => Err(SecretError::Short),
        bytes => Ok(bytes),
    };
    texts.into_iter().map(judge).collect()
}

fn same(found: Result<Vec<SecretKey>, SecretError>, expected: Result<Vec<Vec<u8>>, SecretError>) {
    let signed = |key: SecretKey| Signer::new(&Secrets::new(key), "").sign("");
    let of_bytes = |bytes| signed(SecretKey::insecure_new(bytes).expect("it is not empty"));
    let found = found.map(|keys| keys.into_iter().map(signed).collect::<Vec<_>>());
    let expected = expected.map(|keys| keys.into_iter().map(of_bytes).collect());
    assert_eq!(found, expected);
}

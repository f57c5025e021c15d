use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{KeyInit as _, Mac as _};
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
/// Made by PyJWT.
const OF_PYJWT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNzAwMDAwMzAwLCJpYXQiOjE3MDAwMDAwMDAsImp0aSI6IjAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwIiwidXNlcl9pZCI6IjcifQ.0F1PxGaiXfF3D8nnggpcVk0shfqKJFECqeEBv2hIFGw";

fn secrets(key: &str) -> Secrets {
    Secrets::new(SecretKey::insecure_new(key).unwrap())
}

fn rules() -> JwtRules {
    JwtRules::new(&secrets("test-secret-key-0123456789"))
}

fn ann() -> User {
    let mut user = User::new("7", "ann", NOW);
    user.password = "pbkdf2_sha256$1$s$h".into();
    user
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with this header and these claims, signed by the site's key.
fn signed(header: &Value, claims: &Value) -> String {
    signed_as_is(&part(header), &part(claims))
}

fn signed_as_is(header: &str, claims: &str) -> String {
    let text = format!("{header}.{claims}");
    let mut hmac = hmac::Hmac::<sha2::Sha256>::new_from_slice(signing_key().as_bytes()).unwrap();
    hmac.update(text.as_bytes());
    format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes())
    )
}

fn signing_key() -> String {
    derived_signing_key(secrets("test-secret-key-0123456789").key())
}

fn claims() -> Value {
    json!({"token_type": "access", "exp": 1_700_000_300, "iat": 1_700_000_000, "jti": "0", "user_id": "7"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn read(rules: &JwtRules, token: &str) -> Option<Claims> {
    rules.read(token, TokenType::Access, NOW)
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

#[test]
fn a_token_of_pyjwt_s_is_read_and_so_is_ours() {
    assert_eq!(signing_key(), "EWOYTBCEG4gD00QKpR8SLcfDx6acZPoehi82DvUL1vs");
    let claims = read(&rules(), OF_PYJWT).unwrap();
    assert_eq!(
        (claims.user_id.as_str(), claims.expires_at),
        ("7", 1_700_000_300)
    );
    assert!(rules().is_of(&claims, &ann()));
    let ours = rules().mint_access(&ann(), NOW).unwrap();
    let claims = read(&rules(), &ours).unwrap();
    assert_eq!((claims.user_id.as_str(), claims.id.len()), ("7", 32));
}

#[test]
fn a_header_that_names_an_algorithm_or_a_key_of_its_own_is_refused() {
    // J1.
    let kid = rules().keys[0].kid().to_owned();
    assert!(read(&rules(), &signed(&header(), &claims())).is_some());
    assert!(
        read(
            &rules(),
            &signed(&json!({"alg": "HS256", "kid": kid}), &claims())
        )
        .is_some()
    );
    let mut headers = vec![json!({}), json!({"typ": "JWT"}), json!([]), json!("HS256")];
    for algorithm in [
        "none", "None", "", "hs256", "HS384", "HS512", "RS256", "ES256", "EdDSA", "PS256",
    ] {
        headers.push(json!({"alg": algorithm, "typ": "JWT"}));
    }
    let more = [
        ("kid", json!("../../dev/null")),
        ("kid", json!("")),
        ("kid", json!(null)),
        ("kid", json!("x' UNION SELECT 'key")),
        ("jku", json!("https://evil.example/keys.json")),
        ("x5u", json!("https://evil.example/chain.pem")),
        ("x5c", json!(["MIIB"])),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("typ", json!("JOSE+JSON")),
    ];
    for (name, value) in more {
        let mut one = header();
        one[name] = value;
        headers.push(one);
    }
    // Whoever signs as the site can say such things; whoever cannot gets no further than the signature.
    for header in &headers {
        assert_eq!(read(&rules(), &signed(header, &claims())), None, "{header}");
        let text = format!("{}.{}", part(header), part(&claims()));
        for signature in ["", ".", ".AAAA", ".."] {
            assert_eq!(
                read(&rules(), &format!("{text}{signature}")),
                None,
                "{header}"
            );
        }
    }
}

#[test]
fn a_token_signed_with_another_key_is_nobody_s() {
    // J1: among them a public key, as an attacker would use it for the secret.
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    for key in [public, "", "test-secret-key-0123456789", "another", "\0"] {
        let token = Key::new(key.as_bytes()).sign(&claims().to_string());
        assert_eq!(read(&rules(), &token), None, "{key}");
    }
    let secret_key = rules().with_signing_key(secrets(public).key());
    assert_eq!(
        read(&secret_key, OF_PYJWT),
        None,
        "nor does the derived key verify then"
    );
}

#[test]
fn every_claim_that_says_who_when_and_for_whom_is_asked() {
    // J1: a refresh token as an access token, a foreign audience, an end that has come.
    let now = 1_700_000_000;
    let refused = [
        ("token_type", json!("refresh")),
        ("token_type", json!("Access")),
        ("token_type", json!(null)),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!("1700000300")),
        ("exp", json!(null)),
        ("exp", json!([now + 300])),
        ("nbf", json!(now + 1)),
        ("iat", json!(now + 1)),
        ("iat", json!("x")),
        ("jti", json!(null)),
        ("jti", json!(7)),
        ("user_id", json!(null)),
        ("user_id", json!([7])),
        ("user_id", json!(7.5)),
        ("user_id", json!(true)),
        ("aud", json!("another")),
        ("aud", json!(["another"])),
    ];
    for (name, value) in refused {
        let token = signed(&header(), &with(name, value.clone()));
        assert_eq!(read(&rules(), &token), None, "{name} {value}");
    }
    for name in ["token_type", "exp", "jti", "user_id"] {
        let mut without = claims();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(read(&rules(), &signed(&header(), &without)), None, "{name}");
    }
    let taken = [
        ("exp", json!(now + 1)),
        ("exp", json!(1_700_000_000.5)),
        ("nbf", json!(now)),
        ("iss", json!("anybody")),
        ("user_id", json!("8d7ad3c2-8f8e-4d2b-9d5e-0a52d47e6f0c")),
        ("cart", json!([1])),
    ];
    for (name, value) in taken {
        let token = signed(&header(), &with(name, value.clone()));
        assert!(read(&rules(), &token).is_some(), "{name} {value}");
    }
    let number = read(&rules(), &signed(&header(), &with("user_id", json!(7))));
    assert_eq!(number.unwrap().user_id, "7");
}

#[test]
fn a_token_ends_at_its_second_without_grace() {
    let token = rules().mint_access(&ann(), NOW).unwrap();
    let at = |micros| Timestamp::from_unix_micros(NOW.plus_seconds(300).unix_micros() + micros);
    assert!(rules().read(&token, TokenType::Access, at(-1)).is_some());
    assert!(rules().read(&token, TokenType::Access, at(0)).is_none());
    let refresh = rules().mint_refresh(&ann(), "0", "f", NOW, rules().refresh_end(NOW));
    let read = |seconds| rules().read(&refresh, TokenType::Refresh, NOW.plus_seconds(seconds));
    assert!(read(86_399).is_some() && read(86_400).is_none());
    // However long a site wants it.
    let long = rules()
        .with_lifetimes(100_000, 200_000)
        .mint_access(&ann(), NOW)
        .unwrap();
    assert!(
        rules()
            .read(&long, TokenType::Access, NOW.plus_seconds(300))
            .is_none()
    );
}

#[test]
fn a_site_with_a_name_takes_only_what_is_for_it() {
    let named = rules().with_issuer_and_audience(Some("us".into()), Some("api".into()));
    assert!(read(&named, &named.mint_access(&ann(), NOW).unwrap()).is_some());
    let audience = |issuer: Value, audience: Value| {
        let mut claims = with("iss", issuer);
        claims["aud"] = audience;
        read(&named, &signed(&header(), &claims)).is_some()
    };
    assert!(audience(json!("us"), json!("api")) && audience(json!("us"), json!(["x", "api"])));
    for (iss, aud) in [
        ("them", json!("api")),
        ("us", json!("web")),
        ("us", json!([])),
        ("us", json!(null)),
    ] {
        assert!(!audience(json!(iss), aud.clone()), "{iss} {aud}");
    }
    assert!(!audience(json!(["us"]), json!("api")));
    assert!(read(&named, OF_PYJWT).is_none(), "one that names nobody");
}

/// CVE-2026-43983, CVE-2025-53942, CVE-2025-64521.
#[test]
fn a_token_ends_with_its_user_s_password_and_with_the_user() {
    let token = rules().mint_access(&ann(), NOW).unwrap();
    let claims = read(&rules(), &token).unwrap();
    let others = [
        User {
            password: "pbkdf2_sha256$1$s$other".into(),
            ..ann()
        },
        User {
            is_active: false,
            ..ann()
        },
        User {
            id: "8".into(),
            ..ann()
        },
    ];
    assert!(rules().is_of(&claims, &ann()));
    for other in others {
        assert!(!rules().is_of(&claims, &other), "{other:?}");
    }
    assert!(!token.contains("pbkdf2"));
}

#[test]
fn simplejwt_s_own_claim_of_the_password_is_written_and_asked_where_it_is_checked() {
    let checking = rules().checking_revoke_token();
    let read_claims = |token: &str| read(&checking, token).unwrap();
    let ours = read_claims(&checking.mint_access(&ann(), NOW).unwrap());
    assert_eq!(
        ours.revoke.as_deref(),
        Some("27D7BD28FC505A2C679C0B8F695CBCA5")
    );
    assert!(checking.is_of(&ours, &ann()));
    assert!(
        !checking.is_of(&read_claims(OF_PYJWT), &ann()),
        "one without it"
    );
    let other = with("hash_password", json!("0".repeat(32)));
    assert!(!checking.is_of(&read_claims(&signed(&header(), &other)), &ann()));
}

#[test]
fn a_fallback_key_verifies_tokens_and_signs_none() {
    let old = secrets("test-secret-key-0123456789").key().clone();
    let rotated = JwtRules::new(&secrets("new").with_fallbacks(vec![old]));
    let of_old = rules().mint_access(&ann(), NOW).unwrap();
    for token in [OF_PYJWT, &of_old] {
        let claims = read(&rotated, token).unwrap();
        assert!(rotated.is_of(&claims, &ann()));
    }
    let ours = rotated.mint_access(&ann(), NOW).unwrap();
    assert!(read(&rules(), &ours).is_none());
    assert!(read(&JwtRules::new(&secrets("new")), &ours).is_some());
}

#[test]
fn a_token_is_taken_whole_and_in_one_spelling() {
    let token = rules().mint_access(&ann(), NOW).unwrap();
    for end in 0..token.len() {
        assert!(read(&rules(), &token[..end]).is_none(), "{end} bytes");
    }
    for other in [
        format!("{token}="),
        format!("{token}."),
        format!(".{token}"),
        format!(" {token}"),
        format!("{token}\n"),
        token.replacen('.', "..", 1),
        "é.é.é".to_owned(),
        "a".repeat(1_000_000),
    ] {
        assert!(read(&rules(), &other).is_none());
    }
    // Signed, and no token all the same.
    for (header, claims) in [
        ("", ""),
        ("e30", "e30"),
        (&*part(&header()), "W10"),
        (&part(&header()), "!"),
    ] {
        assert!(read(&rules(), &signed_as_is(header, claims)).is_none());
    }
}

#[test]
fn debug_shows_no_signing_key() {
    let shown = format!("{:?}", rules());
    assert!(
        !shown.contains(&signing_key()) && !shown.contains("keys"),
        "{shown}"
    );
}

//! CSRF tokens and decisions.

use cloakroom_core::csrf::{
    CsrfRequest, CsrfRules, CsrfSecret, Reason, StoredSecret, TrustedOrigins, Verdict, Veto,
    check_headers, check_token,
};

use crate::rows::{Answer, Release, Row};

/// Our masks are random, so Django's are taken off again: with a given mask there is one way to do either.
pub(crate) fn mask(row: &Row, _: &Release) -> Answer {
    let (secret, masked) = (row.text("secret"), row.text("masked"));
    assert!(masked.starts_with(row.text("mask")));
    assert_eq!(
        CsrfSecret::from_stored(secret).unwrap().verify(masked),
        Ok(())
    );
    let ours = CsrfSecret::from_stored(masked).unwrap();
    Answer::new(masked, secret, ours.as_str())
}

pub(crate) fn unmask(row: &Row, _: &Release) -> Answer {
    let token = row.text("token");
    let ours = CsrfSecret::from_stored(token).unwrap();
    Answer::new(token, row.text("secret"), ours.as_str())
}

pub(crate) fn shape(row: &Row, _: &Release) -> Answer {
    let token = row.text("token");
    let error = CsrfSecret::from_stored(token).err();
    let ours = error.map(|fault| fault.to_string());
    Answer::new(
        token,
        format!("{:?}", row.maybe_text("error")),
        format!("{:?}", ours.as_deref()),
    )
}

pub(crate) fn matches(row: &Row, _: &Release) -> Answer {
    let secret = CsrfSecret::from_stored(row.text("secret")).unwrap();
    let ours = secret.verify(row.text("token")).is_ok();
    Answer::new(
        row.text("token"),
        row.flag("matches").to_string(),
        ours.to_string(),
    )
}

/// Every decision with its exact reason, and whether the cookie is replaced at once.
pub(crate) fn decisions(row: &Row, _: &Release) -> Answer {
    let stored = row.maybe_text("cookie").map(CsrfSecret::from_stored);
    let replaced = matches!(stored, Some(Err(_)));
    let reason = decide(row, stored.as_ref())
        .err()
        .map(|reason| reason.to_string());
    let input = format!(
        "{} origin {:?} referer {:?}",
        row.text("method"),
        row.maybe_text("origin"),
        row.maybe_text("referer")
    );
    Answer::new(
        input,
        format!(
            "{:?}, cookie replaced {}",
            row.maybe_text("reason"),
            row.flag("cookie_replaced")
        ),
        format!("{:?}, cookie replaced {replaced}", reason.as_deref()),
    )
}

fn decide(
    row: &Row,
    stored: Option<&Result<CsrfSecret, cloakroom_core::csrf::TokenFault>>,
) -> Result<(), Reason> {
    let mut rules = CsrfRules::new(Veto::None);
    rules.trusted_origins = TrustedOrigins::new(row.texts("trusted_origins")).unwrap();
    rules.cookie_domain = row.maybe_text("cookie_domain").map(str::to_owned);
    let method = row.text("method");
    let request = CsrfRequest {
        method,
        secure: row.flag("secure"),
        host: Some(row.text("host")).filter(|_| row.flag("host_allowed")),
        port: u16::try_from(row.integer("port")).unwrap(),
        origin: row.maybe_text("origin"),
        referer: row.maybe_text("referer"),
        fetch_site: None,
    };
    if check_headers(&rules, &request)? == Verdict::Accept {
        return Ok(());
    }
    let secret = match stored {
        None => StoredSecret::Absent,
        Some(Err(fault)) => StoredSecret::Faulty(*fault),
        Some(Ok(secret)) => StoredSecret::Secret(secret),
    };
    let form = row.maybe_text("form").filter(|_| method == "POST");
    check_token(secret, form, row.maybe_text("header"), &rules.header)
}

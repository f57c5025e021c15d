//! CSRF: tokens and decisions.

use cloakroom_core::csrf::{
    CsrfCookie, CsrfRequest, CsrfRules, CsrfSecret, FormFault, MultipartBoundary, MultipartScan,
    Reason, SESSION_NAME, StoredSecret, TokenFault, TokenHeader, TrustedOrigins, Verdict, Veto,
    check_headers, check_token, hidden_input,
};
use cloakroom_core::session::SessionState;
use serde::Deserialize;
use serde_json::json;

use crate::cookies::{CookieHeaders, find_all};
use crate::question::{Answer, Ask, Fault};

fn fault(error: TokenFault) -> Fault {
    Fault::new("token", error)
}

fn reject(reason: Reason) -> Fault {
    Fault::new("reject", reason)
}

fn random(error: impl std::fmt::Display) -> Fault {
    Fault::new("random", error)
}

#[derive(Deserialize)]
pub(crate) struct Generate {}

impl Ask for Generate {
    fn answer(self) -> Answer {
        Ok(json!(CsrfSecret::generate().map_err(random)?.as_str()))
    }
}

#[derive(Deserialize)]
pub(crate) struct Mask {
    secret: String,
}

impl Ask for Mask {
    fn answer(self) -> Answer {
        let secret = CsrfSecret::from_stored(&self.secret).map_err(fault)?;
        Ok(json!(secret.masked().map_err(random)?))
    }
}

#[derive(Deserialize)]
pub(crate) struct Read {
    text: String,
}

impl Ask for Read {
    /// The secret in a stored text or under a token's mask.
    fn answer(self) -> Answer {
        let secret = CsrfSecret::from_stored(&self.text).map_err(fault)?;
        Ok(json!(secret.as_str()))
    }
}

#[derive(Deserialize)]
pub(crate) struct Verify {
    secret: String,
    token: String,
}

impl Ask for Verify {
    fn answer(self) -> Answer {
        let secret = CsrfSecret::from_stored(&self.secret).map_err(fault)?;
        match secret.verify(&self.token) {
            Ok(()) => Ok(json!(true)),
            Err(TokenFault::Incorrect) => Ok(json!(false)),
            Err(error) => Err(fault(error)),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Headers {
    method: String,
    secure: bool,
    host: Option<String>,
    port: u16,
    origin: Option<String>,
    referer: Option<String>,
    trusted: Vec<String>,
    cookie_domain: Option<String>,
}

impl Headers {
    fn verdict(&self) -> Result<Verdict, Fault> {
        let mut rules = CsrfRules::new(Veto::None);
        rules.trusted_origins = TrustedOrigins::new(self.trusted.iter().map(String::as_str))
            .map_err(|error| Fault::new("origins", error))?;
        rules.cookie_domain.clone_from(&self.cookie_domain);
        let request = CsrfRequest {
            method: &self.method,
            secure: self.secure,
            host: self.host.as_deref(),
            port: self.port,
            origin: self.origin.as_deref(),
            referer: self.referer.as_deref(),
            fetch_site: None,
        };
        check_headers(&rules, &request).map_err(reject)
    }
}

impl Ask for Headers {
    /// `"accept"` or `"token"`; a refusal's error is `reject` and its detail the reason.
    fn answer(self) -> Answer {
        Ok(json!(match self.verdict()? {
            Verdict::Accept => "accept",
            Verdict::NeedsToken => "token",
        }))
    }
}

#[derive(Deserialize)]
pub(crate) struct Token {
    stored: Option<String>,
    #[serde(flatten)]
    sent: SentToken,
}

impl Ask for Token {
    fn answer(self) -> Answer {
        let stored = self.stored.as_deref().map(CsrfSecret::from_stored);
        let stored = match &stored {
            None => StoredSecret::Absent,
            Some(Err(fault)) => StoredSecret::Faulty(*fault),
            Some(Ok(secret)) => StoredSecret::Secret(secret),
        };
        self.sent.check(stored)?;
        Ok(json!("accept"))
    }
}

/// The token in a multipart body that comes in pieces.
#[derive(Deserialize)]
pub(crate) struct Multipart {
    /// Bytes as characters up to U+00FF, as WSGI writes headers.
    content_type: String,
    body: String,
    /// Where one piece ends and the next begins.
    cuts: Vec<usize>,
}

impl Ask for Multipart {
    fn answer(self) -> Answer {
        let bytes = |text: &str| -> Result<Vec<u8>, Fault> {
            let byte = |character: char| u8::try_from(u32::from(character));
            let bytes: Result<_, _> = text.chars().map(byte).collect();
            bytes.map_err(|error| Fault::new("bytes", error))
        };
        let boundary = MultipartBoundary::from_content_type(&bytes(&self.content_type)?)
            .ok_or_else(|| Fault::new("type", "no boundary"))?;
        let mut scan = MultipartScan::new(&boundary);
        let body = bytes(&self.body)?;
        let mut begin = 0;
        for end in self.cuts.into_iter().chain([body.len()]) {
            let piece = body
                .get(begin..end)
                .ok_or_else(|| Fault::new("cuts", "not in order"))?;
            begin = end;
            match scan.push(piece) {
                Ok(()) => {}
                Err(FormFault::SecondToken) => return Err(Fault::new("second", "token")),
                Err(FormFault::Malformed) => return Err(Fault::new("malformed", "form")),
            }
        }
        Ok(json!(scan.token()))
    }
}

/// The token that a request brings.
#[derive(Deserialize)]
struct SentToken {
    form: Option<String>,
    header: Option<String>,
    /// `CSRF_HEADER_NAME`.
    header_name: String,
}

impl SentToken {
    fn check(&self, stored: StoredSecret<'_>) -> Result<(), Fault> {
        let header_name = TokenHeader::from_setting(&self.header_name)
            .ok_or_else(|| Fault::new("header", "CSRF_HEADER_NAME names no header"))?;
        let (form, header) = (self.form.as_deref(), self.header.as_deref());
        check_token(stored, form, header, &header_name).map_err(reject)
    }
}

/// The hidden field of a form.
#[derive(Deserialize)]
pub(crate) struct Input {
    token: String,
}

impl Ask for Input {
    fn answer(self) -> Answer {
        Ok(json!(hidden_input(&self.token)))
    }
}

/// The cookie of a response, after what the page did with its secret.
#[derive(Deserialize)]
pub(crate) struct Cookie {
    sent: Option<String>,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Call {
    GetToken,
    RotateToken,
}

/// What a page does with the secret; the tokens that it was given.
fn carry_out(calls: &[Call], cookie: &mut CsrfCookie) -> Result<Vec<String>, Fault> {
    let mut tokens = Vec::new();
    for call in calls {
        match call {
            Call::GetToken => tokens.push(cookie.token().map_err(random)?),
            Call::RotateToken => cookie.rotate_token().map_err(random)?,
        }
    }
    Ok(tokens)
}

impl Ask for Cookie {
    /// The secret that is set, which makes the response vary, and the tokens that the page was given.
    fn answer(self) -> Answer {
        let mut cookie = CsrfCookie::default();
        cookie
            .process_request(self.sent.as_deref())
            .map_err(random)?;
        let tokens = carry_out(&self.calls, &mut cookie)?;
        Ok(json!({
            "set": cookie.process_response().map(CsrfSecret::as_str),
            "tokens": tokens,
        }))
    }
}

/// A request from its head to its response, as the layer treats it: the head decides first, and the secret is read
/// when a token is to be checked or the page asks for one.
#[derive(Deserialize)]
pub(crate) struct Request {
    head: Headers,
    cookies: CookieHeaders,
    cookie_name: String,
    /// Whether the session keeps the secret instead of a cookie.
    in_session: bool,
    /// What it keeps, as JSON.
    kept: Option<String>,
    sent: SentToken,
    /// Made by the page, if the request is let through to it.
    calls: Vec<Call>,
}

impl Request {
    fn read(&self, cookie: &mut CsrfCookie, session: Option<&SessionState>) -> Result<(), Fault> {
        match session {
            Some(session) => cookie.process_request_in_session(session),
            None => {
                let headers = self.cookies.bytes()?;
                let sent = find_all(&headers, &self.cookie_name).next();
                cookie.process_request(sent.as_deref())
            }
        }
        .map_err(random)
    }

    fn page(
        &self,
        cookie: &mut CsrfCookie,
        session: Option<&SessionState>,
    ) -> Result<Vec<String>, Fault> {
        if self.head.verdict()? == Verdict::NeedsToken {
            self.read(cookie, session)?;
            self.sent.check(cookie.stored())?;
        }
        if !self.calls.is_empty() {
            self.read(cookie, session)?;
        }
        carry_out(&self.calls, cookie)
    }
}

impl Ask for Request {
    /// Why it is refused, if it is; the tokens of its page; and the secret that the response sets or puts into the
    /// session.
    fn answer(self) -> Answer {
        let mut session = self.in_session.then(SessionState::new);
        if let (Some(session), Some(json)) = (&mut session, &self.kept) {
            session
                .set_raw(SESSION_NAME, json)
                .map_err(|error| Fault::new("value", error))?;
        }
        let mut cookie = CsrfCookie::default();
        let outcome = self.page(&mut cookie, session.as_ref());
        let keeps = session
            .as_mut()
            .is_none_or(|session| cookie.process_response_in_session(session));
        let set = cookie.process_response().filter(|_| keeps);
        let (refused, tokens) = match outcome {
            Ok(tokens) => (None, tokens),
            Err(fault) => (Some(fault.of_kind("reject")?), Vec::new()),
        };
        Ok(json!({
            "refused": refused,
            "set": set.map(CsrfSecret::as_str),
            "tokens": tokens,
        }))
    }
}

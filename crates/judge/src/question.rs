//! Every question there is, by the name in its `op`.

use std::fmt;

use cloakroom_core::session::StoreError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sessions::whole;
use crate::{
    auth, cookies, csrf, csrf_cookie, passwords, response, sessions, signing, times, urls,
};

/// `{"answer": …}`, or `{"error": kind, "detail": …}`.
pub(crate) fn answer(line: &Value) -> Value {
    let outcome = Question::deserialize(line)
        .map_err(|error| Fault::new("question", error))
        .and_then(Question::answer);
    match outcome {
        Ok(answer) => json!({"answer": answer}),
        Err(Fault { kind, detail }) => json!({"error": kind, "detail": detail}),
    }
}

/// A question that knows its answer.
pub(crate) trait Ask {
    fn answer(self) -> Answer;
}

pub(crate) type Answer = Result<Value, Fault>;

/// Why there is no answer: a word for the adapter and a sentence for whoever reads its log.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: &'static str,
    detail: String,
}

impl Fault {
    pub(crate) fn new(kind: &'static str, detail: impl fmt::Display) -> Self {
        Self {
            kind,
            detail: detail.to_string(),
        }
    }

    /// The sentence of a fault that is an answer; any other fault stays one.
    pub(crate) fn of_kind(self, kind: &str) -> Result<String, Self> {
        if self.kind == kind {
            Ok(self.detail)
        } else {
            Err(self)
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::new("store", error)
    }
}

macro_rules! questions {
    ($($name:ident($type:ty)),+ $(,)?) => {
        #[derive(Deserialize)]
        #[serde(tag = "op", rename_all = "snake_case")]
        enum Question {
            $($name($type)),+
        }

        impl Ask for Question {
            fn answer(self) -> Answer {
                match self {
                    $(Self::$name(question) => question.answer()),+
                }
            }
        }
    };
}

questions! {
    Sign(signing::Sign),
    Unsign(signing::Unsign),
    SignDated(signing::SignDated),
    UnsignDated(signing::UnsignDated),
    Dumps(signing::Dumps),
    Loads(signing::Loads),
    ParseCookies(cookies::ParseCookies),
    ReadCookies(cookies::ReadCookies),
    SetCookies(cookies::SetCookies),
    CookieRefusal(cookies::CookieRefusal),
    SignCookie(cookies::SignCookie),
    UnsignCookie(cookies::UnsignCookie),
    SafeNext(urls::SafeNext),
    LoginRedirect(urls::LoginRedirect),
    LoginNext(urls::LoginNext),
    IriToUri(urls::IriToUri),
    CsrfGenerate(csrf::Generate),
    CsrfMask(csrf::Mask),
    CsrfRead(csrf::Read),
    CsrfVerify(csrf::Verify),
    CsrfHeaders(csrf::Headers),
    CsrfToken(csrf::Token),
    CsrfMultipart(csrf::Multipart),
    CsrfInput(csrf::Input),
    CsrfRequest(csrf::Request),
    CsrfProcessRequest(csrf_cookie::ProcessRequest),
    CsrfGetToken(csrf_cookie::GetToken),
    CsrfRotateToken(csrf_cookie::RotateToken),
    CsrfProcessResponse(csrf_cookie::ProcessResponse),
    SessionResponse(response::SessionResponse),
    SiteCookie(response::WriteSiteCookie),
    VaryByCookie(response::VaryByCookie),
    CsrfCookie(csrf::Cookie),
    KeyGenerate(sessions::KeyGenerate),
    KeyParse(sessions::KeyParse),
    Expiry(sessions::ExpiryOf),
    ExpirySet(whole::SetExpiryText),
    DataDecode(whole::Decode),
    DataChanged(whole::Changed),
    DataInCookie(whole::InCookie),
    DataOwner(whole::OwnerOf),
    SessionNew(sessions::New),
    SessionLoad(sessions::Load),
    SessionRead(sessions::Read),
    SessionData(sessions::Data),
    SessionGet(sessions::Get),
    SessionSet(sessions::Set),
    SessionRemove(sessions::Remove),
    SessionClear(sessions::Clear),
    SessionFlush(sessions::Flush),
    SessionCycle(sessions::Cycle),
    SessionIsEmpty(sessions::IsEmpty),
    SessionSetExpiry(sessions::SetExpiry),
    SessionCommit(sessions::Commit),
    SessionWrite(sessions::Write),
    StoreExists(sessions::StoreExists),
    StoreDelete(sessions::StoreDelete),
    StoreClear(sessions::StoreClear),
    AuthHash(auth::Hash),
    AuthLogin(auth::Login),
    AuthUser(auth::GetUser),
    AuthUpdate(auth::Update),
    ResetMake(auth::ResetMake),
    ResetCheck(auth::ResetCheck),
    Uid(auth::Uid),
    UidRead(auth::UidRead),
    JwtMint(auth::JwtMint),
    JwtRead(auth::JwtRead),
    PasswordMake(passwords::Make),
    PasswordVerify(passwords::Verify),
    PasswordUsable(passwords::Usable),
    PasswordUnusable(passwords::Unusable),
    PasswordValidate(passwords::Validate),
    PasswordHelpTexts(passwords::HelpTexts),
    UsernameNormalize(auth::Username),
    SameAddress(auth::SameAddress),
    HasPermission(auth::HasPermission),
    TimeWrite(times::Write),
    TimeRead(times::Read),
}

//! Letters by SMTP (Django's `smtp` backend).

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::{Mail, MailError, Mailer, message};
use crate::config::MailConfig;

/// The server that takes letters (`EMAIL_…`).
#[derive(Clone)]
#[non_exhaustive]
pub struct SmtpOptions {
    /// `EMAIL_HOST`.
    pub host: String,
    /// `EMAIL_PORT`.
    pub port: u16,
    /// `EMAIL_USE_TLS`, `EMAIL_USE_SSL`.
    pub tls: SmtpTls,
    /// `EMAIL_HOST_USER` and `EMAIL_HOST_PASSWORD`.
    pub credentials: Option<(String, String)>,
    /// `EMAIL_TIMEOUT`: how long one letter may take.
    pub timeout: Duration,
}

impl SmtpOptions {
    /// Django's defaults: port 25, without encryption and without a name.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: 25,
            tls: SmtpTls::None,
            credentials: None,
            timeout: Duration::from_secs(10),
        }
    }

    pub(super) fn from_config(config: &MailConfig) -> Result<Self, MailError> {
        let (tls, usual) = match (config.use_tls, config.use_ssl) {
            (true, _) => (SmtpTls::StartTls, 587),
            (_, true) => (SmtpTls::Wrapped, 465),
            _ => (SmtpTls::None, 25),
        };
        let password = |path| {
            let text = std::fs::read_to_string(path).map_err(|error| {
                MailError::new("EMAIL_HOST_PASSWORD_FILE cannot be read").with_source(error)
            });
            text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
        };
        let credentials = match (&config.user, &config.password_file) {
            (Some(user), Some(path)) => Some((user.clone(), password(path)?)),
            (Some(_), None) => {
                return Err(MailError::new(
                    "EMAIL_HOST_USER has no EMAIL_HOST_PASSWORD_FILE beside it",
                ));
            }
            (None, _) => None,
        };
        Ok(Self {
            host: config.host.clone(),
            port: config.port.unwrap_or(usual),
            tls,
            credentials,
            timeout: Duration::from_secs(config.timeout.into()),
        })
    }
}

impl fmt::Debug for SmtpOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SmtpOptions")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the ways")]
pub enum SmtpTls {
    /// Not at all: for a server on this machine.
    None,
    /// After `STARTTLS`, and nothing is sent without it (`EMAIL_USE_TLS`).
    StartTls,
    /// From the beginning (`EMAIL_USE_SSL`).
    Wrapped,
}

/// Hands letters to an SMTP server, each over a connection of its own: they are few.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
}

impl SmtpMailer {
    /// # Errors
    /// The host cannot be a certificate's name, or the system has no certificates to trust.
    pub fn new(options: SmtpOptions) -> Result<Self, MailError> {
        let parameters = || {
            TlsParameters::new(options.host.clone()).map_err(|error| {
                MailError::new("EMAIL_HOST cannot be spoken to in TLS").with_source(error)
            })
        };
        let tls = match options.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::StartTls => Tls::Required(parameters()?),
            SmtpTls::Wrapped => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&options.host)
            .port(options.port)
            .tls(tls)
            .timeout(Some(options.timeout));
        if let Some((name, password)) = options.credentials {
            builder = builder.credentials(Credentials::new(name, password));
        }
        Ok(Self {
            transport: builder.build(),
            timeout: options.timeout,
        })
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message::message(mail)?;
        let sent = tokio::time::timeout(self.timeout, self.transport.send(message)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            // A server's answer may repeat the address; only what kind of failure it was is passed on.
            Ok(Err(error)) => Err(MailError::new(if error.is_permanent() {
                "EMAIL_HOST refused the letter"
            } else if error.is_tls() {
                "EMAIL_HOST has no TLS that is trusted here"
            } else {
                "EMAIL_HOST cannot be reached or took no letter now"
            })),
            Err(_) => Err(MailError::new(
                "EMAIL_HOST did not take the letter within EMAIL_TIMEOUT",
            )),
        }
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SmtpMailer(..)")
    }
}

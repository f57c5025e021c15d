//! Letters to users: what is in them, and how they leave.

mod folder;
mod message;
mod smtp;

use std::fmt;
use std::io::{self, Write as _};
use std::sync::Arc;

use async_trait::async_trait;

pub use folder::FolderMailer;
pub use smtp::{SmtpMailer, SmtpOptions, SmtpTls};

use crate::config::{MailBackend, MailConfig};

/// A letter of plain text to one address.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mail {
    /// Whom it is from (`DEFAULT_FROM_EMAIL`), such as `Cloakroom <noreply@example.org>`.
    pub from: String,
    /// The address that it goes to.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text. It may hold a link that lets its reader in.
    pub text: String,
}

impl Mail {
    /// A letter with all that it needs.
    pub fn new(
        from: impl Into<String>,
        to: impl Into<String>,
        subject: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            subject: subject.into(),
            text: text.into(),
        }
    }
}

impl fmt::Debug for Mail {
    /// Not the text: whoever reads it can change a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Mail")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Takes letters to where they go. Each call has its own deadline.
#[async_trait]
pub trait Mailer: Send + Sync + fmt::Debug {
    /// Hands the letter on; what becomes of it then is not known.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Writes letters to the standard output, for whoever tries things out (Django's `console` backend).
///
/// # Security
/// Whoever reads the output can set the passwords of those who asked for a link.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ConsoleMailer;

#[async_trait]
impl Mailer for ConsoleMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message::formatted(mail)?;
        let mut output = io::stdout().lock();
        let written = output
            .write_all(&message)
            .and_then(|()| output.write_all(b"\n"));
        written.and_then(|()| output.flush()).map_err(|error| {
            MailError::new("the standard output takes no letters").with_source(error)
        })
    }
}

/// Who takes letters on by these settings; `None` if there are to be none.
///
/// # Errors
/// The file of the password cannot be read, or the host cannot be spoken to in TLS.
pub fn mailer(config: &MailConfig) -> Result<Option<Arc<dyn Mailer>>, MailError> {
    let mailer: Arc<dyn Mailer> = match config.backend {
        None => return Ok(None),
        Some(MailBackend::Console) => Arc::new(ConsoleMailer),
        Some(MailBackend::Folder) => {
            Arc::new(FolderMailer::new(config.folder.clone().unwrap_or_default()))
        }
        Some(MailBackend::Smtp) => Arc::new(SmtpMailer::new(SmtpOptions::from_config(config)?)?),
    };
    Ok(Some(mailer))
}

/// A letter could not be handed on. Says neither its text nor whom it is for.
#[derive(Debug)]
pub struct MailError {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl MailError {
    /// `message` says what failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// The same with what it comes from, for the log.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for MailError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for MailError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

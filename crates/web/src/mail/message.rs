//! A letter in the form in which it travels (RFC 5322).

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};

use super::{Mail, MailError};

/// The letter with its headers. Names and subjects are encoded, so that no line of them becomes a header of its own.
pub(super) fn message(mail: &Mail) -> Result<Message, MailError> {
    let from: Mailbox = mail
        .from
        .parse()
        .map_err(|_| MailError::new("the sender (DEFAULT_FROM_EMAIL) is no e-mail address"))?;
    let to = mail.to.parse().map_err(|_| {
        MailError::new("the recipient has no e-mail address that can be written to")
    })?;
    let message = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(&mail.subject)
        .header(ContentType::TEXT_PLAIN);
    message
        .body(mail.text.clone())
        .map_err(|error| MailError::new("the letter cannot be written").with_source(error))
}

/// The letter's bytes.
pub(super) fn formatted(mail: &Mail) -> Result<Vec<u8>, MailError> {
    message(mail).map(|message| message.formatted())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str, subject: &str) -> Mail {
        Mail::new(
            "Cloakroom <noreply@example.org>",
            to,
            subject,
            "Grüße\n.\nend",
        )
    }

    #[test]
    fn a_letter_has_one_recipient_whatever_is_in_the_address() {
        for to in [
            "",
            "ann",
            "ann@example.org\r\nBcc: eve@example.org",
            "ann@example.org, eve@example.org",
            "Ann <ann@example.org>",
            "ann@example.org\0",
        ] {
            assert!(message(&mail(to, "Hello")).is_err(), "{to:?}");
        }
        let message = message(&mail("ann@example.org", "Hello")).unwrap();
        let recipients = message.envelope().to();
        assert_eq!(recipients.len(), 1);
        assert_eq!(recipients[0].to_string(), "ann@example.org");
    }

    #[test]
    fn no_line_of_a_subject_is_a_header() {
        let bytes = formatted(&mail("ann@example.org", "Hi\r\nBcc: eve@example.org")).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
    }
}

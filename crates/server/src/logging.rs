//! The log: one line for each event, on standard error.

use std::any::Any;
use std::fmt;
use std::panic;

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, FormatEvent, FormatFields, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log, and has panics be lines of it. `filter` is in the form of `RUST_LOG`; without one it is `info`.
///
/// # Errors
/// The filter cannot be read, or there is a log already.
pub fn start(filter: Option<&str>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(filter.unwrap_or("info"))?;
    subscriber(filter, std::io::stderr).try_init()?;
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string);
        log_panic(place.as_deref(), panicked.payload());
    }));
    Ok(())
}

/// The standard library writes a panic's message to standard error as it is, with whatever of a request stands in it.
fn log_panic(place: Option<&str>, payload: &dyn Any) {
    let text = payload.downcast_ref::<&str>().copied();
    let reason = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    tracing::error!(place, reason, "a panic");
}

fn subscriber<W>(filter: EnvFilter, writer: W) -> impl SubscriberInitExt
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .event_format(OneLine(Format::default().with_target(false)))
        .finish()
}

/// Escapes control characters and bounds the length, so that nobody can forge lines or command a terminal
/// with what is logged about their request (CVE-2025-48432).
struct OneLine(Format<Full>);

impl<S, N> FormatEvent<S, N> for OneLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        for (count, character) in line.trim_end_matches('\n').chars().enumerate() {
            if count == LONGEST {
                writer.write_char('…')?;
                break;
            }
            if character.is_control()
                || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}')
            {
                write!(writer, "{}", character.escape_default())?;
            } else {
                writer.write_char(character)?;
            }
        }
        writeln!(writer)
    }
}

/// Characters of one line.
const LONGEST: usize = 4000;

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// H4, CVE-2025-48432.
    #[test]
    fn whatever_is_logged_is_one_line_without_control_characters() {
        let lines = Lines::default();
        let writer = lines.clone();
        let guard = subscriber(EnvFilter::new("info"), move || writer.clone()).set_default();
        let hostile = "a\nERROR forged\r\x1b[2J\u{85}\u{2028}\u{202e}b";
        tracing::info!(username = hostile, path = %hostile, "{hostile}");
        tracing::info!("{}", "x".repeat(10_000));
        log_panic(Some("src/a.rs:1:2"), &hostile);
        log_panic(None, &hostile.to_owned());
        drop(guard);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.split('\n').collect();
        assert_eq!(lines.len(), 5, "{text:?}");
        for line in [lines[0], lines[2], lines[3]] {
            assert!(!line.contains(|character: char| character.is_control()));
            assert!(!line.contains(['\u{2028}', '\u{202e}']));
            assert!(line.contains("a\\nERROR forged\\r"), "{line}");
        }
        assert!(lines[1].chars().count() == LONGEST + 1);
    }
}

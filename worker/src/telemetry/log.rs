//! Log lines on standard error, as text or JSON.

use std::io::Write;

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

use super::printable::{Lines, printable};
use crate::config::{Log, LogFormat};

/// Whether an event may be written, whatever the filter says: the client of the broker traces whole frames, its password and
/// request data in them.
fn is_discreet(event: &Metadata<'_>) -> bool {
    let of_frames = ["lapin", "amq_protocol"].iter().any(|library| event.target().starts_with(library));
    !of_frames || *event.level() <= Level::DEBUG
}

/// Starts logging; a filter that does not parse is an error for the operator.
///
/// # Errors
/// When `log.filter` does not parse, or logging was started before.
pub fn start(settings: &Log) -> anyhow::Result<()> {
    use std::io::IsTerminal;
    let filter = EnvFilter::try_new(&settings.filter)
        .map_err(|e| anyhow::anyhow!("log.filter is `{}`: {e}", settings.filter))?;
    let colors = settings.format == LogFormat::Text && std::io::stderr().is_terminal();
    let writer = (move || OneLine { inner: std::io::stderr(), colors }).with_filter(is_discreet);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    let started = match settings.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(colors).try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("logging cannot be started: {e}"))
}

/// Writes each event as one line: a line break in a message's id would otherwise forge another one.
struct OneLine<W> {
    inner: W,
    /// Whether the line has escape sequences of its own; `tracing` escapes those of values.
    colors: bool,
}

impl<W: Write> Write for OneLine<W> {
    /// An event comes in one piece.
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let escape = if self.colors { "\u{1b}" } else { r"\u{1b}" };
        let parts: Vec<_> = line.split('\u{1b}').map(|part| printable(part, Lines::Escaped)).collect();
        self.inner.write_all(format!("{}\n", parts.join(escape)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_its_values_hold() {
        let written = Shared::default();
        let writer = {
            let written = written.clone();
            move || OneLine { inner: written.clone(), colors: false }
        };
        let subscriber = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(detail = "a\n2026-01-01 INFO forged\u{9b}2J", "bad \u{1b}[31m {}", "id\r\nWARN forged");
        });
        let written = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1, "{written}");
        assert!(!written.trim_end().chars().any(char::is_control), "{written:?}");
    }
}

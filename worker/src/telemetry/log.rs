//! Log lines on standard error, as text or JSON.

use std::io::Write;

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

use super::printable::{Lines, printable, printable_json};
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
    let shape = match settings.format {
        LogFormat::Json => Shape::Json,
        LogFormat::Text if std::io::stderr().is_terminal() => Shape::Colored,
        LogFormat::Text => Shape::Plain,
    };
    let writer = (move || OneLine { inner: std::io::stderr(), shape }).with_filter(is_discreet);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    let started = match settings.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(shape == Shape::Colored).try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("logging cannot be started: {e}"))
}

/// What an event is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Json,
    Plain,
    /// With escape sequences of its own; `tracing` escapes those of values.
    Colored,
}

/// Writes each event as one line: a line break in a message's id would otherwise forge another one.
struct OneLine<W> {
    inner: W,
    shape: Shape,
}

impl<W: Write> Write for OneLine<W> {
    /// An event comes in one piece.
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let shown = match self.shape {
            Shape::Json => printable_json(line),
            Shape::Plain => printable(line, Lines::Escaped),
            Shape::Colored => {
                let parts: Vec<_> = line.split('\u{1b}').map(|part| printable(part, Lines::Escaped)).collect();
                parts.join("\u{1b}").into()
            }
        };
        self.inner.write_all(format!("{shown}\n").as_bytes())?;
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

    /// What is written of one event with hostile values.
    fn written(shape: Shape) -> String {
        let written = Shared::default();
        let writer = {
            let written = written.clone();
            move || OneLine { inner: written.clone(), shape }
        };
        let builder = tracing_subscriber::fmt().with_writer(writer).with_ansi(shape == Shape::Colored);
        let event = || {
            tracing::warn!(
                detail = "a\n2026-01-01 INFO forged\u{9b}2J\u{202e}",
                "bad \u{1b}[31m {}",
                "id\r\nWARN forged\u{7f}"
            );
        };
        match shape {
            Shape::Json => tracing::subscriber::with_default(builder.json().finish(), event),
            Shape::Plain | Shape::Colored => tracing::subscriber::with_default(builder.finish(), event),
        }
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_its_values_hold() {
        for shape in [Shape::Json, Shape::Plain, Shape::Colored] {
            let written = written(shape);
            let line = written.strip_suffix('\n').unwrap();
            let own = |c: char| shape == Shape::Colored && c == '\u{1b}';
            let left: Vec<char> = line.chars().filter(|c| (c.is_control() || *c == '\u{202e}') && !own(*c)).collect();
            assert!(left.is_empty(), "{shape:?}: {left:?} in {line:?}");
            assert!(!line.contains("\u{1b}[31m"), "{shape:?}: a color of somebody else's: {line:?}");
        }
    }

    #[test]
    fn a_line_of_json_keeps_its_values() {
        let read: serde_json::Value = serde_json::from_str(&written(Shape::Json)).unwrap();
        assert_eq!(read["fields"]["detail"], "a\n2026-01-01 INFO forged\u{9b}2J\u{202e}");
    }
}

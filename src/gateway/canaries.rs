//! A log layer that panics when a line holds what nobody may read there: a number, a name, an address, a PIN.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer};

/// See the module. Counts the lines that it saw, so that a test knows that there were any.
#[derive(Clone, Default)]
pub(super) struct Canaries {
    secrets: Arc<Vec<String>>,
    lines: Arc<AtomicUsize>,
}

impl Canaries {
    /// Panics at each of these.
    pub(super) fn new(secrets: &[&str]) -> Self {
        Self { secrets: Arc::new(secrets.iter().map(ToString::to_string).collect()), ..Self::default() }
    }

    /// How many lines there were.
    pub(super) fn lines(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    fn look(&self, target: &str, line: &Line) {
        // Others' lines are not written (see `log` in main.rs): they hold whole messages.
        if !target.starts_with("einwahl") {
            return;
        }
        self.lines.fetch_add(1, Ordering::Relaxed);
        for secret in self.secrets.iter() {
            assert!(!line.0.contains(secret.as_str()), "{secret:?} is in a line of {target}: {}", line.0);
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Canaries {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.look(event.metadata().target(), &line);
    }

    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        let mut line = Line::default();
        span.record(&mut line);
        self.look(span.metadata().target(), &line);
    }
}

/// A line as it would be written.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push_str(&format!("{}={value} ", field.name()));
    }
}

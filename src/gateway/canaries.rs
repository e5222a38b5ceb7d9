//! A log layer that panics when a line holds what nobody may read there: a number, a name, an address, a PIN.

use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer};

/// See the module. Keeps the lines that it saw, so that a test knows that there were any.
#[derive(Clone, Default)]
pub(super) struct Canaries {
    secrets: Arc<Vec<String>>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Canaries {
    /// Panics at each of these.
    pub(super) fn new(secrets: &[&str]) -> Self {
        Self { secrets: Arc::new(secrets.iter().map(ToString::to_string).collect()), ..Self::default() }
    }

    /// Whether a line had these words.
    pub(super) fn saw(&self, words: &str) -> bool {
        self.lines.lock().is_ok_and(|lines| lines.iter().any(|line| line.contains(words)))
    }

    fn look(&self, target: &str, line: &Line) {
        // Others' lines are not written (see `log` in main.rs): they hold whole messages.
        if !target.starts_with("einwahl") {
            return;
        }
        for secret in self.secrets.iter() {
            assert!(!line.0.contains(secret.as_str()), "{secret:?} is in a line of {target}: {}", line.0);
        }
        if let Ok(mut lines) = self.lines.lock() {
            lines.push(line.0.clone());
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

//! Scripted replies: their content, their speed and their faults.

use std::time::Duration;

use serde_json::{Value, json};

use super::gate::Gate;

/// A position in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// After this many bytes of the body.
    Bytes(usize),
    /// After this many events of the stream, those without text included.
    Events(usize),
    /// After this many pieces of the reply's text.
    Words(usize),
}

/// The form of an error inside a response with status 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorForm {
    /// An ordinary chunk with `error` and the finish reason `error`, as `OpenRouter` sends it.
    InChunk,
    /// An ordinary chunk with `error` and no choices.
    WithoutChoices,
    /// `{"error": …}` and nothing else.
    Bare,
    /// The event `response.failed`.
    ResponseFailed,
    /// The event `error`, with its fields at the top level.
    ErrorEvent,
}

/// A fault of a response.
#[derive(Debug, Clone, PartialEq)]
pub enum InjectedFault {
    /// Another status than 200.
    Status {
        /// The status.
        code: u16,
        /// The body.
        body: Value,
        /// Further headers, such as `Retry-After`.
        headers: Vec<(String, String)>,
    },
    /// No response, not even its headers.
    HangBeforeHeaders,
    /// Nothing after this position, with the connection open.
    HangAfter(Place),
    /// The connection is cut at this position, so that the body has no end.
    CutAfter(Place),
    /// The body ends normally at this position, without a finish reason and without `[DONE]`.
    EndAfter(Place),
    /// An error at this position, then `[DONE]`.
    ErrorAfter(Place, ErrorForm),
    /// An event that is no JSON at this position; then the response continues.
    MalformedAfter(Place),
    /// A line without an end after this position.
    EndlessLineAfter(Place),
    /// A byte order mark before the first event.
    ByteOrderMark,
    /// Lines end with CR LF.
    CrLf,
    /// Each byte is written by itself.
    SingleBytes,
    /// One JSON object instead of the requested stream.
    JsonInsteadOfStream,
}

impl InjectedFault {
    /// A status with the usual error body.
    #[must_use]
    pub fn status(code: u16) -> Self {
        let body =
            json!({"error": {"message": "scripted", "type": "server_error", "param": null, "code": null}});
        Self::Status { code, body, headers: Vec::new() }
    }

    /// 429 with `Retry-After`.
    #[must_use]
    pub fn rate_limited(retry_after_seconds: u32) -> Self {
        let body = json!({"error": {
            "message": "slow down", "type": "requests", "param": null, "code": "rate_limit_exceeded",
        }});
        let headers = vec![("Retry-After".to_owned(), retry_after_seconds.to_string())];
        Self::Status { code: 429, body, headers }
    }
}

/// The figures of a reply's usage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Input tokens, cached ones included.
    pub input: u64,
    /// Cached input tokens.
    pub cached: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Reasoning tokens.
    pub reasoning: u64,
    /// The cost in dollars, which only `OpenRouter` reports.
    pub cost: Option<f64>,
}

/// A tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The id of the call.
    pub call: String,
    /// The name of the tool.
    pub name: String,
    /// Its arguments, in pieces.
    pub arguments: Vec<String>,
}

/// A body that a script gives byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawBody {
    pub(super) content_type: Option<String>,
    pub(super) text: String,
}

/// A reply. The default repeats the question, `You said: …`, in a piece for each word.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) raw: Option<RawBody>,
    pub(super) words: Option<Vec<String>>,
    pub(super) reasoning: Vec<String>,
    pub(super) refusal: bool,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) finish_reason: String,
    pub(super) model: Option<String>,
    pub(super) figures: Option<Figures>,
    pub(super) names_usage: bool,
    pub(super) slow_start: Duration,
    pub(super) slow_words: Duration,
    pub(super) gates: Vec<(usize, Gate)>,
    pub(super) faults: Vec<InjectedFault>,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            raw: None,
            words: None,
            reasoning: Vec::new(),
            refusal: false,
            tool_calls: Vec::new(),
            finish_reason: "stop".to_owned(),
            model: None,
            figures: None,
            names_usage: true,
            slow_start: Duration::ZERO,
            slow_words: Duration::ZERO,
            gates: Vec::new(),
            faults: Vec::new(),
        }
    }
}

impl Reply {
    /// Repeats the question.
    #[must_use]
    pub fn echo() -> Self {
        Self::default()
    }

    /// This text, in a piece for each word.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::pieces(text.split_inclusive(' '))
    }

    /// These pieces of text, each in its own event.
    #[must_use]
    pub fn pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        Self { words: Some(pieces.into_iter().map(str::to_owned).collect()), ..Self::default() }
    }

    /// An event stream of exactly this text, for what no well-behaved server sends. Its blank lines separate the
    /// events that [`Place::Events`] counts; it has no words and no figures of its own.
    #[must_use]
    pub fn raw(text: &str) -> Self {
        Self::raw_as(Some("text/event-stream"), text)
    }

    /// Like [`Reply::raw`], under this content type, or without one.
    #[must_use]
    pub fn raw_as(content_type: Option<&str>, text: &str) -> Self {
        let raw = RawBody { content_type: content_type.map(str::to_owned), text: text.to_owned() };
        Self { raw: Some(raw), ..Self::empty() }
    }

    /// Finishes normally without any text.
    #[must_use]
    pub fn empty() -> Self {
        Self { words: Some(Vec::new()), ..Self::default() }
    }

    /// A refusal with this text.
    #[must_use]
    pub fn refusal(text: &str) -> Self {
        Self { refusal: true, ..Self::text(text) }
    }

    /// A tool call, with its arguments in these pieces.
    #[must_use]
    pub fn tool_call<'a>(name: &str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        let call = ToolCall { call: "call_1".to_owned(), name: name.to_owned(), arguments };
        Self { tool_calls: vec![call], finish_reason: "tool_calls".to_owned(), ..Self::empty() }
    }

    /// Repeats the question with this fault.
    #[must_use]
    pub fn fault(fault: InjectedFault) -> Self {
        Self::default().with(fault)
    }

    /// Adds a fault.
    #[must_use]
    pub fn with(mut self, fault: InjectedFault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Adds reasoning before the text.
    #[must_use]
    pub fn thinking(mut self, thoughts: &str) -> Self {
        self.reasoning = thoughts.split_inclusive(' ').map(str::to_owned).collect();
        self
    }

    /// Sets the finish reason, in the words of Chat Completions: `length`, `content_filter`, …
    #[must_use]
    pub fn finishing(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.finish_reason);
        self
    }

    /// Names another model than the requested one, like a dated snapshot does.
    #[must_use]
    pub fn by_model(mut self, name: &str) -> Self {
        self.model = Some(name.to_owned());
        self
    }

    /// Sets the usage; without it, words are counted.
    #[must_use]
    pub fn figures(mut self, figures: Figures) -> Self {
        self.figures = Some(figures);
        self
    }

    /// Leaves out the usage, even if it is requested.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.names_usage = false;
        self
    }

    /// Sends the headers at once and the first event only after a pause.
    #[must_use]
    pub fn starting_after(mut self, pause: Duration) -> Self {
        self.slow_start = pause;
        self
    }

    /// Pauses before each word.
    #[must_use]
    pub fn slowly(mut self, pause: Duration) -> Self {
        self.slow_words = pause;
        self
    }

    /// Waits at the gate after this many words.
    #[must_use]
    pub fn waiting_after_words(mut self, words: usize, gate: &Gate) -> Self {
        self.gates.push((words, gate.clone()));
        self
    }

    pub(super) fn has(&self, fault: &InjectedFault) -> bool {
        self.faults.contains(fault)
    }

    pub(super) fn words_for(&self, question: &str) -> Vec<String> {
        match &self.words {
            Some(words) => words.clone(),
            None => format!("You said: {question}").split_inclusive(' ').map(str::to_owned).collect(),
        }
    }
}

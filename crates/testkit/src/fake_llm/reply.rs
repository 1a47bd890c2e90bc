//! How the server answers a call: what it says, how fast, and what goes wrong.

use std::time::Duration;

use serde_json::{Value, json};

use super::gate::Gate;

/// A place in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// After so many bytes of the body.
    Bytes(usize),
    /// After so many events of the wire; the role chunk, `response.created` and their like count.
    Events(usize),
    /// After so many pieces of the answer's text, whatever the wire puts before them.
    Words(usize),
}

/// How an error looks inside an answer with status 200.
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
    /// The event `error`, with its fields flat.
    ErrorEvent,
}

/// What goes wrong with an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Another status than 200.
    Status {
        /// The status.
        code: u16,
        /// The body.
        body: Value,
        /// Further headers, such as `Retry-After`.
        headers: Vec<(String, String)>,
    },
    /// No answer, not even its headers.
    HangBeforeHeaders,
    /// Silence from a place on, with the connection open.
    HangAfter(Place),
    /// The connection is cut at a place: the body has no end.
    CutAfter(Place),
    /// The body ends in order at a place, without a finish reason and without `[DONE]`.
    EndAfter(Place),
    /// An error at a place, then `[DONE]`.
    ErrorAfter(Place, ErrorForm),
    /// An event that is no JSON at a place; then the answer goes on.
    MalformedAfter(Place),
    /// A line without an end from a place on.
    EndlessLineAfter(Place),
    /// A byte order mark before the first event.
    ByteOrderMark,
    /// Lines end with CR LF.
    CrLf,
    /// A write for each single byte.
    SingleBytes,
    /// One JSON object where a stream was asked for.
    JsonInsteadOfStream,
}

impl Fault {
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

/// The figures of an answer's usage.
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
    /// The cost in dollars, which only `OpenRouter` names.
    pub cost: Option<f64>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The key of the call.
    pub call: String,
    /// The tool.
    pub name: String,
    /// Its arguments, in pieces.
    pub arguments: Vec<String>,
}

/// One answer. The default repeats the question: `You said: …`, a piece for each word.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) words: Option<Vec<String>>,
    pub(super) reasoning: Vec<String>,
    pub(super) refusal: bool,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) finish_reason: String,
    pub(super) model: Option<String>,
    pub(super) figures: Option<Figures>,
    pub(super) names_usage: bool,
    pub(super) answers_after: Duration,
    pub(super) slow_start: Duration,
    pub(super) slow_words: Duration,
    pub(super) gates: Vec<(usize, Gate)>,
    pub(super) faults: Vec<Fault>,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            words: None,
            reasoning: Vec::new(),
            refusal: false,
            tool_calls: Vec::new(),
            finish_reason: "stop".to_owned(),
            model: None,
            figures: None,
            names_usage: true,
            answers_after: Duration::ZERO,
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

    /// Says this text, a piece for each word.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::pieces(text.split_inclusive(' '))
    }

    /// Says these pieces, an event for each.
    #[must_use]
    pub fn pieces<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Self {
        Self { words: Some(pieces.into_iter().map(str::to_owned).collect()), ..Self::default() }
    }

    /// Finishes in order without a word.
    #[must_use]
    pub fn empty() -> Self {
        Self { words: Some(Vec::new()), ..Self::default() }
    }

    /// Declines with this text.
    #[must_use]
    pub fn refusal(text: &str) -> Self {
        Self { refusal: true, ..Self::text(text) }
    }

    /// Calls a tool; the arguments arrive in these pieces.
    #[must_use]
    pub fn tool_call<'a>(name: &str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        let call = ToolCall { call: "call_1".to_owned(), name: name.to_owned(), arguments };
        Self { tool_calls: vec![call], finish_reason: "tool_calls".to_owned(), ..Self::empty() }
    }

    /// Fails so; the text repeats the question as far as it comes.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self::default().with(fault)
    }

    /// The same, with one more fault.
    #[must_use]
    pub fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The same, with thoughts before the answer.
    #[must_use]
    pub fn thinking(mut self, thoughts: &str) -> Self {
        self.reasoning = thoughts.split_inclusive(' ').map(str::to_owned).collect();
        self
    }

    /// The same, finished for this reason, as Chat Completions names it: `length`, `content_filter`, …
    #[must_use]
    pub fn finishing(mut self, reason: &str) -> Self {
        reason.clone_into(&mut self.finish_reason);
        self
    }

    /// The same, naming another model than the one that was asked for, as a dated snapshot does.
    #[must_use]
    pub fn by_model(mut self, name: &str) -> Self {
        self.model = Some(name.to_owned());
        self
    }

    /// The same, with these figures; without them the words are counted.
    #[must_use]
    pub fn figures(mut self, figures: Figures) -> Self {
        self.figures = Some(figures);
        self
    }

    /// The same, without a word about usage, whatever the request asks for.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.names_usage = false;
        self
    }

    /// The same, with the headers only after a while.
    #[must_use]
    pub fn answering_after(mut self, pause: Duration) -> Self {
        self.answers_after = pause;
        self
    }

    /// The same, with the headers at once and the first event only after a while.
    #[must_use]
    pub fn starting_after(mut self, pause: Duration) -> Self {
        self.slow_start = pause;
        self
    }

    /// The same, with a pause before each word.
    #[must_use]
    pub fn slowly(mut self, pause: Duration) -> Self {
        self.slow_words = pause;
        self
    }

    /// The same, waiting at the gate once so many words are sent.
    #[must_use]
    pub fn waiting_after_words(mut self, words: usize, gate: &Gate) -> Self {
        self.gates.push((words, gate.clone()));
        self
    }

    pub(super) fn has(&self, fault: &Fault) -> bool {
        self.faults.contains(fault)
    }

    pub(super) fn words_for(&self, question: &str) -> Vec<String> {
        match &self.words {
            Some(words) => words.clone(),
            None => format!("You said: {question}").split_inclusive(' ').map(str::to_owned).collect(),
        }
    }
}

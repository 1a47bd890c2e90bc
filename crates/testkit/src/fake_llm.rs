//! A model provider for tests: a real HTTP server that speaks the real protocols and fails on request.
//!
//! It serves Chat Completions, the Responses API and the list of models. Without a script, it repeats the question, so
//! that each reply follows from its request.

mod call;
mod chat;
mod delivery;
mod frame;
mod gate;
mod log;
mod reply;
mod responses;
mod watch;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ContentType, HeaderMap, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::{Value, json};

pub use call::{Call, CallEnd};
pub use gate::Gate;
pub use reply::{ErrorForm, Figures, InjectedFault, Place, Reply, ToolCall};

use delivery::Delivery;
use frame::Frame;
use log::CallLog;
use reply::RawBody;
use watch::CallWatch;

/// The creation time in every response.
const CREATED: u64 = 1_767_225_600;

/// The models that the server lists.
const MODELS: [&str; 3] = ["fake-large", "fake-small", "vendor/fake-routed"];

/// The provider that the server imitates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// `OpenAI`.
    #[default]
    OpenAi,
    /// `OpenRouter`: comments between events, usage with its cost, numbers as error codes.
    OpenRouter,
}

type Rule = Box<dyn Fn(&Call) -> Option<Reply> + Send>;

/// The replies of the server.
#[derive(Default)]
struct Script {
    rules: Vec<Rule>,
    queue: VecDeque<Reply>,
    otherwise: Reply,
    key: Option<String>,
}

struct Shared {
    flavour: Flavour,
    log: Arc<CallLog>,
    script: Mutex<Script>,
}

/// The server. It stops when it is dropped.
pub struct FakeLlm {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: ServerHandle,
}

impl FakeLlm {
    /// Starts a server that imitates `OpenAI`.
    pub async fn start() -> Self {
        Self::start_as(Flavour::OpenAi).await
    }

    /// Starts a server that imitates this provider, on a free port of 127.0.0.1.
    pub async fn start_as(flavour: Flavour) -> Self {
        let shared = Arc::new(Shared { flavour, log: Arc::default(), script: Mutex::default() });
        let (started, has_started) = tokio::sync::oneshot::channel();
        let for_thread = Arc::clone(&shared);
        // It has its own thread and runtime, so that it works while the test's runtime is busy or paused.
        std::thread::Builder::new()
            .name("fake-llm".to_owned())
            .spawn(move || actix_web::rt::System::new().block_on(run(for_thread, started)))
            .expect("the thread of the fake provider starts");
        let (address, server) = has_started.await.expect("the fake provider starts");
        Self { shared, address, server }
    }

    /// The base URL of the API, which ends with `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Adds a reply to the queue. Calls for which there is no rule take replies from it.
    pub fn script(&self, reply: Reply) {
        self.shared.script().queue.push_back(reply);
    }

    /// Gives this reply to every call whose question contains this text.
    pub fn when(&self, text: &str, reply: Reply) {
        let text = text.to_owned();
        self.on(move |call| call.question().contains(&text), reply);
    }

    /// Gives this reply to every call for which `fits` is true. Later rules precede earlier ones, and all precede the queue.
    pub fn on(&self, fits: impl Fn(&Call) -> bool + Send + 'static, reply: Reply) {
        self.answer(move |call| fits(call).then(|| reply.clone()));
    }

    /// Adds a rule: gives the reply that it returns, if any.
    pub fn answer(&self, rule: impl Fn(&Call) -> Option<Reply> + Send + 'static) {
        self.shared.script().rules.push(Box::new(rule));
    }

    /// Gives this reply to calls for which there is neither a rule nor a queued reply.
    pub fn otherwise(&self, reply: Reply) {
        self.shared.script().otherwise = reply;
    }

    /// From now on answers 401 to calls without this key.
    pub fn require_key(&self, key: &str) {
        self.shared.script().key = Some(key.to_owned());
    }

    /// All calls so far, in order; the list of models and unknown paths included.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.log.all()
    }

    /// The number of calls so far.
    #[must_use]
    pub fn call_count(&self) -> usize {
        self.shared.log.count()
    }

    /// The number of calls that have not ended.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.shared.log.open()
    }

    /// The highest number of calls that were open at the same time.
    #[must_use]
    pub fn most_open_streams(&self) -> usize {
        self.shared.log.most_open()
    }

    /// Waits until there were this many calls.
    pub async fn wait_for_calls(&self, count: usize) {
        self.wait_until("calls", || self.call_count() >= count).await;
    }

    /// Waits until every call has ended.
    pub async fn wait_until_idle(&self) {
        self.wait_until("idleness", || self.open_streams() == 0).await;
    }

    async fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "waited for {what} in vain: {:?}",
                self.calls()
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for FakeLlm {
    fn drop(&mut self) {
        // The command is sent at once; its end is not waited for.
        drop(self.server.stop(false));
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choose(&self, call: &Call) -> Reply {
        let mut script = self.script();
        if let Some(key) = &script.key
            && call.header("authorization") != Some(format!("Bearer {key}").as_str())
        {
            let body = json!({"error": {
                "message": "Incorrect API key provided", "type": "invalid_request_error",
                "param": null, "code": "invalid_api_key",
            }});
            return Reply::fault(InjectedFault::Status { code: 401, body, headers: Vec::new() });
        }
        let ruled = script.rules.iter().rev().find_map(|rule| rule(call));
        ruled
            .or_else(|| if call.method == "POST" { script.queue.pop_front() } else { None })
            .unwrap_or_else(|| script.otherwise.clone())
    }
}

async fn run(shared: Arc<Shared>, started: tokio::sync::oneshot::Sender<(SocketAddr, ServerHandle)>) {
    let shared = web::Data::from(shared);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::PayloadConfig::new(256 * 1024 * 1024))
            .app_data(shared.clone())
            .default_service(web::to(serve))
    })
    .workers(1)
    .disable_signals()
    .backlog(4_096)
    .h1_allow_half_closed(false)
    .tcp_nodelay(true)
    .shutdown_timeout(0)
    .bind(("127.0.0.1", 0))
    .expect("a free port of 127.0.0.1");
    let address = *server.addrs().first().expect("a bound server has an address");
    let server = server.run();
    // A test that has failed in the meantime needs no server.
    if started.send((address, server.handle())).is_ok() {
        server.await.expect("the fake provider serves");
    }
}

async fn serve(shared: web::Data<Shared>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let call = shared.log.add(Call {
        number: 0,
        method: request.method().to_string(),
        path: request.uri().to_string(),
        headers: headers(request.headers()),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        received: Instant::now(),
        figures: None,
        events_sent: 0,
        end: None,
    });
    let mut watch = CallWatch::new(Arc::clone(&shared.log), call.number);
    let reply = shared.choose(&call);
    if reply.has(&InjectedFault::HangBeforeHeaders) {
        std::future::pending::<()>().await;
    }
    if let Some(response) = error_response(&reply) {
        watch.end(CallEnd::Served);
        return response;
    }
    if let Some(raw) = reply.raw.as_ref().filter(|_| asks_for_reply(&call)) {
        return raw_response(raw, &call, &reply, watch);
    }
    if asks_for_reply(&call) {
        let words = reply.words_for(&call.question());
        watch.counted(figures(&call, &reply, &words));
    }
    let (status, is_stream, frames) = answer(&call, &reply, shared.flavour);
    let content_type = if is_stream {
        "text/event-stream; charset=utf-8".to_owned()
    } else {
        ContentType::json().to_string()
    };
    HttpResponse::build(status)
        .content_type(content_type)
        .insert_header(("x-request-id", format!("req_{}", call.number)))
        .streaming(Delivery::plan(&call, &reply, frames).body(watch))
}

/// The response with a body that the script gives byte for byte.
fn raw_response(raw: &RawBody, call: &Call, reply: &Reply, watch: CallWatch) -> HttpResponse {
    let events = raw.text.split_inclusive("\n\n").map(|event| Frame::raw(event.to_owned())).collect();
    let mut response = HttpResponse::Ok().streaming(Delivery::plan(call, reply, events).body(watch));
    // The framework has named a type of its own.
    response.headers_mut().remove(CONTENT_TYPE);
    if let Some(content_type) = &raw.content_type {
        let value = HeaderValue::from_str(content_type).expect("a scripted content type is valid");
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// Whether the call asks for a reply, and so costs something.
fn asks_for_reply(call: &Call) -> bool {
    let path = call.path.split('?').next().unwrap_or_default();
    call.method == "POST" && ["/v1/chat/completions", "/v1/responses"].contains(&path)
}

/// The response to the call: its status, whether it is a stream, and its events or its one object.
fn answer(call: &Call, reply: &Reply, flavour: Flavour) -> (StatusCode, bool, Vec<Frame>) {
    let is_stream = call.wants_stream() && !reply.has(&InjectedFault::JsonInsteadOfStream);
    let path = call.path.split('?').next().unwrap_or_default();
    let frames = match (call.method.as_str(), path, is_stream) {
        ("POST", "/v1/chat/completions", true) => chat::frames(call, reply, flavour),
        ("POST", "/v1/responses", true) => responses::frames(call, reply),
        ("POST", "/v1/chat/completions", false) => object(chat::whole(call, reply, flavour), reply),
        ("POST", "/v1/responses", false) => object(responses::whole(call, reply), reply),
        ("GET", "/v1/models", _) => object(models(), reply),
        ("GET", "/v1/key", _) => object(json!({"data": {"label": "fake", "usage": 0, "limit": null}}), reply),
        _ => {
            let error = json!({"error": {
                "message": format!("Invalid URL ({} {path})", call.method), "type": "invalid_request_error",
                "param": null, "code": null,
            }});
            return (StatusCode::NOT_FOUND, false, object(error, reply));
        }
    };
    let is_stream = is_stream && call.method == "POST";
    (StatusCode::OK, is_stream, frames)
}

/// A body of one object, which is an error if the script has one in the stream.
fn object(body: Value, reply: &Reply) -> Vec<Frame> {
    let fails = reply.faults.iter().any(|fault| matches!(fault, InjectedFault::ErrorAfter(..)));
    let body = if fails { frame::bare_error() } else { body };
    vec![Frame::raw(body.to_string())]
}

fn models() -> Value {
    let model = |id: &&str| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "fake"});
    json!({"object": "list", "data": MODELS.iter().map(model).collect::<Vec<Value>>()})
}

/// The usage of a reply: the script's figures, or else a token for each word.
fn figures(call: &Call, reply: &Reply, words: &[String]) -> Figures {
    reply.figures.unwrap_or_else(|| {
        let input: usize = call.messages().iter().map(|(_, text)| text.split_whitespace().count()).sum();
        let reasoning = reply.reasoning.len() as u64;
        Figures {
            input: input as u64,
            cached: 0,
            output: words.len() as u64 + reasoning,
            reasoning,
            cost: Some(0.000_25),
        }
    })
}

/// The response with another status than 200, if the script has one.
fn error_response(reply: &Reply) -> Option<HttpResponse> {
    reply.faults.iter().find_map(|fault| {
        let InjectedFault::Status { code, body, headers } = fault else { return None };
        let status = StatusCode::from_u16(*code).expect("a scripted status is valid");
        let mut response = HttpResponse::build(status);
        for (name, value) in headers {
            response.insert_header((name.as_str(), value.as_str()));
        }
        Some(response.json(body))
    })
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_lowercase(), text(value))).collect()
}

//! Real servers as providers: their processes, and what they are told to say.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use testkit::free_port;

use super::{PROVIDER_KEY, wait_until};

/// The keys of the replies that servers are told, and their texts. A server says the text whose key is in the question,
/// or in the name of the model.
pub(crate) fn texts() -> Vec<(&'static str, String)> {
    let words: Vec<String> = (0..250).map(|number| format!("word-{number}")).collect();
    vec![
        ("tell-short", "Hello world.".to_owned()),
        ("tell-lines", "First line.\n\n- one\n- two\r\n\tand an indented end".to_owned()),
        ("tell-emoji", "Grüße 😀 von 👩‍👩‍👧‍👦, 你好, مرحبا!".to_owned()),
        (
            "tell-stream",
            "It sends:\n\nevent: error\ndata: {\"error\":{\"message\":\"none\"}}\n\ndata: [DONE]\n\nand goes on."
                .to_owned(),
        ),
        ("tell-long", words.join(" ")),
    ]
}

/// The text of a key.
pub(crate) fn text_of(key: &str) -> String {
    let text = texts().into_iter().find(|(known, _)| *known == key).map(|(_, text)| text);
    text.unwrap_or_else(|| panic!("no text is told as {key}"))
}

/// How a server knows what to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// By the key in the question.
    ByQuestion,
    /// By the name of the model.
    ByModel,
}

/// A server, and how the application calls it.
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    /// The API, as the table shows it.
    pub(crate) wire: &'static str,
    /// The variables of the application.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) told: Told,
    /// The keys of replies that fail.
    pub(crate) failures: &'static [&'static str],
    /// Whether any call may fail: with chaos, and where a server loses its connection to the one behind it.
    pub(crate) may_fail: bool,
    /// The server, and those behind it.
    pub(crate) servers: Vec<Arc<RealServer>>,
}

/// The process of a server. It is killed when it is dropped.
pub(crate) struct RealServer {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl RealServer {
    /// Starts a server, and waits until it answers at this path. `prepare` makes the command for a port, and may write
    /// files into the folder that it is given.
    async fn start(health: &str, prepare: impl FnOnce(&Path, u16) -> Command) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = prepare(folder.path(), port);
        let log = File::create(folder.path().join("server.log")).unwrap();
        // Nothing is fetched from anywhere, whatever the machine's settings for proxies are.
        let command = command.current_dir(folder.path()).env("NO_PROXY", "*");
        // Some servers end at the end of their input, which this process holds open.
        let command = command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut server = Self { process, port, folder };
        let client = super::http_client();
        let url = format!("http://127.0.0.1:{port}{health}");
        wait_until(&format!("{url} answers"), async || {
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none(), "a server ended with {ended:?}:\n{}", server.log());
            client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        Arc::new(server)
    }

    /// The address of its API.
    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// All that it has printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// aimock, a server that imitates providers (the npm package `@copilotkit/aimock`): OpenAI by both APIs and OpenRouter,
/// first with some replies that fail, then with chaos.
pub(crate) async fn aimock() -> Vec<Upstream> {
    const FAILURES: &[&str] = &[
        "fail-rejected",
        "fail-status",
        "fail-limit",
        "fail-cut",
        "fail-leave",
        "fail-malformed",
        "fail-drop",
        "fail-thoughts",
    ];
    const CHAOS: [&str; 10] = [
        "--chaos-drop",
        "0.1",
        "--chaos-malformed",
        "0.1",
        "--chaos-disconnect",
        "0.1",
        "--chaos-ratelimit",
        "0.1",
        "--chaos-latency",
        "5",
    ];
    let mut upstreams = Vec::new();
    for has_chaos in [false, true] {
        let server = RealServer::start("/health", |folder, port| {
            let fixtures = folder.join("fixtures.json");
            fs::write(&fixtures, aimock_fixtures().to_string()).unwrap();
            let mut command = Command::new("node");
            command.arg(installed("aimock/node_modules/@copilotkit/aimock/dist/cli.js", "setup.sh"));
            command.args(["--port", &port.to_string(), "--fixtures"]).arg(fixtures);
            command.args(if has_chaos { &CHAOS[..] } else { &[] });
            command
        })
        .await;
        for wire in ["chat", "responses", "openrouter"] {
            let settings = if wire == "openrouter" {
                vec![
                    ("LLM_PROVIDER", "openrouter".to_owned()),
                    ("OPENROUTER_API_KEY", PROVIDER_KEY.to_owned()),
                    ("OPENROUTER_BASE_URL", server.url("/api/v1")),
                ]
            } else {
                vec![("OPENAI_API", wire.to_owned()), ("OPENAI_BASE_URL", server.url("/v1"))]
            };
            upstreams.push(Upstream {
                name: if has_chaos { "aimock, chaos" } else { "aimock" },
                version: npm_version("aimock/node_modules/@copilotkit/aimock/package.json"),
                wire,
                settings: called_once(settings),
                told: Told::ByQuestion,
                failures: if has_chaos { &[] } else { FAILURES },
                may_fail: has_chaos,
                servers: vec![Arc::clone(&server)],
            });
        }
    }
    upstreams
}

/// What aimock says to which question.
fn aimock_fixtures() -> Value {
    let fixture = |key: &str, response: Value, more: Value| {
        let mut fixture = json!({
            "match": {"userMessage": key}, "response": response, "chunkSize": 7, "openRouterProcessing": true,
        });
        fixture.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fixture
    };
    let error = |status: u16| json!({"error": {"message": "no", "type": "server_error"}, "status": status});
    let long = || json!({"content": text_of("tell-long")});
    let mut fixtures: Vec<Value> = texts()
        .iter()
        .map(|(key, text)| fixture(key, json!({"content": text, "reasoning": "hm, well"}), json!({})))
        .collect();
    fixtures.extend([
        fixture("fail-rejected", error(400), json!({})),
        fixture("fail-status", error(500), json!({})),
        fixture("fail-limit", error(429), json!({})),
        fixture("fail-cut", long(), json!({"latency": 1, "truncateAfterChunks": 5})),
        fixture("fail-leave", long(), json!({"latency": 5, "disconnectAfterMs": 20})),
        fixture("fail-malformed", long(), json!({"chaos": {"malformedRate": 1}})),
        fixture("fail-drop", long(), json!({"chaos": {"disconnectRate": 1}})),
        fixture("fail-thoughts", json!({"content": "", "reasoning": "hm, well"}), json!({})),
    ]);
    json!({"fixtures": fixtures})
}

/// llama.cpp's server (the Python package `xllamacpp`) with a model that says what it is told, by both APIs.
pub(crate) async fn llama_cpp() -> Vec<Upstream> {
    let server = start_llama_cpp().await;
    let upstream = |wire: &'static str| Upstream {
        name: "llama.cpp",
        version: pip_version("llama_cpp", "xllamacpp"),
        wire,
        // It closes a connection after a hundred calls, at times under the next one, so calls are retried as usual.
        settings: owned(vec![("OPENAI_API", wire.to_owned()), ("OPENAI_BASE_URL", server.url("/v1"))]),
        told: Told::ByQuestion,
        failures: &["fail-window"],
        may_fail: false,
        servers: vec![Arc::clone(&server)],
    };
    ["chat", "responses"].map(upstream).into()
}

async fn start_llama_cpp() -> Arc<RealServer> {
    RealServer::start("/health", |folder, port| {
        let file = folder.join("texts.json");
        let told: serde_json::Map<String, Value> =
            texts().into_iter().map(|(key, text)| (key.to_owned(), json!(text))).collect();
        fs::write(&file, Value::Object(told).to_string()).unwrap();
        let mut command = Command::new(venv("llama-cpp").join("bin/python"));
        command.arg(installed("llama_cpp/serve.py", "real-servers.sh")).arg(file).arg(port.to_string());
        command
    })
    .await
}

/// `LiteLLM`'s proxy (the Python package `litellm`): first with mock responses, then before llama.cpp. By the Responses
/// API it cannot stream its mock responses, so these are only tried by Chat Completions.
pub(crate) async fn litellm() -> Vec<Upstream> {
    let behind = start_llama_cpp().await;
    let behind_url = behind.url("/v1");
    let server = RealServer::start("/health/readiness", |folder, port| {
        let config = folder.join("config.yaml");
        // JSON is YAML.
        fs::write(&config, litellm_config(&behind_url).to_string()).unwrap();
        let mut command = Command::new(venv("litellm").join("bin/litellm"));
        command.arg("--config").arg(config).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        // Else it fetches a list of prices.
        command.args(["--telemetry", "False"]).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        command
    })
    .await;
    let upstream = |name, wire: &'static str, models: [&str; 3], told, failures| {
        let [default, of_services, of_personas] = models;
        let settings = vec![
            ("OPENAI_API", wire.to_owned()),
            ("OPENAI_BASE_URL", server.url("/v1")),
            ("OMNICHAT_MODELS__DEFAULT", default.to_owned()),
            ("OMNICHAT_MODELS__TITLE", default.to_owned()),
            ("LLM_MODEL", of_services.to_owned()),
            ("OPENAI_MODEL", of_personas.to_owned()),
        ];
        Upstream {
            name,
            version: pip_version("litellm", "litellm"),
            wire,
            settings: called_once(settings),
            told,
            failures,
            may_fail: told == Told::ByQuestion,
            servers: vec![Arc::clone(&server), Arc::clone(&behind)],
        }
    };
    let mocks = ["tell-short", MODEL_OF_SERVICES, MODEL_OF_PERSONAS];
    let failures: &[&str] = &["fail-limit", "fail-internal", "fail-window", "fail-stream"];
    let mut upstreams = vec![upstream("LiteLLM, mock", "chat", mocks, Told::ByModel, failures)];
    for wire in ["chat", "responses"] {
        let before = upstream("LiteLLM, llama.cpp", wire, ["told"; 3], Told::ByQuestion, &["fail-window"]);
        upstreams.push(before);
    }
    upstreams
}

/// The model of contracts S2 and S3 where the model's name tells what is said, and that of contract S4.
pub(crate) const MODEL_OF_SERVICES: &str = "tell-long";
pub(crate) const MODEL_OF_PERSONAS: &str = "tell-lines";

/// `LiteLLM`'s models: a mock for each text and for some failures, and the model of the server behind.
fn litellm_config(behind: &str) -> Value {
    let model = |name: &str, mut params: Value| {
        params["model"] = json!("openai/told");
        params["api_key"] = json!("sk-none");
        json!({"model_name": name, "litellm_params": params})
    };
    let mut models: Vec<Value> =
        texts().iter().map(|(key, text)| model(key, json!({"mock_response": text}))).collect();
    models.extend([
        model("fail-limit", json!({"mock_response": "litellm.RateLimitError"})),
        model("fail-internal", json!({"mock_response": "litellm.InternalServerError"})),
        model("fail-window", json!({"mock_response": "litellm.ContextWindowExceededError"})),
        model("fail-stream", json!({"mock_response": "Exception: mock_streaming_error"})),
        model("told", json!({"api_base": behind})),
    ]);
    json!({
        "model_list": models,
        "router_settings": {"num_retries": 0},
        "litellm_settings": {"telemetry": false, "num_retries": 0},
    })
}

/// A file of the servers' folder, which the script installs.
fn installed(path: &str, script: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_servers").join(path);
    assert!(path.exists(), "{} is missing: run scripts/{script}", path.display());
    path
}

/// The folder of a server's Python packages.
fn venv(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/{name}-venv"));
    assert!(path.exists(), "{} is missing: run scripts/real-servers.sh", path.display());
    path.canonicalize().unwrap()
}

fn npm_version(package: &str) -> String {
    let text = fs::read_to_string(installed(package, "setup.sh")).unwrap();
    let package: Value = serde_json::from_str(&text).unwrap();
    package["version"].as_str().unwrap().to_owned()
}

fn pip_version(folder: &str, package: &str) -> String {
    let text =
        fs::read_to_string(installed(&format!("{folder}/requirements.txt"), "real-servers.sh")).unwrap();
    let version = text.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
    version.unwrap().to_owned()
}

/// The variables of an application that makes each call once, so that all failures are seen.
fn called_once(mut settings: Vec<(&str, String)>) -> Vec<(String, String)> {
    settings.push(("OMNICHAT_PROVIDER__ATTEMPTS", "1".to_owned()));
    owned(settings)
}

fn owned(settings: Vec<(&str, String)>) -> Vec<(String, String)> {
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

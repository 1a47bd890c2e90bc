//! The examples of the contracts' documents in curl, Python and JavaScript, literally: only the host, the token and the
//! ids are replaced. Those of contract S1 are in `chat_api_examples.rs`, the command lines of contract S3 in `chat_ai.rs`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::fake_llm::Reply;

use crate::support::{App, Store, User, on_sqlite_alone};

on_sqlite_alone!(
    the_command_lines_of_llm_chat_work,
    the_command_lines_of_persona_chat_work,
    the_python_example_of_persona_chat_works,
    the_javascript_example_of_persona_chat_works,
);

const LLM_CHAT: &str = include_str!("../../examples/llm_chat.sh");
const PERSONA_CHAT: &str = include_str!("../../examples/persona_chat.sh");
const PERSONA_CHAT_PYTHON: &str = include_str!("../../examples/persona_chat.py");
const PERSONA_CHAT_JAVASCRIPT: &str = include_str!("../../examples/persona_chat.js");

/// S0-75
async fn the_command_lines_of_llm_chat_work(store: Store) {
    let app = App::start(store).await;
    app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::text("Friendly Greeting"));
    let user = app.user("ann").await;
    let run = |name: &str, id: &str| {
        let line = example(LLM_CHAT, name).replace("conv_xxx", id);
        curl(&app, &line.replacen("curl ", &format!("curl -H 'Authorization: Bearer {}' ", user.token), 1))
    };
    let run_json = |name: &str, id: &str| -> Value { serde_json::from_str(&run(name, id)).unwrap() };

    let first = run_json("Basic Chat", "");
    assert_eq!(first["output_text"], "You said: What is Python?");
    assert_eq!((&first["title"], &first["message_count"]), (&json!("Friendly Greeting"), &json!(1)));
    let id = first["conversation_id"].as_str().unwrap();

    let second = run_json("Continue Conversation", id);
    assert_eq!(second["output_text"], "You said: Tell me more about lists");
    assert_eq!((&second["conversation_id"], &second["message_count"]), (&json!(id), &json!(2)));
    let messages = app.llm.calls().pop().unwrap().messages();
    let told: Vec<&str> = messages.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(told, ["What is Python?", "You said: What is Python?", "Tell me more about lists"]);

    let described = run_json("Chat with Image", "");
    assert_eq!(described["output_text"], "You said: Describe this image");
    assert!(asked(&app).contains("https://example.com/image.jpg"));

    let explained = run_json("Chat with Custom Instructions", "");
    assert_eq!(explained["output_text"], "You said: Explain quantum computing");
    assert!(asked(&app).contains("Explain like I am 5 years old"));

    for (name, word) in [("Streaming Response", "story"), ("Streaming Chat", "poem")] {
        let events = run(name, "");
        let deltas: Vec<&str> = events.lines().filter(|line| line.starts_with(r#"data: {"delta""#)).collect();
        assert_eq!(deltas.len(), 5, "{events}");
        let last = format!(r#"data: {{"delta":{{"type":"text","text":"{word}"}}}}"#);
        assert_eq!(deltas[4], last);
        assert!(events.contains(r#""done":true"#) && events.trim_end().ends_with("data: [DONE]"), "{events}");
    }

    // The conversation of the stream without a label is not in the label's list.
    let list = run_json("List User Conversations", "");
    let titles: Vec<&Value> = list.as_array().unwrap().iter().map(|row| &row["user_id"]).collect();
    assert_eq!(titles, ["user1"; 4]);

    let messages = run_json("Get Conversation Messages", id);
    let contents: Vec<&Value> =
        messages.as_array().unwrap().iter().map(|message| &message["content"]).collect();
    let expected = [
        "What is Python?",
        "You said: What is Python?",
        "Tell me more about lists",
        "You said: Tell me more about lists",
    ];
    assert_eq!(contents, expected);

    assert_eq!(run_json("Update Conversation Title", id)["title"], "Python Tutorial");
    assert_eq!(run_json("Soft delete (recoverable)", id)["soft"], true);
    user.get(&format!("/conversations/{id}")).await.is_error(404, "conversation_not_found");
    user.post_nothing(&format!("/conversations/{id}/restore")).await.ok();
    assert_eq!(run_json("Hard delete (permanent)", id)["soft"], false);
    user.post_nothing(&format!("/conversations/{id}/restore")).await.is_error(404, "conversation_not_found");
}

/// S4-35
async fn the_command_lines_of_persona_chat_work(store: Store) {
    let app = App::start(store).await;
    let user = user_with_persona(&app).await;
    let run = |name: &str| -> Value {
        let line = example(PERSONA_CHAT, name).replace("YOUR_TOKEN", &user.token);
        serde_json::from_str(&curl(&app, &line)).unwrap()
    };
    let created = run("Create conversation");
    assert_eq!((&created["id"], &created["persona_id"]), (&json!(1), &json!(1)));
    assert_eq!(created["title"], "Test Chat");
    let sent = run("Send message");
    assert_eq!(sent["user_message"]["content"], "Hello!");
    assert_eq!(sent["assistant_message"]["content"], "You said: Hello!");
}

/// S4-31, S4-32, S4-33
async fn the_python_example_of_persona_chat_works(store: Store) {
    let app = App::start(store).await;
    user_with_persona(&app).await;
    app.llm.script(Reply::text("Hey there! I'm doing great, thanks for asking!"));
    let printed = run_script(&mut python(), &at(&app, PERSONA_CHAT_PYTHON));
    assert_eq!(printed, "AI Response: Hey there! I'm doing great, thanks for asking!\n");
    assert!(asked(&app).contains("Alex"));
}

/// S4-31, S4-32, S4-33
async fn the_javascript_example_of_persona_chat_works(store: Store) {
    let app = App::start(store).await;
    user_with_persona(&app).await;
    app.llm.script(Reply::text("Hey there! I'm doing great, thanks for asking!"));
    // `require` and `await` outside a function do not go together in Node.
    let script = format!("(async () => {{\n{}\n}})();\n", at(&app, PERSONA_CHAT_JAVASCRIPT));
    let printed = run_script(&mut node(), &script);
    assert_eq!(printed, "AI Response: Hey there! I'm doing great, thanks for asking!\n");
    assert!(asked(&app).contains("Alex"));
}

/// The user and the persona that the examples of contract S4 assume.
async fn user_with_persona(app: &App) -> User {
    let user = app.user("user@example.com").await;
    let persona =
        json!({"name": "Alex", "description": "An old friend from school.", "relation_type": "friend"});
    let persona = user.post("/personas/", persona).await.ok();
    assert_eq!(persona["id"], 1);
    user
}

/// The example with this heading.
pub(super) fn example(examples: &str, name: &str) -> String {
    let (_, rest) =
        examples.split_once(&format!("# {name}\n")).unwrap_or_else(|| panic!("no example {name}"));
    rest.split("\n\n").next().unwrap_or(rest).to_owned()
}

/// A text of the documents with the address of this application.
fn at(app: &App, text: &str) -> String {
    text.replace("localhost:8000", app.url.trim_start_matches("http://"))
}

/// Runs a command line. Its response, whose status must be 200.
pub(super) fn curl(app: &App, line: &str) -> String {
    let (status, body) = curl_any(app, line);
    assert_eq!(status, 200, "{line}\n{body}");
    body
}

/// Runs a command line in the application's directory. The status and the body of its response.
pub(super) fn curl_any(app: &App, line: &str) -> (u16, String) {
    let line =
        at(app, line).replacen("curl ", "curl --silent --show-error --write-out '\\n%{http_code}' ", 1);
    let printed = run_script(Command::new("bash").current_dir(app.data.path()), &line);
    let (body, status) = printed.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// The last request to the provider, titles left out.
fn asked(app: &App) -> String {
    let turn = |call: &testkit::fake_llm::Call| call.model() != "gpt-4o-mini";
    app.llm.calls().into_iter().rfind(turn).unwrap().body.to_string()
}

/// Python with the packages of the examples.
pub(crate) fn python() -> Command {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/examples-venv/bin/python");
    assert!(python.exists(), "the Python packages of the examples are missing: run scripts/setup.sh");
    Command::new(python)
}

fn node() -> Command {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/examples");
    let axios = examples.join("node_modules/axios");
    assert!(axios.exists(), "the JavaScript packages of the examples are missing: run scripts/setup.sh");
    let mut node = Command::new("node");
    node.current_dir(examples);
    node
}

/// Runs a script in its interpreter; its output.
pub(super) fn run_script(interpreter: &mut Command, script: &str) -> String {
    let mut process = interpreter
        .env("NO_PROXY", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{interpreter:?} does not run ({error}): run scripts/setup.sh"));
    process.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}\n{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

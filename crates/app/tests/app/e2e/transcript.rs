//! Compares `docs/TRANSCRIPT.md` with the running application. `UPDATE_TRANSCRIPT=1` writes it again.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use testkit::fake_llm::{Figures, Reply};

use crate::support::{Answer, App, Store, User, on_sqlite_alone};

on_sqlite_alone!(the_transcript_equals_the_real_responses);

const INTRODUCTION: &str = "\
# Requests and responses of the documented examples

The examples of the contracts with instructions, images and a persona. For each there is the client's request, the request
that the service sends to the provider, and the response to the client. The provider is the fake one of the tests, so its
replies are always the same. A test compares this page with the running application; to write it again, run
`UPDATE_TRANSCRIPT=1 cargo test -p omnichat --test app transcript`. Tokens, ids and times, which change with each run,
are shown as `…` or 0.
";

const PIRATE: &str = r#"{
  "input": "Tell me a joke",
  "instructions": "You are a pirate. Always respond like a pirate with arrr and matey.",
  "user_id": "user123"
}"#;

const IMAGE: &str = r#"{
  "input": [
    {
      "type": "text",
      "text": "What is in this image?"
    },
    {
      "type": "image_url",
      "image_url": {
        "url": "https://example.com/image.jpg"
      }
    }
  ],
  "model": "gpt-4o",
  "user_id": "user123"
}"#;

const IMAGE_AS_STREAM: &str = r#"{
  "input": [
    {"type": "text", "text": "What is in this image?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
  ],
  "user_id": "user123",
  "stream": true
}"#;

const PERSONA: &str = r#"{
  "name": "Alex",
  "description": "An old friend from school who loves chess.",
  "relation_type": "friend"
}"#;

const CONVERSATION: &str = r#"{
  "title": "First Chat with Alex",
  "persona_id": 1
}"#;

const GREETING: &str = r#"{
  "content": "Hi Alex! How are you doing today?"
}"#;

async fn the_transcript_equals_the_real_responses(store: Store) {
    let app = App::start(store).await;
    let mut transcript =
        Transcript { user: app.user("user@example.com").await, app, text: INTRODUCTION.to_owned() };

    transcript.heading("The pirate");
    transcript.answered(
        "Arrr, why be pirates called pirates? Because they arrr, matey!",
        "Pirate Joke",
        (31, 16),
    );
    transcript.post("/chat", PIRATE).await;

    transcript.heading("The image");
    transcript.answered("A lighthouse on a cliff at sunset.", "Lighthouse at Sunset", (779, 9));
    transcript.post("/chat", IMAGE).await;
    transcript.say("An image may also be part of the request, and the response may be a stream:");
    transcript.answered("A tiny dot.", "Tiny Dot", (265, 4));
    transcript.post("/chat", IMAGE_AS_STREAM).await;

    transcript.heading("The persona");
    transcript.post("/personas/", PERSONA).await;
    transcript.post("/chat/conversations", CONVERSATION).await;
    let reply = "Hey there! I'm doing great, thanks for asking! How about you?";
    transcript.answered(reply, "", (118, 15));
    transcript.post("/chat/conversations/4/send", GREETING).await;
    transcript.get("/chat/conversations/4/messages").await;

    transcript.check(store);
}

struct Transcript {
    app: App,
    user: User,
    text: String,
}

impl Transcript {
    fn heading(&mut self, heading: &str) {
        self.say(&format!("## {heading}"));
    }

    fn say(&mut self, text: &str) {
        write!(self.text, "\n{text}\n").unwrap();
    }

    fn block(&mut self, language: &str, text: &str) {
        self.say(&format!("```{language}\n{}\n```", text.trim_end()));
    }

    /// Scripts the provider's next reply, and the title.
    fn answered(&self, reply: &str, title: &str, (input, output): (u64, u64)) {
        let figures = Figures { input, cached: 0, output, reasoning: 0, cost: None };
        self.app.llm.script(Reply::text(reply).figures(figures));
        self.app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::text(title));
    }

    async fn post(&mut self, path: &str, body: &str) {
        let calls = self.app.llm.call_count();
        self.block(
            "http",
            &format!("POST {path}\nAuthorization: Bearer …\nContent-Type: application/json\n\n{body}"),
        );
        let parsed: Value = serde_json::from_str(body).unwrap();
        let answer = self.user.post(path, parsed).await;
        self.app.llm.wait_until_idle().await;
        self.asked_since(calls);
        self.hear(&answer);
    }

    async fn get(&mut self, path: &str) {
        self.block("http", &format!("GET {path}\nAuthorization: Bearer …"));
        let answer = self.user.get(path).await;
        self.hear(&answer);
    }

    /// Writes down what the provider was asked, titles left out.
    fn asked_since(&mut self, calls: usize) {
        let calls = self.app.llm.calls().split_off(calls);
        if let Some(call) = calls.iter().find(|call| call.model() != "gpt-4o-mini") {
            let asked = json!({"model": call.model(), "messages": call.body["messages"]});
            self.say("The request to the provider:");
            self.block("json", &indent(&asked.to_string()));
        }
    }

    fn hear(&mut self, answer: &Answer) {
        assert_eq!(answer.status, 200, "{}", answer.text);
        let media = answer.header("content-type");
        let is_json = media.starts_with("application/json");
        let body = if is_json { indent(&answer.text) } else { answer.text.clone() };
        let body: Vec<String> = body.lines().map(normal).collect();
        self.say("The response:");
        self.block("http", &format!("200 OK\nContent-Type: {media}\n\n{}", body.join("\n")));
    }

    fn check(self, store: Store) {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/TRANSCRIPT.md");
        if store == Store::Sqlite && std::env::var_os("UPDATE_TRANSCRIPT").is_some() {
            fs::write(&file, &self.text).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        let differs = kept.lines().zip(self.text.lines()).find(|(kept, said)| kept != said);
        assert!(
            kept == self.text,
            "docs/TRANSCRIPT.md is out of date (first difference: {differs:?}); UPDATE_TRANSCRIPT=1 writes it anew"
        );
    }
}

/// JSON on several lines, with the keys in their original order.
fn indent(json: &str) -> String {
    let mut text = String::new();
    let (mut depth, mut in_string, mut is_escaped) = (0, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if in_string {
            text.push(character);
            in_string = is_escaped || character != '"';
            is_escaped = character == '\\' && !is_escaped;
            continue;
        }
        match character {
            '{' | '[' if matches!(characters.peek(), Some('}' | ']')) => {
                text.push(character);
                text.extend(characters.next());
            }
            '{' | '[' => {
                depth += 1;
                text.push(character);
                new_line(&mut text, depth);
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut text, depth);
                text.push(character);
            }
            ',' => {
                text.push(character);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => {
                in_string = character == '"';
                text.push(character);
            }
        }
    }
    text
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

/// A line without the values that differ from run to run.
fn normal(line: &str) -> String {
    let mut line = line.to_owned();
    for prefix in ["conv_", "resp_", "msg_"] {
        line = without_id(&line, prefix);
    }
    let key = line.trim_start().split(':').next().unwrap_or_default();
    let value = match key {
        r#""created_at""# | r#""updated_at""# if line.contains(": \"") => "\"…\"",
        r#""created_at""# | r#""response_time_ms""# if !line.contains("null") => "0",
        _ => return line,
    };
    let (before, after) = line.split_once(": ").unwrap();
    format!("{before}: {value}{}", if after.ends_with(',') { "," } else { "" })
}

/// `conv_0198…` becomes `conv_…`.
fn without_id(line: &str, prefix: &str) -> String {
    let mut rest = line;
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once(prefix) {
        let digits = after.chars().take_while(char::is_ascii_hexdigit).count();
        text.push_str(before);
        text.push_str(prefix);
        rest = after;
        if digits == 32 {
            text.push('…');
            rest = &after[digits..];
        }
    }
    text.push_str(rest);
    text
}

//! The examples of contract S1's document in curl and Python, literally: only the token and the ids are replaced. They
//! call port 7001, which is the document's.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::FakeLlm;
use testkit::fake_llm::Reply;

use super::examples::{curl, curl_any, example, python, run_script};
use crate::support::files::pdf;
use crate::support::{App, Store, User, on_both_stores, wait_within};

on_both_stores!(the_examples_of_the_chat_api_work);

const PORT: u16 = 7001;
/// Other runs of the tests may use the port for a while.
const PATIENCE: Duration = Duration::from_mins(1);

const COMMAND_LINES: &str = include_str!("../../examples/chat_api.sh");
const STREAM: &str = include_str!("../../examples/chat_api_stream.py");
const SWITCH_MODEL: &str = include_str!("../../examples/chat_api_switch_model.py");
const HISTORY: &str = include_str!("../../examples/chat_api_history.py");

/// The examples of calls in Python drop the response; this, in front of them, prints it.
const PRINT_THE_RESPONSE: &str = "\
import asyncio, json
run = asyncio.run
asyncio.run = lambda example: print(json.dumps(run(example)))
";

/// One test for all, because they share the port.
async fn the_examples_of_the_chat_api_work(store: Store) {
    let app = on_the_documents_port(store).await;
    std::fs::write(app.data.path().join("document.pdf"), pdf("The canary sings at noon")).unwrap();
    let examples = Examples { user: app.user("ann").await, app };
    examples.command_lines_of_sessions_work().await;
    examples.python_client_prints_each_reply();
    examples.python_calls_of_sessions_work().await;
    examples.command_lines_of_prompts_work();
}

/// An application that listens on the port of the document, too.
async fn on_the_documents_port(store: Store) -> App {
    let port = PORT.to_string();
    let mut app = App::on(store, Arc::new(FakeLlm::start().await), &[("EXTRA_PORTS", &port)]).await;
    wait_within(PATIENCE, &format!("port {PORT} is free: another process uses it"), async || {
        // The service ends if the port is in use, and it is started again only when that may have changed.
        if TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).is_err() {
            return false;
        }
        app.spawn();
        app.comes_up().await
    })
    .await;
    app
}

struct Examples {
    app: App,
    user: User,
}

impl Examples {
    /// The command line with this heading, as this user, about this session.
    fn line(&self, name: &str, session: i64) -> String {
        let line = example(COMMAND_LINES, name).replace("sessions/123", &format!("sessions/{session}"));
        self.signed(&line.replace("\"session_id\": 123", &format!("\"session_id\": {session}")))
    }

    fn signed(&self, text: &str) -> String {
        text.replace("YOUR_ACCESS_TOKEN", &self.user.token).replace("YOUR_TOKEN", &self.user.token)
    }

    fn run(&self, name: &str, session: i64) -> Value {
        serde_json::from_str(&curl(&self.app, &self.line(name, session))).unwrap()
    }

    /// The session that changed last.
    async fn latest(&self) -> i64 {
        self.user.get("/v1/chat/history").await.ok()["sessions"][0]["id"].as_i64().unwrap()
    }

    /// What the last call of a model was told.
    fn told(&self) -> (String, Vec<String>) {
        let call = self.app.llm.calls().pop().unwrap();
        (call.model().to_owned(), call.messages().into_iter().map(|(_, text)| text).collect())
    }

    /// S1-12, S1-23, S1-36, S1-41
    async fn command_lines_of_sessions_work(&self) {
        let told_story = "data: You \n\ndata: said: \n\ndata: Tell \n\ndata: me \n\ndata: a \n\ndata: story\n\n\
            data: [DONE]\n\n";
        assert_eq!(curl(&self.app, &self.line("Stream a reply", 0)), told_story);
        assert_eq!(self.app.llm.calls()[0].body["temperature"], 0.7);
        let session = self.latest().await;
        for name in ["Stream chat with session", "Switch model", "Delete a chat session", "Upload a PDF"] {
            let (status, body) = curl_any(&self.app, &self.line(name, 123));
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!((status, &body["detail"]), (404, &json!("Chat session not found")), "{name}");
        }

        assert_eq!(curl(&self.app, &self.line("Stream chat with session", session)), told_story);
        let (question, reply) = ("Tell me a story".to_owned(), "You said: Tell me a story".to_owned());
        let once_more = [question.clone(), reply.clone(), question.clone()];
        assert_eq!(self.told(), ("gpt-4".to_owned(), once_more.to_vec()));

        let switched = self.run("Switch model", session);
        assert_eq!((&switched["session_id"], &switched["model"]), (&json!(session), &json!("gpt-3.5-turbo")));
        assert_eq!(switched["title"], "Tell me a story");
        let (user, assistant) =
            (json!({"role": "user", "content": question}), json!({"role": "assistant", "content": reply}));
        assert_eq!(switched["messages"], json!([user, assistant, user, assistant]));
        assert_eq!(curl(&self.app, &self.line("Stream chat with session", session)), told_story);
        assert_eq!(self.told().0, "gpt-3.5-turbo");

        let history = self.run("Get chat history", 0);
        assert_eq!(
            (&history["total"], &history["page"], &history["page_size"]),
            (&json!(1), &json!(1), &json!(10))
        );
        assert_eq!(history["sessions"][0]["messages"].as_array().unwrap().len(), 6);
        assert_eq!(self.run("Get history with filters", 0)["total"], 0);
        curl(&self.app, &self.line("Stream a reply", 0));
        let filtered = self.run("Get history with filters", 0);
        assert_eq!((&filtered["total"], &filtered["sessions"][0]["model"]), (&json!(1), &json!("gpt-4")));

        let uploaded = self.run("Upload a PDF", session);
        assert_eq!(uploaded["file"]["filename"], "document.pdf");
        assert_eq!(uploaded["file"]["extracted_text"].as_str().unwrap().trim(), "The canary sings at noon");
        let deleted = self.run("Delete a chat session", session);
        assert_eq!(deleted, json!({"message": "Session deleted successfully"}));
        assert_eq!(curl_any(&self.app, &self.line("Delete a chat session", session)).0, 404);
    }

    /// S1-43, S1-45, S1-48, S1-49, S1-52, S1-53
    fn command_lines_of_prompts_work(&self) {
        let created = self.run("Create Prompt", 0);
        let mut expected = json!({
            "id": 1, "title": "Text Summarizer", "content": "Summarize the following text: {text}",
            "scenario": "summarization", "description": "Generates concise summaries", "metadata": {},
            "is_template": false, "usage_count": 0,
            "created_at": created["created_at"], "updated_at": created["updated_at"],
        });
        assert_eq!(created, expected);
        let listed = self.run("List Prompts", 0);
        assert_eq!(listed, json!({"items": [expected.clone()], "total": 1, "page": 1, "page_size": 20}));

        let preview = self.run("Preview Prompt", 0);
        let expanded = "Summarize the following text: Sample text to summarize".to_owned();
        assert_eq!(preview["preview"], format!("You said: {expanded}"));
        assert!(preview["tokens_used"].is_u64());
        assert_eq!(preview["model_used"], "gpt-3.5-turbo");
        assert_eq!(self.told(), ("gpt-3.5-turbo".to_owned(), vec![expanded]));

        let updated = self.run("Update Prompt", 0);
        expected["title"] = json!("Updated Title");
        expected["content"] = json!("Updated content");
        expected["usage_count"] = json!(1);
        expected["updated_at"] = updated["updated_at"].clone();
        assert_eq!(updated, expected);
        assert!(updated["updated_at"].as_str() > created["updated_at"].as_str());

        assert_eq!(self.run("Delete Prompt", 0), json!({"message": "Prompt deleted successfully"}));
        assert_eq!(curl_any(&self.app, &self.line("Delete Prompt", 0)).0, 404);
    }

    /// S1-13. The client strips white space off each line that it reads, and stops at `[DONE]`.
    fn python_client_prints_each_reply(&self) {
        let replies: [&[&str]; 3] = [
            &["Once ", "upon ", "a ", "time."],
            &["  Two", " leading\n\n  lines\r\nand", " a lone\rreturn\r", "\n\n", "- item\n  - nested\n"],
            &[
                "It says ",
                "[DONE]",
                " and data: [DONE]\n[DONE]\n\nbut",
                " [DO",
                "NE] goes on \u{1f600}",
                "\u{1f468}\u{200d}\u{1f467}",
            ],
        ];
        for pieces in replies {
            self.app.llm.script(Reply::pieces(pieces.iter().copied()));
            let lines = |piece: &&str| piece.replace("\r\n", "\n").replace('\r', "\n");
            let printed: String = pieces
                .iter()
                .map(lines)
                .map(|piece| piece.lines().map(str::trim).collect::<String>())
                .collect();
            assert_eq!(run_script(&mut python(), &self.signed(STREAM)), printed);
        }
    }

    /// S1-23, S1-36
    async fn python_calls_of_sessions_work(&self) {
        let session = self.latest().await;
        let call = |example: &str| -> Value {
            let example = example.replace("\"session_id\": 123", &format!("\"session_id\": {session}"));
            let script = format!("{PRINT_THE_RESPONSE}{}", self.signed(&example));
            serde_json::from_str(&run_script(&mut python(), &script)).unwrap()
        };
        let before = call(HISTORY);
        let total = before["total"].as_u64().unwrap();
        assert_eq!(before["sessions"][0]["id"], session);
        assert!(before["sessions"].as_array().unwrap().iter().all(|session| session["model"] == "gpt-4"));

        let switched = call(SWITCH_MODEL);
        assert_eq!((&switched["session_id"], &switched["model"]), (&json!(session), &json!("gpt-3.5-turbo")));
        assert_eq!(switched["messages"], before["sessions"][0]["messages"]);
        assert_eq!(call(HISTORY)["total"], total - 1);
    }
}

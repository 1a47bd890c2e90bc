//! Real servers as providers: no turn may look right that is not what the server was told to say.
//!
//! The ordinary tests run some turns over aimock. `scripts/real-servers.sh` installs further servers and runs more.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::FakeLlm;

use crate::support::real_servers::{
    MODEL_OF_PERSONAS, MODEL_OF_SERVICES, Told, Upstream, aimock, litellm, llama_cpp, text_of, texts,
};
use crate::support::{Answer, App, Store, User, Watcher, persona_chat, setting};

/// The users who send at the same time.
const USERS: u32 = 4;
/// The turns after which a conversation is left for a new one, so that prompts stay within the servers' windows.
const TURNS_OF_A_CONVERSATION: u32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn real_servers_are_never_quoted_wrongly() {
    let turns = setting("OMNICHAT_TEST_TURNS", 32);
    let has_all = setting("OMNICHAT_TEST_ALL_SERVERS", 0) > 0;
    let mut upstreams = aimock().await;
    if has_all {
        upstreams.extend(litellm().await);
        upstreams.extend(llama_cpp().await);
    }
    let mut table = vec![
        "| server | version | wire | turns | completed | failed | wrong successes | wrong failures |"
            .to_owned(),
        "| --- | --- | --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    let mut wrong = Vec::new();
    for upstream in upstreams {
        let outcomes = run(Arc::new(upstream), turns, &mut table).await;
        wrong.extend(outcomes);
    }
    eprintln!("{}", table.join("\n"));
    assert!(wrong.is_empty(), "{} turns are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Runs turns over a server, adds its row to the table, and returns what was wrong.
async fn run(upstream: Arc<Upstream>, turns: u32, table: &mut Vec<String>) -> Vec<String> {
    let settings: Vec<(&str, &str)> =
        upstream.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let app = App::start_on(Store::Sqlite, Arc::new(FakeLlm::start().await), &settings).await;
    let mut clients = Vec::new();
    for number in 0..USERS {
        let client = Client::new(app.user(&format!("user{number}")).await, Arc::clone(&upstream)).await;
        clients.push(tokio::spawn(client.send((number..turns).step_by(USERS as usize))));
    }
    let mut outcomes = Outcomes::default();
    for client in clients {
        outcomes.add(client.await.unwrap());
    }
    let Upstream { name, version, wire, servers, .. } = &*upstream;
    for server in servers {
        assert!(server.is_alive(), "a server of {name} has ended:\n{}", server.log());
    }
    let Outcomes { completed, failed, wrong } = outcomes;
    let all = completed + failed.values().sum::<u32>();
    let failed: Vec<String> = failed.iter().map(|(code, count)| format!("{count} {code}")).collect();
    let failed = failed.join(", ");
    let successes = wrong.iter().filter(|wrong| wrong.is_success).count();
    let failures = wrong.len() - successes;
    table.push(format!(
        "| {name} | {version} | {wire} | {all} | {completed} | {failed} | {successes} | {failures} |"
    ));
    assert!(completed > 0, "no turn over {name} ({wire}) was completed: {failed}\n{}", servers[0].log());
    let log = app.log();
    let with_log = |Wrong { is_success: _, turn, what }: Wrong| {
        let warnings: Vec<&str> =
            log.lines().filter(|line| line.contains("WARN") && line.contains(&turn)).collect();
        format!("{name} ({wire}): {what}\n{}", warnings.join("\n"))
    };
    wrong.into_iter().map(with_log).collect()
}

/// What became of the turns.
#[derive(Default)]
struct Outcomes {
    completed: u32,
    /// By the code of the error.
    failed: BTreeMap<String, u32>,
    wrong: Vec<Wrong>,
}

/// A turn that looks right and is not, or that failed and should not have.
struct Wrong {
    is_success: bool,
    turn: String,
    what: String,
}

impl Outcomes {
    fn add(&mut self, other: Self) {
        self.completed += other.completed;
        for (code, count) in other.failed {
            *self.failed.entry(code).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }
}

/// The ways to send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    LlmChat { stream: bool },
    ChatService,
    ChatAi { stream: bool },
    PersonaChat,
}

const WAYS: [Way; 6] = [
    Way::LlmChat { stream: false },
    Way::LlmChat { stream: true },
    Way::ChatService,
    Way::ChatAi { stream: false },
    Way::ChatAi { stream: true },
    Way::PersonaChat,
];

/// What a client saw of a turn.
#[derive(Debug)]
struct Seen {
    turn: String,
    /// The messages of the conversation are listed at this path.
    messages: String,
    /// The reply, if the client was told that it is complete.
    reply: Option<String>,
}

/// A user who sends messages in all ways.
struct Client {
    user: User,
    upstream: Arc<Upstream>,
    persona: i64,
    /// The conversations of the ways, and how many turns each has had.
    conversations: [Option<(String, u32)>; WAYS.len()],
    outcomes: Outcomes,
}

impl Client {
    async fn new(user: User, upstream: Arc<Upstream>) -> Self {
        let persona = persona_chat::persona(&user, "Alex", "friend").await;
        Self { user, upstream, persona, conversations: Default::default(), outcomes: Outcomes::default() }
    }

    /// Runs the turns with these numbers, one after the other.
    async fn send(mut self, numbers: impl Iterator<Item = u32> + Send) -> Outcomes {
        let texts = texts();
        let keys: Vec<&str> =
            texts.iter().map(|(key, _)| *key).chain(self.upstream.failures.iter().copied()).collect();
        for number in numbers {
            // All ways meet all keys, in the end.
            let round = number / USERS;
            let way_number = round as usize % WAYS.len();
            let mut key = keys[(round as usize + number as usize) % keys.len()];
            if self.upstream.told == Told::ByModel {
                key = match WAYS[way_number] {
                    Way::LlmChat { .. } => key,
                    Way::ChatService | Way::ChatAi { .. } => MODEL_OF_SERVICES,
                    Way::PersonaChat => MODEL_OF_PERSONAS,
                };
            }
            let seen = self.turn(way_number, key).await;
            let must_fail = self.upstream.failures.contains(&key);
            self.judge(key, seen, (!must_fail).then(|| text_of(key))).await;
        }
        self.outcomes
    }

    /// Sends a message whose reply is the one of this key.
    async fn turn(&mut self, way_number: usize, key: &str) -> Seen {
        let way = WAYS[way_number];
        let kept = self.conversations[way_number].take();
        let kept = kept.filter(|(_, turns)| *turns < TURNS_OF_A_CONVERSATION);
        let turns = kept.as_ref().map_or(0, |(_, turns)| *turns);
        let id = match (kept, way) {
            (Some((id, _)), _) => Some(id),
            (None, Way::LlmChat { .. }) => None,
            (None, Way::ChatService | Way::ChatAi { .. }) => Some(self.user.conversation().await),
            (None, Way::PersonaChat) => {
                Some(persona_chat::conversation(&self.user, self.persona, "Chat").await.to_string())
            }
        };
        // A prompt that no server's window holds.
        let padding = if key == "fail-window" { " x".repeat(4_900) } else { String::new() };
        let question = format!("Please {key}.{padding}");
        let (path, body) = match way {
            Way::LlmChat { stream } => {
                let mut body = json!({"input": question, "conversation_id": id, "stream": stream});
                if self.upstream.told == Told::ByModel {
                    body["model"] = json!(key);
                }
                ("/chat".to_owned(), body)
            }
            Way::ChatService => {
                (format!("/conversations/{}/messages", id.as_ref().unwrap()), json!({"content": question}))
            }
            Way::ChatAi { stream } => {
                let path = format!("/conversation/completion/{}", id.as_ref().unwrap());
                (path, json!({"message": question, "stream": stream}))
            }
            Way::PersonaChat => {
                let path = format!("/chat/conversations/{}/send", id.as_ref().unwrap());
                (path, json!({"content": question}))
            }
        };
        let answer = self.user.request(Method::POST, &path).json(&body).send().await.unwrap();
        let header = |name: &str| {
            answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let (turn, shown_id) = (header("x-turn-id"), header("x-conversation-id"));
        let id = id.unwrap_or(shown_id);
        let messages = match way {
            Way::PersonaChat => format!("/chat/conversations/{id}/messages"),
            Way::LlmChat { .. } | Way::ChatService | Way::ChatAi { .. } => {
                format!("/conversations/{id}/messages")
            }
        };
        self.conversations[way_number] = Some((id, turns + 1));
        Seen { turn, messages, reply: reply(way, answer).await }
    }

    /// Compares what the client saw, what the turn's events say and what is stored with the reply that the server was
    /// told; `None` stands for a reply that must fail.
    async fn judge(&mut self, key: &str, seen: Seen, told: Option<String>) {
        let events = Watcher::of(&self.user, &seen.turn, "").await.rest().await;
        let end = events.last().expect("a turn has a last event");
        let said: String =
            events.iter().filter(|event| event["delta"]["type"] == "text").map(piece).collect();
        let messages = self.user.get(&seen.messages).await.ok();
        let last = messages.as_array().unwrap().last().expect("a conversation has messages").clone();
        let is_completed = end["type"] == "completed";
        if is_completed {
            self.outcomes.completed += 1;
        } else {
            assert_eq!(end["type"], "failed", "nobody stopped the turn: {end}");
            let code = end["error"]["code"].as_str().unwrap().to_owned();
            *self.outcomes.failed.entry(code).or_default() += 1;
        }
        let is_stored_as_completed = last["role"] == "assistant" && last["state"].is_null();
        let is_success = is_completed || is_stored_as_completed || seen.reply.is_some();
        let is_right = match &told {
            Some(told) if is_success => {
                let texts =
                    [&said, last["content"].as_str().unwrap(), seen.reply.as_deref().unwrap_or_default()];
                is_completed && is_stored_as_completed && texts.iter().all(|text| text == told)
            }
            Some(_) => self.upstream.may_fail,
            None => !is_success,
        };
        if !is_right {
            let what = format!(
                "{key} was asked, but the client saw {:?}, the turn ended with {end} after {said:?}, and stored is {last}",
                seen.reply
            );
            self.outcomes.wrong.push(Wrong { is_success, turn: seen.turn, what });
        }
    }
}

/// The text of an event.
fn piece(event: &Value) -> &str {
    event["delta"]["text"].as_str().unwrap()
}

/// The reply, if the client is told that it is complete.
async fn reply(way: Way, answer: reqwest::Response) -> Option<String> {
    if answer.status() != 200 {
        return None;
    }
    match way {
        // The stream is the text, and it is cut if the turn fails.
        Way::ChatAi { stream: true } => answer.text().await.ok(),
        Way::LlmChat { stream: true } => {
            let answer = Answer::read(answer).await;
            let mut data: Vec<&str> =
                answer.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            if data.pop() != Some("[DONE]") {
                return None;
            }
            let events = data.iter().map(|data| serde_json::from_str::<Value>(data).unwrap());
            Some(
                events
                    .filter(|event| event["delta"].is_object())
                    .map(|event| piece(&event).to_owned())
                    .collect(),
            )
        }
        Way::LlmChat { .. } => text(&Answer::read(answer).await, "/output_text"),
        Way::ChatService => text(&Answer::read(answer).await, "/response"),
        Way::ChatAi { .. } => text(&Answer::read(answer).await, "/content"),
        Way::PersonaChat => text(&Answer::read(answer).await, "/assistant_message/content"),
    }
}

fn text(answer: &Answer, pointer: &str) -> Option<String> {
    answer.json().pointer(pointer)?.as_str().map(str::to_owned)
}

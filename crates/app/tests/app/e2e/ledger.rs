//! The ledger is exact: it has what the provider counted, also when clients left before the end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::FakeLlm;
use testkit::fake_llm::{Call, Figures, Flavour, Gate, InjectedFault, Reply};

use crate::support::{Answer, App, PROVIDER_KEY, Store, User, on_both_stores, sql, wait_until};

on_both_stores!(
    a_thousand_mixed_turns_are_counted_to_the_token,
    the_call_of_a_purged_conversation_is_counted,
);

/// The number of turns that the provider accepts.
const TURNS: usize = 1_000;
/// The number of clients that send at once.
const CLIENTS: u64 = 24;
/// The longest wait of a client that does not wait for the end.
const PATIENCE_MICROS: u64 = 60_000;
/// One in this many calls is refused, and one fails and is retried.
const FAULTS: u64 = 40;

async fn a_thousand_mixed_turns_are_counted_to_the_token(store: Store) {
    // OpenRouter reports costs, too, so they can be compared.
    let llm = Arc::new(FakeLlm::start_as(Flavour::OpenRouter).await);
    let taken = Arc::new(AtomicUsize::new(0));
    script(&llm, Arc::clone(&taken));
    let base_url = llm.base_url();
    let settings = [
        ("LLM_PROVIDER", "openrouter"),
        ("OPENROUTER_API_KEY", PROVIDER_KEY),
        ("OPENROUTER_BASE_URL", base_url.as_str()),
        ("LOG_LEVEL", "INFO"),
    ];
    let app = App::start_on(store, llm, &settings).await;
    let users = [app.user("ann").await, app.user("bob").await, app.user("eve").await];

    let clients: Vec<_> = (0..CLIENTS)
        .zip(users.iter().cycle())
        .map(|(seed, user)| tokio::spawn(Client::new(user.clone(), seed).send_until(Arc::clone(&taken))))
        .collect();
    let mut left = 0;
    for client in clients {
        left += client.await.unwrap();
    }
    assert!(left > TURNS / 10, "only {left} clients left early");

    let calls = settled(&app).await;
    assert!(calls.len() > TURNS, "titles were made beside {} turns", calls.len());
    let mut counted: Vec<String> = calls.iter().map(line).collect();
    let mut kept: Vec<String> = sql(
        &app,
        "SELECT purpose, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost_nanos FROM omnichat.ledger",
    );
    counted.sort();
    kept.sort();
    assert_eq!(kept, counted);

    let sums = sql(
        &app,
        "SELECT count(*), sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(reasoning_tokens), \
         sum(cost_nanos) FROM omnichat.ledger",
    );
    assert_eq!(sums, [sums_of(&calls)]);
    assert_eq!(sql(&app, "SELECT count(*) FROM omnichat.ledger WHERE usage_estimated"), ["0"]);
    let totals = "sum(input_tokens), sum(output_tokens), sum(cost_nanos)";
    let conversations = sql(&app, &format!("SELECT {totals} FROM omnichat.conversations"));
    assert_eq!(
        conversations,
        sql(&app, &format!("SELECT {totals} FROM omnichat.ledger WHERE purpose = 'turn'"))
    );
    let turns = sql(&app, &format!("SELECT {totals} FROM omnichat.turns"));
    assert_eq!(turns, conversations);
}

/// An entry of the ledger is kept when its conversation is deleted.
async fn the_call_of_a_purged_conversation_is_counted(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two three").waiting_after_words(1, &gate));
    let asking = user.request(Method::POST, &format!("/conversation/completion/{id}"));
    let mut answer = asking.json(&json!({"message": "two", "stream": true})).send().await.unwrap();
    answer.chunk().await.unwrap();
    user.delete(&format!("/conversations/{id}?soft=false")).await.ok();
    let calls = async || sql(&app, "SELECT count(*) FROM omnichat.ledger WHERE purpose = 'turn'");
    wait_until("the call of the purged turn is counted", async || calls().await == ["2"]).await;
    assert_eq!(sql(&app, "SELECT count(*) FROM omnichat.conversations"), ["0"]);
}

/// Replies of all kinds: short and long, fast and slow, some refused, some after a retry.
fn script(llm: &FakeLlm, taken: Arc<AtomicUsize>) {
    let chance = Mutex::new(Chance(7));
    llm.answer(move |call| {
        if call.method != "POST" {
            return None;
        }
        let mut chance = chance.lock().unwrap();
        let fault = chance.below(FAULTS);
        if fault < 2 {
            return Some(Reply::fault(InjectedFault::status(if fault == 0 { 400 } else { 503 })));
        }
        if !is_title(call) {
            taken.fetch_add(1, Ordering::Relaxed);
        }
        let words = "word ".repeat(1 + usize::try_from(chance.below(12)).unwrap());
        let reply = Reply::text(&words)
            .starting_after(Duration::from_micros(chance.below(20_000)))
            .slowly(Duration::from_micros(chance.below(4_000)));
        Some(reply.figures(chance.figures()))
    });
}

fn is_title(call: &Call) -> bool {
    call.model().ends_with("gpt-4o-mini")
}

/// All calls that the provider accepted, once each of them is in the ledger, no turn runs, and none has begun for a
/// while: a busy service may read the request of a client that has left only now.
async fn settled(app: &App) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut last_change = (0, Instant::now());
    wait_until("every call is in the ledger, and no turn runs", async || {
        app.llm.wait_until_idle().await;
        calls = app.llm.calls();
        calls.retain(|call| call.figures.is_some());
        let rows = sql(app, "SELECT count(*) FROM omnichat.ledger");
        let running = sql(app, "SELECT count(*) FROM omnichat.turns WHERE state = 'running'");
        if calls.len() != last_change.0 {
            last_change = (calls.len(), Instant::now());
        }
        let is_quiet = last_change.1.elapsed() > Duration::from_secs(1);
        is_quiet && rows == [calls.len().to_string()] && running == ["0"]
    })
    .await;
    calls
}

/// A call as its row in the ledger.
fn line(call: &Call) -> String {
    let purpose = if is_title(call) { "title" } else { "turn" };
    let Figures { input, cached, output, reasoning, .. } = call.figures.unwrap();
    format!("{purpose}|{input}|{cached}|{output}|{reasoning}|{}", nanos(call))
}

/// The sums of what the provider counted.
fn sums_of(calls: &[Call]) -> String {
    let sum = |of: fn(Figures) -> u64| calls.iter().filter_map(|call| call.figures).map(of).sum::<u64>();
    let nanos: u64 = calls.iter().map(nanos).sum();
    let (input, cached) = (sum(|figures| figures.input), sum(|figures| figures.cached));
    let (output, reasoning) = (sum(|figures| figures.output), sum(|figures| figures.reasoning));
    format!("{}|{input}|{cached}|{output}|{reasoning}|{nanos}", calls.len())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
fn nanos(call: &Call) -> u64 {
    (call.figures.unwrap().cost.unwrap() * 1e9).round() as u64
}

/// A client that uses every contract, and often leaves before the end.
struct Client {
    user: User,
    chance: Chance,
    /// Its conversations, one for each contract; that of S0 is taken from a response.
    llm_chat: Option<String>,
    chat_service: String,
    chat_ai: String,
    persona_chat: Value,
}

impl Client {
    fn new(user: User, seed: u64) -> Self {
        let (chat_service, chat_ai) = (String::new(), String::new());
        Self { user, chance: Chance(seed), llm_chat: None, chat_service, chat_ai, persona_chat: Value::Null }
    }

    /// Sends until the provider has accepted enough turns. Answers how often it left early.
    async fn send_until(mut self, taken: Arc<AtomicUsize>) -> usize {
        self.begin().await;
        let mut left = 0;
        while taken.load(Ordering::Relaxed) < TURNS {
            let request = self.request();
            let asking = async { Answer::read(request.send().await.unwrap()).await };
            let leaves = self.chance.below(5) < 2;
            let patience = if leaves { self.chance.below(PATIENCE_MICROS) } else { 60_000_000 };
            match tokio::time::timeout(Duration::from_micros(patience), asking).await {
                Ok(answer) => self.heard(&answer).await,
                Err(_elapsed) => {
                    assert!(leaves, "no answer in a minute");
                    left += 1;
                }
            }
        }
        left
    }

    async fn begin(&mut self) {
        self.chat_service = self.user.conversation().await;
        self.chat_ai = self.user.conversation().await;
        let persona = json!({"name": "Alex", "relation_type": "friend"});
        let persona = self.user.post("/personas/", persona).await.ok();
        let body = json!({"title": "Chat", "persona_id": persona["id"]});
        self.persona_chat = self.user.post("/chat/conversations", body).await.ok()["id"].clone();
    }

    /// The next message, by a random contract.
    fn request(&mut self) -> RequestBuilder {
        let stream = self.chance.below(2) == 0;
        let (path, body) = match self.chance.below(6) {
            // A new conversation, which gets a title.
            0 => ("/chat".to_owned(), json!({"input": "What is Python?", "stream": stream})),
            1 => {
                let id = self.llm_chat.clone();
                (
                    "/chat".to_owned(),
                    json!({"input": "Tell me more", "conversation_id": id, "stream": stream}),
                )
            }
            2 => {
                let path = format!("/conversations/{}/messages", self.chat_service);
                (path, json!({"content": "How are you?"}))
            }
            3 => {
                let path = format!("/chat/conversations/{}/send", self.persona_chat);
                (path, json!({"content": "Hi Alex!"}))
            }
            _ => {
                let path = format!("/conversation/completion/{}", self.chat_ai);
                (path, json!({"message": "What is the current day?", "stream": stream}))
            }
        };
        self.user.request(Method::POST, &path).json(&body)
    }

    async fn heard(&mut self, answer: &Answer) {
        match answer.status {
            200 => {
                let id = answer.header("x-conversation-id");
                if !id.is_empty() {
                    self.llm_chat = Some(id.to_owned());
                }
            }
            // The turn that this client left still runs.
            409 => tokio::time::sleep(Duration::from_millis(10)).await,
            // The call was refused, or it failed three times.
            status => assert!([400, 500, 502].contains(&status), "{status}: {}", answer.text),
        }
    }
}

/// A seeded generator of numbers (`SplitMix64`), so that runs are alike.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn figures(&mut self) -> Figures {
        let (input, output) = (1 + self.below(100_000), 1 + self.below(5_000));
        let (cached, reasoning) = (self.below(input), self.below(output));
        let nanos = u32::try_from(self.below(1_000_000_000)).unwrap();
        Figures { input, cached, output, reasoning, cost: Some(f64::from(nanos) / 1e9) }
    }
}

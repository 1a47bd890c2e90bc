//! Lists of messages: pages beside a message, and lists too long to stand in memory.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::persona_chat::{each, held, persona, send};
use crate::support::{App, Store, User, change, on_both_stores, sql};

on_both_stores! {
    a_conversation_is_paged_through_in_both_directions,
    a_message_that_is_gone_still_divides_the_list,
    a_page_begins_at_a_message_of_its_conversation,
    a_list_without_a_limit_is_whole,
    a_long_list_takes_little_memory,
}

/// Fills conversation 1 with so many messages. The text of each is its position, and of every `large_every`th is
/// followed by 1,000,000 characters.
fn fill(app: &App, messages: u32, large_every: u32) {
    let begin = r#"{"v":1,"parts":[{"type":"text","text":""#;
    let end = r#""}]}"#;
    let role = "CASE WHEN g % 2 = 1 THEN 'user' ELSE 'assistant' END";
    let (numbers, large, id, now) = if app.database_url.is_some() {
        (format!("generate_series(1, {messages}) g"), "repeat('x', 1000000)", "gen_random_uuid()", "now()")
    } else {
        let numbers = format!(
            "(WITH RECURSIVE n(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM n WHERE g < {messages}) SELECT g FROM n)"
        );
        (numbers, "replace(hex(zeroblob(500000)), '0', 'x')", "randomblob(16)", "1700000000000000")
    };
    let text = format!("g || CASE WHEN g % {large_every} = 0 THEN ' ' || {large} ELSE '' END");
    change(
        app,
        &format!(
            "INSERT INTO omnichat.messages (conversation_id, seq, id, created_at, token_count, role, parts)
             SELECT c.id, g, {id}, {now}, 1, {role}, '{begin}' || {text} || '{end}'
             FROM omnichat.conversations c, {numbers} WHERE c.number = 1 ORDER BY g"
        ),
    );
    change(
        app,
        &format!(
            "UPDATE omnichat.conversations SET last_seq = {messages}, head_seq = {messages} WHERE number = 1"
        ),
    );
}

/// The ids of the messages of all pages, and whether there is more after each page.
async fn pages(user: &User, path: &str, next: impl Fn(&[Value]) -> String) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = user.get(&format!("{path}{cursor}")).await;
        let (page, has_more) = (each(&answer.ok(), "id"), answer.header("x-has-more") == "true");
        assert!(page.len() <= 3 && (page.len() == 3 || !has_more), "{page:?}");
        cursor = next(&page);
        all.push(page);
        if !has_more {
            return all.concat();
        }
    }
}

fn name(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

/// S0-42, S0-43, S4-22, S4-23, C-3
async fn a_conversation_is_paged_through_in_both_directions(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    fill(&app, 20, 1_000);
    for deleted in [2, 7, 8, 9, 20] {
        user.delete(&format!("/chat/messages/{deleted}")).await.ok();
    }
    let (personas, plain) = ("/chat/conversations/1/messages", "/conversations/1/messages");
    let numbers = each(&user.get(personas).await.ok(), "id");
    let ids = each(&user.get(plain).await.ok(), "id");
    assert_eq!((numbers.len(), ids.len()), (15, 15));
    let reversed = |ids: &[Value]| ids.iter().rev().cloned().collect::<Vec<_>>();
    let after_last = |page: &[Value]| format!("&after={}", name(page.last().unwrap()));
    let before_first = |page: &[Value]| format!("&before={}", name(&page[0]));

    assert_eq!(pages(&user, &format!("{plain}?limit=3"), after_last).await, ids);
    assert_eq!(pages(&user, &format!("{plain}?limit=3&order=desc"), after_last).await, reversed(&ids));
    // Contract S4 begins with the newest ones; each page is oldest first.
    let mut backwards = pages(&user, &format!("{personas}?limit=3"), before_first).await;
    backwards = backwards.chunks(3).rev().flatten().cloned().collect();
    assert_eq!(backwards, numbers);
    let first = user.get(&format!("{personas}?limit=3&before={}", numbers[3])).await;
    assert_eq!((each(&first.ok(), "id"), first.header("x-has-more")), (numbers[..3].to_vec(), "false"));
    let mut forwards = numbers[..3].to_vec();
    loop {
        let answer = user.get(&format!("{personas}?limit=3&after={}", forwards.last().unwrap())).await;
        forwards.extend(each(&answer.ok(), "id"));
        if answer.header("x-has-more") == "false" {
            break;
        }
    }
    assert_eq!(forwards, numbers);
    // Backwards in the list of S0: the last ones before a message, still in the order of the list.
    let before = user.get(&format!("{plain}?limit=2&before={}", name(&ids[9]))).await;
    assert_eq!((each(&before.ok(), "id"), before.header("x-has-more")), (ids[7..9].to_vec(), "true"));
    let newer = user.get(&format!("{plain}?limit=2&order=desc&before={}", name(&ids[9]))).await;
    assert_eq!((each(&newer.ok(), "id"), newer.header("x-has-more")), (reversed(&ids[10..12]), "true"));
    let between = format!("{plain}?limit=2&after={}&before={}", name(&ids[1]), name(&ids[9]));
    assert_eq!(each(&user.get(&between).await.ok(), "id"), ids[2..4]);
    let newest = user.get(&format!("{personas}?limit=2&offset=3")).await;
    assert_eq!((each(&newest.ok(), "id"), newest.header("x-has-more")), (numbers[10..12].to_vec(), "true"));
    let all = user.get(&format!("{personas}?offset=3")).await;
    assert_eq!((each(&all.ok(), "id"), all.header("x-has-more")), (numbers[..12].to_vec(), "false"));
}

/// S0-42, S4-22
async fn a_message_that_is_gone_still_divides_the_list(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    fill(&app, 6, 1_000);
    let path = "/chat/conversations/1/messages";
    let ids = each(&user.get("/conversations/1/messages").await.ok(), "id");
    user.delete("/chat/messages/3").await.ok();
    // As after an edit: messages 5 and 6 are on a branch that is no longer shown.
    change(&app, "UPDATE omnichat.messages SET active = (seq <= 4)");
    let listed = async |query: String| each(&user.get(&format!("{path}?{query}")).await.ok(), "id");
    for gone in [json!(3), ids[2].clone()] {
        assert_eq!(listed(format!("after={}", name(&gone))).await, [4]);
        assert_eq!(listed(format!("limit=1&before={}", name(&gone))).await, [2]);
    }
    assert_eq!(listed("before=5&limit=1".to_owned()).await, [4]);
    assert!(listed("after=5".to_owned()).await.is_empty());
}

/// S0-37, S4-14, C-4, C-7
async fn a_page_begins_at_a_message_of_its_conversation(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (held(&app).await, app.user("bob").await);
    send(&ann, 1, "hi").await.ok();
    let his = persona(&bob, "Eve", "friend").await;
    let talk = crate::support::persona_chat::conversation(&bob, his, "T").await;
    send(&bob, talk, "hi").await.ok();
    let foreign = each(&bob.get(&format!("/conversations/{talk}/messages")).await.ok(), "id");
    let unknown = "msg_0190f3c2a1b47c5e8d9f0a1b2c3d4e5f";
    for path in ["/conversations/1/messages", "/chat/conversations/1/messages"] {
        for cursor in ["3", foreign[0].as_str().unwrap(), unknown, "99", "0", "-1", "x", "", "1,2", "%00"] {
            for param in ["after", "before"] {
                let refused = ann.get(&format!("{path}?{param}={cursor}")).await;
                refused.is_error(422, "validation_error");
                assert_eq!(refused.json()["error"]["param"], param, "{path} {cursor}");
            }
        }
    }
    bob.get("/conversations/1/messages?after=1").await.is_error(404, "conversation_not_found");
    bob.get("/chat/conversations/1/messages?after=1").await.is_error(403, "conversation_forbidden");
    ann.get("/conversations/99/messages?after=1").await.is_error(404, "conversation_not_found");
}

/// S0-42, S2-13, S3-12, S4-22, C-2
async fn a_list_without_a_limit_is_whole(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    fill(&app, 3_000, 500);
    let exact = |list: &Value| {
        let texts = list.as_array().unwrap().iter().map(|message| message["content"].as_str().unwrap());
        assert_eq!(texts.clone().count(), 3_000);
        for (number, text) in (1..).zip(texts) {
            let length = number.to_string().len() + if number % 500 == 0 { 1_000_001 } else { 0 };
            assert!(text.starts_with(&number.to_string()) && text.len() == length, "{number}");
        }
    };
    for path in ["/conversations/1/messages", "/chat/conversations/1/messages"] {
        let list = user.get(path).await;
        assert_eq!((list.header("x-has-more"), list.header("content-length")), ("false", ""));
        assert_eq!(list.header("content-type"), "application/json");
        exact(&list.ok());
        let head = user.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!((head.status().as_u16(), head.text().await.unwrap().as_str()), (200, ""));
    }
    let mut newest_first = user.get("/conversations/1/messages?order=desc").await.ok();
    newest_first.as_array_mut().unwrap().reverse();
    exact(&newest_first);
    let thousand = user.get("/chat/conversations/1/messages?limit=1000").await;
    assert_eq!((thousand.ok().as_array().unwrap().len(), thousand.header("x-has-more")), (1_000, "true"));
    user.conversation().await;
    let conversations = user.get("/conversation").await.ok();
    assert_eq!(conversations[0]["messages"], json!([]));
    exact(&conversations[1]["messages"]);
}

/// How much memory the application takes, in MB.
fn memory_mb(app: &App) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024
}

/// S0-42, S3-12
async fn a_long_list_takes_little_memory(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    fill(&app, 30, 1);
    user.get("/conversations/1/messages?limit=3").await.ok();
    let before = memory_mb(&app);
    for path in ["/conversations/1/messages", "/conversation"] {
        let mut answer = user.request(Method::GET, path).send().await.unwrap();
        let (mut read, mut most) = (0, before);
        while let Some(chunk) = answer.chunk().await.unwrap() {
            if read / 10_000_000 < (read + chunk.len()) / 10_000_000 {
                // As a reader who is slower than the application.
                tokio::time::sleep(Duration::from_millis(30)).await;
                most = most.max(memory_mb(&app));
            }
            read += chunk.len();
        }
        assert!(read > 30_000_000, "{read}");
        assert!(most < before + 24, "{before} MB before, {most} MB while a list of {read} bytes was read");
    }
    assert_eq!(sql(&app, "SELECT count(*) FROM omnichat.messages"), ["30"]);
}

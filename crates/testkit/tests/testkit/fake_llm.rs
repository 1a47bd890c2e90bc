//! The fake provider speaks the real protocols, and fails as scripted.

use omnichat_testkit::fake_llm::{
    CallEnd, ErrorForm, FakeLlm, Figures, Flavour, Gate, InjectedFault, Place, Reply,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends a request. The server closes the connection after the response.
async fn send(llm: &FakeLlm, path: &str, body: &Value) -> TcpStream {
    let url = llm.base_url();
    let address = url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let body = body.to_string();
    let request = format!(
        "POST /v1{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer k\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The status line with the headers, the body without its chunk sizes, and whether the body has an end.
async fn answer(llm: &FakeLlm, path: &str, body: &Value) -> (String, Vec<u8>, bool) {
    let mut stream = send(llm, path, body).await;
    let mut raw = Vec::new();
    // A connection that is cut may end with an error or without one.
    let _ = stream.read_to_end(&mut raw).await;
    let split = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("headers");
    let head = String::from_utf8(raw[..split].to_vec()).unwrap();
    let mut rest = &raw[split + 4..];
    if !head.to_lowercase().contains("transfer-encoding: chunked") {
        return (head, rest.to_vec(), true);
    }
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
            return (head, body, false);
        };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return (head, body, true);
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

async fn text(llm: &FakeLlm, path: &str, body: &Value) -> String {
    String::from_utf8(answer(llm, path, body).await.1).unwrap()
}

/// The JSON of all events before `[DONE]`, which must be the last.
fn events(body: &str) -> Vec<Value> {
    let data: Vec<&str> = body.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let (last, events) = data.split_last().unwrap();
    assert_eq!(*last, "[DONE]");
    events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn chat(question: &str) -> Value {
    json!({"model": "m", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": question}]})
}

fn responses(question: &str) -> Value {
    json!({"model": "m", "stream": true,
        "input": [{"role": "user", "content": [{"type": "input_text", "text": question}]}]})
}

const CHAT: &str = "/chat/completions";
const RESPONSES: &str = "/responses";

#[tokio::test]
async fn a_chat_stream_has_its_chunks_in_order() {
    let llm = FakeLlm::start().await;
    let chunks = events(&text(&llm, CHAT, &chat("hi there")).await);
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    let content = |chunk: &Value| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
    let words: Vec<String> = chunks[1..].iter().filter_map(content).collect();
    assert_eq!(words, ["You ", "said: ", "hi ", "there"]);
    assert_eq!(chunks[5]["choices"][0]["finish_reason"], "stop");
    assert!(chunks[..6].iter().all(|chunk| chunk["usage"].is_null()));
    assert_eq!(chunks[6]["choices"], json!([]));
    assert_eq!(chunks[6]["usage"]["prompt_tokens"], 4);
    assert_eq!(chunks[6]["usage"]["completion_tokens"], 4);

    let call = &llm.calls()[0];
    assert_eq!((call.path.as_str(), call.model()), ("/v1/chat/completions", "m"));
    assert_eq!(call.header("Authorization"), Some("Bearer k"));
    assert_eq!(call.messages()[0], ("system".to_owned(), "be kind".to_owned()));
    assert_eq!(call.end, Some(CallEnd::Served));
}

#[tokio::test]
async fn usage_is_sent_on_request_only() {
    let llm = FakeLlm::start().await;
    let mut request = chat("hi");
    request["stream_options"] = Value::Null;
    assert!(!text(&llm, CHAT, &request).await.contains("usage"));
    llm.script(Reply::echo().without_usage());
    assert!(!text(&llm, CHAT, &chat("hi")).await.contains("usage"));
}

#[tokio::test]
async fn a_responses_stream_has_its_events_in_order() {
    let llm = FakeLlm::start().await;
    let body = text(&llm, RESPONSES, &responses("hi")).await;
    let events = events(&body);
    let names: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], index);
        assert!(body.contains(&format!("event: {}\n", event["type"].as_str().unwrap())));
    }
    assert_eq!(events[7]["text"], "You said: hi");
    assert_eq!(events[10]["response"]["output"][0]["content"][0]["text"], "You said: hi");
    assert_eq!(events[10]["response"]["usage"]["output_tokens"], 3);
}

#[tokio::test]
async fn both_protocols_can_respond_with_one_object() {
    let llm = FakeLlm::start().await;
    let mut request = chat("hi");
    request["stream"] = json!(false);
    let completion: Value = serde_json::from_str(&text(&llm, CHAT, &request).await).unwrap();
    assert_eq!(completion["choices"][0]["message"]["content"], "You said: hi");
    let response: Value =
        serde_json::from_str(&text(&llm, RESPONSES, &json!({"model": "m", "input": "hi"})).await).unwrap();
    assert_eq!(response["output"][0]["content"][0]["text"], "You said: hi");
    assert_eq!(response["status"], "completed");
}

#[tokio::test]
async fn openrouter_sends_the_cost_and_comments_between_events() {
    let llm = FakeLlm::start_as(Flavour::OpenRouter).await;
    llm.script(Reply::text("ok").figures(Figures {
        input: 9,
        cached: 3,
        output: 2,
        reasoning: 1,
        cost: Some(0.5),
    }));
    let body = text(&llm, CHAT, &chat("hi")).await;
    assert!(body.starts_with(": OPENROUTER PROCESSING\n\n"));
    let usage = &events(&body).pop().unwrap()["usage"];
    assert_eq!((&usage["cost"], &usage["prompt_tokens_details"]["cached_tokens"]), (&json!(0.5), &json!(3)));
}

#[tokio::test]
async fn rules_precede_the_queue_and_the_queue_precedes_the_default() {
    let llm = FakeLlm::start().await;
    llm.script(Reply::text("queued"));
    llm.when("title", Reply::text("ruled"));
    llm.otherwise(Reply::text("rest"));
    for (question, said) in [("a title", "ruled"), ("x", "queued"), ("x", "rest"), ("title", "ruled")] {
        assert!(text(&llm, CHAT, &chat(question)).await.contains(&format!("\"{said}\"")), "{question}");
    }
    assert_eq!(llm.call_count(), 4);
}

#[tokio::test]
async fn a_status_comes_with_its_headers() {
    let llm = FakeLlm::start().await;
    llm.script(Reply::fault(InjectedFault::rate_limited(7)));
    let (head, body, _) = answer(&llm, CHAT, &chat("hi")).await;
    assert!(head.starts_with("HTTP/1.1 429"), "{head}");
    assert!(head.to_lowercase().contains("retry-after: 7"), "{head}");
    assert!(String::from_utf8(body).unwrap().contains("rate_limit_exceeded"));
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let llm = FakeLlm::start().await;
    llm.require_key("other");
    assert!(answer(&llm, CHAT, &chat("hi")).await.0.starts_with("HTTP/1.1 401"));
    llm.require_key("k");
    assert!(answer(&llm, CHAT, &chat("hi")).await.0.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_stream_is_cut_at_any_byte() {
    let llm = FakeLlm::start().await;
    let whole = answer(&llm, CHAT, &chat("hi")).await.1.len();
    for place in [0, 1, 100, whole - 1] {
        llm.script(Reply::fault(InjectedFault::CutAfter(Place::Bytes(place))));
        let (_, body, has_end) = answer(&llm, CHAT, &chat("hi")).await;
        assert_eq!((body.len(), has_end), (place, false));
        assert_eq!(llm.calls().last().unwrap().end, Some(CallEnd::CutByScript));
    }
}

#[tokio::test]
async fn a_stream_ends_or_fails_after_words_in_either_protocol() {
    let llm = FakeLlm::start().await;
    for (path, request) in [(CHAT, chat("hi")), (RESPONSES, responses("hi"))] {
        llm.script(Reply::fault(InjectedFault::EndAfter(Place::Words(2))));
        let (_, body, has_end) = answer(&llm, path, &request).await;
        let body = String::from_utf8(body).unwrap();
        assert!(has_end && body.contains("said: ") && !body.contains("\"hi\"") && !body.contains("[DONE]"));

        llm.script(Reply::fault(InjectedFault::ErrorAfter(Place::Words(1), ErrorForm::InChunk)));
        let last = events(&text(&llm, path, &request).await).pop().unwrap();
        assert_eq!(last["error"]["code"], 502);
    }
}

#[tokio::test]
async fn a_byte_order_mark_crlf_and_single_bytes_are_sent() {
    let llm = FakeLlm::start().await;
    llm.script(
        Reply::text("Grüße")
            .with(InjectedFault::ByteOrderMark)
            .with(InjectedFault::CrLf)
            .with(InjectedFault::SingleBytes),
    );
    let (_, body, _) = answer(&llm, CHAT, &chat("hi")).await;
    assert!(body.starts_with(b"\xef\xbb\xbfdata: "));
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains("Grüße") && body.ends_with("data: [DONE]\r\n\r\n"), "{body}");

    llm.script(Reply::fault(InjectedFault::MalformedAfter(Place::Events(1))));
    assert!(text(&llm, CHAT, &chat("hi")).await.contains("{\"delta\": \n\n"));
    llm.script(Reply::fault(InjectedFault::JsonInsteadOfStream));
    let (head, body, _) = answer(&llm, CHAT, &chat("hi")).await;
    assert!(head.contains("application/json") && body.starts_with(b"{"));
}

#[tokio::test]
async fn a_raw_body_is_sent_byte_for_byte_under_its_type() {
    const BODY: &str = "data: {\"a\":1}\n\nno event at all\n\ndata: [DONE]";
    let llm = FakeLlm::start().await;
    for (reply, content_type) in [
        (Reply::raw(BODY), Some("text/event-stream")),
        (Reply::raw_as(Some("text/plain"), BODY), Some("text/plain")),
        (Reply::raw_as(None, BODY), None),
    ] {
        llm.script(reply);
        let (head, body, has_end) = answer(&llm, CHAT, &chat("hi")).await;
        let head = head.to_lowercase();
        let sent = head.lines().find_map(|line| line.strip_prefix("content-type: "));
        assert_eq!((sent, body, has_end), (content_type, BODY.as_bytes().to_vec(), true));
    }
    llm.script(Reply::raw(BODY).with(InjectedFault::CutAfter(Place::Events(1))));
    let (_, body, has_end) = answer(&llm, RESPONSES, &responses("hi")).await;
    assert_eq!((body, has_end), (b"data: {\"a\":1}\n\n".to_vec(), false));
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_wherever_the_answer_hangs() {
    let llm = FakeLlm::start().await;
    let faults = [
        InjectedFault::HangBeforeHeaders,
        InjectedFault::HangAfter(Place::Events(0)),
        InjectedFault::HangAfter(Place::Words(1)),
        InjectedFault::EndlessLineAfter(Place::Words(1)),
    ];
    for fault in faults {
        llm.script(Reply::fault(fault.clone()));
        let calls = llm.call_count();
        let mut stream = send(&llm, CHAT, &chat("hi")).await;
        llm.wait_for_calls(calls + 1).await;
        if fault != InjectedFault::HangBeforeHeaders {
            assert!(stream.read_buf(&mut Vec::new()).await.unwrap() > 0, "{fault:?}");
        }
        assert_eq!(llm.open_streams(), 1, "{fault:?}");
        drop(stream);
        llm.wait_until_idle().await;
        let end = llm.calls().pop().unwrap().end;
        assert!(matches!(end, Some(CallEnd::ClosedByClient { .. })), "{fault:?}: {end:?}");
    }
}

#[tokio::test]
async fn a_gate_holds_the_answer() {
    let llm = FakeLlm::start().await;
    let gate = Gate::closed();
    llm.script(Reply::text("one two").waiting_after_words(1, &gate));
    let mut stream = send(&llm, CHAT, &chat("hi")).await;
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("one ") {
        assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "the answer ended before its first word");
    }
    assert_eq!((llm.open_streams(), llm.calls()[0].events_sent), (1, 2));
    gate.open();
    stream.read_to_end(&mut seen).await.unwrap();
    assert!(String::from_utf8_lossy(&seen).contains("[DONE]"));
    assert_eq!(llm.open_streams(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_calls_are_served() {
    let llm = std::sync::Arc::new(FakeLlm::start().await);
    let callers: Vec<_> = (0..20)
        .map(|caller| {
            let llm = std::sync::Arc::clone(&llm);
            tokio::spawn(async move {
                for round in 0..100 {
                    let said = text(&llm, CHAT, &chat(&format!("q{caller}-{round}"))).await;
                    assert!(said.contains(&format!("\"q{caller}-{round}\"")) && said.ends_with("[DONE]\n\n"));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(llm.call_count(), 2_000);
    assert_eq!(llm.open_streams(), 0);
}

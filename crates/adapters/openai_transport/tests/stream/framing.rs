//! Streams under any content type, and what stands in a stream beside its events.

use std::error::Error;

use domain::FailureKind;

use crate::raw_server::RawServer;
use crate::{CallResult, HI, LONG, PATHS, STOP, at_once};

const DONE: &str = "data: [DONE]\n\n";
/// The events of the Responses API for `Hi`.
const RESPONSE_HI: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\
    \"item_id\":\"m\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hi\"}\n\n";
const RESPONSE_DONE: &str = "event: response.completed\ndata: {\"type\":\"response.completed\",\
    \"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[],\"usage\":null}}\n\n";
const CHAT: &[&str] = &[HI, STOP, DONE];
const RESPONSE: &[&str] = &[RESPONSE_HI, RESPONSE_DONE];

/// The result of a call that this body answers, under this header line.
async fn call(path: &str, header: &str, body: &str) -> CallResult {
    let head = format!("HTTP/1.1 200 OK\r\n{header}\r\nConnection: close\r\n\r\n");
    let server = RawServer::start(at_once(&[&head, body])).await;
    let outcome = crate::call(&server.base_url, path, LONG).await;
    assert_eq!(server.calls(), 1, "{header}: {body}");
    outcome
}

const TYPE: &str = "Content-Type: text/event-stream";

async fn is_hi(path: &str, header: &str, body: &str) {
    let (said, error) = call(path, header, body).await;
    assert!(error.is_none(), "{path}, {header}, {body}: {error:?} {:?}", error.as_ref().unwrap().source());
    assert_eq!(said, "Hi", "{path}, {header}, {body}");
}

/// The failure, and the provider's words for the log.
async fn fails(path: &str, header: &str, body: &str, expected: FailureKind, words: &str) {
    let (_, error) = call(path, header, body).await;
    let error = error.unwrap_or_else(|| panic!("{path}, {header}, {body}: no error"));
    let found = error.source().map(ToString::to_string).unwrap_or_default();
    assert_eq!(error.failure(), expected, "{path}, {header}, {body}: {found}");
    assert!(found.contains(words), "{path}, {header}, {body}: {found}");
    assert!(
        words.is_empty() || !error.to_string().contains(words),
        "the words are for the log alone: {error}"
    );
}

#[tokio::test]
async fn an_event_stream_is_read_under_any_content_type() {
    for header in [
        "X-No: type",
        "Content-Type: application/json",
        "Content-Type: application/json; charset=utf-8",
        "Content-Type: text/plain",
        "Content-Type: text/html",
        "Content-Type: application/x-ndjson",
        "Content-Type: application/octet-stream",
        "Content-Type: Text/Event-Stream;Charset=UTF-8",
        "Content-Type: text/event-stream;charset=",
        "Content-Type: text/event-stream, text/event-stream",
        "Content-Type: nonsense",
        "Content-Type:",
    ] {
        for (path, events) in [(PATHS[0], CHAT), (PATHS[1], RESPONSE)] {
            is_hi(path, header, &events.concat()).await;
            is_hi(path, header, &format!("\u{feff}: comment\r\n\r\n{}", events.concat())).await;
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_stream_is_an_error_under_any_content_type() {
    let html = "<!DOCTYPE html>\n<html>\n<title>Sign in</title>\n</html>";
    for header in [TYPE, "Content-Type: application/json", "Content-Type: text/html", "X-No: type"] {
        for path in PATHS {
            let limited = "{\"error\":{\"message\":\"slow down\",\"code\":429}}";
            fails(path, header, limited, FailureKind::RateLimited, "slow down").await;
            let indented = "{\n  \"error\": {\n    \"message\": \"slow down\",\n    \"code\": 429\n  }\n}\n";
            fails(path, header, indented, FailureKind::RateLimited, "slow down").await;
            fails(path, header, html, FailureKind::Broken, "Sign in").await;
            fails(path, header, "upstream connect error", FailureKind::Unavailable, "upstream connect").await;
            fails(path, header, "{\"pong\":1}", FailureKind::Broken, "pong").await;
            fails(path, header, "{\"cut", FailureKind::Broken, "cut").await;
            fails(path, header, "\u{1f}\u{8b}\u{8}\0\0", FailureKind::Broken, "").await;
        }
    }
}

#[tokio::test]
async fn an_error_beside_the_events_has_the_class_that_it_names() {
    for (path, begin) in [(PATHS[0], HI), (PATHS[1], RESPONSE_HI)] {
        for begin in ["", begin] {
            for error in [
                "error: {\"message\":\"slow down\",\"code\":429}\n\n",
                "error: {\"message\":\"slow down\",\"code\":429}",
                "Error:{\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n",
                "{\"error\":{\"message\":\"slow down\",\"code\":429}}",
                "{\"error\":{\"message\":\"slow down\",\"code\":429}}\n",
                "{\r\n\"error\":{\"message\":\"slow down\",\"code\":429}\r\n}\r\n",
                "event: error\ndata: {\"message\":\"slow down\",\"code\":429}\n\n",
                "event: error\ndata: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n",
                "event: error\ndata: {\"message\":\"slow down\",\"code\":429}",
                "event:ERROR\rdata:{\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}\r\r",
                "event: response.error\ndata: {\"message\":\"slow down\",\"code\":429}\n\n",
            ] {
                let body = format!("{begin}{error}");
                fails(path, TYPE, &body, FailureKind::RateLimited, "slow down").await;
                // What follows an error does not undo it.
                let body = format!("{body}\n\n{}{}", CHAT.concat(), RESPONSE.concat());
                fails(path, TYPE, &body, FailureKind::RateLimited, "slow down").await;
            }
        }
    }
}

#[tokio::test]
async fn every_form_of_an_error_as_json_is_found_beside_the_events() {
    for (path, begin, rest) in [(PATHS[0], HI, &CHAT[1..]), (PATHS[1], RESPONSE_HI, &RESPONSE[1..])] {
        for error in [
            "{\"detail\":\"slow down\"}",
            "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"slow down\"}]}",
            "{\"message\":\"slow down\",\"code\":429}",
            "{\"object\":\"error\",\"message\":\"slow down\",\"code\":429}",
            "{\"type\":\"error\",\"error\":{\"message\":\"slow down\"}}",
            "{\"error\":\"slow down\"}",
            "{\"errors\":[{\"message\":\"slow down\"}]}",
            "[{\"error\":{\"message\":\"slow down\",\"code\":429}}]",
        ] {
            let body = format!("{begin}{error}\n{}", rest.concat());
            let (_, found) = call(path, TYPE, &body).await;
            let found = found.unwrap_or_else(|| panic!("{path}, {error}: complete"));
            let words = found.source().map(ToString::to_string).unwrap_or_default();
            assert!(words.contains("slow down"), "{path}, {error}: {words}");
        }
    }
}

#[tokio::test]
async fn an_error_in_plain_words_breaks_the_answer() {
    let page = "<html><head><title>502 Bad Gateway</title></head></html>\n";
    for (path, begin, rest) in [(PATHS[0], HI, &CHAT[1..]), (PATHS[1], RESPONSE_HI, &RESPONSE[1..])] {
        for (error, words) in [
            ("event: error\ndata: the engine died\n\n", "the engine died"),
            ("event: error\ndata: the engine\ndata: died\n\n", "the engine died"),
            ("error: the engine died\n\n", "the engine died"),
            (page, "502 Bad Gateway"),
            ("event: error\ndata: \"the engine died\"\n\n", "the engine died"),
        ] {
            fails(path, TYPE, &format!("{begin}{error}{}", rest.concat()), FailureKind::Broken, words).await;
        }
        for words in ["Internal Server Error", "upstream connect error or disconnect/reset: overflow"] {
            let body = format!("{begin}{words}\n{}", rest.concat());
            fails(path, TYPE, &body, FailureKind::Broken, words).await;
        }
        // Words of no meaning by themselves are for the log if the answer does not end.
        fails(path, TYPE, &format!("{begin}Please sign in\n"), FailureKind::Broken, "Please sign in").await;
    }
}

#[tokio::test]
async fn what_names_no_error_does_no_harm() {
    for (path, events) in [(PATHS[0], CHAT), (PATHS[1], RESPONSE)] {
        for harmless in [
            "foo: bar\n",
            "foo: bar\n\n",
            "plain words\n\n",
            ": error: this is a comment\n\n",
            "error: null\n\n",
            "error: {}\n",
            "error:\n\n",
            "event: ping\ndata: {\"type\": \"ping\"}\n\n",
            "event: ping\ndata: junk {\n\n",
            "event: heartbeat\ndata: 2026-01-01\n\n",
            "event: open\ndata: connected\n\n",
            "event: error\n\n",
            "id: 7\nretry: 10\n\n",
            "{\"object\": \"something else\"}\n",
            "[1, 2]\n",
            "{ this is no JSON\n",
        ] {
            let (first, rest) = events.split_first().unwrap();
            is_hi(path, TYPE, &format!("{harmless}{}", events.concat())).await;
            is_hi(path, TYPE, &format!("{first}{harmless}{}", rest.concat())).await;
            is_hi(path, TYPE, &format!("{}{harmless}", events.concat())).await;
        }
        let unspaced = events.concat().replace("data: ", "data:").replace('\n', "\r");
        is_hi(path, TYPE, &unspaced).await;
    }
}

#[tokio::test]
async fn blank_lines_between_events_may_be_missing() {
    for (path, events) in [(PATHS[0], CHAT), (PATHS[1], RESPONSE)] {
        let dense = events.concat().replace("\n\n", "\n");
        let unnamed = dense.replace("event: response.output_text.delta\n", "");
        let unnamed = unnamed.replace("event: response.completed\n", "");
        for dense in [dense, unnamed] {
            is_hi(path, TYPE, &dense).await;
            is_hi(path, TYPE, dense.trim_end()).await;
            is_hi(path, TYPE, &format!("{dense}\n")).await;
            // A line may lack its name as well, as in NDJSON.
            is_hi(path, TYPE, &dense.replacen("data: {", "{", 1)).await;
            is_hi(path, TYPE, &dense.replace("data: {", "{")).await;
        }
    }
}

#[tokio::test]
async fn events_may_be_framed_twice() {
    for (path, events) in [(PATHS[0], CHAT), (PATHS[1], RESPONSE)] {
        let twice = events.concat().replace("data: ", "data: data: ");
        is_hi(path, TYPE, &twice).await;
        is_hi(path, TYPE, &twice.replace("\n\n", "\r\ndata: \r\ndata: \r\n\r\n")).await;
        is_hi(path, TYPE, &twice.replace("\n\n", "\n")).await;
    }
}

#[tokio::test]
async fn a_part_of_the_answer_is_never_passed_over() {
    for (path, events) in [(PATHS[0], CHAT), (PATHS[1], RESPONSE)] {
        let body = events.concat();
        for begin in [" data: ", "Data: ", "ta: ", "data : ", ""] {
            is_hi(path, TYPE, &body.replacen("data: ", begin, 1)).await;
        }
        is_hi(path, TYPE, &format!("event: ping\n{body}")).await;
        is_hi(path, TYPE, &body.replace("event: response.output_text.delta", "event: ping")).await;
    }
    for gap in ["ta: {\"choices\": [{\"del", "{\"choices\": [{\"del"] {
        let body = format!("{HI}{gap}\n{}", CHAT.concat());
        fails(PATHS[0], TYPE, &body, FailureKind::Broken, "another format").await;
    }
}

#[tokio::test]
async fn the_end_may_be_written_in_other_ways() {
    for end in ["data: [done]\n\n", "data: [Done]", "[DONE]\n", "data: data: [DONE]\n\n"] {
        is_hi(PATHS[0], TYPE, &format!("{HI}{end}")).await;
    }
}

#[tokio::test]
async fn an_answer_in_another_format_is_not_in_the_log() {
    for body in [
        "{\"message\": {\"role\": \"assistant\", \"content\": \"secret\"}, \"done\": true}",
        "{\"choices\": [{\"message\": {\"content\": \"secret",
        "Data: {\"choices\": [{\"delta\": {\"content\": \"secret\"}}\n\n",
        "text\": \"secret\", \"annotations\": []}]}\n\n",
        "data: chunk: {\"choices\": [{\"delta\": {\"content\": \"secret\"}}]}\n\n",
    ] {
        for path in PATHS {
            let (_, error) = call(path, TYPE, body).await;
            let words = error.unwrap().source().unwrap().to_string();
            assert!(!words.contains("secret") && words.contains("another format"), "{body}: {words}");
        }
    }
}

#[tokio::test]
async fn plain_words_as_data_are_an_error() {
    for (path, begin, rest) in [(PATHS[0], HI, &CHAT[1..]), (PATHS[1], RESPONSE_HI, &RESPONSE[1..])] {
        for words in ["Error: out of memory", "[ERROR] out of memory", "Internal: out of memory"] {
            let body = format!("{begin}data: {words}\n\n{}", rest.concat());
            fails(path, TYPE, &body, FailureKind::Broken, "out of memory").await;
        }
        for keep_alive in ["ping", "[PING]", ": keep-alive", "heartbeat"] {
            is_hi(path, TYPE, &format!("{begin}data: {keep_alive}\n\n{}", rest.concat())).await;
        }
    }
}

#[tokio::test]
async fn an_answer_may_have_any_status_of_success_with_a_whole_body() {
    for status in ["201 Created", "202 Accepted", "203 Other"] {
        let head = format!("HTTP/1.1 {status}\r\n{TYPE}\r\nConnection: close\r\n\r\n");
        let server = RawServer::start(at_once(&[&head, &CHAT.concat()])).await;
        let (said, error) = crate::call(&server.base_url, PATHS[0], LONG).await;
        assert!(error.is_none(), "{status}: {error:?}");
        assert_eq!(said, "Hi");
    }
}

#[tokio::test]
async fn lines_of_json_without_data_are_events() {
    for (path, events) in [(PATHS[0], CHAT), (PATHS[1], RESPONSE)] {
        let whole = events.concat();
        let lines = whole.lines().filter_map(|line| line.strip_prefix("data: "));
        let lines: Vec<&str> = lines.filter(|line| *line != "[DONE]").collect();
        let lines = lines.join("\n") + "\n";
        for header in [TYPE, "Content-Type: application/x-ndjson", "X-No: type"] {
            is_hi(path, header, &lines).await;
            is_hi(path, header, lines.trim_end()).await;
        }
        let cut = &lines[..lines.find('\n').unwrap() + 10];
        let (said, error) = call(path, TYPE, cut).await;
        assert_eq!(said, "Hi");
        assert!(error.is_some(), "{path}: a cut answer is not complete");
    }
}

#[tokio::test]
async fn a_last_event_without_its_blank_line_is_taken_if_it_is_whole() {
    for (path, events) in [(PATHS[0], CHAT), (PATHS[1], RESPONSE)] {
        let whole = events.concat();
        is_hi(path, TYPE, whole.trim_end()).await;
        is_hi(path, TYPE, &format!("{}\n", whole.trim_end())).await;
    }
    // Cut anywhere in the last event, the answer is not complete.
    for length in 1..RESPONSE_DONE.trim_end().len() {
        let body = [RESPONSE_HI, &RESPONSE_DONE[..length]].concat();
        let (said, error) = call(PATHS[1], TYPE, &body).await;
        assert_eq!(said, "Hi");
        assert_eq!(error.unwrap().failure(), FailureKind::Truncated, "{body}");
    }
}

#[tokio::test]
async fn a_clean_cut_of_any_framing_never_completes_an_answer() {
    for (path, events, last) in [(PATHS[0], CHAT, STOP), (PATHS[1], RESPONSE, RESPONSE_DONE)] {
        let ordinary = events.concat();
        let json = |text: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
            lines.filter(|line| *line != "[DONE]").map(str::to_owned).collect()
        };
        // The answer is complete where the JSON of its last event ends.
        let end = json(last).pop().unwrap();
        for body in [
            ordinary.clone(),
            ordinary.replace('\n', "\r\n"),
            ordinary.replace("\n\n", "\n"),
            json(&ordinary).join("\n"),
        ] {
            let complete_at = body.find(&end).unwrap() + end.len();
            for length in (0..complete_at).step_by(3) {
                let (said, error) = call(path, TYPE, &body[..length]).await;
                assert!("Hi".starts_with(&said), "{path}: {:?}", &body[..length]);
                assert!(error.is_some(), "{path}: {:?}", &body[..length]);
            }
            is_hi(path, TYPE, &body[..complete_at]).await;
        }
    }
}

//! What an event is, by its name and the form of its data.

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventMeaning {
    /// A part of the answer, or an error inside of its data.
    Answer,
    /// An error, whatever its data is.
    Error,
    /// Neither: it keeps the connection open, or it is about something else.
    Nothing,
}

/// Names of events that keep the connection open, and data of such events without a name.
const KEEP_ALIVE: [&str; 7] =
    ["comment", "heartbeat", "keep-alive", "keep_alive", "keepalive", "ping", "pong"];

/// Returns what an event is. `name` is `message` if it has none, and empty for comments.
pub(crate) fn meaning(name: &str, data: &str) -> EventMeaning {
    let is_object = data.starts_with('{');
    let is_unnamed = name == "message";
    if (is_unnamed && is_object) || is_done(data) {
        return EventMeaning::Answer;
    }
    let name_or_word = if is_unnamed { data.trim_matches(|c: char| !c.is_alphanumeric()) } else { name };
    if KEEP_ALIVE.iter().any(|known| known.eq_ignore_ascii_case(name_or_word)) && !holds_answer(data) {
        return EventMeaning::Nothing;
    }
    // `error`, `response.error`, `stream_error`
    let last_part = name.rsplit(['.', '_', '-']).next().unwrap_or(name);
    if last_part.eq_ignore_ascii_case("error") {
        return EventMeaning::Error;
    }
    // All events of an answer are objects. Others have names of their own, such as `open`.
    if is_object || is_unnamed || name.starts_with("response.") {
        EventMeaning::Answer
    } else {
        EventMeaning::Nothing
    }
}

/// Whether a text looks like an event with a part of an answer, in either API.
pub(crate) fn holds_answer(text: &str) -> bool {
    ["\"choices\"", "\"response.output_", "\"response.refusal."].iter().any(|field| text.contains(field))
}

/// Whether data, or a line without `data:`, says that the stream has ended.
pub(crate) fn is_done(data: &str) -> bool {
    data.eq_ignore_ascii_case("[DONE]")
}

/// Returns the data without a second `data:`, which servers add that frame their events twice.
pub(crate) fn without_field_name(mut data: &str) -> &str {
    while let Some(value) = data.strip_prefix("data:") {
        data = value.trim_start();
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_event_decides() {
        for (name, data, expected) in [
            ("message", "{}", EventMeaning::Answer),
            ("message", "not json", EventMeaning::Answer),
            ("message", "ping", EventMeaning::Nothing),
            ("message", ": Keep-Alive", EventMeaning::Nothing),
            ("message", "[HEARTBEAT]", EventMeaning::Nothing),
            ("response.output_text.delta", "{\"cut", EventMeaning::Answer),
            ("response.output_text.delta", "cut", EventMeaning::Answer),
            ("chat.completion.chunk", "{}", EventMeaning::Answer),
            ("done", "[DONE]", EventMeaning::Answer),
            ("error", "[DONE]", EventMeaning::Answer),
            ("message", "[done]", EventMeaning::Answer),
            ("error", "words", EventMeaning::Error),
            ("ERROR", "{}", EventMeaning::Error),
            ("response.error", "{}", EventMeaning::Error),
            ("ping", "{\"cut", EventMeaning::Nothing),
            ("ping", "{\"choices\":[]}", EventMeaning::Answer),
            ("Heartbeat", "", EventMeaning::Nothing),
            ("open", "connected", EventMeaning::Nothing),
            ("", "", EventMeaning::Nothing),
        ] {
            assert_eq!(meaning(name, data), expected, "{name} {data}");
        }
    }
}

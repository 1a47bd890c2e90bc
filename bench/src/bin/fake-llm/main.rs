//! A fake provider that answers as fast as one thread can. It speaks OpenAI's Chat Completions, whole and streamed,
//! and the Responses API, streamed. The name of the model tells what it answers and how fast.
//!
//! `fake-llm PORT`

mod answers;
mod scripts;

use std::borrow::Cow;
use std::collections::HashMap;
use std::env;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use omnichat_bench::framing::Incoming;
use omnichat_bench::models::Pace;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

use crate::answers::{Answer, Wire};

/// The answers so far: each is built once.
type Known = Arc<Mutex<HashMap<(Wire, String), Arc<Answer>>>>;

/// The fields of a request that decide the answer.
#[derive(Deserialize)]
struct RequestFields<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(default)]
    stream: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let port: u16 = env::args().nth(1).context("fake-llm PORT")?.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let known = Known::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let known = Arc::clone(&known);
        // An error means that the client left; the provider goes on.
        tokio::spawn(async move { serve(stream, &known).await.ok() });
    }
}

async fn serve(stream: TcpStream, known: &Known) -> io::Result<()> {
    let mut incoming = Incoming::new(stream)?;
    let mut body = Vec::new();
    while let Some(head) = incoming.request().await? {
        body.clear();
        while incoming.piece(&head, &mut body).await? {}
        match answer(known, &head.path, &body) {
            Ok(answer) => write(&mut incoming.stream, &answer).await?,
            Err(refusal) => incoming.stream.write_all(&refusal).await?,
        }
    }
    Ok(())
}

fn answer(known: &Known, path: &str, body: &[u8]) -> Result<Arc<Answer>, Vec<u8>> {
    if path.ends_with("/models") {
        return Ok(Arc::new(Answer::models()));
    }
    let is_chat = path.ends_with("/chat/completions");
    if !is_chat && !path.ends_with("/responses") {
        return Err(answers::refusal("404 Not Found", "no such path"));
    }
    let fields: RequestFields<'_> = serde_json::from_slice(body)
        .map_err(|error| answers::refusal("400 Bad Request", &error.to_string()))?;
    let wire = match (is_chat, fields.stream) {
        (true, false) => Wire::Chat,
        (true, true) => Wire::ChatStream,
        (false, true) => Wire::ResponsesStream,
        (false, false) => return Err(answers::refusal("400 Bad Request", "responses are streamed here")),
    };
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = known.entry((wire, fields.model.into_owned()));
    Ok(Arc::clone(answer.or_insert_with_key(|(wire, model)| Arc::new(Answer::new(*wire, model)))))
}

async fn write(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let mut ticks = match answer.pace {
        Pace::AtOnce => None,
        Pace::PerSecond(rate) => {
            let mut ticks = interval(Duration::from_secs(1) / rate);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Some(ticks)
        }
    };
    for piece in &answer.pieces {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        stream.write_all(piece).await?;
    }
    Ok(())
}

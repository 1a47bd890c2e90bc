//! Long JSON answers: read in batches and written while they are read, so that at any time about one batch of them
//! stands in memory.

use std::rc::Rc;
use std::vec::IntoIter;

use actix_web::http::Method;
use actix_web::http::header::ContentType;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponseBuilder};
use bytes::Bytes;
use domain::Message;
use futures_util::stream;
use serde::Serialize;
use services::{ConversationReader, ConversationsError, ListedPiece, MessageReader};

use super::chunks::CutOff;
use super::json_writer::JsonWriter;
use super::log::{StreamEnd, StreamLog};
use super::stall::StallGuard;
use crate::HttpSettings;
use crate::error::{ApiError, HandlerResult};

/// About how many bytes one chunk has at most.
const CHUNK_BYTES: usize = 32 * 1024;

/// What a long answer is made of.
pub(crate) trait Batches: 'static {
    /// A piece of the answer.
    type Item;

    /// Reads the next batch; `None` after the last one.
    async fn next(&mut self) -> Result<Option<Vec<Self::Item>>, ConversationsError>;

    /// Whether there is another batch after those that were read.
    fn has_rest(&self) -> bool;
}

impl Batches for MessageReader {
    type Item = Message;

    async fn next(&mut self) -> Result<Option<Vec<Message>>, ConversationsError> {
        Self::next(self).await
    }

    fn has_rest(&self) -> bool {
        Self::has_rest(self)
    }
}

impl Batches for ConversationReader {
    type Item = ListedPiece;

    async fn next(&mut self) -> Result<Option<Vec<ListedPiece>>, ConversationsError> {
        Self::next(self).await
    }

    fn has_rest(&self) -> bool {
        Self::has_rest(self)
    }
}

/// Responds with a JSON text: `body`, which ends in an empty list (see [`JsonWriter::open`]), with what `write` adds to
/// this list for each item of the batches.
///
/// The first batch is read before anything is sent. If it is the only one, the response is an ordinary one; otherwise
/// it is streamed, and cut off where a later batch cannot be read.
///
/// # Errors
/// If the first batch cannot be read.
pub(crate) async fn respond_json<B, W>(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    body: &impl Serialize,
    batches: B,
    write: W,
) -> HandlerResult
where
    B: Batches,
    W: FnMut(&mut JsonWriter, B::Item) -> Result<(), serde_json::Error> + 'static,
{
    let mut json = JsonWriter::default();
    json.open(body).map_err(|error| not_json(&error))?;
    let mut text = LongText { batches, batch: Vec::new().into_iter(), write, json, is_complete: false };
    text.read_batch().await?;
    response.content_type(ContentType::json());
    if !text.batches.has_rest() {
        while !text.is_complete {
            text.write_more().await?;
        }
        return Ok(response.body(text.json.take(usize::MAX)));
    }
    if *request.method() == Method::HEAD {
        // The rest would be read for nothing.
        return Ok(response.streaming(stream::empty::<Result<Bytes, CutOff>>()));
    }
    let settings = request.app_data::<Data<HttpSettings>>();
    let settings = settings.ok_or_else(|| ApiError::internal("the settings are missing".to_owned()))?;
    let log = Rc::new(StreamLog::new(request, None));
    let state = State { text, log: Rc::clone(&log), is_cut_off: false };
    let chunks = Box::pin(stream::unfold(state, State::next));
    Ok(response.streaming(StallGuard::new(chunks, settings.stall_limit, request, log)))
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::internal(format!("a response could not be written as JSON: {error}"))
}

/// The text of a long answer.
struct LongText<B: Batches, W> {
    batches: B,
    /// What is not yet written of the batch that was read last.
    batch: IntoIter<B::Item>,
    write: W,
    json: JsonWriter,
    is_complete: bool,
}

impl<B, W> LongText<B, W>
where
    B: Batches,
    W: FnMut(&mut JsonWriter, B::Item) -> Result<(), serde_json::Error>,
{
    /// Writes the next item. After the last one of a batch, reads the next batch, or ends the text.
    async fn write_more(&mut self) -> Result<(), ApiError> {
        match self.batch.next() {
            Some(item) => (self.write)(&mut self.json, item).map_err(|error| not_json(&error)),
            None => self.read_batch().await,
        }
    }

    async fn read_batch(&mut self) -> Result<(), ApiError> {
        if let Some(batch) = self.batches.next().await? {
            self.batch = batch.into_iter();
        } else {
            self.json.finish();
            self.is_complete = true;
        }
        Ok(())
    }
}

/// A long answer that is being streamed.
struct State<B: Batches, W> {
    text: LongText<B, W>,
    log: Rc<StreamLog>,
    is_cut_off: bool,
}

impl<B, W> State<B, W>
where
    B: Batches,
    W: FnMut(&mut JsonWriter, B::Item) -> Result<(), serde_json::Error>,
{
    async fn next(mut self) -> Option<(Result<Bytes, CutOff>, Self)> {
        while self.text.json.len() < CHUNK_BYTES && !self.text.is_complete && !self.is_cut_off {
            if let Err(error) = self.text.write_more().await {
                self.log.fail(&error);
                self.is_cut_off = true;
            }
        }
        let chunk = self.text.json.take(CHUNK_BYTES);
        if !chunk.is_empty() {
            self.log.count_bytes(chunk.len());
            return Some((Ok(chunk), self));
        }
        if self.is_cut_off {
            self.log.end(StreamEnd::Failed);
            return Some((Err(CutOff), self));
        }
        self.log.end(StreamEnd::Completed);
        None
    }
}

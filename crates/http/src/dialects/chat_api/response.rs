//! Responses of S1: sessions, replies and files.

use domain::{Conversation, DefaultModels, File, Message, Role};
use serde::Serialize;
use services::{Attached, CompletedTurn, ListedPiece};

use crate::stream::JsonWriter;
use crate::wire::{self, UsageBody};

/// The title that is shown for a session without one, because the contract does not allow null.
const UNTITLED: &str = "New conversation";

/// A session with its messages.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    id: i64,
    user_id: i64,
    /// The application that created the session, if the token named one.
    application_id: Option<i64>,
    /// The model that answers the messages in the session.
    model: String,
    /// The title; `New conversation` while the session has none.
    title: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// The messages, oldest first.
    messages: Vec<MessageBody>,
}

/// A message.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SessionMessage)]
struct MessageBody {
    /// `user` or `assistant`.
    role: &'static str,
    content: String,
}

impl SessionBody {
    /// A session without messages.
    pub(crate) fn empty(conversation: &Conversation, defaults: &DefaultModels) -> Self {
        Self {
            id: conversation.number.0,
            user_id: conversation.owner.0,
            application_id: conversation.application,
            model: defaults.shown(conversation).to_string(),
            title: title(conversation),
            created_at: wire::time(conversation.created_at),
            updated_at: wire::time(conversation.updated_at),
            messages: Vec::new(),
        }
    }
}

fn title(conversation: &Conversation) -> String {
    conversation.title.as_ref().map_or(UNTITLED, |title| title.as_str()).to_owned()
}

/// A page of sessions.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = History)]
pub(crate) struct HistoryBody {
    /// The number of all sessions that match.
    pub(crate) total: u64,
    /// The number of this page, from 1.
    pub(crate) page: u32,
    /// The number of sessions on a page.
    pub(crate) page_size: u32,
    /// The sessions, the last updated first.
    pub(crate) sessions: Vec<SessionBody>,
}

/// A session with its new model.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SwitchedSession)]
pub(crate) struct SwitchedBody {
    session_id: i64,
    /// The model that answers all later messages in the session.
    model: String,
    /// The title; `New conversation` while the session has none.
    title: String,
    /// All messages, oldest first.
    messages: Vec<MessageBody>,
}

impl SwitchedBody {
    /// A session without messages.
    pub(crate) fn empty(conversation: &Conversation, defaults: &DefaultModels) -> Self {
        Self {
            session_id: conversation.number.0,
            model: defaults.shown(conversation).to_string(),
            title: title(conversation),
            messages: Vec::new(),
        }
    }
}

/// Writes a message of a list.
pub(crate) fn write_message(json: &mut JsonWriter, message: &Message) -> Result<(), serde_json::Error> {
    json.item(&MessageBody { role: message.role.as_str(), content: message.text() })
}

/// Writes a piece of a list of sessions.
pub(crate) fn write_piece(
    json: &mut JsonWriter,
    piece: ListedPiece,
    defaults: &DefaultModels,
) -> Result<(), serde_json::Error> {
    match piece {
        ListedPiece::Conversation(conversation) => json.open(&SessionBody::empty(&conversation, defaults)),
        ListedPiece::Message(message) => write_message(json, &message),
        ListedPiece::End => {
            json.close();
            Ok(())
        }
    }
}

/// The reply to a message, where it is not streamed.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SessionReply)]
pub(crate) struct ReplyBody {
    session_id: i64,
    /// The model that answered.
    model: String,
    message: MessageBody,
    /// The title of the session.
    title: String,
    usage: UsageBody,
    /// Only if the reply is incomplete: `stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl From<&CompletedTurn> for ReplyBody {
    fn from(turn: &CompletedTurn) -> Self {
        Self {
            session_id: turn.conversation.number.0,
            model: turn.model.to_string(),
            message: MessageBody { role: Role::Assistant.as_str(), content: turn.reply.text() },
            title: title(&turn.conversation),
            usage: turn.ending.usage.into(),
            state: wire::state(turn.ending.state.message_state()),
        }
    }
}

/// The response to an upload.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UploadedFile)]
pub(crate) struct UploadedBody {
    file: FileBody,
    message: &'static str,
}

/// A file.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = File)]
struct FileBody {
    id: i64,
    /// The name that the client gave the file.
    filename: String,
    /// The size in bytes.
    file_size: u64,
    mime_type: &'static str,
    /// The text that was found in the pages that were read, at most 1 MiB of it; empty if `metadata.has_text` is false.
    extracted_text: String,
    metadata: FileMetadata,
}

#[derive(Serialize, utoipa::ToSchema)]
struct FileMetadata {
    page_count: u32,
    /// How many pages were read, from the first one on: at most 500, and fewer if their text reaches 1 MiB or reading them
    /// takes too long. The model is given no text of later pages, and is told that there are some.
    pages_read: u32,
    /// Whether any text was read. False for a scan without a text layer, for blank pages, and if no font of the file says
    /// what its characters are: then the model is told only that the file is there.
    has_text: bool,
    /// A URL at which the file can be read for a limited time; absent if the file storage has no URLs.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl From<Attached> for UploadedBody {
    fn from(attached: Attached) -> Self {
        let Attached { file, link } = attached;
        let File { number, conversation: _, blob: _, name, size, pages, pages_read, text, created_at: _ } =
            file;
        let has_text = !text.trim().is_empty();
        let file = FileBody {
            id: number.0,
            filename: name.to_string(),
            file_size: size,
            mime_type: domain::file::PDF,
            extracted_text: text,
            metadata: FileMetadata { page_count: pages, pages_read, has_text, url: link },
        };
        Self { file, message: "File uploaded successfully" }
    }
}

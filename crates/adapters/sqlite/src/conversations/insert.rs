//! New conversations.

use std::collections::HashMap;

use domain::{
    Conversation, ConversationId, ConversationNumber, HistoryLocation, NewConversation, Seq, Totals,
};
use serde::Serialize;
use sqlx::SqliteConnection;
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::values::{json_of, micros};

/// Makes a conversation without messages.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    new: NewConversation,
) -> Result<Conversation, DbError> {
    let mut conversation = unnumbered(new);
    let row = ConversationToInsert::new(&conversation, Seq(0));
    let numbers = insert_all(connection, &[row]).await?;
    let number = numbers.get(&conversation.id).copied();
    conversation.number = number.ok_or_else(|| DbError::refused("the new conversation got no number"))?;
    Ok(conversation)
}

/// A new conversation, before the database has numbered it.
pub(crate) fn unnumbered(new: NewConversation) -> Conversation {
    Conversation {
        id: new.id,
        number: ConversationNumber(0),
        owner: new.owner,
        label: new.label,
        project: new.project,
        persona: new.persona,
        begun_by: new.begun_by,
        home: new.home,
        title: new.title,
        model: new.model,
        last_model: None,
        metadata: new.metadata,
        summary: None,
        application: new.application,
        active: true,
        message_count: 0,
        totals: Totals::default(),
        last_seq: Seq(0),
        running: None,
        created_at: new.at,
        updated_at: new.at,
    }
}

/// A row to insert into `conversations`.
#[derive(Debug, Serialize)]
pub(crate) struct ConversationToInsert {
    id: Simple,
    owner: i64,
    created_at: i64,
    updated_at: i64,
    running: Option<Simple>,
    last_seq: i64,
    head_seq: i64,
    message_count: u32,
    persona: Option<i64>,
    application: Option<i64>,
    begun_by: &'static str,
    provider: Option<String>,
    model: Option<String>,
    label: String,
    project: Option<String>,
    title: Option<String>,
    metadata: String,
}

impl ConversationToInsert {
    /// The row of a conversation whose active path ends at `head`.
    pub(crate) fn new(conversation: &Conversation, head: Seq) -> Self {
        Self {
            id: conversation.id.0.simple(),
            owner: conversation.owner.0,
            created_at: micros(conversation.created_at),
            updated_at: micros(conversation.updated_at),
            running: conversation.running.map(|turn| turn.0.simple()),
            last_seq: conversation.last_seq.0,
            head_seq: head.0,
            message_count: conversation.message_count,
            persona: conversation.persona.map(|persona| persona.0),
            application: conversation.application,
            begun_by: stored::contract_name(conversation.begun_by),
            provider: match &conversation.home {
                HistoryLocation::Local => None,
                HistoryLocation::OpenAi(id) => Some(id.clone()),
            },
            model: conversation.model.as_ref().map(ToString::to_string),
            label: conversation.label.as_str().to_owned(),
            project: conversation.project.as_ref().map(|project| project.as_str().to_owned()),
            title: conversation.title.as_ref().map(ToString::to_string),
            metadata: conversation.metadata.as_str().to_owned(),
        }
    }
}

/// Inserts conversations and answers their numbers, which rise in the order given.
pub(crate) async fn insert_all(
    connection: &mut SqliteConnection,
    conversations: &[ConversationToInsert],
) -> Result<HashMap<ConversationId, ConversationNumber>, DbError> {
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    let conversations = json_of(conversations)?;
    let numbered = sqlx::query!(
        r#"INSERT INTO conversations
             (id, owner, created_at, updated_at, running_turn, last_seq, head_seq, message_count, persona_id,
              application_id, begun_by, provider_id, model, label, project, title, metadata)
           SELECT unhex(j.value->>'id'), j.value->>'owner', j.value->>'created_at', j.value->>'updated_at',
             unhex(j.value->>'running'), j.value->>'last_seq', j.value->>'head_seq', j.value->>'message_count',
             j.value->>'persona',
             j.value->>'application', j.value->>'begun_by', j.value->>'provider', j.value->>'model',
             j.value->>'label', j.value->>'project', j.value->>'title', j.value->>'metadata'
           FROM json_each(?1) AS j ORDER BY j.key
           RETURNING id AS "id: Uuid", number AS "number!: i64""#,
        conversations,
    )
    .fetch_all(connection)
    .await?;
    Ok(numbered.into_iter().map(|row| (ConversationId(row.id), ConversationNumber(row.number))).collect())
}

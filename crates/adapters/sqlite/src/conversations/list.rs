//! Lists of conversations.

use domain::{Conversation, Label, Page, ProjectId, UserId};
use ports::ConversationFilter;
use sqlx::SqlitePool;
use stored::{contract_names, count_from, readable};

use crate::error::DbError;
use crate::rows::select_conversations;
use crate::values::{json_of, micros};

/// A filter as the arguments of a statement; `None` is no condition.
struct Conditions<'a> {
    owner: i64,
    label: Option<&'a str>,
    project: Option<&'a str>,
    persona: Option<i64>,
    any_persona: bool,
    model: Option<&'a str>,
    /// The contracts whose default that model is, as a JSON array of their names.
    default_of: String,
    created_from: Option<i64>,
    created_before: Option<i64>,
}

impl<'a> Conditions<'a> {
    fn new(caller: UserId, filter: &'a ConversationFilter) -> Result<Self, DbError> {
        let model = filter.model.as_ref();
        let default_of = model.map_or_else(Vec::new, |model| contract_names(&model.default_of));
        Ok(Self {
            owner: caller.0,
            label: filter.label.as_ref().map(Label::as_str),
            project: filter.project.as_ref().map(ProjectId::as_str),
            persona: filter.persona.map(|persona| persona.0),
            any_persona: filter.any_persona,
            model: model.map(|model| model.name.as_str()),
            default_of: json_of(&default_of)?,
            created_from: filter.created_from.map(micros),
            created_before: filter.created_before.map(micros),
        })
    }
}

/// A statement over the conversations that meet conditions; takes what comes before and after these, and its arguments.
macro_rules! matching {
    ($statement:ident, $conditions:ident, $before:literal, $after:literal $(, $argument:expr)* $(,)?) => {
        $statement!(
            $before + "WHERE deleted_at IS NULL AND owner = ?1
               AND (?2 IS NULL OR label = ?2)
               AND (?3 IS NULL OR project = ?3)
               AND (?4 IS NULL OR persona_id = ?4)
               AND (NOT ?5 OR persona_id IS NOT NULL)
               AND (?6 IS NULL OR coalesce(model, last_model,
                 CASE WHEN begun_by IN (SELECT value FROM json_each(?9)) THEN ?6 END) = ?6)
               AND (?7 IS NULL OR created_at >= ?7)
               AND (?8 IS NULL OR created_at < ?8) " + $after,
            $conditions.owner,
            $conditions.label,
            $conditions.project,
            $conditions.persona,
            $conditions.any_persona,
            $conditions.model,
            $conditions.created_from,
            $conditions.created_before,
            $conditions.default_of
            $(, $argument)*
        )
    };
}

macro_rules! count_conversations {
    ($tail:literal $(+ $more:literal)* $(, $argument:expr)*) => {
        sqlx::query_scalar!("SELECT count(*) FROM conversations " + $tail $(+ $more)* $(, $argument)*)
    };
}

/// A page of the caller's conversations, newest update first.
pub(super) async fn list(
    reads: &SqlitePool,
    caller: UserId,
    filter: &ConversationFilter,
    page: Page,
) -> Result<Vec<Conversation>, DbError> {
    let conditions = Conditions::new(caller, filter)?;
    // The page is found by narrow rows, and only its own rows are read in full.
    let rows = matching!(
        select_conversations,
        conditions,
        "WHERE number IN (SELECT number FROM conversations ",
        "ORDER BY updated_at DESC, id DESC LIMIT ?10 OFFSET ?11) ORDER BY updated_at DESC, id DESC",
        page.limit,
        page.offset,
    )
    .fetch_all(reads)
    .await?;
    Ok(readable(rows, "conversation", |row| row.columns.id))
}

/// How many of the caller's conversations match.
pub(super) async fn count(
    reads: &SqlitePool,
    caller: UserId,
    filter: &ConversationFilter,
) -> Result<u64, DbError> {
    let conditions = Conditions::new(caller, filter)?;
    let count = matching!(count_conversations, conditions, "", "").fetch_one(reads).await?;
    Ok(count_from(count)?)
}

//! The types and rules of conversations. No async, no serde, no I/O.

pub mod chain;
pub mod conversation;
pub mod error_code;
pub mod error_kind;
pub mod file;
pub mod history;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod message;
pub mod model;
pub mod model_request;
pub mod money;
mod names;
pub mod page;
pub mod persona;
pub mod prompt_template;
pub mod reply;
pub mod sampling;
pub mod shown_model;
pub mod text;
pub mod transcript;
pub mod turn;
pub mod usage;
pub mod user;

pub use chain::chain;
pub use conversation::{
    Contract, Conversation, ConversationChange, ConversationKey, ConversationPatch, HistoryLocation, Label,
    NewConversation, ProjectId, Title, Totals,
};
pub use error_code::ErrorCode;
pub use error_kind::ErrorKind;
pub use file::{BlobKey, File, FileName, FileText, NewFile};
pub use history::{HistoryPlanner, WindowMessage};
pub use ids::{
    BlobId, ConversationId, ConversationNumber, FileNumber, MessageId, MessageNumber, PersonaId, PromptId,
    ResponseId, RunnerId, Seq, TurnId, UserId,
};
pub use ledger::{LedgerEntry, Purpose};
pub use message::{Message, MessageKey, MessageState, NewMessage, Part, ReplyFacts, Role};
pub use model::ModelName;
pub use model_request::{ModelMessage, ModelRequest, RequestOptions};
pub use money::{NanoDollars, Price};
pub use page::{MessagePage, Page, SortOrder};
pub use persona::{Persona, Relation};
pub use prompt_template::{ExpandedTooLong, Prompt, PromptFields, PromptVersion};
pub use reply::{Delta, Reply};
pub use sampling::{Sampling, SamplingError, Temperature, TopP};
pub use shown_model::{DefaultModels, ShownModel};
pub use text::{JsonText, TextError};
pub use transcript::{Placement, TranscriptMatcher};
pub use turn::{EndState, Ending, Failure, FailureKind, FinishReason, ReplyRef, TurnEvent};
pub use usage::{ReportedUsage, Usage};
pub use user::{Caller, NewUser, Tier, User, sign_in_name};

/// A time in UTC, with the precision of both stores: one microsecond.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

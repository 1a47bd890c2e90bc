//! The use cases: one struct for each aggregate, one file for each use case.
//!
//! All rules are here or in the domain. Services know no protocol, no SQL and no provider.

pub mod accounts;
pub mod conversations;
pub mod describe_error;
pub mod files;
pub mod health;
pub mod limits;
mod model_call;
pub mod models;
pub mod personas;
pub mod prompts;
pub mod sign_in;
pub mod tasks;
pub mod turns;

pub use accounts::Accounts;
pub use conversations::{
    ConversationReader, Conversations, ConversationsError, Deletion, ListedPiece, MessageQuery,
    MessageReader, NewConversationRequest,
};
pub use describe_error::{DescribeError, ErrorDescription};
pub use files::{Attached, Files, FilesError, FilesSetup, ReservedUpload, SweepResult, Upload, UploadLimit};
pub use health::{Health, HealthReport, Readiness};
pub use limits::{LimitSettings, Limits, Permit, Quota, RateLimited};
pub use models::{ConcurrencyLimited, Failover, ModelSettings, RetryPolicy, Retrying};
pub use personas::{PersonaRequest, PersonaSettings, Personas, PersonasError, PersonasSetup};
pub use ports::{
    AccessToken, BlobError, Branch, ConversationFilter, ExtractionError, PersonaChatTotals, PersonaPatch,
    PersonaRecord, PromptFilter, PromptPage, PromptPatch,
};
pub use prompts::{
    Preview, PreviewRequest, PreviewSource, PromptSettings, Prompts, PromptsError, PromptsSetup,
    RunningPreview,
};
pub use sign_in::{Registration, SignIn, SignInError, SignInSetup, SignedIn};
pub use tasks::Tasks;
pub use turns::{
    CompletedTurn, Listener, Outcome, RunningTurn, SendError, SendMessage, SendTarget, TurnFailure,
    TurnSettings, Turns, TurnsSetup, WatchError,
};

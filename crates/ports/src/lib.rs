//! The traits that the engine needs from outside, without implementations.
//!
//! Each method is one atomic change or one read. Arguments are owned and each call has its own result, so an adapter
//! may group waiting calls into one commit. With the feature `mock` every trait has a mockall mock.

pub mod blobs;
pub mod clock;
pub mod conversations;
pub mod extraction;
pub mod files;
pub mod identity;
pub mod ledger;
pub mod limits;
pub mod messages;
pub mod models;
pub mod personas;
pub mod prompts;
pub mod store;
pub mod turn_events;
pub mod turns;
pub mod users;

pub use blobs::{BlobError, Blobs};
pub use bytes::Bytes;
pub use clock::{Clock, IdSource, Jitter};
pub use conversations::{
    Access, ConversationFilter, ConversationStore, LastPage, MessageBatch, MessagesOfSeveral, Purged,
};
pub use extraction::{Extracted, ExtractionError, TextExtractor};
pub use files::FileStore;
pub use identity::{
    AccessToken, HashingError, Issuer, PasswordHasher, Subject, TokenError, TokenIssuer, TokenVerifier,
};
pub use ledger::{Ledger, LedgerTotals};
pub use limits::{Bucket, Decision, LimiterError, RateLimiter, Reservation};
pub use messages::{MessageDeletion, MessageStore};
pub use models::{BoxError, LanguageModel, ModelError, ModelEvent, ModelStream, Retry};
pub use personas::{NewPersona, PersonaChatTotals, PersonaPatch, PersonaRecord, PersonaStore};
pub use prompts::{NewPrompt, PromptChange, PromptFilter, PromptPage, PromptPatch, PromptStore};
pub use store::{StoreError, StoreHealth};
pub use turn_events::{FollowedTurn, TurnEvents};
pub use turns::{
    AppendedMessage, Begin, BeginError, Begun, Branch, Chunk, Finish, Finished, RunnerStore, Signals,
    StopOutcome, Target, TurnRecord, TurnStore, Window,
};
pub use users::{RegisterError, SignInRecord, UserChange, UserStore};

#[cfg(feature = "mock")]
pub use {
    blobs::MockBlobs,
    clock::{MockClock, MockIdSource, MockJitter},
    conversations::MockConversationStore,
    extraction::MockTextExtractor,
    files::MockFileStore,
    identity::{MockPasswordHasher, MockTokenIssuer, MockTokenVerifier},
    ledger::MockLedger,
    limits::MockRateLimiter,
    messages::MockMessageStore,
    models::MockLanguageModel,
    personas::MockPersonaStore,
    prompts::MockPromptStore,
    store::MockStoreHealth,
    turn_events::MockTurnEvents,
    turns::{MockRunnerStore, MockTurnStore},
    users::MockUserStore,
};

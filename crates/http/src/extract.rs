//! Extractors: what handlers take from a request. Their errors have the usual error body.

mod body;
mod caller;
mod client;
mod disposition;
mod field;
mod form;
mod lenient;
mod path;
mod query;
mod time;

pub(crate) use body::{JsonBody, RawBody};
pub(crate) use caller::Authenticated;
pub(crate) use client::ClientAddress;
pub(crate) use field::{message_key, object, parsed, text};
pub(crate) use form::FileForm;
pub(crate) use lenient::{
    TextOrNumber, flag, flag_schema, integer, set_flag_schema, some_integer, text_or_number_schema, word,
};
pub(crate) use path::{ConversationPath, NumberPath, ProjectPath, TurnPath};
pub(crate) use query::{ListQuery, NumberedPage, QueryParams};
pub(crate) use time::instant;

//! Parameters in the path.

use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Type};

/// A conversation, by any form of its id.
pub(crate) fn conversation(example: &str) -> Parameter {
    text("id", "The id of the conversation: a UUID, `conv_…` or its number", example)
}

/// A turn.
pub(crate) fn turn() -> Parameter {
    text(
        "id",
        "The id of the turn: `X-Turn-Id` of the response to a sent message",
        "01934a5b-6c7d-7e8f-9012-3456789abcde",
    )
}

/// A project.
pub(crate) fn project() -> Parameter {
    text("project_id", "The id of the project", "project1")
}

/// A number.
pub(crate) fn number(name: &str, description: &str, example: i64) -> Parameter {
    of_path(name, description, Object::with_type(Type::Integer), example.into())
}

fn text(name: &str, description: &str, example: &str) -> Parameter {
    of_path(name, description, Object::with_type(Type::String), example.into())
}

fn of_path(name: &str, description: &str, schema: Object, example: serde_json::Value) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example))
        .build()
}

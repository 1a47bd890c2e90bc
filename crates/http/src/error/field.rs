//! An invalid field of a request.

/// A field, a query parameter or a path parameter is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// The name of the field; `None` if the rule is about several fields.
    pub(crate) param: Option<String>,
    /// A sentence that states the rule.
    pub(crate) message: String,
}

impl FieldError {
    /// A broken rule of one field. The message is the name followed by the rule: "title must not be empty".
    pub(crate) fn new(param: &str, rule: impl std::fmt::Display) -> Self {
        Self { param: Some(param.to_owned()), message: format!("{param} {rule}") }
    }

    /// A broken rule that is not about one field. `message` is the whole sentence.
    pub(crate) fn whole(message: &str) -> Self {
        Self { param: None, message: message.to_owned() }
    }
}

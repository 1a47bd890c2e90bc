//! An invalid field of a request.

/// A field, a query value or a path value breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    /// Its name, where the rule is about one field.
    pub(crate) param: Option<String>,
    /// A sentence that names the field and the rule.
    pub(crate) message: String,
}

impl FieldError {
    /// The name of the field and the rule that it breaks, which together make a sentence.
    pub(crate) fn new(param: &str, rule: impl std::fmt::Display) -> Self {
        Self { param: Some(param.to_owned()), message: format!("{param} {rule}") }
    }

    /// A rule about several fields.
    pub(crate) fn whole(message: &str) -> Self {
        Self { param: None, message: message.to_owned() }
    }
}

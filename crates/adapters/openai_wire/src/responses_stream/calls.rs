//! The function calls of a response.

use domain::Delta;
use ports::ModelError;

use crate::chat_stream::tool_call;
use crate::json::Json;

/// The function calls that were passed on, by their ids. A call stands in the event at its end, and in the complete response.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<String>);

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a complete item; `None` if it is no function call, or was passed on before.
    pub(super) fn take(&mut self, item: Json<'_>) -> Result<Option<Delta>, ModelError> {
        if !is_call(item) {
            return Ok(None);
        }
        let text = |name: &str| item.get(name).and_then(Json::label).filter(|text| !text.is_empty());
        let id = text("call_id").or_else(|| text("id")).unwrap_or_default();
        if !id.is_empty() && self.0.contains(&id) {
            return Ok(None);
        }
        let arguments = item.get("arguments").filter(|arguments| !arguments.says_nothing());
        // Some servers send the object itself instead of its text.
        let arguments = arguments
            .map(|json| json.string().unwrap_or_else(|| json.as_str().to_owned()))
            .unwrap_or_default();
        match tool_call(id.clone(), text("name").unwrap_or_default(), &arguments) {
            Ok(delta) => {
                self.0.push(id);
                Ok(Some(delta))
            }
            // The answer was cut off in the middle of the call; `response.incomplete` follows.
            Err(_) if text("status").as_deref() == Some("incomplete") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the items of the complete response, and returns the calls that were not passed on. Some servers make new ids for
    /// them, so the number of calls counts, too.
    pub(super) fn take_missing(&mut self, items: &[Json<'_>]) -> Result<Vec<Delta>, ModelError> {
        let listed = items.iter().filter(|item| is_call(**item)).count();
        let mut missing = Vec::new();
        for item in items {
            if self.0.len() >= listed {
                break;
            }
            missing.extend(self.take(*item)?);
        }
        Ok(missing)
    }
}

fn is_call(item: Json<'_>) -> bool {
    item.get("type").and_then(Json::string).as_deref() == Some("function_call")
}

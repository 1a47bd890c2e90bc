//! All operations of the API, read from `GET /openapi.json`, so that tests forget none.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::persona_chat::{held, send};
use crate::support::prompts::prompt;
use crate::support::{App, User};

/// An operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// The path with its parameters as `{name}`.
    pub(crate) path: String,
    /// Whether it needs a token.
    pub(crate) private: bool,
    /// Its JSON body, if any.
    pub(crate) body: Option<Body>,
    /// Whether it accepts a file.
    pub(crate) takes_file: bool,
    /// The parameters of its query: name and schema.
    pub(crate) query: Vec<(String, Value)>,
    /// The parameters of its path: name and JSON type.
    pub(crate) at: Vec<(String, String)>,
}

/// A JSON body.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    /// A valid example.
    pub(crate) example: Map<String, Value>,
    /// Each field and the JSON types that it accepts; empty if the description names none.
    pub(crate) fields: BTreeMap<String, BTreeSet<String>>,
    /// The schema of each field.
    pub(crate) schemas: BTreeMap<String, Value>,
    /// The required fields.
    pub(crate) required: BTreeSet<String>,
}

/// A user, ann, with persona 1, prompt 1, conversation 1, messages 1 and 2, and their turn.
pub(crate) struct Scene {
    pub(crate) ann: User,
    pub(crate) turn: String,
}

impl Scene {
    pub(crate) async fn set(app: &App, words: &str) -> Self {
        let ann = held(app).await;
        prompt(&ann, words, words).await;
        let answer = send(&ann, 1, words).await;
        answer.ok();
        Self { ann, turn: answer.header("x-turn-id").to_owned() }
    }

    /// The path of an operation, with the ids of ann's data.
    pub(crate) fn path(&self, operation: &Operation) -> String {
        operation.at.iter().fold(operation.path.clone(), |path, (name, _)| {
            let value = match name.as_str() {
                "project_id" => "p1",
                _ if operation.path.starts_with("/turns/") => self.turn.as_str(),
                _ => "1",
            };
            path.replace(&format!("{{{name}}}"), value)
        })
    }
}

impl Operation {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether the operation answers 400 to invalid fields, and not 422 (C-5).
    pub(crate) fn names_no_422(&self) -> bool {
        self.path.starts_with("/v1/chat/")
    }
}

/// All operations. Deletions come last.
pub(crate) async fn operations(app: &App) -> Vec<Operation> {
    let document = app.probe("/openapi.json").await.ok();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            all.push(operation(&document, path, method, described));
        }
    }
    assert!(all.len() > 25, "{all:?}");
    all.sort_by_key(|operation| operation.method == Method::DELETE);
    all
}

fn operation(document: &Value, path: &str, method: &str, described: &Value) -> Operation {
    let none = Vec::new();
    let parameters = described["parameters"].as_array().unwrap_or(&none);
    let name = |parameter: &Value| parameter["name"].as_str().unwrap().to_owned();
    let placed = |place: &'static str| parameters.iter().filter(move |parameter| parameter["in"] == place);
    let contents = &described["requestBody"]["content"];
    let content = &contents["application/json"];
    Operation {
        method: method.to_uppercase().parse().unwrap(),
        path: path.to_owned(),
        private: described.get("security").is_some(),
        body: content.is_object().then(|| body(document, content)),
        takes_file: contents.get("multipart/form-data").is_some(),
        query: placed("query").map(|value| (name(value), value["schema"].clone())).collect(),
        at: placed("path")
            .map(|value| (name(value), value["schema"]["type"].as_str().unwrap().to_owned()))
            .collect(),
    }
}

fn body(document: &Value, content: &Value) -> Body {
    let schema = resolved(document, &content["schema"]);
    let named = content["examples"].as_object().and_then(|named| named.values().next());
    let example = content.get("example").or_else(|| named.map(|named| &named["value"]));
    let fields = schema["properties"].as_object().unwrap();
    let required = schema["required"].as_array().into_iter().flatten();
    Body {
        example: example.and_then(Value::as_object).cloned().unwrap_or_default(),
        fields: fields.iter().map(|(name, field)| (name.clone(), types(document, field))).collect(),
        schemas: fields
            .iter()
            .map(|(name, field)| (name.clone(), resolved(document, field).clone()))
            .collect(),
        required: required.map(|name| name.as_str().unwrap().to_owned()).collect(),
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The JSON types that a schema accepts.
fn types(document: &Value, schema: &Value) -> BTreeSet<String> {
    let schema = resolved(document, schema);
    let mut found = BTreeSet::new();
    match &schema["type"] {
        Value::String(one) => found.extend([one.clone()]),
        Value::Array(several) => found.extend(several.iter().map(|one| one.as_str().unwrap().to_owned())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        for choice in schema[key].as_array().into_iter().flatten() {
            found.extend(types(document, choice));
        }
    }
    found
}

/// The JSON type of a value, as schemas name it.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Checks for a status from 400 to 499 and the common body of errors (C-4).
#[track_caller]
pub(crate) fn is_refused(answer: &crate::support::Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
    let code = answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
    answer.is_error(answer.status, &code);
    assert_ne!(code, "", "{what}: {}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
}

/// A form with a file in it.
pub(crate) const FORM: &str = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\
    content-type: application/pdf\r\n\r\n%PDF-1.4\r\n--x--\r\n";

/// The example of a body with one field replaced.
pub(crate) fn with_field(body: &Body, field: &str, value: Value) -> Value {
    let mut changed = body.example.clone();
    changed.insert(field.to_owned(), value);
    json!(changed)
}

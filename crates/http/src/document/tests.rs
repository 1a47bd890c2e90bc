use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::openapi::OperationDoc;
use crate::routes;
use crate::rules::Access;

fn json() -> Value {
    serde_json::to_value(of(routes::endpoints())).unwrap()
}

/// Every operation: its method and path, and what the document says of it.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let item = item.as_object().unwrap();
        let named = |(method, operation): (&String, &Value)| {
            (format!("{} {path}", method.to_uppercase()), operation.clone())
        };
        item.iter().map(named).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// The routes that the document describes: all but its own.
fn routes() -> BTreeMap<String, Access> {
    let own = |path: &str| path == "/openapi.json" || path.starts_with("/docs");
    let all = routes::endpoints().into_iter().filter(|endpoint| !own(endpoint.path));
    all.map(|endpoint| (format!("{} {}", endpoint.method, endpoint.path), endpoint.rules.access)).collect()
}

/// The endpoints that have a description, with it.
fn docs() -> Vec<(Method, &'static str, OperationDoc)> {
    let described = |endpoint: Endpoint| Some((endpoint.method, endpoint.path, endpoint.doc?()));
    routes::endpoints().into_iter().filter_map(described).collect()
}

/// Every value under a key, anywhere.
fn under<'a>(key: &str, value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(entries) => {
            for (name, inner) in entries {
                if name == key {
                    found.push(inner);
                }
                under(key, inner, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|inner| under(key, inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The examples of a body.
fn examples(content: &Value) -> Vec<Value> {
    let one = content.get("example").into_iter();
    let named = content["examples"].as_object().into_iter().flat_map(|named| named.values());
    one.chain(named.map(|named| &named["value"])).cloned().collect()
}

#[test]
fn the_document_and_the_routes_are_one_set() {
    let described: BTreeSet<String> = operations(&json()).into_iter().map(|(route, _)| route).collect();
    let routed: BTreeSet<String> = routes().into_keys().collect();
    assert_eq!(described, routed);
    assert_eq!(docs().len(), described.len(), "a route is described twice");
}

#[test]
fn private_routes_want_a_token_and_public_ones_want_none() {
    let routes = routes();
    for (route, operation) in operations(&json()) {
        match routes[&route] {
            Access::Private => {
                assert_eq!(operation["security"], serde_json::json!([{"bearer": []}]), "{route}");
                assert!(operation["responses"]["401"].is_object(), "{route}");
            }
            Access::Public => assert!(operation.get("security").is_none(), "{route}"),
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = json();
    let mut references = Vec::new();
    under("$ref", &document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_example_of_a_request_can_be_sent() {
    let document = json();
    let mut sent = 0;
    for (method, path, doc) in docs() {
        let body = &document["paths"][path][method.as_str().to_lowercase()]["requestBody"];
        let Some(read) = doc.body_reader else {
            assert!(body["content"]["application/json"].is_null(), "{path}");
            continue;
        };
        let content = &body["content"]["application/json"];
        for example in examples(content) {
            read(&example).unwrap_or_else(|error| panic!("{path}: {error}: {example}"));
            fits(&document, &content["schema"], &example, Fit::Whole)
                .unwrap_or_else(|error| panic!("{path}: {error}: {example}"));
            sent += 1;
        }
    }
    assert!(sent > 20, "{sent}");
}

#[test]
fn every_operation_is_told_in_full() {
    let document = json();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for (route, operation) in operations(&document) {
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{route}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{route}");
        let used = operation["tags"].as_array().unwrap();
        assert!(!used.is_empty() && used.iter().all(|tag| tags.contains(tag.as_str().unwrap())), "{route}");
        let body = &operation["requestBody"]["content"]["application/json"];
        assert!(body.is_null() || !examples(body).is_empty(), "{route}: no example of the body");
        let in_path: Vec<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let (_, path) = route.split_once(' ').unwrap();
        let named: Vec<&str> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        assert_eq!(in_path, named, "{route}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{route}: {}", parameter["name"]);
        }
    }
}

#[test]
fn every_answer_has_an_example_that_fits_it() {
    let document = json();
    for (route, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.contains_key("200"), "{route}");
        assert!(answers.contains_key("500"), "{route}");
        for (status, answer) in answers {
            for (content_type, content) in answer["content"].as_object().unwrap() {
                let examples = examples(content);
                assert!(!examples.is_empty(), "{route} {status}");
                for (number, example) in examples.iter().enumerate() {
                    // A document's own example may lack keys that were added; then the last one has them.
                    let fit = if number + 1 == examples.len() { Fit::Whole } else { Fit::Known };
                    let problem = fits(&document, &content["schema"], example, fit).err();
                    assert_eq!(problem, None, "{route} {status} {content_type}: {example}");
                }
            }
        }
    }
}

#[test]
fn errors_are_one_schema_and_stand_under_the_status_that_they_have() {
    let document = json();
    for (route, operation) in operations(&document) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let content = &answer["content"]["application/json"];
            let health = route.starts_with("GET /health") && status == "503";
            if status == "200" || health {
                continue;
            }
            assert_eq!(content["schema"]["$ref"], "#/components/schemas/Error", "{route} {status}");
            for example in examples(content) {
                assert_eq!(example["detail"], example["error"]["message"], "{route} {status}");
                assert_ne!(example["detail"], "", "{route} {status}");
            }
        }
    }
    let upstream = |path: &str, status: &str| {
        let answers = &document["paths"][path]["post"]["responses"];
        answers[status]["content"]["application/json"]["examples"]["upstream_unavailable"].is_object()
    };
    assert!(upstream("/chat", "502") && upstream("/conversation/completion/{id}", "502"));
    assert!(upstream("/chat/conversations/{id}/send", "500"), "S4 has no 502 (C-14)");
}

#[test]
fn the_version_is_one_that_tools_know() {
    assert_eq!(json()["openapi"], "3.1.0");
}

#[test]
fn nothing_is_told_in_words_of_the_inside() {
    let document = json();
    let mut texts = Vec::new();
    under("description", &document, &mut texts);
    under("summary", &document, &mut texts);
    assert!(texts.len() > 200);
    let inside = |text: &str| {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.into_iter().any(|word| {
            let numbered = word.strip_prefix("C-").or_else(|| word.strip_prefix('S'));
            numbered.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    for text in texts.into_iter().filter_map(Value::as_str) {
        assert!(!inside(text), "{text}");
    }
}

/// How an example fits a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It has every required key.
    Whole,
    /// It has no key that is unknown.
    Known,
}

/// Checks a value against a schema, as far as the document's schemas go.
fn fits(document: &Value, schema: &Value, value: &Value, fit: Fit) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let inner = document.pointer(reference.trim_start_matches('#')).ok_or("a reference to nothing")?;
        return fits(document, inner, value, fit);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices.iter().filter(|choice| fits(document, choice, value, fit).is_ok()).count();
        return if fitting == 1 { Ok(()) } else { Err(format!("fits {fitting} of the choices: {value}")) };
    }
    if !of_type(&schema["type"], value) {
        return Err(format!("{value} is not of type {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        return Err(format!("{value} is none of {}", schema["enum"]));
    }
    match value {
        Value::Array(values) => values.iter().try_for_each(|one| fits(document, &schema["items"], one, fit)),
        Value::Object(entries) => {
            let (known, required) = properties(document, schema);
            // An object without properties is anybody's.
            for (key, inner) in entries.iter().filter(|_| !known.is_empty()) {
                let Some(schema) = known.get(key) else {
                    if is_error_beside(entries, key) {
                        continue;
                    }
                    return Err(format!("{key} is unknown"));
                };
                fits(document, schema, inner, fit).map_err(|error| format!("{key}: {error}"))?;
            }
            match required.iter().find(|key| !entries.contains_key(*key)) {
                Some(missing) if fit == Fit::Whole => Err(format!("{missing} is missing")),
                Some(_) | None => Ok(()),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Whether a key belongs to the error that comes along with an unhealthy state.
fn is_error_beside(entries: &serde_json::Map<String, Value>, key: &str) -> bool {
    entries.contains_key("status") && matches!(key, "detail" | "error")
}

/// The properties of an object and of all that it is made of, and which of them are required.
fn properties(document: &Value, schema: &Value) -> (BTreeMap<String, Value>, BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return properties(document, document.pointer(reference.trim_start_matches('#')).unwrap());
    }
    let own = schema["properties"].as_object().cloned().unwrap_or_default();
    let names = schema["required"].as_array().into_iter().flatten();
    let mut known: BTreeMap<String, Value> = own.into_iter().collect();
    let mut required: BTreeSet<String> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let (more, also) = properties(document, part);
        known.extend(more);
        required.extend(also);
    }
    (known, required)
}

fn of_type(declared: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    match declared {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::openapi::{OperationDoc, with};
use crate::routes;
use crate::rules::Access;

fn json() -> Value {
    serde_json::to_value(build(routes::endpoints())).unwrap()
}

/// All operations of the document, each with its method and path.
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

/// The endpoints that serve the description itself, the only ones without a description.
const UNDESCRIBED: [&str; 3] = ["/openapi.json", "/docs", "/docs/{file}"];

/// The endpoints that need a description.
fn routes() -> BTreeMap<String, Access> {
    let all = routes::endpoints().into_iter().filter(|endpoint| !UNDESCRIBED.contains(&endpoint.path));
    all.map(|endpoint| (format!("{} {}", endpoint.method, endpoint.path), endpoint.rules.access)).collect()
}

/// The descriptions, each with the method and path of its endpoint.
fn docs() -> Vec<(Method, &'static str, OperationDoc)> {
    let described = |endpoint: Endpoint| Some((endpoint.method, endpoint.path, endpoint.doc?()));
    routes::endpoints().into_iter().filter_map(described).collect()
}

/// Finds all values of a key, at any depth.
fn values_of<'a>(key: &str, value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(entries) => {
            for (name, inner) in entries {
                if name == key {
                    found.push(inner);
                }
                values_of(key, inner, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|inner| values_of(key, inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The examples of a request or response body.
fn examples(content: &Value) -> Vec<Value> {
    let one = content.get("example").into_iter();
    let named = content["examples"].as_object().into_iter().flat_map(|named| named.values());
    one.chain(named.map(|named| &named["value"])).cloned().collect()
}

#[test]
fn every_endpoint_is_described_once() {
    let described: BTreeSet<String> = operations(&json()).into_iter().map(|(route, _)| route).collect();
    let routed: BTreeSet<String> = routes().into_keys().collect();
    assert_eq!(described, routed);
    assert_eq!(docs().len(), described.len(), "an endpoint is described twice");
}

#[test]
fn private_endpoints_need_a_token_and_public_ones_do_not() {
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
fn every_reference_has_a_target() {
    let document = json();
    let mut references = Vec::new();
    values_of("$ref", &document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_example_of_a_request_can_be_sent() {
    let document = json();
    let schemas = Schemas::of(&document);
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
            let problem = schemas.problem(&content["schema"], &example, false);
            assert_eq!(problem, None, "{path}: {example}");
            sent += 1;
        }
    }
    assert!(sent > 20, "{sent}");
}

#[test]
fn every_operation_is_described_in_full() {
    let document = json();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let schemas = Schemas::of(&document);
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
            let problem = parameter
                .get("example")
                .and_then(|example| schemas.problem(&parameter["schema"], example, false));
            assert_eq!(problem, None, "{route}: {}", parameter["name"]);
        }
    }
}

#[test]
fn every_response_has_examples_that_fit_its_schema() {
    let document = json();
    let schemas = Schemas::of(&document);
    for (route, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("200"), "{route}");
        assert!(responses.contains_key("500"), "{route}");
        for (status, response) in responses {
            for (content_type, content) in response["content"].as_object().unwrap() {
                let mut examples = examples(content);
                assert!(!examples.is_empty(), "{route} {status}");
                let last = examples.len() - 1;
                for (number, example) in examples.iter_mut().enumerate() {
                    remove_error_of_health(example);
                    // An example of a contract's document may lack keys that were added. The last one has all.
                    let problem = schemas.problem(&content["schema"], example, number < last);
                    assert_eq!(problem, None, "{route} {status} {content_type}: {example}");
                }
            }
        }
    }
}

/// Removes the error that an unhealthy state has in addition to the keys of its schema.
fn remove_error_of_health(example: &mut Value) {
    if let Some(entries) = example.as_object_mut().filter(|entries| entries.contains_key("status")) {
        entries.retain(|key, _| key != "detail" && key != "error");
    }
}

#[test]
fn all_errors_have_one_schema_and_the_status_of_their_contract() {
    let document = json();
    for (route, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let content = &response["content"]["application/json"];
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
        let responses = &document["paths"][path]["post"]["responses"];
        responses[status]["content"]["application/json"]["examples"]["upstream_unavailable"].is_object()
    };
    assert!(upstream("/chat", "502") && upstream("/conversation/completion/{id}", "502"));
    assert!(upstream("/chat/conversations/{id}/send", "500"), "S4 has no 502 (C-14)");
}

#[test]
fn the_version_of_openapi_is_3_1() {
    assert_eq!(json()["openapi"], "3.1.0");
}

#[test]
fn texts_do_not_use_the_ids_of_contracts() {
    let document = json();
    let mut texts = Vec::new();
    values_of("description", &document, &mut texts);
    values_of("summary", &document, &mut texts);
    assert!(texts.len() > 200);
    let has_id = |text: &str| {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.into_iter().any(|word| {
            let numbered = word.strip_prefix("C-").or_else(|| word.strip_prefix('S'));
            numbered.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    for text in texts.into_iter().filter_map(Value::as_str) {
        assert!(!has_id(text), "{text}");
    }
}

/// The schemas of the document, in a form in which a key that no schema names is an error.
struct Schemas(Value);

impl Schemas {
    fn of(document: &Value) -> Self {
        let mut components = document["components"].clone();
        for schema in components["schemas"].as_object_mut().unwrap().values_mut() {
            // A schema itself stays open, because it may be one part of another. Each use of it is closed.
            close(schema, true);
        }
        Self(components)
    }

    /// Why a value does not fit a schema, if it does not. A required key may be absent if `is_partial`.
    fn problem(&self, schema: &Value, value: &Value, is_partial: bool) -> Option<String> {
        let mut root = schema.clone();
        close(&mut root, false);
        root["components"] = self.0.clone();
        if is_partial {
            remove_required(&mut root);
        }
        let validator = jsonschema::validator_for(&root).unwrap();
        validator.validate(value).err().map(|error| format!("{}: {error}", error.instance_path()))
    }
}

/// Allows only the keys that a schema names, here and in all schemas within.
fn close(schema: &mut Value, is_part: bool) {
    match schema {
        Value::Object(entries) => {
            for (name, inner) in entries.iter_mut() {
                let parts = inner.as_array_mut().filter(|_| name == "allOf");
                if let Some(parts) = parts {
                    for part in parts {
                        close(part, true);
                    }
                } else {
                    close(inner, false);
                }
            }
            let names_keys = ["$ref", "allOf", "properties"].iter().any(|key| entries.contains_key(*key));
            if names_keys && !is_part {
                entries.insert("unevaluatedProperties".to_owned(), false.into());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|inner| close(inner, false)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn remove_required(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            entries.remove("required");
            entries.values_mut().for_each(remove_required);
        }
        Value::Array(values) => values.iter_mut().for_each(remove_required),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn schemas_refuse_missing_unknown_and_wrong_keys() {
    let document = json();
    let schemas = Schemas::of(&document);
    let problem = |name: &str, value: Value, is_partial| {
        let schema = serde_json::json!({"$ref": format!("#/components/schemas/{name}")});
        schemas.problem(&schema, &value, is_partial).is_some()
    };
    let token = || serde_json::json!({"access_token": "a", "token_type": "bearer", "expires_in": 1});
    assert!(!problem("Token", token(), false));
    assert!(problem("Token", serde_json::json!({"access_token": "a"}), false));
    assert!(!problem("Token", serde_json::json!({"access_token": "a"}), true));
    assert!(problem("Token", with(token(), serde_json::json!({"other": 1})), true));
    assert!(problem("Token", with(token(), serde_json::json!({"expires_in": "1"})), true));
    let account = &document["paths"]["/auth/register"]["post"]["responses"]["200"]["content"];
    let account = account["application/json"]["example"].clone();
    assert!(!problem("RegisteredAccount", account.clone(), false), "the keys of both parts are known");
    assert!(problem("RegisteredAccount", with(account, serde_json::json!({"other": 1})), false));
}

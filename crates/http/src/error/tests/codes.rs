//! How each error code is shown to clients, and that the documentation lists it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

/// Of each code: the code, its status, its status in S1 and S4 if it differs, its `type`, its `param`, and its default
/// pause in seconds.
type Row = (&'static str, u16, Option<u16>, &'static str, Option<&'static str>, Option<u64>);
const CODES: &[Row] = &[
    ("bad_request", 400, None, "invalid_request_error", None, None),
    ("invalid_json", 400, None, "invalid_request_error", None, None),
    ("invalid_form", 400, None, "invalid_request_error", None, None),
    ("validation_error", 422, None, "invalid_request_error", None, None),
    ("payload_too_large", 413, None, "invalid_request_error", None, None),
    ("request_timeout", 408, None, "invalid_request_error", None, None),
    ("not_found", 404, None, "not_found_error", None, None),
    ("method_not_allowed", 405, None, "invalid_request_error", None, None),
    ("origin_not_allowed", 403, None, "permission_error", None, None),
    ("missing_token", 401, None, "authentication_error", None, None),
    ("invalid_token", 401, None, "authentication_error", None, None),
    ("token_expired", 401, None, "authentication_error", None, None),
    ("invalid_credentials", 401, None, "authentication_error", None, None),
    ("already_registered", 400, None, "invalid_request_error", None, None),
    ("overloaded", 503, None, "server_error", None, Some(1)),
    ("identity_unavailable", 503, None, "server_error", None, Some(1)),
    ("conversation_not_found", 404, None, "not_found_error", None, None),
    ("conversation_forbidden", 403, None, "permission_error", None, None),
    ("conversation_busy", 409, None, "conflict_error", None, Some(1)),
    ("turn_not_found", 404, None, "not_found_error", None, None),
    ("persona_not_found", 404, None, "not_found_error", None, None),
    ("prompt_not_found", 404, None, "not_found_error", None, None),
    ("prompt_version_not_found", 404, None, "not_found_error", None, None),
    ("prompt_forbidden", 403, None, "permission_error", None, None),
    ("message_not_found", 404, None, "not_found_error", None, None),
    ("message_forbidden", 403, None, "permission_error", None, None),
    ("model_not_allowed", 400, None, "invalid_request_error", Some("model"), None),
    ("not_a_pdf", 400, None, "invalid_request_error", Some("file"), None),
    ("file_too_large", 400, None, "invalid_request_error", Some("file"), None),
    ("pdf_encrypted", 400, None, "invalid_request_error", Some("file"), None),
    ("pdf_unreadable", 400, None, "invalid_request_error", Some("file"), None),
    ("pdf_too_complex", 400, None, "invalid_request_error", Some("file"), None),
    ("files_busy", 503, None, "server_error", None, Some(5)),
    ("storage_unavailable", 503, None, "server_error", None, Some(5)),
    ("rate_limit_exceeded", 429, None, "rate_limit_error", None, Some(1)),
    ("upstream_rejected", 400, None, "upstream_error", None, None),
    ("upstream_unauthorized", 502, Some(500), "upstream_error", None, None),
    ("upstream_rate_limited", 429, None, "upstream_error", None, Some(1)),
    ("upstream_unavailable", 502, Some(500), "upstream_error", None, None),
    ("upstream_timeout", 502, Some(500), "upstream_error", None, None),
    ("upstream_truncated", 502, Some(500), "upstream_error", None, None),
    ("upstream_broken", 502, Some(500), "upstream_error", None, None),
    ("upstream_empty", 502, Some(500), "upstream_error", None, None),
    ("provider_unavailable", 503, None, "server_error", None, Some(1)),
    ("store_unavailable", 503, None, "server_error", None, Some(1)),
    ("turn_interrupted", 503, None, "server_error", None, Some(1)),
    ("database_unavailable", 503, None, "server_error", None, Some(2)),
    ("shutting_down", 503, None, "server_error", None, Some(1)),
    ("internal_error", 500, None, "server_error", None, None),
];

#[test]
fn every_code_has_its_status_type_param_and_pause() {
    let status = |code: &ErrorCode, contract| table::status(&Rules::new(contract), code.kind()).as_u16();
    let seen: Vec<Row> = ErrorCode::ALL
        .iter()
        .map(|code| {
            let usual = status(code, Contract::LlmChat);
            let other = Some(status(code, Contract::ChatApi)).filter(|other| *other != usual);
            assert_eq!(status(code, Contract::PersonaChat), other.unwrap_or(usual), "{code}");
            let pause = code.retry_after().map(|pause| pause.as_secs());
            (code.as_str(), usual, other, table::error_type(*code), code.param(), pause)
        })
        .collect();
    assert_eq!(seen, CODES);
}

#[test]
fn the_challenge_names_an_error_only_if_a_token_was_sent() {
    let rejecting: Vec<&str> =
        ErrorCode::ALL.iter().filter(|code| code.rejects_token()).map(|code| code.as_str()).collect();
    assert_eq!(rejecting, ["invalid_token", "token_expired"]);
    assert_eq!(table::challenge(ErrorCode::TokenExpired), "Bearer error=\"invalid_token\"");
    assert_eq!(table::challenge(ErrorCode::MissingToken), "Bearer");
}

/// The words in backticks in a cell of a table.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_api_page_lists_every_code_under_its_status() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/API.md");
    let page = std::fs::read_to_string(path).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("Errors\n")).unwrap();
    let mut listed: BTreeMap<u16, BTreeSet<&str>> = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, status, codes, ..] = cells.as_slice() else { panic!("{row}") };
        if let Ok(status) = status.parse() {
            listed.entry(status).or_default().extend(words(codes));
        }
    }
    let mut known: BTreeMap<u16, BTreeSet<&str>> = BTreeMap::new();
    for code in ErrorCode::ALL {
        let status = table::status(&Rules::new(Contract::LlmChat), code.kind());
        known.entry(status.as_u16()).or_default().insert(code.as_str());
    }
    assert_eq!(listed, known);
}

//! Prompts of contract S1.

use actix_web::test::TestRequest;
use domain::{FailureKind, JsonText, Page, Prompt, PromptFields, PromptId, PromptVersion, UserId};
use ports::{ModelError, PromptChange, PromptPage, PromptPatch, StoreError};
use serde_json::{Value, json};

use crate::support::{Setup, Step, by_alice, get, now, post, setup, start};

fn fields() -> PromptFields {
    PromptFields {
        title: "Text Summarizer".to_owned(),
        scenario: "summarization".to_owned(),
        description: Some("Generates concise summaries".to_owned()),
        content: "Summarize the following text: {text}".to_owned(),
        metadata: JsonText::from_parsed(r#"{"tags":["summary","concise"]}"#.to_owned()),
    }
}

fn prompt(id: i64, fields: PromptFields) -> Prompt {
    Prompt {
        id: PromptId(id),
        owner: Some(UserId(1)),
        version: 3,
        fields,
        usage_count: 5,
        created_at: now(),
        updated_at: now(),
    }
}

/// The body of prompt 1 as it is documented.
fn body() -> Value {
    json!({
        "id": 1, "title": "Text Summarizer", "content": "Summarize the following text: {text}",
        "scenario": "summarization", "description": "Generates concise summaries",
        "metadata": {"tags": ["summary", "concise"]}, "is_template": false, "usage_count": 5,
        "created_at": "2023-11-14T22:13:20.000000Z", "updated_at": "2023-11-14T22:13:20.000000Z",
    })
}

fn put(path: &str, body: &Value) -> TestRequest {
    by_alice(TestRequest::put().uri(path)).set_json(body)
}

/// S1-42, S1-43
#[actix_web::test]
async fn a_prompt_is_created_with_the_documented_body() {
    let mut setup = setup();
    setup.prompts.expect_create().returning(|new| {
        assert_eq!(new.owner, UserId(1));
        Ok(prompt(1, new.fields))
    });
    let app = start(setup).await;
    let mut new = json!({
        "title": " Text\u{7} Summarizer ", "content": "Summarize the following text: {text}",
        "scenario": "summarization ", "description": "Generates concise summaries",
        "metadata": {"tags": ["summary", "concise"]},
    });
    let made = app.call(post("/api/chat/prompts", &new)).await;
    assert_eq!((made.status, made.json()), (200, body()));
    new["metadata"] = Value::Null;
    new["description"] = Value::Null;
    let made = app.call(post("/api/chat/prompts/", &new)).await.json();
    assert_eq!((&made["metadata"], &made["description"]), (&json!({}), &Value::Null));
}

/// S1-44, C-5, C-37
#[actix_web::test]
async fn invalid_prompts_are_refused() {
    let app = start(setup()).await;
    let valid = json!({"title": "T", "content": "C", "scenario": "s"});
    let long = |chars: usize| json!("ä".repeat(chars));
    let wide: serde_json::Map<_, _> = (0..17).map(|key| (key.to_string(), json!(1))).collect();
    for (field, value) in [
        ("title", json!("")),
        ("title", json!(" \n\t")),
        ("title", json!("\u{7}")),
        ("title", Value::Null),
        ("title", json!(5)),
        ("title", long(256)),
        ("title", json!("a\u{0}")),
        ("content", json!("")),
        ("content", Value::Null),
        ("content", long(100_001)),
        ("content", json!("a\u{0}")),
        ("scenario", json!(" ")),
        ("scenario", Value::Null),
        ("scenario", long(101)),
        ("scenario", json!("\u{0}")),
        ("description", long(10_001)),
        ("description", json!("\u{0}")),
        ("description", json!({})),
        ("metadata", json!([])),
        ("metadata", json!("x")),
        ("metadata", json!({"a": "\u{0}"})),
        ("metadata", Value::Object(wide)),
        ("metadata", json!({"a": "x".repeat(20_000)})),
    ] {
        let mut body = valid.clone();
        body[field] = value;
        let answer = app.call(post("/api/chat/prompts", &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "validation_error"), "{body:.80}");
        assert_eq!(answer.json()["error"]["param"], field, "{body:.80}");
        if !body[field].is_null() {
            let answer = app.call(put("/api/chat/prompts/1", &json!({field: body[field]}))).await;
            assert_eq!((answer.status, answer.code().as_str()), (422, "validation_error"), "{body:.80}");
        }
    }
    for body in [json!({}), json!({"title": null, "metadata": null}), json!({"id": 5, "usage_count": 9})] {
        assert_eq!(app.call(put("/api/chat/prompts/1", &body)).await.status, 422);
    }
    for path in ["/api/chat/prompts/one", "/api/chat/prompts/1.5", "/api/chat/prompts/1/versions?limit=0"] {
        assert_eq!(app.call(get(path)).await.status, 422, "{path}");
    }
    let broken = by_alice(TestRequest::post().uri("/api/chat/prompts"));
    let broken = broken.insert_header(("content-type", "application/json")).set_payload("{");
    assert_eq!(app.call(broken).await.status, 400);
}

/// S1-45, S1-46
#[actix_web::test]
async fn prompts_are_listed_as_the_query_says() {
    let mut setup = setup();
    setup.prompts.expect_list().returning(|caller, filter, page| {
        assert_eq!(caller, UserId(1));
        let shown =
            format!("{:?} {:?} {} {page:?}", filter.scenario, filter.search, filter.include_templates);
        let fields = PromptFields { title: shown, ..fields() };
        let template = Prompt { owner: None, ..prompt(2, self::fields()) };
        Ok(PromptPage { items: vec![template, prompt(1, fields)], total: 42 })
    });
    let app = start(setup).await;
    let page = |limit, offset| format!("{:?}", Page { limit, offset });
    for (query, seen, number, size) in [
        ("", format!("None None true {}", page(20, 0)), 1, 20),
        ("?page=3&page_size=100", format!("None None true {}", page(100, 200)), 3, 100),
        ("?include_templates=No", format!("None None false {}", page(20, 0)), 1, 20),
        ("?scenario=%20a%25_&search=", format!("Some(\"a%_\") None true {}", page(20, 0)), 1, 20),
        (
            "?search=%25_%5C%07%F0%9F%91%8D%20+x",
            format!("None {:?} true {}", Some("%_\\👍  x"), page(20, 0)),
            1,
            20,
        ),
        (
            "?page=1000000&page_size=100&user_id=2",
            format!("None None true {}", page(100, 99_999_900)),
            1_000_000,
            100,
        ),
    ] {
        let list = app.call(get(&format!("/api/chat/prompts{query}"))).await.json();
        let mut expected = body();
        expected["title"] = json!(seen);
        assert_eq!(list["items"][1], expected, "{query}");
        assert_eq!((&list["items"][0]["id"], &list["items"][0]["is_template"]), (&json!(2), &json!(true)));
        assert_eq!(
            (&list["total"], &list["page"], &list["page_size"]),
            (&json!(42), &json!(number), &json!(size)),
            "{query}"
        );
        assert_eq!(list.as_object().unwrap().len(), 4);
    }
    let long = format!("search={}", "x".repeat(10_001));
    for query in [
        "page=0",
        "page=-1",
        "page=x",
        "page=4294967296",
        "page_size=0",
        "page_size=101",
        "include_templates=maybe",
        "search=a%00",
        "scenario=%00",
        "page=1&page=2",
        &long,
    ] {
        let answer = app.call(get(&format!("/api/chat/prompts?{query}"))).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "validation_error"), "{query:.40}");
    }
}

/// S1-52, S1-53, S1-54, S1-56
#[actix_web::test]
async fn prompts_are_read_changed_and_deleted() {
    let mut setup = setup();
    setup.prompts.expect_find().returning(|_, id| Ok((id == PromptId(1)).then(|| prompt(1, fields()))));
    setup.prompts.expect_update().returning(|_, id, patch, _| {
        let PromptPatch { title, scenario, description, content, metadata } = patch;
        assert_eq!(
            (title.as_deref(), content.as_deref()),
            (Some("Updated Title"), Some(" Updated content "))
        );
        assert_eq!((scenario, description, metadata), (None, None, None));
        Ok(match id.0 {
            1 => PromptChange::Done(prompt(1, fields())),
            2 => PromptChange::Template,
            _ => PromptChange::Absent,
        })
    });
    setup.prompts.expect_delete().returning(|_, id| {
        Ok(match id.0 {
            1 => PromptChange::Done(()),
            2 => PromptChange::Template,
            _ => PromptChange::Absent,
        })
    });
    setup.prompts.expect_versions().returning(|_, _, page| {
        assert_eq!(page, Page { limit: 100, offset: 3 });
        Ok(vec![PromptVersion { version: 2, fields: fields(), created_at: now() }])
    });
    let app = start(setup).await;
    assert_eq!(app.call(get("/api/chat/prompts/1")).await.json(), body());
    let patch = json!({"title": "Updated Title ", "content": " Updated content ", "scenario": null});
    assert_eq!(app.call(put("/api/chat/prompts/1", &patch)).await.json(), body());
    let delete = |id: &str| by_alice(TestRequest::delete().uri(&format!("/api/chat/prompts/{id}")));
    assert_eq!(app.call(delete("1")).await.json(), json!({"message": "Prompt deleted successfully"}));
    for request in [put("/api/chat/prompts/2", &patch), delete("2")] {
        let answer = app.call(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "prompt_forbidden"));
    }
    for id in ["3", "-1", "99999999999999999999"] {
        let path = format!("/api/chat/prompts/{id}");
        for request in [get(&path), get(&format!("{path}/versions")), put(&path, &patch), delete(id)] {
            let answer = app.call(request).await;
            assert_eq!((answer.status, answer.code().as_str()), (404, "prompt_not_found"), "{id}");
        }
    }
    let versions = app.call(get("/api/chat/prompts/1/versions?offset=3")).await.json();
    let mut expected = json!({"version": 2});
    for key in ["title", "content", "scenario", "description", "metadata", "created_at"] {
        expected[key] = body()[key].clone();
    }
    assert_eq!(versions, json!({"items": [expected]}));
    assert_eq!(app.call(get("/api/chat/prompts/preview")).await.status, 405);
}

/// A store with prompt 1 of three versions, whose uses are counted.
fn previewing(steps: Vec<Step>, uses: usize) -> Setup {
    let mut setup = Setup { steps, ..setup() };
    setup.prompts.expect_find().returning(|_, id| Ok((id == PromptId(1)).then(|| prompt(1, fields()))));
    setup.prompts.expect_version().returning(|_, _, version| {
        let version = PromptVersion { version, fields: fields(), created_at: now() };
        Ok((version.version < 4).then_some(version))
    });
    setup.prompts.expect_count_use().times(uses).returning(|_, _| Ok(()));
    setup.ledger.expect_append().returning(|_| Ok(()));
    setup
}

/// S1-48, S1-49, S1-51
#[actix_web::test]
async fn a_preview_has_the_documented_body_and_the_headers_of_its_limit() {
    let app = start(previewing(vec![Step::Say("Generated"), Step::Usage, Step::Finish], 3)).await;
    for body in [
        json!({"prompt_id": 1, "variables": {"text": "Sample text to summarize"}}),
        json!({"prompt_id": 1.0, "version": 3, "variables": {"text": 5, "unused": true}}),
        json!({"prompt_id": 1, "content": "", "variables": null}),
        json!({"content": "Summarize this text: {text}", "variables": {"text": "x"}, "version": 9}),
        json!({"content": "x", "prompt_id": null}),
    ] {
        let answer = app.call(post("/api/chat/prompts/preview", &body)).await;
        let expected = json!({"preview": "Generated", "tokens_used": 25, "model_used": "test-model"});
        assert_eq!((answer.status, answer.json()), (200, expected), "{body}");
        assert_eq!(answer.header("ratelimit-limit"), "60");
        assert_eq!(answer.header("x-turn-id"), "");
    }
    // A text and a value of the greatest length, with each character escaped in twelve bytes.
    let escaped = "\\ud83d\\ude00".repeat(99_990);
    let body =
        format!("{{\"content\": \"{{v}}\", \"variables\": {{\"v\": \"{escaped}\", \"w\": \"{escaped}\"}}}}");
    let request = by_alice(TestRequest::post().uri("/api/chat/prompts/preview"));
    let request = request.insert_header(("content-type", "application/json")).set_payload(body);
    assert_eq!(app.call(request).await.status, 200);
}

/// S1-50, S1-54, C-5, C-13
#[actix_web::test]
async fn invalid_previews_are_refused_and_not_counted() {
    let mut setup = previewing(vec![Step::Finish], 0);
    setup.limiter = ports::MockRateLimiter::new();
    let app = start(setup).await;
    for (body, status, code) in [
        (json!({}), 400, "bad_request"),
        (json!({"variables": {"text": "x"}, "version": 1}), 400, "bad_request"),
        (json!({"prompt_id": null, "content": null}), 400, "bad_request"),
        (json!({"prompt_id": 2}), 404, "prompt_not_found"),
        (json!({"prompt_id": -1, "content": "x"}), 404, "prompt_not_found"),
        (json!({"prompt_id": 1, "version": 4}), 404, "prompt_version_not_found"),
        (json!({"prompt_id": "1"}), 422, "validation_error"),
        (json!({"prompt_id": 1.5}), 422, "validation_error"),
        (json!({"prompt_id": 1, "version": -1}), 422, "validation_error"),
        (json!({"content": ""}), 422, "validation_error"),
        (json!({"content": " \n"}), 422, "validation_error"),
        (json!({"content": "a\u{0}"}), 422, "validation_error"),
        (json!({"content": "x".repeat(100_001)}), 422, "validation_error"),
        (json!({"content": 5}), 422, "validation_error"),
        (json!({"content": "x", "variables": {"a": null}}), 422, "validation_error"),
        (json!({"content": "x", "variables": {"a": ["b"]}}), 422, "validation_error"),
        (json!({"content": "x", "variables": {"a": {}}}), 422, "validation_error"),
        (json!({"content": "x", "variables": {"a": "\u{0}"}}), 422, "validation_error"),
        (json!({"content": "x", "variables": {"a": "x".repeat(100_001)}}), 422, "validation_error"),
        (json!({"content": "x", "variables": []}), 422, "validation_error"),
        (json!({"content": "{a}{a}", "variables": {"a": "x".repeat(50_001)}}), 422, "validation_error"),
        (json!({"content": "{a}", "variables": {"a": " "}}), 422, "validation_error"),
    ] {
        let answer = app.call(post("/api/chat/prompts/preview", &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body:.80}: {}", answer.text());
    }
    let large = json!({"content": "x", "rest": "x".repeat(3 * 1024 * 1024)});
    let answer = app.call(post("/api/chat/prompts/preview", &large)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
}

/// S1-54, C-14
#[actix_web::test]
async fn a_failed_preview_has_the_status_of_its_contract() {
    type Case = (fn() -> ModelError, u16, FailureKind);
    let cases: [Case; 5] = [
        (|| ModelError::Rejected("secret".into()), 400, FailureKind::Rejected),
        (|| ModelError::Busy { retry_after: None, source: "secret".into() }, 429, FailureKind::RateLimited),
        (|| ModelError::Unavailable("secret".into()), 500, FailureKind::Unavailable),
        (|| ModelError::TimedOut, 500, FailureKind::TimedOut),
        (|| ModelError::Truncated, 500, FailureKind::Truncated),
    ];
    for (error, status, kind) in cases {
        let app = start(previewing(vec![Step::Fail(error)], 0)).await;
        let answer = app.call(post("/api/chat/prompts/preview", json!({"prompt_id": 1}))).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, kind.code().as_str()));
        assert!(!answer.text().contains("secret"));
        assert_eq!(answer.header("ratelimit-limit"), "60");
    }
    let app = start(previewing(vec![Step::Say(" "), Step::Finish], 0)).await;
    let answer = app.call(post("/api/chat/prompts/preview", json!({"prompt_id": 1}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "upstream_empty"));
}

#[actix_web::test]
async fn an_unavailable_store_is_503() {
    let mut setup = setup();
    setup.prompts.expect_list().returning(|_, _, _| Err(StoreError::Unavailable("away".into())));
    let answer = start(setup).await.call(get("/api/chat/prompts")).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "database_unavailable"));
}

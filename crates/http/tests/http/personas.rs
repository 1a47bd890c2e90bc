//! Personas of contract S4.

use actix_web::test::TestRequest;
use domain::{Page, Persona, PersonaId, Relation, UserId};
use ports::{Access, PersonaRecord};
use serde_json::{Value, json};

use crate::support::{by_alice, get, now, post, setup, start};

pub fn persona(name: &str, relation: Relation) -> PersonaRecord {
    let persona = Persona { id: PersonaId(1), name: name.to_owned(), description: None, relation };
    PersonaRecord { persona, owner: UserId(1), created_at: now(), updated_at: now() }
}

fn put(path: &str, body: &Value) -> TestRequest {
    by_alice(TestRequest::put().uri(path)).set_json(body)
}

#[actix_web::test]
async fn a_persona_has_the_documented_body() {
    let mut setup = setup();
    setup.personas.expect_create().returning(|new| {
        assert_eq!((new.owner, new.relation), (UserId(1), Relation::Friend));
        let mut made = persona(&new.name, new.relation);
        made.persona.description = new.description;
        Ok(made)
    });
    let app = start(setup).await;
    let described = json!({"name": " Alex ", "description": "Loves\u{7} chess.", "relation_type": "friend"});
    let made = app.call(post("/personas/", described)).await;
    assert_eq!(
        (made.status, made.json()),
        (
            200,
            json!({"id": 1, "name": "Alex", "description": "Loves chess.", "relation_type": "friend",
                "status": "active", "user_id": 1, "created_at": "2023-11-14T22:13:20.000000Z",
                "updated_at": "2023-11-14T22:13:20.000000Z"})
        )
    );
    for alias in ["relationship_type", "relationship"] {
        let made = app.call(post("/personas", json!({"name": "Alex", alias: "FRIEND"}))).await;
        assert_eq!((made.status, &made.json()["relation_type"]), (200, &json!("friend")));
        assert_eq!(made.json()["description"], Value::Null);
    }
}

#[actix_web::test]
async fn invalid_personas_are_refused() {
    let app = start(setup()).await;
    for (body, param) in [
        (json!({"name": " ", "relation_type": "friend"}), "name"),
        (json!({"name": "n".repeat(129), "relation_type": "friend"}), "name"),
        (json!({"relation_type": "friend"}), "name"),
        (json!({"name": "Alex"}), "relation_type"),
        (json!({"name": "Alex", "relation_type": "boss"}), "relation_type"),
        (json!({"name": "Alex", "relation_type": "friend", "description": "d\u{0}"}), "description"),
        (
            json!({"name": "Alex", "relation_type": "friend", "description": "d".repeat(10_001)}),
            "description",
        ),
    ] {
        let answer = app.call(post("/personas", &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "validation_error"), "{body:.80}");
        assert_eq!(answer.json()["error"]["param"], param, "{body:.80}");
    }
    assert_eq!(app.call(put("/personas/1", &json!({}))).await.status, 422);
    assert_eq!(app.call(put("/personas/1", &json!({"name": ""}))).await.status, 422);
    for request in
        [get("/personas/one"), get("/personas/1.5"), get("/personas/%20"), get("/personas?limit=0")]
    {
        assert_eq!(app.call(request).await.status, 422);
    }
}

#[actix_web::test]
async fn personas_are_read_changed_and_deleted() {
    let mut setup = setup();
    setup.personas.expect_list().returning(|_, page| {
        assert_eq!(page, Page { limit: 10, offset: 2 });
        Ok(vec![persona("Alex", Relation::Friend)])
    });
    setup.personas.expect_find().returning(|_, id| {
        let found = id == PersonaId(1);
        Ok(if found { Access::Granted(persona("Alex", Relation::Friend)) } else { Access::Foreign })
    });
    setup.personas.expect_update().returning(|_, _, patch, _| {
        assert_eq!((patch.name.as_deref(), patch.relation), (None, Some(Relation::Parent)));
        let mut changed = persona("Alex", Relation::Parent);
        changed.persona.description = patch.description;
        Ok(Access::Granted(changed))
    });
    setup
        .personas
        .expect_delete()
        .returning(|_, id| Ok(if id == PersonaId(1) { Access::Granted(Vec::new()) } else { Access::Absent }));
    let app = start(setup).await;
    let listed = app.call(get("/personas?limit=10&offset=2")).await.json();
    assert_eq!(listed[0]["name"], "Alex");
    assert_eq!(app.call(get("/personas/1")).await.json(), listed[0]);
    let patch = json!({"description": "Kind.", "relationship": "parent", "name": null});
    let changed = app.call(put("/personas/1", &patch)).await.json();
    assert_eq!((&changed["description"], &changed["relation_type"]), (&json!("Kind."), &json!("parent")));
    let deleted = app.call(by_alice(TestRequest::delete().uri("/personas/1"))).await;
    assert_eq!(deleted.json(), json!({"message": "Persona 1 deleted successfully"}));
    let absent = app.call(by_alice(TestRequest::delete().uri("/personas/2"))).await;
    assert_eq!((absent.status, absent.code().as_str()), (404, "persona_not_found"));
    for id in ["2", "-1", "99999999999999999999"] {
        let foreign = app.call(get(&format!("/personas/{id}"))).await;
        assert_eq!((foreign.status, foreign.code().as_str()), (404, "persona_not_found"), "{id}");
    }
}

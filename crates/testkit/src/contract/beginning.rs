//! Turns are opened: which rows a begin appends, what it returns, when it is refused.

use domain::{
    Contract, ConversationKey, ConversationNumber, EndState, HistoryLocation, JsonText, Label, MessageNumber,
    MessageState, NewConversation, NewMessage, Part, Role, Seq, Title, Totals, WindowMessage,
};
use ports::{AppendedMessage, Begin, BeginError, Branch, Target, Window};

use super::Stores;
use super::scene::{
    Scene, conversation_id, message_id, model, path_of, project, reply, says, turn_of, window_of,
};

/// A conversation that is made with its first turn has all its fields, and the turn.
pub(super) async fn a_new_conversation_is_made_with_its_first_question(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut new = scene.new_conversation();
    new.label = Label::parse("their label").unwrap();
    new.project = Some(project("p"));
    new.begun_by = Contract::ChatApi;
    new.title = Some(Title::parse("A title").unwrap());
    new.model = Some(model("own"));
    new.metadata = JsonText::from_parsed("{\"k\":1}".to_owned());
    new.application = Some(7);
    let begin = scene.begin(Target::New(Box::new(new.clone())), "hello");
    let (turn, at, question) = (begin.turn, begin.at, begin.messages[0].clone());
    let begun = scene.begun(begin).await;

    let conversation = &begun.conversation;
    assert_eq!(
        (conversation.id, conversation.owner, &conversation.label, &conversation.project),
        (new.id, new.owner, &new.label, &new.project)
    );
    assert_eq!((conversation.begun_by, &conversation.home), (new.begun_by, &new.home));
    assert_eq!((&conversation.title, &conversation.model), (&new.title, &new.model));
    assert_eq!(
        (&conversation.last_model, &conversation.persona, &conversation.summary),
        (&None, &None, &None)
    );
    assert_eq!((conversation.application, conversation.active), (Some(7), true));
    assert_eq!((conversation.message_count, conversation.totals), (0, Totals::default()));
    assert_eq!((conversation.last_seq, conversation.running), (Seq(1), Some(turn)));
    assert_eq!((conversation.created_at, conversation.updated_at), (new.at, at));
    assert_eq!((begun.question, &begun.persona, &begun.window), (Seq(1), &None, &Window::default()));
    assert_eq!(scene.conversation(new.id).await, *conversation);

    let messages = scene.messages(new.id).await;
    let [message] = messages.as_slice() else { panic!("one message: {messages:?}") };
    assert_eq!((message.id, message.conversation, message.seq), (question.id, new.id, Seq(1)));
    assert_eq!((message.parent, message.turn), (None, Some(turn)));
    assert_eq!(
        (message.role, &message.parts[..], message.state),
        (Role::User, &question.parts[..], MessageState::Completed)
    );
    assert_eq!((&message.reply, message.created_at), (&None, at));
}

/// On a fresh database, conversations and messages are numbered from 1.
pub(super) async fn numbers_begin_at_one(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("one").await;
    assert_eq!(begun.conversation.number.0, 1);
    assert_eq!(scene.messages(begun.conversation.id).await[0].number.0, 1);
    let (ending, _) = scene.answer(&begun, "two").await;
    assert_eq!(ending.reply.and_then(|reply| reply.number), Some(MessageNumber(2)));
    assert_eq!(scene.start("three").await.conversation.number.0, 2);
}

/// Several messages of one begin are appended in their order, and the last one is the question.
pub(super) async fn several_messages_are_appended_in_their_order(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut begin = scene.begin_new("");
    begin.messages = vec![says(Role::System, "s"), says(Role::User, "u"), says(Role::User, "q")];
    let begun = scene.begun(begin).await;
    assert_eq!((begun.question, begun.conversation.last_seq), (Seq(3), Seq(3)));
    assert_eq!(begun.window, Window::default());
    let messages = scene.messages(begun.conversation.id).await;
    let facts: Vec<_> = messages.iter().map(|message| (message.seq, message.parent, message.role)).collect();
    assert_eq!(
        facts,
        [
            (Seq(1), None, Role::System),
            (Seq(2), Some(Seq(1)), Role::User),
            (Seq(3), Some(Seq(2)), Role::User)
        ]
    );
}

/// A question in an existing conversation follows its last message; the window has the messages before.
pub(super) async fn a_question_follows_what_was_said(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let first = scene.start("hello?").await;
    let (ending, _) = scene.answer(&first, "hello!").await;
    let begin = scene.begin_in(first.conversation.id, "and now?");
    let (turn, at) = (begin.turn, begin.at);
    let begun = scene.begun(begin).await;
    assert_eq!((begun.question, begun.conversation.last_seq), (Seq(3), Seq(3)));
    assert_eq!((begun.conversation.running, begun.conversation.updated_at), (Some(turn), at));
    let expected = [
        WindowMessage {
            seq: Seq(1),
            turn: Some(turn_of(&first)),
            role: Role::User,
            parts: vec![Part::Text("hello?".to_owned())],
            state: MessageState::Completed,
            token_count: says(Role::User, "hello?").token_count(),
        },
        WindowMessage {
            seq: Seq(2),
            turn: Some(turn_of(&first)),
            role: Role::Assistant,
            parts: vec![Part::Text("hello!".to_owned())],
            state: MessageState::Completed,
            token_count: u32::try_from(ending.usage.output).unwrap(),
        },
    ];
    assert_eq!(begun.window.messages, expected);
    assert!(!begun.window.has_older);
    assert_eq!(begun.conversation, scene.conversation(first.conversation.id).await);
    let messages = scene.messages(first.conversation.id).await;
    assert_eq!(messages[2].parent, Some(Seq(2)));
}

/// A question whose turn made no reply stays on the path, and the next one follows it.
pub(super) async fn a_question_without_a_reply_stays_on_the_path(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let first = scene.start("lost").await;
    scene.finished(scene.ending_of(&first, EndState::Stopped, reply([]))).await;
    let begun = scene.ask(first.conversation.id, "again").await;
    assert_eq!(window_of(&begun), path_of([(1, "lost")]));
    assert_eq!(scene.messages(first.conversation.id).await[1].parent, Some(Seq(1)));
}

/// Every kind of part is read back unchanged, in messages and in the window.
pub(super) async fn every_kind_of_part_is_kept_exactly(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let parts = vec![
        Part::Text("ä \"quoted\" \\ back\n\ttab 🦀 \u{202e}".to_owned()),
        Part::Image { url: "data:image/png;base64,AAAA".to_owned() },
        Part::File { name: "a b.pdf".to_owned(), text: "line\r\nline".to_owned() },
        Part::ToolCall {
            call: "call_1".to_owned(),
            name: "look_up".to_owned(),
            arguments: JsonText::from_parsed("{\"b\": 1, \"a\":[null]}".to_owned()),
        },
        Part::ToolResult { call: "call_1".to_owned(), output: "{}".to_owned() },
        Part::Refusal("no".to_owned()),
        Part::Reasoning("hm".to_owned()),
        Part::Text(String::new()),
    ];
    let mut begin = scene.begin_new("");
    begin.messages = vec![NewMessage { id: message_id(), role: Role::Tool, parts: parts.clone().into() }];
    let first = scene.begun(begin).await;
    scene.answer(&first, "a").await;
    let id = first.conversation.id;
    assert_eq!(scene.messages(id).await[0].parts, parts);
    assert_eq!(scene.messages(id).await[0].role, Role::Tool);
    assert_eq!(scene.ask(id, "q").await.window.messages[0].parts, parts);
}

/// A begin that is not allowed is refused with its reason, and nothing changes.
pub(super) async fn a_begin_is_refused_where_it_must_be(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_of(1).await;
    let before = scene.conversation(id).await;
    let stranger = scene.of_another_user().await;
    assert!(matches!(stranger.refused(stranger.begin_in(id, "mine?")).await, BeginError::Foreign));
    let absent = conversation_id();
    assert!(matches!(scene.refused(scene.begin_in(absent, "there?")).await, BeginError::NotFound));
    assert_eq!(scene.conversation(id).await, before);
    assert_eq!(scene.path(id).await, path_of([(1, "q1"), (2, "a1")]));

    stores.conversations.soft_delete(scene.owner, id.into(), scene.now()).await.unwrap();
    assert!(matches!(scene.refused(scene.begin_in(id, "there?")).await, BeginError::NotFound));
    stores.conversations.restore(scene.owner, id.into(), scene.now()).await.unwrap();
    assert_eq!(window_of(&scene.ask(id, "back").await), path_of([(1, "q1"), (2, "a1")]));
    stores.conversations.purge(scene.owner, id.into()).await.unwrap();
    assert!(matches!(scene.refused(scene.begin_in(id, "there?")).await, BeginError::NotFound));
}

/// A begin accepts every form of a conversation's key.
pub(super) async fn a_begin_accepts_every_key(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let provider_id = format!("conv_68a{}", scene.owner);
    let new =
        NewConversation { home: HistoryLocation::OpenAi(provider_id.clone()), ..scene.new_conversation() };
    let made = stores.conversations.create(new).await.unwrap();
    for key in [made.id.into(), made.number.into(), ConversationKey::Provider(provider_id)] {
        let foreign = stranger.begin(Target::existing(key.clone()), "mine?");
        assert!(matches!(stranger.refused(foreign).await, BeginError::Foreign), "{key:?}");
        let begun = scene.begun(scene.begin(Target::existing(key.clone()), "q")).await;
        assert_eq!(begun.conversation.id, made.id, "{key:?}");
        scene.answer(&begun, "a").await;
    }
    let unknown = [
        ConversationNumber(made.number.0 + 1_000).into(),
        ConversationKey::Provider("conv_unknown".to_owned()),
        conversation_id().into(),
    ];
    for key in unknown {
        let begin = scene.begin(Target::existing(key.clone()), "there?");
        assert!(matches!(scene.refused(begin).await, BeginError::NotFound), "{key:?}");
    }
}

/// A begin for conversations with a persona treats all others as absent, its own user's and others' alike (C-7).
pub(super) async fn a_begin_may_require_a_persona(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let stranger = scene.of_another_user().await;
    let persona = scene.persona("Grace").await;
    let with = stores.conversations.find(scene.owner, scene.talk_with(persona).await.into()).await.unwrap();
    let with = with.granted().expect("it is the user's");
    let without = stores.conversations.create(scene.new_conversation()).await.unwrap();
    let ask = |scene: &Scene<'_>, key: ConversationKey| -> Begin {
        scene.begin(Target::Existing { key, only_with_persona: true }, "q")
    };
    for key in [ConversationKey::from(with.id), with.number.into()] {
        assert!(matches!(stranger.refused(ask(&stranger, key.clone())).await, BeginError::Foreign));
        let begun = scene.begun(ask(&scene, key.clone())).await;
        assert_eq!(begun.persona.as_ref().map(|persona| persona.id), Some(persona));
        let busy = scene.refused(ask(&scene, key)).await;
        assert!(matches!(busy, BeginError::Busy { .. }), "{busy:?}");
        scene.answer(&begun, "a").await;
    }
    for key in [ConversationKey::from(without.id), without.number.into()] {
        assert!(matches!(scene.refused(ask(&scene, key.clone())).await, BeginError::NotFound));
        assert!(matches!(stranger.refused(ask(&stranger, key)).await, BeginError::NotFound));
    }
    stores.conversations.soft_delete(scene.owner, with.id.into(), scene.now()).await.unwrap();
    assert!(matches!(scene.refused(ask(&scene, with.number.into())).await, BeginError::NotFound));
    assert!(matches!(stranger.refused(ask(&stranger, with.number.into())).await, BeginError::NotFound));
}

/// A begin returns the rows of its messages, as lists show them later.
pub(super) async fn a_begin_returns_the_rows_that_it_appended(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut begin = scene.begin_new("");
    begin.messages = vec![says(Role::System, "s"), says(Role::User, "q1")];
    let first = scene.begun(begin).await;
    scene.answer(&first, "a1").await;
    let id = first.conversation.id;
    let second = scene.ask(id, "q2").await;
    let rows = scene.messages(id).await;
    let returned: Vec<_> = first.appended.iter().chain(&second.appended).copied().collect();
    let kept = rows.iter().filter(|message| message.role != Role::Assistant);
    let kept: Vec<_> =
        kept.map(|row| AppendedMessage { id: row.id, seq: row.seq, number: Some(row.number) }).collect();
    assert_eq!(returned, kept);
    assert_eq!(returned.iter().map(|row| row.seq).collect::<Vec<_>>(), [Seq(1), Seq(2), Seq(4)]);
    scene.answer(&second, "a2").await;

    // A stored question that is answered again appends nothing.
    let mut again = scene.begin_in(id, "");
    again.messages.clear();
    again.branch = Some(Branch { expect_last: Seq(5), keep_to: Seq(4) });
    assert_eq!(scene.begun(again).await.appended, []);
}

/// A conversation runs one turn at a time: a second one is refused until the first has ended, and changes nothing.
pub(super) async fn a_conversation_runs_one_turn_at_a_time(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let begun = scene.start("first").await;
    let id = begun.conversation.id;
    for _ in 0..3 {
        let refusal = scene.refused(scene.begin_in(id, "second")).await;
        let BeginError::Busy { retry_after } = refusal else { panic!("busy, and not {refusal:?}") };
        assert!(!retry_after.is_zero());
    }
    // Another user does not learn that it is busy.
    let stranger = scene.of_another_user().await;
    assert!(matches!(stranger.refused(stranger.begin_in(id, "mine?")).await, BeginError::Foreign));
    assert_eq!(scene.conversation(id).await, begun.conversation);
    assert_eq!(scene.path(id).await, path_of([(1, "first")]));
    scene.answer(&begun, "done").await;
    assert_eq!(window_of(&scene.ask(id, "second").await), path_of([(1, "first"), (2, "done")]));
}

/// The model of a turn is the one named for it, else the conversation's own, else the default. Only the own one stays.
///
/// S0-12, C-17
pub(super) async fn the_model_of_a_turn_is_named_own_or_default(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut begin = scene.begin_new("q");
    begin.model = Some(model("named"));
    let begun = scene.begun(begin).await;
    assert_eq!((&begun.model, &begun.conversation.model), (&model("named"), &None));
    let (_, change) = scene.answer(&begun, "a").await;
    let conversation = begun.conversation.clone().after(change);
    assert_eq!((conversation.model, conversation.last_model), (None, Some(model("named"))));

    let id = begun.conversation.id;
    let begun = scene.ask(id, "q").await;
    assert_eq!(begun.model, model("default"));
    let (_, change) = scene.answer(&begun, "a").await;
    let conversation = begun.conversation.clone().after(change);
    assert_eq!((conversation.model, conversation.last_model), (None, Some(model("default"))));

    let mut begin = scene.begin_in(id, "q");
    begin.own_model = Some(model("own"));
    let begun = scene.begun(begin).await;
    assert_eq!((&begun.model, &begun.conversation.model), (&model("own"), &Some(model("own"))));
    scene.answer(&begun, "a").await;

    let mut begin = scene.begin_in(id, "q");
    begin.own_model = Some(model("late"));
    begin.model = Some(model("named"));
    let begun = scene.begun(begin).await;
    assert_eq!((&begun.model, &begun.conversation.model), (&model("named"), &Some(model("own"))));
    scene.answer(&begun, "a").await;
    assert_eq!(scene.ask(id, "q").await.model, model("own"));
}

/// The own model of a new conversation is the one it is made with, else that of its first turn.
pub(super) async fn a_new_conversation_takes_a_model_of_its_own(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let mut begin = scene.begin_new("q");
    begin.own_model = Some(model("own"));
    let begun = scene.begun(begin).await;
    assert_eq!((&begun.model, &begun.conversation.model), (&model("own"), &Some(model("own"))));

    let mut new = scene.new_conversation();
    new.model = Some(model("made-with"));
    let mut begin = scene.begin(Target::New(Box::new(new)), "q");
    begin.own_model = Some(model("own"));
    let begun = scene.begun(begin).await;
    assert_eq!((&begun.model, &begun.conversation.model), (&model("made-with"), &Some(model("made-with"))));
}

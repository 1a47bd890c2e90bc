//! Windows: the newest messages that a begin returns, and the older pages.

use domain::Seq;
use domain::limits::{WINDOW_BYTES, WINDOW_MESSAGES};
use ports::Window;

use super::Stores;
use super::scene::{Scene, conversation_id, path_of, reply, seqs, window_of};

/// The tokens of a reply without a usage are estimated from its text.
pub(super) async fn a_reply_without_figures_is_estimated_in_the_window(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let first = scene.start("q").await;
    let mut finish = scene.completion_of(&first, reply(["twelve bytes"]));
    finish.ending.usage = domain::Usage::default();
    scene.finished(finish).await;
    let begun = scene.ask(first.conversation.id, "next").await;
    assert_eq!(begun.window.messages[1].token_count, domain::usage::estimate_tokens("twelve bytes".len()));
}

/// The window has the newest messages, and reports that there are older ones.
pub(super) async fn the_window_holds_the_newest_messages(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_with((1..=100).map(|number| format!("m{number}"))).await;
    let begun = scene.ask(id, "q").await;
    let newest = i64::from(WINDOW_MESSAGES);
    let positions: Vec<Seq> = begun.window.messages.iter().map(|message| message.seq).collect();
    assert_eq!(positions, seqs(100 - newest + 1..=100));
    assert!(begun.window.has_older);
    assert_eq!(window_of(&begun).pop(), Some((100, "m100".to_owned())));
}

/// A window with all messages reports that there are no older ones, also at its limit.
pub(super) async fn a_full_window_of_everything_has_nothing_older(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_with((1..=WINDOW_MESSAGES).map(|number| format!("m{number}"))).await;
    let begun = scene.ask(id, "q").await;
    assert_eq!(begun.window.messages.len(), WINDOW_MESSAGES as usize);
    assert!(!begun.window.has_older);
}

/// The window is bounded in bytes too.
pub(super) async fn the_window_is_bounded_in_bytes(stores: &Stores) {
    let scene = Scene::new(stores).await;
    // Four messages fit, with the JSON around each, and five do not.
    let text = "x".repeat(WINDOW_BYTES as usize * 23 / 100);
    let id = scene.conversation_with(std::iter::repeat_n(text, 10)).await;
    let begun = scene.ask(id, "q").await;
    let positions: Vec<Seq> = begun.window.messages.iter().map(|message| message.seq).collect();
    assert_eq!(positions, seqs(7..=10));
    assert!(begun.window.has_older);
}

/// A newest message that is larger than the window is in it, alone.
pub(super) async fn the_newest_message_is_in_the_window_whatever_its_size(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let huge = "x".repeat(WINDOW_BYTES as usize + 1);
    let id = scene.conversation_with(["small".to_owned(), huge.clone()]).await;
    let begun = scene.ask(id, "q").await;
    assert_eq!(window_of(&begun), [(2, huge)]);
    assert!(begun.window.has_older);
    scene.answer(&begun, "a").await;
    // An older one ends the window before it.
    let begun = scene.ask(id, "q").await;
    assert_eq!(window_of(&begun), path_of([(3, "q"), (4, "a")]));
    assert!(begun.window.has_older);
}

/// Older pages lead back to the first message without a gap.
pub(super) async fn older_pages_lead_back_to_the_beginning(stores: &Stores) {
    let scene = Scene::new(stores).await;
    let id = scene.conversation_with((1..=150).map(|number| format!("m{number}"))).await;
    let begun = scene.ask(id, "q").await;
    let mut window = begun.window;
    let mut path: Vec<Seq> = window.messages.iter().map(|message| message.seq).collect();
    let mut pages = 0;
    while window.has_older {
        window = stores.turns.earlier(id, path[0]).await.unwrap();
        assert!(!window.messages.is_empty() && window.messages.len() <= WINDOW_MESSAGES as usize);
        path.splice(0..0, window.messages.iter().map(|message| message.seq));
        pages += 1;
    }
    assert_eq!(path, seqs(1..=150));
    assert_eq!(pages, 2);
    assert_eq!(stores.turns.earlier(id, Seq(1)).await.unwrap(), Window::default());
    assert_eq!(stores.turns.earlier(conversation_id(), Seq(9)).await.unwrap(), Window::default());
}

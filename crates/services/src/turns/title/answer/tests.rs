use super::*;

/// Answers, and the title in each. An empty title means that there is none.
const TITLES: &[(&str, &str)] = &[
    ("Friendly Greeting", "Friendly Greeting"),
    ("  Friendly Greeting \n", "Friendly Greeting"),
    ("Friendly Greeting\n\nThis title is short.", "Friendly Greeting"),
    // Thoughts.
    ("<think>A greeting.\nWell.</think>\n\nFriendly Greeting", "Friendly Greeting"),
    ("<thinking>hm</thinking>Friendly Greeting", "Friendly Greeting"),
    ("<Reasoning effort=\"low\">hm</Reasoning> Friendly Greeting", "Friendly Greeting"),
    ("<THINK>\n</THINK>Friendly Greeting", "Friendly Greeting"),
    ("<think>a<think>b</think>c</think>Friendly Greeting", "Friendly Greeting"),
    ("<think>Shall I write <think>?</think>Friendly Greeting", "Friendly Greeting"),
    ("The user greets.\n</think>\n\nFriendly Greeting", "Friendly Greeting"),
    ("<think>a</think><think>b</think>Friendly Greeting", "Friendly Greeting"),
    ("Friendly Greeting\n<think>hm</think>", "Friendly Greeting"),
    ("[THINK]hm[/THINK]Friendly Greeting", "Friendly Greeting"),
    ("◁think▷hm◁/think▷Friendly Greeting", "Friendly Greeting"),
    (
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Friendly Greeting<|return|>",
        "Friendly Greeting",
    ),
    ("Friendly Greeting<|im_end|>", "Friendly Greeting"),
    ("Friendly Greeting</s>", "Friendly Greeting"),
    ("<think>The user greets, so", ""),
    ("Friendly Greeting<think>The user", ""),
    ("<think>hm</think>", ""),
    ("<|channel|>analysis<|message|>The user greets", ""),
    ("[Analysis] Market Trends", "[Analysis] Market Trends"),
    ("<think>hm</think> \n\u{200b}", ""),
    // JSON and code fences.
    (r#"{"title": "Friendly Greeting"}"#, "Friendly Greeting"),
    ("null", ""),
    (r#"{"error": "The model is overloaded"}"#, ""),
    ("My Title: Part Two", "My Title: Part Two"),
    ("```json\n{\"title\": \"Friendly Greeting\"}\n```", "Friendly Greeting"),
    ("```\nFriendly Greeting\n```", "Friendly Greeting"),
    ("```text\nFriendly Greeting", "Friendly Greeting"),
    ("```Friendly Greeting```", "Friendly Greeting"),
    ("Here is the title:\n```json\n{\n  \"title\": \"Friendly Greeting\"\n}\n```", "Friendly Greeting"),
    ("Friendly Greeting\n```rust\nfn main() {}\n```", "Friendly Greeting"),
    (r#"<think>hm</think>{"title":"Friendly Greeting"}"#, "Friendly Greeting"),
    (r#"Sure! {"title":"Friendly Greeting"}"#, "Friendly Greeting"),
    (r#"{"language":"en","title":"Friendly Greeting"}"#, "Friendly Greeting"),
    (r#"{"conversation_title":"Friendly Greeting","reason":"a greeting"}"#, "Friendly Greeting"),
    (r#"{"result":{"title":"Friendly Greeting"}}"#, "Friendly Greeting"),
    (r#"{"Overskrift":"Friendly Greeting"}"#, "Friendly Greeting"),
    (r#"["Friendly Greeting"]"#, "Friendly Greeting"),
    (r#""Caf\u00e9 \"Paris\"""#, "Café \"Paris\""),
    ("{'title': 'Friendly Greeting'}", "Friendly Greeting"),
    ("{\"title\": \"Friendly Greeting\",}", "Friendly Greeting"),
    (r#"{"title": "**Friendly Greeting**."}"#, "Friendly Greeting"),
    (r#"{"title": ""}"#, ""),
    (r#"{"titles": 3}"#, ""),
    ("{}", ""),
    ("{} in Rust Format Strings", "{} in Rust Format Strings"),
    ("[Draft] Travel Plan", "[Draft] Travel Plan"),
    // Quotation marks.
    ("\"Friendly Greeting\"", "Friendly Greeting"),
    ("'Friendly Greeting'", "Friendly Greeting"),
    ("“Friendly Greeting”", "Friendly Greeting"),
    ("„Freundlicher Gruß“", "Freundlicher Gruß"),
    ("«Salutation amicale»", "Salutation amicale"),
    ("« Salutation amicale »", "Salutation amicale"),
    ("‘Friendly Greeting’", "Friendly Greeting"),
    ("「友好的な挨拶」", "友好的な挨拶"),
    ("`Friendly Greeting`", "Friendly Greeting"),
    ("\"Friendly Greeting.\"", "Friendly Greeting"),
    ("\"Friendly Greeting\".", "Friendly Greeting"),
    ("\"Friendly Greeting", "Friendly Greeting"),
    ("\"Hello\" and \"Bye\"", "\"Hello\" and \"Bye\""),
    ("\"The \"Best\" Title\"", "The \"Best\" Title"),
    ("'Don't Panic'", "Don't Panic"),
    ("‘Don’t Panic’", "Don’t Panic"),
    ("Rock 'n' Roll", "Rock 'n' Roll"),
    ("27\" or 32\" Monitors", "27\" or 32\" Monitors"),
    ("Monitor of 27\"", "Monitor of 27\""),
    // Labels.
    ("Title: Friendly Greeting", "Friendly Greeting"),
    ("**Title:** Friendly Greeting", "Friendly Greeting"),
    ("**Title**: Friendly Greeting", "Friendly Greeting"),
    ("**Title: Friendly Greeting**", "Friendly Greeting"),
    ("**Title:**Friendly Greeting", "Friendly Greeting"),
    ("TITLE: \"Friendly Greeting\"", "Friendly Greeting"),
    ("Titel: Freundlicher Gruß", "Freundlicher Gruß"),
    ("标题：友好的问候", "友好的问候"),
    ("Here is a title for your conversation: Friendly Greeting", "Friendly Greeting"),
    ("Sure! Here's a short title:\n\n**Friendly Greeting**", "Friendly Greeting"),
    ("Of course:\nFriendly Greeting", "Friendly Greeting"),
    ("Title:\nFriendly Greeting", "Friendly Greeting"),
    ("Title:", ""),
    ("Choosing a Title: Some Advice", "Choosing a Title: Some Advice"),
    ("Rust: Ownership and Borrowing", "Rust: Ownership and Borrowing"),
    ("Title: *args Explained", "*args Explained"),
    // Markdown.
    ("# Friendly Greeting", "Friendly Greeting"),
    ("## Friendly Greeting ##", "Friendly Greeting"),
    ("# Title: Friendly Greeting", "Friendly Greeting"),
    ("**Friendly Greeting**", "Friendly Greeting"),
    ("***Friendly Greeting***", "Friendly Greeting"),
    ("*Friendly Greeting*", "Friendly Greeting"),
    ("_Friendly Greeting_", "Friendly Greeting"),
    ("__Friendly Greeting__", "Friendly Greeting"),
    ("**Friendly** and **Kind** Greeting", "Friendly and Kind Greeting"),
    ("> Friendly Greeting", "Friendly Greeting"),
    ("1. Friendly Greeting\n2. Hello", "Friendly Greeting"),
    ("1) Friendly Greeting", "Friendly Greeting"),
    ("- Friendly Greeting", "Friendly Greeting"),
    ("* Friendly Greeting", "Friendly Greeting"),
    ("• **\"Friendly Greeting\"**", "Friendly Greeting"),
    ("---\nFriendly Greeting\n---", "Friendly Greeting"),
    ("<title>Friendly Greeting</title>", "Friendly Greeting"),
    ("# C#", "C#"),
    ("C#", "C#"),
    ("F# and C#", "F# and C#"),
    ("C++ Basics", "C++ Basics"),
    ("#1 Songs of 1999", "#1 Songs of 1999"),
    ("*args and **kwargs", "*args and **kwargs"),
    ("__init__ in Python", "__init__ in Python"),
    ("__init__", "__init__"),
    ("snake_case_names and _private", "snake_case_names and _private"),
    ("2 * 3 * 4", "2 * 3 * 4"),
    ("Using `map` in JavaScript", "Using map in JavaScript"),
    ("2001: A Space Odyssey", "2001: A Space Odyssey"),
    ("1984. A Review", "1984. A Review"),
    ("3D Printing", "3D Printing"),
    (".NET on Linux", ".NET on Linux"),
    // The end.
    ("Friendly Greeting.", "Friendly Greeting"),
    ("友好的问候。", "友好的问候"),
    ("Is This a Title?", "Is This a Title?"),
    ("Waiting...", "Waiting..."),
    ("Life in the U.S.", "Life in the U.S."),
    ("Node.js.", "Node.js"),
    ("👋", "👋"),
    ("Friendly\tGreeting", "Friendly Greeting"),
    ("Friendly\u{7} Gree\0ting", "Friendly Greeting"),
    // Nothing.
    ("", ""),
    (" \n\t\u{a0}\u{200b}", ""),
    ("\n\" \"", ""),
    ("***", ""),
    ("---\n##\n```", ""),
    ("“”", ""),
    ("**Title:**", ""),
];

#[test]
fn the_bare_title_is_found() {
    for (answer, expected) in TITLES {
        let found = title(answer);
        assert_eq!(found.as_ref().map_or("", Title::as_str), *expected, "{answer:?}");
    }
}

#[test]
fn a_bare_title_stays_as_it_is() {
    for (_, title) in TITLES {
        assert_eq!(super::title(title).as_ref().map_or("", Title::as_str), *title);
    }
}

#[test]
fn long_titles_are_cut() {
    for length in [600, 20_000] {
        assert_eq!(title(&"ä".repeat(length)).unwrap().as_str(), "ä".repeat(500));
    }
}

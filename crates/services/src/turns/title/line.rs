//! Takes labels, Markdown, list marks and quotation marks off a line with a title.

/// Words that a label ends with: `Title: …`.
const LABELS: [&str; 10] =
    ["title", "titel", "titre", "título", "titulo", "titolo", "tytuł", "заголовок", "标题", "タイトル"];
/// Words that a label may have besides: `Here is a title for your conversation: …`.
const LABEL_WORDS: [&str; 22] = [
    "a",
    "answer",
    "chat",
    "concise",
    "conversation",
    "final",
    "for",
    "generated",
    "here",
    "here's",
    "here’s",
    "is",
    "of",
    "ok",
    "okay",
    "possible",
    "proposed",
    "short",
    "suggested",
    "sure",
    "the",
    "your",
];
/// Quotation marks that open, with those that close them.
const QUOTES: [(char, &str); 15] = [
    ('"', "\""),
    ('\'', "'"),
    ('`', "`´'"),
    ('´', "´"),
    ('“', "”“"),
    ('”', "”"),
    ('„', "“”\""),
    ('‘', "’"),
    ('’', "’"),
    ('‚', "‘’"),
    ('«', "»"),
    ('»', "«»"),
    ('‹', "›"),
    ('「', "」"),
    ('『', "』"),
];
/// Marks of emphasis and code in Markdown, longest first.
const EMPHASIS: [&str; 7] = ["***", "**", "__", "~~", "*", "_", "`"];

/// Returns the bare title in a line.
pub(super) fn bare(line: &str) -> String {
    let mut title = line.trim().to_owned();
    loop {
        let plain = emphasis(tags(mark(&title)).trim());
        let bare = full_stop(quotes(label(plain.trim()).trim()).trim()).trim().to_owned();
        if bare == title {
            return title;
        }
        title = bare;
    }
}

/// Takes off the mark of a heading, a quotation or an item of a list. `C#`, `#1` and `2001: A Space Odyssey` stay.
fn mark(title: &str) -> &str {
    let Some((first, rest)) = title.split_once(char::is_whitespace) else { return title };
    let digits = first.strip_suffix(['.', ')']).unwrap_or_default();
    let is_number = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if (1..=6).contains(&first.len()) && first.bytes().all(|b| b == b'#') {
        // A heading may be closed as well: `## Title ##`.
        let open = rest.trim_end().trim_end_matches('#');
        return if open.ends_with(char::is_whitespace) { open } else { rest };
    }
    let is_mark = is_number || matches!(first, "-" | "*" | "+" | "•" | "–" | "—" | ">");
    if is_mark { rest } else { title }
}

/// Takes off a pair of tags around the whole title: `<title>…</title>`.
fn tags(title: &str) -> &str {
    let without = || {
        let (name, inside) = title.strip_prefix('<')?.split_once('>')?;
        inside.strip_suffix('>')?.strip_suffix(name)?.strip_suffix("</")
    };
    without().unwrap_or(title)
}

/// Takes off the marks of emphasis and code around words. `*args`, `__init__` and `2 * 3` stay.
fn emphasis(title: &str) -> String {
    let mut title = title.to_owned();
    for mark in EMPHASIS {
        let mut from = 0;
        while let Some((open, close)) = emphasized(&title, mark, from) {
            title.replace_range(close..close + mark.len(), "");
            title.replace_range(open..open + mark.len(), "");
            from = close - mark.len();
        }
    }
    title
}

/// Finds words between two marks, from this byte on. Returns the positions of the marks.
fn emphasized(title: &str, mark: &str, from: usize) -> Option<(usize, usize)> {
    let positions: Vec<usize> =
        title.match_indices(mark).map(|(at, _)| at).filter(|at| *at >= from).collect();
    let mut pairs = positions.iter().zip(positions.iter().skip(1));
    let found = pairs.find(|(open, close)| {
        let (before, rest) = title.split_at(**open);
        let (inside, after) = rest.split_at(*close - *open);
        let inside = inside.get(mark.len()..).unwrap_or_default();
        let after = after.get(mark.len()..).unwrap_or_default();
        let is_in_word = |c: char| c.is_alphanumeric() || mark.contains(c);
        // A word between two underscores on each side is a name in Python.
        let is_name = mark == "__" && !inside.contains(char::is_whitespace);
        let is_text = |c: char| !c.is_whitespace() && !mark.contains(c);
        !before.ends_with(is_in_word)
            && !after.starts_with(is_in_word)
            && inside.starts_with(is_text)
            && inside.ends_with(is_text)
            && !is_name
    });
    found.map(|(open, close)| (*open, *close))
}

/// Takes off a label, such as `Title:`. A colon within a title stays.
fn label(title: &str) -> &str {
    let Some((label, rest)) = title.split_once([':', '：']) else { return title };
    let label = label.to_lowercase();
    let is_between_words = |c: char| c.is_whitespace() || "*_\"“”,!.".contains(c);
    let words: Vec<&str> = label.split(is_between_words).filter(|word| !word.is_empty()).collect();
    let names_title = words.iter().any(|word| LABELS.contains(word));
    if !names_title || !words.iter().all(|word| LABELS.contains(word) || LABEL_WORDS.contains(word)) {
        return title;
    }
    // The end of an emphasis that began before the label: `**Title:** …`.
    let opened = title.len() - title.trim_start_matches(['*', '_']).len();
    let mark = title.get(..opened).unwrap_or_default();
    rest.strip_prefix(mark).unwrap_or(rest)
}

/// Takes off quotation marks around the whole title. `"Hello" and "Bye"` keeps them.
fn quotes(title: &str) -> &str {
    let without = || {
        let open = title.chars().next()?;
        let (_, closers) = QUOTES.into_iter().find(|(known, _)| *known == open)?;
        let close = title.chars().next_back().filter(|last| closers.contains(*last))?;
        let inside = title.get(open.len_utf8()..title.len() - close.len_utf8())?;
        (!closes_within(inside, open, closers)).then_some(inside)
    };
    let only_one = || {
        let is_double = |c: char| matches!(c, '"' | '“' | '”' | '„' | '«' | '»' | '`');
        if title.matches(is_double).count() != 1 {
            return None;
        }
        // After a digit, it is the sign of inches.
        let closed =
            title.strip_suffix(is_double).filter(|rest| !rest.ends_with(|c: char| c.is_ascii_digit()));
        title.strip_prefix(is_double).or(closed)
    };
    without().or_else(only_one).unwrap_or(title)
}

/// Whether a quotation that is opened before this text ends within it. Apostrophes end nothing, and neither do quotation
/// marks that open another quotation.
fn closes_within(inside: &str, open: char, closers: &str) -> bool {
    let is_quote = |c: char| c == open || closers.contains(c);
    let Some(at) = inside.char_indices().find(|(at, c)| is_quote(*c) && !is_apostrophe(inside, *at, *c))
    else {
        return false;
    };
    let (before, _) = inside.split_at(at.0);
    !before.is_empty() && !before.ends_with(char::is_whitespace)
}

/// Whether the character at this byte is within a word.
fn is_apostrophe(text: &str, at: usize, c: char) -> bool {
    let (before, after) = text.split_at(at);
    let after = after.get(c.len_utf8()..).unwrap_or_default();
    matches!(c, '\'' | '’' | '‘')
        && before.ends_with(char::is_alphanumeric)
        && after.starts_with(char::is_alphanumeric)
}

/// Takes off a full stop or another mark at the end that needs more text. Dots of an ellipsis and of `U.S.` stay.
fn full_stop(title: &str) -> &str {
    let Some(rest) = title.strip_suffix(['.', '。', ':', '：', ',', ';']) else { return title };
    let last_word = rest.rsplit(char::is_whitespace).next().unwrap_or_default();
    let initials =
        last_word.split('.').all(|letters| letters.chars().count() == 1) && last_word.contains('.');
    if rest.ends_with('.') || title.ends_with('.') && initials { title } else { rest }
}

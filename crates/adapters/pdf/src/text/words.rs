//! Finds the spaces between the words of a line. A page often leaves a gap instead of drawing a space.

use super::glyph::Glyph;

/// Two glyphs are of two words from this gap on, in font sizes. The narrowest spaces of justified lines are a little wider,
/// and kerning moves letters apart by less. Measured: 0.15 joined words of 30 documents out of 1,200, and 0.18 of 150.
const WORD_GAP: f64 = 0.1;
/// The same between two characters of Chinese or Japanese, which are set apart to justify lines but not words.
const WIDE_GAP: f64 = 0.6;
/// Letters that are spread out stand apart by more than kerning, and by less than the cells of a table. Digits that do so are
/// taken for cells, because a wrong number is worse than a divided one.
const SPREAD_GAPS: std::ops::Range<f64> = 0.1..0.4;
/// The part of the gaps that must be so wide at least: a line of one-letter words has them, too, but between other words.
const SPREAD_PART: f64 = 0.8;

const SOFT_HYPHEN: &str = "\u{ad}";

/// The texts of the glyphs of a line, with a space wherever a word ends.
pub(super) fn pieces<'g>(line: impl Iterator<Item = &'g Glyph>) -> Vec<&'g str> {
    let line: Vec<&Glyph> = line.collect();
    let mut pieces = Vec::with_capacity(line.len());
    let stretches = || line.chunk_by(|last, next| !is_apart(last, next));
    let line_gap = word_gap(stretches().flat_map(gaps).collect());
    for stretch in stretches() {
        // A word of two letters has one gap, which tells little.
        let own = gaps(stretch);
        let word_gap = if own.len() > 1 { word_gap(own) } else { line_gap };
        let mut last: Option<&Glyph> = None;
        for (glyph, next) in stretch.iter().zip(stretch.iter().skip(1).map(Some).chain([None])) {
            if next.is_some_and(|next| is_hidden_hyphen(glyph, next)) {
                continue;
            }
            let is_next_word = last.is_none_or(|last| {
                gap(last, glyph) > if are_wide(last, glyph) { WIDE_GAP } else { word_gap }
            });
            let is_spaced = pieces.last().is_none_or(|piece: &&str| piece.ends_with(char::is_whitespace));
            if is_next_word && !is_spaced && !glyph.text.starts_with(char::is_whitespace) {
                pieces.push(" ");
            }
            // Fonts often have one glyph for both hyphens, and this one is seen.
            pieces.push(if glyph.text == SOFT_HYPHEN { "-" } else { glyph.text.as_str() });
            last = Some(glyph);
        }
    }
    pieces
}

/// Whether a glyph is a hyphen where a line could end but does not, so that the next glyph is drawn over it.
fn is_hidden_hyphen(glyph: &Glyph, next: &Glyph) -> bool {
    glyph.text == SOFT_HYPHEN && glyph.gap(next) < -glyph.width() / 2.0
}

/// Whether two glyphs are in two words however widely their letters are spread: a space was drawn, or the gap is large.
fn is_apart(last: &Glyph, next: &Glyph) -> bool {
    let most = if are_wide(last, next) { WIDE_GAP } else { SPREAD_GAPS.end };
    last.is_blank() != next.is_blank() || gap(last, next) > most
}

/// The gaps between the letters of a stretch.
fn gaps(stretch: &[&Glyph]) -> Vec<f64> {
    let pairs = stretch.array_windows().filter(|[last, next]| are_letters(last, next));
    pairs.map(|[last, next]| gap(last, next)).collect()
}

/// The gap from which on two letters are of two words, if these are the gaps between letters.
fn word_gap(mut gaps: Vec<f64>) -> f64 {
    gaps.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index of the list"
    )]
    let spread = (gaps.len() as f64 * (1.0 - SPREAD_PART)) as usize;
    match (gaps.get(spread), gaps.get(gaps.len() / 2)) {
        (Some(narrow), Some(middle)) if gaps.len() > 1 && *narrow > SPREAD_GAPS.start => middle + WORD_GAP,
        _ => WORD_GAP,
    }
}

/// The gap between two glyphs, in font sizes.
fn gap(last: &Glyph, next: &Glyph) -> f64 {
    last.gap(next) / last.em.min(next.em)
}

fn are_letters(last: &Glyph, next: &Glyph) -> bool {
    let is_letter =
        |glyph: &Glyph| glyph.text.chars().all(|letter| letter.is_alphabetic() && !is_wide(letter));
    is_letter(last) && is_letter(next)
}

fn are_wide(last: &Glyph, next: &Glyph) -> bool {
    last.text.chars().next_back().is_some_and(is_wide) && next.text.chars().next().is_some_and(is_wide)
}

/// Whether a character is as wide as the font is high: Han, kana and their punctuation. Korean has spaces.
fn is_wide(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{312f}' | '\u{31a0}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::super::glyph::Glyph;
    use super::pieces;

    /// A line of letters of width 5 with these gaps behind them.
    fn line(letters: &[(&str, f64)]) -> String {
        let mut x = 0.0;
        let mut glyphs = Vec::new();
        for (letter, gap) in letters {
            glyphs.push(Glyph::at(letter, x, 0.0, 5.0));
            x += 5.0 + gap;
        }
        pieces(glyphs.iter()).concat()
    }

    #[test]
    fn letters_that_are_spread_out_are_one_word() {
        assert_eq!(line(&[("T", 2.0), ("O", 2.1), ("T", 1.9), ("A", 2.0), ("L", 0.0)]), "TOTAL");
        let two_words =
            [("D", 2.0), ("U", 2.0), ("E", 7.0), ("T", 2.0), ("O", 2.0), ("D", 2.0), ("A", 2.0), ("Y", 0.0)];
        assert_eq!(line(&two_words), "DUE TODAY");
        assert_eq!(
            line(&[("D", 2.0), ("U", 2.0), ("E", 2.0), (" ", 2.0), ("N", 2.0), ("O", 2.0), ("W", 0.0)]),
            "DUE NOW"
        );
        let short_word =
            [("U", 2.0), ("S", 2.0), ("E", 2.0), (" ", 2.0), ("O", 2.0), ("F", 2.0), (" ", 2.0), ("I", 0.0)];
        assert_eq!(line(&short_word), "USE OF I");
    }

    #[test]
    fn words_of_one_letter_are_words() {
        assert_eq!(
            line(&[("I", 3.0), ("a", 0.0), ("m", 3.0), ("a", 3.0), ("n", 0.0), ("o", 0.0)]),
            "I am a no"
        );
        assert_eq!(line(&[("a", 2.5), ("+", 2.5), ("b", 2.5), ("=", 2.5), ("c", 0.0)]), "a + b = c");
    }

    #[test]
    fn cells_are_words() {
        assert_eq!(line(&[("1", 33.0), ("2", 33.0), ("3", 0.0)]), "1 2 3");
        assert_eq!(line(&[("0", 2.5), ("0", 2.5), ("7", 2.5), ("0", 0.0)]), "0 0 7 0");
    }

    #[test]
    fn a_soft_hyphen_is_a_hyphen_where_it_is_seen() {
        assert_eq!(line(&[("a", 0.0), ("b", 0.0), ("\u{ad}", -5.0), ("c", 0.0), ("d", 0.0)]), "abcd");
        assert_eq!(line(&[("a", 0.0), ("b", 0.0), ("\u{ad}", 0.0), ("c", 0.0)]), "ab-c");
        assert_eq!(line(&[("a", 0.0), ("b", 0.0), ("\u{ad}", 0.0)]), "ab-");
    }

    #[test]
    fn wide_characters_are_set_apart_without_a_space() {
        assert_eq!(line(&[("日", 3.0), ("本", 3.0), ("A", 3.0), ("語", 8.0), ("文", 0.0)]), "日本 A 語 文");
    }
}

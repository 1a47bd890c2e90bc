//! Writes a long JSON text item by item.

use std::io::Write;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::ser::Error;

/// The body of an answer that is a list, for [`JsonWriter::open`].
pub(crate) const LIST: [(); 0] = [];

/// A JSON text that is being written. It is a list, or an object whose last value is a list; and so may be the items of
/// a list.
#[derive(Debug, Default)]
pub(crate) struct JsonWriter {
    /// What was written and not yet taken.
    text: BytesMut,
    /// The lists that are open, outermost first.
    open: Vec<OpenList>,
}

#[derive(Debug)]
struct OpenList {
    /// What closes it, and the object that it belongs to.
    end: &'static str,
    is_empty: bool,
}

impl JsonWriter {
    /// Writes an item up to the end of its list, so that the list can be filled. In `body` the list is empty, and
    /// nothing follows it: the body is `[]`, or an object whose last value is `[]`.
    ///
    /// # Errors
    /// If the body does not end so.
    pub(crate) fn open(&mut self, body: &impl Serialize) -> Result<(), serde_json::Error> {
        self.item(body)?;
        let end = ["]}", "]"].into_iter().find(|end| self.text.ends_with(format!("[{end}").as_bytes()));
        let end = end.ok_or_else(|| serde_json::Error::custom("the body does not end in an empty list"))?;
        self.text.truncate(self.text.len() - end.len());
        self.open.push(OpenList { end, is_empty: true });
        Ok(())
    }

    /// Writes an item of the innermost open list.
    ///
    /// # Errors
    /// If it cannot be written as JSON. The text is of no use then.
    pub(crate) fn item(&mut self, item: &impl Serialize) -> Result<(), serde_json::Error> {
        if let Some(list) = self.open.last_mut()
            && !std::mem::replace(&mut list.is_empty, false)
        {
            self.text.put_u8(b',');
        }
        let mut text = (&mut self.text).writer();
        serde_json::to_writer(&mut text, item)?;
        text.flush().map_err(serde_json::Error::io)
    }

    /// Ends the innermost open list, and the object that it belongs to.
    pub(crate) fn close(&mut self) {
        if let Some(list) = self.open.pop() {
            self.text.put_slice(list.end.as_bytes());
        }
    }

    /// Ends the text.
    pub(super) fn finish(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
    }

    /// How many bytes are written and not yet taken.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Takes what was written, at most so many bytes.
    pub(super) fn take(&mut self, most: usize) -> Bytes {
        self.text.split_to(self.text.len().min(most)).freeze()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct Body {
        name: &'static str,
        items: Vec<u8>,
    }

    const EMPTY: Body = Body { name: "[]}", items: Vec::new() };

    fn text(mut writer: JsonWriter) -> String {
        writer.finish();
        String::from_utf8(writer.take(usize::MAX).to_vec()).unwrap()
    }

    #[test]
    fn a_text_written_by_items_is_the_text_of_the_whole() {
        let mut writer = JsonWriter::default();
        writer.open(&LIST).unwrap();
        writer.item(&1).unwrap();
        writer.item(&"a,]").unwrap();
        assert_eq!(text(writer), r#"[1,"a,]"]"#);

        let mut writer = JsonWriter::default();
        writer.open(&EMPTY).unwrap();
        for number in [1, 2, 3] {
            writer.item(&number).unwrap();
        }
        let whole = Body { items: vec![1, 2, 3], ..EMPTY };
        assert_eq!(text(writer), serde_json::to_string(&whole).unwrap());
    }

    #[test]
    fn items_may_have_lists_of_their_own() {
        let mut writer = JsonWriter::default();
        writer.open(&EMPTY).unwrap();
        for items in [&[][..], &[1, 2], &[3]] {
            writer.open(&EMPTY).unwrap();
            for item in items {
                writer.item(item).unwrap();
            }
            writer.close();
        }
        let inner = |items: &[u8]| json!({"name": "[]}", "items": items});
        let whole = json!({"name": "[]}", "items": [inner(&[]), inner(&[1, 2]), inner(&[3])]});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text(writer)).unwrap(), whole);
    }

    #[test]
    fn lists_without_items_are_closed() {
        for (body, expected) in [(json!([]), "[]"), (json!({"a": []}), r#"{"a":[]}"#)] {
            let mut writer = JsonWriter::default();
            writer.open(&body).unwrap();
            assert_eq!(text(writer), expected);
        }
    }

    #[test]
    fn a_body_that_does_not_end_in_a_list_is_refused() {
        for body in [json!({}), json!([1]), json!({"a": [], "b": 1}), json!({"a": {"b": []}}), json!("[]")] {
            assert!(JsonWriter::default().open(&body).is_err(), "{body}");
        }
    }
}

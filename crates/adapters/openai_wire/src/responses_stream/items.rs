//! The text of the items of a response, as far as it was passed on.

use std::borrow::Cow;

use crate::content::{Kind, Pieces, whole};
use crate::json::{Json, Text};
use crate::written::{Differs, Written, missing};

/// Which part of the response an event belongs to.
#[derive(Debug, Clone, Default)]
pub(super) struct Place<'a> {
    /// The position of the item in the response.
    pub(super) output_index: Option<u64>,
    /// The id of the item.
    pub(super) item_id: Option<Cow<'a, str>>,
    /// The position of the part in its item.
    pub(super) part: Option<u64>,
}

impl<'a> Place<'a> {
    pub(super) fn of(event: Json<'a>) -> Self {
        let index = |name: &str| event.get(name).and_then(Json::count);
        let item_id = event
            .get("item_id")
            .or_else(|| event.get("item")?.get("id"))
            .and_then(Json::label)
            .filter(|id| !id.is_empty())
            .map(Cow::from);
        let part = index("content_index").or_else(|| index("summary_index"));
        Self { output_index: index("output_index"), item_id, part }
    }
}

/// The items of a response. The text of a response stands in it up to five times: in deltas, and complete in the events at
/// the end of its part, of its content, of its item and of the response. Servers may leave out any of them.
#[derive(Debug, Default)]
pub(super) struct Items(Vec<Item>);

/// How many items may be written at the same time. The others are complete, and searching all of them for each event would take
/// long in a response of very many items.
const ITEMS_AT_ONCE: usize = 256;

#[derive(Debug, Default)]
struct Item {
    output_index: Option<u64>,
    id: Option<String>,
    text: Written,
    refusal: Written,
    reasoning: Written,
    is_done: bool,
}

impl Item {
    fn written(&mut self, kind: Kind) -> &mut Written {
        match kind {
            Kind::Text => &mut self.text,
            Kind::Refusal => &mut self.refusal,
            Kind::Reasoning => &mut self.reasoning,
        }
    }

    fn text(&self, kind: Kind) -> &str {
        match kind {
            Kind::Text => self.text.text(),
            Kind::Refusal => self.refusal.text(),
            Kind::Reasoning => self.reasoning.text(),
        }
    }
}

impl Item {
    /// Whether it has text of this kind, or none at all.
    fn is_of(&self, kind: Kind) -> bool {
        !self.text(kind).is_empty() || Kind::ALL.into_iter().all(|kind| self.text(kind).is_empty())
    }
}

impl Items {
    /// Adds a piece of text. Returns what is to be passed on.
    pub(super) fn add(&mut self, place: &Place<'_>, kind: Kind, piece: Text) -> String {
        self.at(place, kind, |item| {
            let written = item.written(kind);
            let mut text = written.begin_part(place.part);
            text.push_str(&written.add(piece));
            text
        })
    }

    /// Takes the complete text of a part. Returns what is missing.
    pub(super) fn complete_part(
        &mut self,
        place: &Place<'_>,
        kind: Kind,
        complete: String,
    ) -> Result<String, Differs> {
        self.at(place, kind, |item| item.written(kind).complete_part(place.part, complete))
    }

    /// Takes the complete text of an item. Returns what is missing.
    pub(super) fn complete_item(
        &mut self,
        place: &Place<'_>,
        kind: Kind,
        complete: String,
    ) -> Result<String, Differs> {
        self.at(place, kind, |item| item.written(kind).complete(complete))
    }

    /// Ends an item with text of this kind.
    pub(super) fn end_item(&mut self, place: &Place<'_>, kind: Kind) {
        self.at(place, kind, |item| item.is_done = true);
    }

    /// Takes the complete text of the response. Returns what is missing. The response may leave out items at its beginning.
    pub(super) fn complete(&self, kind: Kind, complete: &str) -> Result<String, Differs> {
        let all: String = self.0.iter().map(|item| item.text(kind)).collect();
        let found = missing(&all, complete);
        if found.is_ok() {
            return found;
        }
        let mut from = 0;
        for item in &self.0 {
            from += item.text(kind).len();
            let (left_out, listed) = all.split_at(from);
            // The same text before it would be one that was passed on twice by mistake.
            if listed.is_empty() || left_out.ends_with(complete.trim()) {
                continue;
            }
            if let Ok(missing) = missing(listed, complete)
                && missing.trim().is_empty()
            {
                return Ok(missing);
            }
        }
        Err(Differs)
    }

    /// Whether thoughts, and nothing else, were passed on of the item of an event.
    pub(super) fn has_thoughts_alone(&self, place: &Place<'_>) -> bool {
        let item = self.position(place, Kind::Reasoning).and_then(|position| self.0.get(position));
        item.is_some_and(|item| {
            let has = |kind: Kind| !item.text(kind).is_empty();
            has(Kind::Reasoning) && !has(Kind::Text) && !has(Kind::Refusal)
        })
    }

    /// Whether text that belongs to the answer was passed on.
    pub(super) fn has_visible_text(&self) -> bool {
        let mut kinds = Kind::ALL.into_iter().filter(|kind| kind.is_visible());
        kinds.any(|kind| self.0.iter().any(|item| !item.text(kind).is_empty()))
    }

    /// Ends all items. Returns U+FFFD for each text that ends with half of a surrogate pair.
    pub(super) fn end(&mut self) -> Vec<(Kind, String)> {
        let mut halves = Vec::new();
        for item in &mut self.0 {
            for kind in Kind::ALL {
                halves.push((kind, item.written(kind).end_part(None)));
            }
        }
        halves
    }

    /// Finds the item of an event with text of this kind.
    ///
    /// Ids and indices are unreliable: some servers make a new id for each event, or leave out one or both. So the same id means
    /// the same item; else the index decides; else the event belongs to the item that is being written, unless that one has
    /// another id and texts of other kinds alone.
    fn position(&self, place: &Place<'_>, kind: Kind) -> Option<usize> {
        let Place { output_index, item_id, .. } = place;
        let is_known = |item: &Item| item_id.is_some() && item.id.as_deref() == item_id.as_deref();
        let is_there = |item: &Item| output_index.is_some() && item.output_index == *output_index;
        let may_be = |item: &Item| item_id.is_none() || item.id.is_none() || item.is_of(kind);
        let is_open = |item: &Item| {
            !item.is_done && (output_index.is_none() || item.output_index.is_none()) && may_be(item)
        };
        let from = self.0.len().saturating_sub(ITEMS_AT_ONCE);
        let recent = self.0.get(from..).unwrap_or_default();
        let position = |is_it: &dyn Fn(&Item) -> bool| recent.iter().rposition(is_it).map(|at| from + at);
        position(&is_known).or_else(|| position(&is_there)).or_else(|| position(&is_open))
    }

    /// Finds the item of an event, or adds one, and changes it.
    fn at<T>(&mut self, place: &Place<'_>, kind: Kind, change: impl FnOnce(&mut Item) -> T) -> T {
        let Place { output_index, item_id, .. } = place;
        let found = self.position(place, kind);
        let mut item = match found {
            Some(position) => self.0.get_mut(position).map(std::mem::take).unwrap_or_default(),
            None => Item::default(),
        };
        item.output_index = item.output_index.or(*output_index);
        if item.id.is_none() {
            item.id = item_id.as_deref().map(str::to_owned);
        }
        let result = change(&mut item);
        match found.and_then(|position| self.0.get_mut(position)) {
            Some(place) => *place = item,
            None => self.0.push(item),
        }
        result
    }
}

/// Joins the texts of one kind in the items of a response.
pub(super) fn whole_of(items: &[Pieces], kind: Kind) -> String {
    items.iter().map(|pieces| whole(pieces, kind)).collect()
}

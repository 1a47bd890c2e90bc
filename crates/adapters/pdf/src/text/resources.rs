//! The resources that content refers to by name: fonts and forms.

use lopdf::{Dictionary, Document, Object, ObjectId};

/// The dictionaries in which a name is looked up, in this order.
#[derive(Debug, Clone)]
pub(super) struct Resources<'a>(Vec<&'a Dictionary>);

impl<'a> Resources<'a> {
    /// The resources of a page, which it may inherit from its ancestors.
    pub(super) fn of_page(document: &'a Document, page: ObjectId) -> lopdf::Result<Self> {
        let (own, referred) = document.get_page_resources(page)?;
        let referred = referred.into_iter().filter_map(|id| document.get_dictionary(id).ok());
        Ok(Self(own.into_iter().chain(referred).collect()))
    }

    /// The resources of a form, if it has its own.
    pub(super) fn of_form(document: &'a Document, form: &'a Dictionary) -> Option<Self> {
        let own = form.get_deref(b"Resources", document).and_then(Object::as_dict).ok()?;
        Some(Self(vec![own]))
    }

    pub(super) fn find(&self, document: &'a Document, kind: &[u8], name: &[u8]) -> Option<&'a Object> {
        let named = |resources: &&'a Dictionary| {
            resources.get_deref(kind, document).and_then(Object::as_dict).ok()?.get(name).ok()
        };
        self.0.iter().find_map(named)
    }
}

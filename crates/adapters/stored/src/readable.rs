//! The rule for lists: a row that cannot be read is left out.

use std::fmt::Display;

use crate::StoredError;

/// Converts the rows of a list. One that cannot be read is left out, with an error in the log: it must not hide the
/// others. `what` and `id` name the row there.
pub fn readable<Row, Thing, Id>(rows: Vec<Row>, what: &'static str, id: impl Fn(&Row) -> Id) -> Vec<Thing>
where
    Thing: TryFrom<Row, Error = StoredError>,
    Id: Display,
{
    let mut things = Vec::with_capacity(rows.len());
    for row in rows {
        let id = id(&row);
        match Thing::try_from(row) {
            Ok(thing) => things.push(thing),
            Err(error) => {
                tracing::error!(%id, ?error, "stored {what} {id} cannot be read, and is left out of a list");
            }
        }
    }
    things
}

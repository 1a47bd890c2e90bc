//! JSON that can be changed in ways that no library for JSON allows, such as a name that stands twice.

use serde_json::Value;

use super::random::Random;

/// A JSON value.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// Anything but a list or an object, as JSON.
    Scalar(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
    /// A needed value, which may only be changed so that it is still right or cannot be read.
    Needed(Box<Tree>),
    /// A value that is left alone, but what stands in it may be changed.
    Kept(Box<Tree>),
    /// A value that is left alone, with all that stands in it.
    Fixed(Box<Tree>),
}

impl Tree {
    pub(super) fn of(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.into_iter().map(Self::of).collect()),
            Value::Object(fields) => {
                Self::Object(fields.into_iter().map(|(name, value)| (name, Self::of(value))).collect())
            }
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                Self::Scalar(scalar.to_string())
            }
        }
    }

    /// Sets the value at a path, which must exist. `needed` says whether it and all around it, but for the event itself, is needed.
    pub(super) fn set(&mut self, path: &[&str], json: String, needed: bool) {
        let Some((name, rest)) = path.split_first() else {
            *self = Self::Scalar(json);
            return;
        };
        let inner = match self {
            Self::List(items) => &mut items[name.parse::<usize>().unwrap()],
            Self::Object(fields) => &mut fields.iter_mut().find(|(field, _)| field == name).unwrap().1,
            Self::Needed(inner) | Self::Kept(inner) | Self::Fixed(inner) => {
                return inner.set(path, json, needed);
            }
            Self::Scalar(_) => panic!("no field {name} in a scalar"),
        };
        inner.set(rest, json, needed);
        if needed && !matches!(inner, Self::Needed(_)) {
            *inner = Self::Needed(Box::new(inner.clone()));
        }
    }

    pub(super) fn to_json(&self) -> String {
        match self {
            Self::Scalar(json) => json.clone(),
            Self::List(items) => {
                format!("[{}]", items.iter().map(Self::to_json).collect::<Vec<_>>().join(","))
            }
            Self::Object(fields) => {
                let field = |(name, value): &(String, Self)| format!("{name:?}:{}", value.to_json());
                format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
            }
            Self::Needed(inner) | Self::Kept(inner) | Self::Fixed(inner) => inner.to_json(),
        }
    }

    /// The number of fields and elements in it, at any depth.
    fn size(&self) -> usize {
        match self {
            Self::Scalar(_) | Self::Fixed(_) => 0,
            Self::List(items) => items.iter().map(|item| 1 + item.size()).sum(),
            Self::Object(fields) => fields.iter().map(|(_, value)| 1 + value.size()).sum(),
            Self::Needed(inner) | Self::Kept(inner) => inner.size(),
        }
    }

    fn is_needed(&self) -> bool {
        matches!(self, Self::Needed(_))
    }

    fn is_left_alone(&self) -> bool {
        matches!(self, Self::Kept(_) | Self::Fixed(_))
    }
}

/// Values of all types.
const ODD: [&str; 12] =
    ["null", "true", "false", "7", "-1", "1.5", "\"\"", "\"x\"", "[]", "{}", "[7]", r#"{"x":1}"#];
/// Values that cannot be read in the place of a needed one. An object of unknown fields is not among them: servers add
/// fields.
const UNREADABLE: [&str; 5] = ["true", "false", "7", "-1", "[7]"];

/// Changes one field or element, at any depth of any event.
pub(super) fn change(stream: &mut [Tree], random: &mut Random) {
    let sizes: Vec<_> = stream.iter().map(Tree::size).collect();
    let mut position = random.below(sizes.iter().sum());
    for (event, size) in stream.iter_mut().zip(sizes) {
        if position < size {
            change_at(event, position, random);
            return;
        }
        position -= size;
    }
}

fn change_at(tree: &mut Tree, mut position: usize, random: &mut Random) {
    match tree {
        Tree::Needed(inner) | Tree::Kept(inner) => change_at(inner, position, random),
        Tree::Object(fields) => {
            for index in 0..fields.len() {
                if position == 0 {
                    change_field(fields, index, random);
                    return;
                }
                let inner = &mut fields[index].1;
                let size = inner.size();
                if position <= size {
                    change_at(inner, position - 1, random);
                    return;
                }
                position -= 1 + size;
            }
        }
        Tree::List(items) => {
            for index in 0..items.len() {
                if position == 0 {
                    change_item(items, index, random);
                    return;
                }
                let inner = &mut items[index];
                let size = inner.size();
                if position <= size {
                    change_at(inner, position - 1, random);
                    return;
                }
                position -= 1 + size;
            }
        }
        Tree::Scalar(_) | Tree::Fixed(_) => {}
    }
}

fn change_field(fields: &mut Vec<(String, Tree)>, index: usize, random: &mut Random) {
    let (name, value) = fields[index].clone();
    if value.is_left_alone() {
        return;
    }
    let odd = odd_value(&value, random);
    match random.below(4) {
        0 if !value.is_needed() => drop(fields.remove(index)),
        1 => fields.insert(index, (name, value)),
        // Twice, with another value before or after it.
        2 => fields.insert(index + random.below(2), (name, odd)),
        _ => fields[index].1 = odd,
    }
}

fn change_item(items: &mut Vec<Tree>, index: usize, random: &mut Random) {
    let item = items[index].clone();
    let odd = odd_value(&item, random);
    match random.below(2) {
        _ if item.is_left_alone() => {}
        // An element that says nothing, beside the others.
        0 => items.insert(index + random.below(2), Tree::Scalar(random.one_of(&["null", "{}"]).to_owned())),
        _ => items[index] = odd,
    }
}

/// Returns a value of another type. In the place of a needed value, it is needed, too.
fn odd_value(value: &Tree, random: &mut Random) -> Tree {
    let choices = if value.is_needed() { &UNREADABLE[..] } else { &ODD[..] };
    let type_before = json_type(&value.to_json());
    let odd = loop {
        let odd = random.one_of(choices);
        if json_type(odd) != type_before {
            break Tree::Scalar(odd.to_owned());
        }
    };
    if value.is_needed() { Tree::Needed(Box::new(odd)) } else { odd }
}

/// Returns the first character of a JSON value, which tells its type, with one character for all numbers.
fn json_type(json: &str) -> Option<char> {
    json.chars().next().map(|first| if first == '-' || first.is_ascii_digit() { '0' } else { first })
}

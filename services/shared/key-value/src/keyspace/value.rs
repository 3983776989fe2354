//! The kinds of values.

use std::collections::VecDeque;

use indexmap::{IndexMap, IndexSet};

use super::SortedSet;
use crate::protocol::Failure;

pub(crate) const WRONG_TYPE: Failure = Failure::of("WRONGTYPE Operation against a key holding the wrong kind of value");

pub(crate) type Text = Vec<u8>;
pub(crate) type List = VecDeque<Vec<u8>>;
pub(crate) type Hash = IndexMap<Vec<u8>, Vec<u8>>;
pub(crate) type Set = IndexSet<Vec<u8>>;

/// What a key holds.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Text),
    List(List),
    Hash(Hash),
    Set(Set),
    SortedSet(SortedSet),
}

impl Value {
    /// The name of its kind, as TYPE tells it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Hash(_) => "hash",
            Self::Set(_) => "set",
            Self::SortedSet(_) => "zset",
        }
    }
}

/// One kind of value. A collection that ends empty is gone.
pub(crate) trait Kind: Default {
    fn of(value: &Value) -> Option<&Self>;
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    fn is_gone(&self) -> bool;
    fn into_value(self) -> Value;
}

macro_rules! kind {
    ($type:ident, $is_gone:expr) => {
        impl Kind for $type {
            fn of(value: &Value) -> Option<&Self> {
                match value {
                    Value::$type(value) => Some(value),
                    _ => None,
                }
            }

            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                match value {
                    Value::$type(value) => Some(value),
                    _ => None,
                }
            }

            fn is_gone(&self) -> bool {
                let is_gone: fn(&Self) -> bool = $is_gone;
                is_gone(self)
            }

            fn into_value(self) -> Value {
                Value::$type(self)
            }
        }
    };
}

kind!(Text, |_| false);
kind!(List, VecDeque::is_empty);
kind!(Hash, IndexMap::is_empty);
kind!(Set, IndexSet::is_empty);
kind!(SortedSet, |set| set.len() == 0);

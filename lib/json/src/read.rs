//! A value behind serde's `Deserializer`.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

type Key<'v> = BorrowedStrDeserializer<'v, Error>;

/// A value that is about to become something.
#[derive(Clone, Copy)]
pub(crate) struct Read<'v>(pub(crate) &'v Value);

impl<'v> Read<'v> {
    /// That a value is of another kind than was wanted.
    #[cold]
    fn not(self, wanted: &str) -> Error {
        let found = match self.0 {
            Value::Null => Unexpected::Unit,
            Value::Bool(found) => Unexpected::Bool(*found),
            Value::Number(_) => Unexpected::Other("a number"),
            Value::String(found) => Unexpected::Str(found),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        };
        Error::invalid_type(found, &wanted)
    }

    fn number<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Number(number) = self.0 else { return Err(self.not("a number")) };
        match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => visitor.visit_u64(number),
            (_, Some(number)) => visitor.visit_i64(number),
            _ => visitor.visit_f64(number.as_f64().unwrap_or_default()),
        }
    }

    fn text<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::String(text) = self.0 else { return Err(self.not("a text")) };
        visitor.visit_borrowed_str(text)
    }

    fn array<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Array(items) = self.0 else { return Err(self.not("an array")) };
        let mut items = Items(items.iter());
        let made = visitor.visit_seq(&mut items)?;
        match items.0.len() {
            0 => Ok(made),
            more => Err(Error::custom(format_args!("{more} elements too many"))),
        }
    }

    fn object<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Object(entries) = self.0 else { return Err(self.not("an object")) };
        visitor.visit_map(Entries { rest: entries.iter(), value: None })
    }
}

macro_rules! as_is {
    ($v:lifetime $($name:ident)* => $how:ident) => {$(
        fn $name<V: Visitor<$v>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$how(visitor)
        }
    )*};
}

impl<'v> Deserializer<'v> for Read<'v> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(_) => self.number(visitor),
            Value::String(_) => self.text(visitor),
            Value::Array(_) => self.array(visitor),
            Value::Object(_) => self.object(visitor),
        }
    }

    as_is! { 'v deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16
    deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 => number }
    as_is! { 'v deserialize_str deserialize_string deserialize_char deserialize_identifier => text }
    as_is! { 'v deserialize_seq => array }
    as_is! { 'v deserialize_map => object }

    fn deserialize_bool<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Bool(value) = self.0 else { return Err(self.not("true or false")) };
        visitor.visit_bool(*value)
    }

    fn deserialize_option<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'v>>(self, _: &str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'v>>(self, _: &str, _: &[&str], visitor: V) -> Result<V::Value, Error> {
        self.object(visitor)
    }

    fn deserialize_tuple<V: Visitor<'v>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.array(visitor)
    }

    fn deserialize_enum<V: Visitor<'v>>(self, _: &str, _: &[&str], visitor: V) -> Result<V::Value, Error> {
        let (name, with) = match self.0 {
            Value::String(name) => (name, None),
            Value::Object(entries) => {
                let mut entries = entries.iter();
                match (entries.next(), entries.next()) {
                    (Some((name, value)), None) => (name, Some(Read(value))),
                    _ => return Err(self.not("a choice")),
                }
            }
            _ => return Err(self.not("a choice")),
        };
        visitor.visit_enum(Choice { name, with })
    }

    fn deserialize_ignored_any<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { <V: Visitor<'v>> bytes byte_buf unit unit_struct tuple_struct }
}

/// The elements of an array that are still to come.
struct Items<'v>(std::slice::Iter<'v, Value>);

impl<'v> SeqAccess<'v> for &mut Items<'v> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'v>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|value| seed.deserialize(Read(value))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The entries of an object that are still to come.
struct Entries<'v> {
    rest: serde_json::map::Iter<'v>,
    value: Option<&'v Value>,
}

impl<'v> MapAccess<'v> for Entries<'v> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'v>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(Key::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'v>>(&mut self, seed: V) -> Result<V::Value, Error> {
        // Whoever asks for a value before its key gets null.
        seed.deserialize(Read(self.value.take().unwrap_or(&Value::Null)))
    }
}

/// A variant, with what belongs to it.
struct Choice<'v> {
    name: &'v str,
    with: Option<Read<'v>>,
}

impl<'v> EnumAccess<'v> for Choice<'v> {
    type Error = Error;
    type Variant = With<'v>;

    fn variant_seed<V: DeserializeSeed<'v>>(self, seed: V) -> Result<(V::Value, Self::Variant), Error> {
        Ok((seed.deserialize(Key::new(self.name))?, With(self.with)))
    }
}

/// What belongs to a variant.
struct With<'v>(Option<Read<'v>>);

impl<'v> With<'v> {
    fn there(self) -> Result<Read<'v>, Error> {
        self.0.ok_or_else(|| Error::custom("a choice that needs more than its name"))
    }
}

impl<'v> VariantAccess<'v> for With<'v> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None | Some(Read(Value::Null)) => Ok(()),
            Some(more) => Err(more.not("nothing but the choice's name")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'v>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.there()?)
    }

    fn tuple_variant<V: Visitor<'v>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.there()?.array(visitor)
    }

    fn struct_variant<V: Visitor<'v>>(self, _: &[&str], visitor: V) -> Result<V::Value, Error> {
        self.there()?.object(visitor)
    }
}

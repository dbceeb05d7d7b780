//! Objects of JSON as structs.

/// Implements `Deserialize` for a struct whose fields are those of an object: the first ones must be there, the ones behind the
/// semicolon have a value if they are not. Fields that are not known are passed by.
///
/// What serde derives takes an array for an object, too, which the format does not, and is more than twice as large. It looks
/// for fields that are there twice; [`json::check`](crate::json::check) has done so before.
macro_rules! from_object {
    ($type:ident { $($field:ident),* $(; $($optional:ident = $default:expr),*)? }) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;

                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$type, A::Error> {
                        $(let mut $field = None;)*
                        $($(let mut $optional = None;)*)?
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                $(stringify!($field) => $field = Some(map.next_value()?),)*
                                $($(stringify!($optional) => $optional = Some(map.next_value()?),)*)?
                                _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
                            }
                        }
                        $(let Some($field) = $field else {
                            return Err(serde::de::Error::missing_field(stringify!($field)));
                        };)*
                        Ok($type { $($field,)* $($($optional: $optional.unwrap_or_else(|| $default),)*)? })
                    }
                }

                deserializer.deserialize_map(Fields)
            }
        }
    };
}

pub(crate) use from_object;

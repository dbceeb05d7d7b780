//! JSON's values written as CBOR (RFC 8949).

use serde_json::Value;

/// A map whose length is not said, and the end of one.
const BEGIN: u8 = 0xbf;
const END: u8 = 0xff;

/// The value's bytes. Maps are of an unknown length, as hawkBit writes them. Numbers are whole ones; nothing else is in what devices get.
pub(super) fn encoded(value: &Value) -> Vec<u8> {
    let mut out = vec![];
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(value) => out.push(0xf4 + u8::from(*value)),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => head(0, number, out),
            (_, Some(number)) => head(1, number.unsigned_abs() - 1, out),
            _ => out.push(0xf6),
        },
        Value::String(text) => {
            head(3, text.len() as u64, out);
            out.extend(text.as_bytes());
        }
        Value::Array(values) => {
            head(4, values.len() as u64, out);
            values.iter().for_each(|value| write(value, out));
        }
        Value::Object(object) => {
            out.push(BEGIN);
            for (key, value) in object {
                head(3, key.len() as u64, out);
                out.extend(key.as_bytes());
                write(value, out);
            }
            out.push(END);
        }
    }
}

/// A type and a number in the shortest way.
fn head(kind: u8, number: u64, out: &mut Vec<u8>) {
    let kind = kind << 5;
    let bytes = number.to_be_bytes();
    match number {
        0..=23 => out.push(kind | bytes[7]),
        24..=0xff => out.extend([kind | 24, bytes[7]]),
        0x100..=0xffff => {
            out.push(kind | 25);
            out.extend(&bytes[6..]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(kind | 26);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(kind | 27);
            out.extend(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// From RFC 8949, appendix A.
    #[test]
    fn values_are_written_as_the_standard_says() {
        for (value, hex) in [
            (json!(23), "17"),
            (json!(24), "1818"),
            (json!(1000), "1903e8"),
            (json!(1_000_000), "1a000f4240"),
            (json!(1_000_000_000_000u64), "1b000000e8d4a51000"),
            (json!(-1000), "3903e7"),
            (json!(true), "f5"),
            (json!(null), "f6"),
            (json!("IETF"), "6449455446"),
            (json!([1, [2, 3]]), "8201820203"),
            (json!({"a": 1, "b": [2, 3]}), "bf6161016162820203ff"),
        ] {
            assert_eq!(crate::store::hex(&encoded(&value)), hex, "{value}");
        }
    }
}

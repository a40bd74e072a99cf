//! Types of Python's that have no equal among ours.

use crate::{Registration, Value};

const RANDOM_TAG: u32 = 1;
const RANDOM_NAME: &str = "python.random";

const RAW_TAG: u32 = 2;
const RAW_NAME: &str = "python.raw";

/// The Mersenne Twister's words, and the place among them.
const RANDOM_STATE_LEN: usize = 625;

/// Returns the state of a `random.Random`, as its `getstate()` gives it: a tuple of the version, a tuple of 625
/// integers, and a float or null.
pub(crate) fn random() -> Registration {
    Registration::new(RANDOM_TAG, RANDOM_NAME).accepting(is_random_state)
}

/// Returns a value that could not be read, as the package `appendmuch` wrote it: a tuple of its type id, which is one
/// byte, and the bytes of its payload.
pub(crate) fn raw() -> Registration {
    Registration::new(RAW_TAG, RAW_NAME).accepting(is_raw)
}

fn is_raw(content: &Value) -> bool {
    let Value::Tuple(parts) = content else {
        return false;
    };
    let [Value::Integer(type_id), Value::Bytes(_)] = parts.as_slice() else {
        return false;
    };
    u8::try_from(*type_id).is_ok()
}

fn is_random_state(content: &Value) -> bool {
    let Value::Tuple(parts) = content else {
        return false;
    };
    let [Value::Integer(_), Value::Tuple(state), gauss] = parts.as_slice() else {
        return false;
    };
    let is_word = |word: &Value| word.as_integer().is_some_and(|word| u32::try_from(word).is_ok());
    state.len() == RANDOM_STATE_LEN
        && state.iter().all(is_word)
        && matches!(gauss, Value::Null | Value::Float(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    fn state(len: usize, gauss: Value) -> Value {
        let words = (0..len).map(|word| Value::from(u32::MAX - u32::try_from(word).unwrap())).collect();
        let content = Value::Tuple(vec![Value::from(3), Value::Tuple(words), gauss]);
        Value::Custom { tag: RANDOM_TAG, content: Box::new(content) }
    }

    #[test]
    fn only_random_states_are_accepted() {
        let registry = Registry::builtin();
        assert!(registry.check(&state(625, Value::Null)).is_ok());
        assert!(registry.check(&state(625, Value::from(0.5))).is_ok());
        for wrong in [state(624, Value::Null), state(625, Value::from(1))] {
            assert_eq!(
                registry.check(&wrong).unwrap_err().to_string(),
                "the content is not accepted as `python.random`"
            );
        }
        assert_eq!(registry.name(RANDOM_TAG), Some("python.random"));
    }

    #[test]
    fn only_a_type_id_with_a_payload_is_accepted_as_raw() {
        let registry = Registry::builtin();
        let raw = |parts: &[Value]| {
            registry.check(&Value::Custom { tag: RAW_TAG, content: Box::new(Value::Tuple(parts.to_vec())) })
        };
        let payload = Value::Bytes(b"opaque".to_vec());
        assert_eq!(raw(&[255.into(), payload.clone()]), Ok(()));
        for wrong in [vec![256.into(), payload.clone()], vec![1.into(), "text".into()], vec![payload]] {
            assert_eq!(raw(&wrong).unwrap_err().to_string(), "the content is not accepted as `python.raw`");
        }
        assert_eq!(registry.name(RAW_TAG), Some("python.raw"));
    }
}

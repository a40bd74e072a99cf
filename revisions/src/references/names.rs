//! The names of objects in the value of an attribute: one, none, or several in a list or a set.

use annals_core::codec::Value;

/// Returns the names that an attribute holds, `None` if it holds anything else.
pub(super) fn names(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Text(name) => Some(vec![name]),
        Value::List(items) | Value::Tuple(items) => items.iter().map(Value::as_text).collect(),
        Value::Set(items) => items.iter().map(Value::as_text).collect(),
        _ => None,
    }
}

/// Returns the value with `names` in the place of the name `gone`, none of them twice; `None` if it cannot
/// hold them.
pub(super) fn replaced(value: Value, gone: &str, names: &[String]) -> Option<Value> {
    let is_gone = |value: &Value| value.as_text() == Some(gone);
    match value {
        Value::Null => Some(Value::Null),
        Value::Text(_) if is_gone(&value) => match names {
            [] => Some(Value::Null),
            [name] => Some(Value::Text(name.clone())),
            _ => None,
        },
        Value::Text(_) => Some(value),
        Value::List(items) => Some(Value::List(spliced(items, gone, names))),
        Value::Tuple(items) => Some(Value::Tuple(spliced(items, gone, names))),
        Value::Set(items) => {
            Some(Value::Set(spliced(items.into_iter().collect(), gone, names).into_iter().collect()))
        }
        _ => None,
    }
}

fn spliced(items: Vec<Value>, gone: &str, names: &[String]) -> Vec<Value> {
    let is_gone = |item: &Value| item.as_text() == Some(gone);
    let stays = |name: &String| items.iter().any(|item| !is_gone(item) && item.as_text() == Some(name));
    let mut new: Vec<Value> =
        names.iter().filter(|name| !stays(name)).map(|name| Value::from(&**name)).collect();
    let mut spliced = Vec::with_capacity(items.len());
    for item in items {
        if is_gone(&item) { spliced.append(&mut new) } else { spliced.push(item) }
    }
    spliced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Value {
        Value::List(names.iter().map(|name| Value::from(*name)).collect())
    }

    #[test]
    fn an_attribute_holds_one_name_or_none_or_several() {
        assert_eq!(names(&Value::Null), Some(vec![]));
        assert_eq!(names(&"a".into()), Some(vec!["a"]));
        assert_eq!(names(&list(&["a", "b"])), Some(vec!["a", "b"]));
        let set = Value::Set(["b", "a"].map(Value::from).into());
        assert_eq!(names(&set), Some(vec!["a", "b"]));
        for other in [7.into(), Value::Bool(true), Value::List(vec!["a".into(), Value::Null])] {
            assert_eq!(names(&other), None);
        }
    }

    #[test]
    fn others_take_the_place_of_a_name_and_none_comes_twice() {
        let by = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (value, names, after) in [
            ("a".into(), &[][..], Some(Value::Null)),
            ("a".into(), &["b"], Some("b".into())),
            ("a".into(), &["b", "c"], None),
            ("x".into(), &["b"], Some("x".into())),
            (Value::Null, &["b"], Some(Value::Null)),
            (list(&["x", "a", "y"]), &[], Some(list(&["x", "y"]))),
            (list(&["x", "a", "y"]), &["b"], Some(list(&["x", "b", "y"]))),
            (list(&["x", "a", "y", "a"]), &["b", "y"], Some(list(&["x", "b", "y"]))),
            (
                Value::Set(["a", "b"].map(Value::from).into()),
                &["c"],
                Some(Value::Set(["b", "c"].map(Value::from).into())),
            ),
            (7.into(), &["b"], None),
        ] {
            assert_eq!(replaced(value, "a", &by(names)), after);
        }
    }
}

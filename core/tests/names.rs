//! Names are validated where they enter, and say what is wrong with them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use annals_core::{Error, ErrorKind, Field, KEY_BYTES_MAX, Key, Namespace, Scope};
use proptest::prelude::*;

fn message(error: Result<impl std::fmt::Debug, Error>) -> String {
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    error.to_string()
}

#[test]
fn a_namespace_is_made_of_tokens() {
    for good in ["a", "game/player1", ".gitignore", "Cargo.toml", "a-b/_c/...", "0", "A.B-C_D/9"] {
        assert_eq!(Namespace::new(good).unwrap().as_str(), good);
    }
    for bad in ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a b", "é", "a\0", "a'b", "a%", "a\n"] {
        assert!(message(Namespace::new(bad)).starts_with("namespace `"), "{bad:?}");
    }
}

#[test]
fn a_field_is_an_identifier() {
    for good in ["a", "_", "__meta", "größe", "名前", "x1", "ﬀ"] {
        assert_eq!(Field::new(good).unwrap().as_str(), good);
    }
    for bad in ["", "1a", "a-b", "a b", "a.b", "a/b", "'", "a\0", "-", "a;--"] {
        assert!(message(Field::new(bad)).starts_with("field `"), "{bad:?}");
    }
}

#[test]
fn a_refused_name_is_shown_short_and_escaped() {
    let shown = message(Field::new(&"\u{1b}[31m".repeat(500)));
    assert!(shown.len() < 700, "{} bytes", shown.len());
    assert!(!shown.contains('\u{1b}'));
    assert!(shown.contains("\\u{1b}"));
}

#[test]
fn a_key_has_at_most_900_bytes() {
    let namespace = "n".repeat(KEY_BYTES_MAX - 1);
    assert_eq!(Key::parse(&namespace, "f").unwrap().field().as_str(), "f");
    let text = message(Key::parse(&namespace, "ff"));
    assert_eq!(text, "key of 901 bytes is over the limit of 900 bytes");
    assert_eq!(Namespace::new(&"n".repeat(KEY_BYTES_MAX)).unwrap().as_str().len(), KEY_BYTES_MAX);
    assert!(Namespace::new(&"n".repeat(KEY_BYTES_MAX + 1)).is_err());
}

#[test]
fn a_namespace_is_under_its_ancestors_only() {
    let namespace = |text| Namespace::new(text).unwrap();
    let game = namespace("game");
    let under: Vec<bool> = ["game", "game/a", "game/a/b", "games", "gam", "a/game"]
        .map(|text| namespace(text).is_under(&game))
        .to_vec();
    assert_eq!(under, [true, true, true, false, false, false]);
    assert_eq!(namespace("a/b/c").parent(), Some(namespace("a/b")));
    assert_eq!(game.parent(), None);
    assert_eq!(game.join("p/q").unwrap(), namespace("game/p/q"));
}

#[test]
fn the_ranges_of_a_scope_hold_what_it_contains() {
    let game = Namespace::new("game").unwrap();
    let names = [
        "game", "game-x", "game.x", "game/x", "game/x/y", "game/-", "game/zzz", "game0", "games", "gamf",
        "gam", "-", "zz",
    ];
    for scope in [Scope::All, Scope::Record(game.clone()), Scope::Under(game)] {
        let ranges = scope.ranges();
        assert!(ranges.is_sorted_by(|before, after| before.end <= after.start), "{scope:?}");
        for name in names {
            let count = ranges.iter().filter(|range| range.contains(&name.to_owned())).count();
            assert_eq!(
                count,
                usize::from(scope.contains(&Namespace::new(name).unwrap())),
                "{name} in {scope:?}"
            );
        }
    }
}

#[test]
fn nothing_stands_between_a_namespace_and_what_is_just_after_it() {
    let game = Namespace::new("game").unwrap();
    assert!(*game.as_str() < *game.just_after());
    for next in ["game-", "game.", "game/-", "game0", "gameA", "game_", "gamea"] {
        assert!(*game.just_after() < *Namespace::new(next).unwrap().as_str(), "{next}");
    }
}

proptest! {
    /// Whatever is accepted is exactly what was given, and splits into what it was joined from.
    #[test]
    fn any_text_is_taken_whole_or_refused(text in ".{0,40}|[a-z./_-]{0,20}") {
        if let Ok(namespace) = Namespace::new(&text) {
            prop_assert_eq!(namespace.tokens().collect::<Vec<_>>().join("/"), text.clone());
        }
        if let Ok(field) = Field::new(&text) {
            prop_assert_eq!(field.as_str(), text);
        }
    }

    #[test]
    fn keys_are_ordered_by_namespace_then_field(
        a in "[a-c./-]{1,4}", b in "[a-c./-]{1,4}", f in "[a-c]{1,2}", g in "[a-c]{1,2}",
    ) {
        if let (Ok(left), Ok(right)) = (Key::parse(&a, &f), Key::parse(&b, &g)) {
            prop_assert_eq!(left.cmp(&right), (a.as_bytes(), f.as_bytes()).cmp(&(b.as_bytes(), g.as_bytes())));
        }
    }
}

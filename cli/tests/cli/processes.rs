//! Several commands on one store at once.

use std::process::Stdio;

use crate::place::Place;

/// Returns an empty store of each kind that several processes may write.
fn places() -> Vec<Place> {
    let places: Vec<Place> = [Some(Place::new()), Place::in_postgres()].into_iter().flatten().collect();
    for place in &places {
        place.ok(&["init"]);
    }
    places
}

#[test]
fn commands_at_the_same_time_lose_nothing() {
    places().iter().for_each(eight_commands_lose_nothing);
}

fn eight_commands_lose_nothing(place: &Place) {
    let children: Vec<_> = (0..8)
        .map(|number| {
            let mut command = place.command(["set", "a", &format!("f{number}=1")]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        assert_eq!(output.status.code(), Some(0));
    }
    assert_eq!(place.last_position(), 8);
    assert_eq!(place.ok(&["ls", "a"]).lines().count(), 8);
}

#[test]
fn of_several_who_expect_the_same_exactly_one_wins() {
    places().iter().for_each(of_six_one_wins);
}

fn of_six_one_wins(place: &Place) {
    let children: Vec<_> = (0..6)
        .map(|number| {
            let mut command = place.command(["set", "a", &format!("x={number}"), "--expect", "absent"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let mut codes: Vec<_> =
        children.into_iter().map(|mut child| child.wait().unwrap().code().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 3, 3, 3, 3, 3]);
    assert_eq!(place.last_position(), 1);
}

use annals_core::codec::Timestamp;
use annals_core::{At, Position};

use crate::Places;
use crate::samples::{DriverExt, batch_at, key, position, time};

/// `recorded_at` never falls along positions: it is the greater of the batch's time and the last
/// commit's, from call to call, within a call, and after reopening; equal times are allowed.
pub fn recorded_at_never_falls(places: &Places) {
    let log = places.open_empty();
    let at = |micros| batch_at(micros).set(key("a", "x"), [1]);
    log.commit(at(-5));
    for answer in log.answers(&[at(70), at(60), at(70), at(80), at(0)]) {
        assert!(answer.is_ok());
    }
    assert_eq!(log.commit(at(79)).recorded_at, time(80));
    let log = log.reopen();
    assert_eq!(log.commit(at(10)).recorded_at, time(80), "the clock fell while the log was closed");
    assert_eq!(log.commit(at(81)).recorded_at, time(81));
    let times: Vec<i64> = log.all_commits().iter().map(|item| item.commit.recorded_at.as_micros()).collect();
    assert_eq!(times, [-5, 70, 70, 70, 80, 80, 80, 80, 81]);
}

/// A position resolves to the end of the last commit at or before it: itself at an end, the commit
/// before inside of one, the last commit beyond the last position.
pub fn the_boundary_of_a_position_is_a_commit_end(places: &Places) {
    let log = places.open_empty();
    let fields = ["x", "y", "z"];
    for length in [2, 1, 3] {
        let write = |batch: annals_core::Batch, field: &&str| batch.set(key("a", field), [1]);
        log.commit(fields.iter().take(length).fold(batch_at(1), write));
    }
    let asked = (0..=8).map(position).chain([Position::MAX]);
    let answers: Vec<u64> = asked.map(|at| log.boundary(At::Position(at)).unwrap().get()).collect();
    assert_eq!(answers, [0, 0, 2, 3, 3, 3, 6, 6, 6, 6]);
}

/// A time resolves to the last commit recorded at or before it: of several commits with the same
/// time the last one, before the first commit the start.
pub fn the_boundary_of_a_time_is_the_last_commit_by_then(places: &Places) {
    let log = places.open_empty();
    for micros in [-30, 20, 20, 20, 40, 35, 50] {
        log.commit(batch_at(micros).set(key("a", "x"), [1]).set(key("a", "y"), [1]));
    }
    let boundary = |at: Timestamp| log.boundary(At::Time(at)).unwrap().get();
    for (micros, expected) in [
        (-31, 0),
        (-30, 2),
        (-29, 2),
        (0, 2),
        (19, 2),
        (20, 8),
        (21, 8),
        (39, 8),
        (40, 12),
        (49, 12),
        (50, 14),
        (51, 14),
    ] {
        assert_eq!(boundary(time(micros)), expected, "at {micros}");
    }
    assert_eq!(boundary(Timestamp::MIN), 0);
    assert_eq!(boundary(Timestamp::MAX), 14);
}

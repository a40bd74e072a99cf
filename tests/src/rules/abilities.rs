use annals_core::Size;

use crate::Places;
use crate::samples::{DriverExt, batch, key};

/// A driver that can tell sizes counts commits, and the keys that ever had an entry; one that
/// cannot has nothing to show here.
pub fn measure_counts_commits_and_keys(places: &Places) {
    let log = places.open_empty();
    let size = || log.abilities().measure.map(|ability| ability.measure().unwrap());
    let Some(empty) = size() else { return };
    assert_eq!(Size { bytes: 0, ..empty }, Size::default());
    log.commit(batch().set(key("a", "x"), [1]).set(key("a", "y"), [1]));
    log.commit(batch().set(key("a", "x"), vec![1; 100_000]));
    log.commit(batch().delete(key("a", "x")).delete(key("b", "z")));
    let full = size().unwrap();
    assert_eq!((full.commits, full.keys), (3, 3));
    assert!(full.bytes >= 100_000, "the log takes more than its largest value");
}

/// A driver that can check its storage says what it looked at, and finds no damage in a sound
/// log; one that cannot has nothing to show here.
pub fn a_sound_log_passes_its_own_check(places: &Places) {
    let log = places.open_empty();
    for round in 0..3_u8 {
        if let Some(ability) = log.abilities().check {
            let report = ability.check().unwrap();
            assert_eq!(report.damages, [""; 0]);
            assert_ne!(report.checked, [""; 0], "nothing was looked at");
        }
        log.commit(batch().set(key("a", "x"), [round]).delete(key("b", "y")));
    }
}

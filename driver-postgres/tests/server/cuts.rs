//! The link to the server is cut at any byte, of a request or of its answer.

use annals_driver_postgres::AppendBy;

use annals_test_server::counted;

use crate::common::Scratch;
use crate::load::{Account, Outcome, assert_settled, batch};
use crate::proxy::{Proxy, Way};

const WAYS: [Way; 2] = [Way::ToServer, Way::ToClient];

#[test]
fn a_link_that_is_cut_at_any_byte_loses_nothing() {
    const CUTS: usize = 160;
    for by in [AppendBy::Function, AppendBy::Statements] {
        let Some(scratch) = Scratch::new() else { return };
        let proxy = Proxy::start(scratch.url());
        let driver = scratch.options_at(&proxy.url(scratch.url())).append_by(by).open().unwrap();
        let mut account = Account::default();
        assert!(account.append(&driver, batch(0, 0)), "the connection is made");
        // Of an append under an id that was made, and of one under an id that is given.
        let bytes = [6, 9].map(|number| {
            let before = WAYS.map(|way| proxy.passed(way));
            assert!(account.append(&driver, batch(0, number)));
            WAYS.map(|way| proxy.passed(way) - before[way as usize])
        });

        for cut in 0..CUTS {
            let way = WAYS[cut % 2];
            let bytes = bytes[cut / 2 % 2][way as usize];
            // Half of them where it is decided whether there is a commit, and whether that is heard.
            let from = if cut % 8 < 4 { 0 } else { bytes - 32 };
            proxy.cut_after(way, fastrand::usize(from..bytes));
            assert!(account.append(&driver, batch(1, 3 * (cut as u64 / 2))));
            assert!(!proxy.is_armed(), "the connection was cut");
        }
        let outcome = assert_settled(&driver, &[account]);
        let Outcome { acknowledged, found_by_id, .. } = outcome;
        assert_eq!(outcome, Outcome { acknowledged, found_by_id, ..Outcome::default() });
        assert_eq!(acknowledged, CUTS + 3);
        assert!(found_by_id > 0, "some cuts came after the commit");
        counted(&format!("{CUTS} cuts by {by:?}: {outcome:?}"));
    }
}

//! Every part works, and both of its sides answer alike.

use std::process::Command;

#[test]
fn a_quick_run_of_every_part_succeeds() {
    let output = Command::new(env!("CARGO_BIN_EXE_annals-bench")).arg("--quick").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn a_part_that_is_not_there_is_refused_with_a_list_of_those_that_are() {
    let output = Command::new(env!("CARGO_BIN_EXE_annals-bench")).arg("nothing").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.contains("no part `nothing`") && errors.contains("\n  replay "), "{errors}");
}

/// Expands to one named `#[test]` a rule of the contract, in a module.
///
/// The argument is a closure that makes an empty place and returns an opener: a closure that
/// opens the log at that place. It is called again, after the driver before was dropped, where a
/// rule reopens the log. What it owns lives as long as the place. The expression is evaluated
/// once a rule, where the names around the macro are in scope.
///
/// The module is called `conformance`, or as the first argument says, so that one file can hold
/// several suites:
///
/// ```
/// use std::sync::Arc;
///
/// use annals_conformance::{Faulty, ScanDriver};
/// use annals_core::Driver;
///
/// annals_conformance::suite!(boxed, || {
///     let log = Arc::new(ScanDriver::new());
///     move || -> Box<dyn Driver> { Box::new(Arc::clone(&log)) }
/// });
///
/// annals_conformance::suite!(decorated, || {
///     let log = Arc::new(ScanDriver::new());
///     move || Faulty::new(Arc::clone(&log))
/// });
/// ```
#[macro_export]
macro_rules! suite {
    ($make:expr) => {
        $crate::suite!(conformance, $make);
    };
    ($module:ident, $make:expr) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            $crate::__each_rule!(__tests, $make);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ($make:expr; $($rule:ident)*) => {$(
        #[test]
        fn $rule() {
            $crate::rules::$rule(&$crate::Places::new($make));
        }
    )*};
}

/// Hands the names of all rules to the macro `$then`. A test sees to it that none is missing.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_rule {
    ($then:ident, $argument:expr) => {
        $crate::$then! { $argument;
            an_empty_log_answers_with_nothing
            positions_are_dense_from_one
            a_conflict_takes_no_position

            an_acknowledged_commit_is_readable
            concurrent_appends_all_stand
            readers_see_whole_commits
            no_reader_skips
            nothing_appears_below_the_last_position
            old_reads_stay_the_same

            key_unchanged_holds_until_a_newer_entry
            key_absent_holds_without_a_value_in_effect
            namespace_unchanged_watches_one_record
            log_unchanged_holds_at_the_end
            a_conflict_names_the_earliest_later_commit
            a_conflict_lists_a_bounded_number_of_keys
            the_first_broken_condition_is_named
            batches_are_judged_in_order
            a_conflict_disturbs_no_neighbour
            one_of_racing_writers_wins
            no_update_is_lost
            histories_are_linearizable

            a_repeated_given_id_returns_the_first_receipt
            a_given_id_is_appended_once_within_one_call
            given_ids_are_known_for_ever
            made_ids_are_not_looked_for
            restore_refuses_a_given_id_twice
            one_of_racing_repeats_appends
            an_unknown_outcome_is_settled_by_its_id

            recorded_at_never_falls
            the_boundary_of_a_position_is_a_commit_end
            the_boundary_of_a_time_is_the_last_commit_by_then

            commits_are_chosen_by_their_last_position
            pages_of_commits_end_where_the_limit_is_reached
            history_keeps_every_change
            history_is_cut_by_range_skip_and_limit
            history_of_one_key_is_not_of_another
            entry_is_the_newest_of_history

            state_is_the_newest_change_of_each_key
            state_of_the_past_is_still_there
            scopes_cover_records_and_what_is_below
            state_comes_in_byte_order
            pages_of_state_continue_after_a_key
            namespaces_ever_written_are_listed
            pages_of_namespaces_continue_after_a_namespace

            contexts_come_back_as_given
            tags_of_every_kind_come_back
            entries_keep_their_own_actor_and_reason
            ids_come_back_as_given
            times_of_every_age_come_back
            values_of_every_size_come_back
            names_of_every_form_come_back
            hostile_names_are_kept_apart
            commits_of_many_entries_come_back
            the_largest_batches_come_back
            questions_at_the_limits_are_answered

            reopening_keeps_everything
            appends_continue_after_reopening
            receipts_say_the_durability_reached
            synced_commits_survive_reopening

            a_restored_log_equals_the_original
            erased_entries_are_restored_as_such
            a_restored_log_continues
            restore_refuses_what_does_not_continue

            erased_entries_keep_everything_but_their_values
            every_read_tells_of_what_was_erased
            conditions_hold_over_erased_entries
            an_erasure_stands_or_falls_as_a_commit
            what_is_erased_stays_so
            many_entries_are_erased_at_once
            readers_see_whole_erasures
            a_failed_erasure_is_whole_or_nothing

            measure_counts_commits_and_keys
            a_sound_log_passes_its_own_check
            a_failed_call_leaves_whole_commits
            agrees_with_a_linear_scan
        }
    };
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_suite_lists_every_rule() {
        let listed: Vec<&str> = include_str!("suite.rs").lines().map(str::trim).collect();
        let mut rules = 0;
        for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules")).unwrap() {
            let source = fs::read_to_string(file.unwrap().path()).unwrap();
            for line in source.lines().filter_map(|line| line.strip_prefix("pub fn ")) {
                let (rule, arguments) = line.split_once('(').unwrap();
                assert_eq!(arguments, "places: &Places) {", "{rule} is not called as a rule is");
                assert!(listed.contains(&rule), "{rule} is missing in `__each_rule!`");
                rules += 1;
            }
        }
        assert!(rules > 50, "the rules were looked for in the wrong place");
    }
}

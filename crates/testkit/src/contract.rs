//! The suite of stores: what every store does, whatever database it uses.
//!
//! The tests of a store register it with `store_contract!`. Each case gets stores of its own, on a database of its own.

mod abandoning;
mod accounting;
mod accounts;
mod beginning;
mod branching;
mod checkpointing;
mod conversing;
mod deleting;
mod files;
mod finishing;
mod following;
mod listing;
mod objects;
mod paging;
mod personas;
mod prompt_lists;
mod prompts;
mod racing;
mod recovering;
mod scene;
mod stores;
mod talking;
mod unreadable;
mod windows;

pub use stores::{Damage, DamagedRow, InsertPrompt, KillRunner, Stores};

crate::suite::suite! { $
    /// Registers a test for each case of the suite. The expression makes fresh `Stores`, and may await.
    ///
    /// The test crate needs tokio with its macros.
    store_contract for Stores of contract:
    abandoning:
        an_abandoned_begin_is_whole_or_nothing,
        an_abandoned_finish_can_be_repeated,
        dropped_calls_do_not_affect_other_calls;
    beginning:
        a_new_conversation_is_made_with_its_first_question,
        numbers_begin_at_one,
        several_messages_are_appended_in_their_order,
        a_question_follows_what_was_said,
        a_question_without_a_reply_stays_on_the_path,
        every_kind_of_part_is_kept_exactly,
        a_begin_is_refused_where_it_must_be,
        a_begin_accepts_every_key,
        a_begin_may_require_a_persona,
        a_begin_returns_the_rows_that_it_appended,
        a_conversation_runs_one_turn_at_a_time,
        the_model_of_a_turn_is_named_own_or_default,
        a_new_conversation_takes_a_model_of_its_own;
    windows:
        a_reply_without_figures_is_estimated_in_the_window,
        the_window_holds_the_newest_messages,
        a_full_window_of_everything_has_nothing_older,
        the_window_is_bounded_in_bytes,
        the_newest_message_is_in_the_window_whatever_its_size,
        older_pages_lead_back_to_the_beginning;
    branching:
        a_branch_replaces_the_end_of_the_path,
        a_question_after_a_branch_follows_the_new_path,
        a_branch_may_keep_nothing,
        a_branch_at_the_end_keeps_everything,
        a_stored_question_is_answered_again,
        exchanges_are_counted_along_the_path,
        a_branch_of_a_conversation_that_moved_on_is_refused,
        a_branch_is_refused_where_a_question_is;
    finishing:
        a_completed_turn_keeps_its_reply,
        a_turn_that_broke_off_keeps_its_partial_reply,
        a_turn_without_text_makes_no_row,
        a_refusal_and_a_tool_call_make_a_row,
        a_replay_is_exact,
        every_ending_is_kept,
        numbers_and_texts_are_brought_within_their_limits,
        sums_stay_within_their_limits,
        totals_add_up,
        a_title_is_given_where_there_is_none,
        a_repeated_finish_answers_the_same,
        another_process_cannot_finish_the_turn,
        a_purged_or_unknown_turn_is_lost,
        a_hidden_conversation_still_gets_its_reply;
    checkpointing:
        kept_deltas_are_found_while_the_turn_runs,
        a_process_learns_what_others_did,
        a_checkpoint_without_turns_returns_nothing,
        one_checkpoint_serves_many_turns,
        a_stop_request_reaches_the_running_turn,
        a_turn_is_found_only_by_its_owner;
    following:
        news_begin_after_the_known_deltas,
        an_ended_turn_tells_the_rest_and_its_ending,
        an_interrupted_turn_tells_its_ending,
        several_turns_are_followed_in_one_call,
        a_turn_is_followed_by_its_owner_alone,
        news_continue_what_was_found,
        an_unreadable_turn_hides_no_other,
        many_turns_are_followed_in_one_call;
    recovering:
        a_begin_recovers_the_turn_of_a_dead_process,
        a_dead_process_without_text_leaves_no_reply,
        a_process_that_wakes_up_has_lost_its_turns,
        a_renewed_process_keeps_its_turns,
        the_reaper_ends_the_turns_of_dead_processes,
        the_reaper_does_not_end_turns_of_living_processes,
        the_reaper_ends_many_turns,
        a_process_may_retire;
    racing:
        one_of_many_begins_wins,
        turns_in_quick_succession_see_each_other,
        a_begin_sees_the_reply_that_was_just_kept,
        of_a_late_finish_and_a_recovery_one_succeeds,
        many_conversations_go_on_at_once,
        a_refused_call_does_not_affect_others,
        a_finish_repeated_at_once_counts_once,
        checkpoints_and_finishes_do_not_deadlock,
        a_purge_leaves_nothing_behind,
        two_reapers_end_each_turn_once;
    conversing:
        a_conversation_is_made_without_messages,
        a_conversation_is_found_by_every_key,
        a_patch_changes_what_it_names,
        a_patch_is_refused_where_it_must_be,
        a_hidden_conversation_can_be_restored,
        hiding_a_conversation_updates_it,
        a_purge_deletes_everything;
    paging:
        messages_are_read_in_pages,
        the_end_of_a_page_is_found,
        a_batch_is_bounded_in_bytes,
        a_batch_is_bounded_in_rows,
        messages_of_several_conversations_come_together,
        messages_of_several_conversations_are_bounded,
        the_position_of_a_message_is_found;
    listing:
        lists_begin_with_the_newest_update,
        a_list_shows_what_is_found,
        lists_come_in_pages,
        lists_have_only_the_callers_visible_conversations,
        conditions_of_a_filter_apply_together,
        a_filter_by_model_uses_the_shown_one,
        a_filter_by_time_includes_its_first_instant;
    accounts:
        a_registered_account_is_found_again,
        a_sign_in_takes_name_or_email_in_any_case,
        a_name_is_given_once,
        one_of_many_gets_the_name,
        a_subject_has_one_account,
        an_account_is_changed_as_named;
    personas:
        a_persona_is_found_as_it_was_made,
        a_persona_is_accessible_only_to_its_owner,
        personas_begin_with_the_newest_update,
        a_persona_is_changed_as_named,
        a_persona_is_deleted_with_its_conversations,
        other_conversations_stay_when_a_persona_is_deleted;
    prompts:
        a_prompt_is_found_as_it_was_made,
        a_prompt_is_accessible_only_to_its_owner,
        a_prompt_is_changed_as_named,
        each_change_keeps_the_version_before_it,
        changes_at_the_same_time_lose_no_version,
        a_prompt_is_deleted_with_its_versions,
        a_use_changes_the_count_alone;
    prompt_lists:
        prompts_are_listed_in_pages_with_their_total,
        a_filter_of_prompts_applies_as_a_whole,
        a_search_is_literal_and_ignores_case,
        system_templates_are_seen_by_all_and_changed_by_none,
        a_long_search_among_texts_that_resemble_it_ends,
        prompts_written_by_sql_are_found;
    talking:
        a_begin_returns_the_persona_of_its_conversation,
        a_patch_gives_a_conversation_another_persona,
        conversations_are_listed_by_their_persona,
        whether_a_conversation_has_a_persona_is_known,
        conversations_with_personas_add_up,
        a_deleted_message_does_not_count_but_its_tokens_do;
    deleting:
        a_deleted_message_is_gone_from_lists,
        a_deleted_message_is_gone_from_windows,
        a_deleted_message_changes_nothing_else,
        a_deleted_reply_is_not_replayed,
        a_deleted_message_keeps_its_position,
        a_message_off_the_path_can_be_deleted,
        a_message_of_the_running_turn_stays,
        a_question_that_is_answered_again_stays,
        a_message_is_deleted_where_it_may_be,
        a_message_is_deleted_once;
    files:
        a_file_is_stored_unchanged,
        a_file_is_attached_where_it_may_be,
        a_file_needs_its_reservation,
        an_object_belongs_to_one_file,
        a_begin_reports_whether_there_are_files,
        texts_begin_with_the_newest,
        texts_are_bounded_in_bytes,
        a_long_text_is_kept_whole,
        files_may_be_attached_at_the_same_time;
    objects:
        objects_are_deleted_when_they_are_due,
        a_purge_deletes_the_objects,
        a_deleted_persona_deletes_the_objects,
        a_file_attached_during_a_purge_leaves_no_object,
        a_file_attached_during_a_sweep_gets_its_object_or_is_refused;
    accounting:
        a_finish_adds_its_call_once,
        a_finish_that_closes_no_turn_adds_nothing,
        calls_that_close_no_turn_add_up,
        the_ledger_outlives_conversations_and_personas;
    unreadable:
        an_unreadable_message_is_left_out_of_pages,
        a_list_goes_on_after_an_unreadable_message,
        an_unreadable_conversation_is_left_out_of_lists,
        a_begin_in_an_unreadable_conversation_is_refused,
        a_begin_with_an_unreadable_window_is_refused,
        a_finish_in_an_unreadable_conversation_is_done,
        unreadable_rows_do_not_stop_the_reaper;
}

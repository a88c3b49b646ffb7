//! What rules and their actions count, under the names that EMQX's have.

metrics! {
    RULE_MATCHED "latchwork.rule.matched" => "latchwork_rule_matched_total",
        Counter, "{event}", ["rule"], "Messages and events that the rule's FROM names.";
    RULE_PASSED "latchwork.rule.passed" => "latchwork_rule_passed_total",
        Counter, "{event}", ["rule"], "Those that the rule had a result for.";
    RULE_FAILED "latchwork.rule.failed" => "latchwork_rule_failed_total",
        Counter, "{event}", ["rule"], "Those that it had none for: failed_exception and failed_no_result together.";
    RULE_FAILED_EXCEPTION "latchwork.rule.failed_exception" => "latchwork_rule_failed_exception_total",
        Counter, "{event}", ["rule"], "Those that its statement could not be evaluated for.";
    RULE_FAILED_NO_RESULT "latchwork.rule.failed_no_result" => "latchwork_rule_failed_no_result_total",
        Counter, "{event}", ["rule"], "Those that its conditions were not met for.";
    ACTION_MATCHED "latchwork.action.matched" => "latchwork_action_matched_total",
        Counter, "{result}", ["rule", "action"], "Results that the action was to do something with.";
    ACTION_SUCCESS "latchwork.action.success" => "latchwork_action_success_total",
        Counter, "{result}", ["rule", "action"], "Those whose record was handed on.";
    ACTION_FAILED "latchwork.action.failed" => "latchwork_action_failed_total",
        Counter, "{result}", ["rule", "action"], "Those that it could make nothing of.";
    ACTION_DROPPED "latchwork.action.dropped" => "latchwork_action_dropped_total",
        Counter, "{result}", ["rule", "action"], "Those that it was kept from: by shadow, or because a message would go round in a circle.";
}

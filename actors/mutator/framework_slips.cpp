// Coroutines, databases, web frameworks, data frames, tensors and test cases used against their rules.
#include <algorithm>
#include <array>

#include "actors/mutator/finders.hpp"

namespace mendel::mutator {

using syntax::TokenKind;

void find_blocking_call(const FunctionView& view, Splices& out) {
  if (!view.may_have("await")) return;
  for (std::uint32_t i = 0; i + 4 < view.size(); ++i) {
    if (view.is(i, "await") && view.is(i + 1, "asyncio") && view.is(i + 2, ".") && view.is(i + 3, "sleep")) replace(view, i, i + 3, "time.sleep", out);
    // await loop.run_in_executor(None, f, x) → f(x)
    if (!view.is(i, "await") || view.kind(i + 1) != TokenKind::name) continue;
    const auto end = view.operand_end(i + 1);
    if (end >= view.size() || !view.is(end, ")")) continue;
    const auto open = view.closed_by(end);
    const auto arguments = view.arguments(open);
    const bool thread = view.is(open - 1, "to_thread"), pool = view.is(open - 1, "run_in_executor");
    const std::size_t callee = thread ? 0 : 1;
    if ((!thread && !pool) || arguments.size() <= callee || arguments[callee].starred || view.kind(arguments[callee].first) != TokenKind::name) continue;
    const auto rest = arguments.size() > callee + 1 ? std::string(view.words(arguments[callee + 1].first, arguments.back().last)) : "";
    replace(view, i, end, std::string(view.words(arguments[callee].first, arguments[callee].last)) + "(" + rest + ")", out);
  }
}

void find_unkept_task(const FunctionView& view, Splices& out) {
  if (!view.may_have_any({"create_task", "ensure_future"})) return;
  for (const auto& statement : view.statements()) {
    if (view.kind(statement.begin) != TokenKind::name) continue;
    const auto end = view.operand_end(statement.begin);
    if (end + 2 >= statement.end || !view.is(end + 1, "=")) continue;
    const auto value = end + 2;
    for (auto i = value; i + 1 < statement.end; ++i)
      if ((view.is(i, "create_task") || view.is(i, "ensure_future")) && view.is(i + 1, "(") && view.depth(i) == 0 && view.closer(i + 1) + 1 == statement.end)
        drop_up_to(view, statement.begin, value, out);
  }
}

void find_sync_context(const FunctionView& view, Splices& out) {
  if (!view.may_have("async")) return;
  for (std::uint32_t i = 0; i + 1 < view.size(); ++i)
    if (view.is(i, "async") && (view.is(i + 1, "with") || view.is(i + 1, "for"))) drop_up_to(view, i, i + 1, out);
}

void find_nested_event_loop(const FunctionView& view, Splices& out) {
  if (!view.may_have("await")) return;
  for (std::uint32_t i = 0; i + 2 < view.size(); ++i) {
    if (!view.is(i, "await") || view.kind(i + 1) != TokenKind::name || view.is(i + 1, "asyncio")) continue;
    const auto end = view.operand_end(i + 1);
    const auto& statement = view.statements()[view.statement_of(i)];
    if (end < view.size() && view.is(end, ")") && end + 1 == statement.end) replace(view, i, end, "asyncio.run(" + std::string(view.words(i + 1, end)) + ")", out);
  }
}

void find_unbounded_wait(const FunctionView& view, Splices& out) {
  if (!view.may_have("wait_for")) return;
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if (!view.is(i, "wait_for") || !view.is(i + 1, "(") || view.is(i - 1, "def")) continue;
    const auto arguments = view.arguments(i + 1);
    const auto begin = view.operand_begin(i);
    if (arguments.size() != 2 || begin >= view.size() || begin == 0 || !view.is(begin - 1, "await") || arguments[0].starred || arguments[0].named) continue;
    replace(view, begin, view.closer(i + 1), std::string(view.words(arguments[0].first, arguments[0].last)), out);
  }
}

void find_django_get_uncaught(const FunctionView& view, Splices& out) {
  if (!view.may_have("objects") || !view.may_have("filter")) return;
  for (std::uint32_t i = 3; i + 2 < view.size(); ++i) {
    // Model.objects.filter(…).first() answers None, Model.objects.get(…) raises.
    if (!view.is(i, "filter") || !view.is(i - 2, "objects") || !view.is(i + 1, "(")) continue;
    const auto close = view.closer(i + 1);
    if (view.is(close + 1, ".") && view.is(close + 2, "first") && view.is(close + 3, "(") && view.closer(close + 3) == close + 4)
      replace(view, i, close + 4, "get" + std::string(view.words(i + 1, close)), out);
  }
}

void find_django_n_plus_one(const FunctionView& view, Splices& out) {
  if (!view.may_have_any({"select_related", "prefetch_related", "joinedload", "selectinload"})) return;
  for (std::uint32_t i = 2; i + 2 < view.size(); ++i) {
    if ((!view.is(i, "select_related") && !view.is(i, "prefetch_related")) || !view.is(i - 1, ".") || !view.is(i + 1, "(")) continue;
    const auto close = view.closer(i + 1);
    if (close >= view.size()) continue;
    const auto begin = view.operand_begin(i - 2);
    // qs = qs.select_related() would become qs = qs.
    const bool alone = begin + 2 == i && view.is(begin - 1, "=") && view.is(begin - 2, view.word(begin)) && close + 1 == view.statements()[view.statement_of(i)].end;
    if (!alone) out.push_back({{view[i - 1].bytes.begin, view[close].bytes.end}, ""});
  }
}

void find_flask_debug(const FunctionView& view, Splices& out) {
  if (!view.may_have_any({"app", "application", "server"})) return;
  for (std::uint32_t i = 2; i + 1 < view.size(); ++i) {
    const bool app = view.is(i - 2, "app") || view.is(i - 2, "application");
    if (!view.is(i, "run") || !view.is(i - 1, ".") || !app || !view.is(i + 1, "(")) continue;
    const auto arguments = view.arguments(i + 1);
    bool has_debug = false;
    for (const auto& a : arguments) {
      has_debug = has_debug || view.is(a.first, "debug") || view.is(a.first, "**");
      if (a.named && view.is(a.first, "debug") && !view.is(a.first + 2, "True")) replace(view, a.first + 2, a.last, "True", out);
    }
    if (has_debug) continue;
    if (arguments.empty()) insert_after(view, i + 1, "debug=True", out);
    else insert_after(view, arguments.back().last, ", debug=True", out);
  }
}

void find_sqlalchemy_text(const FunctionView& view, Splices& out) {
  if (!view.may_have("text")) return;
  for (std::uint32_t i = 2; i + 3 < view.size(); ++i) {
    const bool sent = view.is(i - 1, "(") && (view.is(i - 2, "execute") || view.is(i - 2, "scalar") || view.is(i - 2, "scalars") || view.is(i - 2, "where") || view.is(i - 2, "filter"));
    if (sent && view.is(i, "text") && view.is(i + 1, "(") && view.closer(i + 1) < view.size())
      replace(view, i, view.closer(i + 1), std::string(view.words(i + 2, view.closer(i + 1) - 1)), out);
  }
}

void find_pandas_result_dropped(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 11> kMethods = {"dropna", "fillna", "drop_duplicates", "reset_index", "set_index", "sort_values",
                                                                "rename", "drop",   "sort_index",      "assign",      "astype"};
  for (const auto& statement : view.statements()) {
    const auto i = statement.begin;
    // df = df.dropna() → df.dropna()
    if (view.kind(i) != TokenKind::name || !view.is(i + 1, "=") || !view.is(i + 2, view.word(i)) || !view.is(i + 3, ".") || !view.is_any(i + 4, kMethods)) continue;
    if (view.operand_end(i + 2) + 1 == statement.end && view.is(statement.end - 1, ")")) drop_up_to(view, i, i + 2, out);
  }
}

void find_graph_kept(const FunctionView& view, Splices& out) {
  if (!view.may_have_any({"item", "detach"})) return;
  for (std::uint32_t i = 2; i + 2 < view.size(); ++i) {
    if (!view.is(i - 1, ".") || (!view.is(i, "item") && !view.is(i, "detach")) || !view.is(i + 1, "(") || view.closer(i + 1) != i + 2) continue;
    const auto& statement = view.statements()[view.statement_of(i)];
    const bool itself = view.is(i - 3, "=") && view.is(i - 4, view.word(i - 2)) && i + 3 == statement.end;
    // Sockets and buffers are detached too.
    const bool tensor = view.is(i, "item") || view.text().find("torch") != std::string_view::npos || view.text().find("grad") != std::string_view::npos;
    if (view.ends_operand(i - 2) && !itself && tensor && view.operand_begin(i) != statement.begin) out.push_back({{view[i - 1].bytes.begin, view[i + 2].bytes.end}, ""});
  }
}

void find_series_truth(const FunctionView& view, Splices& out) {
  for (std::uint32_t i = 2; i + 1 < view.size(); ++i) {
    // df[(a > 0) & (b < 1)]
    if ((!view.is(i, "&") && !view.is(i, "|")) || !view.is(i - 1, ")") || !view.is(i + 1, "(")) continue;
    const auto left = view.closed_by(i - 1), right = i + 1;
    const auto compares = [&](std::uint32_t open) {
      for (auto j = open + 1; j < view.closer(open); ++j)
        if (view.depth(j) == view.depth(open) + 1 && (view.is(j, "==") || view.is(j, "!=") || view.is(j, "<") || view.is(j, ">") || view.is(j, "<=") || view.is(j, ">="))) return true;
      return false;
    };
    if (left >= view.size() || view.closer(right) >= view.size() || view.follows_operand(left)) continue;
    if (compares(left) && compares(right)) replace(view, i, view.is(i, "&") ? "and" : "or", out);
  }
}

void find_assert_true_for_equal(const FunctionView& view, Splices& out) {
  static constexpr std::array<std::string_view, 4> kAsserts = {"assertEqual", "assertEquals", "assertIs", "assertListEqual"};
  if (!view.may_have_any({"assertEqual", "assertEquals", "assertIs", "assertListEqual"})) return;
  for (std::uint32_t i = 2; i + 2 < view.size(); ++i)
    if (view.is_any(i, kAsserts) && view.is(i - 1, ".") && view.is(i + 1, "(") && view.arguments(i + 1).size() == 2) replace(view, i, "assertTrue", out);
}

void find_broad_expectation(const FunctionView& view, Splices& out) {
  if (!view.may_have_any({"raises", "assertRaises"})) return;
  for (std::uint32_t i = 1; i + 2 < view.size(); ++i) {
    if ((!view.is(i, "raises") && !view.is(i, "assertRaises")) || !view.is(i + 1, "(") || view.kind(i + 2) != TokenKind::name) continue;
    const auto end = view.operand_end(i + 2);
    if (end < view.size() && (view.is(end + 1, ")") || view.is(end + 1, ",")) && !view.is(end, "Exception") && !view.is(end, ")")) replace(view, i + 2, end, "Exception", out);
  }
}

}  // namespace mendel::mutator

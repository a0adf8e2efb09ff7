// What an answer of the API asks us to do: a table, asked from top to bottom.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "actors/miner/http_exchange.hpp"

namespace mendel::miner {

enum class AnswerAction {
  use,  // the body is what was asked for
  unchanged,  // what lies on disk still holds
  move,  // ask there, now and ever after
  ask_there,  // ask there, this time only
  drop_token,  // the token is no good any more
  wait_as_told,  // retry-after
  wait_for_reset,  // x-ratelimit-reset
  wait_and_double,  // no time was named
  again,  // a passing failure of the server
  leave,  // there is no answer to be had; `reason` says why
};

struct AnswerRule {
  const char* reason;  // machine word
  AnswerAction action;
  bool failure;  // counts towards the error rate
  const char* description;
  bool (*fits)(const HttpAnswer& answer);
  HttpAnswer (*example)();  // an answer that this row decides
};

std::span<const AnswerRule> answer_rules();
const AnswerRule& rule_for(const HttpAnswer& answer);

// Seconds of retry-after, which may also be a date; nothing if there is no such header.
std::optional<std::int64_t> retry_after_s(const HttpAnswer& answer, std::int64_t now_ms);
std::optional<std::uint64_t> number_header(const HttpAnswer& answer, const std::string& name);

// The address of rel="next" in a Link header; empty if there is none.
std::string next_link(std::string_view link);

// Where a redirect of `from` leads. Empty if it must not be followed: to another host than `from`'s, away
// from https (plain http only stays where it was), or to no address at all.
std::string redirect_target(std::string_view from, std::string_view location);

// The server's own words, one line, bounded; empty if it gave none.
std::string message_of(const HttpAnswer& answer);

}  // namespace mendel::miner

// Limits answer 403 or 429 alike. Their order: retry-after, then remaining 0, then a wait of our own.
#include "actors/miner/github_answers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>

namespace mendel::miner {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMessageBytesMax = 200;

HttpAnswer answer_of(int status, std::map<std::string, std::string> headers = {}, std::string body = {}) {
  return {status, std::move(headers), std::move(body)};
}

template <int... Statuses>
bool any_of(const HttpAnswer& answer) {
  return ((answer.status == Statuses) || ...);
}

template <int Status>
HttpAnswer plain() {
  return answer_of(Status);
}

bool limited(const HttpAnswer& answer) { return any_of<403, 429>(answer); }

bool is_blocked(const HttpAnswer& answer) {
  if (answer.status != 403) return false;
  const auto body = Json::parse(answer.body, nullptr, false);
  return body.is_object() && body.contains("block");
}

bool is_forbidden(const HttpAnswer& answer) {
  constexpr std::array kTexts = {"not accessible", "SAML", "Must have", "must have"};
  if (answer.status != 403) return false;
  const auto message = message_of(answer);
  return std::any_of(kTexts.begin(), kTexts.end(), [&](const char* text) { return message.find(text) != std::string::npos; });
}

constexpr std::array kRules = {
    AnswerRule{"ok", AnswerAction::use, false, "the answer", any_of<200>, plain<200>},
    AnswerRule{"unchanged", AnswerAction::unchanged, false, "nothing changed since; costs nothing of the limit", any_of<304>, plain<304>},
    AnswerRule{"moved", AnswerAction::move, false, "the new address is kept", any_of<301, 308>, plain<301>},
    AnswerRule{"elsewhere", AnswerAction::ask_there, false, "the new address holds for this time", any_of<302, 307>, plain<307>},
    AnswerRule{"token_refused", AnswerAction::drop_token, true, "the token was revoked or is wrong", any_of<401>, plain<401>},
    AnswerRule{"blocked", AnswerAction::leave, false, "taken down for its terms of service", is_blocked,
               [] { return answer_of(403, {}, R"({"message":"Repository access blocked","block":{"reason":"tos"}})"); }},
    AnswerRule{"wait_as_told", AnswerAction::wait_as_told, false, "a limit that names its seconds",
               [](const HttpAnswer& a) { return limited(a) && a.headers.contains("retry-after"); },
               [] { return answer_of(429, {{"retry-after", "30"}}); }},
    AnswerRule{"limit_used_up", AnswerAction::wait_for_reset, false, "nothing is left of this hour",
               [](const HttpAnswer& a) { return limited(a) && number_header(a, "x-ratelimit-remaining") == std::uint64_t{0}; },
               [] { return answer_of(403, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1700000000"}}); }},
    AnswerRule{"forbidden", AnswerAction::leave, true, "not for this token", is_forbidden,
               [] { return answer_of(403, {}, R"({"message":"Resource not accessible by personal access token"})"); }},
    AnswerRule{"secondary_limit", AnswerAction::wait_and_double, false, "a limit that names no time", limited,
               [] { return answer_of(403, {}, R"({"message":"You have exceeded a secondary rate limit"})"); }},
    AnswerRule{"gone", AnswerAction::leave, false, "there is no such repository (any more)", any_of<404, 410>, plain<404>},
    AnswerRule{"legal", AnswerAction::leave, false, "taken down for legal reasons", any_of<451>, plain<451>},
    AnswerRule{"empty", AnswerAction::leave, false, "a repository without commits", any_of<409>, plain<409>},
    AnswerRule{"past_results", AnswerAction::leave, true, "a search that the server does not take", any_of<422>, plain<422>},
    AnswerRule{"server_error", AnswerAction::again, true, "the server failed", [](const HttpAnswer& a) { return a.status >= 500; }, plain<502>},
    AnswerRule{"unexpected_status", AnswerAction::leave, true, "an answer that the API does not give", [](const HttpAnswer&) { return true; }, plain<418>},
};

// "https://HOST[:PORT]" of an address; empty if it has none.
std::string_view origin_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

}  // namespace

std::span<const AnswerRule> answer_rules() { return kRules; }

const AnswerRule& rule_for(const HttpAnswer& answer) {
  return *std::find_if(kRules.begin(), kRules.end(), [&](const AnswerRule& rule) { return rule.fits(answer); });
}

std::optional<std::uint64_t> number_header(const HttpAnswer& answer, const std::string& name) {
  const auto text = answer.header(name);
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<std::int64_t> retry_after_s(const HttpAnswer& answer, std::int64_t now_ms) {
  constexpr std::uint64_t kYearS = 31'536'000;
  const auto text = answer.header("retry-after");
  if (text.empty()) return std::nullopt;
  if (const auto seconds = number_header(answer, "retry-after")) return static_cast<std::int64_t>(std::min(*seconds, kYearS));
  std::tm when{};
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when) == nullptr) return std::nullopt;
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(timegm(&when)) - now_ms / 1000);
}

std::string next_link(std::string_view link) {
  while (!link.empty()) {
    const auto open = link.find('<'), close = link.find('>', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return {};
    const auto url = link.substr(open + 1, close - open - 1);
    link.remove_prefix(close + 1);
    const auto end = link.find('<');
    if (link.substr(0, end).find("rel=\"next\"") != std::string_view::npos) return std::string(url);
    link.remove_prefix(end == std::string_view::npos ? link.size() : end);
  }
  return {};
}

std::string redirect_target(std::string_view from, std::string_view location) {
  const auto origin = origin_of(from);
  if (origin.empty() || location.empty()) return {};
  if (location.starts_with('/') && !location.starts_with("//")) return std::string(origin) + std::string(location);
  return origin_of(location) == origin ? std::string(location) : std::string();
}

std::string message_of(const HttpAnswer& answer) {
  const auto body = Json::parse(answer.body, nullptr, false);
  if (!body.is_object() || !body.contains("message") || !body["message"].is_string()) return {};
  auto out = body["message"].get<std::string>().substr(0, kMessageBytesMax);
  std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c >= 0x7F; }, '?');
  return out;
}

}  // namespace mendel::miner

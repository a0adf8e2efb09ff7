// Answers of an API, or of whoever sits in its place: status, headers line by line, an empty line, the body.
#include "actors/miner/github_answers.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::string_view kFrom = "https://api.example.org/repos/a/b";

miner::HttpAnswer answer_of(std::string_view text) {
  miner::HttpAnswer answer;
  const auto line = [&] {
    const auto end = std::min(text.find('\n'), text.size());
    const auto out = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return out;
  };
  answer.status = std::atoi(std::string(line().substr(0, 3)).c_str());
  for (auto header = line(); !header.empty(); header = line()) {
    const auto colon = std::min(header.find(": "), header.size());
    answer.headers[std::string(header.substr(0, colon))] = std::string(header.substr(std::min(colon + 2, header.size())));
  }
  answer.body = std::string(text);
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = answer_of(fuzz::text_of(data, size));
  const auto& rule = miner::rule_for(answer);
  fuzz::claim(rule.fits(answer), "the rule that was found fits");
  if (const auto wait_s = miner::retry_after_s(answer, kNowMs)) fuzz::claim(*wait_s >= 0, "no wait is negative");
  const auto message = miner::message_of(answer);
  fuzz::claim(message.size() <= 200 && message.find('\n') == message.npos, "the server's words are one bounded line");
  const auto link = answer.header("link"), next = miner::next_link(link);
  fuzz::claim(next.empty() || link.find("<" + next + ">") != link.npos, "the next address stands in the header");
  const auto target = miner::redirect_target(kFrom, answer.header("location"));
  fuzz::claim(target.empty() || target == "https://api.example.org" || target.starts_with("https://api.example.org/") || target.starts_with("https://api.example.org?") ||
                  target.starts_with("https://api.example.org#"), "no redirect leaves its host");
  return 0;
}

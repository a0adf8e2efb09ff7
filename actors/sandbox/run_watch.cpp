// One loop over poll; nothing that the run says is believed beyond what is checked here.
#include "actors/sandbox/run_watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>

#include "actors/syntax/tree.hpp"

namespace mendel::sandbox {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr std::size_t kOutputKept = 16u << 10;
constexpr std::size_t kReportMax = 8u << 20;
constexpr std::size_t kWhyMax = 300;
constexpr int kKilled = 128 + 9, kSecondsOver = 128 + 24;

std::string fresh_nonce() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return {};
  std::string out;
  for (const auto byte : bytes) {
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
  return out;
}

std::string text_of(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>().substr(0, kWhyMax) : std::string();
}

std::int64_t number_of(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

// The files as the run finds them, the side under test in its place.
json project_of(const Run& run) {
  const auto& project = *run.project;
  json files = json::object();
  for (const auto& file : project.files()) files[file.path()] = file.text();
  files[project.subject_path()] = project.subject_before() + syntax::paste_function(run.subject, project.subject_indent()) + project.subject_after();
  files[project.test_path()] = run.code;
  json tests = json::array();
  if (run.only.empty()) tests = std::vector<std::string>(project.tests().begin(), project.tests().end());
  else tests.push_back(run.only);
  return {{"files", std::move(files)}, {"tests", std::move(tests)}, {"test_path", project.test_path()}, {"subject_path", project.subject_path()}};
}

}  // namespace

std::string request_of(const Run& run, const std::vector<std::string>& packages) {
  const auto& limits = run.limits;
  json out = {{"kind", run.kind},
              {"packages", packages},
              {"limits", {{"cpu_s", limits.cpu_s}, {"memory_mib", limits.memory_mib}, {"disk_mib", limits.disk_mib}, {"processes", limits.processes}, {"descriptors", limits.descriptors}}}};
  if (run.kind == "observe") {
    out["request"] = run.code;
  } else if (run.project != nullptr) {
    out["kind"] = "project";
    out["project"] = project_of(run);
  } else {
    out["code"] = run.code;
    out["subject"] = run.subject;
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

RunWatch::RunWatch(const Run& run, RunEnds ends) : run_(run), ends_(std::move(ends)) {
  fcntl(ends_.report.get(), F_SETFL, O_NONBLOCK);
}

void RunWatch::take(Descriptor& from, std::string& into) {
  char buffer[1 << 14];
  for (;;) {
    const auto n = read(from.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || (n < 0 && errno != EAGAIN)) from.reset();
    if (n <= 0) return;
    into.append(buffer, static_cast<std::size_t>(n));
    if (into.size() > 2 * kOutputKept) into.erase(0, into.size() - kOutputKept);
    output_bytes_ += static_cast<std::uint64_t>(n);
    flooded_ = flooded_ || output_bytes_ > run_.limits.output_bytes;
    if (flooded_) return;
  }
}

void RunWatch::take_report() {
  char buffer[1 << 14];
  const auto n = read(ends_.report.get(), buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) return ends_.report.reset();
  report_.append(buffer, static_cast<std::size_t>(n));
  flooded_ = flooded_ || report_.size() > kReportMax;
  while (!(run_.kind == "observe" && started_)) {
    const auto line_end = report_.find('\n');
    if (line_end == std::string::npos) return;
    const auto line = report_.substr(0, line_end);
    report_.erase(0, line_end + 1);
    take_line(line);
  }
}

void RunWatch::take_line(std::string_view line) {
  const auto said = json::parse(line, nullptr, false);
  if (!said.is_object()) return;
  if (said.contains("started")) started_ = true;
  const auto outcome = text_of(said, "outcome");
  if (outcome == "failed" && !said_passed_) {
    said_failed_ = true;
    why_ = text_of(said, "why");
  } else if (outcome == "passed" && !said_passed_) {
    said_passed_ = true;
    ask();
  } else if (said.contains("nonce") && said_passed_ && !answered_) {
    answered_ = true;
    proved_ = !nonce_.empty() && text_of(said, "nonce") == nonce_ && number_of(said, "planted") > 0 && number_of(said, "failed") == number_of(said, "planted");
    if (!proved_) why_ = "of " + std::to_string(number_of(said, "planted")) + " planted failures " + std::to_string(number_of(said, "failed")) + " failed";
  }
}

void RunWatch::ask() {
  nonce_ = fresh_nonce();
  const auto question = json{{"nonce", nonce_}}.dump() + "\n";
  send(ends_.report.get(), question.data(), question.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void RunWatch::wait(const std::function<void()>& kill) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(run_.limits.wall_ms);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    timed_out_ = left <= 0;
    if (timed_out_ || flooded_) {
      kill();
      break;
    }
    pollfd fds[4] = {{ends_.over, POLLIN, 0}, {ends_.output.get(), POLLIN, 0}, {ends_.errors.get(), POLLIN, 0}, {ends_.report.get(), POLLIN, 0}};
    if (poll(fds, 4, static_cast<int>(std::min<long long>(left, 60'000))) < 0 && errno != EINTR) break;
    if (fds[1].revents != 0) take(ends_.output, result_.output);
    if (fds[2].revents != 0) take(ends_.errors, result_.error_output);
    if (fds[3].revents != 0) take_report();
    if (fds[0].revents != 0) break;
  }
  drain();
}

// What the run left in the pipes; a process that lived on cannot hold us here.
void RunWatch::drain() {
  if (ends_.output.is_open()) take(ends_.output, result_.output);
  if (ends_.errors.is_open()) take(ends_.errors, result_.error_output);
  for (std::size_t before = 0; ends_.report.is_open() && report_.size() <= kReportMax;) {
    before = report_.size();
    pollfd fd{ends_.report.get(), POLLIN, 0};
    if (poll(&fd, 1, 0) <= 0) break;
    take_report();
    if (report_.size() == before && !ends_.report.is_open()) break;
  }
}

Ending RunWatch::ending(const ProcessEnd& end, std::string& why) const {
  if (flooded_) return Ending::flooded;
  if (timed_out_) return Ending::timed_out;
  if (end.memory_exceeded) return Ending::memory_limit;
  why = why_;
  const bool used_up = end.cpu_us + 200'000 >= std::uint64_t{run_.limits.cpu_s} * 1'000'000;
  if ((end.status == kKilled || end.status == kSecondsOver) && used_up) return Ending::cpu_limit;
  if (said_failed_) return Ending::failed;
  if (said_passed_ && answered_ && proved_ && end.status == 0) return Ending::passed;
  if (said_passed_) {
    if (why.empty()) why = "said it had passed, and then did not answer";
    return Ending::faked;
  }
  if (run_.kind == "observe" && end.status == 0 && !report_.empty()) return Ending::passed;
  why = end.status > 128 ? "killed by signal " + std::to_string(end.status - 128) : "the process ended with status " + std::to_string(end.status) + " before the test did";
  return Ending::ended_early;
}

Result<RunResult> RunWatch::result(const ProcessEnd& end) {
  if (!started_ && !timed_out_ && !end.memory_exceeded) {
    const auto& said = result_.error_output;
    return Error{ErrorCode::unavailable, "sandbox: the run did not start (status " + std::to_string(end.status) + "): " + said.substr(said.size() > 400 ? said.size() - 400 : 0)};
  }
  result_.cpu_us = end.cpu_us;
  result_.ending = ending(end, result_.why);
  if (run_.kind == "observe") result_.observation = std::move(report_);
  return std::move(result_);
}

}  // namespace mendel::sandbox

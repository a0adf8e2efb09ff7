// Several partners, here threads of one process over the loopback: same bytes as one, and clear refusals.
#include "model/partners.hpp"

#include <ATen/ATen.h>
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "runs.hpp"

using namespace mendel::model;

namespace {

std::uint16_t free_port() {
  const int s = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(s, reinterpret_cast<sockaddr*>(&address), length);
  ::getsockname(s, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(s);
  return ntohs(address.sin_port);
}

// True where this build has c10d.
bool available() {
  Group alone;
  alone.address = "127.0.0.1";
  alone.port = free_port();
  const auto joined = Partners::join(alone);
  return joined || joined.failure().what.find("without c10d") == std::string::npos;
}

// Trains each plan as one partner; answers what each answered.
std::vector<Expected<TrainSummary>> together(std::vector<Plan*> plans) {
  const auto port = free_port();
  std::vector<std::optional<Expected<TrainSummary>>> out(plans.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    plans[i]->input.group = {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(plans.size()), "127.0.0.1", port, 60, false, "0", ""};
    threads.emplace_back([&, i] { out[i].emplace(train(plans[i]->input)); });
  }
  for (auto& t : threads) t.join();
  std::vector<Expected<TrainSummary>> answers;
  for (auto& a : out) answers.push_back(std::move(*a));
  return answers;
}

}  // namespace

TEST_CASE("two partners give the same losses and the same checkpoint as one process, byte for byte") {
  if (!available()) {
    MESSAGE("skipped: built without c10d");
    return;
  }
  Plan alone("alone"), first("first"), second("second");
  for (auto* plan : {&alone, &first, &second}) {
    plan->input.options.cells_per_batch = 6000;  // several parts
    plan->input.options.steps_max = 6;
    plan->input.options.threads = 1;
  }
  REQUIRE(train(alone.input));
  const auto answers = together({&first, &second});
  for (const auto& a : answers) REQUIRE_MESSAGE(a, a.failure().what);
  CHECK(trace(first.metrics()) == trace(alone.metrics()));
  CHECK(bytes_of(first.input.run / "checkpoint.safetensors") == bytes_of(alone.input.run / "checkpoint.safetensors"));
  CHECK_FALSE(std::filesystem::exists(second.input.run));  // the first writes the run
  CHECK(answers[1]->steps == 6);
}

TEST_CASE("partners stop together, and go on from what the first has kept") {
  if (!available()) return;
  Plan whole("p-whole"), first("p-first"), second("p-second");
  for (auto* plan : {&whole, &first, &second}) plan->input.options.threads = 1;
  REQUIRE(train(whole.input));
  std::uint64_t steps = 0;
  second.input.on_step = [&](const StepReport& r) { steps = r.step; };
  second.input.stop = [&] { return steps == 4; };  // the one that writes nothing is asked
  for (const auto& a : together({&first, &second})) {
    REQUIRE_FALSE(a);
    CHECK(a.failure().fault == Fault::interrupted);
  }
  second.input.stop = {};
  const auto answers = together({&first, &second});
  for (const auto& a : answers) REQUIRE_MESSAGE(a, a.failure().what);
  CHECK(answers[0]->resumed);
  CHECK(trace(first.metrics()) == trace(whole.metrics()));
}

TEST_CASE("a partner with another setting is refused by name, and so is the other") {
  if (!available()) return;
  Plan first("q-first"), second("q-second");
  second.input.options.learning_rate = 1e-4;
  const auto answers = together({&first, &second});
  REQUIRE_FALSE(answers[0]);
  REQUIRE_FALSE(answers[1]);
  CHECK(answers[1].failure().what.find("rank 1 has another option.learning_rate") != std::string::npos);
  CHECK(answers[0].failure().what.find("a partner has another dataset, configuration or processor") != std::string::npos);
}

TEST_CASE("groups that cannot be are refused before anyone is waited for") {
  const std::pair<Group, const char*> cases[] = {{{0, 3, "127.0.0.1", 1234, 1, false, "0", ""}, "WORLD_SIZE is 3"},
                                                 {{0, 0, "127.0.0.1", 1234, 1, false, "0", ""}, "WORLD_SIZE is 0"},
                                                 {{2, 2, "127.0.0.1", 1234, 1, false, "0", ""}, "RANK is 2"},
                                                 {{0, 2, "", 1234, 1, false, "0", ""}, "MASTER_ADDR"},
                                                 {{0, 2, "127.0.0.1", 0, 1, false, "0", ""}, "MASTER_PORT"}};
  for (const auto& [group, why] : cases) {
    const auto joined = Partners::join(group);
    REQUIRE_FALSE(joined);
    CHECK(joined.failure().fault == Fault::invalid);
    CHECK(joined.failure().what.find(why) != std::string::npos);
  }
}

TEST_CASE("one that waits alone says how many were awaited, where and how long") {
  if (!available()) return;
  const auto joined = Partners::join({0, 2, "127.0.0.1", free_port(), 1, false, "0", ""});
  REQUIRE_FALSE(joined);
  CHECK(joined.failure().fault == Fault::partner_lost);
  CHECK(joined.failure().what.find("rank 0 of 2 did not meet its partners at 127.0.0.1:") != std::string::npos);
}

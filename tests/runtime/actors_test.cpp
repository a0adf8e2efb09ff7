// The actors themselves: what they answer when things go wrong, and the text of the metrics.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "actors/runtime/metrics_server.hpp"
#include "actors/runtime/role_actor.hpp"

using namespace mendel;
using namespace mendel::runtime;

namespace {

WorkItem item_of(Stage::Value stage) {
  WorkItem item;
  item.set_id(std::string(16, 'i'));
  item.set_stage(stage);
  if (stage == Stage::encode) item.mutable_encode()->set_tokenizer("never came");
  if (stage == Stage::train) item.mutable_train()->set_run("run");
  return item;
}

// What a role actor answers to one item, with the seconds; no answer fails the test.
std::pair<WorkResult, double> answer_of(Stage::Value stage, StageTools tools) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  std::pair<WorkResult, double> out{{}, -1};
  {
    caf::scoped_actor self{system};
    const auto role = self->spawn<caf::detached>(run_role, stage, std::make_shared<const Config>(), std::shared_ptr<const StageTools>(std::make_shared<StageTools>(std::move(tools))));
    self->request(role, caf::infinite, WorkItemPtr(std::make_shared<const WorkItem>(item_of(stage))))
        .receive([&](const WorkResultPtr& result, double seconds) { out = {*result, seconds}; }, [&](const caf::error& error) { FAIL(system.render(error)); });
    self->send(role, quit_atom::value);
  }
  return out;
}

std::string fetch(int port, const std::string& path = "/metrics") {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string out;
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string question = "GET " + path + " HTTP/1.0\r\n\r\n";
    char part[4096];
    if (::write(socket, question.data(), question.size()) > 0)
      for (ssize_t n = ::read(socket, part, sizeof part); n > 0; n = ::read(socket, part, sizeof part)) out.append(part, static_cast<std::size_t>(n));
  }
  ::close(socket);
  return out;
}

}  // namespace

TEST_CASE("an exception in a stage becomes a failed attempt with its text, and the actor lives") {
  StageTools tools;
  tools.train = [](const WorkItem&, const Config&, const std::function<void(const Report&)>&, const std::atomic<bool>&) -> Result<WorkResult> {
    throw std::runtime_error("the device is on fire");
  };
  const auto [result, seconds] = answer_of(Stage::train, tools);
  CHECK(result.error().find("the device is on fire") != std::string::npos);
  CHECK(result.item_id() == std::string(16, 'i'));
  CHECK(seconds >= 0);
}

TEST_CASE("a stage that cannot start is a failed attempt that names the remedy") {
  CHECK(answer_of(Stage::train, {}).first.error().find("mendel-trainer") != std::string::npos);
  CHECK_FALSE(answer_of(Stage::encode, {}).first.error().empty());
}

TEST_CASE("training that our own end broke off is told apart from a failure") {
  StageTools tools;
  tools.train = [](const WorkItem&, const Config&, const std::function<void(const Report&)>&, const std::atomic<bool>&) -> Result<WorkResult> {
    return Error{ErrorCode::interrupted, "stopped"};
  };
  CHECK(answer_of(Stage::train, tools).first.error() == kBrokenOff);
}

TEST_CASE("metrics show every stage from the start, and the newest view") {
  const auto probe = std::make_shared<NodeProbe>();
  const auto health = std::make_shared<ProcessHealth>(std::chrono::hours(1));
  auto server = MetricsServer::start("127.0.0.1:0", {"here \"quoted\"", probe, health, {}, {}});
  REQUIRE(server);
  WorkResult result;
  result.set_stage(Stage::mutate);
  result.add_pairs();
  probe->started(item_of(Stage::mutate));
  probe->finished(result, 1.5, false);
  auto view = std::make_shared<PlantView>();
  view->status.set_phase("train");
  auto& stage = *view->status.add_stages();
  stage.set_stage("mutate");
  stage.set_pending(7);
  (*view->status.mutable_funnel())["rejected:validate:not_local"] = 3;
  view->training["training_loss"] = 0.25;
  (*server)->show(view);
  const auto text = fetch((*server)->port());
  for (const char* line : {"mendel_stage_items_out_total{stage=\"mutate\"} 1", "mendel_stage_items_out_total{stage=\"mine\"} 0", "mendel_stage_seconds_sum{stage=\"mutate\"} 1.5",
                           "mendel_stage_depth{stage=\"mutate\"} 7", "mendel_rejected{stage=\"validate\",reason=\"not_local\"} 3", "mendel_training_loss 0.25",
                           "process=\"here \\\"quoted\\\"\"", "mendel_phase{phase=\"train\"} 1"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("health and readiness are told over HTTP, with the reason") {
  const auto health = std::make_shared<ProcessHealth>(std::chrono::hours(1));
  auto server = MetricsServer::start("127.0.0.1:0", {"here", std::make_shared<NodeProbe>(), health, {}, {}});
  REQUIRE(server);
  const auto port = (*server)->port();
  CHECK(fetch(port, "/healthz").find(" 200 ") != std::string::npos);
  CHECK(fetch(port, "/readyz").find(" 503 ") != std::string::npos);
  CHECK(fetch(port, "/readyz").find("\r\n\r\nstarting\n") != std::string::npos);
  health->set_ready("works");
  CHECK(fetch(port, "/readyz").find(" 200 ") != std::string::npos);
  health->beat(ProcessHealth::Time::clock::now() - std::chrono::hours(2));
  CHECK(fetch(port, "/healthz").find(" 503 ") != std::string::npos);
  CHECK(fetch(port, "/elsewhere").find(" 404 ") != std::string::npos);
}

TEST_CASE("an address that cannot be served on is an error that names the key") {
  const auto probe = std::make_shared<NodeProbe>();
  CHECK(MetricsServer::start("nowhere at all", {"x", probe, std::make_shared<ProcessHealth>(std::chrono::seconds(1)), {}, {}}).error().what.find("metrics.listen") != std::string::npos);
}

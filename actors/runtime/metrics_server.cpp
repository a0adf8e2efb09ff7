// civetweb serves; the text is prometheus-cpp's.
#include "actors/runtime/metrics_server.hpp"

#include <CivetServer.h>
#include <prometheus/text_serializer.h>

#include <mutex>

namespace mendel::runtime {
namespace {

struct Answer {
  int status;
  std::string type, body;
};

class Handler final : public CivetHandler {
 public:
  explicit Handler(std::function<Answer()> answer) : answer_(std::move(answer)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    const auto answer = answer_();
    mg_printf(connection, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", answer.status,
              answer.status == 200 ? "OK" : "Service Unavailable", answer.type.c_str(), answer.body.size());
    mg_write(connection, answer.body.data(), answer.body.size());
    return true;
  }

 private:
  const std::function<Answer()> answer_;
};

// civetweb would write its complaints to a file of its own choice.
int be_silent(const mg_connection*, const char*) { return 1; }

class Server final : public MetricsServer {
 public:
  Server(const std::string& listen, MetricsSources sources)
      : sources_(std::move(sources)),
        metrics_([this] { return Answer{200, "text/plain; version=0.0.4; charset=utf-8", metrics_text()}; }),
        healthz_([this] { return probe(sources_.health->look().well); }),
        readyz_([this] { return probe(sources_.health->look().ready); }),
        server_({"listening_ports", listen, "num_threads", "2", "request_timeout_ms", "5000"}, callbacks()) {
    server_.addHandler("/metrics$", metrics_);
    server_.addHandler("/healthz$", healthz_);
    server_.addHandler("/readyz$", readyz_);
  }

  void show(PlantViewPtr view) override {
    const std::lock_guard lock(mutex_);
    view_ = std::move(view);
  }
  int port() const override { return const_cast<CivetServer&>(server_).getListeningPorts().front(); }

 private:
  static const CivetCallbacks* callbacks() {
    static const CivetCallbacks kCallbacks = [] {
      CivetCallbacks out;
      out.log_message = be_silent;
      return out;
    }();
    return &kCallbacks;
  }

  std::string metrics_text() const {
    PlantViewPtr view;
    {
      const std::lock_guard lock(mutex_);
      view = view_;
    }
    return prometheus::TextSerializer().Serialize(collect_metrics(sources_, view.get()));
  }

  Answer probe(bool good) const { return {good ? 200 : 503, "text/plain; charset=utf-8", sources_.health->look().text + "\n"}; }

  const MetricsSources sources_;
  mutable std::mutex mutex_;
  PlantViewPtr view_;
  Handler metrics_, healthz_, readyz_;
  CivetServer server_;  // last: its threads end before what they use
};

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& listen, MetricsSources sources) {
  try {
    return std::unique_ptr<MetricsServer>(std::make_unique<Server>(listen, std::move(sources)));
  } catch (const std::exception&) {
    return Error{ErrorCode::invalid_input, "metrics.listen: cannot serve on \"" + listen + "\" (expected HOST:PORT that is free here)"};
  }
}

}  // namespace mendel::runtime

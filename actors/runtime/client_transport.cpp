// A node's socket: DEALER with CURVE; and one question over the local control socket.
#include <deque>
#include <thread>

#include "actors/runtime/transport.hpp"
#include "actors/runtime/wire_socket.hpp"

namespace mendel::runtime {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int kFailedHandshakesMax = 5;  // in a row without a reason: the server's key is another
constexpr std::size_t kWaitingMax = 4096;  // frames kept while the coordinator is away
constexpr milliseconds kFlush{500};

class Client final : public ClientTransport {
 public:
  Client(ClientOptions options, ClientEvents events) : options_(std::move(options)), events_(std::move(events)) {}

  ~Client() override {
    stop_ = true;
    egress_.wake();
    if (thread_.joinable()) thread_.join();
  }

  Outcome open() {
    try {
      socket_ = zmq::socket_t(context_, zmq::socket_type::dealer);
      set_limits(socket_);
      socket_.set(zmq::sockopt::routing_id, options_.name);
      socket_.set(zmq::sockopt::immediate, true);
      socket_.set(zmq::sockopt::reconnect_ivl, 100);
      socket_.set(zmq::sockopt::reconnect_ivl_max, 2000);
      socket_.set(zmq::sockopt::curve_serverkey, options_.server_key);
      socket_.set(zmq::sockopt::curve_publickey, options_.own.public_key);
      socket_.set(zmq::sockopt::curve_secretkey, options_.own.secret_key);
      monitor_ = watch_handshakes(context_, socket_, "inproc://handshakes", kHandshakeAny | kDisconnected);
      socket_.connect(options_.endpoint);
    } catch (const zmq::error_t& error) {
      return Error{ErrorCode::invalid_input, "cannot connect to " + options_.endpoint + ": " + error.what() + " (expected tcp://HOST:PORT)"};
    }
    thread_ = std::thread([this] { run(); });
    return Done{};
  }

  void send(EnvelopePtr envelope) override { egress_.put({}, std::move(envelope)); }
  const TransportCounters& counters() const override { return counters_; }

 private:
  void run() {
    zmq::pollitem_t items[] = {{nullptr, egress_.descriptor(), ZMQ_POLLIN, 0}, {socket_.handle(), 0, ZMQ_POLLIN, 0}, {monitor_.handle(), 0, ZMQ_POLLIN, 0}};
    auto end = Clock::time_point::max();
    for (;;) {
      zmq::poll(items, 3, milliseconds(waiting_.empty() ? 200 : 5));
      watch();
      collect_egress();
      receive();
      send_waiting();
      if (stop_ && end == Clock::time_point::max()) end = Clock::now() + kFlush;
      if (stop_ && (waiting_.empty() || Clock::now() >= end)) break;
    }
    socket_.set(zmq::sockopt::linger, static_cast<int>(kFlush.count()));
    monitor_.close();
    socket_.close();
  }

  void watch() {
    while (const auto event = next_handshake(monitor_)) {
      if (event == kHandshakeOk || event == kDisconnected) events_.link(event == kHandshakeOk);
      if (event == kHandshakeOk) failed_handshakes_ = 0;
      else if (event == kDisconnected) continue;
      else if (event == kHandshakeRefused) events_.refused("the key of node " + options_.name + " is not on the allow-list of " + options_.endpoint);
      else if (++failed_handshakes_ == kFailedHandshakesMax)
        events_.refused(options_.endpoint + " does not hold the secret of the server key given (is it the right coordinator and server.public?)");
    }
  }

  void collect_egress() {
    for (auto& [peer, envelope] : egress_.take()) {
      auto frames = to_frames(*envelope, ++groups_);
      if (!frames || waiting_.size() + frames->size() > kWaitingMax) {
        ++counters_.dropped;
        continue;
      }
      for (auto& frame : *frames) waiting_.push_back(std::move(frame));
    }
  }

  void send_waiting() {
    while (!waiting_.empty() && socket_.send(zmq::buffer(waiting_.front()), zmq::send_flags::dontwait)) {
      ++counters_.frames_out;
      counters_.bytes_out += waiting_.front().size();
      waiting_.pop_front();
    }
  }

  void receive() {
    zmq::message_t body;
    for (int i = 0; i < 256 && socket_.recv(body, zmq::recv_flags::dontwait); ++i) {
      ++counters_.frames_in;
      counters_.bytes_in += body.size();
      auto joined = joiner_.add(body.to_string_view());
      if (!joined) ++counters_.garbled;
      else if (*joined) events_.received(std::make_shared<const Envelope>(std::move(**joined)));
    }
  }

  ClientOptions options_;
  ClientEvents events_;
  TransportCounters counters_;
  Egress egress_;
  zmq::context_t context_{1};
  zmq::socket_t socket_, monitor_;
  FragmentJoiner joiner_;
  std::deque<std::string> waiting_;
  std::uint64_t groups_ = 0;
  int failed_handshakes_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<ClientTransport>> ClientTransport::start(ClientOptions options, ClientEvents events) {
  auto client = std::make_unique<Client>(std::move(options), std::move(events));
  if (auto opened = client->open(); !opened) return opened.error();
  return std::unique_ptr<ClientTransport>(std::move(client));
}

Result<Envelope> ask_coordinator(const std::filesystem::path& control, const Envelope& question, int timeout_ms) {
  const Error none{ErrorCode::not_found, "no plant runs on this data folder"};
  FolderHandle folder(control.string());
  if (!folder.open() || !std::filesystem::exists(control / "control.sock")) return none;
  try {
    zmq::context_t context(1);
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    set_limits(socket);
    socket.set(zmq::sockopt::immediate, true);
    socket.set(zmq::sockopt::sndtimeo, 300);
    socket.set(zmq::sockopt::rcvtimeo, timeout_ms);
    socket.connect("ipc://" + folder.path() + "/control.sock");
    if (!socket.send(zmq::buffer(question.SerializeAsString()), zmq::send_flags::none)) return none;
    FragmentJoiner joiner;
    zmq::message_t body;
    while (socket.recv(body)) {
      auto joined = joiner.add(body.to_string_view());
      if (!joined) return joined.error();
      if (*joined) return std::move(**joined);
    }
  } catch (const zmq::error_t&) {
    return none;
  }
  return Error{ErrorCode::unavailable, "the plant on this data folder does not answer; is it stopped?"};
}

}  // namespace mendel::runtime

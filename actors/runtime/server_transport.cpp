// The coordinator's sockets: ROUTER with CURVE for nodes, the ZAP handler, the local control socket.
#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "actors/runtime/transport.hpp"
#include "actors/runtime/wire_socket.hpp"

namespace mendel::runtime {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPeerBytesMax = 64u << 20;  // waiting for one peer
constexpr milliseconds kAllowListEvery{200}, kAllowListReread{2000};
constexpr const char* kZapDomain = "mendel";
constexpr const char* kControlSocket = "control.sock";

class Server final : public ServerTransport {
 public:
  Server(KeyFolder keys, ServerEvents events) : keys_(std::move(keys)), events_(std::move(events)) {}

  ~Server() override {
    stop_ = true;
    egress_.wake();
    if (thread_.joinable()) thread_.join();
  }

  Outcome open(const std::string& endpoint, const fs::path& control) {
    try {
      if (!endpoint.empty())
        if (auto opened = open_network(endpoint); !opened) return opened;
      if (!control.empty())
        if (auto opened = open_control(control); !opened) return opened;
    } catch (const zmq::error_t& error) {
      return Error{ErrorCode::io_error, "cannot listen on " + (endpoint.empty() ? control.string() : endpoint) + ": " + error.what()};
    }
    thread_ = std::thread([this] { run(); });
    return endpoint.empty() ? Outcome(Done{}) : probe_allow_list(endpoint_, own_.public_key);
  }

  void send(const std::string& peer, EnvelopePtr envelope) override { egress_.put(peer, std::move(envelope)); }
  std::string endpoint() const override { return endpoint_; }
  const TransportCounters& counters() const override { return counters_; }

 private:
  Outcome open_network(const std::string& endpoint) {
    auto own = keys_.server();
    if (!own) return own.error();
    own_ = *own;
    if (auto read = read_allow_list(); !read) return read;
    zap_ = zmq::socket_t(context_, zmq::socket_type::rep);
    zap_.set(zmq::sockopt::linger, 0);
    zap_.bind("inproc://zeromq.zap.01");  // before the server binds, or nobody is asked
    network_ = zmq::socket_t(context_, zmq::socket_type::router);
    set_limits(network_);
    network_.set(zmq::sockopt::router_mandatory, true);
    network_.set(zmq::sockopt::router_handover, true);
    network_.set(zmq::sockopt::curve_server, true);
    network_.set(zmq::sockopt::curve_secretkey, own_.secret_key);
    network_.set(zmq::sockopt::zap_domain, kZapDomain);
    network_.bind(endpoint);
    endpoint_ = network_.get(zmq::sockopt::last_endpoint);
    return Done{};
  }

  Outcome open_control(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error || ::chmod(folder.c_str(), 0700) != 0) return Error{ErrorCode::io_error, folder.string() + ": cannot make this folder"};
    control_folder_ = std::make_unique<FolderHandle>(folder.string());
    control_ = zmq::socket_t(context_, zmq::socket_type::router);
    set_limits(control_);
    control_.bind("ipc://" + control_folder_->path() + "/" + kControlSocket);
    return Done{};
  }

  void run() {
    std::vector<zmq::pollitem_t> items{{nullptr, egress_.descriptor(), ZMQ_POLLIN, 0}};
    if (network_) {
      items.push_back({zap_.handle(), 0, ZMQ_POLLIN, 0});
      items.push_back({network_.handle(), 0, ZMQ_POLLIN, 0});
    }
    if (control_) items.push_back({control_.handle(), 0, ZMQ_POLLIN, 0});
    auto end = Clock::time_point::max();
    for (;;) {
      zmq::poll(items, milliseconds(waiting_.empty() ? 200 : 5));
      collect_egress();
      if (network_) {
        answer_zap();
        receive_network();
        watch_allow_list();
      }
      if (control_) receive_control();
      send_waiting();
      if (stop_ && end == Clock::time_point::max()) end = Clock::now() + milliseconds(kFlushMs);
      if (stop_ && (waiting_.empty() || Clock::now() >= end)) break;
    }
    for (auto* socket : {&network_, &control_})
      if (*socket) {
        socket->set(zmq::sockopt::linger, kFlushMs);
        socket->close();
      }
    if (zap_) zap_.close();
  }

  void collect_egress() {
    for (auto& [peer, envelope] : egress_.take()) {
      auto frames = to_frames(*envelope, ++groups_);
      if (!frames) {
        ++counters_.dropped;
        continue;
      }
      auto& queue = waiting_[peer];
      for (auto& frame : *frames) {
        queue.bytes += frame.size();
        queue.frames.push_back(std::move(frame));
      }
      if (queue.bytes > kPeerBytesMax) {
        counters_.dropped += queue.frames.size();
        waiting_.erase(peer);
      }
    }
  }

  void send_waiting() {
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      const bool control = at->first.starts_with(kControlPeer);
      auto& socket = control ? control_ : network_;
      const auto id = control ? at->first.substr(std::string(kControlPeer).size()) : at->first;
      at = send_to(socket, id, at->second) ? waiting_.erase(at) : std::next(at);
    }
  }

  struct Queue {
    std::deque<std::string> frames;
    std::size_t bytes = 0;
  };

  // True if nothing is left to send: all went out, or the peer is not there.
  bool send_to(zmq::socket_t& socket, const std::string& id, Queue& queue) {
    try {
      while (socket && !queue.frames.empty()) {
        if (!socket.send(zmq::buffer(id), zmq::send_flags::sndmore | zmq::send_flags::dontwait)) return false;
        auto& frame = queue.frames.front();
        if (!socket.send(zmq::buffer(frame), zmq::send_flags::dontwait)) return false;
        ++counters_.frames_out;
        counters_.bytes_out += frame.size();
        queue.bytes -= frame.size();
        queue.frames.pop_front();
      }
    } catch (const zmq::error_t&) {
      counters_.dropped += queue.frames.size();
    }
    return true;
  }

  void answer_zap() {
    zmq::message_t part;
    while (zap_.recv(part, zmq::recv_flags::dontwait)) {
      std::vector<std::string> request{part.to_string()};
      while (part.more() && zap_.recv(part)) request.push_back(part.to_string());
      // version, request id, domain, address, identity, mechanism, public key (32 bytes)
      char key[41] = "";
      if (request.size() == 7 && request[2] == kZapDomain && request[5] == "CURVE" && request[6].size() == 32)
        zmq_z85_encode(key, reinterpret_cast<const std::uint8_t*>(request[6].data()), 32);
      static_cast<void>(read_allow_list());
      const bool allowed = allowed_.contains(key);
      if (!allowed) ++counters_.refused;
      const std::string answer[] = {"1.0", request.size() > 1 ? request[1] : "", allowed ? "200" : "400", allowed ? "OK" : "unknown key", allowed ? key : "", ""};
      for (std::size_t i = 0; i < std::size(answer); ++i)
        zap_.send(zmq::buffer(answer[i]), i + 1 < std::size(answer) ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
  }

  // One frame a message, routing id before it; anything else is passed over.
  static bool receive(zmq::socket_t& socket, std::string& id, zmq::message_t& body) {
    zmq::message_t identity;
    if (!socket.recv(identity, zmq::recv_flags::dontwait)) return false;
    id = identity.to_string();
    body.rebuild();
    bool more = identity.more();
    if (more) {
      static_cast<void>(socket.recv(body));
      more = body.more();
    }
    for (zmq::message_t rest; more; more = rest.more()) static_cast<void>(socket.recv(rest));
    return true;
  }

  void receive_network() {
    std::string id;
    zmq::message_t body;
    for (int i = 0; i < 256 && receive(network_, id, body); ++i) {
      const char* key = zmq_msg_gets(body.handle(), "User-Id");
      const auto at = allowed_.find(key == nullptr ? "" : key);
      if (at == allowed_.end() || at->second != id) {
        ++counters_.impostors;
        continue;
      }
      connected_[id] = at->first;
      deliver(id, body);
    }
  }

  void receive_control() {
    std::string id;
    zmq::message_t body;
    for (int i = 0; i < 16 && receive(control_, id, body); ++i) deliver(kControlPeer + id, body);
  }

  void deliver(const std::string& peer, const zmq::message_t& body) {
    ++counters_.frames_in;
    counters_.bytes_in += body.size();
    auto joined = joiners_[peer].add(body.to_string_view());
    if (!joined) {
      ++counters_.garbled;
    } else if (*joined) {
      events_.received(peer, std::make_shared<const Envelope>(std::move(**joined)));
    }
    if (peer.starts_with(kControlPeer)) joiners_.erase(peer);
  }

  Outcome read_allow_list() {
    auto allowed = keys_.allowed();
    if (!allowed) return allowed.error();
    allowed_ = std::move(*allowed);
    return Done{};
  }

  // A node whose key is no longer on the list is told so and cut off: its frames are dropped from now on.
  void watch_allow_list() {
    const auto now = Clock::now();
    if (now - looked_at_ < kAllowListEvery) return;
    looked_at_ = now;
    struct stat info {};
    if (::stat(keys_.folder().c_str(), &info) != 0) return;
    const auto changed = std::pair(info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    if (changed == changed_ && now - read_at_ < kAllowListReread) return;
    changed_ = changed;
    read_at_ = now;
    if (!read_allow_list()) return;
    for (auto at = connected_.begin(); at != connected_.end();) {
      const auto known = allowed_.find(at->second);
      if (known != allowed_.end() && known->second == at->first) {
        ++at;
        continue;
      }
      cut_off(at->first);
      at = connected_.erase(at);
    }
  }

  void cut_off(const std::string& node) {
    waiting_.erase(node);
    Envelope goodbye;
    goodbye.set_protocol(kProtocol);
    goodbye.mutable_goodbye()->set_reason("the key of " + node + " was revoked");
    Queue last;
    last.frames.push_back(goodbye.SerializeAsString());
    send_to(network_, node, last);
    events_.gone(node);
  }

  KeyFolder keys_;
  ServerEvents events_;
  KeyPair own_;
  TransportCounters counters_;
  Egress egress_;
  std::unique_ptr<FolderHandle> control_folder_;
  zmq::context_t context_{1};
  zmq::socket_t zap_, network_, control_;
  std::string endpoint_;
  std::map<std::string, std::string> allowed_;  // public key → node
  std::map<std::string, std::string> connected_;  // node → public key
  std::map<std::string, Queue> waiting_;
  std::map<std::string, FragmentJoiner> joiners_;
  std::pair<long, long> changed_{0, 0};
  Clock::time_point looked_at_{}, read_at_{};
  std::uint64_t groups_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<ServerTransport>> ServerTransport::start(const std::string& endpoint, KeyFolder keys, const fs::path& control,
                                                                ServerEvents events) {
  auto server = std::make_unique<Server>(std::move(keys), std::move(events));
  if (auto opened = server->open(endpoint, control); !opened) return opened.error();
  return std::unique_ptr<ServerTransport>(std::move(server));
}

}  // namespace mendel::runtime

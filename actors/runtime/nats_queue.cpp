// The queue on NATS JetStream: one work-queue stream a plant, one message an item, its subject
// STREAM.STAGE.ID. Leases, retries and all that has to do with time are those of EmbeddedQueue; the server
// keeps what waits and what is not done when this process dies. It is told every third of kAckWaitMs that the
// items in this process are in progress; a new life begins with all that is not done.
//
// A server that syncs by its own timer only (2.9 cannot do else) may lose messages in a power cut. Items that it
// owes us for kForgotten are therefore put once more; the server refuses those that it still has.
#include "actors/runtime/nats_queue.hpp"

#include <nats/nats.h>

#include <atomic>
#include <cstring>

#include "actors/runtime/embedded_queue.hpp"
#include "actors/runtime/stages.hpp"

namespace mendel::runtime {
namespace {

constexpr std::int64_t kAckWaitMs = 30'000;
constexpr Moment kProgress{kAckWaitMs / 3};
constexpr Moment kForgotten{5'000};
constexpr Moment kFetchAgain{20};  // after a fetch that brought nothing
constexpr std::int64_t kAnswerMs = 2'000;  // of the server
constexpr std::int64_t kFetchMs = 300;  // a consumer that has nothing says so at once; one that is gone says nothing
constexpr int kFetchBatch = 64;
constexpr std::int64_t kHeldMax = 100'000;  // messages of one stage in this process

template <class T, void (*destroy)(T*)>
struct Destroyer {
  void operator()(T* object) const { destroy(object); }
};
using Connection = std::unique_ptr<natsConnection, Destroyer<natsConnection, natsConnection_Destroy>>;
using Context = std::unique_ptr<jsCtx, Destroyer<jsCtx, jsCtx_Destroy>>;
using Subscription = std::unique_ptr<natsSubscription, Destroyer<natsSubscription, natsSubscription_Destroy>>;
using Message = std::unique_ptr<natsMsg, Destroyer<natsMsg, natsMsg_Destroy>>;

Error nats_error(const std::string& what, natsStatus status) {
  return {ErrorCode::unavailable, what + ": " + natsStatus_GetText(status)};
}

// The acks of what is published asynchronously; called on the library's thread.
struct Published {
  std::atomic<std::uint64_t> failed{0};

  static void acked(jsCtx*, natsMsg* message, jsPubAck*, jsPubAckErr* error, void* closure) {
    const bool known = error != nullptr && error->ErrText != nullptr && std::strstr(error->ErrText, "maximum messages per subject") != nullptr;
    if (error != nullptr && !known) ++static_cast<Published*>(closure)->failed;
    natsMsg_Destroy(message);
  }
};

class NatsQueue final : public EmbeddedQueue {
 public:
  NatsQueue(Moment lease, std::string stream) : EmbeddedQueue(lease), stream_(std::move(stream)) {}

  Outcome open(const std::string& url) {
    natsOptions* options = nullptr;
    natsConnection* connection = nullptr;
    natsOptions_Create(&options);
    natsOptions_SetURL(options, url.c_str());
    natsOptions_SetTimeout(options, kAnswerMs);
    natsOptions_SetMaxReconnect(options, -1);
    natsOptions_SetReconnectWait(options, 250);
    auto status = natsConnection_Connect(&connection, options);
    natsOptions_Destroy(options);
    if (status != NATS_OK) return nats_error("queue.nats_url: no NATS server answers on " + url, status);
    connection_.reset(connection);
    jsOptions settings;
    jsOptions_Init(&settings);
    settings.Wait = kAnswerMs;
    settings.PublishAsync.MaxPending = 1024;
    settings.PublishAsync.StallWait = kAnswerMs;
    settings.PublishAsync.AckHandler = Published::acked;
    settings.PublishAsync.AckHandlerClosure = &published_;
    jsCtx* context = nullptr;
    status = natsConnection_JetStream(&context, connection_.get(), &settings);
    context_.reset(context);
    if (status != NATS_OK) return nats_error("JetStream of " + url, status);
    return open_stream();
  }

  void put(Stage::Value stage, const ItemId& item) override {
    if (!remember(item)) return;
    outside_[stage].insert(item);
    unsent_.emplace_back(stage, item);
  }

  Outcome settle() override {
    if (unsent_.empty()) return Done{};
    if (away()) return Error{ErrorCode::unavailable, "the NATS server is away"};
    published_.failed = 0;
    for (const auto& [stage, item] : unsent_)
      if (const auto status = js_PublishAsync(context_.get(), subject_of(stage, item).c_str(), "", 0, nullptr); status != NATS_OK)
        return nats_error("the NATS server takes no items", status);
    jsPubOptions wait;
    jsPubOptions_Init(&wait);
    wait.MaxWait = kAnswerMs;
    if (const auto status = js_PublishAsyncComplete(context_.get(), &wait); status != NATS_OK) return nats_error("the NATS server does not confirm items", status);
    if (published_.failed > 0) return Error{ErrorCode::unavailable, "the NATS server refused " + std::to_string(published_.failed) + " items"};
    unsent_.clear();
    return Done{};
  }

  std::optional<ItemId> take(Stage::Value stage, std::string_view worker, Moment now) override {
    if (auto item = EmbeddedQueue::take(stage, worker, now)) return item;
    if (!fetch(stage, now)) return std::nullopt;
    return EmbeddedQueue::take(stage, worker, now);
  }

  std::vector<std::pair<ItemId, std::string>> expire(Moment now) override {
    if (now - progress_at_ >= kProgress) {
      progress_at_ = now;
      for (const auto& [item, message] : messages_) natsMsg_InProgress(message.get(), nullptr);
    }
    return EmbeddedQueue::expire(now);
  }

  // An ack that is lost costs one more delivery, and the owner says done again.
  void done(const ItemId& item) override {
    EmbeddedQueue::done(item);
    for (auto& [stage, items] : outside_) items.erase(item);
    const auto at = messages_.find(item);
    if (at == messages_.end()) return;
    natsMsg_Ack(at->second.get(), nullptr);
    messages_.erase(at);
  }

 private:
  Outcome open_stream() {
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    const std::string subjects = stream_ + ".>";
    const char* list[] = {subjects.c_str()};
    config.Name = stream_.c_str();
    config.Subjects = list;
    config.SubjectsLen = 1;
    config.Retention = js_WorkQueuePolicy;
    config.Storage = js_FileStorage;
    config.MaxMsgsPerSubject = 1;
    config.Discard = js_DiscardNew;
    config.DiscardNewPerSubject = true;
    jsErrCode code = static_cast<jsErrCode>(0);
    const auto status = js_AddStream(nullptr, context_.get(), &config, nullptr, &code);
    if (status != NATS_OK && code != JSStreamNameExistErr)
      return nats_error("queue.nats_stream: cannot have the stream " + stream_ + " on queue.nats_url (does it run with JetStream, 2.9 or newer?)", status);
    // What an earlier life held is free again: without this only after kAckWaitMs.
    for (const auto& row : stages()) js_DeleteConsumer(context_.get(), stream_.c_str(), row.name, nullptr, nullptr);
    return Done{};
  }

  // The library connects again by itself; until then nothing here waits for it.
  bool away() const { return natsConnection_Status(connection_.get()) != NATS_CONN_STATUS_CONNECTED; }

  std::string subject_of(Stage::Value stage, const ItemId& item) const { return stream_ + "." + stage_name(stage) + "." + item.hex(); }

  natsSubscription* subscription(Stage::Value stage) {
    auto& kept = subscriptions_[stage];
    if (kept) return kept.get();
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Config.AckWait = kAckWaitMs * 1'000'000;
    options.Config.MaxAckPending = kHeldMax;
    natsSubscription* made = nullptr;
    const std::string subject = stream_ + "." + stage_name(stage) + ".*";
    js_PullSubscribe(&made, context_.get(), subject.c_str(), stage_name(stage), nullptr, &options, nullptr);
    kept.reset(made);
    return made;
  }

  // Brings waiting items into this process. False: none came.
  bool fetch(Stage::Value stage, Moment now) {
    auto& outside = outside_[stage];
    auto& tried = tried_[stage];
    if (outside.empty() || now < tried.again_at || away()) return false;
    auto* from = subscription(stage);
    natsMsgList list{};
    jsFetchRequest request;
    jsFetchRequest_Init(&request);
    request.Batch = kFetchBatch;
    request.NoWait = true;
    request.Expires = kFetchMs * 1'000'000;
    const auto status = from == nullptr ? NATS_NOT_FOUND : natsSubscription_FetchRequest(&list, from, &request);
    for (int i = 0; i < list.Count; ++i) keep(stage, Message(std::exchange(list.Msgs[i], nullptr)));
    const int count = list.Count;
    natsMsgList_Destroy(&list);
    if (count > 0) {
      tried = {now, now};
      return true;
    }
    if (status != NATS_OK && status != NATS_TIMEOUT && status != NATS_NOT_FOUND) subscriptions_[stage].reset();
    tried.again_at = now + kFetchAgain;
    if (tried.brought_at == Moment(0)) tried.brought_at = now;
    if (now - tried.brought_at >= kForgotten) {
      tried.brought_at = now;
      start_over(stage);
    }
    return false;
  }

  // The server owes us items for long: it may have lost messages, the consumer or the whole stream.
  void start_over(Stage::Value stage) {
    subscriptions_.clear();
    static_cast<void>(open_stream());
    for (const auto& item : outside_[stage]) unsent_.emplace_back(stage, item);
  }

  void keep(Stage::Value stage, Message message) {
    const std::string subject = natsMsg_GetSubject(message.get());
    const auto item = ItemId::from_hex(std::string_view(subject).substr(subject.rfind('.') + 1));
    if (!item) {
      natsMsg_Ack(message.get(), nullptr);
      return;
    }
    remember(*item);
    outside_[stage].erase(*item);
    const bool fresh = messages_.insert_or_assign(*item, std::move(message)).second;
    if (fresh) put_back(stage, *item, false);  // else it is here already, and this delivery counts from now on
  }

  struct Tried {
    Moment again_at{0}, brought_at{0};
  };

  std::string stream_;
  Published published_;
  Connection connection_;
  Context context_;
  std::map<Stage::Value, Subscription> subscriptions_;
  std::unordered_map<ItemId, Message> messages_;  // of the items in this process
  std::map<Stage::Value, std::unordered_set<ItemId>> outside_;  // put and not yet delivered
  std::vector<std::pair<Stage::Value, ItemId>> unsent_;
  std::map<Stage::Value, Tried> tried_;
  Moment progress_at_{0};
};

}  // namespace

Result<std::unique_ptr<ItemQueue>> open_nats_queue(Moment lease, const std::string& url, const std::string& stream) {
  auto queue = std::make_unique<NatsQueue>(lease, stream);
  if (auto opened = queue->open(url); !opened) return opened.error();
  return std::unique_ptr<ItemQueue>(std::move(queue));
}

}  // namespace mendel::runtime

// Speed and memory of the models on one device, for bench_device.py: one measurement a process, one JSON line.
//
//   bench_device train|repair|thought|flop|product [key=value]...
//
// train: whole steps of training on made-up functions that fill their grid, new ones each time. repair: whole proposals.
// thought: what lies between the cells and the head's last word, without writing tokens. flop: the products of one sample's
// training and thought, counted. product: the rate of one large product in bfloat16.
//   way=eager|fused|graph   attention by products, by LibTorch's fused kernel, or the latter in a captured graph
#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include "flop_count.hpp"
#include "model/faults.hpp"
#include "model/json.hpp"
#include "model/memory.hpp"
#include "model/network.hpp"
#include "model/optimizer.hpp"
#include "model/presets.hpp"

using namespace mendel::model;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUp = 3;
constexpr double kRate = 1e-4;

struct Arguments {
  std::string device = kAnyDevice, way = "fused";
  std::uint32_t batch = 1, rows = 64, columns = 48, repeats = 10, steps = 0;
  std::uint32_t new_tokens = 3;
  bool checkpointing = false;
  ModelSettings settings;
};

using Setter = void (*)(Arguments&, const std::string&);
std::uint32_t natural(const std::string& text) { return static_cast<std::uint32_t>(std::stoul(text)); }
const std::map<std::string, Setter> kSettings = {
    {"device", [](auto& a, const auto& v) { a.device = v; }},
    {"way", [](auto& a, const auto& v) { a.way = v; }},
    {"batch", [](auto& a, const auto& v) { a.batch = natural(v); }},
    {"rows", [](auto& a, const auto& v) { a.rows = natural(v); }},
    {"columns", [](auto& a, const auto& v) { a.columns = natural(v); }},
    {"repeats", [](auto& a, const auto& v) { a.repeats = natural(v); }},
    {"steps", [](auto& a, const auto& v) { a.steps = natural(v); }},
    {"checkpointing", [](auto& a, const auto& v) { a.checkpointing = v != "0"; }},
    {"vocabulary", [](auto& a, const auto& v) { a.settings.vocabulary = natural(v); }},
    {"width", [](auto& a, const auto& v) { a.settings.width = natural(v); }},
    {"heads", [](auto& a, const auto& v) { a.settings.heads = natural(v); }},
    {"inner", [](auto& a, const auto& v) { a.settings.inner = natural(v); }},
    {"rank", [](auto& a, const auto& v) { a.settings.embedding_rank = natural(v); }},
    {"encoder", [](auto& a, const auto& v) { a.settings.encoder_layers = v; }},
    {"recursive", [](auto& a, const auto& v) { a.settings.recursive_layers = v; }},
    {"high", [](auto& a, const auto& v) { a.settings.high_cycles = natural(v); }},
    {"low", [](auto& a, const auto& v) { a.settings.low_cycles = natural(v); }},
    {"supervision", [](auto& a, const auto& v) { a.settings.supervision_steps = natural(v); }},
    {"neurons", [](auto& a, const auto& v) { a.settings.ctm.neurons = natural(v); }},
    {"memory", [](auto& a, const auto& v) { a.settings.ctm.memory = natural(v); }},
    {"input", [](auto& a, const auto& v) { a.settings.ctm.input = natural(v); }},
    {"pairs", [](auto& a, const auto& v) { a.settings.ctm.pairs_out = a.settings.ctm.pairs_action = natural(v); }},
    {"ticks", [](auto& a, const auto& v) { a.settings.ctm.ticks = natural(v); }},
};

// Functions that fill their grid, each with one edit.
std::vector<Sample> made_samples(const Arguments& a, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto token = [&] { return static_cast<std::int16_t>(6 + random() % (a.settings.vocabulary - 6)); };
  std::vector<Sample> out(a.batch);
  for (auto& s : out) {
    for (std::uint32_t t = 0; t < a.rows * a.columns; ++t) {
      s.cells.push_back(token());
      s.rows.push_back(static_cast<std::uint8_t>(t / a.columns));
      s.columns.push_back(static_cast<std::uint8_t>(t % a.columns));
    }
    const auto first = static_cast<std::uint32_t>(random() % (s.cells.size() - 1));
    SpanEdit edit{first, first + 1, {}};
    for (std::uint32_t i = 0; i < a.new_tokens; ++i) edit.tokens.push_back(token());
    s.edit = edit;
  }
  return out;
}

std::vector<at::Tensor> tensors_of(const Network::Prepared& p) {
  std::vector<at::Tensor> out = {p.batch->ids_bt, p.batch->mask_bt, p.batch->pad_bt};
  out.insert(out.end(), p.batch->places_bt.begin(), p.batch->places_bt.end());
  const auto& t = p.targets;
  out.insert(out.end(), {t.start_b, t.first_b, t.end_b, t.tokens_bl, t.previous_bl, t.valid_m, t.sample_m, t.bug_b});
  if (p.batch->slots_of)
    for (const auto& s : *p.batch->slots_of)
      for (const auto& x : {s.positions_n, s.cell_m, s.real_s11l, s.cell_k, s.slot_k})
        if (x.defined()) out.push_back(x);
  return out;
}

// Work on fixed tensors, recorded once and played again. Throws where LibTorch or the device cannot.
class CapturedWork {
 public:
  CapturedWork(at::Device device, const std::function<void()>& work) {
    const c10::impl::VirtualGuardImpl devices(device.type());
    const c10::StreamGuard side(devices.getStreamFromGlobalPool(device));  // no graph is captured on the default stream
    for (int i = 0; i < kWarmUp; ++i) work();
    finish_work(device);
    graph_.capture_begin();
    work();
    graph_.capture_end();
    finish_work(device);
  }
  void replay() { graph_.replay(); }

 private:
  at::accelerator::Graph graph_;
};

struct Bench {
  Arguments arguments;
  Compute compute;
  Network network;

  explicit Bench(const Arguments& a, const Compute& c) : arguments(a), compute(c), network(a.settings, 7, c) {
    network.set_recompute(a.checkpointing);
    plain_attention(a.way == "eager");
  }
  bool captured() const { return arguments.way == "graph"; }
};

class Gradient {
 public:
  explicit Gradient(Bench& bench) : bench_(bench), flat_(at::zeros_like(bench.network.parameters().flat())) {
    for (const auto& p : bench.network.parameters().all()) leaves_.push_back(p.value);
  }
  void operator()(const Network::Prepared& prepared) {
    const auto loss = bench_.network.loss(prepared).total() / static_cast<double>(bench_.arguments.batch);
    const auto gradients = torch::autograd::grad({loss}, leaves_, {}, std::nullopt, false, true);
    const c10::NoGradGuard no_grad;
    for (std::size_t i = 0; i < leaves_.size(); ++i)
      if (gradients[i].defined()) flat_.narrow(0, bench_.network.parameters()[i].offset, leaves_[i].numel()).copy_(gradients[i].reshape({-1}));
    loss_ = loss.detach();
  }
  const at::Tensor& flat() const { return flat_; }
  const at::Tensor& loss() const { return loss_; }

 private:
  Bench& bench_;
  std::vector<at::Tensor> leaves_;
  at::Tensor flat_, loss_;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

void print(const Fields& fields) {
  std::string line = "{";
  for (const auto& [key, value] : fields) line += (line.size() > 1 ? ", " : "") + json_string(key) + ": " + value;
  std::printf("%s}\n", line.c_str());
}

std::uint64_t peak_bytes(at::Device device, const std::function<void()>& work) {
  if (!device.is_cpu()) at::accelerator::resetPeakStats(device.index());
  const auto measured = peak_tensor_bytes(work, device);
  if (device.is_cpu()) return measured;
  return static_cast<std::uint64_t>(at::accelerator::getDeviceStats(device.index()).allocated_bytes[0].peak);
}

// Of the clock on a GPU; of this process's CPU time on the CPU, where others may compute too.
double now_s(at::Device device) {
  if (!device.is_cpu()) return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Fields train(Bench& bench) {
  const auto& a = bench.arguments;
  const auto device = bench.compute.device;
  Optimizer optimizer(bench.network.parameters(), {}, 0.998);
  Workers workers(1);
  Gradient gradient(bench);
  std::uint64_t seed = 0;
  const auto fresh = [&] { return bench.network.prepare(made_samples(a, ++seed)); };
  const auto fixed = fresh();
  std::optional<CapturedWork> graph;
  if (bench.captured()) graph.emplace(device, [&] { gradient(fixed); });
  const auto step = [&] {
    const auto prepared = fresh();
    if (graph) {
      const auto to = tensors_of(fixed), from = tensors_of(prepared);
      for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
      graph->replay();
    } else {
      gradient(prepared);
    }
    optimizer.step(gradient.flat(), kRate, workers);
    bench.network.constrain();
  };
  const auto peak = peak_bytes(device, step);
  for (int i = 1; i < kWarmUp; ++i) step();
  finish_work(device);
  const double start_s = now_s(device);
  for (std::uint32_t i = 0; i < a.repeats; ++i) step();
  finish_work(device);
  const double took = now_s(device) - start_s;
  return {{"samples_per_s", json_number(a.batch * a.repeats / took)}, {"memory_mib", json_number(static_cast<double>(peak >> 20))}, {"loss", json_number(gradient.loss().item<double>())}};
}

// Repeated calls on a batch each: rate and latency.
Fields repeated(const Arguments& a, at::Device device, const std::function<void(const std::vector<Sample>&)>& call) {
  std::vector<std::vector<Sample>> batches;
  for (std::uint32_t i = 0; i < a.repeats; ++i) batches.push_back(made_samples(a, i));
  const auto peak = peak_bytes(device, [&] { call(batches[0]); });
  for (int i = 1; i < kWarmUp; ++i) call(batches[0]);
  std::vector<double> took_ms;
  double all = 0;
  for (const auto& batch : batches) {
    finish_work(device);
    const double start_s = now_s(device);
    call(batch);
    finish_work(device);
    took_ms.push_back(1e3 * (now_s(device) - start_s));
    all += took_ms.back() / 1e3;
  }
  std::sort(took_ms.begin(), took_ms.end());
  const auto at = [&](double share) { return took_ms[std::min(took_ms.size() - 1, static_cast<std::size_t>(share * static_cast<double>(took_ms.size())))]; };
  return {{"samples_per_s", json_number(a.batch * a.repeats / all)}, {"p50_ms", json_number(at(0.5))}, {"p99_ms", json_number(at(0.99))}, {"memory_mib", json_number(static_cast<double>(peak >> 20))}};
}

Fields repair(Bench& bench) {
  Probe probe;
  probe.steps = bench.arguments.steps;
  return repeated(bench.arguments, bench.compute.device, [&](const std::vector<Sample>& samples) { bench.network.propose(samples, 1, probe); });
}

Fields thought(Bench& bench) {
  const auto fixed = bench.network.prepare(made_samples(bench.arguments, 0));
  std::optional<CapturedWork> graph;
  if (bench.captured()) graph.emplace(bench.compute.device, [&] { bench.network.think(fixed.batch); });
  return repeated(bench.arguments, bench.compute.device, [&](const std::vector<Sample>& samples) {
    const auto prepared = bench.network.prepare(samples);
    if (!graph) {
      bench.network.think(prepared.batch);
      return;
    }
    const auto to = tensors_of(fixed), from = tensors_of(prepared);
    for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
    graph->replay();
  });
}

Fields flop(const Arguments& a, Compute compute) {
  auto one = a;
  one.batch = 1;
  one.way = "eager";
  one.checkpointing = false;  // the model's own work: what is computed again counts once
  compute.operations = true;
  Bench bench(one, compute);
  const auto prepared = bench.network.prepare(made_samples(one, 1));
  Gradient gradient(bench);
  const double training = count_flop([&] { gradient(prepared); }), thinking = count_flop([&] { bench.network.think(prepared.batch); });
  return {{"training_flop", json_number(training)}, {"thought_flop", json_number(thinking)}, {"parameters", std::to_string(bench.network.parameters().count())}};
}

// What a large square product reaches: the peak that can be had, beside the one that the maker names.
Fields product(const Arguments& a, const Compute& compute) {
  const std::int64_t n = a.batch;
  const auto x = at::ones({n, n}, at::TensorOptions(at::kBFloat16).device(compute.device));
  for (int i = 0; i < kWarmUp; ++i) at::mm(x, x);
  finish_work(compute.device);
  const double start_s = now_s(compute.device);
  for (std::uint32_t i = 0; i < a.repeats; ++i) at::mm(x, x);
  finish_work(compute.device);
  return {{"flop_per_s", json_number(2.0 * static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n) * a.repeats / (now_s(compute.device) - start_s))}};
}

int refuse(const std::string& why) {
  std::fprintf(stderr, "bench_device: %s\n", why.c_str());
  return 2;
}

// Nothing, or why the arguments cannot be.
std::string read(int argc, char** argv, Arguments& a) {
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i], key = word.substr(0, word.find('=')), value = word.size() > key.size() ? word.substr(key.size() + 1) : "";
    if (key == "model") {
      const auto* preset = find_preset(value);
      if (!preset) return "no model " + value;
      a.settings = preset->settings;
      continue;
    }
    const auto at = kSettings.find(key);
    if (at == kSettings.end()) return "unknown setting " + word;
    try {
      at->second(a, value);
    } catch (const std::logic_error&) {
      return word + ": no number";
    }
  }
  if (a.way != "eager" && a.way != "fused" && a.way != "graph") return "way is " + a.way + "; allowed are eager, fused and graph";
  if (a.batch == 0 || a.repeats == 0 || a.rows == 0 || a.rows > kGridRowsMax || a.columns == 0 || a.columns > kGridColumnsMax || a.rows * a.columns < 2)
    return "batch, repeats, rows and columns must be above 0 and within the grid of 64 x 48";
  return settings_fault(a.settings);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return refuse("usage: bench_device train|repair|thought|flop|product [key=value]...");
  const std::string mode = argv[1];
  Arguments a;
  if (const auto why = read(argc, argv, a); !why.empty()) return refuse(why);
  const auto compute = find_compute(a.device);
  if (!compute) return refuse(compute.failure().what);
  if (compute->device.is_cpu()) at::set_num_threads(1);  // as the model's workers do
  try {
    const Fields common = {{"mode", json_string(mode)}, {"model", json_string(a.settings.name)}, {"device", json_string(compute->text())}, {"way", json_string(a.way)}, {"batch", std::to_string(a.batch)}};
    Fields out;
    if (mode == "flop") {
      out = flop(a, *compute);
    } else if (mode == "product") {
      out = product(a, *compute);
    } else if (mode == "train" || mode == "repair" || mode == "thought") {
      Bench bench(a, *compute);
      out = mode == "train" ? train(bench) : mode == "repair" ? repair(bench) : thought(bench);
    } else {
      return refuse("no measurement " + mode);
    }
    out.insert(out.begin(), common.begin(), common.end());
    print(out);
  } catch (const std::exception& error) {
    const bool memory = is_out_of_memory(std::current_exception());
    const std::string all = error.what();
    std::fprintf(stderr, "bench_device: %s%s\n", memory ? "out of memory: " : "", all.substr(0, all.find('\n')).c_str());
    return memory ? 4 : 3;
  }
}

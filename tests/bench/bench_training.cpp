// Trains on a file of samples and prints what it took, for bench_training.py (which writes that file) and
// for comparisons of settings: bench_training TRAIN VALIDATION RUN [key=value]...
// A file: int32 count; for each sample int32 T, int16 cells [T], uint8 rows [T], uint8 columns [T],
// int32 first (-1: clean), end, number of tokens, then those as int16.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "model/training.hpp"

using namespace mendel::model;

namespace {

class FileSet : public SampleSet {
 public:
  explicit FileSet(const char* path) : in_(path, std::ios::binary) {
    const auto count = read<std::int32_t>();
    for (std::int32_t i = 0; i < count && in_; ++i) samples_.push_back(read_sample());
    if (!in_ || samples_.empty()) {
      std::fprintf(stderr, "%s: no file of samples\n", path);
      std::exit(2);
    }
  }
  std::uint64_t size() const override { return samples_.size(); }
  std::uint32_t cells(std::uint64_t i) const override { return static_cast<std::uint32_t>(samples_[i].cells.size()); }
  Sample sample(std::uint64_t i) const override { return samples_[i]; }

 private:
  template <class T>
  T read() {
    T value{};
    in_.read(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  }
  template <class T>
  std::vector<T> list(std::size_t n) {
    std::vector<T> out(n);
    in_.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(n * sizeof(T)));
    return out;
  }
  Sample read_sample() {
    Sample s;
    const auto n = static_cast<std::size_t>(read<std::int32_t>());
    s.cells = list<std::int16_t>(n);
    s.rows = list<std::uint8_t>(n);
    s.columns = list<std::uint8_t>(n);
    const auto first = read<std::int32_t>(), end = read<std::int32_t>(), tokens = read<std::int32_t>();
    const auto written = list<std::int16_t>(static_cast<std::size_t>(tokens));
    if (first >= 0) s.edit = SpanEdit{static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(end), {written.begin(), written.end()}};
    return s;
  }

  std::ifstream in_;
  std::vector<Sample> samples_;
};

using Setter = std::function<void(TrainInput&, const std::string&)>;

const std::map<std::string, Setter> kSettings = {
    {"neurons", [](auto& in, const auto& v) { in.settings.ctm.neurons = static_cast<std::uint32_t>(std::stoul(v)); }},  // above 0: a CTM
    {"device", [](auto& in, const auto& v) { in.options.device = v; }},
    {"minutes", [](auto& in, const auto& v) { in.options.minutes = std::stod(v); }},
    {"steps", [](auto& in, const auto& v) { in.options.steps_max = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"threads", [](auto& in, const auto& v) { in.options.threads = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"seed", [](auto& in, const auto& v) { in.options.seed = std::stoull(v); }},
    {"cells", [](auto& in, const auto& v) { in.options.cells_per_batch = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"rate", [](auto& in, const auto& v) { in.options.learning_rate = std::stod(v); }},
    {"evaluations", [](auto& in, const auto& v) { in.options.evaluations = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"vocabulary", [](auto& in, const auto& v) { in.settings.vocabulary = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"width", [](auto& in, const auto& v) { in.settings.width = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"heads", [](auto& in, const auto& v) { in.settings.heads = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"inner", [](auto& in, const auto& v) { in.settings.inner = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"encoder", [](auto& in, const auto& v) { in.settings.encoder_layers = v; }},
    {"recursive", [](auto& in, const auto& v) { in.settings.recursive_layers = v; }},
    {"high", [](auto& in, const auto& v) { in.settings.high_cycles = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"low", [](auto& in, const auto& v) { in.settings.low_cycles = static_cast<std::uint32_t>(std::stoul(v)); }},
    {"supervision", [](auto& in, const auto& v) { in.settings.supervision_steps = static_cast<std::uint32_t>(std::stoul(v)); }},
};

void print(const char* what, std::uint64_t steps, std::uint64_t seen, double minutes, double loss, const CurvePoint& p) {
  std::printf("{\"%s\":true,\"steps\":%llu,\"samples\":%llu,\"cpu_s\":%.3f,\"per_cpu_s\":%.2f,\"loss\":%.4f,\"always\":%.4f,\"at_5\":%.4f,\"at_10\":%.4f,\"at_20\":%.4f}\n",
              what, static_cast<unsigned long long>(steps), static_cast<unsigned long long>(seen), minutes * 60, static_cast<double>(seen) / (minutes * 60), loss,
              p.exact_always, p.exact_at_5, p.exact_at_10, p.exact_at_20);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_training TRAIN VALIDATION RUN [key=value]...\n");
    return 2;
  }
  const FileSet training(argv[1]), validation(argv[2]);
  TrainInput input;
  input.train = &training;
  input.validation = &validation;
  input.run = argv[3];
  for (int i = 4; i < argc; ++i) {
    const char* const name = argv[i];
    const char* const equal = std::strchr(name, '=');
    const auto at = equal ? kSettings.find(std::string(name, equal)) : kSettings.end();
    if (at == kSettings.end()) {
      std::fprintf(stderr, "unknown setting %s\n", argv[i]);
      return 2;
    }
    at->second(input, equal + 1);
  }
  double loss = 0, sum = 0;
  std::uint64_t count = 0;
  input.on_step = [&](const StepReport& r) {
    sum += r.loss;
    if (++count < 100) return;
    loss = sum / 100;
    std::fprintf(stderr, "%5.2f min step %llu, %.0f/s wall, loss %.3f\n", r.cpu_minutes, static_cast<unsigned long long>(r.step), r.samples_per_s, loss);
    sum = 0, count = 0;
  };
  input.on_curve = [&](const CurvePoint& p) { print("curve", p.step, p.samples_seen, p.cpu_minutes, loss, p); };
  const auto done = train(input);
  if (!done) {
    std::fprintf(stderr, "%s\n", done.failure().what.c_str());
    return 1;
  }
  print("done", done->steps, done->samples_seen, done->cpu_minutes, loss, done->last);
}

// The table of models, and their numbers counted.
#include "presets.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "network.hpp"

namespace mendel::model {
namespace {

ModelSettings trm_7m() {
  ModelSettings s;
  s.name = "trm-coderepair-7m";
  s.vocabulary = 32768;
  s.width = 256;
  s.heads = 8;
  s.inner = 1024;
  s.encoder_layers = "";
  s.recursive_layers = "rc";  // attention along a row, then along a column
  s.high_cycles = 3;
  s.low_cycles = 6;
  s.supervision_steps = 4;
  s.embedding_rank = 116;
  return s;
}

ModelSettings ctm_15m() {
  ModelSettings s;
  s.name = "ctm-coderepair-15m";
  s.vocabulary = 32768;
  s.width = 256;
  s.heads = 8;
  s.inner = 1024;
  s.encoder_layers = "rc";
  s.embedding_rank = 112;
  s.ctm.neurons = 1024;
  s.ctm.memory = 32;
  s.ctm.hidden = 8;
  s.ctm.depth = 8;
  s.ctm.input = 256;
  s.ctm.heads = 8;
  s.ctm.pairs_out = s.ctm.pairs_action = 512;
  s.ctm.ticks = 64;
  return s;
}

ModelSettings ctm_demo() {
  ModelSettings s;
  s.name = "ctm-demo";
  s.ctm.neurons = 256;
  return s;
}

// First matching prefix names the part.
constexpr std::pair<const char*, const char*> kParts[] = {
    {"trunk.embedding", "token table"}, {"trunk.encoder", "encoder layers"}, {"trunk.recursive", "recursive layers"},
    {"trunk.", "places and neighbours"}, {"ctm.kv", "backbone"}, {"ctm.q", "attention"}, {"ctm.attn", "attention"},
    {"ctm.syn", "synapse"}, {"ctm.nlm", "neuron models"}, {"ctm.start", "start state"}, {"ctm.decay", "synchronisation"},
    {"ctm.read", "reading of the synchronisation"}, {"head.", "span-edit head"}};

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> kPresets = {
      {"trm-demo", "layers once over the cells; learns in CPU minutes", ModelSettings{}},
      {"ctm-demo", "the same beside a small CTM of 4 ticks", ctm_demo()},
      {"trm-coderepair-7m", "the specification's TRM: 3 x (6 + 1) calls of two axial layers", trm_7m()},
      {"ctm-coderepair-15m", "the specification's CTM: 1,024 neurons, memory 32, 64 ticks", ctm_15m()}};
  return kPresets;
}

const Preset* find_preset(std::string_view name) {
  const auto& all = presets();
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& p) { return name == p.name; });
  return at == all.end() ? nullptr : &*at;
}

std::vector<std::pair<std::string, std::uint64_t>> parameters_by_part(const ModelSettings& settings) {
  ParameterSet set(at::kFloat, at::kFloat);
  declare_network(settings, set);
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (std::size_t i = 0; i < set.all().size(); ++i) {
    const auto& shape = set.shape(i);
    const auto count = static_cast<std::uint64_t>(std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>{}));
    const auto part = std::find_if(std::begin(kParts), std::end(kParts), [&](const auto& p) { return set[i].name.starts_with(p.first); });
    const auto at = std::find_if(out.begin(), out.end(), [&](const auto& p) { return p.first == part->second; });
    if (at == out.end()) out.emplace_back(part->second, count);
    else at->second += count;
  }
  return out;
}

}  // namespace mendel::model

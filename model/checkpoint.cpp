// Checkpoints: the model and its settings as one safetensors file; format in README.md.
#include "checkpoint.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <charconv>
#include <cmath>

#include "json.hpp"

namespace mendel::model {
namespace {

constexpr const char* kEarlierFormat = "mendel-repair-1";

constexpr const char *kFull = "F32", *kShort = "BF16";
constexpr const char* kFactPrefix = "fact.";
constexpr const char* kThresholdPrefix = "threshold.";
constexpr const char* kZStart = "trunk.z_start";
constexpr const char* kYStart = "trunk.y_start";

// A field of the settings. One that is not always there is written only where it differs from its
// default, so that files from before it was known stay what they are.
template <class T>
struct Field {
  const char* key;
  T& (*of)(ModelSettings&);
  bool always;
};
#define MENDEL_FIELD(key, member, always) {"model." key, [](ModelSettings& s) -> auto& { return s.member; }, always}
constexpr Field<std::uint32_t> kNaturals[] = {
    MENDEL_FIELD("vocabulary", vocabulary, true), MENDEL_FIELD("width", width, true), MENDEL_FIELD("heads", heads, true),
    MENDEL_FIELD("high_cycles", high_cycles, true), MENDEL_FIELD("low_cycles", low_cycles, true),
    MENDEL_FIELD("supervision_steps", supervision_steps, true), MENDEL_FIELD("inner", inner, false),
    MENDEL_FIELD("embedding_rank", embedding_rank, false), MENDEL_FIELD("ctm.neurons", ctm.neurons, false),
    MENDEL_FIELD("ctm.memory", ctm.memory, false), MENDEL_FIELD("ctm.hidden", ctm.hidden, false), MENDEL_FIELD("ctm.depth", ctm.depth, false),
    MENDEL_FIELD("ctm.input", ctm.input, false), MENDEL_FIELD("ctm.heads", ctm.heads, false),
    MENDEL_FIELD("ctm.pairs_out", ctm.pairs_out, false), MENDEL_FIELD("ctm.pairs_action", ctm.pairs_action, false),
    MENDEL_FIELD("ctm.ticks", ctm.ticks, false)};
constexpr Field<std::string> kTexts[] = {
    MENDEL_FIELD("name", name, true), MENDEL_FIELD("encoder_layers", encoder_layers, true),
    MENDEL_FIELD("recursive_layers", recursive_layers, true), MENDEL_FIELD("ctm.pairing", ctm.pairing, false),
    MENDEL_FIELD("ctm.loss", ctm.loss, false)};
constexpr Field<double> kNumbers[] = {MENDEL_FIELD("ctm.certainty", ctm.certainty, false)};
#undef MENDEL_FIELD

Failure bad_field(const std::string& file, const std::string& key, const std::string& why) {
  return {Fault::corrupt, file + ": metadata field " + key + " " + why + "; the file is damaged or of another program"};
}

Expected<std::string> text_of(const Metadata& metadata, const std::string& key, const std::string& file) {
  const auto at = metadata.find(key);
  if (at == metadata.end()) return bad_field(file, key, "is missing");
  return at->second;
}

// The tensors that a checkpoint of these settings holds, without building the network.
std::string tensor_fault(const TensorFile& file, const ParameterSet& wanted, std::int64_t width) {
  const auto check = [&](const std::string& name, const std::vector<std::int64_t>& shape, bool may_be_short) -> std::string {
    const auto* entry = file.find(name);
    if (!entry) return "tensor " + name + " is missing";
    if (entry->type != kFull && !(may_be_short && entry->type == kShort))
      return "tensor " + name + " has dtype " + entry->type + ", wanted is F32" + (may_be_short ? " or BF16; convert it, or train again" : "");
    if (entry->shape != shape) return "tensor " + name + " has another shape than its settings say";
    return {};
  };
  for (std::size_t i = 0; i < wanted.all().size(); ++i)
    if (auto why = check(wanted[i].name, wanted.shape(i), true); !why.empty()) return why;
  for (const auto* name : {kZStart, kYStart})
    if (auto why = check(name, {width}, false); !why.empty()) return why;
  if (file.header().tensors.size() != wanted.all().size() + 2) return "holds tensors that no model of its settings has";
  return {};
}

Expected<Thresholds> thresholds_of(const Metadata& metadata, const std::string& file) {
  Thresholds out;
  const std::string prefix = kThresholdPrefix;
  for (const auto& [key, value] : metadata) {
    if (!key.starts_with(prefix)) continue;
    double share = 0;
    const auto* end = key.data() + key.size();
    if (const auto [at, error] = std::from_chars(key.data() + prefix.size(), end, share); error != std::errc{} || at != end || !(share >= 0 && share <= 1))
      return bad_field(file, key, "names no share of 0 to 1");
    const auto margin = number_of(metadata, key, file);
    if (!margin) return margin.failure();
    out[share] = *margin;
  }
  return out;
}

}  // namespace

Expected<std::uint64_t> natural_of(const Metadata& metadata, const std::string& key, const std::string& file) {
  const auto text = text_of(metadata, key, file);
  if (!text) return text.failure();
  std::uint64_t value = 0;
  const auto* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc{} || at != end) return bad_field(file, key, "is no natural number");
  return value;
}

Expected<double> number_of(const Metadata& metadata, const std::string& key, const std::string& file) {
  const auto text = text_of(metadata, key, file);
  if (!text) return text.failure();
  double value = 0;
  const auto* end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc{} || at != end || !std::isfinite(value)) return bad_field(file, key, "is no number");
  return value;
}

Expected<bool> read_vector(const TensorFile& file, const std::string& name, at::Tensor& to) {
  const auto here = to.is_cpu() ? to : at::empty(to.sizes());
  if (auto read = file.read(*file.find(name), here.data_ptr<float>()); !read) return read;
  if (!to.is_cpu()) to.copy_(here);
  return true;
}

Metadata settings_metadata(const ModelSettings& settings) {
  Metadata out;
  auto own = settings;
  ModelSettings usual;
  for (const auto& f : kNaturals)
    if (f.always || f.of(own) != f.of(usual)) out[f.key] = std::to_string(f.of(own));
  for (const auto& f : kTexts)
    if (f.always || f.of(own) != f.of(usual)) out[f.key] = f.of(own);
  for (const auto& f : kNumbers)
    if (f.always || f.of(own) != f.of(usual)) out[f.key] = json_number(f.of(own));
  return out;
}

Expected<ModelSettings> settings_of(const Metadata& metadata, const std::string& file) {
  ModelSettings out;
  const auto left_out = [&](const auto& f) { return !f.always && !metadata.contains(f.key); };
  for (const auto& f : kNaturals) {
    if (left_out(f)) continue;
    const auto value = natural_of(metadata, f.key, file);
    if (!value) return value.failure();
    if (*value > UINT32_MAX) return bad_field(file, f.key, "is out of range");
    f.of(out) = static_cast<std::uint32_t>(*value);
  }
  for (const auto& f : kTexts) {
    if (left_out(f)) continue;
    const auto value = text_of(metadata, f.key, file);
    if (!value) return value.failure();
    f.of(out) = *value;
  }
  for (const auto& f : kNumbers) {
    if (left_out(f)) continue;
    const auto value = number_of(metadata, f.key, file);
    if (!value) return value.failure();
    f.of(out) = *value;
  }
  if (const auto why = settings_fault(out); !why.empty()) return Failure{Fault::corrupt, file + ": metadata field model." + why};
  return out;
}

Expected<bool> write_checkpoint(const std::filesystem::path& path, const Network& network, const at::Tensor& flat, const Thresholds& thresholds,
                                const std::map<std::string, std::string>& facts, CheckpointType type) {
  auto metadata = settings_metadata(network.settings());
  metadata["format"] = kCheckpointFormat;
  for (const auto& [share, margin] : thresholds) {
    char key[48];
    std::snprintf(key, sizeof key, "%s%.6g", kThresholdPrefix, share);
    metadata[key] = json_number(margin);
  }
  for (const auto& [key, value] : facts) metadata[kFactPrefix + key] = value;
  std::vector<TensorBytes> tensors;
  const bool is_short = type == CheckpointType::bf16;
  const auto here = flat.to(at::kCPU, is_short ? at::kBFloat16 : at::kFloat), z = network.trunk().z_start().cpu(), y = network.trunk().y_start().cpu();
  const auto* values = static_cast<const char*>(here.data_ptr());
  for (const auto& p : network.parameters().all())
    tensors.push_back({p.name, is_short ? kShort : kFull, p.value.sizes().vec(), values + p.offset * static_cast<std::int64_t>(here.element_size())});
  tensors.push_back({kZStart, kFull, z.sizes().vec(), z.data_ptr<float>()});
  tensors.push_back({kYStart, kFull, y.sizes().vec(), y.data_ptr<float>()});
  return write_tensors(path, tensors, metadata);
}

Expected<Checkpoint> read_checkpoint(const std::filesystem::path& path, const Compute& compute) {
  auto file = TensorFile::open(path);
  if (!file) return file.failure();
  const auto& metadata = file->header().metadata;
  const auto format = metadata.find("format");
  if (format != metadata.end() && format->second == kEarlierFormat)
    return Failure{Fault::invalid, file->name() + ": its metadata field format is " + kEarlierFormat + ", whose thresholds mean another margin than those of " +
                                       kCheckpointFormat + "; train the model again"};
  if (format == metadata.end() || format->second != kCheckpointFormat)
    return Failure{Fault::invalid, file->name() + ": is no repair model (metadata field format is not " + kCheckpointFormat + "); give a checkpoint.safetensors that training wrote"};
  const auto settings = settings_of(metadata, file->name());
  if (!settings) return settings.failure();
  {
    ParameterSet wanted(at::kFloat, at::kFloat);
    declare_network(*settings, wanted);
    if (const auto why = tensor_fault(*file, wanted, settings->width); !why.empty()) return Failure{Fault::corrupt, file->name() + ": " + why};
  }
  if (auto whole = file->verify(); !whole) return whole.failure();
  Checkpoint out;
  auto thresholds = thresholds_of(metadata, file->name());
  if (!thresholds) return thresholds.failure();
  out.thresholds = *thresholds;
  const std::string prefix = kFactPrefix;
  for (const auto& [key, value] : metadata)
    if (key.starts_with(prefix)) out.facts[key.substr(prefix.size())] = value;
  const c10::NoGradGuard no_grad;
  out.network = std::make_unique<Network>(*settings, 0, compute);
  auto& network = *out.network;
  const auto weights = at::empty({network.parameters().count()});
  auto* values = weights.data_ptr<float>();
  for (const auto& p : network.parameters().all()) {
    const auto* entry = file->find(p.name);
    const auto held = entry->type == kShort ? at::empty({p.value.numel()}, at::kBFloat16) : at::Tensor();
    if (auto read = file->read(*entry, held.defined() ? held.data_ptr() : values + p.offset); !read) return read.failure();
    if (held.defined()) weights.narrow(0, p.offset, held.numel()).copy_(held);
  }
  for (const auto& [name, buffer] : {std::pair{kZStart, &network.trunk().z_start()}, std::pair{kYStart, &network.trunk().y_start()}})
    if (auto read = read_vector(*file, name, *buffer); !read) return read.failure();
  network.parameters().flat().copy_(weights);
  if (!weights.isfinite().all().item<bool>()) return Failure{Fault::corrupt, file->name() + ": holds weights that are no numbers"};
  network.refresh();
  return out;
}

}  // namespace mendel::model

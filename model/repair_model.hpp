// A trained model as its users see it: samples in, ranked edits out.
//
// A checkpoint is one safetensors file (weights averaged by EMA, everything else as metadata strings);
// format: README.md. Foreign, truncated or hostile files are refused by file, field and remedy before
// any memory is taken.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/devices.hpp"
#include "model/expected.hpp"
#include "model/sample.hpp"

namespace mendel::model {

// The Continuous Thought Machine between cells and head (ctm.hpp). No neurons: there is none.
struct CtmSettings {
  std::uint32_t neurons = 0;  // D
  std::uint32_t memory = 8;  // M: pre-activations that each neuron sees
  std::uint32_t hidden = 8;  // of each neuron's own model; 0: one linear layer instead of two
  std::uint32_t depth = 1;  // of the synapse; 1: one linear layer, more: a U-NET
  std::uint32_t input = 128;  // width of queries, keys and values
  std::uint32_t heads = 4;
  std::uint32_t pairs_out = 128, pairs_action = 128;  // synchronisation: pairs (random-pairing) or neurons (random, first-last)
  std::string pairing = "random-pairing";
  std::uint32_t ticks = 4;  // T
  std::string loss = "last-certain";  // ticks that are trained: last-certain, least-certain, mean, last
  double certainty = 0.95;  // a sample whose tick is this certain thinks no further; above 1: never
  bool operator==(const CtmSettings&) const = default;
};

// Of the weights in a checkpoint; what computes is float either way.
enum class CheckpointType { f32, bf16 };

// What decides the shape of a model; kept in its checkpoint.
struct ModelSettings {
  std::string name = "trm-demo";
  std::uint32_t vocabulary = 4096;
  std::uint32_t width = 128, heads = 4;
  std::string encoder_layers = "rf";  // applied once: r same row, f all cells, c same column
  std::string recursive_layers;  // the shared recursive net; empty: none
  std::uint32_t high_cycles = 0, low_cycles = 0;  // H x (L + 1) net calls; H = 0: the net runs once
  std::uint32_t supervision_steps = 1;  // at most so many; with more than one, a halting score decides
  std::uint32_t inner = 0;  // of SwiGLU; 0: 8/3 of the width, rounded up to a multiple of 32
  std::uint32_t embedding_rank = 0;  // of the token table, projected to and from the width; 0: a table of the width
  CtmSettings ctm;
  bool operator==(const ModelSettings&) const = default;
};

// One edit that the model believes in. Probabilities are natural logarithms.
struct Proposal {
  SpanEdit edit;
  double margin = 0;  // log P(NO_BUG) - log_probability: the smaller, the surer of this edit
  double log_probability = 0;  // of start, end and tokens together
  double bug_probability = 0;  // 1 - P(NO_BUG), the same for all proposals of a sample
  std::uint32_t steps = 1;  // supervision steps or ticks until the model had its answer
};

// What training measured on separate clean functions: share of them that would be edited -> largest
// margin at which to edit. Ascending shares, e.g. 0.01, 0.02, 0.05, 0.1, 0.2.
using Thresholds = std::map<double, double>;

// The largest margin at which at most `share` of the clean functions would be edited (margin <= threshold).
double threshold_at(std::vector<double> clean_margins, double share);

// A look at how a model thinks: the same question asked under other conditions.
struct Probe {
  // Of a CTM: its own synchronisation, that of the next sample in the batch, or none at all.
  enum class Synchronisation { own, another, none } synchronisation = Synchronisation::own;
  std::uint32_t steps = 0;  // exactly so many supervision steps or ticks; 0: until it halts
};

// Immutable after loading; `propose` is for one thread at a time. Deterministic on one machine.
class RepairModel {
 public:
  // `device`: of devices.hpp; a checkpoint is the same file whatever it was trained on.
  static Expected<std::unique_ptr<RepairModel>> load(const std::filesystem::path& checkpoint, const std::string& device = kAnyDevice);
  virtual ~RepairModel() = default;

  // For each sample its best proposals, likeliest first, at most `candidates` (>= 1). Samples longer
  // than was trained on are answered as well as may be; no cells, ids out of the vocabulary or rows and
  // columns of another length are invalid. Batches are made inside by `cells`.
  virtual Expected<std::vector<std::vector<Proposal>>> propose(std::span<const Sample> samples, std::uint32_t candidates) = 0;

  // The best proposal of each sample under the probe's conditions. invalid where the model has no part
  // that the probe is about.
  virtual Expected<std::vector<Proposal>> probe(std::span<const Sample> samples, const Probe& probe);

  virtual const ModelSettings& settings() const = 0;
  virtual const Thresholds& thresholds() const = 0;
  // The margin at which `false_alarms` of the clean functions would be edited; between known shares the
  // next lower one (stricter) counts.
  double threshold(double false_alarms) const;
  // Free facts of the one who trained: vocabulary_hash, merges, dataset_digest, build …
  virtual const std::map<std::string, std::string>& facts() const = 0;
  virtual std::uint64_t parameters() const = 0;
};

}  // namespace mendel::model

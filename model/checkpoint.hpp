// The two files of a run that hold numbers: the checkpoint that others use, and the state that a resume
// needs. Both are safetensors; formats in README.md.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "model/network.hpp"
#include "model/optimizer.hpp"
#include "model/repair_model.hpp"
#include "model/safetensors.hpp"

namespace mendel::model {

inline constexpr const char* kCheckpointFormat = "mendel-repair-2";
inline constexpr const char* kStateFormat = "mendel-run-1";

struct Checkpoint {
  std::unique_ptr<Network> network;
  Thresholds thresholds;
  std::map<std::string, std::string> facts;
};

// Writes `flat` (the averaged weights of `network`) under the parameters' names, as numbers of `type`.
Expected<bool> write_checkpoint(const std::filesystem::path& path, const Network& network, const at::Tensor& flat,
                                const Thresholds& thresholds, const std::map<std::string, std::string>& facts, CheckpointType type = CheckpointType::f32);

// Takes weights of either type. Refuses files whose metadata, names, types or shapes are not those of the model they say they are,
// before the network is built.
Expected<Checkpoint> read_checkpoint(const std::filesystem::path& path, const Compute& compute = cpu_compute());

// Settings as metadata strings "model.<field>", and back.
Metadata settings_metadata(const ModelSettings& settings);
Expected<ModelSettings> settings_of(const Metadata& metadata, const std::string& file);

// Fills a float vector, wherever it is, with a tensor of the file that has its type and size.
Expected<bool> read_vector(const TensorFile& file, const std::string& name, at::Tensor& to);

// A number of the metadata; `invalid` names the field.
Expected<std::uint64_t> natural_of(const Metadata& metadata, const std::string& key, const std::string& file);
Expected<double> number_of(const Metadata& metadata, const std::string& key, const std::string& file);

}  // namespace mendel::model

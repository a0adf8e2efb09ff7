// The effective configuration: defaults of proto/config.proto < file < environment < --set, with the
// origin of every value. Works by reflection: a new field of the message needs no code here.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::cli {

struct ConfigurationSources {
  std::string file;  // empty: none
  std::vector<std::string> environment;  // NAME=value; only MENDEL_… names are looked at
  std::vector<std::string> settings;  // key.path=value
};

struct Configuration {
  Config message;  // every section present
  std::map<std::string, std::string> origins;  // key path → "default", "FILE:LINE", "MENDEL_…", "--set"
  std::vector<std::string> warnings;  // unknown MENDEL_… variables
};

// Errors name file and line (or variable, or --set), the key, what is allowed and the nearest key.
Result<Configuration> load_configuration(const ConfigurationSources& sources);

// One leaf of the configuration, in the order of the definition.
struct ConfigurationKey {
  std::string path;  // train.minutes
  std::string type;  // integer, number, boolean, string, list of strings
  std::string help;
  std::string allowed;  // "0.01 to 100000", "a|b", empty
  std::string value;  // as TOML
};
std::vector<ConfigurationKey> configuration_keys(const Config& config);

// The closest of `known` by edit distance, empty if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace mendel::cli

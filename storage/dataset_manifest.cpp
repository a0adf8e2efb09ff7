// The manifest to JSON and back. Reading takes nothing on trust: a path must stay inside the folder.
#include "storage/dataset_manifest.hpp"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace mendel::storage {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::vector<ManifestFile>& files, bool with_rows) {
  auto out = Json::array();
  for (const auto& file : files) {
    Json entry = {{"path", file.path}, {"bytes", file.bytes}, {"xxh3_128", file.checksum}};
    if (with_rows) entry["rows"] = file.rows;
    out.push_back(std::move(entry));
  }
  return out;
}

Json json_of(const SplitCounts& counts) {
  return {{"rows", counts.rows},         {"by_class", counts.by_class}, {"by_type", counts.by_type},
          {"by_source", counts.by_source}, {"by_level", counts.by_level}, {"by_license", counts.by_license}};
}

std::vector<ManifestFile> files_from(const Json& json) {
  std::vector<ManifestFile> out;
  for (const auto& entry : json) {
    ManifestFile file{entry.at("path").get<std::string>(), entry.at("bytes").get<std::uint64_t>(),
                      entry.value("rows", std::uint64_t{0}), entry.at("xxh3_128").get<std::string>()};
    // A manifest from elsewhere must not lead out of its folder.
    if (file.path.empty() || file.path.front() == '/' || file.path.find("..") != std::string::npos)
      throw std::invalid_argument("\"" + file.path + "\" is outside the dataset");
    out.push_back(std::move(file));
  }
  return out;
}

}  // namespace

void SplitCounts::add(const Row& row) {
  ++rows;
  ++by_class[row.bug_class()];
  ++by_type[row.bug_type()];
  ++by_source[row.source()];
  ++by_level[std::to_string(row.level())];
  ++by_license[row.license().empty() ? "unknown" : row.license()];
}

Result<std::string> Manifest::write(const Manifest& manifest, const ManifestFacts& facts) {
  const auto configuration = facts.configuration_json.empty() ? Json::object() : Json::parse(facts.configuration_json, nullptr, false);
  if (!configuration.is_object()) return Error{ErrorCode::invalid_input, "the configuration for the manifest is no JSON object"};
  Json out = {{"schema_version", kDatasetSchemaVersion}, {"digest", manifest.digest}, {"seed", manifest.seed}};
  out["grid"] = {{"rows", 64}, {"columns", 48}, {"dtype", "int16"}};
  out["tokenizer"] = {{"hash", facts.tokenizer_hash}, {"vocabulary", facts.vocabulary}};
  out["configuration_hash"] = facts.configuration_hash;
  out["configuration"] = configuration;
  out["tool_versions"] = facts.tool_versions;
  std::uint64_t rows = 0;
  for (const auto& counts : manifest.counts) rows += counts.rows;
  out["rows"] = rows;
  for (int s = 0; s < kSplitCount; ++s) {
    Json split = json_of(manifest.counts[s]);
    split["shards"] = json_of(manifest.shards[s], true);
    out["splits"][name_of(static_cast<SplitName>(s))] = std::move(split);
  }
  out["rejected_by_reason"] = facts.rejected_by_reason;
  out["funnel"] = facts.funnel;
  out["files"] = json_of(manifest.other_files, false);
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Manifest> Manifest::read(const std::filesystem::path& folder) {
  const auto path = folder / kManifestFile;
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ErrorCode::not_found, folder.string() + ": no dataset there (no " + kManifestFile + ")"};
  Manifest out;
  out.text.assign(std::istreambuf_iterator<char>(file), {});
  try {
    const auto json = Json::parse(out.text);
    const int version = json.at("schema_version").get<int>();
    if (version != kDatasetSchemaVersion)
      return Error{ErrorCode::corrupt, path.string() + ": schema version " + std::to_string(version) + ", this program reads " + std::to_string(kDatasetSchemaVersion)};
    out.digest = json.at("digest").get<std::string>();
    out.seed = json.at("seed").get<std::uint64_t>();
    out.vocabulary = json.at("tokenizer").at("vocabulary").get<std::uint32_t>();
    for (int s = 0; s < kSplitCount; ++s) {
      const auto& split = json.at("splits").at(name_of(static_cast<SplitName>(s)));
      out.counts[s] = {split.at("rows"), split.at("by_class"), split.at("by_type"), split.at("by_source"), split.at("by_level"), split.at("by_license")};
      out.shards[s] = files_from(split.at("shards"));
    }
    out.other_files = files_from(json.at("files"));
  } catch (const std::exception& error) {
    return Error{ErrorCode::corrupt, path.string() + ": " + error.what()};
  }
  return out;
}

}  // namespace mendel::storage

// Configuration files and what stands behind --set.
#include "actors/cli/configuration.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace mendel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Scratch scratch;
  const auto text = fuzz::text_of(data, size);
  cli::ConfigurationSources sources;
  sources.file = scratch.write("plant.toml", text).string();
  if (const auto loaded = cli::load_configuration(sources); !loaded) fuzz::claim(loaded.error().what.find("plant.toml") != std::string::npos, "an error names the file");
  sources.file.clear();
  sources.settings = {std::string(text)};
  sources.environment = {"MENDEL_" + std::string(text.substr(0, text.find('\0')))};
  (void)cli::load_configuration(sources);
  return 0;
}

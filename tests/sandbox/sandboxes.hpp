// Real sandboxes for the tests: probed once; where there is none the tests say so and pass over.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "actors/sandbox/judge.hpp"
#include "actors/sandbox/probe.hpp"
#include "actors/sandbox/runner.hpp"

namespace mendel::sandbox::samples {

struct Sandboxes {
  Settings settings;
  std::unique_ptr<Runner> single, server;
  std::string missing;  // why there is none
};

inline Sandboxes& sandboxes() {
  static Sandboxes made = [] {
    Sandboxes out;
    mendel::Sandbox config;
    for (const char* folder : {MENDEL_SITE_PACKAGES, "/usr/lib/python3/dist-packages"})
      if (config.packages().empty() && std::filesystem::exists(std::string(folder) + "/pytest")) config.add_packages(folder);
    const auto probed = probe(config);
    if (!probed) {
      out.missing = probed.error().what;
      return out;
    }
    out.settings = *settings_from(config);
    out.settings.limits.cpu_s = 2;
    out.settings.limits.wall_ms = 20000;
    out.single = one_shot(out.settings);
    out.server = *fork_server(out.settings);
    return out;
  }();
  return made;
}

inline RunResult ran(Runner& runner, std::string_view kind, std::string_view code, std::string_view subject = "", Limits limits = sandboxes().settings.limits) {
  auto result = runner.run({kind, code, subject, limits});
  REQUIRE_MESSAGE(result, (result ? std::string() : result.error().what));
  return *std::move(result);
}

}  // namespace mendel::sandbox::samples

// Opens a test that needs a sandbox: without one it is passed over with the reason.
#define NEEDS_SANDBOX()                                                                    \
  if (!mendel::sandbox::samples::sandboxes().missing.empty()) {                            \
    MESSAGE("skipped: " << mendel::sandbox::samples::sandboxes().missing);                 \
    return;                                                                                \
  }

// The models beside their authors' numbers, and that the comparison can fail (tests/golden/README.md).
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "model/parity.hpp"
#include "model/safetensors.hpp"
#include "samples.hpp"

using namespace mendel::model;

namespace {

const std::filesystem::path kGolden = MENDEL_GOLDEN;

// A reference file with one tensor's bytes changed by `change`, alone in a folder.
template <class T, class Change>
void copy_changed(const std::filesystem::path& from, const std::filesystem::path& to, const std::string& tensor, Change change) {
  const auto file = TensorFile::open(from);
  REQUIRE(file);
  std::vector<std::vector<char>> bytes;
  std::vector<TensorBytes> tensors;
  for (const auto& entry : file->header().tensors) {
    bytes.emplace_back(entry.end - entry.begin);
    REQUIRE(file->read(entry, bytes.back().data()));
    if (entry.name == tensor) change(reinterpret_cast<T*>(bytes.back().data()));
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto& entry = file->header().tensors[i];
    tensors.push_back({entry.name, entry.type, entry.shape, bytes[i].data()});
  }
  REQUIRE(write_tensors(to, tensors, file->header().metadata));
}

void check_all_met(const std::filesystem::path& folder, std::size_t groups_least) {
  const auto groups = check_parity(folder);
  REQUIRE_MESSAGE(groups, groups.failure().what);
  CHECK(groups->size() >= groups_least);
  for (const auto& g : *groups) {
    CAPTURE(g.file);
    CAPTURE(g.group);
    CAPTURE(g.worst);
    CAPTURE(g.error);
    CHECK(g.tensors > 0);
    CHECK(g.met());
  }
}

std::string missed(const std::filesystem::path& folder) {
  const auto groups = check_parity(folder);
  REQUIRE(groups);
  std::string out;
  for (const auto& g : *groups)
    if (!g.met()) out += g.group + ":" + g.worst + " ";
  return out;
}

}  // namespace

TEST_CASE("TRM is its authors': block, step, carried steps, losses, gradients, training, optimizer, average") { check_all_met(kGolden / "trm", 16); }

TEST_CASE("CTM is its authors': ticks, accumulators, certainty, chosen ticks, losses, gradients, in every wiring") { check_all_met(kGolden / "ctm", 100); }

TEST_CASE("a reference that differs a little past the gate is missed by name, and one below the gate is not") {
  const TestFolder folder("parity");
  const auto from = kGolden / "ctm" / "ctm_d1_random-pairing.f64.safetensors", to = folder.path / "x.safetensors";
  copy_changed<double>(from, to, "tick.post", [](double* x) { x[40] += 1e-6; });
  CHECK(missed(folder.path) == "ticks:tick.post ");
  copy_changed<double>(from, to, "tick.post", [](double* x) { x[40] += 1e-12; });
  CHECK(missed(folder.path).empty());
  copy_changed<double>(from, to, "tick.pre", [](double* x) { x[40] = std::nan(""); });
  CHECK(missed(folder.path) == "ticks:tick.pre ");
  // A weight changes everything that follows from it.
  copy_changed<double>(from, to, "w.decay.out", [](double* x) { x[3] += 0.1; });
  CHECK(missed(folder.path).find("gradients") != std::string::npos);
}

TEST_CASE("a reference file of another program, without a tensor or without a setting is refused by name") {
  const TestFolder folder("parity-bad");
  CHECK(check_parity(folder.path).failure().fault == Fault::not_found);
  const float one = 1;
  const auto path = folder.path / "x.safetensors";
  REQUIRE(write_tensors(path, {{"a", "F32", {1}, &one}}, {{"upstream", "somebody/else"}}));
  CHECK(check_parity(folder.path).failure().what.find("upstream is \"somebody/else\"") != std::string::npos);
  REQUIRE(write_tensors(path, {{"a", "F32", {1}, &one}}, {{"upstream", "SakanaAI/continuous-thought-machines"}, {"dtype", "f32"}}));
  CHECK(check_parity(folder.path).failure().what.find("metadata field nlm_layernorm is missing") != std::string::npos);
  std::ofstream(path, std::ios::trunc) << "no tensors";
  CHECK_FALSE(check_parity(folder.path));
}

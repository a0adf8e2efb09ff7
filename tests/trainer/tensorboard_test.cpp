// TensorBoard's event files: checksums, records, and what a second run begins with.
#include "actors/trainer/tensorboard.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>

using namespace mendel::trainer;

namespace {

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("mendel-tensorboard-" + std::to_string(::getpid()));
  Folder() { std::filesystem::remove_all(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

// The data of each record; empty if a length or a checksum is wrong.
std::vector<std::string> records(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t length = 0;
    std::uint32_t head = 0, tail = 0;
    std::memcpy(&length, bytes.data() + at, 8);
    std::memcpy(&head, bytes.data() + at + 8, 4);
    if (at + 16 + length > bytes.size() || head != masked_crc32c(bytes.substr(at, 8))) return {};
    out.push_back(bytes.substr(at + 12, length));
    std::memcpy(&tail, bytes.data() + at + 12 + length, 4);
    if (tail != masked_crc32c(out.back())) return {};
    at += 16 + length;
  }
  return out;
}

}  // namespace

TEST_CASE("the checksum is CRC-32C's of the published examples") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(crc32c("") == 0u);
}

TEST_CASE("an event file is records of a version, a start and scalars") {
  const Folder folder;
  auto writer = EventWriter::open(folder.path, 0, 1000);
  REQUIRE(writer);
  REQUIRE(writer->write(300, 1001, std::vector<Scalar>{{"loss/all", 2.5}, {"broken", NAN}, {"rate", 0.125}}));
  const auto found = records(writer->path());
  REQUIRE(found.size() == 3);
  CHECK(found[0].find("brain.Event:2") != std::string::npos);
  CHECK(found[1].substr(found[1].size() - 4) == std::string("\x3a\x02\x08\x01", 4));  // session_log { status: START }
  // wall_time 1001.0, step 300, summary { value { tag "loss/all" simple_value 2.5 } value { tag "rate" … } }
  const std::string value = std::string("\x0a\x0f\x0a\x08loss/all\x15", 13) + std::string("\x00\x00\x20\x40", 4);
  CHECK(found[2].substr(9, 3) == std::string("\x10\xac\x02", 3));
  CHECK(found[2].find(value) != std::string::npos);
  CHECK(found[2].find("rate") != std::string::npos);
  CHECK(found[2].find("broken") == std::string::npos);
}

TEST_CASE("a second run in the same second has a file of its own that starts at its step") {
  const Folder folder;
  const auto first = EventWriter::open(folder.path, 0, 1000), second = EventWriter::open(folder.path, 5, 1000);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->path() != second->path());
  const auto found = records(second->path());
  REQUIRE(found.size() == 2);
  CHECK(found[1].substr(9, 2) == std::string("\x10\x05", 2));
}

TEST_CASE("a folder that cannot be is an error by name") {
  const Folder folder;
  std::filesystem::create_directories(folder.path);
  std::ofstream(folder.path / "file") << "x";
  CHECK(EventWriter::open(folder.path / "file" / "below", 0, 1).error().what.find("file") != std::string::npos);
}

TEST_CASE("histograms, pictures and texts are values of their own kinds") {
  const Folder folder;
  auto writer = EventWriter::open(folder.path, 0, 1000);
  REQUIRE(writer);
  const std::vector<double> values = {0, 0.5, 1, NAN}, none = {NAN};
  REQUIRE(writer->write(1, 1001, std::vector<Histogram>{{"certainty", values}, {"empty", none}}));
  REQUIRE(writer->write(2, 1002, std::vector<Picture>{{"grid", 3, 2, "png-bytes"}}));
  REQUIRE(writer->write(3, 1003, std::vector<Text>{{"words", "**bold**"}}));
  const auto found = records(writer->path());
  REQUIRE(found.size() == 5);
  CHECK(found[2].find("certainty") != std::string::npos);
  CHECK(found[2].find("empty") == std::string::npos);
  // histo: min 0, max 1, three values
  CHECK(found[2].find(std::string("\x09\x00\x00\x00\x00\x00\x00\x00\x00\x11\x00\x00\x00\x00\x00\x00\xf0\x3f\x19\x00\x00\x00\x00\x00\x00\x08\x40", 27)) != std::string::npos);
  // image: height 2, width 3, RGB, the bytes
  CHECK(found[3].find(std::string("\x08\x02\x10\x03\x18\x03\x22\x09png-bytes")) != std::string::npos);
  CHECK(found[4].find("**bold**") != std::string::npos);
  CHECK(found[4].find(std::string("\x0a\x04text")) != std::string::npos);
}

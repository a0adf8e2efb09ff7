// Our safetensors reader against honest and hostile files.
#include <doctest/doctest.h>

#include <cstring>
#include <fstream>

#include "model/safetensors.hpp"
#include "samples.hpp"

using namespace mendel::model;

namespace {

const std::string kGood = R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"I16","shape":[],"data_offsets":[8,10]}})";

std::string file_of(const std::string& header, std::size_t data_bytes) {
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(header.size() >> (8 * i));
  return out + header + std::string(data_bytes, 'x');
}

std::filesystem::path put(const TestFolder& folder, const std::string& bytes) {
  const auto path = folder.path / "file.safetensors";
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

// The refusal of a file with that header over 10 bytes of data.
std::string refusal(const std::string& header, std::size_t data_bytes = 10) {
  const TestFolder folder("hostile");
  const auto opened = TensorFile::open(put(folder, file_of(header, data_bytes)));
  REQUIRE_FALSE(opened);
  CHECK(opened.failure().fault == Fault::corrupt);
  CHECK(opened.failure().what.find("file.safetensors: ") != std::string::npos);
  return opened.failure().what;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("what is written is read back, metadata with quotes and newlines too") {
  const TestFolder folder("round-trip");
  const float values[] = {1, 2, 3, 4, 5, 6};
  const std::int64_t wide[] = {-1};
  const Metadata metadata{{"quote\"", "line\nbreak\\ \x01 ü"}, {"empty", ""}};
  const auto path = folder.path / "t.safetensors";
  REQUIRE(write_tensors(path, {{"m", "F32", {2, 3}, values}, {"none", "F32", {0, 3}, nullptr}, {"s", "I64", {1}, wide}}, metadata));
  const auto file = TensorFile::open(path);
  REQUIRE(file);
  CHECK(file->header().metadata == metadata);
  REQUIRE(file->header().tensors.size() == 3);
  CHECK(file->header().data_begin % 8 == 0);
  float read[6];
  REQUIRE(file->read(*file->find("m"), read));
  CHECK(std::memcmp(read, values, sizeof values) == 0);
  CHECK(file->find("s")->shape == std::vector<std::int64_t>{1});
  CHECK(file->find("absent") == nullptr);
  CHECK_FALSE(std::filesystem::exists(folder.path / "t.safetensors.new"));
}

TEST_CASE("one bit that flipped in a tensor or in the metadata is seen, and a file without a checksum is taken as it is") {
  TestFolder folder("flipped");
  const auto path = folder.path / "t.safetensors";
  const float values[] = {1, 2, 3, 4, 5, 6};
  REQUIRE(write_tensors(path, {{"m", "F32", {2, 3}, values}}, {{"key", "value"}}));
  std::ifstream in(path, std::ios::binary);
  const std::string sound{std::istreambuf_iterator<char>(in), {}};
  REQUIRE(TensorFile::open(path)->verify());
  const auto spoilt = [&](std::size_t at, char mask) {
    auto bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ mask);
    const auto file = TensorFile::open(put(folder, bytes));
    REQUIRE(file);
    const auto verified = file->verify();
    REQUIRE_FALSE(verified);
    CHECK(verified.failure().fault == Fault::corrupt);
    CHECK(verified.failure().what.find("checksum") != std::string::npos);
  };
  for (std::size_t i = 1; i <= sizeof values; ++i)
    for (int bit = 0; bit < 8; ++bit) spoilt(sound.size() - i, static_cast<char>(1 << bit));
  spoilt(sound.find("value"), 1);
  const auto foreign = TensorFile::open(put(folder, file_of(kGood, 10)));
  REQUIRE_MESSAGE(foreign, foreign.failure().what);
  CHECK(foreign->verify());
}

TEST_CASE("the same tensors give the same bytes") {
  const TestFolder folder("same");
  const float value = 1;
  std::string texts[2];
  for (auto& text : texts) {
    const auto path = folder.path / "t";
    REQUIRE(write_tensors(path, {{"m", "F32", {1}, &value}}, {{"a", "b"}}));
    std::ifstream in(path, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  CHECK(texts[0] == texts[1]);
}

TEST_CASE("a good header is accepted, a scalar and unsorted tensors included") {
  CHECK(parse_tensor_header(kGood, 8 + kGood.size() + 10, "f"));
  const std::string unsorted = R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[8,10]},"a":{"shape":[2],"data_offsets":[0,8],"dtype":"F32"}}  )";
  const auto header = parse_tensor_header(unsorted, 8 + unsorted.size() + 10, "f");
  REQUIRE(header);
  CHECK(header->tensors[0].name == "a");
}

TEST_CASE("a header length beyond the file or beyond the limit takes no memory") {
  const TestFolder folder("length");
  for (const std::uint64_t length : {std::uint64_t{1} << 62, ~std::uint64_t{0}, std::uint64_t{1000}}) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    const auto opened = TensorFile::open(put(folder, bytes + kGood));
    REQUIRE_FALSE(opened);
    CHECK(says(opened.failure().what, "the header's length is " + std::to_string(length)));
  }
}

TEST_CASE("a truncated file is refused at every length") {
  const TestFolder folder("truncated");
  const auto whole = file_of(kGood, 10);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto opened = TensorFile::open(put(folder, whole.substr(0, n)));
    REQUIRE_FALSE(opened);
    CHECK(opened.failure().fault == Fault::corrupt);
  }
  CHECK(TensorFile::open(put(folder, whole)));
}

TEST_CASE("tensors that overlap, leave a hole, or do not fill the file are refused by name") {
  CHECK(says(refusal(with(kGood, "[8,10]", "[7,9]"), 9), "tensor b: overlaps"));
  CHECK(says(refusal(with(kGood, "[8,10]", "[9,11]"), 11), "tensor b: a hole of 1 bytes"));
  CHECK(says(refusal(kGood, 11), "1 bytes after the last tensor"));
  CHECK(says(refusal(kGood, 9), "tensor b: data_offsets reach to byte 10 of 9"));
  CHECK(says(refusal(with(kGood, "[0,8]", "[8,0]")), "tensor a: data_offsets"));
}

TEST_CASE("shapes that do not fit their bytes, overflow or have too many dimensions are refused by name") {
  CHECK(says(refusal(with(kGood, "[2]", "[3]")), "tensor a: data_offsets hold 8 bytes, its shape needs 12"));
  CHECK(says(refusal(with(kGood, "[2]", "[4294967296,4294967296]")), "tensor a: shape overflows"));
  CHECK(says(refusal(with(kGood, "[2]", "[9223372036854775807,2]")), "tensor a: shape overflows"));
  CHECK(says(refusal(with(kGood, "[2]", "[9223372036854775808]")), "2^63"));
  CHECK(says(refusal(with(kGood, "[2]", "[1,1,1,1,1,1,1,1,2]")), "more than 8 numbers"));
  CHECK(says(refusal(with(kGood, "[2]", "[-2]")), "no natural number"));
  CHECK(says(refusal(with(kGood, "[2]", "[2.0]")), "missing"));
}

TEST_CASE("unknown types and fields, missing fields and names that come twice are refused") {
  CHECK(says(refusal(with(kGood, "F32", "F31")), "tensor a: dtype \"F31\" is unknown"));
  CHECK(says(refusal(with(kGood, "\"b\":{", "\"a\":{")), "tensor a twice"));
  CHECK(says(refusal(with(kGood, "\"shape\":[2],", "")), "missing in tensor a"));
  CHECK(says(refusal(with(kGood, "\"shape\":[2]", "\"shape\":[2],\"shape\":[2]")), "field shape twice"));
  CHECK(says(refusal(with(kGood, "\"shape\":[2]", "\"shape\":[2],\"extra\":1")), "unknown field extra"));
  CHECK(says(refusal(with(kGood, "\"k\":\"v\"", "\"k\":\"v\",\"k\":\"w\"")), "metadata key twice"));
  CHECK(says(refusal(with(kGood, "\"v\"", "7")), "'\"' is missing"));
}

TEST_CASE("text that is no JSON is refused, however it ends") {
  for (const std::string bad : {"", "[]", "{", "{}x", "nul", "{\"a\":", "{\"a\\u12", "{\"\\ud800\":1}", "{\"a\x01\":1}"}) {
    CAPTURE(bad);
    const auto header = parse_tensor_header(bad, 8 + bad.size(), "f");
    REQUIRE_FALSE(header);
    CHECK(header.failure().fault == Fault::corrupt);
  }
  const std::string deep(100000, '[');
  CHECK_FALSE(parse_tensor_header(deep, 8 + deep.size(), "f"));
}

TEST_CASE("a pickle, a zip archive, a folder and an absent file are told apart") {
  const TestFolder folder("other");
  auto opened = TensorFile::open(put(folder, std::string("\x80\x04\x95", 3) + std::string(40, '.')));
  REQUIRE_FALSE(opened);
  CHECK(says(opened.failure().what, "pickle"));
  auto zip = TensorFile::open(put(folder, "PK\x03\x04" + std::string(40, '.')));
  REQUIRE_FALSE(zip);
  CHECK(says(zip.failure().what, "zip"));
  auto directory = TensorFile::open(folder.path);
  REQUIRE_FALSE(directory);
  CHECK(directory.failure().fault == Fault::invalid);
  auto absent = TensorFile::open(folder.path / "absent");
  REQUIRE_FALSE(absent);
  CHECK(absent.failure().fault == Fault::not_found);
}

TEST_CASE("a header of any length is accepted, also where the length looks like a pickle's first bytes") {
  const TestFolder folder("lengths");
  for (const std::size_t length : {0x180, 0x280, 0x380, 0x480, 0x580, 0x4b50}) {
    auto header = kGood;
    header.resize(length, ' ');
    CHECK(TensorFile::open(put(folder, file_of(header, 10))));
  }
}

TEST_CASE("a file that cannot be written leaves the old one") {
  const TestFolder folder("unwritable");
  const float value = 1;
  const auto written = write_tensors(folder.path / "absent" / "t", {{"m", "F32", {1}, &value}}, {});
  REQUIRE_FALSE(written);
  CHECK(written.failure().fault == Fault::io);
  CHECK(write_tensors(folder.path / "t", {{"m", "F31", {1}, &value}}, {}).failure().fault == Fault::invalid);
}

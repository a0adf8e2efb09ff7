// Hugging Face's files written and read; damaged ones refused by file and field.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/encoder/texts.hpp"

using namespace mendel;
using namespace mendel::encoder;
namespace fs = std::filesystem;

namespace {

// A folder of its own that goes away with the test.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("mendel-tokenizer-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a saved tokenizer loads as it was") {
  const Folder folder;
  const Tokenizer tokenizer = sample_tokenizer();
  REQUIRE(tokenizer.save(folder.path / "deep" / "vocabulary"));
  const auto loaded = Tokenizer::load(folder.path / "deep" / "vocabulary");
  REQUIRE(loaded);
  CHECK(loaded->hash() == tokenizer.hash());
  CHECK(loaded->merges() == tokenizer.merges());
  CHECK(std::ranges::equal(loaded->frequencies(), tokenizer.frequencies()));
  for (const auto& text : sample_texts()) {
    std::vector<TokenId> before, after;
    tokenizer.encode(text, before);
    loaded->encode(text, after);
    CHECK(before == after);
  }
}

TEST_CASE("saving the same tokenizer twice gives the same bytes and leaves nothing else behind") {
  const Folder folder;
  const Tokenizer tokenizer = sample_tokenizer();
  REQUIRE(tokenizer.save(folder.path / "a"));
  REQUIRE(tokenizer.save(folder.path / "b"));
  REQUIRE(tokenizer.save(folder.path / "b"));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path / "b")) {
    CHECK(read(entry.path()) == read(folder.path / "a" / entry.path().filename()));
    ++files;
  }
  CHECK(files == 4);
}

TEST_CASE("merges.txt alone gives the same tokenizer") {
  const Tokenizer tokenizer = sample_tokenizer();
  const auto again = Tokenizer::from_merges(tokenizer.merges());
  REQUIRE(again);
  CHECK(again->hash() == tokenizer.hash());
  CHECK(again->size() == tokenizer.size());
}

TEST_CASE("damaged merges are refused and the line is named") {
  const auto refuse = [](std::string_view merges, std::string_view says) {
    const auto read = Tokenizer::from_merges(merges);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::corrupt);
    CHECK_MESSAGE(read.error().what.find(says) != std::string::npos, read.error().what);
  };
  refuse("", "line 1");
  refuse("a b\n", "line 1");
  refuse("#version: 0.2\nab\n", "line 2");
  refuse("#version: 0.2\na b\nab zz\n", "line 3: merge 1 uses a token");
  refuse("#version: 0.2\na b\na b\n", "exists already");
  refuse("#version: 0.2\na \n", "line 2");
  refuse("#version: 0.2\n<pad> a\n", "line 2");
  refuse("#version: 0.2\na b c\n", "line 2");
  refuse("#version: 0.2\na \x01\n", "line 2");
  refuse("#version: 0.2\na b", "truncated");
  std::string doubling = "#version: 0.2\n";
  for (std::string token = "a"; token.size() <= 1024; token += token) doubling += token + " " + token + "\n";
  refuse(doubling, "longer than 1024 bytes");
}

TEST_CASE("too many merges are refused") {
  std::string merges = "#version: 0.2\n";
  const auto add = [&](char first, char last) {
    for (char a = first; a <= last; ++a)
      for (char b = 'a'; b <= 'z'; ++b)
        for (char c = 'a'; c <= 'z'; ++c) merges += std::string{a} + " " + b + c + "\n";
  };
  for (char a = 'a'; a <= 'z'; ++a)
    for (char b = 'a'; b <= 'z'; ++b) merges += std::string{a} + " " + b + "\n";
  add('a', 'z');
  REQUIRE(Tokenizer::from_merges(merges));
  add('A', 'Z');
  const auto read = Tokenizer::from_merges(merges);
  REQUIRE_FALSE(read);
  CHECK(read.error().what.find("more than 32442 merges") != std::string::npos);
}

TEST_CASE("a damaged tokenizer.json is refused and file and field are named") {
  const Folder folder;
  const fs::path path = folder.path / "tokenizer.json";
  REQUIRE(sample_tokenizer().save(folder.path));
  const std::string good = read(path);
  const auto refuse = [&](std::string_view text, std::string_view says) {
    write(path, text);
    const auto loaded = Tokenizer::load(folder.path);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == ErrorCode::corrupt);
    CHECK(loaded.error().what.find(path.string()) != std::string::npos);
    CHECK_MESSAGE(loaded.error().what.find(says) != std::string::npos, loaded.error().what);
  };
  for (const double share : {0.0, 0.01, 0.3, 0.7, 0.999})
    refuse(std::string_view(good).substr(0, static_cast<std::size_t>(share * static_cast<double>(good.size()))), "not JSON");
  refuse("[]", "pre_tokenizer");
  refuse("{}", "pre_tokenizer");
  refuse(std::string(100000, '['), "not JSON");
  refuse(replaced(good, "[A-Za-z_]", "[A-Za-z]"), "pre_tokenizer");
  refuse(replaced(good, "\"merges\"", "\"margins\""), "model.merges");
  refuse(replaced(good, "\"vocab\"", "\"words\""), "model.vocab");
  refuse(replaced(good, "\"<eos>\": 1", "\"<eos>\": 2"), "model.vocab");
  refuse(replaced(good, "\"<eos>\": 1", "\"<eos>\": \"1\""), "model.vocab");
  refuse(replaced(good, "\"<eos>\": 1,", ""), "model.vocab");
  write(path, good);
  CHECK(Tokenizer::load(folder.path));
}

TEST_CASE("flipped bytes in tokenizer.json never crash the reader nor change the ids") {
  const Folder folder;
  const fs::path path = folder.path / "tokenizer.json";
  const Tokenizer tokenizer = sample_tokenizer(340);
  REQUIRE(tokenizer.save(folder.path));
  const std::string good = read(path);
  Random random(29);
  for (int round = 0; round < 300; ++round) {
    std::string damaged = good;
    damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    write(path, damaged);
    if (const auto loaded = Tokenizer::load(folder.path)) CHECK(loaded->hash() == tokenizer.hash());
  }
}

TEST_CASE("a missing folder, a folder in the file's place and a dangling link are named") {
  const Folder folder;
  CHECK(Tokenizer::load(folder.path / "nowhere").error().code == ErrorCode::not_found);
  fs::create_directories(folder.path / "tokenizer.json");
  CHECK(Tokenizer::load(folder.path).error().code == ErrorCode::invalid_input);
  fs::remove(folder.path / "tokenizer.json");
  fs::create_symlink("gone", folder.path / "tokenizer.json");
  CHECK(Tokenizer::load(folder.path).error().code == ErrorCode::not_found);
}

TEST_CASE("counts that do not match the vocabulary are refused") {
  const Folder folder;
  REQUIRE(sample_tokenizer().save(folder.path));
  write(folder.path / "token_frequencies.json", "{\"<pad>\": 0}");
  const auto loaded = Tokenizer::load(folder.path);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().what.find("token_frequencies.json") != std::string::npos);
}

TEST_CASE("saving where nothing can be written is an error") {
  const Folder folder;
  write(folder.path / "file", "x");
  const auto saved = sample_tokenizer().save(folder.path / "file" / "below");
  REQUIRE_FALSE(saved);
  CHECK(saved.error().code == ErrorCode::io_error);
}

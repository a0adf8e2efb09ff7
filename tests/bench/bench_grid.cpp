// Encodes pairs and grids for bench_grid.py, which runs numpy on the same tokens.
//
// bench_grid TEXTS FOLDER: TEXTS are functions that end in NUL each. Prints CPU seconds as JSON; FOLDER
// receives tokens.bin (int16 cells of all functions that fit), lengths.bin (uint32, cells of each) and
// grids.bin (the same as grids).
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "actors/encoder/grid.hpp"

namespace {

using namespace mendel::encoder;

double cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::vector<std::string> read_texts(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> texts;
  for (std::string text; std::getline(in, text, '\0');) texts.push_back(text);
  return texts;
}

// The text with one character dropped near its middle: a bug of one token.
std::string with_bug(std::string text) { return text.erase(text.size() / 2, 1); }

template <class T>
void write(const std::string& path, const std::vector<T>& values) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto texts = read_texts(argv[1]);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const Tokenizer tokenizer = Tokenizer::train(views, {.vocabulary = 8192, .min_frequency = 2});
  std::vector<std::string> buggy;
  for (const auto& text : texts) buggy.push_back(with_bug(text));

  const double before_pairs = cpu_s();
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) pairs += static_cast<bool>(encode_pair(tokenizer, buggy[i], texts[i]));
  const double pairs_s = cpu_s() - before_pairs;

  std::vector<std::vector<TokenId>> cells;
  std::vector<std::int16_t> tokens;
  std::vector<std::uint32_t> lengths;
  for (const auto& text : texts) {
    auto of_text = text_to_cells(tokenizer, text);
    if (!cells_to_grid(of_text)) continue;
    tokens.insert(tokens.end(), of_text.begin(), of_text.end());
    lengths.push_back(static_cast<std::uint32_t>(of_text.size()));
    cells.push_back(std::move(of_text));
  }
  std::vector<std::int16_t> grids(cells.size() * kGridCells);
  const double before_grids = cpu_s();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto grid = cells_to_grid(cells[i]);
    std::copy(grid->ids.begin(), grid->ids.end(), grids.begin() + static_cast<std::ptrdiff_t>(i * kGridCells));
  }
  const double grids_s = cpu_s() - before_grids;
  const std::string folder = argv[2];
  write(folder + "/tokens.bin", tokens);
  write(folder + "/lengths.bin", lengths);
  write(folder + "/grids.bin", grids);
  std::printf("{\"pairs\": %zu, \"pairs_s\": %.4f, \"grids\": %zu, \"grids_s\": %.4f}\n", pairs, pairs_s, cells.size(), grids_s);
}

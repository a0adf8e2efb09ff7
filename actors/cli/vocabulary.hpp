// Vocabularies for the commands that work on Python files: loaded from a folder, or learned of the
// files themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/cli/context.hpp"
#include "actors/encoder/tokenizer.hpp"

namespace mendel::cli {

struct LearnedVocabulary {
  encoder::Tokenizer tokenizer;
  std::uint64_t files = 0;  // that it was learned of
  std::uint64_t bytes = 0;
  std::uint64_t passed_over = 0;  // files that could not be read or are too large; each got a warning
};

// Learns of whole files. invalid_input if there is nothing to learn of; interrupted after Ctrl-C.
Result<LearnedVocabulary> learn_vocabulary(const Context& context, const std::vector<NamedFile>& files,
                                           const encoder::TrainOptions& options);

// Sizes as the configuration has them.
encoder::TrainOptions train_options(const Context& context);

// Loads `folder`, or, if that is empty, learns of `files` and says so on stderr.
Result<encoder::Tokenizer> tokenizer_for(const Context& context, const std::string& folder, const std::vector<NamedFile>& files);

}  // namespace mendel::cli

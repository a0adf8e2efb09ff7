// Reads what there is, warns of what cannot be read, and learns from the rest; a vocabulary of nothing
// is an error.
#include "actors/cli/vocabulary.hpp"

namespace mendel::cli {

encoder::TrainOptions train_options(const Context& context) {
  return {.vocabulary = context.config.tokenizer().vocabulary(), .min_frequency = context.config.tokenizer().min_frequency()};
}

Result<LearnedVocabulary> learn_vocabulary(const Context& context, const std::vector<NamedFile>& files,
                                           const encoder::TrainOptions& options) {
  std::vector<std::string> texts;
  std::uint64_t bytes = 0, passed_over = 0;
  Progress progress(context, "reading", files.size(), "files");
  for (const auto& file : files) {
    if (interrupted()) return Error{ErrorCode::interrupted, "interrupted"};
    auto text = read_file(file.path, context.config.sources().file_bytes_max());
    if (text) {
      bytes += text->size();
      texts.push_back(std::move(text).value());
    } else {
      warn(text.error().what + "; passed over");
      ++passed_over;
    }
    progress.add();
  }
  progress.finish();
  if (bytes == 0) return Error{ErrorCode::invalid_input, "there is no Python text to learn a vocabulary of in the given paths"};
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return LearnedVocabulary{encoder::Tokenizer::train(views, options), texts.size(), bytes, passed_over};
}

Result<encoder::Tokenizer> tokenizer_for(const Context& context, const std::string& folder, const std::vector<NamedFile>& files) {
  if (!folder.empty()) return encoder::Tokenizer::load(folder);
  auto learned = learn_vocabulary(context, files, train_options(context));
  if (!learned) return learned.error();
  note("no --tokenizer given: learned " + std::to_string(learned->tokenizer.size()) + " tokens of the files themselves");
  return std::move(learned.value().tokenizer);
}

}  // namespace mendel::cli

// A model that knows its fixes by heart: where a text holds one of its slips, it proposes what stands beside it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "actors/encoder/grid.hpp"
#include "model/repair_model.hpp"

namespace mendel::trainer {

struct KnownFix {
  std::string slip, fix;
  double margin = -2;
};

class FakeModel final : public model::RepairModel {
 public:
  FakeModel(const encoder::Tokenizer& tokenizer, std::vector<KnownFix> fixes) : tokenizer_(tokenizer), fixes_(std::move(fixes)) {}

  // The known fixes of a text in their order; a text without any gets a harmless edit that is not believed.
  model::Expected<std::vector<std::vector<model::Proposal>>> propose(std::span<const model::Sample> samples, std::uint32_t candidates) override {
    std::vector<std::vector<model::Proposal>> out;
    for (const auto& sample : samples) {
      const std::vector<encoder::TokenId> cells(sample.cells.begin(), sample.cells.end());
      const auto text = encoder::cells_to_text(tokenizer_, cells, encoder::Spelling::any);
      if (!text) return model::Failure{model::Fault::invalid, text.error().what};
      looked_at.push_back(*text);
      auto& proposals = out.emplace_back();
      for (const auto& known : fixes_) {
        const auto at = text->find(known.slip);
        if (at == text->npos || proposals.size() == candidates || text->compare(at, known.fix.size(), known.fix) == 0) continue;
        auto fixed = *text;
        fixed.replace(at, known.slip.size(), known.fix);
        const auto edit = encoder::span_edit(cells, encoder::text_to_cells(tokenizer_, fixed));
        proposals.push_back({{edit->first, edit->end, edit->tokens}, known.margin, -0.5, 0.9, 1});
      }
      if (proposals.empty()) proposals.push_back({{1, 1, {encoder::kByteFirst + 40}}, 5, -4, 0.01, 1});
    }
    return out;
  }

  const model::ModelSettings& settings() const override { return settings_; }
  const model::Thresholds& thresholds() const override { return thresholds_; }
  const std::map<std::string, std::string>& facts() const override { return facts_; }
  std::uint64_t parameters() const override { return 1; }

  std::vector<std::string> looked_at;  // texts, in the order they came

 private:
  const encoder::Tokenizer& tokenizer_;
  std::vector<KnownFix> fixes_;
  model::ModelSettings settings_;
  model::Thresholds thresholds_;
  std::map<std::string, std::string> facts_;
};

// A vocabulary learned of a few lines of Python.
inline encoder::Tokenizer small_tokenizer() {
  const std::string_view texts[] = {"def total(items):\n    result = 0\n    for item in items:\n        result += item.price\n    return result\n",
                                    "class Shop:\n    def __init__(self, name):\n        self.name = name\n        self.items = []\n",
                                    "    if self.items is not None and len(self.items) > 0:\n        return self.items[0]\n"};
  return encoder::Tokenizer::train(texts, {.vocabulary = 512, .min_frequency = 2});
}

}  // namespace mendel::trainer

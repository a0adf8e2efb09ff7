// Each pair of the batch to its row. A pair that does not fit is a rejection with its reason and does not
// hold up the others.
#include "actors/encoder/encoder_stage.hpp"

#include <algorithm>

#include "actors/encoder/grid.hpp"
#include "proto/pair_json.hpp"

namespace mendel::encoder {
namespace {

// "question by NAME (PROFILE), URL, LICENSE; answer by …": one line, whatever the names hold.
std::string attribution_of(const Source& source) {
  std::string out;
  for (const auto& one : source.attributions()) {
    out += (out.empty() ? "" : "; ") + one.part() + " by " + one.author();
    if (!one.profile().empty()) out += " (" + one.profile() + ")";
    out += ", " + one.url() + ", " + one.license();
  }
  std::replace_if(out.begin(), out.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return out;
}

std::string grid_bytes(const Grid& grid) {
  std::string out(kGridCells * 2, '\0');
  for (std::size_t i = 0; i < kGridCells; ++i) {
    const auto id = static_cast<std::uint16_t>(grid.ids[i]);
    out[2 * i] = static_cast<char>(id & 0xFF);
    out[2 * i + 1] = static_cast<char>(id >> 8);
  }
  return out;
}

void describe(const Pair& pair, Row& row) {
  row.set_id(pair.id());
  row.set_bug_class(name_of(pair.bug().class_()));
  row.set_bug_type(pair.bug().type());
  row.set_operator_(pair.bug().operator_());
  row.set_source(name_of(pair.source().kind()));
  row.set_repository(pair.source().repository());
  row.set_commit(pair.source().commit());
  row.set_path(pair.source().path());
  row.set_license(pair.source().license());
  row.set_symbol(pair.source().symbol());
  row.set_attribution(attribution_of(pair.source()));
  row.set_has_bug(pair.bug().class_() != BugClass::none);
}

void fill_in(const EncodedPair& encoded, Row& row) {
  row.set_buggy_grid(grid_bytes(encoded.buggy));
  row.set_fixed_grid(grid_bytes(encoded.fixed));
  row.set_rows_buggy(encoded.buggy.rows);
  row.set_rows_fixed(encoded.fixed.rows);
  row.set_window_first_line(encoded.window_first_line);
  for (const auto& edit : encoded.edits) {
    auto& stored = *row.add_edits();
    stored.set_first(edit.first);
    stored.set_end(edit.end);
    stored.mutable_tokens()->Add(edit.tokens.begin(), edit.tokens.end());
  }
}

void reject(const Pair& pair, const char* reason, const std::string& detail, WorkResult& result) {
  auto& rejection = *result.add_rejections();
  rejection.set_subject(pair.source().path());
  rejection.set_reason(reason);
  rejection.set_detail(detail);
  rejection.set_pair_id(pair.id());
  ++(*result.mutable_funnel())[std::string("encode.") + reason];
}

class GridEncoder final : public EncoderStage {
 public:
  explicit GridEncoder(std::shared_ptr<const Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)) {}

  Result<WorkResult> run(const WorkItem& item) override {
    if (item.input_case() != WorkItem::kEncode)
      return Error{ErrorCode::invalid_input, "the encoder was given an item of another stage"};
    const auto& batch = item.encode();
    if (!batch.tokenizer().empty() && batch.tokenizer() != tokenizer_->hash())
      return Error{ErrorCode::invalid_input, "the item wants vocabulary " + batch.tokenizer() + ", this encoder has " +
                                                 tokenizer_->hash()};
    WorkResult result;
    result.set_item_id(item.id());
    result.set_stage(Stage::encode);
    for (const auto& pair : batch.pairs()) encode(pair, result);
    return result;
  }

 private:
  void encode(const Pair& pair, WorkResult& result) const {
    const auto encoded = encode_pair(*tokenizer_, pair.buggy(), pair.fixed());
    if (!encoded) return reject(pair, "does_not_fit", encoded.error().what, result);
    auto& row = *result.add_rows();
    describe(pair, row);
    fill_in(*encoded, row);
    ++(*result.mutable_funnel())["encode.rows"];
    if (encoded->window_first_line >= 0) ++(*result.mutable_funnel())["encode.windowed"];
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
};

}  // namespace

Result<std::unique_ptr<EncoderStage>> EncoderStage::start(const Config&, std::shared_ptr<const Tokenizer> tokenizer) {
  if (!tokenizer) return Error{ErrorCode::invalid_input, "the encoder needs a vocabulary: learn one first"};
  return std::unique_ptr<EncoderStage>(std::make_unique<GridEncoder>(std::move(tokenizer)));
}

}  // namespace mendel::encoder

// The JSON mapping is protobuf's own; only the id is ours.
#include "proto/pair_json.hpp"

#include <google/protobuf/util/json_util.h>

namespace mendel {

namespace {

void add_project(const Project& project, ContentHash& hash) {
  hash.add(project.test_path()).add(static_cast<std::uint64_t>(project.tests_size()));
  for (const auto& name : project.tests()) hash.add(name);
  hash.add(project.subject_path()).add(project.subject_before()).add(project.subject_indent()).add(project.subject_after());
  for (const auto& file : project.files()) hash.add(file.path()).add(file.text());
}

}  // namespace

PairId pair_id(const Pair& pair) {
  ContentHash hash;
  hash.add(pair.buggy()).add(pair.fixed());
  const auto& bug = pair.bug();
  hash.add(static_cast<std::uint64_t>(bug.class_())).add(bug.type()).add(bug.operator_()).add(bug.rule());
  const auto& source = pair.source();
  hash.add(static_cast<std::uint64_t>(source.kind())).add(source.repository()).add(source.commit());
  hash.add(source.path()).add(source.symbol()).add(source.license()).add(source.author());
  hash.add(source.url()).add(static_cast<std::uint64_t>(source.seed())).add(source.fork_root());
  for (const auto& one : source.attributions()) hash.add(one.part()).add(one.author()).add(one.profile()).add(one.url()).add(one.license());
  if (!source.release().empty()) hash.add(source.release()).add(source.note());
  for (const auto& test : pair.tests()) {
    hash.add(static_cast<std::uint64_t>(test.kind())).add(test.code()).add(static_cast<std::uint64_t>(test.timeout_ms()));
    if (test.has_project()) add_project(test.project(), hash);
  }
  return hash.finish<PairId>();
}

void set_pair_id(Pair& pair) { pair.set_id(pair_id(pair).hex()); }

std::string to_json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;  // consumers see every field, "accepted": false too
  std::string out;
  const auto status = google::protobuf::util::MessageToJsonString(message, &out, options);
  assert(status.ok());  // our own messages always have a JSON form
  return out;
}

Outcome from_json(std::string_view json, google::protobuf::Message& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), &message, options);
  if (!status.ok()) {
    const std::string why(status.message());  // its later lines quote the text, whatever bytes it has
    return Error{ErrorCode::invalid_input, why.substr(0, why.find('\n'))};
  }
  return Done{};
}

Result<Pair> pair_from_json(std::string_view json) {
  Pair pair;
  if (auto parsed = from_json(json, pair); !parsed) return parsed.error();
  if (pair.buggy().empty() || pair.fixed().empty())
    return Error{ErrorCode::invalid_input, "a pair needs both \"buggy\" and \"fixed\""};
  if (pair.id().empty()) set_pair_id(pair);
  if (!PairId::from_hex(pair.id()))
    return Error{ErrorCode::invalid_input, "\"id\" must be 32 lower-case hex digits, or left out"};
  return pair;
}

const char* name_of(BugClass::Value value) { return BugClass::Value_Name(value).c_str(); }
const char* name_of(SourceKind::Value value) { return SourceKind::Value_Name(value).c_str(); }

BugClass::Value bug_class_from(std::string_view name) {
  BugClass::Value value = BugClass::unspecified;
  BugClass::Value_Parse(std::string(name), &value);
  return value;
}

}  // namespace mendel

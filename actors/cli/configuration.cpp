// TOML values are set into the message by reflection; bounds come from the options of its fields.
#include "actors/cli/configuration.hpp"

#include <google/protobuf/descriptor.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace mendel::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kPrefix = "MENDEL_";
// Read by tests and packaging, not keys of the configuration.
constexpr std::string_view kOtherVariables[] = {"MENDEL_BIN", "MENDEL_DATA"};

struct Leaf {
  Message* message;
  const FieldDescriptor* field;
};

std::string number_text(double value) {
  std::ostringstream out;
  out.precision(15);
  out << value;
  return out.str();
}

bool is_list_of_tables(const FieldDescriptor& field) { return field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

bool is_section(const FieldDescriptor& field) { return !field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

std::string type_name(const FieldDescriptor& field) {
  if (is_list_of_tables(field)) return "list of tables";
  if (field.is_repeated()) return "list of strings";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: return "integer";
    case FieldDescriptor::CPPTYPE_DOUBLE: return "number";
    case FieldDescriptor::CPPTYPE_BOOL: return "boolean";
    default: return "string";
  }
}

std::string allowed_text(const FieldDescriptor& field) {
  const auto& options = field.options();
  if (options.HasExtension(choices)) return options.GetExtension(choices);
  const bool low = options.HasExtension(min), high = options.HasExtension(max);
  if (low && high) return number_text(options.GetExtension(min)) + " to " + number_text(options.GetExtension(max));
  if (low) return "at least " + number_text(options.GetExtension(min));
  if (high) return "at most " + number_text(options.GetExtension(max));
  return {};
}

std::string expected(const FieldDescriptor& field) {
  const auto allowed = allowed_text(field);
  return type_name(field) + (allowed.empty() ? "" : " (" + allowed + ")");
}

void collect_paths(const Descriptor& descriptor, const std::string& prefix, std::vector<std::string>& out) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const auto* field = descriptor.field(i);
    const auto path = prefix + field->name();
    if (is_section(*field)) collect_paths(*field->message_type(), path + ".", out);
    else out.push_back(path);
  }
}

std::vector<std::string> all_paths() {
  std::vector<std::string> out;
  collect_paths(*Config::descriptor(), "", out);
  return out;
}

Error unknown_key(const std::string& where, const std::string& path) {
  const auto near = nearest(path, all_paths());
  return {ErrorCode::invalid_input, where + ": unknown key \"" + path + "\"" +
                                        (near.empty() ? "; `mendel config show` lists the known keys" : "; did you mean \"" + near + "\"?")};
}

Result<Leaf> find_leaf(Message& root, const std::string& where, const std::string& path) {
  Message* message = &root;
  std::size_t begin = 0;
  for (;;) {
    const auto dot = path.find('.', begin);
    const auto* field = message->GetDescriptor()->FindFieldByName(path.substr(begin, dot - begin));
    if (field == nullptr) return unknown_key(where, path);
    const bool section = is_section(*field);
    if (dot == std::string::npos) {
      if (section) return Error{ErrorCode::invalid_input, where + ": \"" + path + "\" is a section, not a key"};
      return Leaf{message, field};
    }
    if (!section) return unknown_key(where, path);
    message = message->GetReflection()->MutableMessage(message, field);
    begin = dot + 1;
  }
}

Outcome wrong_value(const std::string& where, const std::string& path, const FieldDescriptor& field, const std::string& got) {
  return Error{ErrorCode::invalid_input, where + ": " + path + ": expected " + expected(field) + ", got " + got};
}

std::string toml_text(const toml::node& node) {
  std::ostringstream out;
  node.visit([&](const auto& value) { out << value; });
  return out.str();
}

bool in_range(const FieldDescriptor& field, double value) {
  const auto& options = field.options();
  if (options.HasExtension(min) && value < options.GetExtension(min)) return false;
  return !(options.HasExtension(max) && value > options.GetExtension(max));
}

// True where the field takes any word, or this one.
bool is_choice(const FieldDescriptor& field, const std::string& word) {
  if (!field.options().HasExtension(choices)) return true;
  return ("|" + field.options().GetExtension(choices) + "|").find("|" + word + "|") != std::string::npos;
}

Outcome set_scalar(const Leaf& leaf, const toml::node& node, const std::string& where, const std::string& path) {
  const auto& field = *leaf.field;
  const auto* reflection = leaf.message->GetReflection();
  const auto wrong = [&] { return wrong_value(where, path, field, toml_text(node)); };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: {
      const auto value = node.value_exact<std::int64_t>();
      if (!value || *value < 0 || *value > std::numeric_limits<std::uint32_t>::max()) return wrong();
      if (!in_range(field, static_cast<double>(*value))) return wrong();
      reflection->SetUInt32(leaf.message, &field, static_cast<std::uint32_t>(*value));
      return Done{};
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      if (!node.is_number()) return wrong();
      const auto value = node.value<double>();
      if (!value || !std::isfinite(*value) || !in_range(field, *value)) return wrong();
      reflection->SetDouble(leaf.message, &field, *value);
      return Done{};
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const auto value = node.value_exact<bool>();
      if (!value) return wrong();
      reflection->SetBool(leaf.message, &field, *value);
      return Done{};
    }
    default: {
      const auto value = node.value_exact<std::string>();
      if (!value || !is_choice(field, *value)) return wrong();
      reflection->SetString(leaf.message, &field, *value);
      return Done{};
    }
  }
}

Outcome set_tables(const Leaf& leaf, const toml::array& list, const std::string& where, const std::string& path);

Outcome set_value(const Leaf& leaf, const toml::node& node, const std::string& where, const std::string& path) {
  if (!leaf.field->is_repeated()) return set_scalar(leaf, node, where, path);
  const auto* list = node.as_array();
  if (list == nullptr) return wrong_value(where, path, *leaf.field, toml_text(node));
  if (is_list_of_tables(*leaf.field)) return set_tables(leaf, *list, where, path);
  const auto* reflection = leaf.message->GetReflection();
  reflection->ClearField(leaf.message, leaf.field);
  for (const auto& item : *list) {
    const auto value = item.value_exact<std::string>();
    if (!value || !is_choice(*leaf.field, *value)) return wrong_value(where, path, *leaf.field, toml_text(node));
    reflection->AddString(leaf.message, leaf.field, *value);
  }
  return Done{};
}

// Lines are those of the file where the node comes from one; a value given as text is `where` alone.
Outcome set_tables(const Leaf& leaf, const toml::array& list, const std::string& where, const std::string& path) {
  const auto* reflection = leaf.message->GetReflection();
  reflection->ClearField(leaf.message, leaf.field);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto inside = path + "[" + std::to_string(i + 1) + "].";
    const auto* table = list[i].as_table();
    if (table == nullptr) return wrong_value(where, path, *leaf.field, toml_text(list[i]));
    auto* message = reflection->AddMessage(leaf.message, leaf.field);
    std::vector<std::string> known;
    for (int k = 0; k < message->GetDescriptor()->field_count(); ++k) known.push_back(message->GetDescriptor()->field(k)->name());
    for (const auto& [key, node] : *table) {
      const std::string name(key.str());
      const auto colon = where.rfind(':');
      const auto at = colon == std::string::npos ? where : where.substr(0, colon + 1) + std::to_string(key.source().begin.line);
      const auto* field = message->GetDescriptor()->FindFieldByName(name);
      if (field == nullptr) {
        const auto near = nearest(name, known);
        return Error{ErrorCode::invalid_input, at + ": unknown key \"" + inside + name + "\"" + (near.empty() ? "" : "; did you mean \"" + near + "\"?")};
      }
      if (auto set = set_value({message, field}, node, at, inside + name); !set) return set;
    }
  }
  return Done{};
}

Outcome apply_table(const toml::table& table, const std::string& file, const std::string& prefix, Configuration& out) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix + std::string(key.str());
    const auto where = file + ":" + std::to_string(key.source().begin.line);
    if (const auto* section = node.as_table()) {
      const auto known = all_paths();
      const bool known_section = std::any_of(known.begin(), known.end(), [&](const auto& k) { return k.starts_with(path + "."); });
      if (!known_section) return unknown_key(where, path);
      if (auto applied = apply_table(*section, file, path + ".", out); !applied) return applied;
      continue;
    }
    auto leaf = find_leaf(out.message, where, path);
    if (!leaf) return leaf.error();
    if (auto set = set_value(*leaf, node, where, path); !set) return set;
    out.origins[path] = where;
  }
  return Done{};
}

// A value given as text: TOML if it reads as TOML, else the text itself for string keys.
Outcome apply_text(const std::string& path, const std::string& text, const std::string& where, const std::string& origin,
                   Configuration& out) {
  auto leaf = find_leaf(out.message, where, path);
  if (!leaf) return leaf.error();
  const bool is_text = leaf->field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !leaf->field->is_repeated();
  toml::table table;
  try {
    table = toml::parse("v = " + text);
  } catch (const toml::parse_error&) {
    if (!is_text && (!leaf->field->is_repeated() || is_list_of_tables(*leaf->field))) return wrong_value(where, path, *leaf->field, text.empty() ? "nothing" : text);
    table.clear();
  }
  const toml::node* node = table.get("v");
  if (is_text && (node == nullptr || !node->is_string())) {
    table.insert_or_assign("v", text);
    node = table.get("v");
  }
  if (leaf->field->is_repeated() && !is_list_of_tables(*leaf->field) && (node == nullptr || !node->is_array())) {
    table.insert_or_assign("v", toml::array{text});  // one value is a list of one
    node = table.get("v");
  }
  if (auto set = set_value(*leaf, *node, where, path); !set) return set;
  out.origins[path] = origin;
  return Done{};
}

std::string variable_name(const std::string& path) {
  std::string name(kPrefix);
  for (const char c : path) name.push_back(c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  return name;
}

Outcome apply_environment(const std::vector<std::string>& environment, Configuration& out) {
  std::map<std::string, std::string> paths;
  std::vector<std::string> names;
  for (const auto& path : all_paths()) {
    paths[variable_name(path)] = path;
    names.push_back(variable_name(path));
  }
  auto sorted = environment;
  std::sort(sorted.begin(), sorted.end());
  for (const auto& entry : sorted) {
    if (!entry.starts_with(kPrefix)) continue;
    const auto name = entry.substr(0, entry.find('='));
    if (std::find(std::begin(kOtherVariables), std::end(kOtherVariables), name) != std::end(kOtherVariables)) continue;
    const auto at = paths.find(name);
    if (at == paths.end()) {
      const auto near = nearest(name, names);
      out.warnings.push_back("environment variable " + name + " names no key" + (near.empty() ? "" : "; did you mean " + near + "?"));
      continue;
    }
    if (auto set = apply_text(at->second, entry.substr(name.size() + 1), name, name, out); !set) return set;
  }
  return Done{};
}

// Sections must exist so that their defaults are read through them everywhere.
void create_sections(Message& message) {
  const auto* descriptor = message.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i)
    if (is_section(*descriptor->field(i)))
      create_sections(*message.GetReflection()->MutableMessage(&message, descriptor->field(i)));
}

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

std::string value_text(const Message& message, const FieldDescriptor& field);

// A table in one line, with what it says and no defaults.
std::string table_text(const Message& message) {
  std::vector<const FieldDescriptor*> said;
  message.GetReflection()->ListFields(message, &said);
  std::string out = "{";
  for (const auto* field : said) out += (out.size() > 1 ? ", " : "") + field->name() + " = " + value_text(message, *field);
  return out + "}";
}

std::string value_text(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  if (is_list_of_tables(field)) {
    std::string out = "[";
    for (int i = 0; i < reflection->FieldSize(message, &field); ++i) out += (i ? ", " : "") + table_text(reflection->GetRepeatedMessage(message, &field, i));
    return out + "]";
  }
  if (field.is_repeated()) {
    std::string out = "[";
    for (int i = 0; i < reflection->FieldSize(message, &field); ++i)
      out += (i ? ", " : "") + quoted(reflection->GetRepeatedString(message, &field, i));
    return out + "]";
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: return std::to_string(reflection->GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE: return number_text(reflection->GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL: return reflection->GetBool(message, &field) ? "true" : "false";
    default: return quoted(reflection->GetString(message, &field));
  }
}

void collect_keys(const Message& message, const std::string& prefix, std::vector<ConfigurationKey>& out) {
  const auto* descriptor = message.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto& field = *descriptor->field(i);
    if (is_section(field)) {
      collect_keys(message.GetReflection()->GetMessage(message, &field), prefix + field.name() + ".", out);
      continue;
    }
    out.push_back({prefix + field.name(), type_name(field), field.options().GetExtension(help), allowed_text(field),
                   value_text(message, field)});
  }
}

}  // namespace

Result<Configuration> load_configuration(const ConfigurationSources& sources) {
  Configuration out;
  create_sections(out.message);
  for (const auto& path : all_paths()) out.origins[path] = "default";
  if (!sources.file.empty()) {
    toml::table table;
    try {
      table = toml::parse_file(sources.file);
    } catch (const toml::parse_error& error) {
      const auto line = error.source().begin.line;
      return Error{ErrorCode::invalid_input,
                   sources.file + (line > 0 ? ":" + std::to_string(line) : "") + ": not readable as TOML: " + std::string(error.description())};
    }
    if (auto applied = apply_table(table, sources.file, "", out); !applied) return applied.error();
  }
  if (auto applied = apply_environment(sources.environment, out); !applied) return applied.error();
  for (const auto& setting : sources.settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{ErrorCode::invalid_input, "--set " + setting + ": expected key.path=value"};
    const auto path = setting.substr(0, equals);
    if (auto set = apply_text(path, setting.substr(equals + 1), "--set", "--set", out); !set) return set.error();
  }
  return out;
}

std::vector<ConfigurationKey> configuration_keys(const Config& config) {
  std::vector<ConfigurationKey> out;
  collect_keys(config, "", out);
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const auto substitute = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace mendel::cli

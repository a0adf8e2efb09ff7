// Pairs and verdicts as JSON lines (the contract of the command line), and the id of a pair.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "proto/ids.hpp"
#include "proto/pair.pb.h"
#include "proto/result.hpp"

namespace mendel {

// Hash over everything in the pair but its id, field by field in the order of the definition.
PairId pair_id(const Pair& pair);

// Fills in `id`.
void set_pair_id(Pair& pair);

// One line without a line feed; field names as in the definition; deterministic.
std::string to_json(const google::protobuf::Message& message);

// Unknown fields are passed over. The error says what is wrong with the text, not where the line is.
Outcome from_json(std::string_view json, google::protobuf::Message& message);

// As from_json, and checks what a pair must have: both sides, valid id if any (else it is computed).
Result<Pair> pair_from_json(std::string_view json);

const char* name_of(BugClass::Value value);
const char* name_of(SourceKind::Value value);
BugClass::Value bug_class_from(std::string_view name);  // unspecified if unknown

}  // namespace mendel

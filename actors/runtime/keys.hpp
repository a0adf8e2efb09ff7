// The plant's keys: DATA/keys/ holds server.public, server.secret, NODE.public and NODE.secret, CURVE keys
// in Z85 (40 characters). The allow-list is the set of NODE.public files: no second list can disagree.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace mendel::runtime {

struct KeyPair {
  std::string public_key, secret_key;  // Z85, 40 characters
};

// 1 to 64 of a-z A-Z 0-9 . _ -, not starting with a dot; "server" is taken.
Outcome check_node_name(std::string_view name);

KeyPair new_key_pair();
// The public key that belongs to a secret one. invalid_input if it is not a key.
Result<std::string> public_of(const std::string& secret_key);

// One folder of keys. Folder 0700, secrets 0600; written whole or not at all.
class KeyFolder {
 public:
  explicit KeyFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Makes the folder and the server's keys; keeps what exists. True if they are new.
  Result<bool> init() const;
  // Keys for a node, which is allowed from now on. busy if it has keys already.
  Outcome add(std::string_view node) const;
  // As `add`, but keeps what exists.
  Outcome ensure(std::string_view node) const;
  // Removes the node's keys: it is cut off at once. not_found names it.
  Outcome revoke(std::string_view node) const;
  // Public key → node name.
  Result<std::map<std::string, std::string>> allowed() const;
  Result<KeyPair> server() const;
  // What is wrong with modes and owners, one sentence each with its remedy; empty if nothing.
  std::vector<std::string> faults() const;

  std::filesystem::path public_file(std::string_view name) const { return folder_ / (std::string(name) + ".public"); }
  std::filesystem::path secret_file(std::string_view name) const { return folder_ / (std::string(name) + ".secret"); }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  Outcome write_pair(std::string_view name) const;
  std::filesystem::path folder_;
};

// Reads one key file. Errors name the file; a secret that others may read is refused.
Result<std::string> read_key(const std::filesystem::path& file, bool secret);

}  // namespace mendel::runtime

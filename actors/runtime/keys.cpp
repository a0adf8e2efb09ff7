// Key files.
#include "actors/runtime/keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace mendel::runtime {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kKeyCharacters = 40;
constexpr mode_t kSecretMode = 0600, kPublicMode = 0644, kFolderMode = 0700;

Error system_error(const fs::path& path, const char* what) {
  return {ErrorCode::io_error, path.string() + ": " + what + ": " + std::strerror(errno)};
}

Outcome write_file(const fs::path& path, const std::string& text, mode_t mode) {
  const auto partial = path.string() + ".partial";
  const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return system_error(partial, "cannot write");
  struct stat folder {};
  // Root may make keys for a service whose folder this is: then they are that service's.
  const bool owned = ::geteuid() != 0 || (::stat(path.parent_path().c_str(), &folder) == 0 && ::fchown(file, folder.st_uid, folder.st_gid) == 0);
  const bool written = owned && ::fchmod(file, mode) == 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!written || ::rename(partial.c_str(), path.c_str()) != 0) return system_error(path, "cannot write");
  return Done{};
}

// systemd lets a service read its credentials by an access list, which shows as the group's right to read; the
// folder they lie in is the service's alone.
mode_t forbidden_of(const fs::path& path) {
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  return credentials != nullptr && path.parent_path() == fs::path(credentials) ? 037 : 077;
}

}  // namespace

Outcome check_node_name(std::string_view name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; };
  bool all = !name.empty() && name.size() <= 64 && name[0] != '.';
  for (const char c : name) all = all && good(c);
  if (!all) return Error{ErrorCode::invalid_input, "\"" + std::string(name) + "\" is no node name: 1 to 64 of letters, digits, '.', '_', '-', not starting with '.'"};
  if (name == "server") return Error{ErrorCode::invalid_input, "the name \"server\" is the coordinator's own"};
  return Done{};
}

KeyPair new_key_pair() {
  char public_key[kKeyCharacters + 1], secret_key[kKeyCharacters + 1];
  zmq_curve_keypair(public_key, secret_key);
  return {public_key, secret_key};
}

Result<std::string> public_of(const std::string& secret_key) {
  char public_key[kKeyCharacters + 1];
  if (secret_key.size() != kKeyCharacters || zmq_curve_public(public_key, secret_key.c_str()) != 0)
    return Error{ErrorCode::invalid_input, "not a CURVE secret key of 40 Z85 characters"};
  return std::string(public_key);
}

Result<std::string> read_key(const fs::path& path, bool secret) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error{ErrorCode::not_found, path.string() + ": " + std::strerror(errno)};
  if (secret && (info.st_mode & forbidden_of(path)) != 0)
    return Error{ErrorCode::invalid_input, path.string() + ": others may read this secret; run: chmod 600 " + path.string()};
  std::ifstream file(path);
  std::string key, more;
  file >> key;
  std::uint8_t raw[32];
  if (key.size() != kKeyCharacters || (file >> more) || zmq_z85_decode(raw, key.c_str()) == nullptr)
    return Error{ErrorCode::invalid_input, path.string() + ": not a key of 40 Z85 characters"};
  return key;
}

Outcome KeyFolder::write_pair(std::string_view name) const {
  const auto pair = new_key_pair();
  if (auto secret = write_file(secret_file(name), pair.secret_key + "\n", kSecretMode); !secret) return secret;
  return write_file(public_file(name), pair.public_key + "\n", kPublicMode);
}

Result<bool> KeyFolder::init() const {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return Error{ErrorCode::io_error, folder_.string() + ": " + error.message()};
  if (::chmod(folder_.c_str(), kFolderMode) != 0) return system_error(folder_, "cannot set mode 0700");
  if (fs::exists(public_file("server")) && fs::exists(secret_file("server"))) return false;
  if (auto written = write_pair("server"); !written) return written.error();
  return true;
}

Outcome KeyFolder::add(std::string_view node) const {
  if (auto good = check_node_name(node); !good) return good;
  if (auto made = init(); !made) return made.error();
  if (fs::exists(public_file(node)))
    return Error{ErrorCode::busy, "node " + std::string(node) + " has keys already; revoke it first to give it new ones"};
  return write_pair(node);
}

Outcome KeyFolder::ensure(std::string_view node) const {
  if (fs::exists(public_file(node)) && fs::exists(secret_file(node))) return Done{};
  if (fs::exists(public_file(node))) fs::remove(public_file(node));
  return add(node);
}

Outcome KeyFolder::revoke(std::string_view node) const {
  if (auto good = check_node_name(node); !good) return good;
  std::error_code error;
  if (!fs::remove(public_file(node), error)) return Error{ErrorCode::not_found, "no node " + std::string(node) + " on the allow-list in " + folder_.string()};
  fs::remove(secret_file(node), error);
  return Done{};
}

Result<std::map<std::string, std::string>> KeyFolder::allowed() const {
  std::map<std::string, std::string> out;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".public" || at->path().stem() == "server") continue;
    if (auto key = read_key(at->path(), false)) out.emplace(*key, at->path().stem().string());
  }
  if (error) return Error{ErrorCode::io_error, folder_.string() + ": " + error.message()};
  return out;
}

Result<KeyPair> KeyFolder::server() const {
  auto secret = read_key(secret_file("server"), true);
  if (!secret) return Error{secret.error().code, secret.error().what + "; make keys with: mendel keys init"};
  auto known = public_of(*secret);
  if (!known) return known.error();
  return KeyPair{*known, *secret};
}

std::vector<std::string> KeyFolder::faults() const {
  std::vector<std::string> out;
  struct stat info {};
  if (::stat(folder_.c_str(), &info) != 0) return out;
  if ((info.st_mode & 077) != 0) out.push_back(folder_.string() + " is open to others; run: chmod 700 " + folder_.string());
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".secret") continue;
    if (auto key = read_key(at->path(), true); !key) out.push_back(key.error().what);
  }
  return out;
}

}  // namespace mendel::runtime

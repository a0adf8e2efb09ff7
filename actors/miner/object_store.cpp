// The backend of loose objects that libgit2 asks in place of its own. Errors are left to git_error_last.
#include "actors/miner/object_store.hpp"

#include <fcntl.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <vector>

#include "actors/miner/loose_object.hpp"
#include "actors/miner/pack_index.hpp"

namespace mendel::miner {
namespace {

namespace fs = std::filesystem;

constexpr int kPackPriority = 2, kLoosePriority = 1;  // the higher is asked first
constexpr std::size_t kLooseFileBytesMax = 64u << 20;
constexpr std::uint64_t kLooseBytesMax = 256u << 20;
constexpr std::size_t kHeaderFileBytes = 256;  // enough of the stream for the header

struct LooseBackend : git_odb_backend {
  std::string folder;
};

int fail(const std::string& what) {
  git_error_set_str(GIT_ERROR_ODB, what.c_str());
  return GIT_ERROR;
}

std::string path_of(const git_odb_backend* backend, const git_oid* id) {
  char hex[GIT_OID_HEXSZ + 1];
  git_oid_tostr(hex, sizeof hex, id);
  return static_cast<const LooseBackend*>(backend)->folder + "/" + std::string(hex, 2) + "/" + (hex + 2);
}

class FileHandle {
 public:
  // Never waits: what is no regular file is not read.
  explicit FileHandle(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
  ~FileHandle() {
    if (fd_ >= 0) close(fd_);
  }
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// The first `bytes_max` bytes of the object's file, or a code of libgit2.
int read_file(const git_odb_backend* backend, const git_oid* id, std::size_t bytes_max, std::string& out) {
  const FileHandle file(path_of(backend, id));
  if (file.fd() < 0) return errno == ENOENT || errno == ENOTDIR ? static_cast<int>(GIT_ENOTFOUND) : fail(std::strerror(errno));
  struct stat info {};
  if (fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) return fail("loose object: not a regular file");
  out.resize(std::min(bytes_max, static_cast<std::size_t>(info.st_size)));
  std::size_t got = 0;
  while (got < out.size()) {
    const auto n = read(file.fd(), out.data() + got, out.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(std::strerror(errno));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  out.resize(got);
  return 0;
}

int read_loose(void** data, std::size_t* size, git_object_t* type, git_odb_backend* backend, const git_oid* id) {
  std::string file;
  if (const int status = read_file(backend, id, kLooseFileBytesMax, file); status != 0) return status;
  const auto object = unpack_loose(file, kLooseBytesMax);
  if (!object) return fail(object.error().what);
  // libgit2 wants one byte after the end that it can read.
  *data = git_odb_backend_data_alloc(backend, object->bytes.size() + 1);
  if (*data == nullptr) return GIT_ERROR;
  std::memcpy(*data, object->bytes.c_str(), object->bytes.size() + 1);
  *size = object->bytes.size();
  *type = static_cast<git_object_t>(object->header.type);
  return 0;
}

int read_loose_header(std::size_t* size, git_object_t* type, git_odb_backend* backend, const git_oid* id) {
  std::string file;
  if (const int status = read_file(backend, id, kHeaderFileBytes, file); status != 0) return status;
  const auto header = loose_header(file);
  if (!header) return fail(header.error().what);
  *size = header->size;
  *type = static_cast<git_object_t>(header->type);
  return 0;
}

int loose_exists(git_odb_backend* backend, const git_oid* id) { return access(path_of(backend, id).c_str(), F_OK) == 0 ? 1 : 0; }

void free_loose(git_odb_backend* backend) { delete static_cast<LooseBackend*>(backend); }

int add_loose(git_odb* odb, const std::string& folder) {
  auto backend = std::make_unique<LooseBackend>();
  git_odb_init_backend(backend.get(), GIT_ODB_BACKEND_VERSION);
  backend->folder = folder;
  backend->read = read_loose;
  backend->read_header = read_loose_header;
  backend->exists = loose_exists;
  backend->free = free_loose;
  if (const int status = git_odb_add_backend(odb, backend.get(), kLoosePriority); status != 0) return status;
  static_cast<void>(backend.release());
  return 0;
}

// A file's bytes, mapped; empty if it cannot be.
class Mapping {
 public:
  explicit Mapping(const std::string& path) : file_(path) {
    struct stat info {};
    if (file_.fd() < 0 || fstat(file_.fd(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) return;
    size_ = static_cast<std::size_t>(info.st_size);
    data_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_.fd(), 0);
  }
  ~Mapping() {
    if (data_ != MAP_FAILED) munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::string_view bytes() const { return data_ == MAP_FAILED ? std::string_view() : std::string_view(static_cast<const char*>(data_), size_); }

 private:
  FileHandle file_;
  void* data_ = MAP_FAILED;
  std::size_t size_ = 0;
};

// The indices of the packs that are there, by name. A multi-pack-index is not looked at: it says nothing
// that these do not say, and libgit2 trusts it.
std::vector<fs::path> indices_of(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator at(folder / "pack", error), end; !error && at != end; at.increment(error)) {
    std::error_code no_pack;
    auto pack = at->path();
    if (pack.extension() == ".idx" && fs::exists(pack.replace_extension(".pack"), no_pack)) out.push_back(at->path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Outcome check_index(const fs::path& index) {
  std::error_code error;
  const auto pack_bytes = fs::file_size(fs::path(index).replace_extension(".pack"), error);
  const char* wrong = error ? "its pack cannot be read" : why_no_pack_index(Mapping(index.string()).bytes(), pack_bytes);
  if (*wrong == '\0') return Done{};
  return Error{ErrorCode::corrupt, index.string() + ": the index of a pack is damaged (" + wrong + "); run git index-pack on the pack"};
}

Outcome add_packs(git_odb* odb, const fs::path& folder) {
  for (const auto& index : indices_of(folder)) {
    if (auto sound = check_index(index); !sound) return sound;
    git_odb_backend* backend = nullptr;
    int status = git_odb_backend_one_pack(&backend, index.c_str());
    if (status == 0 && (status = git_odb_add_backend(odb, backend, kPackPriority)) != 0) backend->free(backend);
    if (status != 0) return Error{ErrorCode::corrupt, index.string() + ": the pack cannot be opened; run git fsck"};
  }
  return Done{};
}

// `folder` and the folders it leans on, itself first.
void collect(const fs::path& folder, std::size_t depth, std::set<std::string>& known, std::vector<std::string>& out) {
  if (depth > kAlternatesDepthMax || out.size() > kAlternatesMax || !known.insert(folder.lexically_normal().string()).second) return;
  out.push_back(folder.string());
  std::error_code error;
  const auto names = folder / "info" / "alternates";
  if (!fs::is_regular_file(names, error)) return;
  std::ifstream file(names, std::ios::binary);
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') collect(line[0] == '/' ? fs::path(line) : folder / line, depth + 1, known, out);
}

}  // namespace

Result<git_odb*> open_objects(const std::string& folder) {
  std::set<std::string> known;
  std::vector<std::string> folders;
  collect(folder, 0, known, folders);
  git_odb* odb = nullptr;
  if (git_odb_new(&odb) != 0) return Error{ErrorCode::corrupt, folder + ": cannot be opened"};
  for (const auto& place : folders) {
    auto added = add_packs(odb, place);
    if (added && add_loose(odb, place) != 0) added = Error{ErrorCode::corrupt, place + ": cannot be opened"};
    if (added) continue;
    git_odb_free(odb);
    return added.error();
  }
  return odb;
}

}  // namespace mendel::miner

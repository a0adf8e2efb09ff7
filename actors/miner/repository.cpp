// libgit2 hands out objects; everything else is done on their bytes.
#include "actors/miner/repository.hpp"

#include <git2.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <queue>
#include <unordered_map>

#include "actors/miner/git_objects.hpp"
#include "actors/miner/license_guess.hpp"
#include "actors/miner/object_store.hpp"
#include "actors/miner/production_path.hpp"
#include "actors/miner/remote_name.hpp"

namespace mendel::miner {
namespace {

constexpr std::size_t kTreeDepthMax = 128;
constexpr std::size_t kTreeBytesMax = 64u << 20;
constexpr std::size_t kFoldersKept = 8192;
constexpr std::size_t kCommitBytesMax = 8u << 20;

void start_libgit2() {
  static const bool started = [] {
    git_libgit2_init();
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);  // nothing of a repository is ever executed
    for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA})
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    return true;
  }();
  static_cast<void>(started);
}

// Quotes names out of the repository, so what a terminal would obey is replaced.
std::string last_message() {
  const auto* error = git_error_last();
  std::string out = error != nullptr && error->message != nullptr ? error->message : "unknown error";
  std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c >= 0x7F; }, '?');
  return out;
}

struct FreeObject {
  void operator()(git_odb_object* object) const { git_odb_object_free(object); }
};
using Object = std::unique_ptr<git_odb_object, FreeObject>;

std::string_view bytes_of(const Object& object) {
  return {static_cast<const char*>(git_odb_object_data(object.get())), git_odb_object_size(object.get())};
}

git_oid raw(const ObjectId& id) {
  git_oid out;
  std::memcpy(out.id, id.bytes.data(), id.bytes.size());
  return out;
}

Result<Object> read_object(git_odb* odb, const ObjectId& id, git_object_t type, std::size_t bytes_max) {
  const auto oid = raw(id);
  git_odb_object* object = nullptr;
  if (const int status = git_odb_read(&object, odb, &oid); status != 0)
    return Error{status == GIT_ENOTFOUND ? ErrorCode::not_found : ErrorCode::corrupt, "object " + id.hex() + ": " + last_message()};
  Object out(object);
  if (git_odb_object_type(object) != type) return Error{ErrorCode::corrupt, "object " + id.hex() + " is of another type than its use says"};
  if (git_odb_object_size(object) > bytes_max) return Error{ErrorCode::too_large, "object " + id.hex() + " is too large"};
  return out;
}

// The walk of two trees side by side; a folder is entered only where its id differs.
class Comparison {
 public:
  Comparison(git_odb* odb, std::size_t production_max, std::size_t tests_max) : odb_(odb), production_max_(production_max), tests_max_(tests_max) {}

  Outcome compare(const std::optional<ObjectId>& before, const std::optional<ObjectId>& after, std::string& path, std::size_t depth) {
    if (depth > kTreeDepthMax) return Error{ErrorCode::too_complex, "folders nested deeper than " + std::to_string(kTreeDepthMax)};
    auto old_tree = tree(before);
    if (!old_tree) return old_tree.error();
    auto new_tree = tree(after);
    if (!new_tree) return new_tree.error();
    TreeReader old_entries(*old_tree ? bytes_of(*old_tree) : std::string_view()), new_entries(*new_tree ? bytes_of(*new_tree) : std::string_view());
    auto a = old_entries.next(), b = new_entries.next();
    while ((a || b) && !enough()) {
      const int order = !a ? 1 : !b ? -1 : compare_entries(*a, *b);
      if (order != 0 || a->id != b->id || a->mode != b->mode) {
        if (auto done = entry(order <= 0 ? a : std::nullopt, order >= 0 ? b : std::nullopt, path, depth); !done) return done;
      }
      if (order <= 0) a = old_entries.next();
      if (order >= 0) b = new_entries.next();
    }
    if (old_entries.corrupt() || new_entries.corrupt()) return Error{ErrorCode::corrupt, "a tree object is damaged"};
    return Done{};
  }

  PythonChanges take() { return std::move(changes_); }

 private:
  bool enough() const { return changes_.production.size() >= production_max_; }

  Result<Object> tree(const std::optional<ObjectId>& id) const {
    if (!id) return Object();
    return read_object(odb_, *id, GIT_OBJECT_TREE, kTreeBytesMax);
  }

  // One name that differs; at least one side is there.
  Outcome entry(const std::optional<TreeEntry>& a, const std::optional<TreeEntry>& b, std::string& path, std::size_t depth) {
    const auto length = path.size();
    path.append(a ? a->name : b->name);
    const auto id_if = [](const std::optional<TreeEntry>& e, bool right_kind) {
      return e && right_kind ? std::optional(e->id) : std::nullopt;
    };
    const auto old_folder = id_if(a, a && a->is_folder()), new_folder = id_if(b, b && b->is_folder());
    Outcome outcome = Done{};
    if (is_python(path)) add_file({path, id_if(a, a && a->is_file()), id_if(b, b && b->is_file())});
    if (old_folder || new_folder) {
      path.push_back('/');
      outcome = compare(old_folder, new_folder, path, depth + 1);
    }
    path.resize(length);
    return outcome;
  }

  void add_file(FileChange change) {
    if ((!change.before && !change.after) || change.before == change.after) return;  // a link, or only the mode
    changes_.any = true;
    const auto* rule = not_production(change.path);
    if (rule == nullptr) changes_.production.push_back(std::move(change));
    else if (is_test(*rule) && changes_.tests.size() < tests_max_) changes_.tests.push_back(std::move(change));
  }

  git_odb* odb_;
  std::size_t production_max_, tests_max_;
  PythonChanges changes_;
};

struct Node {
  std::vector<std::uint32_t> parents;
  std::int64_t time_s = 0;
  std::uint32_t children = 0;  // not yet in the order
};

struct IdHash {
  std::size_t operator()(const ObjectId& id) const {
    std::size_t out;
    std::memcpy(&out, id.bytes.data(), sizeof out);
    return out;
  }
};

// The commits below HEAD and how they hang together.
struct Graph {
  std::vector<ObjectId> ids;
  std::vector<Node> nodes;
  std::unordered_map<ObjectId, std::uint32_t, IdHash> index;

  std::uint32_t add(const ObjectId& id) {
    const auto [at, fresh] = index.try_emplace(id, static_cast<std::uint32_t>(ids.size()));
    if (fresh) {
      ids.push_back(id);
      nodes.emplace_back();
    }
    return at->second;
  }
};

// Kahn's algorithm with a heap: newest first among those whose children are all out.
std::vector<ObjectId> in_walk_order(Graph& graph, const std::vector<bool>& present) {
  const auto older = [&graph](std::uint32_t a, std::uint32_t b) {
    const auto &x = graph.nodes[a], &y = graph.nodes[b];
    return x.time_s != y.time_s ? x.time_s < y.time_s : graph.ids[a] > graph.ids[b];
  };
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, decltype(older)> ready(older);
  for (std::uint32_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.nodes[i].children == 0) ready.push(i);
  std::vector<ObjectId> out;
  out.reserve(graph.nodes.size());
  while (!ready.empty()) {
    const auto at = ready.top();
    ready.pop();
    if (present[at]) out.push_back(graph.ids[at]);
    for (const auto parent : graph.nodes[at].parents)
      if (--graph.nodes[parent].children == 0) ready.push(parent);
  }
  return out;
}

// What a commit's message says about others.
struct Origins {
  std::uint32_t commit;  // index into the graph
  std::vector<ObjectId> reverts, picked_from;
};

void find_ids(std::string_view message, std::string_view words, std::vector<ObjectId>& out) {
  constexpr std::size_t kDigits = 40;
  for (auto at = message.find(words); at != std::string_view::npos; at = message.find(words, at + 1))
    if (const auto id = ObjectId::from_hex(message.substr(std::min(at + words.size(), message.size()), kDigits))) out.push_back(*id);
}

void note_origins(std::string_view message, std::uint32_t commit, std::vector<Origins>& out) {
  Origins found{commit, {}, {}};
  find_ids(message, "This reverts commit ", found.reverts);
  find_ids(message, "cherry picked from commit ", found.picked_from);
  if (!found.reverts.empty() || !found.picked_from.empty()) out.push_back(std::move(found));
}

// Newest first, so that a revert that was reverted itself is known before it is believed.
void judge_origins(const Graph& graph, std::vector<Origins>& origins, History& out) {
  std::sort(origins.begin(), origins.end(), [&](const Origins& a, const Origins& b) {
    const auto time_a = graph.nodes[a.commit].time_s, time_b = graph.nodes[b.commit].time_s;
    return time_a != time_b ? time_a > time_b : graph.ids[a.commit] < graph.ids[b.commit];
  });
  for (const auto& origin : origins) {
    if (!out.reverted.contains(graph.ids[origin.commit])) out.reverted.insert(origin.reverts.begin(), origin.reverts.end());
    for (const auto& from : origin.picked_from)
      if (graph.index.contains(from)) out.copies.insert(graph.ids[origin.commit]);
  }
}

std::string origin_name(git_repository* repository, const std::string& path) {
  git_remote* remote = nullptr;
  std::string url;
  if (git_remote_lookup(&remote, repository, "origin") == 0 && git_remote_url(remote) != nullptr) url = public_url(git_remote_url(remote));
  git_remote_free(remote);
  return url.empty() ? folder_name(path) : url;
}

}  // namespace

// What was read before. Folders are the names in a tree.
struct Repository::Known {
  struct Entry {
    ObjectId id;
    bool is_folder;
  };
  using Folder = std::map<std::string, Entry, std::less<>>;

  std::map<ObjectId, std::string> license_by_tree, license_by_blob;
  std::unordered_map<ObjectId, Folder, IdHash> folders;
};

void Repository::Close::operator()(git_repository* repository) const { git_repository_free(repository); }
void Repository::Close::operator()(git_odb* odb) const { git_odb_free(odb); }
Repository::Repository() : known_(std::make_unique<Known>()) {}
Repository::Repository(Repository&&) noexcept = default;
Repository& Repository::operator=(Repository&&) noexcept = default;
Repository::~Repository() = default;

Result<Repository> Repository::open(const std::string& path) {
  start_libgit2();
  git_repository* repository = nullptr;
  const int status = git_repository_open_ext(&repository, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
  if (status == GIT_ENOTFOUND)
    return Error{ErrorCode::not_found, path + ": not a git repository; name a bare repository, a work tree or an https URL"};
  if (status != 0) return Error{ErrorCode::corrupt, path + ": " + last_message()};
  Repository out;
  out.repository_.reset(repository);
  git_buf objects = GIT_BUF_INIT;
  if (git_repository_item_path(&objects, repository, GIT_REPOSITORY_ITEM_OBJECTS) != 0)
    return Error{ErrorCode::corrupt, path + ": " + last_message()};
  const auto odb = open_objects(objects.ptr);
  git_buf_dispose(&objects);
  if (!odb) return odb.error();
  out.odb_.reset(*odb);
  out.name_ = origin_name(repository, path);
  return out;
}

std::optional<ObjectId> Repository::head() const {
  git_oid head;
  if (git_reference_name_to_id(&head, repository_.get(), "HEAD") != 0) return std::nullopt;
  ObjectId out;
  std::memcpy(out.bytes.data(), head.id, out.bytes.size());
  return out;
}

Result<History> Repository::history() const {
  History out;
  out.shallow = git_repository_is_shallow(repository_.get()) == 1;
  const auto first = head();
  if (!first) {
    if (git_repository_is_empty(repository_.get()) == 1 || git_repository_head_unborn(repository_.get()) == 1) return out;
    git_oid unused;
    git_reference_name_to_id(&unused, repository_.get(), "HEAD");  // for its words
    return Error{ErrorCode::corrupt, name_ + ": HEAD cannot be read: " + last_message()};
  }
  Graph graph;
  graph.add(*first);
  std::vector<bool> present;
  std::vector<Origins> origins;
  for (std::uint32_t i = 0; i < graph.ids.size(); ++i) {
    const auto object = read_object(odb_.get(), graph.ids[i], GIT_OBJECT_COMMIT, kCommitBytesMax);
    present.push_back(static_cast<bool>(object));
    if (!object && out.shallow && object.error().code == ErrorCode::not_found && i > 0) continue;
    if (!object) return Error{ErrorCode::corrupt, name_ + ": a commit is missing or damaged (" + object.error().what + "); run git fsck"};
    const auto links = parse_links(bytes_of(*object));
    if (!links) return Error{ErrorCode::corrupt, name_ + ": commit " + graph.ids[i].hex() + " is damaged; run git fsck"};
    graph.nodes[i].time_s = links->time_s;
    note_origins(links->message, i, origins);
    for (const auto& id : links->parents) {
      const auto parent = graph.add(id);
      graph.nodes[i].parents.push_back(parent);
      ++graph.nodes[parent].children;
    }
    if (links->parents.empty() && !out.shallow && (!out.root || graph.ids[i] < *out.root)) out.root = graph.ids[i];
  }
  out.commits = in_walk_order(graph, present);
  judge_origins(graph, origins, out);
  return out;
}

Result<Commit> Repository::commit(const ObjectId& id) const {
  const auto object = read_object(odb_.get(), id, GIT_OBJECT_COMMIT, kCommitBytesMax);
  if (!object) return object.error();
  auto parsed = parse_commit(bytes_of(*object));
  if (!parsed) return Error{ErrorCode::corrupt, "commit " + id.hex() + " is damaged"};
  return *std::move(parsed);
}

Result<ObjectId> Repository::tree_of(const ObjectId& commit) const {
  const auto object = read_object(odb_.get(), commit, GIT_OBJECT_COMMIT, kCommitBytesMax);
  if (!object) return object.error();
  const auto links = parse_links(bytes_of(*object));
  if (!links) return Error{ErrorCode::corrupt, "commit " + commit.hex() + " is damaged"};
  return links->tree;
}

Result<PythonChanges> Repository::python_changes(const std::optional<ObjectId>& before, const ObjectId& after,
                                                 std::size_t production_max, std::size_t tests_max) const {
  Comparison comparison(odb_.get(), production_max, tests_max);
  std::string path;
  if (before != after)
    if (auto done = comparison.compare(before, after, path, 0); !done) return done.error();
  return comparison.take();
}

Result<std::string> Repository::blob(const ObjectId& id, std::uint64_t bytes_max) const {
  const auto oid = raw(id);
  std::size_t size = 0;
  git_object_t type;
  if (git_odb_read_header(&size, &type, odb_.get(), &oid) == 0 && size > bytes_max)
    return Error{ErrorCode::too_large, "object " + id.hex() + " has " + std::to_string(size) + " bytes"};
  const auto object = read_object(odb_.get(), id, GIT_OBJECT_BLOB, bytes_max);
  if (!object) return object.error();
  return std::string(bytes_of(*object));
}

std::optional<ObjectId> Repository::file_at(const ObjectId& tree, std::string_view path) const {
  auto at = tree;
  for (;;) {
    if (known_->folders.size() >= kFoldersKept) known_->folders.clear();
    const auto [folder, fresh] = known_->folders.try_emplace(at);
    if (fresh) {
      const auto object = read_object(odb_.get(), at, GIT_OBJECT_TREE, kTreeBytesMax);
      TreeReader entries(object ? bytes_of(*object) : std::string_view());
      while (const auto entry = entries.next())
        if (entry->is_file() || entry->is_folder()) folder->second.emplace(entry->name, Known::Entry{entry->id, entry->is_folder()});
    }
    const auto slash = path.find('/');
    const auto found = folder->second.find(path.substr(0, slash));
    if (found == folder->second.end() || found->second.is_folder != (slash != std::string_view::npos)) return std::nullopt;
    if (slash == std::string_view::npos) return found->second.id;
    at = found->second.id;
    path.remove_prefix(slash + 1);
  }
}

bool Repository::holds(const ObjectId& id) const {
  const auto oid = raw(id);
  return git_odb_exists_ext(odb_.get(), &oid, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
}

std::vector<ObjectId> Repository::license_files(const ObjectId& tree) const {
  std::vector<ObjectId> out;
  const auto object = read_object(odb_.get(), tree, GIT_OBJECT_TREE, kTreeBytesMax);
  if (!object) return out;
  TreeReader entries(bytes_of(*object));
  while (const auto entry = entries.next())
    if (entry->is_file() && is_license_name(entry->name)) out.push_back(entry->id);
  return out;
}

std::string Repository::license(const ObjectId& tree) const {
  const auto [at, fresh] = known_->license_by_tree.try_emplace(tree);
  if (!fresh) return at->second;
  const auto object = read_object(odb_.get(), tree, GIT_OBJECT_TREE, kTreeBytesMax);
  if (!object) return {};
  TreeReader entries(bytes_of(*object));
  while (const auto entry = entries.next()) {
    if (!entry->is_file() || !is_license_name(entry->name)) continue;
    const auto [known, unread] = known_->license_by_blob.try_emplace(entry->id);
    if (unread)
      if (const auto text = blob(entry->id, kLicenseBytesMax)) known->second = guess_license(*text);
    if (!known->second.empty()) return at->second = known->second;
  }
  return {};
}

}  // namespace mendel::miner

// Starts the outermost process of a sandbox: nothing of ours goes with it but the descriptors it is given.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "actors/syntax/descriptor.hpp"
#include "proto/result.hpp"

namespace mendel::sandbox {

using syntax::Descriptor;

struct DescriptorPair {
  Descriptor ours, theirs;
};

// A child that is killed and reaped at the end of this object's life.
class Child {
 public:
  Child() = default;
  explicit Child(int pid);
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  bool is_running() const { return pid_ > 0; }
  int end_notice() const { return notice_.get(); }  // readable once it has ended
  void kill() const;
  // Blocks until it ends; its exit status, 128 + signal if killed by one.
  int reap();

 private:
  int pid_ = 0;
  Descriptor notice_;
};

// Whom the sandbox runs as where we are root.
inline constexpr unsigned kNobody = 65534;

struct LaunchOptions {
  bool dies_with_thread = true;  // killed when the calling thread ends; else it must notice that we are gone
  int group = -1;  // folder of the control group to start in
  bool as_ourselves = false;  // for the clients of podman and docker: with our user and environment
};

// Runs argv (argv[0]: an absolute path) with `descriptors` as 0, 1, 2, … and an empty environment, in a
// session of its own. Where we are root it runs as nobody: limits on processes do not hold for root, and
// what only root may read stays unreadable whatever happens inside.
Result<Child> launch(const std::vector<std::string>& argv, std::span<const int> descriptors, LaunchOptions options);

// The input of a run: unnamed memory, at its beginning.
Result<Descriptor> memory_with(std::string_view text);
Result<DescriptorPair> make_socket_pair(int type);
Result<DescriptorPair> make_output_pipe();  // ours: the reading end, without blocking

}  // namespace mendel::sandbox

// Control groups of runs: what is written where, on a folder that plays one, and runs in real ones where they can be had.
#include "actors/sandbox/control_group.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/sandbox/sandboxes.hpp"

using namespace mendel;
using namespace mendel::sandbox;
using namespace mendel::sandbox::samples;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  explicit Folder(const char* name) : path_(fs::temp_directory_path() / ("mendel-" + std::string(name) + "-" + std::to_string(getpid()))) {
    fs::create_directory(path_);
    fs::permissions(path_, fs::perms::owner_all | fs::perms::others_exec | fs::perms::others_read);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string path(const std::string& name = {}) const { return name.empty() ? path_.string() : (path_ / name).string(); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path_ / name).rdbuf();
    return text.str();
  }

 private:
  fs::path path_;
};

std::vector<fs::path> below(const std::string& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory()) out.push_back(entry.path());
  return out;
}

// Runs `check` with a real group of version 2 that holds nothing, in a mount namespace of its own; answers why it could not.
template <class Check>
std::string in_real_group(Check check) {
  if (geteuid() != 0) return "only root may mount a cgroup of version 2";
  std::string why;
  const Folder at("groups");
  std::thread apart([&] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 || mount("none", at.path().c_str(), "cgroup2", 0, nullptr) != 0) {
      why = "no cgroup of version 2 can be mounted here";
      return;
    }
    // As take_over leaves it: we are in a group below the one that holds those of the runs.
    const auto group = at.path("mendel-test-" + std::to_string(getpid())), ours = group + "/mendel";
    const auto move_to = [](const std::string& to) { return static_cast<bool>(std::ofstream(to + "/cgroup.procs") << getpid() << std::flush); };
    if (mkdir(group.c_str(), 0755) != 0 || mkdir(ours.c_str(), 0755) != 0 || !move_to(ours)) why = "no group can be made";
    else check(group);
    move_to(at.path());
    rmdir(ours.c_str());
    rmdir(group.c_str());
    umount2(at.path().c_str(), MNT_DETACH);
  });
  apart.join();
  return why;
}

}  // namespace

TEST_CASE("a group that is ours alone is taken over: we move below it and controllers are handed down") {
  const Folder own("own");
  own.write("cgroup.controllers", "cpuset cpu io memory pids\n");
  own.write("cgroup.subtree_control", "");
  own.write("cgroup.procs", std::to_string(getpid()) + "\n");
  const auto taken = take_over(own.path());
  CHECK(taken.folder == own.path());
  CHECK(own.read("mendel/cgroup.procs") == std::to_string(getpid()));
  CHECK(own.read("cgroup.subtree_control") == "+memory +pids +cpu");
}

TEST_CASE("a group that is not ours alone, or that lacks a controller, is left as it is, and the remedy named") {
  const Folder own("shared");
  own.write("cgroup.subtree_control", "");
  own.write("cgroup.procs", std::to_string(getpid()) + "\n1\n");
  own.write("cgroup.controllers", "memory pids\n");
  CHECK(take_over(own.path()).missing.find("shared with other processes; the shipped validator service") != std::string::npos);
  own.write("cgroup.controllers", "cpu pids\n");
  const auto without = take_over(own.path());
  CHECK(without.missing.find("has no controller memory") != std::string::npos);
  CHECK(without.missing.find("Delegate=yes") != std::string::npos);
  CHECK(without.folder.empty());
  CHECK(below(own.path()).empty());
  CHECK(take_over("").missing.find("no cgroup of version 2") != std::string::npos);
}

TEST_CASE("a run's group limits memory, processes and processor, as far as the controllers are handed down") {
  const Folder parent("parent");
  parent.write("cgroup.subtree_control", "cpu memory pids\n");
  Limits limits;
  limits.memory_mib = 100;
  limits.disk_mib = 14;
  limits.processes = 8;
  {
    const auto group = ControlGroup::make(parent.path(), limits);
    REQUIRE(group);
    const auto name = below(parent.path()).at(0).filename().string() + "/";
    CHECK(parent.read(name + "memory.max") == std::to_string(128u << 20));
    CHECK(parent.read(name + "memory.swap.max") == "0");
    CHECK(parent.read(name + "memory.oom.group") == "1");
    CHECK(parent.read(name + "pids.max") == "12");
    CHECK(parent.read(name + "cpu.max") == "100000 100000");
    CHECK_FALSE(group->ran_out_of_memory());
    CHECK_FALSE(group->cpu_us());
    parent.write(name + "memory.events", "low 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 1\n");
    parent.write(name + "cpu.stat", "usage_usec 4200\nuser_usec 4000\n");
    CHECK(group->ran_out_of_memory());
    CHECK(group->cpu_us() == 4200);
    parent.write(name + "memory.events", "oom 1\noom_kill 0\n");
    CHECK_FALSE(group->ran_out_of_memory());
    group->kill();
    CHECK(parent.read(name + "cgroup.kill") == "1");
  }
  const Folder bare("bare");
  bare.write("cgroup.subtree_control", "\n");
  const auto group = ControlGroup::make(bare.path(), limits);
  REQUIRE(group);
  CHECK(fs::is_empty(below(bare.path()).at(0)));
  CHECK_FALSE(ControlGroup::make(bare.path("none"), limits));
}

TEST_CASE("runs live in groups of their own and are ended by them, whatever they started") {
  NEEDS_SANDBOX();
  const auto skipped = in_real_group([](const std::string& parent) {
    auto settings = sandboxes().settings;
    settings.group = parent;
    const auto single = one_shot(settings);
    const auto server = fork_server(settings);
    REQUIRE(server);
    for (auto* runner : {single.get(), server->get()}) {
      const std::string way = runner == single.get() ? "one-shot" : "fork-server";
      CAPTURE(way);
      CHECK(ran(*runner, "script", "assert f() == 1", "def f(): return 1").ending == Ending::passed);
      CHECK(ran(*runner, "script", "assert '/run-' not in open('/proc/self/cgroup').read()").ending == Ending::passed);
      CHECK(below(parent).size() == 1);
      // Counted from outside while it runs, and gone with all that it left behind once its time is over.
      auto limits = settings.limits;
      limits.wall_ms = 3000;
      std::size_t processes = 0;
      std::thread sees([&] {
        for (int i = 0; i < 300 && processes < 4; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(10)))
          for (const auto& group : below(parent)) {
            if (group.filename() == "mendel") continue;
            std::ifstream procs(group / "cgroup.procs");
            std::string line;
            std::size_t count = 0;
            while (std::getline(procs, line)) ++count;
            processes = std::max(processes, count);
          }
      });
      const auto hung = ran(*runner, "script", "import os, time\nfor i in range(3):\n    if os.fork() == 0:\n        os.setsid()\n        break\ntime.sleep(1000)", "", limits);
      sees.join();
      CHECK(hung.ending == Ending::timed_out);
      CHECK(processes >= 4);
      CHECK(below(parent).size() == 1);
    }
  });
  if (!skipped.empty()) MESSAGE("skipped: " << skipped);
}

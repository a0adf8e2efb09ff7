// What every subcommand gets: the effective configuration, where to write, how to print, how to end.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/config.pb.h"
#include "proto/result.hpp"

namespace mendel::cli {

enum Exit : int { kDone = 0, kFailed = 1, kWrongUse = 2, kGateMissed = 3, kLeftovers = 4, kInterrupted = 130 };

struct Context {
  Config config;  // defaults < file < environment < --set, loaded before a command runs
  std::map<std::string, std::string> origins;  // key path → where its value comes from
  std::filesystem::path data = "./mendel-data";
  bool json = false;
  bool colour_out = false, colour_err = false;  // a terminal, and NO_COLOR unset
  bool terminal_err = false;
  std::string program;  // argv[0] resolved to an absolute path
  std::vector<std::string> arguments;  // all of them as given, without the program
  std::vector<std::string> config_arguments;  // --config/--set as given, to hand on to a child
};

// Results go to stdout (a failed write, e.g. a closed pipe, ends the command); the rest to stderr.
// Prints "mendel: error: …" and answers the exit status that fits the code.
int fail(const Error& error);
int fail_use(std::string_view message);  // status 2, points to --help
void note(std::string_view message);  // one line on stderr
void warn(std::string_view message);

// True once SIGINT or SIGTERM came; long loops look and end with kInterrupted. The second signal kills.
bool interrupted();
int stop_signal();  // the first of them that came, 0: none
void install_interrupt_handler();

// Progress on stderr: a bar with rate and ETA on a terminal, else one plain line at most every 10 s.
class Progress {
 public:
  Progress(const Context& context, std::string what, std::uint64_t total, std::string unit);  // total 0: unknown
  ~Progress();
  void add(std::uint64_t n = 1);  // thread-safe
  void set(std::uint64_t done, std::uint64_t total);
  void tell(std::string words);  // shown behind the numbers from the next line on
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One row of the command table: main.cpp and trainer_main.cpp each list theirs; help, man pages and
// completions come from it.
struct Subcommand {
  const char* name;
  const char* summary;  // one line
  const char* example;  // command lines, one a line
  // Declares options on `app` and answers what runs after parsing; its int is the exit status.
  std::function<int()> (*declare)(CLI::App& app, Context& context);
};

// Files named by paths and folders: *.py below folders (sorted by path; links not followed), files as
// they are, "-" for stdin. not_found names the path. Errors of single files are left to the reader.
struct NamedFile {
  std::string path;  // as given, or folder + relative path
  std::string relative;  // to the folder given
  std::string root;  // name of the top-level package or module
};
Result<std::vector<NamedFile>> python_files(const std::vector<std::string>& paths);
Result<std::string> read_file(const std::string& path, std::uint64_t bytes_max);
// Calls `line` for each line of a file or "-" without its line feed; stops at the first error.
Outcome each_line(const std::string& path, const std::function<Outcome(std::string_view line, std::uint64_t number)>& line);

// Runs `work` over 0..count-1 on `jobs` threads and `emit` with the results in order, on the calling
// thread; bounded look-ahead. So output does not depend on `jobs`. Stops early when interrupted.
template <class T>
void in_order(std::uint64_t count, std::uint32_t jobs, const std::function<T(std::uint64_t)>& work,
              const std::function<void(std::uint64_t, T)>& emit);

}  // namespace mendel::cli

#include "actors/cli/in_order.ipp"

// What a repository is called in a pair's provenance: the public address of its origin, never a path
// of this machine, never a password.
#pragma once

#include <string>
#include <string_view>

namespace mendel::miner {

// "git@github.com:a/b.git", "ssh://git@github.com/a/b", "http://u:p@github.com/a/b/" all give
// "https://github.com/a/b"; empty if `url` names no host (a path, file://).
std::string public_url(std::string_view url);

// Last part of a path without ".git": "/srv/git/flask.git" and "flask/.git" give "flask".
std::string folder_name(std::string_view path);

// Page of a commit on a known forge; empty for any other `repository`.
std::string commit_url(std::string_view repository, std::string_view commit_hex);

}  // namespace mendel::miner

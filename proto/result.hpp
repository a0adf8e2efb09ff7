// Errors as values: bad data is answered, counted and kept, never thrown.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace mendel {

enum class ErrorCode {
  invalid_input,  // the data is wrong: the message names it and the remedy
  not_found,
  too_large,
  too_complex,  // a limit of nesting, time or memory was met
  corrupt,  // stored bytes do not match their checksum or format
  io_error,
  busy,  // held by another process
  unavailable,  // an optional part is missing
  interrupted,
};

struct Error {
  ErrorCode code;
  std::string what;  // one sentence for people: the input, what is wrong, the remedy
};

// Either a value or an Error. `value` asserts that there is one.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  explicit operator bool() const { return state_.index() == 0; }
  const T& value() const& { assert(*this); return std::get<0>(state_); }
  T& value() & { assert(*this); return std::get<0>(state_); }
  T&& value() && { assert(*this); return std::get<0>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  const Error& error() const { assert(!*this); return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// For functions that answer nothing but may fail.
struct Done {};
using Outcome = Result<Done>;

}  // namespace mendel

// Errors of model/ as values. The folder builds alone, so it has its own form of proto/result.hpp.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace mendel::model {

enum class Fault {
  invalid,  // settings, samples or files that cannot be used: the message names the field and the remedy
  not_found,
  corrupt,  // a checkpoint whose bytes do not hold together
  io,
  out_of_memory,
  diverged,  // training met too many losses that are no numbers
  partner_lost,  // one of several training processes ended or went silent
  interrupted,
};

struct Failure {
  Fault fault;
  std::string what;  // one sentence for people: the input, what is wrong, the remedy
};

// Either a value or a Failure. `value` asserts that there is one.
template <class T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Expected(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}  // NOLINT

  explicit operator bool() const { return state_.index() == 0; }
  const T& value() const { assert(*this); return std::get<0>(state_); }
  T& value() { assert(*this); return std::get<0>(state_); }
  const T& operator*() const { return value(); }
  T& operator*() { return value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  const Failure& failure() const { assert(!*this); return std::get<1>(state_); }

 private:
  std::variant<T, Failure> state_;
};

}  // namespace mendel::model

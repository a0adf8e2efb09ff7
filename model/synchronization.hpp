// Synchronisation of a CTM: what the machine reads and acts on is not the neurons' state but how pairs of
// neurons have moved together over the ticks, with a learned forgetting for each pair.
//
// Each tick: alpha <- r alpha + z_i z_j, beta <- r beta + 1, S = alpha / sqrt(beta), r = exp(-decay). The
// decay is kept in [0, 15] by `constrain`, outside the gradient.
#pragma once

#include <string>

#include "model/parameters.hpp"

namespace mendel::model {

// Neurons of each of the S pairs.
struct Pairs {
  at::Tensor left_s, right_s;  // int64
};

// The closed list of pairings: first-last and random take n neurons and all their pairs, n (n + 1) / 2;
// random-pairing takes n pairs, of which the first `self` are a neuron with itself.
struct PairingShape {
  std::string pairing;
  std::int64_t neurons, count, self = 0;
  bool action = false;  // first-last: the last neurons instead of the first; the others: another draw
};
std::int64_t synchronization_width(const PairingShape& shape);  // S
// Draws by a fixed hash: the same shape gives the same pairs on every machine.
Pairs make_pairs(const PairingShape& shape);
// From the neurons drawn elsewhere, [n] each.
Pairs make_pairs(const PairingShape& shape, const at::Tensor& left_n, const at::Tensor& right_n);
bool known_pairing(const std::string& pairing);

// One set of pairs and its decay. The parameters must outlive it.
class Synchronization {
 public:
  Synchronization(ParameterSet& parameters, const std::string& name, const PairingShape& shape);

  void set_pairs(const Pairs& pairs);
  // Brings the stored decay back into its range.
  void constrain();

  struct State {
    at::Tensor r_s, alpha_bs, beta_s;  // alpha undefined: nothing was added yet
  };
  State begin() const;
  // Adds the products of z [B, D] and answers S [B, S].
  at::Tensor add(State& state, const at::Tensor& z_bd) const;
  // Adds without reading: how the output's accumulators are seeded.
  void seed(State& state, const at::Tensor& z_bd) const;

 private:
  ParameterSet& parameters_;
  std::size_t decay_;
  Pairs pairs_;
};

}  // namespace mendel::model

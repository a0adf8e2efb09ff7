// Bugs of one function brought together, and what a model that mends one a look makes of them.
#include "actors/trainer/several_bugs.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>

#include "actors/trainer/evaluation_report.hpp"
#include "actors/trainer/model_edit.hpp"
#include "actors/trainer/model_failure.hpp"
#include "proto/ids.hpp"

namespace mendel::trainer {
namespace {

using Ids = std::vector<encoder::TokenId>;
using Json = nlohmann::ordered_json;

constexpr std::uint32_t kLooksMax = SeveralBugs::kBugsMax + 2;
constexpr std::size_t kSamplesAtOnce = 512;

std::uint64_t hash_of(const Ids& cells) {
  return hash64(std::string_view(reinterpret_cast<const char*>(cells.data()), cells.size() * sizeof(encoder::TokenId)));
}

std::uint64_t hash_of(std::uint64_t seed, std::uint64_t index) {
  const std::uint64_t both[] = {seed, index};
  return hash64(std::string_view(reinterpret_cast<const char*>(both), sizeof both));
}

// A bug in the coordinates of the sound function: cells [begin, end) of it became other ones.
struct Place {
  std::uint32_t sample, begin, end;
};

// A cell that neither touches lies between them, so each mends on its own.
bool apart(const Place& a, const Place& b) { return a.end < b.begin || b.end < a.begin; }

}  // namespace

SeveralBugs::SeveralBugs(const DatasetSamples& samples, const Options& options) : samples_(samples) {
  if (options.share <= 0) return;
  std::unordered_map<std::uint64_t, std::vector<Place>> functions;
  std::vector<std::uint64_t> order;  // of the functions, by their first bug
  for (std::uint32_t i = 0; i < samples.size(); ++i) {
    const auto edit = samples.edit(i);
    if (!edit) continue;
    const auto key = hash_of(applied(samples.cell_ids(i), *edit));
    auto& places = functions[key];
    if (places.empty()) order.push_back(key);
    places.push_back({i, edit->first, edit->first + static_cast<std::uint32_t>(edit->tokens.size())});
  }
  for (const auto key : order) {
    auto& places = functions[key];
    std::sort(places.begin(), places.end(), [&](const Place& a, const Place& b) { return std::pair(hash_of(options.seed, a.sample), a.sample) < std::pair(hash_of(options.seed, b.sample), b.sample); });
    std::vector<Place> taken;
    for (const auto& place : places) {
      if (taken.size() == kBugsMax) break;
      if (!std::all_of(taken.begin(), taken.end(), [&](const Place& t) { return apart(place, t); })) continue;
      taken.push_back(place);
      if (taken.size() < 2) continue;
      auto members = taken;
      std::sort(members.begin(), members.end(), [](const Place& a, const Place& b) { return a.begin < b.begin; });
      Entry entry{};
      entry.bugs = static_cast<std::uint8_t>(members.size());
      entry.mended = static_cast<std::uint8_t>(hash_of(options.seed + entry.bugs, members.front().sample) % members.size());
      std::int64_t cells = samples.cells(members.front().sample);
      for (std::size_t k = 0; k < members.size(); ++k) {
        entry.members[k] = members[k].sample;
        if (k > 0) cells += static_cast<std::int64_t>(samples.cells(members[k].sample)) - samples.fixed_cells(members[k].sample);
      }
      entry.cells = static_cast<std::uint32_t>(cells);
      if (entry.cells <= options.cells_max) entries_.push_back(entry);
    }
  }
  const double kept = entries_.empty() ? 1 : options.share * static_cast<double>(samples.size()) / static_cast<double>(entries_.size());
  if (kept >= 1) return;
  const auto below = static_cast<std::uint64_t>(kept * std::pow(2.0, 64));
  std::erase_if(entries_, [&](const Entry& e) { return hash_of(options.seed, e.members[0] * std::uint64_t{kBugsMax + 1} + e.bugs) >= below; });
}

void SeveralBugs::add_to(std::vector<std::uint64_t>& chosen) const {
  const std::vector<std::uint64_t> own = chosen;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto& e = entries_[i];
    if (std::all_of(e.members.begin(), e.members.begin() + e.bugs, [&](std::uint32_t m) { return std::binary_search(own.begin(), own.end(), m); }))
      chosen.push_back(samples_.size() + i);
  }
}

Ids SeveralBugs::fixed(std::uint64_t index) const {
  const auto member = entries_[index].members[0];
  return applied(samples_.cell_ids(member), *samples_.edit(member));
}

model::Sample SeveralBugs::sample(std::uint64_t index) const {
  const auto& entry = entries_[index];
  const auto sound = fixed(index);
  Ids cells;
  model::SpanEdit mended;
  std::size_t copied = 0;  // of the sound function
  for (std::size_t k = 0; k < entry.bugs; ++k) {
    const auto own = samples_.cell_ids(entry.members[k]);
    auto edit = *samples_.edit(entry.members[k]);
    cells.insert(cells.end(), sound.begin() + static_cast<std::ptrdiff_t>(copied), sound.begin() + edit.first);
    copied = edit.first + edit.tokens.size();
    const auto begin = static_cast<std::uint32_t>(cells.size());
    cells.insert(cells.end(), own.begin() + edit.first, own.begin() + edit.end);
    if (k == entry.mended) mended = {begin, static_cast<std::uint32_t>(cells.size()), std::move(edit.tokens)};
  }
  cells.insert(cells.end(), sound.begin() + static_cast<std::ptrdiff_t>(copied), sound.end());
  return samples_.seen(cells, std::move(mended));
}

namespace {

// A function under repair.
struct Patient {
  Ids cells, sound;
  std::uint32_t bugs;
  std::vector<double> margins;  // of each look's best edit
  std::vector<bool> whole;  // before the first look, after the first edit, …
};

std::size_t edits_at(const Patient& p, const SeveralLevel& level) {
  std::size_t edits = 0;
  while (edits < p.margins.size() && p.margins[edits] <= (edits == 0 ? level.margin : level.margin_again)) ++edits;
  return edits;
}

// Looks and takes the best edit each time, as long as the number of bugs or one of the levels asks for another; where
// to stop is decided afterwards, level by level.
Outcome treat(model::RepairModel& model, const DatasetSamples& samples, const std::vector<SeveralLevel>& levels, std::span<Patient> patients) {
  for (auto& p : patients) p.whole.push_back(p.cells == p.sound);
  for (std::uint32_t look = 0; look < kLooksMax; ++look) {
    std::vector<Patient*> looked_at;
    std::vector<model::Sample> seen;
    for (auto& p : patients) {
      const bool goes_on = look < p.bugs || std::any_of(levels.begin(), levels.end(), [&](const auto& level) { return edits_at(p, level) == look; });
      if (p.margins.size() < look || !goes_on) continue;
      looked_at.push_back(&p);
      seen.push_back(samples.seen(p.cells, {}));
    }
    if (seen.empty()) break;
    const auto proposals = model.propose(seen, 1);
    if (!proposals) return error_of(proposals.failure());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      auto& p = *looked_at[i];
      const auto& own = (*proposals)[i];
      const bool usable = !own.empty() && own.front().edit.first <= own.front().edit.end && own.front().edit.end <= p.cells.size();
      p.margins.push_back(usable ? own.front().margin : INFINITY);
      if (usable) {
        auto next = applied(p.cells, own.front().edit);
        if (!next.empty() && next.size() <= model::kCellsMax && encoder::positions(next).back().row < model::kGridRowsMax) p.cells = std::move(next);
      }
      p.whole.push_back(p.cells == p.sound);
    }
  }
  return Done{};
}

std::string name_of(const SeveralLevel& level) { return AlarmLevel{level.share, level.margin}.name(); }

}  // namespace

Result<std::vector<SeveralRow>> evaluate_several(model::RepairModel& model, const DatasetSamples& samples, const std::vector<SeveralLevel>& levels,
                                                 std::uint64_t functions_max, const std::function<bool()>& stop) {
  std::array<std::vector<std::pair<std::uint64_t, Patient>>, SeveralBugs::kBugsMax + 1> wards;
  const auto admit = [&](std::uint64_t key, Ids cells, Ids sound, std::uint32_t bugs) {
    wards[bugs].push_back({hash_of(1, key), Patient{std::move(cells), std::move(sound), bugs, {}, {}}});
  };
  for (std::uint64_t i = 0; i < samples.size(); ++i) {
    const auto edit = samples.edit(i);
    const auto cells = samples.cell_ids(i);
    admit(i, cells, edit ? applied(cells, *edit) : cells, edit ? 1 : 0);
  }
  const SeveralBugs several(samples, {});
  for (std::uint64_t i = 0; i < several.size(); ++i) {
    const auto sample = several.sample(i);
    admit(i, {sample.cells.begin(), sample.cells.end()}, several.fixed(i), several.bugs(i));
  }
  std::vector<SeveralRow> out;
  for (std::uint32_t bugs = 0; bugs < wards.size(); ++bugs) {
    auto& ward = wards[bugs];
    std::sort(ward.begin(), ward.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    if (ward.size() > functions_max) ward.resize(functions_max);
    SeveralRow row{bugs, {}, std::vector<Share>(levels.size())};
    for (std::size_t first = 0; first < ward.size(); first += kSamplesAtOnce) {
      if (stop && stop()) return Error{ErrorCode::interrupted, "interrupted"};
      std::vector<Patient> patients;
      for (auto i = first; i < std::min(ward.size(), first + kSamplesAtOnce); ++i) patients.push_back(std::move(ward[i].second));
      if (auto treated = treat(model, samples, levels, patients); !treated) return treated.error();
      for (const auto& p : patients) {
        row.given.add(p.whole[bugs]);
        for (std::size_t k = 0; k < levels.size(); ++k) row.mended[k].add(p.whole[edits_at(p, levels[k])]);
      }
    }
    out.push_back(std::move(row));
  }
  return out;
}

std::string several_json(const std::vector<SeveralRow>& rows, const std::vector<SeveralLevel>& levels) {
  Json out = Json::array();
  for (const auto& row : rows) {
    Json one = {{"bugs", row.bugs}, {"number_given", json_of(row.given)}};
    for (std::size_t k = 0; k < levels.size(); ++k) one[name_of(levels[k])] = json_of(row.mended[k]);
    out.push_back(std::move(one));
  }
  return out.dump(1) + "\n";
}

std::string several_table(const std::vector<SeveralRow>& rows, const std::vector<SeveralLevel>& levels) {
  std::string out = "bugs in a function      n   whole again, %: number given";
  for (const auto& level : levels) out += "  " + name_of(level);
  out += "\n";
  for (const auto& row : rows) {
    char text[80];
    std::snprintf(text, sizeof text, "  %-16u %7llu %29.1f", row.bugs, static_cast<unsigned long long>(row.given.n), 100 * row.given.value());
    out += text;
    for (std::size_t k = 0; k < levels.size(); ++k) {
      std::snprintf(text, sizeof text, "%*.1f", static_cast<int>(name_of(levels[k]).size()) + 2, 100 * row.mended[k].value());
      out += text;
    }
    out += "\n";
  }
  return out + "one edit a look, each look a fresh one; further edits need a fifth of the share of false alarms.\n";
}

}  // namespace mendel::trainer

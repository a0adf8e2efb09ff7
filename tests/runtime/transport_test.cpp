// Real sockets on the loopback: who gets in, what large and broken messages do, what a revoked key does.
#include "actors/runtime/transport.hpp"

#include "tests/runtime/wire_fixture.hpp"

using namespace mendel;
using namespace mendel::runtime;
using namespace mendel::runtime::samples;

TEST_CASE("small and large envelopes arrive whole in both directions") {
  Plant plant{"a"};
  Node node(plant, "a");
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1000}, kChunkBytes, std::size_t{9} << 20}) {
    CAPTURE(bytes);
    node.client->send(blob_of(bytes));
    const auto there = plant.received.take();
    REQUIRE(there);
    CHECK(there->first == "a");
    CHECK(there->second->blob().data().size() == bytes);
    plant.server->send("a", blob_of(bytes));
    const auto back = node.received.take();
    REQUIRE(back);
    CHECK((*back)->blob().data().size() == bytes);
  }
}

TEST_CASE("a key that is not on the list, and a wrong server key, are refused with the reason") {
  Plant plant{"a"};
  Node stranger(plant, "a", new_key_pair(), plant.keys.server()->public_key);
  const auto why = stranger.refused.take();
  REQUIRE(why);
  CHECK(why->find("allow-list") != std::string::npos);
  Node misled(plant, "a", plant.key_of("a"), new_key_pair().public_key);
  const auto which = misled.refused.take();
  REQUIRE(which);
  CHECK(which->find("server key") != std::string::npos);
  CHECK(plant.server->counters().refused >= 1);
}

TEST_CASE("a key opens one name only") {
  Plant plant{"a", "b"};
  Node impostor(plant, "a", plant.key_of("b"), plant.keys.server()->public_key);
  impostor.client->send(blob_of(1));
  CHECK(becomes_true([&] { return plant.server->counters().impostors > 0; }));
  Node honest(plant, "b");
  honest.client->send(blob_of(2));
  const auto first = plant.received.take();
  REQUIRE(first);
  CHECK(first->first == "b");
}

TEST_CASE("a node that is added later gets in, and one that is revoked is told and heard no more") {
  Plant plant{"a"};
  REQUIRE(plant.keys.add("late"));
  Node late(plant, "late");
  late.client->send(blob_of(1));
  REQUIRE(plant.received.take());
  REQUIRE(plant.keys.revoke("late"));
  CHECK(plant.gone.take() == "late");
  const auto goodbye = late.received.take();
  REQUIRE(goodbye);
  CHECK((*goodbye)->goodbye().reason().find("revoked") != std::string::npos);
  const auto heard = plant.server->counters().impostors.load();
  late.client->send(blob_of(2));
  CHECK(becomes_true([&] { return plant.server->counters().impostors > heard; }));
}

TEST_CASE("garbage is counted and dropped, and the same connection still works") {
  Plant plant{"a"};
  RawPeer peer(plant, "a");
  for (const auto& frame : {std::string("\xff\xff\xff garbage"), std::string(500'000, '\x80')}) peer.send(frame);
  peer.send(blob_of(5)->SerializeAsString());
  const auto good = plant.received.take();
  REQUIRE(good);
  CHECK(good->second->blob().data().size() == 5);
  CHECK(plant.server->counters().garbled == 2);
}

TEST_CASE("a frame over the limit costs its sender the connection and nobody else") {
  Plant plant{"a", "b"};
  RawPeer flood(plant, "a");
  flood.send(std::string(kFrameBytesMax + 1, 'x'));
  Node node(plant, "b");
  node.client->send(blob_of(3));
  const auto other = plant.received.take();
  REQUIRE(other);
  CHECK(other->first == "b");
  CHECK(plant.server->counters().bytes_in < kFrameBytesMax);
}

TEST_CASE("questions over the local socket are answered, and without a plant there is nobody") {
  Envelope question;
  question.mutable_status_request();
  Folder empty;
  CHECK(ask_coordinator(empty.path, question, 1000).error().code == ErrorCode::not_found);
  Plant plant{"a"};
  std::thread coordinator([&] {
    const auto asked = plant.received.take();
    auto answer = std::make_shared<Envelope>();
    answer->mutable_status()->set_phase("collect");
    if (asked && asked->first.starts_with(kControlPeer)) plant.server->send(asked->first, std::move(answer));
  });
  const auto answer = ask_coordinator(plant.folder.path / "control", question, 20'000);
  coordinator.join();
  REQUIRE(answer);
  CHECK(answer->status().phase() == "collect");
}

TEST_CASE("an address in use is an error that names it") {
  Plant plant{"a"};
  const auto second = ServerTransport::start(plant.server->endpoint(), plant.keys, {}, {[](const std::string&, EnvelopePtr) {}, [](const std::string&) {}});
  REQUIRE_FALSE(second);
  CHECK(second.error().what.find(plant.server->endpoint()) != std::string::npos);
}

// Hands bytes on between two endpoints, both ways, as they came, and ends as they ended. What the
// receiver does not take at once waits in a buffer of at most one read, and nothing more is read
// meanwhile: a slow receiver slows the sender down. An idle relay has no buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "aws-visibility/http/connection_reader.h"
#include "aws-visibility/proxy/endpoint.h"
#include "aws-visibility/proxy/proxy_metrics.h"

namespace network_mapper::aws {

class Relay {
 public:
  enum class State : uint8_t {
    kWaiting,
    // There may be more to do at once; others should have their turn first.
    kMore,
    // Both sides have ended, and know it of each other.
    kDone,
    // One side broke off.
    kBroken,
    // What the client sent must not go on: see Heard.
    kRefused,
  };

  // All must outlive this.
  // `reader` may be null: nobody looks on.
  Relay(Endpoint& client, Endpoint& upstream, ProxyMetrics& metrics,
        std::unique_ptr<ConnectionReader> reader)
      : up_{.from = client, .to = upstream, .bytes = metrics.bytes_from_clients},
        down_{.from = upstream, .to = client, .bytes = metrics.bytes_from_upstream},
        reader_(std::move(reader)) {}

  // `scratch` is memory for one read; nothing stays there.
  State Pump(std::span<char> scratch);

  // Bytes that are to be sent up before anything else: those that were read before the relay was,
  // and that the reader has seen, where there is one.
  void SendFirst(std::string bytes);

  // Somebody looks on.
  bool Reads() const { return reader_ != nullptr; }

  // As the reader's.
  bool DropStill() { return reader_ != nullptr && reader_->DropStill(); }

  // What the reader said last; after anything but kFollowed there is none any more.
  Reading Heard() const { return heard_; }

  // Nothing is lost by ending it: no request is under way. False where nobody looks on.
  bool Idle() const;

  // It was not the endpoint that ended first.
  bool ClientLeftFirst() const { return client_left_first_; }

  // Bytes that the client has sent so far.
  uint64_t FromClient() const { return up_.count; }

 private:
  struct Pipe {
    Endpoint& from;
    Endpoint& to;
    Counter& bytes;
    std::string pending{};
    size_t pending_taken = 0;
    uint64_t count = 0;
    bool got_close_notify = false;
    bool got_fin = false;
    bool passed_close_notify = false;
    bool passed_fin = false;

    bool Ended() const { return got_close_notify || got_fin; }

    bool PassedEnd() const { return passed_close_notify || passed_fin; }
  };

  State Move(Pipe& pipe, std::span<char> scratch);
  // False: broken.
  static bool SendPending(Pipe& pipe);
  static bool PassEnd(Pipe& pipe);

  void NoteWhoLeft(const Pipe& pipe);
  // False: the bytes must not go on.
  bool Look(const Pipe& pipe, std::string_view bytes);

  Pipe up_;
  Pipe down_;
  std::unique_ptr<ConnectionReader> reader_;
  Reading heard_ = Reading::kFollowed;
  bool client_left_first_ = false;
};

}  // namespace network_mapper::aws

#include "aws-visibility/proxy/relay.h"

#include <string_view>

#include "common/text/give_back.h"

namespace network_mapper::aws {

namespace {

// Reads of one direction before others have their turn.
constexpr int kReadsATurn = 16;

}  // namespace

Relay::State Relay::Pump(std::span<char> scratch) {
  const State up = Move(up_, scratch);
  if (up == State::kBroken || up == State::kRefused) {
    return up;
  }
  const State down = Move(down_, scratch);
  if (down == State::kBroken) {
    return down;
  }
  if (up_.PassedEnd() && down_.PassedEnd()) {
    return State::kDone;
  }
  return up == State::kMore || down == State::kMore ? State::kMore : State::kWaiting;
}

void Relay::SendFirst(std::string bytes) {
  up_.count += bytes.size();
  up_.bytes.Increment(static_cast<double>(bytes.size()));
  up_.pending = std::move(bytes);
}

void Relay::NoteWhoLeft(const Pipe& pipe) {
  client_left_first_ = client_left_first_ || (&pipe == &up_ && !down_.Ended());
}

bool Relay::Idle() const {
  return reader_ != nullptr && reader_->Idle() && up_.pending.empty() && down_.pending.empty();
}

bool Relay::Look(const Pipe& pipe, std::string_view bytes) {
  if (reader_ == nullptr) {
    return true;
  }
  heard_ = &pipe == &up_ ? reader_->FromClient(bytes) : reader_->FromServer(bytes);
  if (heard_ != Reading::kFollowed) {
    reader_.reset();
  }
  return !IsRefusal(heard_);
}

bool Relay::SendPending(Pipe& pipe) {
  size_t size = 0;
  const std::string_view rest = std::string_view(pipe.pending).substr(pipe.pending_taken);
  const IoResult result = pipe.to.Write(rest, size);
  pipe.pending_taken += size;
  if (result == IoResult::kDone) {
    GiveBack(pipe.pending);
    pipe.pending_taken = 0;
  }
  return result == IoResult::kDone || result == IoResult::kAgain;
}

bool Relay::PassEnd(Pipe& pipe) {
  // After its farewell in TLS the peer mostly closes; that is not read, but heard of.
  pipe.got_fin = pipe.got_fin || pipe.from.PeerHungUp();
  const bool notify = pipe.got_close_notify && !pipe.passed_close_notify;
  const bool fin = pipe.got_fin && !pipe.passed_fin;
  if (!notify && !fin) {
    return true;
  }
  const IoResult result = pipe.to.EndWriting(pipe.got_close_notify, pipe.got_fin);
  if (result == IoResult::kDone) {
    pipe.passed_close_notify = pipe.got_close_notify;
    pipe.passed_fin = pipe.got_fin;
  }
  return result == IoResult::kDone || result == IoResult::kAgain;
}

Relay::State Relay::Move(Pipe& pipe, std::span<char> scratch) {
  for (int reads = 0; reads < kReadsATurn; ++reads) {
    if (!pipe.pending.empty()) {
      if (!SendPending(pipe)) {
        return State::kBroken;
      }
      if (!pipe.pending.empty()) {
        return State::kWaiting;
      }
    }
    if (pipe.Ended()) {
      if (&pipe == &down_ && reader_ != nullptr) {
        reader_->EndOfServer();
      }
      return PassEnd(pipe) ? State::kWaiting : State::kBroken;
    }
    size_t size = 0;
    switch (pipe.from.Read(scratch, size)) {
      case IoResult::kDone:
        break;
      case IoResult::kAgain:
        return State::kWaiting;
      case IoResult::kCloseNotify:
        pipe.got_close_notify = true;
        NoteWhoLeft(pipe);
        continue;
      case IoResult::kEnd:
        pipe.got_fin = true;
        // Without TLS that is a proper end, and with TLS a proper end is said.
        pipe.got_close_notify = pipe.from.Tls() == nullptr;
        NoteWhoLeft(pipe);
        continue;
      case IoResult::kFailed:
      case IoResult::kWantsCertificate:
        NoteWhoLeft(pipe);
        return State::kBroken;
    }
    pipe.count += size;
    pipe.bytes.Increment(static_cast<double>(size));
    const std::string_view bytes(scratch.data(), size);
    if (&pipe == &up_ && !Look(pipe, bytes)) {
      return State::kRefused;
    }
    size_t sent = 0;
    const IoResult result = pipe.to.Write(bytes, sent);
    if (result != IoResult::kDone && result != IoResult::kAgain) {
      return State::kBroken;
    }
    pipe.pending.assign(bytes.substr(sent));
    // What an endpoint answers is looked at when it is on its way already.
    if (&pipe == &down_) {
      Look(pipe, bytes);
    }
  }
  return State::kMore;
}

}  // namespace network_mapper::aws

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "kafka-watcher/app/state_store.h"

namespace network_mapper::kafka {

namespace {

constexpr size_t kMostFileBytes = size_t{64} << 20U;

class OwnedDescriptor {
 public:
  explicit OwnedDescriptor(int descriptor) : descriptor_(descriptor) {}

  OwnedDescriptor(const OwnedDescriptor&) = delete;
  OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;

  OwnedDescriptor(OwnedDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}

  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  ~OwnedDescriptor() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }

  int Get() const { return descriptor_; }

  bool IsOpen() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

Status Failure(std::string_view what, const std::string& path) {
  return Annotate(ErrnoStatus(errno, what), fmt::format("option state-file: {}", path));
}

Status WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return ErrnoStatus(errno, "write");
    }
    text.remove_prefix(written > 0 ? static_cast<size_t>(written) : 0);
  }
  return OkStatus();
}

std::string FolderOf(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? std::string(".") : folder.string();
}

class FileStateStore final : public StateStore {
 public:
  explicit FileStateStore(std::string path) : path_(std::move(path)), folder_(FolderOf(path_)) {}

  StatusOr<std::optional<SavedState>> Load() override {
    RETURN_IF_ERROR(Lock());
    // A FIFO would wait for its writer.
    OwnedDescriptor file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.IsOpen()) {
      if (errno == ENOENT) {
        return std::optional<SavedState>();
      }
      return Failure("cannot read the state", path_);
    }

    struct stat status {};

    if (fstat(file.Get(), &status) != 0) {
      return Failure("cannot read the state", path_);
    }
    if (!S_ISREG(status.st_mode)) {
      return InvalidArgument("option state-file: {} is no regular file", path_);
    }
    ASSIGN_OR_RETURN(std::string text, ReadAll(file.Get()));
    StatusOr<SavedState> state = DecodeState(text);
    if (!state.ok()) {
      return Annotate(state.status(), fmt::format("option state-file: {}", path_));
    }
    return std::optional<SavedState>(*std::move(state));
  }

  Status Save(const SavedState& state) override {
    RETURN_IF_ERROR(Lock());
    const std::string temporary = path_ + ".new";
    {
      OwnedDescriptor file(
          open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
      if (!file.IsOpen()) {
        return Failure("cannot write the state", temporary);
      }
      RETURN_IF_ERROR(Annotate(WriteAll(file.Get(), EncodeState(state)), temporary));
      if (fsync(file.Get()) != 0) {
        return Failure("cannot write the state", temporary);
      }
    }
    if (std::rename(temporary.c_str(), path_.c_str()) != 0) {
      return Failure("cannot replace the state", path_);
    }
    OwnedDescriptor folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.IsOpen() || fsync(folder.Get()) != 0) {
      return Failure("cannot write the folder of the state", folder_);
    }
    return OkStatus();
  }

  size_t MostBytes() const override { return kMostFileBytes; }

 private:
  // Not on the file itself, which every Save replaces.
  Status Lock() {
    if (lock_.IsOpen()) {
      return OkStatus();
    }
    const std::string path = path_ + ".lock";
    OwnedDescriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!lock.IsOpen()) {
      return Failure("cannot lock the state; its folder must exist and be writable", path);
    }
    if (flock(lock.Get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return MakeStatus(
            StatusCode::kAborted,
            fmt::format("option state-file: another Kafka watcher uses {}; give each its own",
                        path_));
      }
      return Failure("cannot lock the state", path);
    }
    lock_ = std::move(lock);
    return OkStatus();
  }

  StatusOr<std::string> ReadAll(int descriptor) const {
    constexpr size_t kChunk = size_t{64} << 10U;
    std::string text;
    while (true) {
      const size_t size = text.size();
      text.resize(size + kChunk);
      const ssize_t got = read(descriptor, text.data() + size, kChunk);
      if (got < 0 && errno != EINTR) {
        return Failure("cannot read the state", path_);
      }
      text.resize(size + (got > 0 ? static_cast<size_t>(got) : 0));
      if (got == 0) {
        return text;
      }
      if (text.size() > 2 * kMostFileBytes) {
        return MakeStatus(StatusCode::kDataLoss,
                          fmt::format("option state-file: {} is too long to be a state; is it the "
                                      "right file?",
                                      path_));
      }
    }
  }

  const std::string path_;
  std::string folder_;
  OwnedDescriptor lock_{-1};
};

}  // namespace

std::unique_ptr<StateStore> MakeFileStateStore(std::string path) {
  return std::make_unique<FileStateStore>(std::move(path));
}

}  // namespace network_mapper::kafka

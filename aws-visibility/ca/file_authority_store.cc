#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "aws-visibility/ca/authority_store.h"

namespace network_mapper::aws {

namespace {

constexpr size_t kMostFileBytes = size_t{1} << 20U;

class OpenFile {
 public:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}

  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  ~OpenFile() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }

  int Get() const { return descriptor_; }

  bool IsOpen() const { return descriptor_ >= 0; }

 private:
  const int descriptor_;
};

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

class FileAuthorityStore final : public AuthorityStore {
 public:
  explicit FileAuthorityStore(std::string path) : path_(std::move(path)) {
    const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
    folder_ = folder.empty() ? "." : folder.string();
  }

  StatusOr<std::string> Load() override {
    ASSIGN_OR_RETURN(last_, Read());
    return last_;
  }

  Status Save(const std::string& text) override {
    const std::string lock_path = path_ + ".lock";
    const OpenFile lock(
        open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    // It is held for as long as one write takes.
    if (!lock.IsOpen() || flock(lock.Get(), LOCK_EX) != 0) {
      return Failure("cannot lock it; its folder must exist and be writable");
    }
    ASSIGN_OR_RETURN(const std::string current, Read());
    if (current != last_) {
      return MakeStatus(StatusCode::kAborted, fmt::format("{} has changed", Place()));
    }
    RETURN_IF_ERROR(Replace(text));
    last_ = text;
    return OkStatus();
  }

  std::string Place() const override { return fmt::format("file {}", path_); }

  std::string Remedy() const override {
    return fmt::format("put back what was there, or remove {} to have a new authority made", path_);
  }

 private:
  Status Failure(std::string_view what) const {
    return Annotate(ErrnoStatus(errno, what), Place());
  }

  StatusOr<std::string> Read() const {
    // A FIFO would wait for its writer.
    const OpenFile file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.IsOpen()) {
      return errno == ENOENT ? StatusOr<std::string>(std::string()) : Failure("cannot read it");
    }

    struct stat status {};

    if (fstat(file.Get(), &status) != 0) {
      return Failure("cannot read it");
    }
    if (!S_ISREG(status.st_mode)) {
      return InvalidArgument("{} is no regular file", Place());
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
      return FailedPrecondition("{} holds private keys and is open to others: chmod 600 {}",
                                Place(), path_);
    }
    return ReadAll(file.Get());
  }

  StatusOr<std::string> ReadAll(int descriptor) const {
    constexpr size_t kChunk = size_t{64} << 10U;
    std::string text;
    while (true) {
      const size_t size = text.size();
      text.resize(size + kChunk);
      const ssize_t got = read(descriptor, text.data() + size, kChunk);
      if (got < 0 && errno != EINTR) {
        return Failure("cannot read it");
      }
      text.resize(size + (got > 0 ? static_cast<size_t>(got) : 0));
      if (got == 0) {
        return text;
      }
      if (text.size() > kMostFileBytes) {
        return MakeStatus(StatusCode::kDataLoss,
                          fmt::format("{} is too long; is it the right file?", Place()));
      }
    }
  }

  Status Replace(const std::string& text) const {
    const std::string temporary = path_ + ".new";
    {
      const OpenFile file(open(temporary.c_str(),
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                               S_IRUSR | S_IWUSR));
      if (!file.IsOpen() || fchmod(file.Get(), S_IRUSR | S_IWUSR) != 0) {
        return Failure("cannot write it");
      }
      RETURN_IF_ERROR(Annotate(WriteAll(file.Get(), text), Place()));
      if (fsync(file.Get()) != 0) {
        return Failure("cannot write it");
      }
    }
    if (std::rename(temporary.c_str(), path_.c_str()) != 0) {
      return Failure("cannot replace it");
    }
    const OpenFile folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.IsOpen() || fsync(folder.Get()) != 0) {
      return Failure("cannot write its folder");
    }
    return OkStatus();
  }

  const std::string path_;
  std::string folder_;
  // What the last Load gave.
  std::string last_;
};

}  // namespace

std::unique_ptr<AuthorityStore> MakeFileAuthorityStore(std::string path) {
  return std::make_unique<FileAuthorityStore>(std::move(path));
}

}  // namespace network_mapper::aws

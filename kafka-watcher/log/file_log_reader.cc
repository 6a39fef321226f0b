#include "kafka-watcher/log/file_log_reader.h"

#include <algorithm>
#include <utility>

#include "common/log/log.h"

namespace network_mapper::kafka {

namespace {

constexpr size_t kReadSize = size_t{64} << 10U;
// A step ends for a look at who wants it to stop.
constexpr int kMostRotationsAStep = 1000;
constexpr int kLooksForSaved = 3;
// Of a file that may be a copy, at its begin and its end.
constexpr size_t kCompared = 4096;

const Sibling* FindSaved(const std::vector<Sibling>& siblings, const FileLogPosition& saved) {
  // A volume that was mounted anew may have another device number.
  const bool same_device = std::any_of(siblings.begin(), siblings.end(), [&](const Sibling& one) {
    return one.look.id.device == saved.device;
  });
  for (const Sibling& one : siblings) {
    if (one.look.id.inode == saved.inode && (!same_device || one.look.id.device == saved.device)) {
      return &one;
    }
  }
  return nullptr;
}

StatusOr<std::string> TextAt(const OpenFile& file, uint64_t offset, size_t size) {
  std::string text(size, '\0');
  ASSIGN_OR_RETURN(const size_t count, file.ReadAt(offset, text.data(), text.size()));
  text.resize(count);
  return text;
}

// Whether somebody has copied the file that has ended: its begin and its end are there. Lines of
// Kafka begin with a time, so that those of another file differ.
StatusOr<bool> IsCopy(const Sibling& one, const OpenFile& ended, const FileLook& ended_look) {
  if (ended_look.size == 0 || one.look.size < ended_look.size) {
    return false;
  }
  ASSIGN_OR_RETURN(const OpenFile file, OpenFile::Open(one.path));
  const size_t size = std::min<uint64_t>(kCompared, ended_look.size);
  for (const uint64_t offset : {uint64_t{0}, ended_look.size - size}) {
    ASSIGN_OR_RETURN(const std::string theirs, TextAt(file, offset, size));
    ASSIGN_OR_RETURN(const std::string ours, TextAt(ended, offset, size));
    if (theirs != ours) {
      return false;
    }
  }
  return true;
}

// The oldest file that is younger than all that have ended, `ended` the last of them; `current`,
// which is at the path, if there is no other.
StatusOr<Sibling> NextAfter(const OpenFile& ended, const FileAge& newest, const std::string& path,
                            const FileLook& current) {
  ASSIGN_OR_RETURN(const FileLook ended_look, ended.Look());
  const FileAge after = std::max(newest, ended_look.age);
  for (const Sibling& one : SiblingsOf(path)) {
    if (one.look.age <= after || one.look.id == ended.Id()) {
      continue;
    }
    if (one.look.id != current.id) {
      const StatusOr<bool> is_copy = IsCopy(one, ended, ended_look);
      if (is_copy.ok() && *is_copy) {
        continue;
      }
    }
    return one;
  }
  return Sibling{path, current};
}

// Since a reader had got to `offset`, where a line begins. The file may have grown beyond it again,
// or be another one at the same inode.
StatusOr<bool> WasTruncated(const OpenFile& file, const FileLogPosition& saved) {
  const uint64_t offset = saved.offset;
  if (offset == 0) {
    return false;
  }
  char before = 0;
  ASSIGN_OR_RETURN(const size_t count, file.ReadAt(offset - 1, &before, 1));
  return count == 0 || before != '\n' ||
         (saved.mark != 0 && MarkBefore(file, offset) != saved.mark);
}

}  // namespace

FileLogReader::FileLogReader(std::string path, std::optional<FileLogPosition> saved,
                             WatchedLog& log, HarvestSignal& harvested, const Clock& clock)
    : path_(std::move(path)),
      log_(log),
      clock_(clock),
      saved_(std::move(saved)),
      feed_(log, harvested),
      buffer_(kReadSize) {
  if (saved_) {
    log_.MoveTo(*saved_);
  }
}

Status FileLogReader::Step(const std::stop_token& stop) {
  if (!file_) {
    RETURN_IF_ERROR(Begin());
  }
  for (int rotations = 0; rotations < kMostRotationsAStep; ++rotations) {
    RETURN_IF_ERROR(ReadToEnd(stop));
    if (stop.stop_requested()) {
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const FileLook current, LookAt(path_));
    if (current.id == file_->Id()) {
      rotated_ = false;
      if (current.size < read_to_) {
        StartOver();
        continue;
      }
      size_ = current.size;
      return OkStatus();
    }
    // The writer may need an instant to let go of the file that was renamed.
    if (!std::exchange(rotated_, true)) {
      return OkStatus();
    }
    RETURN_IF_ERROR(GoOnToNext(current, stop));
  }
  return OkStatus();
}

Status FileLogReader::Begin() {
  // A file that is renamed meanwhile may be missing in a list.
  for (int looks = 0; saved_ && looks < kLooksForSaved; ++looks) {
    const std::vector<Sibling> siblings = SiblingsOf(path_);
    if (const Sibling* found = FindSaved(siblings, *saved_)) {
      ASSIGN_OR_RETURN(OpenFile file, OpenFile::Open(found->path));
      if (file.Id() != found->look.id) {
        continue;
      }
      ASSIGN_OR_RETURN(const bool truncated, WasTruncated(file, *saved_));
      if (truncated) {
        log_.CountGap();
      }
      Use(std::move(file), truncated ? 0 : saved_->offset);
      saved_.reset();
      rotated_ = true;
      return OkStatus();
    }
  }
  StatusOr<OpenFile> file = OpenFile::Open(path_);
  if (!file.ok()) {
    begun_ = begun_ || file.status().code() == StatusCode::kNotFound;
    return file.status();
  }
  if (saved_) {
    LogWarn("a log file is gone, with what of it was not read", {{"path", path_}});
    log_.CountGap();
    saved_.reset();
    begun_ = true;
  }
  if (begun_) {
    Use(*std::move(file), 0);
    return OkStatus();
  }
  begun_ = true;
  return UseFromEnd(*std::move(file));
}

// From the last line's begin, if that line is not complete yet.
Status FileLogReader::UseFromEnd(OpenFile file) {
  ASSIGN_OR_RETURN(const FileLook look, file.Look());
  const uint64_t from = look.size - std::min<uint64_t>(look.size, buffer_.size());
  ASSIGN_OR_RETURN(const size_t count, file.ReadAt(from, buffer_.data(), buffer_.size()));
  const size_t newline = std::string_view(buffer_.data(), count).rfind('\n');
  uint64_t begin = from == 0 ? 0 : from + count;
  if (newline != std::string_view::npos) {
    begin = from + newline + 1;
  }
  Use(std::move(file), begin);
  return OkStatus();
}

void FileLogReader::Use(OpenFile file, uint64_t offset) {
  file_ = std::move(file);
  offset_ = offset;
  read_to_ = offset;
  size_ = offset;
  cutter_.Clear();
  log_.MoveTo(Position());
}

// The file was truncated in place.
void FileLogReader::StartOver() {
  // What was written between the last look and the truncation is not known to have been there.
  if (size_ > read_to_ || cutter_.Rest()) {
    log_.CountGap();
  }
  offset_ = 0;
  read_to_ = 0;
  size_ = 0;
  cutter_.Clear();
  log_.MoveTo(Position());
}

// The open file was renamed and is at its end: goes on with the oldest of the younger ones.
Status FileLogReader::GoOnToNext(const FileLook& current, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const Sibling next, NextAfter(*file_, newest_ended_, path_, current));
  ASSIGN_OR_RETURN(OpenFile file, OpenFile::Open(next.path));
  // A file that is renamed meanwhile may be missing in a list: what does not stay is looked at
  // again.
  ASSIGN_OR_RETURN(const Sibling again, NextAfter(*file_, newest_ended_, path_, current));
  if (file.Id() != next.look.id || again.look.id != next.look.id) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const FileLook ended, file_->Look());
  newest_ended_ = std::max(newest_ended_, ended.age);
  TakeRest(stop);
  if (!stop.stop_requested()) {
    rotated_ = file.Id() != current.id;
    Use(std::move(file), 0);
  }
  return OkStatus();
}

Status FileLogReader::ReadToEnd(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    ASSIGN_OR_RETURN(const size_t count, file_->ReadAt(read_to_, buffer_.data(), buffer_.size()));
    if (count == 0) {
      return OkStatus();
    }
    read_to_ += count;
    size_ = std::max(size_, read_to_);
    const Time now = clock_.Now();
    const bool goes_on =
        cutter_.Push(std::string_view(buffer_.data(), count),
                     [&](const CutLine& line) { return TakeLine(line, now, stop); });
    if (!goes_on || !Flush(stop)) {
      return OkStatus();
    }
  }
  return OkStatus();
}

bool FileLogReader::TakeLine(const CutLine& line, Time now, const std::stop_token& stop) {
  if (line.overlong) {
    feed_.AddOverlong();
  } else {
    feed_.Add({.text = line.text, .written_at = now});
  }
  offset_ += line.length;
  return !feed_.IsFull() || Flush(stop);
}

bool FileLogReader::Flush(const std::stop_token& stop) {
  return feed_.Empty() || feed_.Flush(Position(), stop);
}

// The unfinished last line of a file that nobody writes any more.
void FileLogReader::TakeRest(const std::stop_token& stop) {
  if (const std::optional<CutLine> rest = cutter_.Rest()) {
    TakeLine(*rest, clock_.Now(), stop);
    Flush(stop);
    cutter_.Clear();
  }
}

uint64_t FileLogReader::Behind() const {
  return size_ - std::min(size_, offset_);
}

LogPosition FileLogReader::Position() const {
  return FileLogPosition{.path = path_,
                         .device = file_->Id().device,
                         .inode = file_->Id().inode,
                         .offset = offset_,
                         .mark = MarkBefore(*file_, offset_)};
}

}  // namespace network_mapper::kafka

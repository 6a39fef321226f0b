// Disks that do not take what the mapper writes.
#include <httplib.h>
#include <sys/mount.h>

#include <fstream>

#include "tests/faults/faults.h"

namespace network_mapper::faults {

namespace {

using namespace std::chrono_literals;

void FillUp(const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  // Bytes too: less than a block may be left.
  for (const size_t size : {size_t{1} << 16, size_t{1}}) {
    const std::string piece(size, 'x');
    while (file.write(piece.data(), static_cast<std::streamsize>(size)).flush()) {
    }
    file.clear();
  }
}

bool StoreIsDegraded(const MapperProcess& mapper) {
  httplib::Client client("127.0.0.1", mapper.ApiPort());
  const httplib::Result answer = client.Get("/readyz");
  return answer && answer->body.find(R"("store":"degraded)") != std::string::npos;
}

void FillDisk(Stage& stage) {
  const std::filesystem::path filler = stage.StoreDirectory() / "filler";
  FillUp(filler);
  // What the database had allocated already may last for a while.
  const bool degraded = Eventually([&] { return StoreIsDegraded(stage.Mapper()); }, 20s);
  stage.Require(degraded, "/readyz does not say that the store takes nothing");
  // What was on disk before may still be under way to the collectors.
  stage.Pass(500ms, 500ms);
  const uint64_t acknowledged = stage.TheLoad().State().acknowledged;
  stage.PassLength();
  stage.Require(stage.TheLoad().State().acknowledged == acknowledged,
                "something is acknowledged that cannot be on disk");
  stage.Require(!stage.Mapper().Query(kIntentsQuery).is_null(), "queries are not answered");
  std::filesystem::remove(filler);
  stage.WaitForProgress();
  stage.Remark(
      "meanwhile nothing was acknowledged, queries were answered, /readyz named the store");
}

void Remount(Stage& stage, unsigned long flags) {
  stage.Require(
      mount(nullptr, stage.StoreDirectory().c_str(), nullptr, MS_REMOUNT | flags, nullptr) == 0,
      "remount");
}

void MakeDiskReadOnly(Stage& stage) {
  stage.KillMapper();
  Remount(stage, MS_RDONLY);
  stage.Mapper().Launch();
  stage.Require(stage.Mapper().WaitForExit() == 1, "the mapper starts with a read-only disk");
  const std::string log = stage.Mapper().Log();
  const std::string last = log.substr(log.rfind('\n', log.size() - 2) + 1);
  stage.Require(last.find("map.db: is read-only") != std::string::npos,
                "the error does not name the file and the cause: " + last);
  stage.PassLength();
  Remount(stage, 0);
  stage.StartMapper();
  stage.Remark(
      "the mapper refuses to start, says why, and the collectors wait; pods that ended "
      "meanwhile are unknown to the next one");
}

}  // namespace

std::vector<Fault> DiskFaults() {
  return {{.name = "disk-full",
           .what = "the disk is full, then there is room again",
           .stage = {.small_disk = true},
           .play = FillDisk},
          {.name = "disk-read-only",
           .what = "the mapper is killed and comes back to a read-only disk",
           .stage = {.small_disk = true},
           .play = MakeDiskReadOnly}};
}

}  // namespace network_mapper::faults

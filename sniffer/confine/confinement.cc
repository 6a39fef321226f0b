#include "sniffer/confine/confinement.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>
#include <memory>
#include <type_traits>

namespace network_mapper::sniffer {

namespace {

constexpr std::array<cap_value_t, 2> kNeeded = {CAP_NET_RAW, CAP_SYS_PTRACE};

// A list of what is refused and not of what is allowed: a C library or kernel that we have not met
// must not stop a node's agent. What is not known to the architecture is passed over.
constexpr std::array kRefused = {
    // Other programs.
    SCMP_SYS(execve), SCMP_SYS(execveat),
    // Other processes.
    SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd), SCMP_SYS(process_madvise),
    // Other namespaces and roots.
    SCMP_SYS(setns), SCMP_SYS(unshare), SCMP_SYS(chroot), SCMP_SYS(pivot_root),
    // Mounts, devices, files by handle.
    SCMP_SYS(mount), SCMP_SYS(umount), SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree),
    SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    // Other users.
    SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid),
    SCMP_SYS(setresgid), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(setgroups),
    // The kernel itself, and its clock and names.
    SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
    SCMP_SYS(syslog), SCMP_SYS(acct), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex), SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
    SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt),
    // Rarely used, often at fault.
    SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
    SCMP_SYS(vmsplice), SCMP_SYS(fanotify_init), SCMP_SYS(lookup_dcookie), SCMP_SYS(nfsservctl),
    SCMP_SYS(uselib), SCMP_SYS(vhangup)};

constexpr std::array<scmp_datum_t, 7> kNamespaceFlags = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                                         CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                                         CLONE_NEWCGROUP};

struct CapabilityDeleter {
  void operator()(cap_t capabilities) const { cap_free(capabilities); }
};

struct FilterDeleter {
  void operator()(scmp_filter_ctx filter) const { seccomp_release(filter); }
};

using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, CapabilityDeleter>;
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, FilterDeleter>;

// libseccomp's functions return a negative errno.
Status SeccompStatus(int result, const char* what) {
  return result < 0 ? ErrnoStatus(-result, what) : OkStatus();
}

bool IsNeeded(cap_value_t capability) {
  return capability == kNeeded[0] || capability == kNeeded[1];
}

// Keeps root from getting them back by starting a program. Takes a right that containers do not
// have; there the runtime has done it.
void ShrinkBoundingSet() {
  for (cap_value_t capability = 0; capability < cap_max_bits(); ++capability) {
    if (!IsNeeded(capability)) {
      cap_drop_bound(capability);
    }
  }
}

Status RefuseNamespaces(scmp_filter_ctx filter) {
  for (const scmp_datum_t flag : kNamespaceFlags) {
    RETURN_IF_ERROR(SeccompStatus(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone),
                                                   1, SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)),
                                  "refuse clone with namespaces"));
  }
  // Its flags are in memory, where no filter sees them; the C library then takes clone.
  return SeccompStatus(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0),
                       "refuse clone3");
}

}  // namespace

Status KeepNeededCapabilities() {
  const Capabilities before(cap_get_proc());
  const Capabilities after(cap_init());
  if (before == nullptr || after == nullptr) {
    return ErrnoStatus(errno, "read capabilities");
  }
  for (const cap_value_t capability : kNeeded) {
    for (const cap_flag_t set : {CAP_PERMITTED, CAP_EFFECTIVE}) {
      cap_flag_value_t value = CAP_CLEAR;
      cap_get_flag(before.get(), capability, set, &value);
      cap_set_flag(after.get(), set, 1, &capability, value);
    }
  }
  ShrinkBoundingSet();
  // Old kernels have no ambient set.
  cap_reset_ambient();
  if (cap_set_proc(after.get()) != 0) {
    return ErrnoStatus(errno, "drop capabilities");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return ErrnoStatus(errno, "set no_new_privs");
  }
  return OkStatus();
}

Status RefuseUnneededSystemCalls() {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW));
  if (filter == nullptr) {
    return Internal("seccomp_init fails");
  }
  // Calls of another architecture, such as 32-bit ones.
  RETURN_IF_ERROR(
      SeccompStatus(seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM)),
                    "refuse calls of other architectures"));
  RETURN_IF_ERROR(SeccompStatus(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1),
                                "filter the calls of all threads"));
  for (const int call : kRefused) {
    RETURN_IF_ERROR(SeccompStatus(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0),
                                  "refuse a system call"));
  }
  RETURN_IF_ERROR(RefuseNamespaces(filter.get()));
  return SeccompStatus(seccomp_load(filter.get()), "load the seccomp filter");
}

}  // namespace network_mapper::sniffer

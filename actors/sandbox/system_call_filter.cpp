// One table of refused calls; rules with a condition stand below it.
#include "actors/sandbox/system_call_filter.hpp"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace mendel::sandbox {
namespace {

constexpr int kRefused[] = {
    // other processes and what they hold
    SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp), SCMP_SYS(pidfd_getfd), SCMP_SYS(process_madvise),
    // namespaces and mounts
    SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(move_mount),
    SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(fsconfig), SCMP_SYS(fspick), SCMP_SYS(mount_setattr), SCMP_SYS(swapon),
    SCMP_SYS(swapoff), SCMP_SYS(quotactl), SCMP_SYS(name_to_handle_at), SCMP_SYS(open_by_handle_at), SCMP_SYS(fanotify_init),
    // the kernel itself
    SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(reboot), SCMP_SYS(acct), SCMP_SYS(syslog), SCMP_SYS(personality),
    SCMP_SYS(lookup_dcookie), SCMP_SYS(vhangup), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime),
    // memory that neither a limit nor the size of a folder counts
    SCMP_SYS(memfd_create), SCMP_SYS(memfd_secret), SCMP_SYS(shmget), SCMP_SYS(msgget), SCMP_SYS(semget), SCMP_SYS(mq_open),
    // every way to talk to somebody
    SCMP_SYS(socket), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(connect), SCMP_SYS(accept), SCMP_SYS(accept4),
};

constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint64_t kTerminalInput[] = {TIOCSTI, TIOCLINUX};

// The first error, or 0.
int add_rules(scmp_filter_ctx filter) {
  for (const int call : kRefused)
    if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0); error != 0) return error;
  // glibc falls back to clone(), whose flags a filter can read.
  if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0); error != 0) return error;
  for (std::uint64_t bit = 1; bit != 0 && bit <= kNamespaces; bit <<= 1) {
    if ((kNamespaces & bit) == 0) continue;
    if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit)); error != 0) return error;
  }
  if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX)); error != 0) return error;
  for (const auto request : kTerminalInput)
    if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, request)); error != 0) return error;
  return 0;
}

}  // namespace

Result<std::string> system_call_filter() {
  const auto failed = [](const char* what, int error) {
    return Error{ErrorCode::unavailable, std::string("sandbox: ") + what + ": " + std::strerror(error) + "; the kernel or libseccomp is too old"};
  };
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (!filter) return failed("no system call filter", ENOMEM);
  if (const int error = add_rules(filter.get()); error != 0) return failed("the system call filter", -error);
  const int fd = memfd_create("filter", MFD_CLOEXEC);
  if (fd < 0) return failed("the system call filter", errno);
  const int error = seccomp_export_bpf(filter.get(), fd);
  std::string out;
  if (error == 0) {
    const auto size = lseek(fd, 0, SEEK_END);
    out.resize(static_cast<std::size_t>(size));
    if (pread(fd, out.data(), out.size(), 0) != size) out.clear();
  }
  close(fd);
  if (out.empty()) return failed("the system call filter", error == 0 ? EIO : -error);
  return out;
}

}  // namespace mendel::sandbox

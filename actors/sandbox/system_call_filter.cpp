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

#define REFUSED(name) {#name, SCMP_SYS(name)}
constexpr RefusedCall kRefused[] = {
    // other processes and what they hold
    REFUSED(ptrace), REFUSED(process_vm_readv), REFUSED(process_vm_writev), REFUSED(kcmp), REFUSED(pidfd_getfd), REFUSED(process_madvise),
    REFUSED(migrate_pages), REFUSED(move_pages),
    // namespaces and mounts
    REFUSED(unshare), REFUSED(setns), REFUSED(mount), REFUSED(umount2), REFUSED(pivot_root), REFUSED(chroot), REFUSED(move_mount), REFUSED(open_tree),
    REFUSED(fsopen), REFUSED(fsmount), REFUSED(fsconfig), REFUSED(fspick), REFUSED(mount_setattr), REFUSED(swapon), REFUSED(swapoff),
    REFUSED(quotactl), REFUSED(name_to_handle_at), REFUSED(open_by_handle_at), REFUSED(fanotify_init), REFUSED(fanotify_mark), REFUSED(sethostname),
    REFUSED(setdomainname),
    // the kernel itself, and what is left in it of old times
    REFUSED(bpf), REFUSED(perf_event_open), REFUSED(userfaultfd), REFUSED(keyctl), REFUSED(add_key), REFUSED(request_key), REFUSED(kexec_load),
    REFUSED(kexec_file_load), REFUSED(init_module), REFUSED(finit_module), REFUSED(delete_module), REFUSED(create_module), REFUSED(query_module),
    REFUSED(get_kernel_syms), REFUSED(io_uring_setup), REFUSED(io_uring_enter), REFUSED(io_uring_register), REFUSED(reboot), REFUSED(acct),
    REFUSED(syslog), REFUSED(personality), REFUSED(lookup_dcookie), REFUSED(vhangup), REFUSED(settimeofday), REFUSED(clock_settime),
    REFUSED(adjtimex), REFUSED(clock_adjtime), REFUSED(ioperm), REFUSED(iopl), REFUSED(modify_ldt), REFUSED(nfsservctl), REFUSED(uselib),
    REFUSED(ustat), REFUSED(sysfs), REFUSED(vmsplice),
    // memory that neither a limit nor the size of a folder counts
    REFUSED(memfd_create), REFUSED(memfd_secret), REFUSED(shmget), REFUSED(shmat), REFUSED(msgget), REFUSED(semget), REFUSED(mq_open),
    // every way to talk to somebody
    REFUSED(socket), REFUSED(bind), REFUSED(listen), REFUSED(connect), REFUSED(accept), REFUSED(accept4),
};
#undef REFUSED

constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint64_t kTerminalInput[] = {TIOCSTI, TIOCLINUX};

// The first error, or 0.
int add_rules(scmp_filter_ctx filter) {
  for (const auto& call : kRefused)
    if (const int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call.number, 0); error != 0) return error;
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

std::span<const RefusedCall> refused_calls() { return kRefused; }

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

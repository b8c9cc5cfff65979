/** Numbers of system calls that a sandboxed program cannot make, by processor (Linux, unistd.h). */
interface Machine {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  /** Numbers from here on are another ABI's (x32), which would be a way round. */
  readonly limit: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly clone: number;
  readonly clone3: number;
}

// What would hold memory outside every limit (memfd, System V segments and messages), reach into another process, change
// mounts or namespaces, or talk to parts of the kernel that no workflow needs.
const X64 = {
  memfd_create: 319,
  memfd_secret: 447,
  shmget: 29,
  msgget: 68,
  ptrace: 101,
  process_vm_readv: 310,
  process_vm_writev: 311,
  pidfd_getfd: 438,
  mount: 165,
  umount2: 166,
  pivot_root: 155,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  unshare: 272,
  setns: 308,
  add_key: 248,
  request_key: 249,
  keyctl: 250,
  bpf: 321,
  userfaultfd: 323,
  perf_event_open: 298,
  io_uring_setup: 425,
  open_by_handle_at: 304,
} as const;

const ARM64: Record<keyof typeof X64, number> = {
  memfd_create: 279,
  memfd_secret: 447,
  shmget: 194,
  msgget: 186,
  ptrace: 117,
  process_vm_readv: 270,
  process_vm_writev: 271,
  pidfd_getfd: 438,
  mount: 40,
  umount2: 39,
  pivot_root: 41,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  unshare: 97,
  setns: 268,
  add_key: 217,
  request_key: 218,
  keyctl: 219,
  bpf: 280,
  userfaultfd: 282,
  perf_event_open: 241,
  io_uring_setup: 425,
  open_by_handle_at: 265,
};

const MACHINES: Readonly<Record<string, Machine>> = {
  x64: { audit: 0xc000003e, limit: 0x40000000, calls: X64, clone: 56, clone3: 435 },
  arm64: { audit: 0xc00000b7, limit: 0x40000000, calls: ARM64, clone: 220, clone3: 435 },
};

// linux/bpf_common.h and linux/seccomp.h
const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
const NUMBER_AT = 0;
const ARCH_AT = 4;
/** The lower half of a call's first argument. */
const ARGUMENT_AT = 16;
/** linux/sched.h */
const CLONE_NEWUSER = 0x10000000;
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const FAIL_EPERM = 0x00050001;
const FAIL_ENOSYS = 0x00050026;

function instruction(code: number, value: number, ifTrue = 0, ifFalse = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}

/**
 * The classic BPF program that bubblewrap installs as the sandbox's system call filter: the calls above fail with EPERM, and
 * so does clone for another user namespace, in which a program would have powers again. The flags of clone3 cannot be
 * seen: it fails with ENOSYS, upon which C libraries use clone. (bubblewrap's own --disable-userns writes to /proc/sys, which
 * a container has read-only.) A program for another processor is killed. Throws for a processor without a table.
 */
export function seccompFilter(processor: string): Buffer {
  const machine = MACHINES[processor];
  if (machine === undefined) throw new TypeError(`the sandbox has no system call table for ${processor}`);
  const calls = Object.values(machine.calls);
  return Buffer.concat([
    instruction(LOAD_WORD, ARCH_AT),
    instruction(JUMP_EQUAL, machine.audit, 1, 0),
    instruction(RETURN, KILL),
    instruction(LOAD_WORD, NUMBER_AT),
    instruction(JUMP_AT_LEAST, machine.limit, calls.length + 5, 0),
    ...calls.map((call, index) => instruction(JUMP_EQUAL, call, calls.length - index + 4, 0)),
    instruction(JUMP_EQUAL, machine.clone3, 5, 0),
    instruction(JUMP_EQUAL, machine.clone, 0, 2),
    instruction(LOAD_WORD, ARGUMENT_AT),
    instruction(JUMP_ANY_BIT, CLONE_NEWUSER, 1, 0),
    instruction(RETURN, ALLOW),
    instruction(RETURN, FAIL_EPERM),
    instruction(RETURN, FAIL_ENOSYS),
  ]);
}

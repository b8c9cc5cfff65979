import { describe, expect, it } from 'vitest';
import { seccompFilter } from './seccomp-filter.js';

/** Runs a classic BPF program over one system call, as the kernel does (linux/filter.h). */
function verdict(filter: Buffer, arch: number, call: number, argument = 0): number {
  let accumulator = 0;
  for (let at = 0; ; at += 1) {
    const code = filter.readUInt16LE(at * 8);
    const value = filter.readUInt32LE(at * 8 + 4);
    const jump = (taken: boolean) => filter.readUInt8(at * 8 + (taken ? 2 : 3));
    if (code === 0x06) return value;
    if (code === 0x20) accumulator = { 0: call, 4: arch, 16: argument }[value] as number;
    else if (code === 0x15) at += jump(accumulator === value);
    else if (code === 0x35) at += jump(accumulator >= value);
    else if (code === 0x45) at += jump((accumulator & value) !== 0);
    else throw new Error(`unknown instruction ${code}`);
  }
}

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const KILL = 0x80000000;
const X64 = 0xc000003e;
const ARM64 = 0xc00000b7;

describe('seccompFilter', () => {
  it.each([
    ['read', 0, ALLOW],
    ['clone', 56, ALLOW],
    ['memfd_create', 319, EPERM],
    ['shmget', 29, EPERM],
    ['ptrace', 101, EPERM],
    ['unshare', 272, EPERM],
    ['open_by_handle_at, the last of the list', 304, EPERM],
    ['a call of the x32 ABI', 0x40000000, EPERM],
    ['the highest number', 0xffffffff, EPERM],
  ])('judges %s on x64', (_name, call, expected) => {
    expect(verdict(seccompFilter('x64'), X64, call)).toBe(expected);
  });

  it.each([
    ['x64', X64, 56],
    ['arm64', ARM64, 220],
  ])('lets %s programs fork and start threads, but make no user namespace', (name, arch, clone) => {
    const filter = seccompFilter(name);
    expect(verdict(filter, arch, clone, 0x01200011)).toBe(ALLOW);
    expect(verdict(filter, arch, clone, 0x003d0f00)).toBe(ALLOW);
    expect(verdict(filter, arch, clone, 0x10000011)).toBe(EPERM);
    expect(verdict(filter, arch, 435, 0)).toBe(ENOSYS);
  });

  it('kills a program for another processor', () => {
    expect(verdict(seccompFilter('x64'), 0x40000003, 3)).toBe(KILL);
    expect(verdict(seccompFilter('arm64'), X64, 0)).toBe(KILL);
  });

  it('knows the numbers of arm64', () => {
    expect(verdict(seccompFilter('arm64'), ARM64, 279)).toBe(EPERM);
    expect(verdict(seccompFilter('arm64'), ARM64, 319)).toBe(ALLOW);
  });

  it('refuses to guess for other processors', () => {
    expect(() => seccompFilter('riscv64')).toThrow('no system call table for riscv64');
  });
});

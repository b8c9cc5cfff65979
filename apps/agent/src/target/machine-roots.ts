/** Where the kernel and udev show the machine; tests put a tree of files in their place. */
export interface MachineRoots {
  sys: string;
  proc: string;
  dev: string;
  run: string;
}

export const MACHINE_ROOTS: MachineRoots = { sys: '/sys', proc: '/proc', dev: '/dev', run: '/run' };

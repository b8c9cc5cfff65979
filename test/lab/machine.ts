/** A virtual machine on the lab's network: firmware, NIC first in the boot order, disks as raw files, serial console. */
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabNetwork } from './network.ts';
import { eventually, start, stop } from './process.ts';
import { qmp } from './qmp.ts';

interface MachineDisk {
  file: string;
  serial?: string;
  throttleBytesPerSecond?: number;
  /** A removable USB stick in place of a fixed disk. */
  stick?: boolean;
}

export interface MachineOptions {
  name: string;
  mac: string;
  firmware: 'bios' | 'uefi';
  /** UEFI: starts nothing that nobody whom it trusts has signed. */
  secureBoot?: boolean;
  /** Raw disk files in the order in which the machine sees them. */
  disks: readonly MachineDisk[];
  memoryMiB?: number;
  /**
   * UEFI: boot by the emulator's option ROM, an iPXE of 2019, in place of the firmware's own PXE client, which loads
   * ours. A BIOS machine always boots by that ROM.
   */
  oldIpxeRom?: boolean;
  /** UEFI: boot by the firmware's HTTP client, as machines without TFTP do. */
  httpBoot?: boolean;
  /** BIOS: boot by a card's ROM that does not say it is iPXE, as most do, so that it is given ours. */
  foreignRom?: boolean;
  /** Whether the firmware tries the network before the disks; it does by default. */
  networkFirst?: boolean;
}

// With -kernel the emulator itself is boot option 0.
const [NETWORK, FIRST_DISK, NETWORK_LAST] = [1, 2, 9];
// The kernel's late messages may follow on the same line.
const LOGIN_PROMPT = /\w login: /;
const PANIC = /Kernel panic - not syncing/;
const LOGIN_MS = 480_000;
const LKRN = '/usr/lib/ipxe/ipxe.lkrn';
const OVMF = '/usr/share/OVMF';

function diskArguments(options: MachineOptions): string[] {
  const firstIndex = options.networkFirst === false ? 0 : FIRST_DISK;
  const bus = options.disks.some(({ stick }) => stick) ? ['-device', 'qemu-xhci'] : [];
  const disks = options.disks.flatMap((disk, index) => {
    const throttle = disk.throttleBytesPerSecond ? `,throttling.bps-write=${disk.throttleBytesPerSecond}` : '';
    const serial = disk.serial ? `,serial=${disk.serial}` : '';
    return [
      '-drive',
      `file=${disk.file},if=none,id=d${index},format=raw,discard=unmap${throttle}`,
      '-device',
      `${disk.stick ? 'usb-storage,removable=on' : 'virtio-blk-pci'},drive=d${index},bootindex=${firstIndex + index}${serial}`,
    ];
  });
  return [...bus, ...disks];
}

function variablesFile(options: MachineOptions, workDir: string): string {
  return join(workDir, `${options.name}.vars.fd`);
}

function firmwareArguments(options: MachineOptions, workDir: string): string[] {
  if (options.firmware === 'bios') return [];
  const vars = variablesFile(options, workDir);
  const kind = options.secureBoot ? '.ms.fd' : '.fd';
  if (!existsSync(vars)) copyFileSync(`${OVMF}/OVMF_VARS_4M${kind}`, vars);
  return [
    // what has been verified is out of the guest's reach
    ...(options.secureBoot ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : []),
    ...['-drive', `if=pflash,format=raw,readonly=on,file=${OVMF}/OVMF_CODE_4M${kind}`],
    ...['-drive', `if=pflash,format=raw,file=${vars}`],
    // 64 s of waiting for an IPv6 network boot that the lab does not offer
    ...['-fw_cfg', 'name=opt/org.tianocore/IPv6PXESupport,string=n'],
    ...(options.httpBoot ? ['-fw_cfg', 'name=opt/org.tianocore/IPv4PXESupport,string=n'] : []),
  ];
}

/** An iPXE that calls itself something else to the DHCP server stands for the ROM of another maker. */
function foreignRomArguments(options: MachineOptions, workDir: string): string[] {
  const script = join(workDir, `${options.name}.rom.ipxe`);
  writeFileSync(script, '#!ipxe\nset user-class PLAINPXE\nautoboot\n');
  return ['-kernel', LKRN, '-initrd', script];
}

export class Machine {
  readonly #network: LabNetwork;
  readonly #workDir: string;
  readonly #options: MachineOptions;
  readonly #tap: string;
  #process: ChildProcess | undefined;
  /** Where the present power-on begins in the serial log, in characters. */
  #mark = 0;
  poweredOnAt = 0;

  constructor(network: LabNetwork, workDir: string, options: MachineOptions) {
    this.#network = network;
    this.#workDir = workDir;
    this.#options = options;
    this.#tap = network.addTap();
    writeFileSync(this.serialLog, '');
  }

  get mac(): string {
    return this.#options.mac;
  }

  get name(): string {
    return this.#options.name;
  }

  get firmware(): 'bios' | 'uefi' {
    return this.#options.firmware;
  }

  get serialLog(): string {
    return join(this.#workDir, `${this.#options.name}.serial.log`);
  }

  /** The flash file in which UEFI firmware keeps its variables. */
  get variables(): string {
    return variablesFile(this.#options, this.#workDir);
  }

  get #qmpSocket(): string {
    return join(this.#workDir, `${this.#options.name}.qmp`);
  }

  powerOn(): void {
    if (this.running) throw new Error(`${this.#options.name} is on already`);
    const { mac, memoryMiB = 1024, networkFirst, firmware, oldIpxeRom, foreignRom, secureBoot } = this.#options;
    const rom = (firmware === 'uefi' && !oldIpxeRom) || foreignRom ? ',romfile=' : '';
    rmSync(this.#qmpSocket, { force: true });
    this.#mark = this.serialText().length;
    this.poweredOnAt = Date.now();
    this.#process = start(
      this.#network.inside([
        'qemu-system-x86_64',
        ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-machine', `q35,graphics=off${secureBoot ? ',smm=on' : ''}`],
        // one processor: with two, emulated Linux panics at times while it patches its own code (int3 in sched_clock_cpu)
        ...['-smp', '1', '-m', String(memoryMiB), '-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
        ...['-qmp', `unix:${this.#qmpSocket},server,nowait`],
        ...['-netdev', `tap,id=n0,ifname=${this.#tap},script=no,downscript=no`],
        ...[
          '-device',
          `virtio-net-pci,netdev=n0,mac=${mac},bootindex=${networkFirst === false ? NETWORK_LAST : NETWORK}${rom}`,
        ],
        ...firmwareArguments(this.#options, this.#workDir),
        ...(foreignRom ? foreignRomArguments(this.#options, this.#workDir) : []),
        ...diskArguments(this.#options),
      ]),
      { logFile: this.serialLog, stdin: 'pipe' },
    );
  }

  get running(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Cuts the power: whatever the guest had not written to its disk is lost. */
  async powerOff(): Promise<void> {
    if (this.#process) await stop(this.#process, 'SIGKILL');
  }

  /** The reset button; what the console shows from here on counts as a new boot. */
  async reset(): Promise<void> {
    this.#mark = this.serialText().length;
    this.poweredOnAt = Date.now();
    await qmp(this.#qmpSocket, 'system_reset');
  }

  /** From now on a reboot of the guest leaves the machine halted, in place of starting it again. */
  async haltAtReboot(): Promise<void> {
    await eventually(`${this.name} has its monitor`, 10_000, () => existsSync(this.#qmpSocket));
    await qmp(this.#qmpSocket, 'set-action', { reboot: 'shutdown', shutdown: 'pause' });
  }

  /** Whether the guest has rebooted since `haltAtReboot`, so that nothing writes to its disks now. */
  async halted(): Promise<boolean> {
    const { status } = (await qmp(this.#qmpSocket, 'query-status')) as { status: string };
    return status === 'shutdown';
  }

  /** Ends what `haltAtReboot` began: the guest's reboot takes place, and later ones as they come. */
  async letReboot(): Promise<void> {
    await qmp(this.#qmpSocket, 'set-action', { reboot: 'reset', shutdown: 'poweroff' });
    await qmp(this.#qmpSocket, 'system_reset');
    await qmp(this.#qmpSocket, 'cont');
  }

  /** Types on the serial console. */
  type(text: string): void {
    this.#process?.stdin?.write(text);
  }

  /** All that the serial console has shown since the lab began. */
  serialText(): string {
    return existsSync(this.serialLog) ? readFileSync(this.serialLog, 'latin1') : '';
  }

  /** What the serial console has shown since the last power-on or reset. */
  console(): string {
    return this.serialText().slice(this.#mark);
  }

  /** Waits until the console has shown the prompt of a system's login since the last power-on or reset. */
  async reachesLogin(): Promise<void> {
    await this.shows(LOGIN_PROMPT, LOGIN_MS);
  }

  /** Waits until the console has shown the pattern since the last power-on or reset. */
  async shows(pattern: RegExp, limitMs: number): Promise<RegExpExecArray> {
    return eventually(
      () =>
        `${this.#options.name} shows ${pattern}; its console ends with: ${JSON.stringify(this.console().slice(-400))}`,
      limitMs,
      () => {
        const match = pattern.exec(this.console());
        if (match) return match;
        if (PANIC.test(this.console()))
          throw new Error(`${this.#options.name} panicked: ${this.console().slice(-2000)}`);
        if (!this.running) throw new Error(`${this.#options.name} went off: ${this.console().slice(-400)}`);
        return undefined;
      },
    );
  }
}

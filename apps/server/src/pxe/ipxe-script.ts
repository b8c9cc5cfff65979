import type { LiveEnvMode, MacAddress } from '@bty/wire-types';
import { ipxeArg, ipxeText } from './ipxe-arg.js';

/** Parts of the live env, initrds of their own. `base` is all that most jobs need; `cijoe` runs workflows. */
export type LiveEnvLayer = 'base' | 'cijoe';

/**
 * Kernel arguments of the live env. Output goes to the screen and the first serial port. Of several
 * `console=ttyS` the kernel takes the first alone, and is silent on all when that port does not exist.
 * `rootfstype=ramfs`: a tmpfs root takes at most half of the memory and cuts the initrd off silently on small machines.
 */
const LIVE_ENV_KERNEL_ARGS = 'rootfstype=ramfs random.trust_cpu=1 console=tty1 console=ttyS0,115200';

/** What the live env is told on its kernel command line. */
export interface LiveEnvBoot {
  /** Address of this server as the machine reaches it, without a trailing slash. */
  readonly baseUrl: string;
  readonly mac: MacAddress;
  readonly mode: LiveEnvMode;
  /** Initrds to load, in this order. */
  readonly layers: readonly LiveEnvLayer[];
  /** Single-use credential of this boot. */
  readonly token: string;
  /** More words for the command line, from the server's settings. */
  readonly extraArgs: string;
  readonly reason: string;
}

/** Sends iPXE to the script of its own machine, again and again while the server fails. */
export function bootstrapScript(baseUrl: string): string {
  const base = ipxeArg(baseUrl);
  return `#!ipxe
# bty: asks the server what this machine shall boot
set attempt:int32 0
:again
chain --replace ${base}/pxe/\${mac:hexhyp} ||
inc attempt
iseq \${attempt} 60 && goto give_up ||
echo bty: no answer from ${base}, trying again
sleep 3
goto again
:give_up
echo bty: giving up
exit 1
`;
}

/** Boots the live env. */
export function liveEnvScript(boot: LiveEnvBoot): string {
  const base = ipxeArg(boot.baseUrl);
  const extra = boot.extraArgs
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ` ${ipxeArg(word)}`)
    .join('');
  const told = [
    `bty.server=${base}`,
    `bty.mac=${ipxeArg(boot.mac)}`,
    `bty.mode=${ipxeArg(boot.mode)}`,
    `bty.token=${ipxeArg(boot.token)}`,
  ].join(' ');
  // Each is named on the command line, too: an EFI iPXE from before 2024 or so drops it otherwise.
  const named = boot.layers.map((layer) => `initrd=${layer}`).join(' ');
  const initrds = boot.layers
    .map((layer) => `initrd --name ${layer} ${base}/boot/${layer}.initrd || goto failed\n`)
    .join('');
  return `#!ipxe
# bty: live env, mode ${boot.mode}: ${ipxeText(boot.reason)}
echo bty: starting the live env (${ipxeText(boot.reason)})
set attempt:int32 0
:again
imgfree
kernel ${base}/boot/vmlinuz ${named} ${LIVE_ENV_KERNEL_ARGS}${extra} ${told} || goto failed
${initrds}boot || goto failed
:failed
inc attempt
iseq \${attempt} 5 && goto give_up ||
echo bty: the live env cannot be loaded from ${base}, trying again
sleep 5
goto again
:give_up
echo bty: giving up
exit 1
`;
}

/** Our own iPXE for UEFI, which a client with another one loads first. */
export interface EfiIpxe {
  /** Address of this server as the machine reaches it, without a trailing slash. */
  readonly baseUrl: string;
  /** What its `${version}` says: a client that says the same is ours, and is not sent round again. */
  readonly version: string;
}

/**
 * Boots the local disk: the first one, else the second one, else the firmware's next choice. Under UEFI only iPXE from 2024
 * or so on can do that, so a client that is not our own iPXE loads ours first, which then asks again; without
 * `efiIpxe` it has to try as it is.
 */
export function localScript(reason: string, efiIpxe: EfiIpxe | undefined): string {
  const ours =
    efiIpxe === undefined
      ? ''
      : `iseq \${platform} efi || goto disk
iseq \${version} ${ipxeArg(efiIpxe.version)} && goto disk ||
echo bty: loading an iPXE that can boot a disk under UEFI
chain ${ipxeArg(efiIpxe.baseUrl)}/boot/snponly.efi ||
:disk
`;
  return `#!ipxe
# bty: local disk: ${ipxeText(reason)}
echo bty: booting the local disk (${ipxeText(reason)})
${ours}sanboot --no-describe --drive 0x80 || sanboot --no-describe --drive 0x81 || exit 1
`;
}
